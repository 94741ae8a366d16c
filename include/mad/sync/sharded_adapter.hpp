#ifndef MAD_SYNC_SHARDED_ADAPTER_HPP
#define MAD_SYNC_SHARDED_ADAPTER_HPP

#include <mad/sync/bus.hpp>
#include <mad/sync/cluster_codec.hpp>
#include <mad/sync/detail/exchange_adapter.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::sync {

/// The adapter over sharded channels (Redis 7), which a Cluster does not carry to every node.
/// Defaults are those of `createShardedAdapter` of @socket.io/redis-adapter 8.3. It does not
/// understand the classic adapter, nor the other way round.
struct sharded_adapter_settings : exchange_settings {
    /// In front of all channels: `channelPrefix` there.
    std::string prefix = "socket.io";

    /// Which rooms get channels of their own. The same on all nodes.
    subscription_mode mode = subscription_mode::dynamic;
};

/// Reaches the sockets of one namespace on all nodes: see `redis_adapter`.
class sharded_adapter final : public detail::exchange_adapter {
  public:
    sharded_adapter(std::string_view nsp, socketio::local_sockets&, std::shared_ptr<bus>,
                    sharded_adapter_settings = {});
    ~sharded_adapter() override;

    void retire() override;

    std::string const& uid() const { return codec_->uid(); }

  private:
    struct room_channels;

    std::shared_ptr<cluster_codec const> codec_;
    std::vector<std::uint64_t> subscriptions_;
    std::atomic<bool> retired_{false};
    std::shared_ptr<room_channels> rooms_;
};

/// For `socketio::server_settings::adapter`. The bus must not be another server's.
socketio::adapter_factory make_sharded_adapters(std::shared_ptr<bus>,
                                                sharded_adapter_settings = {});

} // namespace mad::inline MAD_ABI::sync

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/sync/impl/sharded_adapter.ipp>
#endif

#endif
