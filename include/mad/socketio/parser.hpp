#ifndef MAD_SOCKETIO_PARSER_HPP
#define MAD_SOCKETIO_PARSER_HPP

#include <mad/socketio/packet.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

namespace detail {

/// A binary packet: its text and the bytes that came for it so far.
struct held_packet {
    std::string text;
    packet_view view;
    std::vector<std::string> attachments;
    std::size_t attachment_bytes = 0;
};

} // namespace detail

/// A packet that is complete. Without attachments it only views the text that was fed, and lives as
/// long as that; with attachments it owns everything it views.
class packet {
  public:
    explicit packet(packet_view const& v)
        : view(v) {}
    explicit packet(std::unique_ptr<detail::held_packet> held)
        : view(held->view)
        , attachments(held->attachments)
        , held_(std::move(held)) {}

    packet_view view;
    std::span<std::string const> attachments;

  private:
    std::unique_ptr<detail::held_packet> held_;
};

/// How packets stand on the wire. Both ends must use the same; nothing in the handshake tells.
enum class packet_parser : std::uint8_t {
    json,   ///< socket.io-parser: text, and a binary message for each attachment
    msgpack ///< socket.io-msgpack-parser: one binary message a packet
};

/// Reads one packet of the msgpack parser, a map such as `{type: 2, nsp: "/", data: ["hello"], id:
/// 7}`, into JSON text and attachments: that is what packets are inside. Bytes become attachments,
/// which count as such; a Date becomes its text, as in JSON; undefined is null, or no member; a
/// number that JSON has not is null; keys that nobody knows are skipped. Limits and refusals are
/// those of `parse_packet`, judged while it is read: nothing is allocated for what is only
/// announced, and the text made is at most six times as long as `data`.
result<packet> decode_msgpack(std::string_view data, packet_limits const& = {});

/// Puts the messages of one connection together to packets; all its namespaces share one decoder.
/// After an error the connection is to be closed. Three words while no attachment is awaited.
class decoder {
  public:
    /// The limits must outlive the decoder.
    explicit decoder(packet_limits const& limits, packet_parser parser = packet_parser::json)
        : limits_(&limits)
        , parser_(parser) {}

    /// A text message: gives the packet, or nothing when its attachments are still to come.
    result<std::optional<packet>> feed_text(std::string_view data);

    /// A binary message: gives the packet that it completes.
    result<std::optional<packet>> feed_binary(std::string_view data);

    /// Attachments are awaited. A peer that lets us wait for long should be closed.
    bool waiting() const { return held_ != nullptr; }

    /// Forgets an unfinished packet.
    void reset() { held_.reset(); }

  private:
    packet_limits const* limits_;
    std::unique_ptr<detail::held_packet> held_;
    packet_parser parser_;
};

} // namespace mad::inline MAD_ABI::socketio

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/socketio/impl/msgpack.ipp>
#include <mad/socketio/impl/parser.ipp>
#endif

#endif
