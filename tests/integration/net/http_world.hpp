#ifndef MAD_TESTS_INTEGRATION_NET_HTTP_WORLD_HPP
#define MAD_TESTS_INTEGRATION_NET_HTTP_WORLD_HPP

#include <mad/net/http/server.hpp>
#include <support/captured_log.hpp>
#include <support/on_shard.hpp>
#include <support/raw_client.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace mad_test {

namespace http = mad::net::http;

/// Keeps the exchanges that it gets until the test answers them.
class waiting_route final : public http::route {
  public:
    void on_request(mad::net::shard&, http::request const& r, http::exchange x) override {
        std::lock_guard const lock(mutex_);
        targets_.emplace_back(r.target);
        waiting_.push_back(std::move(x));
        waiting_.back().on_gone([this](int status) {
            std::lock_guard const inner(gone_mutex_);
            gone_.push_back(status);
        });
    }

    std::size_t seen() const {
        std::lock_guard const lock(mutex_);
        return targets_.size();
    }
    std::vector<std::string> targets() const {
        std::lock_guard const lock(mutex_);
        return targets_;
    }
    std::vector<int> gone() const {
        std::lock_guard const lock(gone_mutex_);
        return gone_;
    }

    /// The n-th exchange. Only on its shard.
    http::exchange take(std::size_t n) {
        std::lock_guard const lock(mutex_);
        return std::move(waiting_[n]);
    }

  private:
    mutable std::mutex mutex_, gone_mutex_;
    std::vector<http::exchange> waiting_;
    std::vector<std::string> targets_;
    std::vector<int> gone_;
};

/// Takes bodies of up to `most` bytes and answers with them.
class echo_route final : public http::route {
  public:
    explicit echo_route(std::size_t most)
        : most_(most) {}
    void on_head(mad::net::shard&, http::request const&, http::exchange&,
                 std::size_t& max_body) override {
        max_body = most_;
    }
    void on_request(mad::net::shard&, http::request const& r, http::exchange x) override {
        x.respond(http::text_answer(200, r.body));
    }

  private:
    std::size_t most_;
};

/// A server on loopback, with threads of its own, and what its routes need.
class http_world {
  public:
    explicit http_world(http::server_settings s = {}, std::size_t threads = 1,
                        std::function<void(http::router&)> const& more = {})
        : pool_(threads, log_.handle()) {
        http::router r;
        r.get("/hello", [](http::request const&) { return http::text_answer(200, "hello\n"); });
        r.get("/big", [this](http::request const&) {
            http::response a;
            a.shared_body = big_;
            return a;
        });
        r.get("/throws", [](http::request const&) -> http::response {
            throw std::runtime_error("a bad day");
        });
        r.mount("/echo", std::make_shared<echo_route>(1000));
        r.mount("/wait", waiting);
        if (more)
            more(r);
        s.log = log_.handle();
        server_ = std::make_unique<http::server>(pool_.shards(), std::move(r), std::move(s));
        port = server_->listen({boost::asio::ip::make_address("127.0.0.1"), 0}).value().port();
        pool_.start();
    }

    ~http_world() { pool_.stop(); }

    /// Runs on a shard and waits until it has.
    void on_shard(std::function<void()> const& fn, std::size_t i = 0) { run_on(pool_[i], fn); }

    void answer(std::size_t n, http::response r) {
        on_shard([&] { waiting->take(n).respond(std::move(r)); });
    }

    bool await_requests(std::size_t n) {
        return wait_until([&] { return waiting->seen() >= n; });
    }
    bool await_connections(std::size_t n) {
        return wait_until([&] { return server_->connections() == n; });
    }

    http::server& server() { return *server_; }
    mad::net::io_pool& pool() { return pool_; }
    captured_log const& log() const { return log_; }

    std::uint16_t port = 0;
    std::shared_ptr<waiting_route> waiting = std::make_shared<waiting_route>();

  private:
    captured_log log_;
    mad::net::wire_block big_ = mad::net::wire_block::raw(std::string(8 * 1024 * 1024, 'B'));
    mad::net::io_pool pool_;
    std::unique_ptr<http::server> server_;
};

inline std::string get(std::string const& target, std::string const& fields = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

inline std::string post(std::string const& target, std::string const& body) {
    return "POST " + target +
           " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

} // namespace mad_test

#endif
