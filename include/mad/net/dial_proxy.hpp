#ifndef MAD_NET_DIAL_PROXY_HPP
#define MAD_NET_DIAL_PROXY_HPP

#include <mad/core/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::net {

/// An HTTP proxy that outgoing connections go through, by CONNECT (RFC 9110 section 9.3.6): it
/// passes bytes on and sees no more of them than their target, plain ones included.
struct dial_proxy {
    std::string host; ///< name or address; IPv6 without brackets
    std::uint16_t port = 80;
    std::string authorization{}; ///< the value of `Proxy-Authorization`; empty: none is sent
};

/// From `http://user:password@host:port`; user and password may be left out, and are
/// percent-encoded when they hold what a URL cannot. They are sent as they are, for all between
/// here and the proxy to read (RFC 7617). `client_error::bad_url` for anything else: TLS to the
/// proxy itself is not spoken.
result<dial_proxy> parse_proxy(std::string_view url);

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/dial_proxy.ipp>
#endif

#endif
