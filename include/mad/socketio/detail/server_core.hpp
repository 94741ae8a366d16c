#ifndef MAD_SOCKETIO_DETAIL_SERVER_CORE_HPP
#define MAD_SOCKETIO_DETAIL_SERVER_CORE_HPP

#include <mad/socketio/detail/client_link.hpp>
#include <mad/socketio/detail/nsp_table.hpp>
#include <mad/socketio/server.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace mad::inline MAD_ABI::socketio::detail {

/// What a `server` and its namespaces share.
class server_core {
  public:
    server_core(std::vector<net::shard*> shards, server_settings);
    ~server_core();

    server_settings const& settings() const { return settings_; }
    std::vector<net::shard*> const& shards() const { return shards_; }
    net::task_group& tasks(std::size_t shard) { return *tasks_[shard]; }
    net::http::router& routes() { return routes_; }
    engine::server& engine() { return engine_; }

    nsp_table& namespaces() { return namespaces_; }
    /// Ends with it: for what may be kept longer.
    std::weak_ptr<void> life() const { return life_; }

    net::http::server& http();
    void note_close() {
        {
            std::lock_guard const lock(mutex_);
            closed_ = true;
        }
        closing_.notify_all();
    }
    void wait_for_close() {
        std::unique_lock lock(mutex_);
        closing_.wait(lock, [this] { return closed_; });
    }
    std::size_t connections() const { return http_ ? http_->connections() : 0; }

  private:
    server_settings settings_;
    std::vector<net::shard*> shards_;
    std::vector<std::unique_ptr<net::task_group>> tasks_;
    std::mutex mutex_;
    std::condition_variable closing_;
    bool closed_ = false;
    nsp_table namespaces_{*this};
    std::shared_ptr<void> life_ = std::make_shared<int>();
    engine::server engine_;
    net::http::router routes_;
    std::unique_ptr<net::http::server> http_;
};

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
