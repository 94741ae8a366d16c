#ifndef MAD_ENGINE_SETTINGS_HPP
#define MAD_ENGINE_SETTINGS_HPP

#include <mad/core/clock.hpp>
#include <mad/core/cookie.hpp>
#include <mad/core/log.hpp>
#include <mad/engine/cors.hpp>
#include <mad/engine/forwarded.hpp>
#include <mad/engine/handshake.hpp>
#include <mad/engine/websocket.hpp>
#include <mad/net/address_limits.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::engine {

class handshake_info;

/// A request that got no session, or not the one it named.
struct connection_error {
    int code; ///< 0 to 5, as in the answer's body
    std::string_view message;
    request_query const& query;
    /// Null when another shard than that of the connection has refused it.
    net::http::request const* request;
};

/// Only the fields that are `set` count.
using header_hook = std::function<void(net::http::response&, net::http::request const&)>;

/// Settings of an Engine.IO server. Defaults are those of engine.io 6.6 unless said otherwise.
struct server_settings {
    /// Requests whose path starts with this are ours. Ends in `/`.
    std::string path = "/engine.io/";

    milliseconds ping_interval{25'000};   ///< > 0
    milliseconds ping_timeout{20'000};    ///< > 0
    milliseconds upgrade_timeout{10'000}; ///< from the second websocket to its `5`
    /// How long a polling client may take to fetch the goodbye of a session closed by us.
    milliseconds goodbye_timeout{30'000};
    /// How long the peer's close frame is awaited.
    milliseconds close_timeout{5'000};

    /// Longest polling body and longest websocket message, in bytes, inclusive; announced as
    /// `maxPayload`.
    std::size_t max_payload = 1'000'000;

    handshake_settings handshake;
    /// Whether a polling session may go over to a websocket.
    bool allow_upgrades = true;

    /// What may wait for one peer; a session over it is closed as a slow consumer. (Ours: the
    /// reference queues without bound.)
    net::outbox_limits outbox;
    /// Reading from a peer stops while more than this waits for it (bytes). Ours.
    std::size_t pause_above_bytes = 1024 * 1024;

    /// Compression of websocket messages (RFC 7692), for who asks for it: see `net/deflate.hpp`.
    /// Default: none, as in engine.io since 3.5.
    std::shared_ptr<net::message_compression const> per_message_deflate;
    /// Compression of polling answers, for who accepts it: see `net/deflate.hpp`. Default: none.
    /// Ours: the reference compresses from 1,024 bytes on.
    std::shared_ptr<net::body_compression const> http_compression;

    cors_settings cors;
    /// Refuses handshakes of pages from origins that are neither our own nor listed in `cors`
    /// (403), websockets included. (Ours: the reference serves them.)
    bool check_origin = true;
    /// Set on the answer of a polling handshake; the value is the sid.
    std::optional<set_cookie> cookie;

    /// Judges a handshake after the protocol's own checks; a text refuses it (403, code 4).
    std::function<std::optional<std::string>(handshake_info const&)> allow_request;

    /// Proxies whose word on address and TLS of a peer is believed. None by default.
    trusted_proxies trust;
    /// Proxies whose word on who a person is is believed too: see `handshake_info::vouched`. None
    /// by default.
    trusted_proxies vouching;
    /// Counts the sessions that come through `trust` by the address that is forwarded; over the
    /// limits a handshake gets 429. `socketio::server` sets it to the limits of its listener.
    std::shared_ptr<net::address_limits> forwarded_addresses;

    /// Told of each request that the protocol or the policy refuses (`connection_error` in
    /// JavaScript). On the shard that refuses.
    std::function<void(connection_error const&)> on_connection_error;

    /// May `set` fields of answers: of those that open a session, and of all on the path, refusals
    /// included. On the shard of the connection.
    header_hook on_initial_headers, on_headers;

    /// The node's part of every sid, so that a router can find it.
    std::uint16_t node_tag = 0;

    logger log;
};

} // namespace mad::inline MAD_ABI::engine

#endif
