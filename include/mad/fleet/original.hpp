#ifndef MAD_FLEET_ORIGINAL_HPP
#define MAD_FLEET_ORIGINAL_HPP

#include <mad/redis/config.hpp>
#include <mad/redis/settings.hpp>
#include <mad/socketio/adapter.hpp>
#include <mad/sync/bus.hpp>
#include <mad/sync/classic_codec.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::net {
class shard;
}

namespace mad::inline MAD_ABI::fleet {

/// What nodes of the original tell each other's consoles: they broadcast `web_client_update` with a
/// record and `web_client_disconnect` with an id to all sockets of all nodes (socket.io-redis 5.x),
/// and keep each record as `client_<socketID>`.
class original_dialect {
  public:
    original_dialect();

    /// `socket.io#/#`
    std::string_view channel() const { return codec_.broadcast_channel(); }

    /// What is published there. Nodes of ours know their own and pass it over.
    std::string update(std::string_view record) const;
    std::string gone(std::string_view id) const;

    /// What came from there.
    struct event {
        bool is_update = false;
        std::string text; ///< the record; or the id
    };
    /// Nothing for all that is not for consoles, or that a node of ours has said.
    std::optional<event> read(std::string_view body) const;

  private:
    std::string encode(std::string json) const;

    sync::classic_codec codec_;
};

/// A bus that keeps back what the original tells consoles: agents must not hear it, and consoles
/// hear it from their node, once.
std::shared_ptr<sync::bus> without_console_events(std::shared_ptr<sync::bus>);

/// What reaches the sockets of other Socket.IO servers on this Redis, for
/// `api_settings::make_adapters`: the classic adapter in all namespaces. `legacy`: some of them are
/// nodes of the original, so what is sent is in the form of socket.io-redis 5.x.
socketio::adapter_factory make_fleet_adapters(net::shard&, redis::config, redis::settings,
                                              bool legacy);

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/original.ipp>
#endif

#endif
