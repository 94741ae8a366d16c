#ifndef MAD_ENGINE_IMPL_CLIENT_ENDPOINT_IPP
#define MAD_ENGINE_IMPL_CLIENT_ENDPOINT_IPP

#include <mad/core/base64.hpp>
#include <mad/core/ids.hpp>
#include <mad/core/query.hpp>
#include <mad/engine/detail/client_endpoint.hpp>
#include <mad/engine/error.hpp>
#include <mad/net/ws_frame.hpp>

#include <array>
#include <atomic>
#include <stdexcept>

namespace mad::inline MAD_ABI::engine::detail {

MAD_DECL client_endpoint::client_endpoint(client_settings const& s)
    : revision_(s.rev) {
    auto const u = net::http::parse_url(s.url);
    if (!u)
        throw std::invalid_argument('"' + s.url + "\" is not a usable URL");
    if (s.transports.empty())
        throw std::invalid_argument("a client needs a transport");
    http_.to = {u->host, u->port, u->secure};
    http_.dial = {s.timeout, s.tls, std::nullopt};
    if (!s.proxy.empty()) {
        auto const proxy = net::parse_proxy(s.proxy);
        if (!proxy) // the text may hold a password
            throw std::invalid_argument("the proxy is not http://user:password@host:port");
        http_.dial.proxy = *proxy;
    }
    if (s.cookies)
        cookies_ = std::make_unique<cookie_jar>();
    http_.limits.max_body_bytes = s.max_payload;
    http_.authority = u->authority();
    target_ = s.path.starts_with('/') ? s.path : '/' + s.path;
    if (!target_.ends_with('/'))
        target_ += '/';
    for (char const c : target_)
        if (static_cast<unsigned char>(c) <= 0x20 || c == '?' || c == '#')
            throw std::invalid_argument("\"" + s.path + "\" is not a usable path");
    target_ += '?';
    if (!u->query.empty())
        target_.append(u->query).append("&");
    for (auto const& [key, value] : s.query)
        target_.append(percent_encode(key)).append("=").append(percent_encode(value)).append("&");
    target_.append(s.rev == revision::eio3 ? "EIO=3" : "EIO=4");
    if (s.b64)
        target_ += "&b64=1";
    net::http::client_request fields;
    for (auto const& [name, value] : s.headers) {
        if (cookies_ && net::http::iequals(name, "Cookie"))
            cookies_->put_all(value);
        else
            fields.set(name, value);
    }
    fields_ = std::move(fields.fields);
    deflate_ = s.per_message_deflate;
}

MAD_DECL std::string client_endpoint::fields() const {
    auto const cookies = cookies_ ? cookies_->header() : std::string();
    if (cookies.empty())
        return fields_;
    net::http::client_request r;
    r.fields = fields_;
    return std::move(r.set("Cookie", cookies).fields);
}

MAD_DECL std::string client_endpoint::target(transport_kind kind, std::string_view sid) const {
    auto out = target_;
    out.append("&transport=").append(to_string(kind));
    if (kind == transport_kind::polling) {
        // Something in between may keep answers in spite of what they say of themselves.
        static std::atomic<std::uint64_t> count{0};
        auto const now = system_clock::instance().wall_ms();
        out.append("&t=").append(std::to_string(now)).append("-");
        out.append(std::to_string(count.fetch_add(1, std::memory_order_relaxed)));
    }
    if (!sid.empty())
        out.append("&sid=").append(percent_encode(sid));
    return out;
}

MAD_DECL websocket_opener::websocket_opener(net::shard& s, client_endpoint const& e)
    : endpoint_(e)
    , http_(s, e.http()) {}

MAD_DECL void websocket_opener::start(std::string_view sid, milliseconds timeout, handler done) {
    done_ = std::move(done);
    std::array<std::uint8_t, 16> nonce;
    fill_random(nonce);
    append_base64(key_, {reinterpret_cast<char const*>(nonce.data()), nonce.size()});
    net::http::client_request r;
    r.target = endpoint_.target(transport_kind::websocket, sid);
    r.fields = endpoint_.fields();
    r.set("Upgrade", "websocket").set("Sec-WebSocket-Version", "13");
    r.set("Sec-WebSocket-Key", key_);
    if (auto const* const deflate = endpoint_.deflate())
        r.set("Sec-WebSocket-Extensions", deflate->offer());
    r.upgrade = true;
    http_.request(std::move(r), timeout,
                  [this](result<net::http::client_response> a) { answered(std::move(a)); });
}

MAD_DECL void websocket_opener::answered(result<net::http::client_response> a) {
    auto const done = std::exchange(done_, nullptr);
    if (!a)
        return done(a.error(), {});
    endpoint_.heard(*a);
    auto const extensions = a->header("Sec-WebSocket-Extensions");
    auto const* const deflate = endpoint_.deflate();
    // What was not offered may not be agreed.
    if (a->status != 101 || !a->says("Upgrade", "websocket") || !a->says("Connection", "Upgrade") ||
        a->header("Sec-WebSocket-Accept") != net::ws_accept_key(key_) ||
        (!deflate && !extensions.empty()) || !a->header("Sec-WebSocket-Protocol").empty())
        return done(error_code(error::transport_failed), {});
    if (deflate) {
        auto const terms = deflate->judge(extensions);
        if (!terms)
            return done(error_code(error::transport_failed), {});
        if (*terms)
            codec_ = deflate->make(net::ws_role::client, **terms);
    }
    std::string rest;
    auto s = http_.take_stream(rest);
    done(std::move(s), std::move(rest));
}

} // namespace mad::inline MAD_ABI::engine::detail

#endif
