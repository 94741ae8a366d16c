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

/// How a binary message stands in one packet.
enum class binary_form : std::uint8_t {
    bytes,        ///< the bytes alone, in a binary frame: revision 4
    typed_bytes,  ///< 0x04 and the bytes, in a binary frame: revision 3
    base64,       ///< `b` and base64, as text: revision 4, to a peer that asked with `b64`
    typed_base64, ///< `b4` and base64, as text: revision 3, to a peer that asked with `b64`
};

/// What a wire of a peer takes: of that revision, and opened with `b64` or without.
constexpr binary_form binary_form_of(revision rev, bool b64) {
    if (rev == revision::eio3)
        return b64 ? binary_form::typed_base64 : binary_form::typed_bytes;
    return b64 ? binary_form::base64 : binary_form::bytes;
}

/// Whether a packet of that form is text.
constexpr bool is_text(binary_form f) {
    return f == binary_form::base64 || f == binary_form::typed_base64;
}

/// A text frame of a websocket, or one text packet of a polling body: `4hello`. `b` and base64
/// (revision 3: `b4` and base64) is a binary message, decoded into `scratch` (replaced), which the
/// outcome then views. Else it views `frame`. `error::bad_packet` when it is empty, or begins
/// otherwise, or is not base64.
result<packet_view> decode_text(std::string_view frame, std::string& scratch,
                                revision = revision::eio4);

/// A binary frame of a websocket; in revision 4 all of it is the data of a message.
constexpr packet_view decode_binary(std::string_view frame) {
    return {packet_type::message, true, frame};
}

/// The same for either revision; revision 3 puts the byte 0x04 in front, and without it this is
/// `error::bad_packet`.
inline result<packet_view> decode_binary(std::string_view frame, revision rev) {
    if (rev == revision::eio4)
        return decode_binary(frame);
    if (!frame.starts_with('\x04'))
        return error_code(error::bad_packet);
    return decode_binary(frame.substr(1));
}

/// Appends a binary message in that form.
void append_binary(std::string& out, std::string_view data, binary_form);

/// Appends what goes into one websocket frame: digit and data for text (`4hello`), the given form
/// for a binary packet. Only text needs a text frame, and so does a form that is text.
inline void append_frame(std::string& out, packet_view const& p,
                         binary_form form = binary_form::bytes) {
    if (p.binary)
        return append_binary(out, p.data, form);
    out += type_digit(p.type);
    out += p.data;
}

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/packet.ipp>
#endif

#endif
