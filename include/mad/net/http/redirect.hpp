#ifndef MAD_NET_HTTP_REDIRECT_HPP
#define MAD_NET_HTTP_REDIRECT_HPP

#include <mad/net/http/router.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::net::http {

/// Where the same page is over TLS: `https://HOST[:port]TARGET`, HOST from a `Host` field without
/// its port. Empty when there is no usable host in it, or the target has no path.
std::string https_location(std::string_view host, std::string_view target, std::uint16_t port);

/// Answers everything with 308 to the same place over TLS on `port` (443 is left out of the URL);
/// 400 without a usable `Host`. 308 keeps the method, so a POST is not turned into a GET.
std::shared_ptr<route> redirect_to_https(std::uint16_t port);

} // namespace mad::inline MAD_ABI::net::http

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/http/impl/redirect.ipp>
#endif

#endif
