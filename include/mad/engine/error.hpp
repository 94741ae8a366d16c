#ifndef MAD_ENGINE_ERROR_HPP
#define MAD_ENGINE_ERROR_HPP

#include <mad/core/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace mad::inline MAD_ABI::engine {

/// What goes wrong on the engine path. The first six carry a code on the wire (`answer_of`).
enum class error : std::uint8_t {
    none = 0,
    transport_unknown,    ///< `transport` is missing, unknown or turned off
    session_unknown,      ///< `sid` names no session: ended, or of another node; connect anew
    bad_handshake_method, ///< a handshake must be a GET
    bad_request,          ///< wrong transport or `EIO` for this session, or no Upgrade where needed
    forbidden,            ///< refused by policy (origin, token)
    unsupported_protocol, ///< `EIO` is not 4, or 3 while that is turned off
    bad_method,           ///< a session takes GET and POST only
    binary_body,          ///< a POST with a binary type on revision 4, which has no such form
    overlap,              ///< a second GET or POST while one of the session is under way
    payload_too_large,    ///< a polling body over `maxPayload`: split the packets over several
    bad_packet,           ///< a frame or body that does not parse: the session ends
    bad_open,             ///< the peer's first packet is not a usable open packet
    session_closed,       ///< the session has ended; nothing can be sent on it
    timeout,              ///< the peer did not do in time what it had to do
    queue_full,           ///< the peer reads slower than it is sent to
    transport_failed,     ///< the stream below broke, or no connection came about
};

inline constexpr std::size_t error_count = 17;

/// The name in logs and counters: `session_unknown`.
std::string_view log_name(error);

error_category const& category();

inline error_code make_error_code(error e) {
    return {static_cast<int>(e), category()};
}

/// How an HTTP request that ends in an error is answered.
struct http_answer {
    /// HTTP status.
    int status;

    /// The `code` of the JSON body; -1 where the protocol wants an empty body.
    int code;

    /// The `message` of the JSON body. A refused websocket upgrade gets it alone, as text/html.
    std::string_view message;
};

/// The one table of answers (engine.io 6.6; 403 for a refused websocket too is ours). Nothing for
/// errors that have no place in HTTP.
std::optional<http_answer> answer_of(error);

/// The body for a refused polling request, type application/json; empty where the answer has none.
/// Example: `{"code":0,"message":"Transport unknown"}`
std::string error_body(error);

} // namespace mad::inline MAD_ABI::engine

template <>
struct boost::system::is_error_code_enum<mad::engine::error> : std::true_type {};

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/error.ipp>
#endif

#endif
