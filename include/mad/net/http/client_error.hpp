#ifndef MAD_NET_HTTP_CLIENT_ERROR_HPP
#define MAD_NET_HTTP_CLIENT_ERROR_HPP

#include <mad/core/error.hpp>

#include <cstdint>
#include <type_traits>

namespace mad::inline MAD_ABI::net::http {

/// What goes wrong with a request of ours. (Errors of the connection itself are the system's.)
enum class client_error : std::uint8_t {
    none = 0,
    bad_url,        ///< not `http`, `https`, `ws` or `wss`, no host, or a port that is none
    bad_response,   ///< the server's answer is no HTTP/1.x that can be relied on
    head_too_large, ///< over `client_limits::max_head_bytes` or `max_fields`
    body_too_large, ///< over `client_limits::max_body_bytes`: raise it, or ask for less
    ended,          ///< the connection ended before the answer was complete
    timeout,        ///< no complete answer in time
    proxy_denied,   ///< the proxy wants other credentials (407)
    proxy_refused,  ///< the proxy did not open the way: another answer than 2xx
};

error_category const& client_category();

inline error_code make_error_code(client_error e) {
    return {static_cast<int>(e), client_category()};
}

} // namespace mad::inline MAD_ABI::net::http

template <>
struct boost::system::is_error_code_enum<mad::net::http::client_error> : std::true_type {};

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/http/impl/client_error.ipp>
#endif

#endif
