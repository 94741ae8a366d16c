#ifndef MAD_ENGINE_SERVER_HPP
#define MAD_ENGINE_SERVER_HPP

#include <mad/engine/counters.hpp>
#include <mad/engine/session.hpp>
#include <mad/engine/settings.hpp>
#include <mad/net/http/router.hpp>
#include <mad/net/io_pool.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

namespace mad::inline MAD_ABI::engine {

/// An Engine.IO server: sessions over polling and websockets, spread over shards. It serves a route
/// of an HTTP server, so several may share a port.
class server {
  public:
    /// Makes what lives on a new session. Runs on its shard, before the open packet leaves.
    using factory = std::function<std::unique_ptr<session_handler>(session&)>;

    /// The shards must outlive the server and be stopped (or idle) when it is destroyed.
    server(std::vector<net::shard*> shards, server_settings, factory);
    ~server();
    server(server const&) = delete;
    server& operator=(server const&) = delete;

    /// Serves `settings.path` of that router's server from now on.
    void mount(net::http::router&);

    /// Ends all sessions. From any thread; done when the shards have run it.
    void close(close_reason why = close_reason::server_shutting_down);

    /// Refuses new sessions from now on (503); those there are go on.
    void drain() { draining_.store(true, std::memory_order_relaxed); }

    /// Ends at most `most` sessions of each shard: draining in slices.
    void close_some(std::size_t most, close_reason why = close_reason::server_shutting_down);

    std::size_t sessions() const { return count_.load(std::memory_order_relaxed); }
    engine::counters const& counters() const { return counters_; }

    server_settings const& settings() const { return settings_; }

  private:
    class part;
    class route;

    friend class part;

    server_settings settings_;
    websocket_settings websockets_;
    factory factory_;
    std::atomic<std::size_t> count_{0};
    engine::counters counters_;
    std::atomic<bool> draining_{false};
    std::vector<std::unique_ptr<part>> parts_;
};

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/farewells.ipp>
#include <mad/engine/impl/server.ipp>
#endif

#endif
