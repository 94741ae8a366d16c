#ifndef MAD_TESTS_SUPPORT_RAW_CLIENT_HPP
#define MAD_TESTS_SUPPORT_RAW_CLIENT_HPP

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mad_test {

using limit = std::chrono::milliseconds;

/// How long a test waits for what must come. Generous: sanitizers and busy machines are slow.
inline constexpr limit patience{20'000};

/// Waits until `done()`; false when it does not come true in time.
inline bool wait_until(std::function<bool()> const& done, limit most = patience) {
    auto const end = std::chrono::steady_clock::now() + most;
    while (!done()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        ::poll(nullptr, 0, 1);
    }
    return true;
}

/// One answer, taken apart.
struct http_answer {
    int status = 0;
    std::string head, body;

    /// The first field of that name in lower case; empty when there is none.
    std::string header(std::string const& name) const {
        std::string lower = head;
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        auto const at = lower.find("\r\n" + name + ": ");
        if (at == lower.npos)
            return {};
        auto const from = at + name.size() + 4;
        return head.substr(from, head.find("\r\n", from) - from);
    }
};

/// A TCP client that sends and reads exactly what a test says. Every wait ends: what does not come
/// in time is a std::runtime_error that shows what came instead.
class raw_client {
  public:
    struct wish {
        std::string to = "127.0.0.1";
        std::string from = {};  ///< own address; empty: the kernel's choice
        int receive_buffer = 0; ///< 0: the kernel's choice
    };

    explicit raw_client(std::uint16_t port)
        : raw_client(port, wish{}) {}

    raw_client(std::uint16_t port, wish const& w) {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        check(fd_ >= 0, "socket");
        int const on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (w.receive_buffer > 0)
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &w.receive_buffer, sizeof w.receive_buffer);
        if (!w.from.empty()) {
            auto const a = address(w.from, 0);
            check(::bind(fd_, reinterpret_cast<sockaddr const*>(&a), sizeof a) == 0, "bind");
        }
        auto const a = address(w.to, port);
        check(::connect(fd_, reinterpret_cast<sockaddr const*>(&a), sizeof a) == 0, "connect");
    }
    /// Over a socket that is connected already, and is this object's from here on.
    static raw_client over(int fd) { return raw_client(connected{fd}); }
    raw_client(raw_client&& o) noexcept
        : fd_(std::exchange(o.fd_, -1))
        , got_(std::move(o.got_))
        , ended_(o.ended_)
        , reset_(o.reset_) {}
    raw_client& operator=(raw_client&&) = delete;
    ~raw_client() { close(); }

    void close() {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }

    /// Ends without a word: the peer sees a reset.
    void reset() {
        linger const now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close();
    }

    void half_close() { ::shutdown(fd_, SHUT_WR); }

    /// Sends all of it. False when the peer has gone.
    bool send(std::string_view text) {
        while (!text.empty()) {
            wait(POLLOUT, "sending");
            auto const n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
                return false;
            check(n >= 0 || errno == EAGAIN, "send");
            if (n > 0)
                text.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }

    /// Sends what goes within that time: the number of bytes.
    std::size_t send_some(std::string_view text, limit most) {
        std::size_t sent = 0;
        while (sent < text.size()) {
            pollfd p{fd_, POLLOUT, 0};
            if (::poll(&p, 1, static_cast<int>(most.count())) <= 0)
                break;
            auto const n =
                ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n <= 0)
                break;
            sent += static_cast<std::size_t>(n);
        }
        return sent;
    }

    /// Sends it in pieces of so many bytes.
    void send_slowly(std::string_view text, std::size_t piece) {
        for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
            if (!send(text.substr(0, piece)))
                return;
    }

    /// Reads until `done(all that came and was not taken)`; what it saw stays to be taken.
    std::string const& read_until(std::function<bool(std::string const&)> const& done) {
        while (!done(got_)) {
            if (ended_ || reset_)
                fail(reset_ ? "reset" : "ended", got_);
            read_some();
        }
        return got_;
    }

    /// Reads until that text has come, and takes everything up to and with it.
    std::string take_until(std::string_view text) {
        read_until([&](std::string const& s) { return s.find(text) != s.npos; });
        return take(got_.find(text) + text.size());
    }

    std::string take(std::size_t n) {
        read_until([&](std::string const& s) { return s.size() >= n; });
        auto out = got_.substr(0, n);
        got_.erase(0, n);
        return out;
    }

    /// Everything until the peer ends, in order or with a reset.
    std::string read_to_end() {
        while (!ended_ && !reset_)
            read_some();
        return std::exchange(got_, {});
    }

    /// One answer; its body by `Content-Length`. `no_body`: it answers a HEAD.
    http_answer answer(bool no_body = false) {
        http_answer a;
        a.head = take_until("\r\n\r\n");
        if (!a.head.starts_with("HTTP/1.1 ") || a.head.size() < 12)
            fail("not an answer", a.head);
        a.status = std::stoi(a.head.substr(9, 3));
        auto const length = a.header("content-length");
        if (!no_body && !length.empty())
            a.body = take(std::stoul(length));
        return a;
    }

    /// Sends a request and gives its answer.
    http_answer ask(std::string_view request) {
        if (!send(request))
            fail("gone", {});
        return answer();
    }

    /// True when the peer has ended within that time and left nothing unread.
    bool at_end() { return read_to_end().empty(); }
    bool was_reset() const { return reset_; }

    /// True when nothing comes for so long. For what must not happen: keep it short.
    bool silent_for(limit time) {
        if (!got_.empty() || ended_ || reset_)
            return false;
        pollfd p{fd_, POLLIN, 0};
        return ::poll(&p, 1, static_cast<int>(time.count())) == 0;
    }

    /// Reads what is there or comes; waits for at least a byte or the end.
    void read_some() {
        wait(POLLIN, "reading");
        char buffer[65536];
        auto const n = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
        if (n > 0)
            got_.append(buffer, static_cast<std::size_t>(n));
        else if (n == 0)
            ended_ = true;
        else if (errno == ECONNRESET)
            reset_ = true;
        else
            check(errno == EAGAIN, "recv");
    }

    std::string const& unread() const { return got_; }
    int fd() const { return fd_; }

  private:
    struct connected {
        int fd;
    };
    explicit raw_client(connected c)
        : fd_(c.fd) {}

    static sockaddr_in address(std::string const& host, std::uint16_t port) {
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(port);
        ::inet_pton(AF_INET, host.c_str(), &a.sin_addr);
        return a;
    }

    void wait(short events, char const* what) {
        pollfd p{fd_, events, 0};
        if (::poll(&p, 1, static_cast<int>(patience.count())) <= 0)
            fail(what, got_);
    }

    static void check(bool ok, char const* what) {
        if (!ok)
            throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
    }

    [[noreturn]] static void fail(std::string_view what, std::string_view got) {
        throw std::runtime_error("client: " + std::string(what) + " after [" +
                                 std::string(got.substr(0, 500)) + "]");
    }

    int fd_ = -1;
    std::string got_;
    bool ended_ = false, reset_ = false;
};

} // namespace mad_test

#endif
