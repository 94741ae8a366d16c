#ifndef MAD_SYNC_REDIS_BUS_HPP
#define MAD_SYNC_REDIS_BUS_HPP

#include <mad/net/shard.hpp>
#include <mad/redis/client.hpp>
#include <mad/redis/subscriber.hpp>
#include <mad/sync/bus.hpp>
#include <mad/sync/detail/handler_table.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace mad::inline MAD_ABI::sync {

/// The bus over Redis: a connection for commands, one for subscriptions, and one for each lane of
/// `exec_blocking` that is used. It lives on one shard, which must outlive it, and so it must
/// outlive the settings that hold the factory of adapters.
///
///     mad::net::io_pool pool(4);
///     auto const redis = std::make_shared<mad::sync::redis_bus>(
///         *pool.shards()[0], mad::redis::parse_url("redis://localhost").value());
///     mad::socketio::server_settings s;
///     s.adapter = mad::sync::make_redis_adapters(redis);
///     mad::socketio::server io(pool, s);
class redis_bus final : public bus {
  public:
    redis_bus(net::shard&, redis::config, redis::settings = {});
    redis_bus(boost::asio::io_context& ctx, redis::config c, redis::settings s = {})
        : redis_bus(net::shard::of(ctx), std::move(c), std::move(s)) {}
    ~redis_bus() override;

    void send(redis::command) override;
    void exec(redis::command, reply_handler) override;
    void exec_on_masters(redis::command, batch_handler) override;
    void exec_blocking(std::size_t lane, redis::command, reply_handler) override;
    void transaction(redis::pipeline, batch_handler) override;
    std::uint64_t subscribe(subscription, std::string name, message_handler) override;
    void unsubscribe(std::uint64_t) override;
    bool is_up() const override;
    void after(milliseconds, std::function<void()>) override;

    /// For commands of the application's own, and for how Redis is.
    redis::client const& client() const { return client_; }
    redis::subscriber const& subscriber() const { return subscriber_; }
    /// Ends the connections; the adapters then reach this node alone.
    void close();

  private:
    struct timers;

    net::shard& shard_;
    redis::config const config_;
    redis::settings const settings_;
    redis::client client_;
    redis::subscriber subscriber_;
    std::shared_ptr<timers> timers_;
    std::shared_ptr<detail::handler_table> handlers_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<redis::client>> lanes_;
    bool closed_ = false;
};

} // namespace mad::inline MAD_ABI::sync

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/sync/impl/redis_bus.ipp>
#endif

#endif
