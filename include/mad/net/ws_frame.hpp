#ifndef MAD_NET_WS_FRAME_HPP
#define MAD_NET_WS_FRAME_HPP

#include <mad/core/error.hpp>
#include <mad/core/utf8.hpp>
#include <mad/net/ws_error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::net {

enum class ws_opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
};

/// Which side we are: a server demands masked input, a client refuses it.
enum class ws_role : std::uint8_t { server, client };

/// What one message may cost.
struct ws_limits {
    /// Longest message, in bytes, all fragments together. Default 1,000,000: `maxHttpBufferSize` of
    /// Socket.IO 4.x.
    std::size_t max_message_bytes = 1'000'000;
    /// Most frames one message may come in, empty ones counted.
    std::size_t max_fragments = 4096;
};

/// One whole message or control frame.
struct ws_message {
    ws_opcode type = ws_opcode::continuation;
    /// The payload, unmasked. For `close` the reason alone.
    std::span<char> data;
    /// For `close` the code, 1005 when the frame has none.
    std::uint16_t close_code = 1005;
    /// The data are compressed (RSV1), and nobody has looked whether a text is UTF-8.
    bool compressed = false;
};

enum class ws_status : std::uint8_t { need_more, message };

/// Takes frames of one peer apart and puts messages together (RFC 6455 sections 5 to 8), strictly,
/// without extensions but for compressed messages, which stay compressed. Text is checked while it
/// arrives, a limit is judged from the header, and memory grows with what has arrived, never with
/// what was announced.
class ws_decoder {
  public:
    /// Keeps a pointer to `limits`.
    ws_decoder(ws_role role, ws_limits const& limits)
        : limits_(&limits)
        , role_(role) {}

    /// Takes bytes from the front of `in`, which moves on, and unmasks them in place. After
    /// `message` call again for the rest: `out.data` lasts until then and points into the memory of
    /// `in` (a message in one frame inside it: no copy, no allocation) or into the decoder's own.
    /// After `need_more` `in` is empty and what is needed of it has been kept. An error
    /// (`ws_error`) is final. What follows a close frame is taken and ignored, as the RFC says.
    result<ws_status> next(std::span<char>& in, ws_message& out);

    /// From now on messages may be compressed (RFC 7692): RSV1 in the first frame of one.
    void allow_compressed() { may_compress_ = true; }

    /// True when nothing is partly received: neither a frame nor a fragmented message.
    bool idle() const { return held_ == 0 && !in_frame_ && type_ == ws_opcode::continuation; }

    /// Bytes of heap held for what is partly received, and for a message put together until the
    /// next call of `next`; else 0.
    std::size_t held_bytes() const {
        return partial_ ? sizeof(partial) + partial_->message.capacity() : 0;
    }

  private:
    /// What has arrived of a message or a control frame. There is none on an idle connection.
    struct partial {
        std::vector<char> message;
        std::uint8_t control_size = 0;
        std::array<char, 125> control;
    };

    bool take_head(std::span<char>& in, ws_error& error);
    ws_error judge_first(std::uint8_t byte) const;
    ws_error judge_second(std::uint8_t first, std::uint8_t second) const;
    ws_error read_head(char const* head);
    ws_error begin_data_frame(std::uint64_t size);
    bool take_control(std::span<char> piece, std::span<char>& whole);
    bool take_data(std::span<char> piece, std::span<char>& whole);
    void keep(std::span<char> piece);
    ws_error read_close(ws_message& out) const;
    error_code fail(ws_error, ws_message& out);
    partial& kept();

    ws_limits const* limits_;
    std::unique_ptr<partial> partial_;
    std::uint64_t left_ = 0; // payload bytes of this frame still to come
    std::uint32_t mask_ = 0; // turned so that its first byte is for the next byte to come
    std::uint32_t fragments_ = 0;
    utf8_checker utf8_;           // whole between messages, so never set back
    std::uint8_t held_ = 0;       // bytes of a split header in head_
    std::array<char, 14> head_{}; // max_ws_header_bytes
    ws_role role_;
    ws_opcode opcode_ = ws_opcode::continuation; // of this frame
    ws_opcode type_ = ws_opcode::continuation;   // of the message; continuation: none is open
    bool fin_ = false;
    bool in_frame_ = false;
    bool closed_ = false;
    bool may_compress_ = false, compressed_ = false; // compressed_: the message
    ws_error failed_ = ws_error::none;
};

static_assert(sizeof(ws_decoder) <= 64, "one stands in every idle session");

/// The bit in a header's first byte that says that the message is compressed (RFC 7692 section 6).
inline constexpr unsigned ws_rsv1 = 0x40;

/// Longest frame header: 2 + 8 bytes of length + 4 of mask.
inline constexpr std::size_t max_ws_header_bytes = 14;

/// Bytes of the header in front of so many payload bytes.
constexpr std::size_t ws_header_size(std::uint64_t payload_bytes, bool masked) {
    return (payload_bytes < 126 ? 2 : payload_bytes < 65536 ? 4 : 10) + (masked ? 4 : 0);
}

/// Writes the header of an unmasked frame (a server's) and gives its size; `out` has room for
/// `max_ws_header_bytes`. Example: `81 05` before the text `Hello`.
std::size_t write_ws_header(char* out, ws_opcode, bool fin, std::uint64_t payload_bytes);

/// The same for a masked frame (a client's). The payload must go through `ws_mask` with the same
/// mask, which should be random. The mask's high byte stands first: 0x37fa213d is `37 fa 21 3d`.
std::size_t write_ws_header(char* out, ws_opcode, bool fin, std::uint64_t payload_bytes,
                            std::uint32_t mask);

/// Masks or unmasks in place. `offset` is the place of `data` in its payload.
void ws_mask(std::span<char> data, std::uint32_t mask, std::size_t offset = 0);

/// `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`: 28 characters (RFC 6455 section 4.2.2).
std::string ws_accept_key(std::string_view key);

/// Whether a `Sec-WebSocket-Key` is base64 (standard alphabet, padded) of exactly 16 bytes.
bool is_ws_key(std::string_view key);

/// Whether a close frame may carry this code: 1000 to 1003, 1007 to 1014, 3000 to 4999.
constexpr bool is_ws_close_code(std::uint16_t code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

/// The payload of a close frame, at most 125 bytes: a longer reason, or one that stops being UTF-8,
/// is cut at the last whole character. Empty (no code) for a code that must not be sent, as 1005.
std::string ws_close_payload(std::uint16_t code, std::string_view reason);

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/ws_decoder.ipp>
#include <mad/net/impl/ws_frame.ipp>
#endif

#endif
