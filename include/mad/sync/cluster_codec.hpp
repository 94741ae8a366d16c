#ifndef MAD_SYNC_CLUSTER_CODEC_HPP
#define MAD_SYNC_CLUSTER_CODEC_HPP

#include <mad/core/json_scan.hpp>
#include <mad/sync/message.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::sync {

/// Which rooms have a channel of their own, which only nodes that have the room subscribe to.
enum class subscription_mode : std::uint8_t {
    all_in_one,     ///< none (`static` in JavaScript)
    dynamic,        ///< all but those with 20 characters: names as long as an id
    dynamic_private ///< all, the ids of sockets too
};

/// How nodes with the sharded adapter and with the streams adapter talk.
struct cluster_names {
    std::string prefix = "socket.io";
    std::string nsp = "/";
    std::string uid; ///< 16 hex digits
    subscription_mode mode = subscription_mode::dynamic;
    bool packed = false; ///< msgpack always (streams), instead of only for bytes
};

/// `{"type":3,"data":{..},"uid":"..","nsp":"/"}` on `socket.io#/#`, `socket.io#/#room#` and,
/// answers, `socket.io#/#<uid>#`. Byte for byte what @socket.io/redis-adapter 8.3 (sharded) and
/// @socket.io/redis-streams-adapter 0.3 send.
class cluster_codec final : public codec {
  public:
    explicit cluster_codec(cluster_names, message_limits = {});

    std::string_view channel() const { return channel_; }
    std::string room_channel(std::string_view room) const;
    std::string const& own_response_channel() const { return own_response_; }
    /// Whether the room has a channel of its own.
    bool is_dynamic(std::string_view room) const;
    std::string const& uid() const { return names_.uid; }
    std::string const& nsp() const { return names_.nsp; }

    std::string_view count_channel() const override { return channel_; }
    bool lists_rooms() const override { return false; }
    bool long_ids() const override { return true; }
    bool bytes_in_events() const override { return true; }
    outgoing encode(message_view const&) const override;
    result<std::optional<message>> decode(std::string_view channel,
                                          std::string_view body) const override;

    // The parts of a stream's entry.

    static std::uint8_t type_of(message_kind);
    /// JSON, or base64 of msgpack when there are bytes.
    std::string encode_data(message_view const&) const;
    result<std::optional<message>> decode_entry(std::string_view uid, std::string_view type,
                                                std::string_view data) const;

  private:
    void append_data(std::string& out, message_view const&) const;
    result<std::optional<message>> read(json_span data, std::uint64_t type, message) const;

    cluster_names names_;
    message_limits limits_;
    std::string channel_, own_response_;
};

} // namespace mad::inline MAD_ABI::sync

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/sync/impl/cluster_codec.ipp>
#endif

#endif
