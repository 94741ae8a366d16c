#ifndef MAD_REDIS_SUBSCRIBER_HPP
#define MAD_REDIS_SUBSCRIBER_HPP

#include <mad/redis/config.hpp>
#include <mad/redis/settings.hpp>
#include <mad/redis/state.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::net {
class shard;
}

namespace mad::inline MAD_ABI::redis {

namespace detail {
class subscriber_core;
}

/// Listens to channels. It has connections of its own, and subscribes again whenever one is lost.
/// Redis keeps nothing for who is away: what was published meanwhile is gone, and `on_resubscribed`
/// is the moment to read again what matters.
///
///     mad::redis::subscriber listener(ioc, config);
///     listener.subscribe("news", [](std::string_view channel, std::string_view text) { ... });
///     listener.on_resubscribed([](std::uint64_t epoch) { ... });
///
/// Calls may be made from any thread; handlers run on the shard given, one after the other. One
/// handler a channel and one a pattern: a second one replaces the first.
class subscriber {
  public:
    /// Both are valid during the call.
    using message_handler = std::function<void(std::string_view channel, std::string_view payload)>;
    /// Redis has confirmed, or has refused (`error::no_permission`, ...). Called once, the first
    /// time.
    using done_handler = std::function<void(error_code)>;
    using condition_handler = std::function<void(condition const&)>;

    subscriber(boost::asio::io_context&, config, settings = {});
    subscriber(net::shard&, config, settings = {});
    /// Closes it.
    ~subscriber();
    subscriber(subscriber const&) = delete;
    subscriber& operator=(subscriber const&) = delete;

    void subscribe(std::string channel, message_handler, done_handler = {}) const;
    /// A pattern as Redis reads it: `*`, `?`, `[a-c]`, `\*`.
    void psubscribe(std::string pattern, message_handler, done_handler = {}) const;
    /// A sharded channel (Redis 7): in a Cluster it lives on one node, and SPUBLISH goes there.
    void ssubscribe(std::string channel, message_handler, done_handler = {}) const;

    void unsubscribe(std::string channel) const;
    void punsubscribe(std::string pattern) const;
    void sunsubscribe(std::string channel) const;

    /// Called when every subscription has been confirmed after a connect: the first one (epoch 1),
    /// and each one later. In a Cluster also after sharded channels have moved.
    void on_resubscribed(std::function<void(std::uint64_t epoch)>) const;

    /// Called on the shard at each change from here on, and at once with what is.
    void on_state(condition_handler) const;
    redis::condition condition() const;

    /// Ends the connections; no handler is called any more.
    void close() const;

  private:
    void run(std::function<void(detail::subscriber_core&)>) const;

    std::shared_ptr<detail::subscriber_core> core_;
};

} // namespace mad::inline MAD_ABI::redis

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/subscriber.ipp>
#endif

#endif
