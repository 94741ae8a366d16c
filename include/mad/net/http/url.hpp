#ifndef MAD_NET_HTTP_URL_HPP
#define MAD_NET_HTTP_URL_HPP

#include <mad/core/error.hpp>
#include <mad/net/http/client_error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::net::http {

/// The parts of `http://host:port/path?query`.
struct url {
    std::string scheme; ///< `http`, `https`, `ws` or `wss`
    std::string host;   ///< IPv6 without brackets
    std::uint16_t port = 0;
    bool secure = false; ///< `https`, `wss`
    std::string path;    ///< as written, `/` when there is none
    std::string query;   ///< as written, without the `?`

    /// What goes into the `Host` field: the port only when it is not the scheme's own.
    std::string authority() const;
};

/// `client_error::bad_url` for another scheme, for user names, and for anything that could not go
/// into a request as it is (spaces, control characters). What follows a `#` is left out.
result<url> parse_url(std::string_view text);

} // namespace mad::inline MAD_ABI::net::http

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/http/impl/url.ipp>
#endif

#endif
