#ifndef MAD_PROXY_SETTINGS_HPP
#define MAD_PROXY_SETTINGS_HPP

#include <mad/core/clock.hpp>
#include <mad/core/log.hpp>
#include <mad/net/address_limits.hpp>
#include <mad/net/cipher.hpp>
#include <mad/net/dialer.hpp>
#include <mad/net/http/head.hpp>
#include <mad/net/trust.hpp>
#include <mad/proxy/affinity.hpp>
#include <mad/proxy/cookie.hpp>
#include <mad/proxy/health_check.hpp>
#include <mad/proxy/pool.hpp>
#include <mad/proxy/sid_table.hpp>
#include <mad/proxy/upstream.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::proxy {

/// How long each side may take. What a client may take for a head, a body or to read an answer is
/// in `net::http::limits`.
struct timeouts {
    /// One connect to an upstream, TLS included.
    milliseconds connect{1'000};
    /// An upstream's answer to a poll, and any standstill within the body of an answer: longer than
    /// pingInterval + pingTimeout (45 s).
    milliseconds poll_answer{60'000};
    /// The head of any other answer.
    milliseconds answer{10'000};
    /// A tunnel in which nothing moves either way: three pings of Engine.IO missing.
    milliseconds tunnel_idle{75'000};
    /// The other direction of a tunnel, once one has ended.
    milliseconds half_closed{5'000};
    /// How long a connection to an upstream is kept for the next request. Default: less than the
    /// shortest of the servers behind (Node closes after 5 s).
    milliseconds upstream_idle{3'000};
    /// The PROXY header of a new connection.
    milliseconds proxy_header{5'000};
};

/// Everything a `server` can be told. Complete as it stands but for the upstreams.
struct settings {
    /// Where sessions go. More can be added and taken away later: `server::pool`.
    std::vector<upstream> upstreams;

    /// Where everything goes that is neither the engine's nor the API's; none: 404.
    std::optional<upstream> web;

    /// Path of Engine.IO, with both slashes. Default: that of Socket.IO.
    std::string engine_path = "/socket.io/";

    affinity_settings affinity;
    /// Signs the affinity cookie. Default: a random secret, so that cookies end with the process.
    cookie_signer cookies;
    /// The cookie also goes with requests from pages of other sites (`SameSite=None; Secure`), for
    /// which clients must speak TLS. Default: `SameSite=Lax`.
    bool cross_site_cookie = false;
    sid_table_settings sids;
    health_settings health;

    /// Of clients, and of heads from upstreams.
    net::http::limits limits;
    /// Longest request body, in bytes: 413 over it. Default 1,000,000: `maxPayload` of engine.io.
    std::uint64_t max_body_bytes = 1'000'000;
    net::address_limits_settings addresses;
    /// Connections of clients in all; over it a new one gets 503 with `Retry-After: 5`. Default:
    /// half of the descriptors, since a proxied one needs two.
    std::size_t max_connections = net::default_max_connections() / 2;

    /// Whose forwarded addresses are believed. Default: loopback.
    net::trust_list trust = net::trust_list::loopback();
    /// Listeners demand a PROXY header (version 1 or 2) from a trusted peer; others are closed.
    bool accept_proxy_protocol = false;

    /// Clients speak TLS when set.
    std::shared_ptr<net::cipher_factory> tls;
    /// Needed for `https` upstreams only.
    std::shared_ptr<net::cipher_dialer> upstream_tls;

    proxy::timeouts timeouts;

    /// How sessions leave: an upstream that drains, and the proxy itself (`server::drain`).
    drain_settings drain;

    logger log;
};

} // namespace mad::inline MAD_ABI::proxy

#endif
