#ifndef MAD_TESTS_SUPPORT_TCP_RELAY_HPP
#define MAD_TESTS_SUPPORT_TCP_RELAY_HPP

#include <atomic>
#include <cstdint>
#include <list>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mad_test {

/// A port of the loopback behind which another one is. It can stop to carry anything, both ways and
/// without closing anything, as a network does that falls apart: what was sent then arrives when
/// it carries again, even of connections that their client has given up.
class tcp_relay {
  public:
    explicit tcp_relay(std::uint16_t to)
        : to_(to)
        , wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
        , listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        auto at = loopback(0);
        socklen_t n = sizeof at;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
            ::listen(listener_, 64) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &n) != 0)
            throw std::runtime_error("the relay cannot listen");
        port_ = ntohs(at.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    tcp_relay(tcp_relay const&) = delete;
    tcp_relay& operator=(tcp_relay const&) = delete;
    ~tcp_relay() {
        over_ = true;
        wake();
        thread_.join();
        for (auto& w : ways_)
            w.close();
        ::close(listener_);
        ::close(wake_);
    }

    std::uint16_t port() const { return port_; }
    std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }

    /// Carries nothing from now on, and takes nobody new.
    void hold() { set(true); }
    /// Carries what has come meanwhile, and what comes.
    void let_go() { set(false); }
    /// Where connections go that come from now on; those that there are stay.
    void lead_to(std::uint16_t port) { to_ = port; }

  private:
    /// One direction: bytes that wait, and whether more may come.
    struct lane {
        std::string waiting;
        bool open = true;
    };
    struct way {
        int ends[2] = {-1, -1};
        lane from[2]; ///< what `ends[i]` has said
        void close() {
            for (int& fd : ends) {
                if (fd >= 0)
                    ::close(fd);
                fd = -1;
            }
        }
    };

    static sockaddr_in loopback(std::uint16_t port) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        at.sin_port = htons(port);
        return at;
    }

    void wake() {
        std::uint64_t const one = 1;
        [[maybe_unused]] auto const n = ::write(wake_, &one, sizeof one);
    }
    void set(bool held) {
        held_ = held;
        wake();
    }

    void run() {
        while (!over_) {
            std::vector<pollfd> all{{wake_, POLLIN, 0}};
            bool const held = held_;
            if (!held) {
                all.push_back({listener_, POLLIN, 0});
                for (auto const& w : ways_)
                    for (int i : {0, 1})
                        all.push_back({w.ends[i], wanted(w, i), 0});
            }
            if (::poll(all.data(), all.size(), 1'000) < 0)
                return;
            std::uint64_t n;
            if (all[0].revents) [[maybe_unused]]
                auto const r = ::read(wake_, &n, sizeof n);
            if (held || held_)
                continue;
            std::size_t at = 2;
            for (auto& w : ways_)
                for (int i : {0, 1})
                    if (all[at++].revents)
                        carry(w, i);
            ways_.remove_if([](way const& w) { return w.ends[0] < 0; });
            if (all[1].revents)
                take();
        }
    }

    static short wanted(way const& w, int i) {
        // What this end has said goes before more of it is read.
        short const in = w.from[i].open && w.from[i].waiting.empty() ? POLLIN : 0;
        short const out = w.from[1 - i].waiting.empty() ? 0 : POLLOUT;
        return static_cast<short>(in | out);
    }

    void take() {
        int const fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0)
            return;
        int const other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        auto const at = loopback(to_);
        if (::connect(other, reinterpret_cast<sockaddr const*>(&at), sizeof at) != 0) {
            ::close(fd);
            ::close(other);
            return;
        }
        auto& w = ways_.emplace_back();
        w.ends[0] = fd;
        w.ends[1] = other;
    }

    static void carry(way& w, int i) {
        if (w.ends[i] < 0)
            return;
        auto& said = w.from[i];
        if (said.open && said.waiting.empty()) {
            char buffer[65536];
            auto const n = ::recv(w.ends[i], buffer, sizeof buffer, MSG_DONTWAIT);
            if (n > 0)
                said.waiting.assign(buffer, static_cast<std::size_t>(n));
            else if (n == 0 || (errno != EAGAIN && errno != EINTR))
                said.open = false;
        }
        for (int to : {0, 1}) {
            auto& bytes = w.from[1 - to].waiting;
            if (bytes.empty())
                continue;
            auto const n =
                ::send(w.ends[to], bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n > 0)
                bytes.erase(0, static_cast<std::size_t>(n));
            else if (errno != EAGAIN && errno != EINTR)
                return w.close();
        }
        for (int k : {0, 1})
            if (!w.from[k].open && w.from[k].waiting.empty())
                return w.close();
    }

    std::atomic<std::uint16_t> to_;
    std::uint16_t port_ = 0;
    int wake_, listener_;
    std::atomic<bool> held_{false}, over_{false};
    std::list<way> ways_;
    std::thread thread_;
};

} // namespace mad_test

#endif
