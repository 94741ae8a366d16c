#ifndef MAD_PROXY_ERROR_HPP
#define MAD_PROXY_ERROR_HPP

#include <mad/config.hpp>
#include <mad/net/http/message.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::proxy {

/// Why the proxy answers a request itself instead of passing it on. The names (`to_string`) are
/// labels of metrics: the set is closed.
enum class reject : std::uint8_t {
    none,                 ///< go on
    bad_request,          ///< 400: no request that two readers would read alike; closes
    timeout,              ///< 408: head or body did not arrive in time; closes
    body_too_large,       ///< 413; closes
    target_too_long,      ///< 414; closes
    expectation,          ///< 417: an `Expect` other than `100-continue`; closes
    head_too_large,       ///< 431: too many bytes or fields; closes
    not_implemented,      ///< 501: a transfer coding or a method that we do not know; closes
    http_version,         ///< 505; closes
    bad_websocket,        ///< 400: an upgrade to websocket that is none; closes
    websocket_version,    ///< 426 with `Sec-WebSocket-Version: 13`; closes
    bad_handshake_method, ///< 400 code 2, as a node would answer: engine path, method unknown
    bad_engine_request,   ///< 400 code 3, likewise with a sid
    session_gone,         ///< 400 code 1: the node of this sid has gone; the client begins anew
    not_found,            ///< 404: nobody serves this path
    too_many,             ///< 429 with `Retry-After: 5`: limits of one address; closes
    bad_gateway,          ///< 502: a node's answer that cannot be relied on, or half of one
    no_upstream,          ///< 503 with `Retry-After: 2`: no node takes this
    overloaded,           ///< 503 with `Retry-After: 5`: as many connections as we may have; closes
    gateway_timeout,      ///< 504: the node did not answer in time
};

/// How many there are: sizes a table of counters.
inline constexpr std::size_t reject_count = static_cast<std::size_t>(reject::gateway_timeout) + 1;

/// What belongs to a reason.
struct reject_facts {
    std::string_view name; ///< label: `bad_request`
    int status;            ///< 400; 0 for `none`
    int code;              ///< `code` of the body: 1 to 3 of Engine.IO, else the status
    std::string_view message;
    std::string_view fields; ///< lines to add: `Retry-After: 2\r\n`
    bool closes;             ///< what follows on the connection cannot be relied on
};

reject_facts const& facts_of(reject);

inline std::string_view to_string(reject r) {
    return facts_of(r).name;
}

/// The reason for a status of `net::http::parse_head`.
reject reject_of(int status);

/// `{"code":1,"message":"Session ID unknown"}`. Never repeats what a peer has sent.
std::string reject_body(reject);

/// The whole answer on the wire, body included unless `head_request`.
void append_reject(std::string& out, reject, bool close, bool head_request = false);

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/error.ipp>
#endif

#endif
