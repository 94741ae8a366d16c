#ifndef MAD_SYNC_STREAMS_ADAPTER_HPP
#define MAD_SYNC_STREAMS_ADAPTER_HPP

#include <mad/socketio/adapter.hpp>
#include <mad/sync/bus.hpp>
#include <mad/sync/cluster_codec.hpp>
#include <mad/sync/exchange.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::sync {

namespace detail {
class stream_reader;
class stream_node;
}

/// The adapter over a Redis stream, which loses nothing while a node is away for a moment, and lets
/// peers come back on another node than they were on. Defaults are those of
/// @socket.io/redis-streams-adapter 0.3; it understands that adapter alone.
struct streams_adapter_settings : exchange_settings {
    std::string stream = "socket.io"; ///< `streamName`
    std::size_t stream_count = 1;     ///< above 1: `socket.io-0`, ... and a namespace has one
    std::string prefix = "socket.io"; ///< of channels: `channelPrefix`
    bool sharded_pubsub = false;      ///< SPUBLISH for requests and answers
    std::size_t max_len = 10'000;     ///< entries that a stream keeps, about: `maxLen`
    std::size_t read_count = 100;     ///< entries read at once: `readCount`
    milliseconds block_time{5'000};   ///< how long a read waits: `blockTimeInMs`
    std::string session_prefix = "sio:session:"; ///< of keys: `sessionKeyPrefix`

    /// How long a peer may be away and come back, on any node: `maxDisconnectionDuration` of
    /// `connectionStateRecovery`. Nothing, the default: it comes anew.
    std::optional<milliseconds> recovery;

    /// With recovery, events reach the sockets here in the order of the stream, that is when they
    /// have come back from Redis; after so long they are delivered without waiting any more, and
    /// cannot be recovered. At once while Redis is known to be away. Default 1 s. Ours.
    milliseconds patience{1'000};
};

/// What the adapters of one server share: the reading of the streams, which goes on while one of
/// them lives.
class streams final {
  public:
    streams(std::shared_ptr<bus>, streams_adapter_settings);

    std::unique_ptr<socketio::adapter> make(std::string_view nsp, socketio::local_sockets&);

  private:
    std::shared_ptr<detail::stream_reader> reader_;
};

/// For `socketio::server_settings::adapter`. The bus must not be another server's.
socketio::adapter_factory make_streams_adapters(std::shared_ptr<bus>,
                                                streams_adapter_settings = {});

} // namespace mad::inline MAD_ABI::sync

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/sync/impl/stream_sessions.ipp>
#include <mad/sync/impl/streams_adapter.ipp>
#endif

#endif
