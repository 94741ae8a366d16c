#ifndef MAD_NET_WS_ERROR_HPP
#define MAD_NET_WS_ERROR_HPP

#include <mad/core/error.hpp>

#include <cstdint>
#include <type_traits>

namespace mad::inline MAD_ABI::net {

/// What a peer did wrong in its frames (RFC 6455). Each ends the connection: send the close code,
/// then close. Nothing on our side remedies it.
enum class ws_error : std::uint8_t {
    none = 0,
    reserved_bits,           ///< RSV1 to RSV3 set where no extension agreed on says so. 1002
    unknown_opcode,          ///< 3 to 7 or 11 to 15. 1002
    not_masked,              ///< a client sent a frame in clear. 1002
    masked,                  ///< a server sent a masked frame. 1002
    length_not_minimal,      ///< a shorter form of the length would have done. 1002
    length_out_of_range,     ///< the top bit of a 64-bit length is set. 1002
    control_fragmented,      ///< close, ping or pong without FIN. 1002
    control_too_long,        ///< close, ping or pong with more than 125 bytes. 1002
    close_payload_too_short, ///< a close frame of one byte. 1002
    bad_close_code,          ///< a code that must not be sent (1005, 1006, 2999...). 1002
    bad_utf8,                ///< text or a close reason that is not UTF-8. 1007
    unexpected_continuation, ///< a continuation though no message is open. 1002
    expected_continuation,   ///< a new message inside a fragmented one. 1002
    message_too_big,         ///< more than `ws_limits::max_message_bytes` announced. 1009
    too_many_fragments,      ///< more than `ws_limits::max_fragments`. 1009
    bad_compression,         ///< a compressed message that cannot be read. 1007
    bad_extensions,          ///< `Sec-WebSocket-Extensions` that is malformed. The handshake fails
};

error_category const& ws_category();

inline error_code make_error_code(ws_error e) {
    return {static_cast<int>(e), ws_category()};
}

/// The code for our close frame: 1002, 1007 or 1009 for a `ws_error`, 1000 for no error, 1011 for
/// an error that is not the peer's doing.
std::uint16_t close_code_of(error_code const&);

} // namespace mad::inline MAD_ABI::net

template <>
struct boost::system::is_error_code_enum<mad::net::ws_error> : std::true_type {};

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/ws_error.ipp>
#endif

#endif
