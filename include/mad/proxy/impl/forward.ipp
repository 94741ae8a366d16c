#ifndef MAD_PROXY_IMPL_FORWARD_IPP
#define MAD_PROXY_IMPL_FORWARD_IPP

#include <mad/core/cookie.hpp>
#include <mad/core/query.hpp>
#include <mad/net/ws_frame.hpp>
#include <mad/proxy/detail/field_name.hpp>
#include <mad/proxy/detail/target.hpp>
#include <mad/proxy/forward.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

using net::http::field;
using net::http::has_token;
using net::http::iequals;

inline bool is_known_method(std::string_view m) {
    switch (m.size()) {
    case 3:
        return m == "GET" || m == "PUT";
    case 4:
        return m == "POST" || m == "HEAD";
    case 5:
        return m == "PATCH";
    case 6:
        return m == "DELETE";
    case 7:
        return m == "OPTIONS";
    default:
        return false;
    }
}

/// Whether a `Connection` list names a field, beside the words that are about the connection.
inline bool names_a_field(std::string_view list) {
    while (!list.empty()) {
        auto const comma = std::min(list.find(','), list.size());
        auto const word = net::http::trim(list.substr(0, comma));
        if (!word.empty() && !iequals(word, "keep-alive") && !iequals(word, "close") &&
            !iequals(word, "upgrade"))
            return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

template <class Fields>
bool is_named(Fields const& fields, std::string_view name) {
    return std::any_of(fields.begin(), fields.end(), [&](field const& f) {
        return iequals(f.name, "Connection") && has_token(f.value, name);
    });
}

inline void append_number(std::string& out, std::uint64_t n) {
    char text[24];
    out.append(text, std::to_chars(text, text + sizeof text, n).ptr);
}

inline void append_address(std::string& out, boost::asio::ip::address const& a) {
    auto const plain = net::plain_address(a);
    if (plain.is_v6()) {
        out.append(plain.to_string());
        return;
    }
    bool first = true;
    for (auto const b : plain.to_v4().to_bytes()) {
        if (!std::exchange(first, false))
            out += '.';
        append_number(out, b);
    }
}

inline void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

/// What a node is to know of the query. The first of repeated keys counts, as it does for nodes.
inline void read_query(std::string_view query, verdict& v) {
    bool sid = false, eio = false, transport = false;
    auto const take = [&](std::string_view key, std::string_view value) {
        if (key == "sid" && !std::exchange(sid, true)) {
            v.sid = value;
        } else if (key == "EIO" && !std::exchange(eio, true)) {
            if (value == "3" || value == "4")
                v.eio = static_cast<std::uint8_t>(value.front() - '0');
        } else if (key == "transport" && !std::exchange(transport, true)) {
            v.polling = value == "polling";
        } else if (key == "j" && !std::exchange(v.jsonp, true)) {
            v.jsonp_index = value;
        }
    };
    while (!query.empty()) {
        auto const end = std::min(query.find('&'), query.size());
        auto const piece = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        auto const equals = std::min(piece.find('='), piece.size());
        auto const key = piece.substr(0, equals);
        auto const value = piece.substr(std::min(equals + 1, piece.size()));
        if (key.size() <= 9 && key.find('%') == key.npos)
            take(key, value);
        else if (key.find('%') != key.npos) // nobody writes it so, but a node would read it
            take(percent_decode(key, true), value);
    }
}

/// Facts of fields, gathered in one pass over them.
struct field_facts {
    std::size_t lengths = 0, keys = 0, versions = 0;
    std::string_view version;
    bool websocket = false, unknown_expectation = false, cookie = false;
};

inline field_facts read_fields(net::http::head const& h, verdict& v,
                               forward_settings const& settings) {
    field_facts facts;
    for (auto const& f : h.fields) {
        switch (kind_of(f.name)) {
        case name_kind::host:
            v.host = f.value;
            break;
        case name_kind::content_length:
            ++facts.lengths;
            break;
        case name_kind::connection:
            v.names_fields = v.names_fields || names_a_field(f.value);
            break;
        case name_kind::upgrade:
            facts.websocket = facts.websocket || has_token(f.value, "websocket");
            break;
        case name_kind::expect:
            facts.unknown_expectation =
                facts.unknown_expectation || !iequals(f.value, "100-continue");
            break;
        case name_kind::cookie:
            if (facts.cookie)
                break;
            if (auto const c = cookie_view(f.value).get(settings.cookie_name)) {
                v.cookie = *c;
                facts.cookie = true;
            }
            break;
        case name_kind::websocket_key:
            ++facts.keys;
            v.websocket_key = f.value;
            break;
        case name_kind::websocket_version:
            ++facts.versions;
            facts.version = f.value;
            break;
        default:
            break;
        }
    }
    return facts;
}

inline reject judge_upgrade(net::http::head const& h, field_facts const& f, verdict const& v) {
    if (h.req.version != 11 || h.req.method != "GET" || h.body != net::http::body_kind::none)
        return reject::bad_websocket;
    if (f.versions != 1 || f.version != "13")
        return reject::websocket_version;
    return f.keys == 1 && net::is_ws_key(v.websocket_key) ? reject::none : reject::bad_websocket;
}

inline destination destination_of(std::string_view path, forward_settings const& settings) {
    if (path.starts_with(settings.engine_path))
        return destination::engine;
    if (!settings.api_path.empty() && path.starts_with(settings.api_path))
        return destination::api;
    if (path == "/health")
        return destination::health;
    if (path == "/metrics" || path.starts_with("/metrics/"))
        return destination::metrics;
    return destination::other;
}

/// The list of a trusted peer, ready for one more.
inline void append_list(std::string& out, net::http::head const& h, name_kind which) {
    for (auto const& f : h.fields)
        if (!f.value.empty() && kind_of(f.name) == which)
            out.append(f.value).append(", ");
}

inline void append_forwarded(std::string& out, net::http::head const& h, verdict const& v,
                             client_facts const& client) {
    out.append("X-Forwarded-For: ");
    if (v.trusted)
        append_list(out, h, name_kind::forwarded_for);
    append_address(out, client.peer);
    out.append(v.secure ? "\r\nX-Forwarded-Proto: https\r\n" : "\r\nX-Forwarded-Proto: http\r\n");
    auto host = v.host;
    if (v.trusted)
        for (auto const& f : h.fields)
            if (kind_of(f.name) == name_kind::forwarded_host && is_authority(f.value))
                host = f.value;
    if (!host.empty())
        append_field(out, "X-Forwarded-Host", host);
    out.append("X-Real-IP: ");
    append_address(out, v.client);
    out.append("\r\n");
    bool const has_forwarded =
        v.trusted && std::any_of(h.fields.begin(), h.fields.end(), [](field const& f) {
            return kind_of(f.name) == name_kind::forwarded && !f.value.empty();
        });
    if (!has_forwarded)
        return;
    out.append("Forwarded: ");
    append_list(out, h, name_kind::forwarded);
    bool const v6 = net::plain_address(client.peer).is_v6();
    out.append(v6 ? "for=\"[" : "for=");
    append_address(out, client.peer);
    out.append(v6 ? "]\"" : "").append(client.secure ? ";proto=https\r\n" : ";proto=http\r\n");
}

/// Several fields become the one that RFC 6265 knows.
inline void append_cookies(std::string& out, net::http::head const& h) {
    bool first = true;
    for (auto const& f : h.fields) {
        if (f.value.empty() || kind_of(f.name) != name_kind::cookie)
            continue;
        out.append(std::exchange(first, false) ? "Cookie: " : "; ").append(f.value);
    }
    if (!first)
        out.append("\r\n");
}

} // namespace detail

MAD_DECL framing request_framing(net::http::head const& h) {
    switch (h.body) {
    case net::http::body_kind::sized:
        return framing::sized;
    case net::http::body_kind::chunked:
        return framing::chunked;
    case net::http::body_kind::none:
        break;
    }
    return framing::none;
}

MAD_DECL verdict judge_request(net::http::head const& h, client_facts const& client,
                               forward_settings const& settings) {
    verdict v;
    auto const peer = settings.trust.peer_of(client.peer, client.secure, h.fields);
    v.trusted = settings.trust.has(client.peer);
    v.client = peer.address;
    v.secure = peer.secure;
    auto const refuse = [&v](reject why) -> verdict& {
        v.why = why;
        return v;
    };
    auto const facts = detail::read_fields(h, v, settings);
    bool const has_host = h.req.version == 11 || h.req.has("Host");
    if (facts.lengths > 1 || (has_host && !detail::is_authority(v.host)))
        return refuse(reject::bad_request);
    if (h.req.method == "CONNECT" || h.req.method == "TRACE")
        return refuse(reject::not_implemented);
    if (!detail::read_target(h.req.method, h.req.target, v))
        return refuse(reject::bad_request);
    v.to = detail::destination_of(v.path, settings);
    bool const engine = v.to == destination::engine;
    if (engine)
        detail::read_query(v.query, v);
    if (!detail::is_known_method(h.req.method)) {
        if (!engine)
            return refuse(reject::not_implemented);
        return refuse(v.sid.empty() ? reject::bad_handshake_method : reject::bad_engine_request);
    }
    // HTTP/1.0 knows none, and then it is to be ignored (RFC 9110 section 10.1.1).
    if (facts.unknown_expectation && h.req.version == 11)
        return refuse(reject::expectation);
    if (h.req.upgrade && facts.websocket) {
        if (auto const why = detail::judge_upgrade(h, facts, v); why != reject::none)
            return refuse(why);
        v.upgrade = true;
    } else {
        v.websocket_key = {};
    }
    v.handshake =
        engine && v.sid.empty() && h.req.method == "GET" && h.body == net::http::body_kind::none;
    return v;
}

MAD_DECL void append_request(std::string& out, net::http::head const& h, verdict const& v,
                             client_facts const& client, std::string_view authority,
                             forward_settings const&) {
    using detail::name_kind;
    out.append(h.req.method).append(v.add_slash ? " /" : " ").append(v.target);
    out.append(" HTTP/1.1\r\nHost: ").append(v.host.empty() ? authority : v.host).append("\r\n");
    bool cookies = false;
    for (auto const& f : h.fields) {
        auto const kind = detail::kind_of(f.name);
        bool const passes = kind == name_kind::other || kind == name_kind::cookie ||
                            (v.trusted && kind == name_kind::forwarded_other);
        if (!passes || (v.names_fields && detail::is_named(h.fields, f.name)))
            continue;
        if (kind == name_kind::cookie)
            cookies = true;
        else if (detail::is_plain_name(f.name))
            detail::append_field(out, f.name, f.value);
    }
    if (cookies)
        detail::append_cookies(out, h);
    if (v.upgrade) {
        out.append("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
        detail::append_field(out, "Sec-WebSocket-Key", v.websocket_key);
    }
    detail::append_forwarded(out, h, v, client);
    if (h.body == net::http::body_kind::chunked) {
        out.append("Transfer-Encoding: chunked\r\n");
    } else if (h.content_length > 0 || h.req.method == "POST" || h.req.method == "PUT" ||
               h.req.method == "PATCH") {
        out.append("Content-Length: ");
        detail::append_number(out, h.content_length);
        out.append("\r\n");
    }
    out.append("\r\n");
}

MAD_DECL response_verdict judge_response(net::http::response_head const& h,
                                         answer_context const& context) {
    using detail::name_kind;
    response_verdict v;
    std::size_t lengths = 0, codings = 0, accepts = 0;
    std::string_view length, accept;
    for (auto const& f : h.fields) {
        switch (detail::kind_of(f.name)) {
        case name_kind::content_length:
            ++lengths;
            length = f.value;
            break;
        case name_kind::transfer_encoding:
            ++codings;
            break;
        case name_kind::websocket_accept:
            ++accepts;
            accept = f.value;
            break;
        default:
            break;
        }
    }
    bool const no_body = h.status < 200 || h.status == 204;
    // Where no body can be, some readers still believe what a field says of one.
    if (h.status > 599 || lengths > 1 || (lengths > 0 && codings > 0) || codings > 1 ||
        (no_body && (codings > 0 || (lengths > 0 && length != "0")))) {
        v.why = reject::bad_gateway;
        return v;
    }
    if (h.status == 101) {
        v.switching = !context.websocket_key.empty() && h.version == 11 && accepts == 1 &&
                      h.says("Connection", "upgrade") && h.says("Upgrade", "websocket") &&
                      accept == net::ws_accept_key(context.websocket_key);
        if (!v.switching)
            v.why = reject::bad_gateway;
        return v;
    }
    if (h.status < 200) {
        v.interim = true;
        return v;
    }
    v.keep_upstream = h.keep_alive;
    if (!context.head_request) {
        switch (h.body) {
        case net::http::response_body::none:
            break;
        case net::http::response_body::sized:
            v.from = framing::sized;
            break;
        case net::http::response_body::chunked:
            v.from = framing::chunked;
            break;
        case net::http::response_body::until_close:
            v.from = framing::until_close;
            break;
        }
    } else if (h.body == net::http::response_body::until_close) {
        // No body follows, so nothing needs the end of the connection to tell where one ends.
        v.keep_upstream =
            h.version == 11 ? !h.says("Connection", "close") : h.says("Connection", "keep-alive");
    }
    v.length = h.content_length;
    v.to = v.from;
    if (v.from == framing::until_close || v.from == framing::chunked)
        v.to = context.client_http_10 ? framing::until_close : framing::chunked;
    v.keep_client = context.client_keep_alive && v.to != framing::until_close;
    return v;
}

MAD_DECL void append_response(std::string& out, net::http::response_head const& h,
                              response_verdict const& v, answer_context const& context,
                              std::string_view set_cookie, bool close) {
    using detail::name_kind;
    out.append("HTTP/1.1 ");
    detail::append_number(out, static_cast<std::uint64_t>(h.status));
    out.append(" ").append(net::http::reason_phrase(h.status)).append("\r\n");
    bool names_fields = false;
    for (auto const& f : h.fields)
        if (detail::kind_of(f.name) == name_kind::connection)
            names_fields = names_fields || detail::names_a_field(f.value);
    for (auto const& f : h.fields) {
        switch (detail::kind_of(f.name)) {
        case name_kind::host:
        case name_kind::connection:
        case name_kind::content_length:
        case name_kind::transfer_encoding:
        case name_kind::upgrade:
        case name_kind::hop:
            continue;
        default:
            break;
        }
        if (!names_fields || !detail::is_named(h.fields, f.name))
            detail::append_field(out, f.name, f.value);
    }
    if (!set_cookie.empty())
        detail::append_field(out, "Set-Cookie", set_cookie);
    if (v.switching) {
        out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        return;
    }
    if (v.to == framing::chunked) {
        out.append("Transfer-Encoding: chunked\r\n");
    } else if (h.status != 204 && h.status != 304 &&
               (h.body == net::http::response_body::none ||
                h.body == net::http::response_body::sized)) { // of HEAD too: what GET would get
        out.append("Content-Length: ");
        detail::append_number(out, h.content_length);
        out.append("\r\n");
    }
    bool const ends = close || !v.keep_client;
    if (h.status == 426) // RFC 9110 section 15.5.22: it says what it wants
        out.append(ends ? "Connection: Upgrade, close\r\nUpgrade: websocket\r\n"
                        : "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    else if (ends)
        out.append("Connection: close\r\n");
    else if (context.client_http_10)
        out.append("Connection: keep-alive\r\n");
    out.append("\r\n");
}

} // namespace mad::inline MAD_ABI::proxy

#endif
