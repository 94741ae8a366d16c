#ifndef MAD_ENGINE_CLIENT_SETTINGS_HPP
#define MAD_ENGINE_CLIENT_SETTINGS_HPP

#include <mad/core/clock.hpp>
#include <mad/core/log.hpp>
#include <mad/engine/handshake.hpp>
#include <mad/net/compression.hpp>
#include <mad/net/dialer.hpp>
#include <mad/net/outbox.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::engine {

/// Settings of an Engine.IO client. Defaults are those of engine.io-client 6.6 unless said
/// otherwise.
struct client_settings {
    /// `http://host:port`, or `https`, `ws`, `wss`: TLS or not is chosen here. A query is sent with
    /// every request; the URL's own path is not looked at, see `path`.
    std::string url;

    /// Where the server is mounted. A `/` is added at either end when it has none.
    std::string path = "/engine.io/";

    /// Revision of the protocol: 4 for servers of Socket.IO 3.x and 4.x, 3 for those of 2.x (and
    /// later ones with `allowEIO3`). A server does not tell which one it has: it must be known.
    revision rev = revision::eio4;
    /// Asks the server to send binary as base64, for whatever in between cannot pass bytes on.
    bool b64 = false;

    /// In order of preference: the first one begins; a websocket behind polling is for the upgrade.
    std::vector<transport_kind> transports{transport_kind::polling, transport_kind::websocket};
    /// Whether polling may go over to a websocket.
    bool upgrade = true;
    /// Whether the next of `transports` is tried when the first one cannot connect.
    bool try_all_transports = false;

    /// Parameters of every request, and fields of its head.
    std::vector<std::pair<std::string, std::string>> query;
    std::vector<std::pair<std::string, std::string>> headers;

    /// An HTTP proxy for all connections, websockets included, by CONNECT:
    /// `http://user:password@host:port`. See `net::parse_proxy`. Default none, whatever the
    /// environment says.
    std::string proxy;

    /// Whether cookies that the server, or a balancer in front of it, sets are sent with the later
    /// requests of the session: needed where a cookie says which node has it. A `Cookie` among
    /// `headers` is the first content of the jar. Default off: `withCredentials` of
    /// engine.io-client 6.6.
    bool cookies = false;

    /// From the start until the server's open packet, and again for an upgrade. Default:
    /// socket.io-client 4.8 (> 0).
    milliseconds timeout{20'000};
    /// How long the server's goodbye is awaited. Ours.
    milliseconds close_timeout{5'000};

    /// Longest websocket message and polling body taken from the server, in bytes. Ours: the
    /// reference takes any.
    std::size_t max_payload = 16 * 1024 * 1024;

    /// Compression of websocket messages (RFC 7692), offered to the server: see `net/deflate.hpp`.
    /// Default: none. Ours: the reference offers it.
    std::shared_ptr<net::message_compression const> per_message_deflate;

    /// What may wait for the server; a session over it ends as `slow_consumer`. Ours.
    net::outbox_limits outbox{16 * 1024 * 1024, 100'000};

    /// What secure URLs need: see `net/tls_dialer.hpp`.
    std::shared_ptr<net::cipher_dialer> tls;

    logger log;
};

} // namespace mad::inline MAD_ABI::engine

#endif
