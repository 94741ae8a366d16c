#ifndef MAD_TESTS_INTEGRATION_PROXY_PROXY_WORLD_HPP
#define MAD_TESTS_INTEGRATION_PROXY_PROXY_WORLD_HPP

#include <mad/net/io_pool.hpp>
#include <mad/net/listener.hpp>
#include <mad/proxy/proxy_protocol.hpp>
#include <mad/proxy/server.hpp>

#include <catch2/catch.hpp>

#include <support/captured_log.hpp>
#include <support/on_shard.hpp>
#include <support/raw_client.hpp>
#include <support/ws_peer.hpp>

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mad_test {

namespace proxy = mad::proxy;
using namespace std::chrono_literals;

/// A server behind the proxy whose every byte a test says: it takes the connection that comes next
/// and speaks over it. Health checks are answered here and never reach the test.
class raw_node {
  public:
    raw_node() {
        auto const fd =
            mad::net::open_listener({boost::asio::ip::address_v4::loopback(), 0}, false).value();
        fd_ = fd;
        port = mad::net::local_endpoint(fd).value().port();
        thread_ = std::thread([this] { run(); });
    }
    ~raw_node() { stop(); }

    /// Nobody listens any more; connections that were taken stay with the test.
    void stop() {
        if (!thread_.joinable())
            return;
        stop_ = true;
        thread_.join();
        ::close(fd_);
    }

    /// The next connection over which something has come.
    raw_client accept() {
        int fd = -1;
        bool const came = wait_until([&] {
            std::lock_guard const lock(mutex_);
            if (waiting_.empty())
                return false;
            fd = waiting_.front();
            waiting_.pop_front();
            return true;
        });
        if (!came)
            throw std::runtime_error("node: nobody came");
        return raw_client::over(fd);
    }

    std::size_t accepted() const { return accepted_; }
    /// Connections that no test has taken.
    bool nobody_waits() const {
        std::lock_guard const lock(mutex_);
        return waiting_.empty();
    }

    /// Whether health checks are answered with 200; else with nothing.
    std::atomic<bool> healthy{true};
    /// Version of the PROXY header that the last health check came with; 0: none.
    std::atomic<unsigned> introduced{0};

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }
    std::uint16_t port = 0;

  private:
    void run() {
        std::list<int> fresh;
        while (!stop_) {
            std::vector<pollfd> fds{{fd_, POLLIN, 0}};
            for (int const fd : fresh)
                fds.push_back({fd, POLLIN, 0});
            ::poll(fds.data(), fds.size(), 5);
            for (;;) {
                int const fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
                if (fd < 0)
                    break;
                fresh.push_back(fd);
            }
            for (auto i = fresh.begin(); i != fresh.end();)
                i = look_at(*i) ? fresh.erase(i) : std::next(i);
        }
        for (int const fd : fresh)
            ::close(fd);
        std::lock_guard const lock(mutex_);
        for (int const fd : waiting_)
            ::close(fd);
        waiting_.clear();
    }

    /// True when it is known what becomes of that connection.
    bool look_at(int fd) {
        char text[64];
        auto const n = ::recv(fd, text, sizeof text, MSG_PEEK | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return false;
        std::string_view said(text, n > 0 ? static_cast<std::size_t>(n) : 0);
        for (unsigned const version : {1u, 2u}) {
            std::string first;
            proxy::append_proxy_header_local(first, version);
            if (said == first)
                return false; // the question is still to come
            if (!said.starts_with(first))
                continue;
            said.remove_prefix(first.size());
            introduced = version;
        }
        if (said.starts_with("GET /ready ")) {
            if (!healthy)
                return ::close(fd), true;
            char rest[4096];
            (void)!::recv(fd, rest, sizeof rest, MSG_DONTWAIT);
            std::string_view const ok =
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            (void)!::send(fd, ok.data(), ok.size(), MSG_NOSIGNAL);
            ::close(fd);
            return true;
        }
        if (n <= 0) {
            ::close(fd);
            return true;
        }
        ++accepted_;
        std::lock_guard const lock(mutex_);
        waiting_.push_back(fd);
        return true;
    }

    int fd_ = -1;
    std::atomic<bool> stop_{false};
    std::atomic<std::size_t> accepted_{0};
    mutable std::mutex mutex_;
    std::list<int> waiting_;
    std::thread thread_;
};

/// A proxy on loopback, with threads of its own.
class proxy_world {
  public:
    explicit proxy_world(std::vector<std::string> const& upstreams,
                         std::function<void(proxy::settings&)> const& change = {},
                         std::size_t threads = 1)
        : pool_(threads, log_.handle()) {
        proxy::settings s;
        for (auto const& u : upstreams)
            s.upstreams.push_back(proxy::parse_upstream(u).value());
        s.log = log_.handle();
        s.health.slow_start = 0ms;
        if (change)
            change(s);
        auto const wanted = s.upstreams.size(); // the web node is in a pool of its own
        server_ = std::make_unique<proxy::server>(pool_.shards(), std::move(s));
        port = server_->listen({boost::asio::ip::address_v4::loopback(), 0}).value().port();
        pool_.start();
        ready_ = wait_until([&] { return up() == wanted || wanted == 0; });
    }
    ~proxy_world() { stop(); }

    /// Ends the threads, and with them everything.
    void stop() {
        pool_.stop();
        server_.reset();
    }

    /// Upstreams that serve.
    std::size_t up() const {
        std::size_t n = 0;
        for (auto const& u : server_->pool().status())
            n += u.at->serves && !u.at->addresses.empty() &&
                         u.at->state != proxy::upstream_state::unknown
                     ? 1u
                     : 0u;
        return n;
    }
    bool await_up(std::size_t n) {
        return wait_until([&] { return up() == n; });
    }

    bool await_connections(std::size_t n) {
        return wait_until([&] { return server_->connections() == n; });
    }
    bool await(std::function<bool(proxy::counters_snapshot const&)> const& done) {
        return wait_until([&] { return done(server_->count()); });
    }
    std::uint64_t rejected(proxy::reject r) const {
        return server_->count().rejects[static_cast<std::size_t>(r)];
    }

    proxy::server& server() { return *server_; }
    mad::net::io_pool& pool() { return pool_; }
    captured_log const& log() const { return log_; }
    raw_client client() const { return raw_client(port); }

    std::uint16_t port = 0;

  private:
    captured_log log_;
    mad::net::io_pool pool_;
    std::unique_ptr<proxy::server> server_;
    bool ready_ = false;
};

inline std::string get(std::string const& target, std::string const& fields = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n";
}

inline std::string post(std::string const& target, std::string const& body,
                        std::string const& fields = {}) {
    return "POST " + target + " HTTP/1.1\r\nHost: a.example\r\n" + fields +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string ok(std::string const& body, std::string const& fields = {}) {
    return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

inline std::string const poll_path = "/socket.io/?EIO=4&transport=polling";

/// An open packet as a node sends it.
inline std::string open_packet(std::string const& sid) {
    return "0{\"sid\":\"" + sid +
           "\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000}";
}

inline std::string const switching =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

inline std::string server_frame(int opcode, std::string const& payload) {
    std::string out(1, static_cast<char>(0x80 | opcode));
    if (payload.size() < 126) {
        out += static_cast<char>(payload.size());
    } else if (payload.size() < 65536) {
        out += static_cast<char>(126);
        out += static_cast<char>(payload.size() >> 8);
        out += static_cast<char>(payload.size() & 0xff);
    } else {
        out += static_cast<char>(127);
        for (int i = 7; i >= 0; --i)
            out += static_cast<char>(static_cast<std::uint64_t>(payload.size()) >> (8 * i));
    }
    return out + payload;
}

/// A websocket through the proxy to a raw node: both ends.
struct raw_tunnel {
    raw_tunnel(std::uint16_t port, raw_node& node, std::string const& from_node = {})
        : client(port, "/socket.io/?EIO=4&transport=websocket")
        , node_end(node.accept()) {
        node_end.take_until("\r\n\r\n");
        node_end.send(switching + from_node);
        status = client.accepted().status;
    }
    ws_peer client;
    raw_client node_end;
    int status = 0;
};

} // namespace mad_test

#endif
