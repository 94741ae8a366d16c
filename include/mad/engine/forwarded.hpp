#ifndef MAD_ENGINE_FORWARDED_HPP
#define MAD_ENGINE_FORWARDED_HPP

#include <mad/net/trust.hpp>

namespace mad::inline MAD_ABI::engine {

using net::forwarded_peer;

/// The proxies in front of a server, whose word on a peer is believed: `net::trust_list`.
using trusted_proxies = net::trust_list;

} // namespace mad::inline MAD_ABI::engine

#endif
