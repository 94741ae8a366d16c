#ifndef MAD_ENGINE_IMPL_SIBLINGS_IPP
#define MAD_ENGINE_IMPL_SIBLINGS_IPP

#include <mad/core/ids.hpp>
#include <mad/engine/detail/sid_of_request.hpp>
#include <mad/engine/siblings.hpp>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::engine {

namespace detail {

constexpr std::string_view sibling_suffix = ".instance";
/// First byte of a packet: a word of one's own state, the same that wants one back, a connection.
constexpr char word_mark = 'w', question_mark = 'q', connection_mark = 'c';
/// Until the next attempt to accept when there are no descriptors left.
constexpr milliseconds descriptor_pause{50};

inline bool await(int fd, short what, milliseconds patience) {
    pollfd p{fd, what, 0};
    int n;
    while ((n = ::poll(&p, 1, static_cast<int>(patience.count()))) < 0 && errno == EINTR)
        ;
    return n > 0;
}

enum class sent : std::uint8_t { yes, busy, gone };

/// A packet, with a descriptor beside it or without (-1).
inline sent send_packet(int to, std::string_view text, int fd, milliseconds patience) {
    iovec part{const_cast<char*>(text.data()), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> beside{};
    msghdr h{};
    h.msg_iov = &part;
    h.msg_iovlen = 1;
    if (fd >= 0) {
        h.msg_control = beside.data();
        h.msg_controllen = beside.size();
        auto* const c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(c), &fd, sizeof(int));
    }
    auto const limit = std::chrono::steady_clock::now() + patience;
    for (;;) {
        if (::sendmsg(to, &h, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return sent::yes;
        // ETOOMANYREFS: as many descriptors are on their way as this user may have.
        if (errno == ETOOMANYREFS)
            return sent::busy;
        if (errno != EAGAIN && errno != EINTR)
            return sent::gone;
        auto const left =
            std::chrono::duration_cast<milliseconds>(limit - std::chrono::steady_clock::now());
        if (left.count() <= 0 || !await(to, POLLOUT, left))
            return sent::busy;
    }
}

struct sibling_packet {
    char mark = 0;
    std::string text;
    int fd = -1;
};

/// Nothing: the other has gone, or said what cannot be.
inline std::optional<sibling_packet> receive_packet(int from) {
    std::array<char, 128> text;
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> beside{};
    msghdr h{};
    h.msg_iov = &part;
    h.msg_iovlen = 1;
    h.msg_control = beside.data();
    h.msg_controllen = beside.size();
    ssize_t n;
    while ((n = ::recvmsg(from, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    if (n <= 0)
        return std::nullopt;
    sibling_packet out;
    out.mark = text[0];
    out.text.assign(text.data() + 1, static_cast<std::size_t>(n) - 1);
    for (auto* c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
            std::memcpy(&out.fd, CMSG_DATA(c), sizeof(int));
    return out;
}

} // namespace detail

MAD_DECL siblings::siblings(siblings_settings s)
    : settings_(std::move(s)) {}

MAD_DECL siblings::~siblings() {
    stop();
}

MAD_DECL std::string siblings::path_of(std::uint16_t tag) const {
    return settings_.folder + "/" + std::to_string(tag) + std::string(detail::sibling_suffix);
}

MAD_DECL error_code
siblings::start(std::function<void(int, boost::asio::ip::address const&)> take) {
    auto made = net::open_unix_listener(path_of(settings_.tag), net::unix_taken::replace,
                                        net::unix_kind::packets);
    if (!made)
        return made.error();
    take_ = std::move(take);
    listener_ = made->fd;
    file_ = std::move(made->file);
    wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    thread_ = std::thread([this] { serve(); });
    greet_all();
    return {};
}

MAD_DECL void siblings::greet_all() {
    error_code ec;
    for (auto const& entry : std::filesystem::directory_iterator(settings_.folder, ec)) {
        auto const name = entry.path().filename().string();
        if (!name.ends_with(detail::sibling_suffix))
            continue;
        std::uint16_t tag = 0;
        auto const end = name.data() + name.size() - detail::sibling_suffix.size();
        auto const r = std::from_chars(name.data(), end, tag);
        if (r.ec == std::errc() && r.ptr == end && tag != settings_.tag)
            tell(tag, true);
    }
}

/// Says whether this one drains. `reply`: waits until the other has heard it.
MAD_DECL bool siblings::tell(std::uint16_t tag, bool reply) {
    auto const fd = net::connect_unix(path_of(tag), net::unix_kind::packets);
    if (!fd)
        return false;
    std::string text(1, reply ? detail::question_mark : detail::word_mark);
    text += (draining_ ? 'd' : 's') + std::to_string(settings_.tag);
    bool heard = detail::send_packet(*fd, text, -1, settings_.patience) == detail::sent::yes;
    if (heard && reply) {
        heard = detail::await(*fd, POLLIN, settings_.patience);
        auto const answer = heard ? detail::receive_packet(*fd) : std::nullopt;
        if (answer) {
            std::lock_guard lock(guard_);
            auto& w = ways_[tag];
            if (w.fd >= 0)
                ::close(w.fd);
            w = {*fd, answer->text.starts_with('d'), {}};
            wanted_ = true;
            settings_.log.info("engine.sibling", {{"tag", tag}, {"draining", w.draining}});
            return true;
        }
        settings_.log.warn("engine.sibling.silent", {{"tag", tag}});
    }
    ::close(*fd);
    return heard;
}

MAD_DECL void siblings::drain() {
    draining_ = true;
    std::vector<std::uint16_t> all;
    {
        std::lock_guard lock(guard_);
        for (auto const& [tag, w] : ways_)
            all.push_back(tag);
    }
    for (auto const tag : all)
        tell(tag, false);
}

MAD_DECL void siblings::stop() {
    if (!thread_.joinable())
        return;
    std::uint64_t const one = 1;
    [[maybe_unused]] auto const n = ::write(wake_, &one, sizeof one);
    thread_.join();
    ::close(listener_);
    ::close(wake_);
    file_ = {};
    std::lock_guard lock(guard_);
    wanted_ = false;
    for (auto const& [tag, w] : ways_)
        ::close(w.fd);
    ways_.clear(); // by which they know
}

MAD_DECL net::http::diversion siblings::divert(int fd, std::string_view start,
                                               boost::asio::ip::address const& peer) {
    using enum net::http::diversion;
    sockaddr_storage at{};
    socklen_t size = sizeof at;
    // Who comes by an instance's own socket means this instance.
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0 || at.ss_family == AF_UNIX)
        return stays;
    auto const sid = detail::sid_of_request(start);
    if (!sid)
        return unclear;
    if (!sid->empty()) {
        auto const tag = session_id::node_tag_of(*sid);
        return tag && *tag != settings_.tag && send(*tag, fd, peer) ? gone : stays;
    }
    if (!draining_)
        return stays;
    std::optional<std::uint16_t> next;
    {
        std::lock_guard lock(guard_);
        for (auto const& [tag, w] : ways_)
            if (!w.draining)
                next = tag;
    }
    return next && send(*next, fd, peer) ? gone : stays;
}

MAD_DECL bool siblings::send(std::uint16_t tag, int fd, boost::asio::ip::address const& peer) {
    std::string text(1, detail::connection_mark);
    text += peer.to_string();
    std::lock_guard lock(guard_); // one at a time: a sibling takes thousands a second
    auto const w = ways_.find(tag);
    auto const now = std::chrono::steady_clock::now();
    if (w == ways_.end() || now < w->second.busy_until)
        return false;
    switch (detail::send_packet(w->second.fd, text, fd, settings_.hold)) {
    case detail::sent::yes:
        return true;
    case detail::sent::busy:
        // Once, and not for each request: a shard that waits serves nobody.
        w->second.busy_until = std::chrono::steady_clock::now() + 10 * settings_.hold;
        settings_.log.warn("engine.sibling.busy", {{"tag", tag}});
        return false;
    case detail::sent::gone:
        break;
    }
    ::close(w->second.fd);
    ways_.erase(w);
    wanted_ = !ways_.empty();
    return false;
}

MAD_DECL void siblings::sweep() {
    std::lock_guard lock(guard_);
    std::erase_if(ways_, [](auto const& one) {
        pollfd p{one.second.fd, 0, 0};
        bool const over = ::poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
        if (over)
            ::close(one.second.fd);
        return over;
    });
    wanted_ = !ways_.empty();
}

MAD_DECL void siblings::serve() {
    std::vector<pollfd> fds{{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    for (;;) {
        if (::poll(fds.data(), fds.size(), -1) < 0) {
            if (errno != EINTR)
                break;
            continue; // what it says of descriptors is old
        }
        if (fds[1].revents)
            break;
        for (std::size_t i = fds.size(); i-- > 2;)
            if (fds[i].revents && !serve_one(fds[i].fd)) {
                ::close(fds[i].fd);
                fds.erase(fds.begin() + static_cast<std::ptrdiff_t>(i));
                sweep(); // it may have died without a word
            }
        if (!(fds[0].revents & POLLIN))
            continue;
        int const fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            fds.push_back({fd, POLLIN, 0});
        else if (errno == EMFILE || errno == ENFILE)
            detail::await(wake_, POLLIN, detail::descriptor_pause); // one may come free
    }
    for (std::size_t i = 2; i < fds.size(); ++i)
        ::close(fds[i].fd);
}

MAD_DECL bool siblings::serve_one(int fd) {
    auto const p = detail::receive_packet(fd);
    if (!p)
        return false;
    if (p->mark == detail::connection_mark) {
        error_code ec;
        auto const peer = boost::asio::ip::make_address(p->text, ec);
        if (p->fd >= 0 && !ec)
            take_(p->fd, peer);
        else if (p->fd >= 0)
            ::close(p->fd);
        return p->fd >= 0;
    }
    if (p->fd >= 0)
        ::close(p->fd);
    std::uint16_t tag = 0;
    auto const digits = std::string_view(p->text).substr(p->text.empty() ? 0 : 1);
    auto const r = std::from_chars(digits.data(), digits.data() + digits.size(), tag);
    if (r.ec != std::errc() || tag == settings_.tag)
        return false;
    bool const draining = p->text.front() == 'd';
    {
        std::lock_guard lock(guard_);
        auto& w = ways_[tag];
        w.draining = draining;
        if (w.fd < 0)
            if (auto const made = net::connect_unix(path_of(tag), net::unix_kind::packets))
                w.fd = *made;
        if (w.fd < 0)
            ways_.erase(tag);
        wanted_ = !ways_.empty();
    }
    if (p->mark == detail::question_mark) {
        std::string answer(1, detail::word_mark);
        answer += (draining_ ? 'd' : 's') + std::to_string(settings_.tag);
        return detail::send_packet(fd, answer, -1, settings_.patience) == detail::sent::yes;
    }
    return true;
}

} // namespace mad::inline MAD_ABI::engine

#endif
