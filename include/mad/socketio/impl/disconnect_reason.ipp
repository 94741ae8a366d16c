#ifndef MAD_SOCKETIO_IMPL_DISCONNECT_REASON_IPP
#define MAD_SOCKETIO_IMPL_DISCONNECT_REASON_IPP

#include <mad/socketio/disconnect_reason.hpp>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL std::string_view to_string(disconnect_reason r) {
    switch (r) {
    case disconnect_reason::transport_error:
        return "transport error";
    case disconnect_reason::transport_close:
        return "transport close";
    case disconnect_reason::ping_timeout:
        return "ping timeout";
    case disconnect_reason::parse_error:
        return "parse error";
    case disconnect_reason::forced_close:
        return "forced close";
    case disconnect_reason::server_shutting_down:
        return "server shutting down";
    case disconnect_reason::server_namespace_disconnect:
        return "server namespace disconnect";
    case disconnect_reason::client_namespace_disconnect:
        return "client namespace disconnect";
    case disconnect_reason::forced_server_close:
        return "forced server close";
    case disconnect_reason::io_server_disconnect:
        return "io server disconnect";
    case disconnect_reason::io_client_disconnect:
        return "io client disconnect";
    }
    return "transport error";
}

MAD_DECL disconnect_reason reason_of(engine::close_reason r) {
    switch (r) {
    case engine::close_reason::transport_error:
    case engine::close_reason::slow_consumer:
        return disconnect_reason::transport_error;
    case engine::close_reason::transport_close:
        return disconnect_reason::transport_close;
    case engine::close_reason::ping_timeout:
        return disconnect_reason::ping_timeout;
    case engine::close_reason::parse_error:
        return disconnect_reason::parse_error;
    case engine::close_reason::forced_close:
        return disconnect_reason::forced_close;
    case engine::close_reason::server_shutting_down:
        return disconnect_reason::server_shutting_down;
    }
    return disconnect_reason::transport_error;
}

} // namespace mad::inline MAD_ABI::socketio

#endif
