#ifndef MAD_NET_COMPRESSION_HPP
#define MAD_NET_COMPRESSION_HPP

#include <mad/core/error.hpp>
#include <mad/net/ws_deflate.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::net {

/// Compression of one websocket's messages, as its two sides agreed on. What `deflate.hpp` makes
/// holds no memory of its own but for context takeover. Lives and is used on one shard.
class message_codec {
  public:
    virtual ~message_codec() = default;

    /// The text of a whole compressed message. It lasts until the next call on this thread.
    /// `ws_error::message_too_big` as soon as it would be longer than `max_bytes`: never more
    /// memory than that is used. `ws_error::bad_compression` for what is no compressed message.
    /// Final.
    virtual result<std::span<char>> inflate(std::string_view message, std::size_t max_bytes) = 0;

    /// What to send for `message`; it lasts until the next call on this thread. Nothing: send the
    /// message as it is.
    virtual std::optional<std::string_view> deflate(std::string_view message) = 0;

    /// Messages shorter than this go as they are (bytes).
    virtual std::size_t threshold() const = 0;

    /// True when `deflate` gives all connections of these settings the same: a broadcast is then
    /// compressed once.
    virtual bool shared() const = 0;
};

/// Who compresses websockets: settings hold one, or none. Used from any thread.
class message_compression {
  public:
    virtual ~message_compression() = default;

    /// A server's part: see `accept_ws_deflate`.
    virtual result<std::optional<ws_deflate_terms>> accept(std::string_view offers) const = 0;

    /// A client's part: the value of its `Sec-WebSocket-Extensions`, and its judgement of the
    /// server's, see `judge_ws_deflate`.
    virtual std::string offer() const = 0;
    virtual result<std::optional<ws_deflate_terms>> judge(std::string_view answer) const = 0;

    virtual std::unique_ptr<message_codec> make(ws_role, ws_deflate_terms const&) const = 0;
};

/// How an HTTP body is coded; `deflate` is the zlib format, as HTTP means it.
enum class content_coding : std::uint8_t { identity, gzip, deflate };

/// Who compresses HTTP answers: settings hold one, or none. Used from any thread.
class body_compression {
  public:
    virtual ~body_compression() = default;

    /// Bodies shorter than this go as they are (bytes).
    virtual std::size_t threshold() const = 0;

    /// The coded body; nothing when it would not be shorter.
    virtual std::optional<std::string> compress(content_coding, std::string_view body) const = 0;
};

} // namespace mad::inline MAD_ABI::net

#endif
