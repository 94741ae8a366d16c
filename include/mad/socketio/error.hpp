#ifndef MAD_SOCKETIO_ERROR_HPP
#define MAD_SOCKETIO_ERROR_HPP

#include <mad/core/error.hpp>

#include <cstdint>
#include <type_traits>

namespace mad::inline MAD_ABI::socketio {

/// What goes wrong with packets, arguments and calls of Socket.IO. The first group is a peer's
/// malformed packet: the connection ends, and nothing of the packet reaches a handler.
enum class error : std::uint8_t {
    none = 0,
    bad_type,             ///< empty, or not a digit 0 to 6
    bad_attachments,      ///< a binary packet without a count of at least 1
    too_many_attachments, ///< more than `packet_limits::max_attachments`
    attachments_too_big,  ///< together over `packet_limits::max_attachment_bytes`
    bad_placeholder,      ///< a placeholder whose `num` is no attachment of the packet
    bad_id,               ///< an ack id that is no number of 64 bits
    bad_payload,          ///< not JSON, over a limit, or not what the packet type wants
    reserved_event,       ///< an event name that is the library's own (`connect`, `disconnect`...)
    name_too_long,        ///< event or namespace name over `packet_limits::max_name`
    unexpected_text,      ///< text while attachments are awaited
    unexpected_binary,    ///< bytes while no attachment is awaited
    not_joined,           ///< a packet for a namespace that the connection has not joined
    already_joined,       ///< CONNECT for a namespace that it has joined

    missing_argument,  ///< the event has fewer arguments than the handler wants
    bad_argument,      ///< an argument is of another kind than the handler wants
    session_closed,    ///< the socket or its connection is gone
    timeout,           ///< no acknowledgement in time
    not_acknowledged,  ///< disconnected before the acknowledgement came
    connect_refused,   ///< the server answered CONNECT with CONNECT_ERROR
    incompatible_peer, ///< the server speaks Socket.IO 2.x
    queue_full,        ///< the peer reads slower than it is sent to
};

error_category const& category();

inline error_code make_error_code(error e) {
    return {static_cast<int>(e), category()};
}

} // namespace mad::inline MAD_ABI::socketio

template <>
struct boost::system::is_error_code_enum<mad::socketio::error> : std::true_type {};

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/socketio/impl/error.ipp>
#endif

#endif
