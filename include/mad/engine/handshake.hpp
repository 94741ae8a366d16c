#ifndef MAD_ENGINE_HANDSHAKE_HPP
#define MAD_ENGINE_HANDSHAKE_HPP

#include <mad/core/error.hpp>
#include <mad/engine/error.hpp>
#include <mad/engine/revision.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::engine {

/// The wires a session can use. (`transport` itself is the interface of one.)
enum class transport_kind : std::uint8_t { polling, websocket };

/// The word in a query: `polling`, `websocket`.
std::string_view to_string(transport_kind);

/// The parameters of a request that the engine looks at.
struct request_query {
    /// As given, decoded; empty when missing.
    std::string transport;

    /// Empty when missing: an empty `sid=` counts as none.
    std::string sid;

    /// `EIO=3` or `EIO=4`; nothing for all else, also when missing.
    std::optional<revision> eio;

    /// The peer cannot take binary (`b64` present and not empty).
    bool b64 = false;

    /// The index of JSONP polling (`j`), as given.
    std::optional<std::string> jsonp;
};

/// From the text after the `?`. Keys that it does not know, and repeated ones, do no harm: the
/// first counts.
request_query parse_request_query(std::string_view query);

/// What a server takes.
struct handshake_settings {
    /// Revision 3 too. Default off, as engine.io 6.6.
    bool allow_eio3 = false;

    /// JSONP polling (`j`), of either revision. Default off: what such a page gets, any other page
    /// can read too. (Ours: the reference has it on.) Off, a polling request with `j` is a bad one.
    bool jsonp = false;

    bool polling = true;
    bool websocket = true;
};

/// What `judge` needs to know of the session that `sid` names.
struct known_session {
    revision rev = revision::eio4;
    transport_kind transport = transport_kind::polling;

    /// A websocket is being probed.
    bool upgrading = false;
};

enum class request_method : std::uint8_t { get, post, other };

/// What to do with a request that is in order.
enum class verdict : std::uint8_t {
    open,            ///< a new session, over the transport named
    poll,            ///< GET of the session: answer with packets
    post,            ///< POST of the session: its body is packets
    upgrade,         ///< a websocket that wants to take the polling session over
    close_websocket, ///< answer 101, then close without code; sessions are unharmed
};

/// Judges by method and query, in the order of engine.io 6.6: transport, sid (unknown, other
/// transport, other revision, method), then for a handshake: method, websocket without upgrade,
/// revision. Policy (origin, token) is the caller's: ask it when this says `verdict::open`.
/// `session` is what `query.sid` names, if anything. Ours: `EIO` must be 3 or 4 exactly, and a
/// wrong one on a websocket is refused before the 101.
result<verdict> judge(request_method method, bool is_upgrade, request_query const& query,
                      std::optional<known_session> const& session, handshake_settings const&);

/// The open packet, digit included:
/// `0{"sid":"..","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`
/// Times in milliseconds, `max_payload` in bytes. Peers see this order of keys.
std::string encode_open(std::string_view sid, std::span<std::string_view const> upgrades,
                        std::int64_t ping_interval_ms, std::int64_t ping_timeout_ms,
                        std::size_t max_payload);

/// What a client learns from the open packet.
struct open_info {
    std::string sid;

    /// `upgrades` names websocket.
    bool upgrade_to_websocket = false;

    std::chrono::milliseconds ping_interval{};
    std::chrono::milliseconds ping_timeout{};

    /// Longest polling body the server takes, in bytes; nothing when it does not say (before
    /// engine.io 6.2) or says 0.
    std::optional<std::size_t> max_payload;
};

/// From the data of an open packet (without the digit). `error::bad_open` when it is not an object,
/// has no sid (1 to 256 bytes) or its times are not numbers of 1 ms to 24 h. Members it does not
/// know do no harm.
result<open_info> decode_open(std::string_view data);

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/handshake.ipp>
#endif

#endif
