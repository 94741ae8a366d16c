#ifndef MAD_ENGINE_FORWARDED_HPP
#define MAD_ENGINE_FORWARDED_HPP

#include <mad/core/error.hpp>
#include <mad/net/http/message.hpp>

#include <boost/asio/ip/address.hpp>

#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::engine {

/// Who a request comes from, as far as it can be believed.
struct forwarded_peer {
    boost::asio::ip::address address;
    bool secure = false; ///< TLS, at the proxy or here
};

/// The proxies in front of a server, by network. Only what they say of a peer is believed: fields
/// of everybody else are text that anybody can write.
class trusted_proxies {
  public:
    /// `10.0.0.0/8`, `127.0.0.1`, `fd00::/8`, or `loopback` for `127.0.0.0/8` and `::1`. An error
    /// when it is none.
    result<void> add(std::string_view network);

    bool empty() const { return networks_.empty(); }

    /// IPv4 addresses that are written as IPv6 ones (`::ffff:10.0.0.1`) count as IPv4.
    bool contains(boost::asio::ip::address const&) const;

    /// From a trusted peer: the right-most address of `X-Forwarded-For` that is not trusted itself
    /// (the left-most when all are), and `X-Forwarded-Proto` for `secure`. What cannot be read ends
    /// the search: then it is the last one that could. Else the peer itself.
    forwarded_peer peer_of(net::http::request const&) const;

  private:
    struct network {
        boost::asio::ip::address at;
        unsigned bits = 0;
    };

    std::vector<network> networks_;
};

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/forwarded.ipp>
#endif

#endif
