#ifndef MAD_ENGINE_CORS_HPP
#define MAD_ENGINE_CORS_HPP

#include <mad/net/http/message.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::engine {

/// Which pages of other origins may talk to us, and what browsers are told of it. Off by default,
/// as in Socket.IO 4.x: no field at all.
struct cors_settings {
    /// Exact origins (`https://status.example:8443`), or `*` alone for all.
    std::vector<std::string> origins;
    /// Or whatever this says yes to (a regular expression, say). An origin counts as listed then.
    std::function<bool(std::string_view origin)> allow_origin;
    /// Lets cookies through; only with listed origins, never with `*`.
    bool credentials = false;
    std::string methods = "GET,HEAD,PUT,PATCH,POST,DELETE";
    /// Empty: what the browser asks for.
    std::string allowed_headers;
    std::string exposed_headers;
    /// Seconds a browser may remember a preflight; < 0: not said.
    int max_age = -1;

    bool enabled() const { return !origins.empty() || allow_origin; }
    bool any_origin() const { return origins.size() == 1 && origins.front() == "*"; }
};

/// Whether that origin is in the list.
bool lists_origin(cors_settings const&, std::string_view origin);

/// The header lines for an answer, errors and the 101 included. A preflight has some more.
std::string cors_fields(cors_settings const&, net::http::request const&);

/// The answer to an OPTIONS request: 204.
net::http::response preflight_answer(cors_settings const&, net::http::request const&);

/// The policy for handshakes, since CORS does not cover websockets: no `Origin` (not a browser),
/// the request's own host and port, a listed origin. False: refuse with 403.
bool origin_allowed(cors_settings const&, std::string_view origin, std::string_view host,
                    bool secure);

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/cors.ipp>
#endif

#endif
