#ifndef MAD_NET_HTTP_DIVERTER_HPP
#define MAD_NET_HTTP_DIVERTER_HPP

#include <mad/config.hpp>

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <string_view>

namespace mad::inline MAD_ABI::net::http {

/// What becomes of a connection whose next request was looked at.
enum class diversion : std::uint8_t {
    stays,   ///< the request is for this process
    gone,    ///< another has its own descriptor of it now, and ours is to be closed
    unclear, ///< what has come of the request does not tell yet
};

/// Knows of other processes on this machine that serve the same address, and which of them a
/// request is for. Asked from every shard.
class diverter {
  public:
    virtual ~diverter() = default;

    /// Whether there is another process at all: asked before each request on an idle connection.
    virtual bool wanted() const noexcept = 0;

    /// Gives a connection to the process that its next request is for; `start` is how that begins,
    /// still unread. `unclear`: asked again when there is more, if that comes in the time of a
    /// head.
    virtual diversion divert(int fd, std::string_view start,
                             boost::asio::ip::address const& peer) = 0;
};

} // namespace mad::inline MAD_ABI::net::http

#endif
