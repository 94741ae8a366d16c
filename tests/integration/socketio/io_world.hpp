#ifndef MAD_TESTS_INTEGRATION_SOCKETIO_IO_WORLD_HPP
#define MAD_TESTS_INTEGRATION_SOCKETIO_IO_WORLD_HPP

#include <mad/core/ids.hpp>
#include <mad/core/json.hpp>
#include <mad/socketio/server.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <catch2/catch.hpp>

#include <support/captured_log.hpp>
#include <support/on_shard.hpp>
#include <support/sio_peer.hpp>
#include <support/wires.hpp>

#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mad_test {

namespace sio = mad::socketio;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using mad::json;
using strings = std::vector<std::string>;

/// Lines that handlers write and a test reads, from any threads.
class notes {
  public:
    void add(std::string line) {
        std::lock_guard const lock(mutex_);
        lines_.push_back(std::move(line));
    }
    strings all() const {
        std::lock_guard const lock(mutex_);
        return lines_;
    }
    std::size_t size() const { return all().size(); }
    /// All of them, once there are `n`.
    strings await(std::size_t n) const {
        wait_until([&] { return size() >= n; });
        return all();
    }

  private:
    mutable std::mutex mutex_;
    strings lines_;
};

/// A Socket.IO server on loopback. `setup` registers its handlers before it listens.
class io_world {
  public:
    explicit io_world(std::function<void(sio::server&)> const& setup = {},
                      sio::server_settings s = {}, std::size_t threads = 1)
        : pool_(threads, log_.handle()) {
        s.log = s.engine.log = s.http.log = log_.handle();
        io_ = std::make_unique<sio::server>(pool_, std::move(s));
        if (setup)
            setup(*io_);
        port = io_->listen(0).value().port();
        pool_.start();
    }

    ~io_world() { stop(); }

    void stop() {
        pool_.stop();
        io_.reset();
    }

    /// Runs on a shard and waits until it has.
    void on_shard(std::function<void()> const& fn, std::size_t i = 0) { run_on(pool_[i], fn); }

    bool await_sessions(std::size_t n) const {
        return wait_until([&] { return io_->sessions() == n; });
    }
    bool await_sockets(std::size_t n, std::string const& nsp = "/") const {
        return wait_until([&] { return io_->of(nsp).size() == n; });
    }

    sio::server& io() { return *io_; }
    mad::net::io_pool& pool() { return pool_; }
    captured_log const& log() const { return log_; }

    std::uint16_t port = 0;

  private:
    captured_log log_;
    mad::net::io_pool pool_;
    std::unique_ptr<sio::server> io_;
};

inline std::string placeholder(int n) {
    return R"({"_placeholder":true,"num":)" + std::to_string(n) + "}";
}

} // namespace mad_test

#endif
