#ifndef MAD_NET_IMPL_LISTENER_IPP
#define MAD_NET_IMPL_LISTENER_IPP

#include <mad/net/listener.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::net {

namespace detail {

inline error_code last_error() {
    return {errno, boost::system::system_category()};
}

inline result<int> bind_tcp(boost::asio::ip::tcp::endpoint const& at, bool share) {
    int const fd = ::socket(at.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return last_error();
    int const on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (share)
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (::bind(fd, reinterpret_cast<sockaddr const*>(at.data()),
               static_cast<socklen_t>(at.size())) != 0) {
        auto const e = last_error();
        ::close(fd);
        return e;
    }
    return fd;
}

inline boost::asio::ip::address address_of(sockaddr_storage const& s) {
    if (s.ss_family == AF_INET) {
        auto const& in = reinterpret_cast<sockaddr_in const&>(s);
        return boost::asio::ip::address_v4(ntohl(in.sin_addr.s_addr));
    }
    if (s.ss_family == AF_INET6) {
        auto const& in = reinterpret_cast<sockaddr_in6 const&>(s);
        boost::asio::ip::address_v6::bytes_type b;
        std::memcpy(b.data(), &in.sin6_addr, b.size());
        boost::asio::ip::address_v6 const v6(b, in.sin6_scope_id);
        // A dual-stack listener shows IPv4 peers in IPv6 clothes; limits and logs want the peer.
        if (v6.is_v4_mapped())
            return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6);
        return v6;
    }
    return boost::asio::ip::address_v4::loopback(); // a unix socket: this machine
}

} // namespace detail

MAD_DECL result<int> open_listener(boost::asio::ip::tcp::endpoint const& at, bool share) {
    auto const fd = detail::bind_tcp(at, share);
    if (fd && ::listen(*fd, 4096) != 0) {
        auto const e = detail::last_error();
        ::close(*fd);
        return e;
    }
    return fd;
}

MAD_DECL error_code probe_listener(boost::asio::ip::tcp::endpoint const& at) {
    if (at.port() == 0)
        return {};
    auto const fd = detail::bind_tcp(at, false);
    if (!fd)
        return fd.error();
    error_code e;
    if (::listen(*fd, 1) != 0)
        e = detail::last_error();
    ::close(*fd);
    return e;
}

MAD_DECL result<boost::asio::ip::tcp::endpoint> local_endpoint(int fd) {
    boost::asio::ip::tcp::endpoint e;
    auto size = static_cast<socklen_t>(e.capacity());
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(e.data()), &size) != 0)
        return detail::last_error();
    if (e.data()->sa_family != AF_INET && e.data()->sa_family != AF_INET6)
        return boost::asio::error::address_family_not_supported;
    e.resize(size);
    return e;
}

MAD_DECL std::vector<int> passed_listeners() {
    std::vector<int> out;
    char const* const pid = std::getenv("LISTEN_PID");
    char const* const fds = std::getenv("LISTEN_FDS");
    if (pid && fds && std::to_string(::getpid()) == pid) {
        int const n = std::atoi(fds);
        for (int fd = 3; fd < 3 + n && n <= 64; ++fd) {
            ::fcntl(fd, F_SETFD, FD_CLOEXEC);
            ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
            out.push_back(fd);
        }
    }
    ::unsetenv("LISTEN_PID");
    ::unsetenv("LISTEN_FDS");
    ::unsetenv("LISTEN_FDNAMES");
    return out;
}

MAD_DECL acceptor::acceptor(shard& s, int fd, handler h)
    : shard_(s)
    , fd_(fd)
    , handler_(std::move(h))
    , pause_(
          [](void* p) {
              auto& self = *static_cast<acceptor*>(p);
              if (self.fd_ >= 0)
                  self.shard_.rewatch(self.fd_, EPOLLIN, self);
          },
          this) {}

MAD_DECL acceptor::~acceptor() {
    close();
    if (spare_ >= 0)
        ::close(spare_);
}

MAD_DECL error_code acceptor::start() {
    spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    int const on = 1; // inherited by what is accepted; a unix socket does not mind
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto const e = shard_.watch(fd_, EPOLLIN, *this);
    if (e)
        ::close(std::exchange(fd_, -1));
    return e;
}

MAD_DECL void acceptor::stop() {
    if (fd_ < 0)
        return;
    accept_some(65'536);
    close();
}

MAD_DECL void acceptor::close() {
    if (fd_ < 0)
        return;
    pause_.cancel();
    shard_.unwatch(fd_);
    ::close(std::exchange(fd_, -1));
}

MAD_DECL void acceptor::accept_some(int most) {
    for (int i = 0; i < most && fd_ >= 0; ++i) {
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        int const fd =
            ::accept4(fd_, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK)
                return;
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                return exhausted(errno);
            continue; // the peer gave up meanwhile, or a signal: the next one
        }
        handler_(fd, detail::address_of(from));
    }
}

MAD_DECL void acceptor::exhausted(int why) {
    auto const now = std::chrono::steady_clock::now();
    if (now - last_logged_ > seconds(1)) {
        last_logged_ = now;
        shard_.log().error("net.accept.exhausted", {{"error", std::strerror(why)}});
    }
    // The spare descriptor lets us take one connection and close it: the peer learns at once.
    if (spare_ >= 0) {
        ::close(std::exchange(spare_, -1));
        if (int const fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0)
            ::close(fd);
        spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    shard_.rewatch(fd_, 0, *this);
    shard_.deadlines().arm(pause_, milliseconds(100));
}

} // namespace mad::inline MAD_ABI::net

#endif
