#ifndef MAD_SOCKETIO_DISCONNECT_REASON_HPP
#define MAD_SOCKETIO_DISCONNECT_REASON_HPP

#include <mad/engine/close_reason.hpp>

#include <cstdint>
#include <string_view>

namespace mad::inline MAD_ABI::socketio {

/// Why a socket left its namespace, as its `disconnect` handler is told.
enum class disconnect_reason : std::uint8_t {
    transport_error,
    transport_close,
    ping_timeout,
    parse_error,
    forced_close,                ///< server: the peer broke the protocol of Socket.IO
    server_shutting_down,        ///< server: it closes
    server_namespace_disconnect, ///< server: its own `disconnect()`
    client_namespace_disconnect, ///< server: the client left
    forced_server_close,         ///< server: its own `disconnect(true)`
    io_server_disconnect,        ///< client: the server ended it; no reconnection by itself
    io_client_disconnect,        ///< client: its own `disconnect()`
};

/// The words of Socket.IO: `client namespace disconnect`.
std::string_view to_string(disconnect_reason);

/// What sockets are told when the session under them ended.
disconnect_reason reason_of(engine::close_reason);

/// Whether a client connects again by itself after this.
constexpr bool reconnects_after(disconnect_reason r) {
    return r != disconnect_reason::io_server_disconnect &&
           r != disconnect_reason::io_client_disconnect;
}

} // namespace mad::inline MAD_ABI::socketio

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/socketio/impl/disconnect_reason.ipp>
#endif

#endif
