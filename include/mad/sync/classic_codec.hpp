#ifndef MAD_SYNC_CLASSIC_CODEC_HPP
#define MAD_SYNC_CLASSIC_CODEC_HPP

#include <mad/sync/message.hpp>

#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::sync {

/// How nodes with the classic adapter talk: socket.io-redis and @socket.io/redis-adapter.
struct classic_names {
    std::string prefix = "socket.io"; ///< `key` there
    std::string nsp = "/";
    std::string uid; ///< of this node; `emitter` for one that only sends

    /// Requests as 5.x numbers them, broadcasts as it writes them. What comes is understood in both
    /// dialects, whatever is set here.
    bool compat = false;

    /// Answers go to a channel of the requester alone (7.1 and later understand it).
    bool specific_response_channel = false;
};

/// Channels `socket.io#/#` and `socket.io#/#room#` (broadcasts), `socket.io-request#/#`,
/// `socket.io-response#/#`, `socket.io-response#/#<uid>#`. Byte for byte what
/// @socket.io/redis-adapter 8.3 sends, or with `compat` socket.io-redis 5.2.
class classic_codec final : public codec {
  public:
    explicit classic_codec(classic_names, message_limits = {});

    std::string_view broadcast_channel() const { return broadcast_; }
    std::string_view request_channel() const { return request_; }
    std::string_view response_channel() const { return response_; }
    std::string own_response_channel() const { return response_ + names_.uid + '#'; }
    /// What broadcasts of all rooms match: the channel with its glob characters escaped, and `*`.
    std::string broadcast_pattern() const;

    std::string_view count_channel() const override { return request_; }
    bool lists_rooms() const override { return true; }
    bool long_ids() const override { return false; }
    bool bytes_in_events() const override { return false; }
    outgoing encode(message_view const&) const override;
    result<std::optional<message>> decode(std::string_view channel,
                                          std::string_view body) const override;

  private:
    bool is_emitter() const { return names_.uid == "emitter"; }
    void append_packet(std::string& out, message_view const&) const;
    void append_opts(std::string& out, message_view const&) const;
    outgoing broadcast(message_view const&) const;
    std::string request(message_view const&) const;
    std::string old_request(message_view const&) const;
    std::string answer(message_view const&) const;
    std::string old_answer(message_view const&) const;

    result<std::optional<message>> read_broadcast(std::string_view body) const;
    result<std::optional<message>> read_packed(std::string_view body) const;
    result<std::optional<message>> read_request(std::string_view body) const;
    result<std::optional<message>> read_answer(std::string_view body) const;

    classic_names names_;
    message_limits limits_;
    std::string broadcast_, request_, response_;
};

} // namespace mad::inline MAD_ABI::sync

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/sync/impl/classic_codec.ipp>
#include <mad/sync/impl/classic_codec_read.ipp>
#endif

#endif
