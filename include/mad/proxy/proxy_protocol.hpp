#ifndef MAD_PROXY_PROXY_PROTOCOL_HPP
#define MAD_PROXY_PROXY_PROTOCOL_HPP

#include <mad/config.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::proxy {

/// Longest header of version 2 that is taken, in bytes; what balancers send is under 600. One of
/// version 1 has at most 107 by its specification.
inline constexpr std::size_t max_proxy_header_bytes = 4096;

/// The PROXY protocol's word on a connection: who the client is.
struct proxy_header {
    std::size_t bytes = 0; ///< length of the header; what follows is the client's
    unsigned version = 0;  ///< 1 or 2
    /// None when the sender speaks for itself (`LOCAL`, a health check) or cannot say
    /// (`UNKNOWN`): then the addresses of the connection count.
    std::optional<boost::asio::ip::tcp::endpoint> source, destination;
    /// The client has come to the sender over TLS (`PP2_TYPE_SSL` of version 2, with
    /// `PP2_CLIENT_SSL` set), which ended there.
    bool secure = false;
};

enum class proxy_header_state : std::uint8_t {
    more, ///< a good beginning
    done,
    bad, ///< no PROXY header: the connection is to be closed without a word
};

/// Reads the header at the front of `text`, either version. Strict: one blank between words, no
/// leading zeros in ports, both addresses of the family that is named; of version 2 only streams,
/// with a checksum that is right if there is one.
proxy_header_state parse_proxy_header(std::string_view text, proxy_header& out);

/// Version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n`. Ends of different families are
/// written as IPv6 ones.
void append_proxy_header_v1(std::string& out, boost::asio::ip::tcp::endpoint const& source,
                            boost::asio::ip::tcp::endpoint const& destination);

/// What a connection of our own begins with, a health check's: `LOCAL` of version 2, `UNKNOWN` of
/// version 1. The receiver goes by the addresses of the connection then.
void append_proxy_header_local(std::string& out, unsigned version);

/// Version 2, without further values.
void append_proxy_header_v2(std::string& out, boost::asio::ip::tcp::endpoint const& source,
                            boost::asio::ip::tcp::endpoint const& destination);

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/proxy_protocol.ipp>
#endif

#endif
