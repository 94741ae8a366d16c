#ifndef MAD_SOCKETIO_PACKET_HPP
#define MAD_SOCKETIO_PACKET_HPP

#include <mad/core/json_scan.hpp>
#include <mad/socketio/error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::socketio {

/// The values are the digits on the wire. `connect_error` is ERROR in revision 4.
enum class packet_type : std::uint8_t {
    connect,
    disconnect,
    event,
    ack,
    connect_error,
    binary_event,
    binary_ack
};

/// One packet, over the text it was parsed from.
struct packet_view {
    packet_type type = packet_type::event;

    /// Binary messages that follow; 0 for all types but the binary ones.
    std::uint32_t attachments = 0;

    /// Its first character is `/`; `/` when the packet names none.
    std::string_view nsp = "/";

    /// Ack id.
    std::optional<std::uint64_t> id;

    /// JSON text, checked; may be empty.
    std::string_view payload;

    bool is_event() const {
        return type == packet_type::event || type == packet_type::binary_event;
    }
    bool is_ack() const { return type == packet_type::ack || type == packet_type::binary_ack; }
};

/// What a peer's packets may cost.
struct packet_limits {
    /// Most binary attachments of a packet. Default 10: socket.io-parser 4.2.6.
    std::size_t max_attachments = 10;

    /// Most bytes of all attachments of a packet together. Default 1,000,000: `maxPayload` of
    /// engine.io 6.6.
    std::size_t max_attachment_bytes = 1'000'000;

    /// Longest event name, and longest namespace in all packets but CONNECT, in bytes of UTF-8.
    /// Default 256. (A CONNECT to a longer namespace is parsed: it deserves a connect error.)
    std::size_t max_name = 256;

    /// Takes CONNECT_ERROR with any JSON, or without: it is ERROR of revision 4 of Socket.IO. For
    /// clients of such servers.
    bool any_error = false;

    /// For the payload. `max_elements` counts the arguments: an event's name comes on top. Lone
    /// surrogates pass because JavaScript peers send them; reading an argument replaces them.
    json_limits json{.lone_surrogates = true};
};

/// Reads the data of one text message, such as `2/admin,13["x"]`, in one pass. Takes and refuses
/// what the parser of socket.io 4.8 does: space counts as part of the ack id (`2 1["x"]` has id 1,
/// `2 ["x"]` has id 0), a namespace may end without its comma, `2` and `3` alone are in order and
/// mean nothing, an event is named by a string or a number. Stricter than that parser: counts are
/// plain digits, an id that is no 64-bit number is refused, and placeholders of a binary packet are
/// checked now instead of when the last attachment is in.
result<packet_view> parse_packet(std::string_view text, packet_limits const& = {});

/// The name of a parsed event.
struct event_name_view {
    /// Without quotes, escapes as written; digits for a number.
    std::string_view raw;

    /// A number, such as `[1,"x"]`.
    bool is_number = false;

    /// There are escapes in `raw`: only then it differs from the name.
    bool escaped = false;

    /// The name as text.
    std::string text() const;

    /// The name: `raw` itself, or the unescaped text in `scratch`.
    std::string_view read(std::string& scratch) const;
};

/// The name of an event, from a payload that `parse_packet` took; empty when there is no payload.
event_name_view event_name(packet_view const&);

/// Names that the library keeps for itself; neither side may emit them.
bool is_reserved_event(std::string_view name);

/// Appends what stands before the payload: `52-/admin,7`. The attachment count only for binary
/// types, the namespace unless it is `/`.
void append_header(std::string& out, packet_type, std::uint32_t attachments, std::string_view nsp,
                   std::optional<std::uint64_t> id);

} // namespace mad::inline MAD_ABI::socketio

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/socketio/impl/packet.ipp>
#endif

#endif
