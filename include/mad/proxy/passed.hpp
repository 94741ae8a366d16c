#ifndef MAD_PROXY_PASSED_HPP
#define MAD_PROXY_PASSED_HPP

#include <mad/config.hpp>
#include <mad/proxy/frame_scan.hpp>

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <string>

namespace mad::inline MAD_ABI::proxy {

/// An idle connection of a client, on its way to another process. Who holds it owns the descriptor.
struct passed_client {
    int fd = -1;
    std::string rest;                 ///< read, and not yet used
    boost::asio::ip::address peer;    ///< the client, as its PROXY header said, or the connection
    boost::asio::ip::address counted; ///< whom `address_limits` counts it to; unspecified: nobody
    bool secure = false;              ///< a PROXY header said so
    std::uint32_t served = 0;         ///< requests so far
};

/// A tunnel in which nothing waits, on its way to another process. Who holds it owns both
/// descriptors.
struct passed_tunnel {
    int client_fd = -1, upstream_fd = -1;
    frame_scan frames;                ///< where the upstream is within a frame
    std::string upstream;             ///< its name
    bool web = false;                 ///< the upstream is that of `settings::web`
    bool session = true;              ///< of a client of the engine; else of another path
    boost::asio::ip::address counted; ///< as in `passed_client`
};

/// Where connections go on a hand-over.
class heir {
  public:
    virtual ~heir() = default;
    /// From any shard's thread, also from several at a time. The descriptors are the heir's.
    virtual void take(passed_client) = 0;
    virtual void take(passed_tunnel) = 0;
    /// Whether it can do anything with tunnels to the web upstream; else they go on where they are.
    virtual bool takes_web() const { return true; }
};

} // namespace mad::inline MAD_ABI::proxy

#endif
