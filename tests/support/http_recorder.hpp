#ifndef MAD_TESTS_SUPPORT_HTTP_RECORDER_HPP
#define MAD_TESTS_SUPPORT_HTTP_RECORDER_HPP

#include <support/strict_http.hpp>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mad_test {

/// What a node says of a request that it has read: so that whoever is in front can tell whether it
/// was theirs.
inline std::string receipt_of(strict_request const& r) {
    std::uint64_t hash = 14695981039346656037u;
    for (unsigned char const c : r.body)
        hash = (hash ^ c) * 1099511628211u;
    return r.method + " " + r.target + " " + std::to_string(r.body.size()) + " " +
           std::to_string(hash);
}

/// A node on a thread of its own that takes requests to the letter, notes each and answers with its
/// receipt. What it does not understand it notes too, and hangs up. Probes (`/ready`, `/health`)
/// are answered and not noted.
class http_recorder {
  public:
    http_recorder() {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof a;
        if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 ||
            ::listen(listener_, 512) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &size) != 0)
            throw std::runtime_error("recorder: no listener");
        port_ = ntohs(a.sin_port);
        thread_ = std::thread([this] { run(); });
    }

    ~http_recorder() {
        stop_ = true;
        thread_.join();
        ::close(listener_);
    }

    http_recorder(http_recorder const&) = delete;

    std::uint16_t port() const { return port_; }

    /// Receipts, in the order of arrival.
    std::vector<std::string> receipts() const {
        std::lock_guard const lock(mutex_);
        return receipts_;
    }

    /// Bytes that were no request.
    std::vector<std::string> garbage() const {
        std::lock_guard const lock(mutex_);
        return garbage_;
    }

  private:
    struct connection {
        int fd;
        std::string in;
    };

    void run() {
        std::vector<connection> open;
        while (!stop_) {
            std::vector<pollfd> polled{{listener_, POLLIN, 0}};
            for (auto const& c : open)
                polled.push_back({c.fd, POLLIN, 0});
            if (::poll(polled.data(), polled.size(), 20) <= 0)
                continue;
            for (std::size_t i = open.size(); i-- > 0;)
                if (polled[i + 1].revents && !serve(open[i])) {
                    ::close(open[i].fd);
                    open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
                }
            if (polled[0].revents)
                if (int const fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0)
                    open.push_back({fd, {}});
        }
        for (auto const& c : open)
            ::close(c.fd);
    }

    bool serve(connection& c) {
        char buffer[65536];
        auto const n = ::recv(c.fd, buffer, sizeof buffer, MSG_DONTWAIT);
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        c.in.append(buffer, static_cast<std::size_t>(n));
        std::string_view rest = c.in;
        strict_request r;
        auto state = strict_state::more;
        while (!rest.empty() && (state = read_strictly(rest, r)) == strict_state::done) {
            bool const probe = r.target == "/ready" || r.target == "/health";
            auto const receipt = receipt_of(r);
            if (!probe) {
                std::lock_guard const lock(mutex_);
                receipts_.push_back(receipt);
            }
            auto const answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
                                std::to_string(receipt.size()) + "\r\n\r\n" + receipt;
            if (::send(c.fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0)
                return false;
        }
        if (state == strict_state::bad) {
            std::lock_guard const lock(mutex_);
            garbage_.emplace_back(rest);
            return false;
        }
        c.in.erase(0, c.in.size() - rest.size());
        return true;
    }

    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> stop_{false};
    mutable std::mutex mutex_;
    std::vector<std::string> receipts_, garbage_;
    std::thread thread_;
};

} // namespace mad_test

#endif
