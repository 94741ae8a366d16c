#ifndef MAD_SYNC_SHARDED_ADAPTER_HPP
#define MAD_SYNC_SHARDED_ADAPTER_HPP

#include <mad/socketio/adapter.hpp>
#include <mad/sync/bus.hpp>
#include <mad/sync/cluster_codec.hpp>
#include <mad/sync/exchange.hpp>

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
class sharded_adapter final : public socketio::adapter {
  public:
    sharded_adapter(std::string_view nsp, socketio::local_sockets&, std::shared_ptr<bus>,
                    sharded_adapter_settings = {});
    ~sharded_adapter() override;

    void broadcast(socketio::encoded const&, socketio::target const&,
                   socketio::broadcast_flags) override;
    void broadcast_with_ack(socketio::encoded const& p, std::uint64_t id, socketio::target const& t,
                            socketio::broadcast_flags f, milliseconds timeout,
                            std::function<void(socketio::ack_responses)> done) override {
        exchange_->ask(p, id, t, f, timeout, std::move(done));
    }
    void join(socketio::target const& t, std::vector<std::string> rooms) override {
        exchange_->join(t, std::move(rooms));
    }
    void leave(socketio::target const& t, std::vector<std::string> rooms) override {
        exchange_->leave(t, std::move(rooms));
    }
    void disconnect(socketio::target const& t, bool close) override {
        exchange_->disconnect(t, close);
    }
    void fetch(socketio::target const& t, exchange::infos_handler done) override {
        exchange_->fetch(t, std::move(done));
    }
    void all_rooms(exchange::names_handler done) override { exchange_->all_rooms(std::move(done)); }
    void server_side_emit(std::string_view event, socketio::arguments const& args) override {
        exchange_->server_event(event, args);
    }
    void server_side_emit_with_ack(std::string_view event, socketio::arguments const& args,
                                   milliseconds timeout,
                                   std::function<void(socketio::ack_responses)> done) override {
        exchange_->server_event(event, args, timeout, std::move(done));
    }

    void retire() override;

    std::uint64_t dropped() const { return exchange_->dropped(); }
    std::string const& uid() const { return codec_->uid(); }

  private:
    struct room_channels;

    std::shared_ptr<cluster_codec const> codec_;
    std::shared_ptr<exchange> exchange_;
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
