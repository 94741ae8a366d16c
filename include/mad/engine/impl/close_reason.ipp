#ifndef MAD_ENGINE_IMPL_CLOSE_REASON_IPP
#define MAD_ENGINE_IMPL_CLOSE_REASON_IPP

#include <mad/engine/close_reason.hpp>

namespace mad::inline MAD_ABI::engine {

MAD_DECL std::string_view to_string(close_reason r) {
    switch (r) {
    case close_reason::transport_error:
    case close_reason::slow_consumer:
        return "transport error";
    case close_reason::transport_close:
        return "transport close";
    case close_reason::ping_timeout:
        return "ping timeout";
    case close_reason::parse_error:
        return "parse error";
    case close_reason::forced_close:
        return "forced close";
    case close_reason::server_shutting_down:
        return "server shutting down";
    }
    return "transport error";
}

MAD_DECL std::string_view log_name(close_reason r) {
    switch (r) {
    case close_reason::transport_error:
        return "transport_error";
    case close_reason::transport_close:
        return "transport_close";
    case close_reason::ping_timeout:
        return "ping_timeout";
    case close_reason::parse_error:
        return "parse_error";
    case close_reason::forced_close:
        return "forced_close";
    case close_reason::server_shutting_down:
        return "server_shutting_down";
    case close_reason::slow_consumer:
        return "slow_consumer";
    }
    return "unknown";
}

} // namespace mad::inline MAD_ABI::engine

#endif
