#ifndef MAD_PROXY_IMPL_ERROR_IPP
#define MAD_PROXY_IMPL_ERROR_IPP

#include <mad/proxy/error.hpp>

#include <array>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

inline constexpr std::array<reject_facts, reject_count> reject_table{{
    {"none", 0, 0, "", "", false},
    {"bad_request", 400, 400, "Bad request", "", true},
    {"timeout", 408, 408, "Request timeout", "", true},
    {"body_too_large", 413, 413, "Payload too large", "", true},
    {"target_too_long", 414, 414, "URI too long", "", true},
    {"expectation", 417, 417, "Expectation failed", "", true},
    {"head_too_large", 431, 431, "Request header fields too large", "", true},
    {"not_implemented", 501, 501, "Not implemented", "", true},
    {"http_version", 505, 505, "HTTP version not supported", "", true},
    {"bad_websocket", 400, 400, "Bad websocket handshake", "", true},
    {"websocket_version", 426, 426, "Websocket version 13 wanted",
     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", true},
    {"bad_handshake_method", 400, 2, "Bad handshake method", "", true},
    {"bad_engine_request", 400, 3, "Bad request", "", true},
    {"session_gone", 400, 1, "Session ID unknown", "", false},
    {"not_found", 404, 404, "Not found", "", false},
    {"too_many", 429, 429, "Too many requests", "Retry-After: 5\r\n", true},
    {"bad_gateway", 502, 502, "Bad gateway", "", false},
    {"no_upstream", 503, 503, "No node can take this now", "Retry-After: 2\r\n", false},
    {"overloaded", 503, 503, "Too many connections", "Retry-After: 5\r\n", true},
    {"gateway_timeout", 504, 504, "Gateway timeout", "", false},
}};

} // namespace detail

MAD_DECL reject_facts const& facts_of(reject r) {
    return detail::reject_table[static_cast<std::size_t>(r)];
}

MAD_DECL reject reject_of(int status) {
    switch (status) {
    case 0:
        return reject::none;
    case 414:
        return reject::target_too_long;
    case 431:
        return reject::head_too_large;
    case 501:
        return reject::not_implemented;
    case 505:
        return reject::http_version;
    default:
        return reject::bad_request;
    }
}

MAD_DECL std::string reject_body(reject r) {
    auto const& f = facts_of(r);
    std::string out = "{\"code\":" + std::to_string(f.code) + ",\"message\":\"";
    return out.append(f.message).append("\"}");
}

MAD_DECL void append_reject(std::string& out, reject r, bool close, bool head_request) {
    auto answer = net::http::json_answer(facts_of(r).status, reject_body(r));
    answer.fields.append(facts_of(r).fields);
    net::http::append_response(out, answer, close || facts_of(r).closes, head_request);
}

} // namespace mad::inline MAD_ABI::proxy

#endif
