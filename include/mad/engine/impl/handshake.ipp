#ifndef MAD_ENGINE_IMPL_HANDSHAKE_IPP
#define MAD_ENGINE_IMPL_HANDSHAKE_IPP

#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>
#include <mad/core/query.hpp>
#include <mad/engine/handshake.hpp>

#include <charconv>
#include <system_error>
#include <utility>

namespace mad::inline MAD_ABI::engine {

MAD_DECL std::string_view to_string(transport_kind t) {
    return t == transport_kind::polling ? "polling" : "websocket";
}

MAD_DECL request_query parse_request_query(std::string_view query) {
    request_query out;
    bool seen[5] = {};
    auto const first = [&](int which) { return !std::exchange(seen[which], true); };
    query_view(query).for_each([&](std::string const& key, std::string value) {
        if (key == "transport" && first(0))
            out.transport = std::move(value);
        else if (key == "sid" && first(1))
            out.sid = std::move(value);
        else if (key == "EIO" && first(2))
            out.eio = value == "4"   ? std::optional(revision::eio4)
                      : value == "3" ? std::optional(revision::eio3)
                                     : std::nullopt;
        else if (key == "b64" && first(3))
            out.b64 = !value.empty();
        else if (key == "j" && first(4))
            out.jsonp = std::move(value);
    });
    return out;
}

namespace detail {

inline std::optional<transport_kind> transport_of(std::string_view name,
                                                  handshake_settings const& settings) {
    if (name == "polling" && settings.polling)
        return transport_kind::polling;
    if (name == "websocket" && settings.websocket)
        return transport_kind::websocket;
    return std::nullopt;
}

inline result<verdict> judge_known(request_method method, bool is_upgrade, transport_kind wanted,
                                   std::optional<revision> eio, known_session const& session) {
    if (!is_upgrade && (session.transport != wanted || wanted == transport_kind::websocket))
        return error_code(error::bad_request);
    if (eio != session.rev)
        return error_code(error::bad_request);
    if (is_upgrade) {
        // bad-requests-v4server: a surplus websocket is let in and shut, the session goes on.
        bool const free = session.transport == transport_kind::polling && !session.upgrading;
        return wanted == transport_kind::websocket && free ? verdict::upgrade
                                                           : verdict::close_websocket;
    }
    if (method == request_method::get)
        return verdict::poll;
    if (method == request_method::post)
        return verdict::post;
    return error_code(error::bad_method);
}

inline result<verdict> judge_new(request_method method, bool is_upgrade, transport_kind wanted,
                                 std::optional<revision> eio, handshake_settings const& settings) {
    if (method != request_method::get)
        return error_code(error::bad_handshake_method);
    if (wanted == transport_kind::websocket && !is_upgrade)
        return error_code(error::bad_request);
    if (wanted == transport_kind::polling && is_upgrade)
        return verdict::close_websocket;
    if (!eio || (*eio == revision::eio3 && !settings.allow_eio3))
        return error_code(error::unsupported_protocol);
    return verdict::open;
}

/// A time of the open packet, 1 ms to 24 h.
inline std::optional<std::chrono::milliseconds> open_time(json_span value) {
    double ms = 0;
    auto const text = value.text;
    if (value.kind != json_kind::number ||
        std::from_chars(text.data(), text.data() + text.size(), ms).ec != std::errc())
        return std::nullopt;
    if (ms < 1 || ms > 24 * 3600 * 1000.0)
        return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::int64_t>(ms));
}

inline bool names_websocket(json_span upgrades) {
    bool found = false;
    if (upgrades.kind == json_kind::array)
        (void)for_each_element(upgrades.text, json_limits::trusted(), [&](json_span element) {
            if (element.kind == json_kind::string && json_string_equals(element.text, "websocket"))
                found = true;
        });
    return found;
}

} // namespace detail

MAD_DECL result<verdict> judge(request_method method, bool is_upgrade, request_query const& query,
                               std::optional<known_session> const& session,
                               handshake_settings const& settings) {
    auto const wanted = detail::transport_of(query.transport, settings);
    if (!wanted)
        return error_code(error::transport_unknown);
    bool const jsonp = query.jsonp && *wanted == transport_kind::polling && !is_upgrade;
    if (query.sid.empty()) {
        auto const v = detail::judge_new(method, is_upgrade, *wanted, query.eio, settings);
        return v && jsonp && !settings.jsonp ? error_code(error::bad_request) : v;
    }
    if (!session)
        return error_code(error::session_unknown);
    if (jsonp && !settings.jsonp)
        return error_code(error::bad_request);
    return detail::judge_known(method, is_upgrade, *wanted, query.eio, *session);
}

MAD_DECL std::string encode_open(std::string_view sid, std::span<std::string_view const> upgrades,
                                 std::int64_t ping_interval_ms, std::int64_t ping_timeout_ms,
                                 std::size_t max_payload) {
    std::string out = "0{\"sid\":";
    append_json_string(out, sid);
    out += ",\"upgrades\":[";
    for (auto const& name : upgrades) {
        if (&name != upgrades.data())
            out += ',';
        append_json_string(out, name);
    }
    out += "],\"pingInterval\":";
    append_json_number(out, ping_interval_ms);
    out += ",\"pingTimeout\":";
    append_json_number(out, ping_timeout_ms);
    out += ",\"maxPayload\":";
    append_json_number(out, max_payload);
    out += '}';
    return out;
}

MAD_DECL result<open_info> decode_open(std::string_view data) {
    open_info info;
    std::optional<std::chrono::milliseconds> interval, timeout;
    json_limits limits;
    limits.lone_surrogates = true;
    auto const members = scan_object(data, limits, [&](std::string_view key, json_span value) {
        auto const is = [&](std::string_view name) { return json_string_equals(key, name); };
        if (is("sid")) {
            info.sid.clear();
            if (value.kind == json_kind::string)
                json_unescape(value.text, info.sid);
        } else if (is("upgrades")) {
            info.upgrade_to_websocket = detail::names_websocket(value);
        } else if (is("pingInterval")) {
            interval = detail::open_time(value);
        } else if (is("pingTimeout")) {
            timeout = detail::open_time(value);
        } else if (is("maxPayload")) {
            std::size_t bytes = 0;
            std::from_chars(value.text.data(), value.text.data() + value.text.size(), bytes);
            info.max_payload =
                bytes > 0 ? std::optional<std::size_t>(bytes) : std::optional<std::size_t>();
        }
    });
    if (!members || info.sid.empty() || info.sid.size() > 256 || !interval || !timeout)
        return error_code(error::bad_open);
    info.ping_interval = *interval;
    info.ping_timeout = *timeout;
    return info;
}

} // namespace mad::inline MAD_ABI::engine

#endif
