#ifndef MAD_SOCKETIO_DETAIL_SERVER_CORE_HPP
#define MAD_SOCKETIO_DETAIL_SERVER_CORE_HPP

#include <mad/socketio/detail/client_link.hpp>
#include <mad/socketio/server.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>

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

    nsp_core& make_nsp(std::string_view name);
    nsp_core* find_nsp(std::string_view name);

    parent_core& add_parent(std::function<bool(std::string_view)> quick, namespace_check);
    /// By order of registration; null behind the last.
    parent_core* parent(std::size_t i) {
        if (i >= parent_count_.load(std::memory_order_acquire))
            return nullptr;
        std::lock_guard const lock(mutex_);
        return parents_[i].get();
    }
    /// Null when there are too many.
    nsp_core* make_child(parent_core&, std::string_view name);
    void on_new_namespace(std::function<void(nsp)> fn) {
        std::lock_guard const lock(mutex_);
        new_namespace_.push_back(std::move(fn));
    }
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
    void tell_new_namespace(nsp_core&);

    server_settings settings_;
    std::vector<net::shard*> shards_;
    std::vector<std::unique_ptr<net::task_group>> tasks_;
    std::mutex mutex_; // namespaces are looked up at CONNECT, not at messages
    std::condition_variable closing_;
    bool closed_ = false;
    std::map<std::string, std::unique_ptr<nsp_core>, std::less<>> nsps_;
    std::vector<std::unique_ptr<parent_core>> parents_;
    std::atomic<std::size_t> parent_count_{0};
    std::size_t children_ = 0;
    std::vector<std::function<void(nsp)>> new_namespace_;
    std::shared_ptr<void> life_ = std::make_shared<int>();
    engine::server engine_;
    net::http::router routes_;
    std::unique_ptr<net::http::server> http_;
};

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
