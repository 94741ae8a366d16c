#ifndef MAD_TESTS_SUPPORT_SOCKET_PAIR_HPP
#define MAD_TESTS_SUPPORT_SOCKET_PAIR_HPP

#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

namespace mad_test {

/// Two connected, non-blocking sockets of this process. Each is closed with the pair, unless it was
/// taken.
class socket_pair {
  public:
    /// `send_buffer`: bytes that the kernel keeps for `a`'s peer; 0 leaves its default.
    explicit socket_pair(int send_buffer = 0) {
        int both[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) != 0)
            throw std::runtime_error("socketpair");
        a_ = both[0];
        b_ = both[1];
        if (send_buffer > 0)
            ::setsockopt(a_, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    }
    socket_pair(socket_pair const&) = delete;
    socket_pair& operator=(socket_pair const&) = delete;
    ~socket_pair() {
        close_a();
        close_b();
    }

    int a() const { return a_; }
    int b() const { return b_; }
    int take_a() { return std::exchange(a_, -1); }
    int take_b() { return std::exchange(b_, -1); }
    void close_a() { close(a_); }
    void close_b() { close(b_); }

    /// Everything that `b` can read now.
    std::string received() const {
        std::string all;
        char buffer[65536];
        for (ssize_t n; (n = ::recv(b_, buffer, sizeof buffer, 0)) > 0;)
            all.append(buffer, static_cast<std::size_t>(n));
        return all;
    }

    /// True when the peer of `b` has ended its direction and all was read.
    bool at_end() const {
        char c;
        return ::recv(b_, &c, 1, MSG_PEEK) == 0;
    }

    void send(std::string_view text) const {
        if (::send(b_, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
            throw std::runtime_error("send");
    }

  private:
    static void close(int& fd) {
        if (fd >= 0)
            ::close(std::exchange(fd, -1));
    }

    int a_ = -1, b_ = -1;
};

} // namespace mad_test

#endif
