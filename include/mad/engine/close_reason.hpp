#ifndef MAD_ENGINE_CLOSE_REASON_HPP
#define MAD_ENGINE_CLOSE_REASON_HPP

#include <mad/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mad::inline MAD_ABI::engine {

/// Why a session ended. Not an error: applications are told, and words go by the protocol.
enum class close_reason : std::uint8_t {
    transport_error,      ///< the stream broke, a poll was cut or overlapped
    transport_close,      ///< the peer closed
    ping_timeout,         ///< no sign of life in time
    parse_error,          ///< a packet that cannot be read
    forced_close,         ///< closed by this side
    server_shutting_down, ///< the whole server closes
    slow_consumer,        ///< its queue was full: it reads slower than it is sent to
};

inline constexpr std::size_t close_reason_count = 7;

/// The word an application sees, as in Socket.IO: `ping timeout`. A slow consumer is a
/// `transport error` to it; logs and counters use `log_name`.
std::string_view to_string(close_reason);

/// The name in logs and counters: `slow_consumer`. Never two reasons under one name.
std::string_view log_name(close_reason);

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/close_reason.ipp>
#endif

#endif
