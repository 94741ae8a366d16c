#ifndef MAD_TESTS_INTEGRATION_ENGINE_ENGINE_WORLD_HPP
#define MAD_TESTS_INTEGRATION_ENGINE_ENGINE_WORLD_HPP

#include <mad/core/ids.hpp>
#include <mad/engine/server.hpp>
#include <mad/net/http/server.hpp>
#include <mad/net/io_pool.hpp>

#include <catch2/catch.hpp>

#include <support/captured_log.hpp>
#include <support/engine_peer.hpp>
#include <support/on_shard.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mad_test {

namespace engine = mad::engine;
using namespace std::chrono_literals;

/// An Engine.IO server on loopback. Its handlers are functions that a test sets before it connects;
/// without any, it sends back what comes.
class engine_world {
  public:
    struct hooks {
        std::function<void(engine::session&)> on_open;
        std::function<void(engine::session&, std::string_view, bool)> on_message;
        std::function<void(engine::session&, engine::close_reason)> on_close;
    };

    explicit engine_world(engine::server_settings s = {}, std::size_t threads = 1, hooks h = {},
                          mad::net::http::server_settings web = {})
        : hooks_(std::move(h))
        , pool_(threads, log_.handle()) {
        s.log = web.log = log_.handle();
        engine_ = std::make_unique<engine::server>(
            pool_.shards(), std::move(s),
            [this](engine::session& e) { return std::make_unique<handler>(*this, e); });
        mad::net::http::router r;
        engine_->mount(r);
        web_ =
            std::make_unique<mad::net::http::server>(pool_.shards(), std::move(r), std::move(web));
        port = web_->listen({boost::asio::ip::address_v4::loopback(), 0}).value().port();
        pool_.start();
    }

    ~engine_world() { stop(); }

    /// Ends the threads and all sessions with them.
    void stop() {
        pool_.stop();
        web_.reset();
        engine_.reset();
    }

    /// Runs on a shard and waits until it has.
    void on_shard(std::function<void()> const& fn, std::size_t i = 0) { run_on(pool_[i], fn); }

    /// Why sessions ended, in order.
    std::vector<engine::close_reason> closes() const {
        std::lock_guard const lock(mutex_);
        return closes_;
    }
    bool await_closes(std::size_t n) const {
        return wait_until([&] { return closes().size() >= n; });
    }
    bool await_sessions(std::size_t n) const {
        return wait_until([&] { return engine_->sessions() == n; });
    }
    bool await_connections(std::size_t n) const {
        return wait_until([&] { return web_->connections() == n; });
    }
    std::size_t messages() const { return messages_; }
    bool await_messages(std::size_t n) const {
        return wait_until([&] { return messages_ >= n; });
    }

    /// A connection that the given shard has accepted; others are dropped.
    raw_client connection_on(std::size_t shard) {
        for (int i = 0; i < 200; ++i) {
            raw_client c(port);
            polling_peer p(port);
            auto const a =
                c.ask(p.request("GET", "EIO=4&transport=polling", "Connection: keep-alive\r\n"));
            auto const sid = sid_in(a.body);
            // That session was only to find out.
            raw_client other(port);
            p.sid = sid;
            other.ask(p.post_request("1"));
            if (mad::session_id::shard_of(sid) == shard)
                return c;
        }
        throw std::runtime_error("no connection came to that shard");
    }

    engine::server& server() { return *engine_; }
    mad::net::http::server& web() { return *web_; }
    mad::net::io_pool& pool() { return pool_; }
    captured_log const& log() const { return log_; }

    std::uint16_t port = 0;

  private:
    struct handler final : engine::session_handler {
        handler(engine_world& w, engine::session& s)
            : world(w) {
            if (world.hooks_.on_open)
                world.hooks_.on_open(s);
        }
        void on_message(engine::session& s, std::string_view data, bool binary) override {
            ++world.messages_;
            if (world.hooks_.on_message)
                world.hooks_.on_message(s, data, binary);
            else if (binary)
                s.send_binary(data);
            else
                s.send_text(data);
        }
        void on_close(engine::session& s, engine::close_reason why) override {
            {
                std::lock_guard const lock(world.mutex_);
                world.closes_.push_back(why);
            }
            if (world.hooks_.on_close)
                world.hooks_.on_close(s, why);
        }
        engine_world& world;
    };

    captured_log log_;
    hooks hooks_;
    mutable std::mutex mutex_;
    std::vector<engine::close_reason> closes_;
    std::atomic<std::size_t> messages_{0};
    mad::net::io_pool pool_;
    std::unique_ptr<engine::server> engine_;
    std::unique_ptr<mad::net::http::server> web_;
};

using reasons = std::vector<engine::close_reason>;

/// Times that a test can wait for.
inline engine::server_settings quick(mad::milliseconds interval = 60ms,
                                     mad::milliseconds timeout = 60ms) {
    engine::server_settings s;
    s.ping_interval = interval;
    s.ping_timeout = timeout;
    return s;
}

} // namespace mad_test

template <>
struct Catch::StringMaker<mad::engine::close_reason> {
    static std::string convert(mad::engine::close_reason r) {
        return std::string(mad::engine::log_name(r));
    }
};

#endif
