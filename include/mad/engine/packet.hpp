#ifndef MAD_ENGINE_PACKET_HPP
#define MAD_ENGINE_PACKET_HPP

#include <mad/core/error.hpp>
#include <mad/engine/error.hpp>
#include <mad/engine/revision.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::engine {

/// The values are the digits on the wire.
enum class packet_type : std::uint8_t { open, close, ping, pong, message, upgrade, noop };

/// One packet, over bytes that somebody else holds.
struct packet_view {
    packet_type type = packet_type::noop;

    /// True for a message of bytes, false for text.
    bool binary = false;

    std::string_view data;

    friend bool operator==(packet_view const&, packet_view const&) = default;
};

/// `0` to `6`.
constexpr char type_digit(packet_type t) {
    return static_cast<char>('0' + static_cast<int>(t));
}

/// The type that a digit stands for.
constexpr std::optional<packet_type> packet_type_of(char digit) {
    if (digit < '0' || digit > '6')
        return std::nullopt;
    return static_cast<packet_type>(digit - '0');
}

/// A text frame of a websocket, or one text packet of a polling body: `4hello`. `b` and base64 is a
/// binary message, decoded into `scratch` (replaced), which the outcome then views. Else it views
/// `frame`. `error::bad_packet` when it is empty, or begins otherwise, or is not base64.
/// Revision 3 is answered with `error::unsupported_protocol`.
result<packet_view> decode_text(std::string_view frame, std::string& scratch,
                                revision = revision::eio4);

/// A binary frame of a websocket; in revision 4 all of it is the data of a message.
constexpr packet_view decode_binary(std::string_view frame) {
    return {packet_type::message, true, frame};
}

/// Appends what goes into one websocket frame: digit and data for text (`4hello`), the bytes alone
/// for a binary packet, which then needs a binary frame.
inline void append_frame(std::string& out, packet_view const& p) {
    if (!p.binary)
        out += type_digit(p.type);
    out += p.data;
}

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/packet.ipp>
#endif

#endif
