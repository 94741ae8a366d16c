#ifndef MAD_NET_TRUST_HPP
#define MAD_NET_TRUST_HPP

#include <mad/core/error.hpp>
#include <mad/net/http/message.hpp>

#include <boost/asio/ip/address.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::net {

/// `::ffff:192.0.2.1` as `192.0.2.1`: a socket for both families shows IPv4 peers like that.
inline boost::asio::ip::address plain_address(boost::asio::ip::address const& a) {
    if (a.is_v6() && a.to_v6().is_v4_mapped())
        return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, a.to_v6());
    return a;
}

/// Who a request comes from, as far as it can be believed.
struct forwarded_peer {
    boost::asio::ip::address address;
    bool secure = false; ///< TLS, at the proxy or here
};

/// The proxies in front of a server, by network. Only what they say of a peer is believed: fields
/// of everybody else are text that anybody can write.
class trust_list {
  public:
    /// `10.0.0.0/8`, `127.0.0.1`, `fd00::/8`, or `loopback` for `127.0.0.0/8` and `::1`. An error
    /// when it is none.
    result<void> add(std::string_view network);

    /// All of them, or the error of the first that is no network.
    static result<trust_list> parse(std::span<std::string const> networks);

    /// `127.0.0.0/8` and `::1`: the default of the programs, since a proxy on the same machine is
    /// the usual one.
    static trust_list loopback();

    bool empty() const { return networks_.empty(); }

    /// IPv4 addresses that are written as IPv6 ones (`::ffff:10.0.0.1`) count as IPv4.
    bool has(boost::asio::ip::address const&) const;

    /// From a trusted peer: the right-most address of `X-Forwarded-For` that is not trusted itself
    /// (the left-most when all are), and `X-Forwarded-Proto` for `secure`. What cannot be read ends
    /// the search: then it is the last one that could. Else the peer itself.
    forwarded_peer peer_of(boost::asio::ip::address const& peer, bool secure,
                           std::span<http::field const> fields) const;
    forwarded_peer peer_of(http::request const& r) const {
        return peer_of(r.peer, r.secure, r.fields);
    }

  private:
    struct network {
        boost::asio::ip::address at;
        unsigned bits = 0;
    };

    std::vector<network> networks_;
};

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/trust.ipp>
#endif

#endif
