#ifndef MAD_PROXY_IMPL_HANDOVER_LINK_IPP
#define MAD_PROXY_IMPL_HANDOVER_LINK_IPP

#include <mad/proxy/detail/handover_link.hpp>

#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::proxy::detail {

/// For one message of a link that works; the other only has to read it.
inline constexpr milliseconds link_patience{5'000};

inline error_code handover_error(int why = errno) {
    return {why, boost::system::system_category()};
}

MAD_DECL handed::~handed() {
    for (int const fd : fds)
        ::close(fd);
}

MAD_DECL handover_wire::~handover_wire() {
    ::close(fd_);
}

MAD_DECL error_code handover_wire::await(short events, time_point until) const {
    for (;;) {
        auto const left =
            std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
        pollfd p{fd_, events, 0};
        int const n = ::poll(&p, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
        if (n > 0)
            return {};
        if (n == 0)
            return handover_error(ETIMEDOUT);
        if (errno != EINTR)
            return handover_error();
    }
}

MAD_DECL error_code handover_wire::send(handover::message const& m, std::span<int const> fds,
                                        milliseconds patience) {
    auto text = handover::encode(m);
    if (text.empty())
        return handover_error(EMSGSIZE);
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * handover::max_descriptors)> beside{};
    msghdr h{};
    h.msg_iov = &part;
    h.msg_iovlen = 1;
    if (!fds.empty()) {
        h.msg_control = beside.data();
        h.msg_controllen = CMSG_SPACE(fds.size_bytes());
        auto* const c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
    }
    auto const until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        if (::sendmsg(fd_, &h, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return {};
        if (errno == EAGAIN) {
            if (auto const e = await(POLLOUT, until))
                return e;
        } else if (errno == ETOOMANYREFS) { // so many descriptors are on their way
            if (std::chrono::steady_clock::now() > until)
                return handover_error(ETIMEDOUT);
            ::poll(nullptr, 0, 1);
        } else if (errno != EINTR) {
            return handover_error();
        }
    }
}

MAD_DECL result<handed> handover_wire::receive(milliseconds patience) {
    std::string text(handover::max_bytes, '\0');
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * handover::max_descriptors)> beside{};
    msghdr h{};
    h.msg_iov = &part;
    h.msg_iovlen = 1;
    h.msg_control = beside.data();
    h.msg_controllen = beside.size();
    auto const until = std::chrono::steady_clock::now() + patience;
    ssize_t n;
    while ((n = ::recvmsg(fd_, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0) {
        // The other went with something unread: said once, and what it has sent is still there.
        if (errno == ECONNRESET && !std::exchange(reset_, true))
            continue;
        if (errno != EAGAIN && errno != EINTR)
            return handover_error();
        if (auto const e = await(POLLIN, until))
            return e;
    }
    handed out({}, {});
    for (auto* c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        auto const size = c->cmsg_len - CMSG_LEN(0);
        out.fds.resize(size / sizeof(int));
        std::memcpy(out.fds.data(), CMSG_DATA(c), size);
    }
    if (n == 0)
        return error_code(boost::asio::error::eof);
    auto m = handover::decode(std::string_view(text).substr(0, static_cast<std::size_t>(n)));
    auto const bad = handover_error(EBADMSG);
    if (!m || (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return bad;
    auto const wanted = handover::descriptors_of(*m);
    if (wanted ? out.fds.size() != *wanted : out.fds.empty())
        return bad;
    out.what = std::move(*m);
    return out;
}

MAD_DECL bool handover_wire::same_user() const {
    ucred who{};
    socklen_t size = sizeof who;
    return ::getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
           (who.uid == ::geteuid() || who.uid == 0);
}

MAD_DECL void restore_sessions(server& to, handover::known_sessions const& from) {
    auto const view = to.pool().view();
    auto const now = std::chrono::steady_clock::now();
    std::shared_ptr<target const> last; // most often the same again
    for (auto const& e : from.all) {
        if (!last || last->to.name != e.upstream)
            last = view->by_name(e.upstream);
        if (last)
            to.sids().restore({e.sid, last->id, e.polling, e.age}, *last, now);
    }
}

MAD_DECL handover_link::handover_link(server& s, logger log, std::uint16_t version)
    : server_(s)
    , log_(std::move(log))
    , version_(version)
    , wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    server_.sids().observe(*this);
}

MAD_DECL handover_link::~handover_link() {
    finish(false);
    ::close(wake_);
}

MAD_DECL void handover_link::start(std::unique_ptr<handover_wire> w) {
    wire_ = std::move(w);
    thread_ = std::thread([this] { run(); });
}

MAD_DECL void handover_link::finish(bool say_so) {
    server_.sids().unobserve(*this);
    say_end_ = say_so;
    finish_ = true;
    wake();
    if (thread_.joinable())
        thread_.join();
    wire_.reset();
}

MAD_DECL void handover_link::wake() const {
    std::uint64_t const one = 1;
    [[maybe_unused]] auto const n = ::write(wake_, &one, sizeof one);
}

MAD_DECL void handover_link::put(handover::message m, std::vector<int> fds) {
    handed h(std::move(m), std::move(fds));
    std::lock_guard const lock(mutex_);
    if (broken_)
        return; // the descriptors are closed with it
    queue_.push_back(std::move(h));
    wake();
}

MAD_DECL void handover_link::take(passed_client c) {
    int const fd = c.fd;
    put(std::move(c), {fd});
}

MAD_DECL void handover_link::take(passed_tunnel t) {
    std::vector<int> fds{t.client_fd, t.upstream_fd};
    if (t.web)
        return put(handover::web_tunnel{std::move(t)}, std::move(fds));
    if (!t.session && version_ >= 3)
        return put(handover::other_tunnel{std::move(t)}, std::move(fds));
    put(std::move(t), std::move(fds));
}

MAD_DECL void handover_link::learnt(std::string_view sid, std::uint32_t target, bool polling) {
    std::lock_guard const lock(mutex_);
    if (broken_)
        return;
    sessions_.push_back({std::string(sid), target, polling});
    wake();
}

MAD_DECL void handover_link::run() {
    try {
        // Who has gone may have said more than was read: it is heard to its end.
        for (bool hears = true;;) {
            if (!broken_ && !say_all())
                break_off();
            if (finish_ || !hears)
                break;
            std::array<pollfd, 2> all{pollfd{wire_->fd(), POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
            ::poll(all.data(), all.size(), 1'000);
            std::uint64_t times = 0;
            [[maybe_unused]] auto const n = ::read(wake_, &times, sizeof times);
            if (all[0].revents != 0)
                hears = hear();
        }
        // What came between the last look and the wish to end.
        if (say_end_ && !broken_ && say_all())
            (void)wire_->send(handover::word::end, {}, link_patience);
    } catch (std::exception const& e) {
        log_.error("proxy.handover.failed", {{"what", e.what()}});
    }
    break_off();
    over_ = true;
}

/// Nothing can be said any more: what waits is closed, and nothing comes to wait behind it.
MAD_DECL void handover_link::break_off() {
    std::lock_guard const lock(mutex_);
    broken_ = true;
    queue_.clear();
    sessions_.clear();
}

/// Says what was queued; sessions first, for what comes with connections may be theirs.
MAD_DECL bool handover_link::say_all() {
    constexpr std::size_t at_once = 256;
    for (;;) {
        std::vector<fresh> sessions;
        std::vector<handed> queue;
        {
            std::lock_guard const lock(mutex_);
            sessions.swap(sessions_);
            queue.swap(queue_);
        }
        if (sessions.empty() && queue.empty())
            return true;
        auto const failed = [&](handover::message const& m, std::span<int const> fds) {
            auto const e = wire_->send(m, fds, link_patience);
            if (!e || e.value() == EMSGSIZE) // a client that has sent too much is just closed
                return false;
            if (!fds.empty()) // else the old process, which is through, misses nothing
                log_.error("proxy.handover.broken", {{"error", e.message()}});
            return true;
        };
        auto const view = server_.pool().view();
        handover::known_sessions out;
        for (auto& s : sessions) {
            if (auto const at = view->by_id(s.target))
                out.all.push_back({std::move(s.sid), at->to.name, s.polling, milliseconds(0)});
            if (out.all.size() == at_once || &s == &sessions.back()) {
                if (failed(out, {}))
                    return false;
                out.all.clear();
            }
        }
        for (auto const& h : queue)
            if (failed(h.what, h.fds))
                return false;
    }
}

inline passed_tunnel* tunnel_of(handover::message& m) {
    if (auto* const web = std::get_if<handover::web_tunnel>(&m))
        return &web->what;
    if (auto* const other = std::get_if<handover::other_tunnel>(&m))
        return &other->what;
    return std::get_if<passed_tunnel>(&m);
}

MAD_DECL bool handover_link::hear() {
    auto got = wire_->receive(link_patience);
    if (!got) {
        log_.warn("proxy.handover.ended", {{"error", got.error().message()}});
        return false;
    }
    if (auto* const c = std::get_if<passed_client>(&got->what)) {
        c->fd = got->take().front();
        server_.adopt(std::move(*c));
    } else if (auto* const t = tunnel_of(got->what)) {
        auto const fds = got->take();
        t->client_fd = fds[0];
        t->upstream_fd = fds[1];
        server_.adopt(std::move(*t));
    } else if (auto const* const s = std::get_if<handover::known_sessions>(&got->what)) {
        restore_sessions(server_, *s);
    } else {
        auto const* const said = std::get_if<handover::word>(&got->what);
        if (!said || *said != handover::word::end)
            log_.warn("proxy.handover.ended", {{"error", "it says what it should not"}});
        return false;
    }
    return true;
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
