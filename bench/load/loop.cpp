#include "loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

namespace {

constexpr std::size_t read_size = 256 * 1024;

failure system_failure(std::string const& what) {
    return failure(what + ": " + std::strerror(errno));
}

sockaddr_in address_of(std::uint32_t address, std::uint16_t port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_addr.s_addr = htonl(address);
    made.sin_port = htons(port);
    return made;
}

int dial(target const& to, std::uint64_t index) {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        throw system_failure("socket");
    int const on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (to.receive_buffer > 0) // before connecting, so that the window is never larger
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &to.receive_buffer, sizeof to.receive_buffer);
    if (to.sources > 1) {
        // The port is chosen at connect, by the whole 4-tuple, not at bind.
        ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        auto const from =
            address_of(INADDR_LOOPBACK + static_cast<std::uint32_t>(index % to.sources), 0);
        if (::bind(fd, reinterpret_cast<sockaddr const*>(&from), sizeof from) != 0) {
            ::close(fd);
            throw system_failure("bind");
        }
    }
    auto const there = address_of(to.address, to.port);
    if (::connect(fd, reinterpret_cast<sockaddr const*>(&there), sizeof there) != 0 &&
        errno != EINPROGRESS) {
        ::close(fd);
        throw system_failure("connect");
    }
    return fd;
}

} // namespace

target target::parse(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    target made;
    if (url.substr(0, scheme.size()) != scheme)
        throw failure("not an http:// address: " + std::string(url));
    made.host = url.substr(scheme.size(), url.find('/', scheme.size()) - scheme.size());
    auto const colon = made.host.find(':');
    in_addr address{};
    if (colon == std::string::npos ||
        ::inet_pton(AF_INET, made.host.substr(0, colon).c_str(), &address) != 1)
        throw failure("not HOST:PORT with an IPv4 address: " + made.host);
    made.address = ntohl(address.s_addr);
    auto const* const end = made.host.data() + made.host.size();
    auto const [at, bad] = std::from_chars(made.host.data() + colon + 1, end, made.port);
    if (bad != std::errc{} || at != end)
        throw failure("not a port: " + made.host);
    return made;
}

stream::~stream() {
    if (fd_ >= 0)
        ::close(fd_);
}

void stream::send(std::string_view bytes) {
    if (fd_ < 0)
        return;
    out_ += bytes;
    if (!dirty_ && !waits_to_write_) {
        dirty_ = true;
        loop_->dirty_.push_back(this);
    }
}

loop::loop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC))
    , buffer_(read_size) {
    if (epoll_ < 0)
        throw system_failure("epoll_create1");
}

loop::~loop() {
    ::close(epoll_);
}

void loop::connect(stream& s, target const& to) {
    s.fd_ = dial(to, dialled_++);
    s.waits_to_write_ = false;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &s;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, s.fd_, &event) != 0)
        throw system_failure("epoll_ctl");
}

void loop::adopt(std::unique_ptr<stream> s, target const& to) {
    s->loop_ = this;
    s->slot_ = streams_.size();
    connect(*s, to);
    streams_.push_back(std::move(s));
    streams_.back()->on_dialled();
}

void loop::redial(stream& s, target const& to) {
    ::close(s.fd_);
    s.in_.clear();
    connect(s, to);
}

void loop::close(stream& s) {
    if (s.fd_ < 0)
        return;
    if (!s.out_.empty())
        flush(s);
    if (s.fd_ < 0)
        return;
    ::close(s.fd_);
    s.fd_ = -1;
    auto& last = streams_.back();
    last->slot_ = s.slot_;
    std::swap(streams_[s.slot_], last);
    dead_.push_back(std::move(streams_.back()));
    streams_.pop_back();
}

void loop::reset(stream& s) {
    linger const at_once{1, 0};
    ::setsockopt(s.fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    s.out_.clear();
    close(s);
}

void loop::ignore(stream& s) {
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, s.fd_, nullptr);
}

void loop::watch(stream& s, bool writing) {
    if (s.waits_to_write_ == writing)
        return;
    s.waits_to_write_ = writing;
    epoll_event event{};
    event.events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.ptr = &s;
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, s.fd_, &event);
}

void loop::flush(stream& s) {
    auto const sent = ::send(s.fd_, s.out_.data(), s.out_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) {
        s.out_.clear();
        return; // what went wrong shows when the stream is read
    }
    s.out_.erase(0, static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    watch(s, !s.out_.empty());
}

void loop::flush_dirty() {
    for (auto* const s : dirty_) {
        s->dirty_ = false;
        if (s->fd_ >= 0 && !s->out_.empty())
            flush(*s);
    }
    dirty_.clear();
}

void loop::read(stream& s) {
    auto const got = ::recv(s.fd_, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        close(s);
        s.on_end();
        return;
    }
    std::string_view const bytes(buffer_.data(), static_cast<std::size_t>(got));
    if (s.in_.empty()) {
        auto const used = s.on_bytes(bytes);
        s.in_.assign(bytes.substr(used));
    } else {
        s.in_ += bytes;
        s.in_.erase(0, s.on_bytes(s.in_));
    }
}

void loop::turn_until(std::int64_t timeout_ns) {
    flush_dirty();
    timespec const longest{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
    std::array<epoll_event, 256> events; // filled by the kernel up to `ready`
    int const ready =
        ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &longest, nullptr);
    for (int i = 0; i < ready; ++i) {
        auto& s = *static_cast<stream*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (s.fd_ >= 0 && (events[static_cast<std::size_t>(i)].events & EPOLLOUT) != 0)
            flush(s);
        if (s.fd_ >= 0 && (events[static_cast<std::size_t>(i)].events & ~EPOLLOUT) != 0)
            read(s);
        // At once and not after the batch: the server works on it while the rest is read.
        flush_dirty();
    }
    dead_.clear();
}

} // namespace bench
