#ifndef MAD_SYNC_REDIS_ADAPTER_HPP
#define MAD_SYNC_REDIS_ADAPTER_HPP

#include <mad/sync/bus.hpp>
#include <mad/sync/classic_codec.hpp>
#include <mad/sync/detail/exchange_adapter.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::sync {

/// The classic adapter: nodes of this library, of socket.io 4 with @socket.io/redis-adapter 7 or 8,
/// and of older releases, on one Redis. Defaults are those of @socket.io/redis-adapter 8.3.
struct redis_adapter_settings : exchange_settings {
    /// In front of all channels: `key` there. The same on all nodes.
    std::string prefix = "socket.io";

    /// Writes as socket.io-redis 5.x does, for nodes of socket.io 2.x: type 5 for events with
    /// bytes, and requests in its dialect, which the nodes of 6.x and later would take for others.
    /// Nodes of this library understand both. Off by default.
    bool compat = false;

    /// Answers go to a channel of the node that has asked, so the others need not read them.
    /// Default off, as in the reference; older nodes than 7.1 do not listen there.
    bool specific_response_channel = false;
};

/// Reaches the sockets of one namespace on all nodes. What concerns the sockets of this node is
/// done here and at once: while Redis is away it goes on, and others are told nothing.
class redis_adapter final : public detail::exchange_adapter {
  public:
    redis_adapter(std::string_view nsp, socketio::local_sockets&, std::shared_ptr<bus>,
                  redis_adapter_settings = {});
    ~redis_adapter() override;

    void retire() override;

    std::string const& uid() const { return uid_; }

  private:
    std::string uid_;
    std::shared_ptr<classic_codec const> codec_;
    std::vector<std::uint64_t> subscriptions_;
    std::atomic<bool> retired_{false};
};

/// For `socketio::server_settings::adapter`. The bus must not be another server's.
socketio::adapter_factory make_redis_adapters(std::shared_ptr<bus>, redis_adapter_settings = {});

} // namespace mad::inline MAD_ABI::sync

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/sync/impl/redis_adapter.ipp>
#endif

#endif
