#ifndef MAD_ENGINE_IMPL_SERVER_IPP
#define MAD_ENGINE_IMPL_SERVER_IPP

#include <mad/core/ids.hpp>
#include <mad/core/json_text.hpp>
#include <mad/engine/detail/hop.hpp>
#include <mad/engine/server.hpp>

#include <array>
#include <string>
#include <unordered_map>

namespace mad::inline MAD_ABI::engine {

namespace detail {

/// What the engine needs of a request, apart from its body; may travel to another shard.
struct engine_request {
    request_query query;
    request_method method = request_method::other;
    bool upgrade = false;
    bool binary_body = false;
    std::string fields; // CORS lines for the answer
    std::string websocket_key;
    std::optional<net::ws_deflate_terms> deflate; // agreed for the websocket
    net::content_coding coding = net::content_coding::identity; // of the answer
};

inline request_method method_of(std::string_view m) {
    return m == "GET"    ? request_method::get
           : m == "POST" ? request_method::post
                         : request_method::other;
}

inline bool wants_websocket(net::http::request const& r) {
    return r.upgrade && net::http::has_token(r.header("Upgrade"), "websocket");
}

inline net::http::response error_answer(error e, std::string_view fields,
                                        std::string message = {}) {
    auto const a = answer_of(e).value_or(http_answer{500, -1, "Internal Server Error"});
    net::http::response r;
    r.status = a.status;
    if (a.code >= 0)
        r.set("Content-Type", "application/json").set("Cache-Control", "no-store");
    r.fields.append(fields);
    r.body = message.empty() ? error_body(e) : std::move(message);
    return r;
}

/// A refused websocket is answered before any 101: the message alone, and the connection ends.
inline net::http::response upgrade_refusal(error e, std::string_view fields,
                                           std::string_view message = {}) {
    auto const a = answer_of(e).value_or(http_answer{400, -1, "Bad request"});
    net::http::response r;
    r.status = e == error::forbidden ? 403 : 400;
    r.set("Content-Type", "text/html");
    r.fields.append(fields);
    r.body = message.empty() ? a.message : message;
    r.close = true;
    return r;
}

inline std::string forbidden_body(std::string_view message) {
    std::string out = "{\"code\":4,\"message\":";
    append_json_string(out, message);
    return out += '}';
}

/// What the application adds to an answer.
inline void add_fields(header_hook const& fn, std::string& fields, net::http::request const& r) {
    net::http::response answer;
    fn(answer, r);
    fields.append(answer.fields);
}

inline void tell_refusal(server_settings const& s, request_query const& query, error_code why,
                         net::http::request const* r = nullptr, std::string_view message = {}) {
    if (!s.on_connection_error)
        return;
    auto const a =
        answer_of(static_cast<error>(why.value())).value_or(http_answer{400, -1, "Bad request"});
    s.on_connection_error({a.code, message.empty() ? a.message : message, query, r});
}

/// A server that goes does not wait long for peers that say nothing.
inline milliseconds patience(milliseconds most, close_reason why) {
    return why == close_reason::server_shutting_down ? std::min(most, milliseconds(1000)) : most;
}

/// All that the field's lines say together (RFC 6455 section 11.3.2).
inline std::string extensions_of(net::http::request const& r) {
    std::string out;
    for (auto const& f : r.fields)
        if (net::http::iequals(f.name, "Sec-WebSocket-Extensions"))
            out.append(out.empty() ? "" : ", ").append(f.value);
    return out;
}

inline std::string switching_answer(engine_request const& e) {
    std::string out = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Accept: ";
    out.append(net::ws_accept_key(e.websocket_key)).append("\r\n");
    if (e.deflate)
        out.append("Sec-WebSocket-Extensions: ")
            .append(net::ws_deflate_answer(*e.deflate))
            .append("\r\n");
    return out.append(e.fields).append("\r\n");
}

} // namespace detail

/// The sessions of one shard.
class server::part final : public session_owner {
  public:
    part(server& s, net::shard& home, std::uint8_t index)
        : server_(s)
        , home_(home)
        , index_(index) {}

    net::shard& home() override { return home_; }
    server_settings const& settings() const override { return server_.settings_; }
    websocket_settings const& websockets() const override { return server_.websockets_; }
    void linger(std::unique_ptr<websocket>, close_reason) override;
    void keep_goodbye(std::string_view sid, std::vector<polling_body> bodies,
                      close_reason) override;
    void await_upgrade(std::unique_ptr<websocket>, std::string_view sid,
                       std::vector<net::wire_block> frames, close_reason) override;
    void release(session&) override;

    session* find(std::string_view sid) {
        auto const it = sessions_.find(sid);
        return it == sessions_.end() ? nullptr : it->second.get();
    }

    /// The part that a sid names, when that is another one of ours.
    part* elsewhere(std::string_view sid) {
        auto const n = session_id::shard_of(sid);
        if (!n || *n == index_ || *n >= server_.parts_.size())
            return nullptr;
        return server_.parts_[*n].get();
    }

    void on_head(net::http::request const&, net::http::exchange&, std::size_t& max_body);
    void on_request(net::http::request const&, net::http::exchange);
    void close_some(std::size_t most, close_reason);

  private:
    friend class server::route;

    /// A websocket whose session is over, until the peer has said goodbye too.
    struct lingerer final : transport_events {
        lingerer(part& p, std::unique_ptr<websocket> s)
            : owner(p)
            , socket(std::move(s))
            , limit([](void* self) { static_cast<lingerer*>(self)->cut(); }, this) {}

        void on_packet(packet_view const& p) override {
            if (!heir_of.empty() && !p.binary && p.type == packet_type::upgrade)
                owner.bequeath(*this);
        }
        void on_transport_end(close_reason) override { owner.forget(*this); }

        void cut() {
            socket->close(close_manner::silent);
            owner.forget(*this);
        }

        part& owner;
        std::unique_ptr<websocket> socket;
        net::deadline limit;
        std::size_t slot = 0;
        std::string heir_of; // the session whose last words it gets with `5`, if any
    };

    struct goodbye {
        goodbye(part& p, std::string_view s, std::vector<polling_body> b)
            : owner(p)
            , sid(s)
            , bodies(std::move(b))
            , limit([](void* self) { static_cast<goodbye*>(self)->expire(); }, this) {}

        void expire() { owner.drop_goodbye(sid); }

        part& owner;
        std::string sid;
        std::vector<polling_body> bodies;
        std::vector<net::wire_block> frames; // the same for an upgraded client; empty once polled
        net::deadline limit;
    };

    void serve(detail::engine_request&, std::string_view body, net::http::exchange);
    void open(net::http::request const&, detail::engine_request&, net::http::exchange);
    void open_websocket(session&, detail::engine_request&, net::http::exchange);
    void upgrade(detail::engine_request const&, net::stream, std::string const& rest);
    std::unique_ptr<net::message_codec> codec_for(detail::engine_request const&) const;
    void hop(part& to, detail::engine_request, std::string_view body, net::http::exchange);
    void shut_websocket(net::stream, detail::engine_request const&);
    bool say_goodbye(detail::engine_request const&, net::http::exchange&);
    result<verdict> judge_request(detail::engine_request const&);
    bool websocket_ok(net::http::request const&, net::http::exchange&, detail::engine_request&);
    void populate(session&);
    session& make(request_query const&, handshake_info);
    void add(std::unique_ptr<lingerer>, close_reason);
    void bequeath(lingerer&);
    void forget(lingerer&);
    void drop_goodbye(std::string const& sid) {
        auto n = goodbyes_.extract(sid);
        if (!n)
            return;
        for (auto const& b : n.mapped()->bodies)
            goodbye_bytes_ -= b.bytes.size();
        home_.reap(std::move(n.mapped()));
    }

    server& server_;
    net::shard& home_;
    std::uint8_t index_;
    // Sessions hold exchanges that point at arrivals: they must go first, so they stand behind.
    detail::hop_table hops_;
    std::unordered_map<std::uint64_t, std::unique_ptr<detail::hop_owner>> arrivals_;
    std::unordered_map<std::string_view, std::unique_ptr<session>> sessions_;
    std::vector<std::unique_ptr<lingerer>> lingering_;
    std::unordered_map<std::string, std::unique_ptr<goodbye>> goodbyes_;
    std::size_t goodbye_bytes_ = 0;
};

class server::route final : public net::http::route {
  public:
    explicit route(server& s)
        : server_(s) {}

    void on_head(net::shard& s, net::http::request const& r, net::http::exchange& x,
                 std::size_t& max_body) override {
        max_body = server_.settings_.max_payload;
        part_of(s).on_head(r, x, max_body);
    }

    void on_request(net::shard& s, net::http::request const& r, net::http::exchange x) override {
        part_of(s).on_request(r, std::move(x));
    }

  private:
    part& part_of(net::shard& s) const {
        for (auto const& p : server_.parts_)
            if (&p->home_ == &s)
                return *p;
        return *server_.parts_.front();
    }

    server& server_;
};

MAD_DECL server::server(std::vector<net::shard*> shards, server_settings s, factory f)
    : settings_(std::move(s))
    , factory_(std::move(f)) {
    if (settings_.path.empty() || settings_.path.back() != '/')
        settings_.path += '/';
    websockets_.frames.max_message_bytes = settings_.max_payload;
    websockets_.outbox = settings_.outbox;
    websockets_.pause_above_bytes = settings_.pause_above_bytes;
    for (auto* const sh : shards)
        parts_.push_back(
            std::make_unique<part>(*this, *sh, static_cast<std::uint8_t>(parts_.size())));
}

MAD_DECL server::~server() = default;

MAD_DECL void server::mount(net::http::router& r) {
    r.mount(settings_.path, std::make_shared<route>(*this));
}

MAD_DECL void server::close(close_reason why) {
    close_some(static_cast<std::size_t>(-1), why);
}

MAD_DECL void server::close_some(std::size_t most, close_reason why) {
    for (auto& p : parts_)
        p->home().dispatch([&p = *p, most, why] { p.close_some(most, why); });
}

MAD_DECL void server::part::close_some(std::size_t most, close_reason why) {
    std::vector<session*> some;
    for (auto const& [sid, s] : sessions_) {
        if (some.size() >= most)
            break;
        some.push_back(s.get());
    }
    for (auto* const s : some)
        s->close(why);
}

MAD_DECL void server::part::on_head(net::http::request const& r, net::http::exchange& x,
                                    std::size_t&) {
    if (r.method != "POST" || r.whole)
        return; // `serve` follows at once
    if (detail::wants_websocket(r))
        return; // refused when it is whole
    auto const query = parse_request_query(r.query);
    auto* const s = query.sid.empty() ? nullptr : find(query.sid);
    auto* const p = s ? s->as_polling() : nullptr;
    if (!p || query.transport != "polling" || query.eio != s->rev())
        return;
    if (query.jsonp && !settings().handshake.jsonp)
        return; // refused when it is whole
    if (p->begin_post(x))
        return;
    x.respond(detail::error_answer(error::overlap, cors_fields(settings().cors, r)));
    s->close(close_reason::transport_error);
}

MAD_DECL void server::part::on_request(net::http::request const& r, net::http::exchange x) {
    auto const& cors = settings().cors;
    if (r.method == "OPTIONS" && cors.enabled())
        return x.respond(preflight_answer(cors, r));
    detail::engine_request e;
    e.query = parse_request_query(r.query);
    e.method = detail::method_of(r.method);
    e.upgrade = detail::wants_websocket(r);
    e.binary_body = r.header("Content-Type").starts_with("application/octet-stream");
    e.fields = cors_fields(cors, r);
    if (settings().on_headers)
        detail::add_fields(settings().on_headers, e.fields, r);
    if (settings().http_compression && e.method == request_method::get)
        e.coding = net::http::choose_coding(r.header("Accept-Encoding"));
    if (e.upgrade)
        e.websocket_key = r.header("Sec-WebSocket-Key");
    auto* const there = elsewhere(e.query.sid);
    if (there && e.upgrade) {
        if (!websocket_ok(r, x, e))
            return;
        // Streams move whole; what the session says of it is decided where the session is.
        auto rest = std::make_shared<std::string>();
        auto st = std::make_shared<net::stream>(x.take_stream(*rest));
        return there->home().post([there, st, rest, e] {
            auto const v = there->judge_request(e);
            if (v && *v == verdict::upgrade)
                there->upgrade(e, std::move(*st), *rest);
            else if (v)
                there->shut_websocket(std::move(*st), e);
            else {
                detail::tell_refusal(there->settings(), e.query, v.error());
                std::string text;
                net::http::append_response(
                    text, detail::upgrade_refusal(static_cast<error>(v.error().value()), e.fields),
                    true, false);
                iovec const v1{text.data(), text.size()};
                st->write({&v1, 1});
            }
        });
    }
    if (there)
        return hop(*there, std::move(e), r.body, std::move(x));
    auto const v = judge_request(e);
    if (!v) {
        auto const why = static_cast<error>(v.error().value());
        if (say_goodbye(e, x))
            return;
        detail::tell_refusal(settings(), e.query, v.error(), &r);
        return x.respond(e.upgrade ? detail::upgrade_refusal(why, e.fields)
                                   : detail::error_answer(why, e.fields));
    }
    if (e.upgrade) {
        if (!websocket_ok(r, x, e))
            return;
        if (*v != verdict::open) {
            std::string rest;
            auto st = x.take_stream(rest);
            return *v == verdict::upgrade ? upgrade(e, std::move(st), rest)
                                          : shut_websocket(std::move(st), e);
        }
    }
    if (*v == verdict::open)
        return open(r, e, std::move(x));
    serve(e, r.body, std::move(x));
}

/// The words of a session that has just been closed wait for its next GETs.
MAD_DECL bool server::part::say_goodbye(detail::engine_request const& e, net::http::exchange& x) {
    auto const it = goodbyes_.find(e.query.sid);
    if (it == goodbyes_.end() || e.method != request_method::get || e.upgrade)
        return false;
    auto& bodies = it->second->bodies;
    auto body = std::move(bodies.front());
    bodies.erase(bodies.begin());
    goodbye_bytes_ -= body.bytes.size();
    it->second->frames.clear();
    if (bodies.empty())
        drop_goodbye(e.query.sid);
    auto answer = detail::packets_answer(e.fields, std::move(body));
    if (auto const& c = settings().http_compression)
        net::http::compress_body(answer, e.coding, *c);
    x.respond(std::move(answer));
    return true;
}

MAD_DECL result<verdict> server::part::judge_request(detail::engine_request const& e) {
    std::optional<known_session> known;
    if (auto* const s = e.query.sid.empty() ? nullptr : find(e.query.sid))
        known = known_session{s->rev(), s->kind(), s->upgrading()};
    return judge(e.method, e.upgrade, e.query, known, settings().handshake);
}

MAD_DECL bool server::part::websocket_ok(net::http::request const& r, net::http::exchange& x,
                                         detail::engine_request& e) {
    if (r.header("Sec-WebSocket-Version") != "13") {
        auto no = detail::upgrade_refusal(error::bad_request, e.fields);
        no.status = 426;
        no.set("Sec-WebSocket-Version", "13");
        x.respond(std::move(no));
        return false;
    }
    if (r.method != "GET" || r.version != 11 || !net::is_ws_key(r.header("Sec-WebSocket-Key"))) {
        x.respond(detail::upgrade_refusal(error::bad_request, e.fields));
        return false;
    }
    if (auto const& deflate = settings().per_message_deflate) {
        auto const terms = deflate->accept(detail::extensions_of(r));
        if (!terms) { // not even a list: RFC 6455 section 9.1
            x.respond(detail::upgrade_refusal(error::bad_request, e.fields));
            return false;
        }
        e.deflate = *terms;
    }
    return true;
}

/// GET and POST of a session that is here.
MAD_DECL void server::part::serve(detail::engine_request& e, std::string_view body,
                                  net::http::exchange x) {
    auto const v = judge_request(e);
    auto* const s = find(e.query.sid);
    auto* const p = s ? s->as_polling() : nullptr;
    if (!v && say_goodbye(e, x))
        return;
    if (!v)
        detail::tell_refusal(settings(), e.query, v.error());
    if (!v || !p)
        return x.respond(detail::error_answer(
            v ? error::bad_request : static_cast<error>(v.error().value()), e.fields));
    if (*v == verdict::poll)
        return s->poll(std::move(x), std::move(e.fields), e.coding);
    if (p->overlaps(x)) {
        x.respond(detail::error_answer(error::overlap, e.fields));
        return s->close(close_reason::transport_error);
    }
    if (e.binary_body && s->rev() == revision::eio4) {
        p->cancel_post();
        x.respond(detail::error_answer(error::binary_body, e.fields));
        return s->close(close_reason::transport_error);
    }
    p->post(std::move(x), body, e.binary_body, std::move(e.fields));
}

MAD_DECL session& server::part::make(request_query const& q, handshake_info info) {
    auto const sid = session_id::make(index_, settings().node_tag);
    auto s = std::make_unique<session>(*this, sid, *q.eio, std::move(info));
    auto& made = *s;
    sessions_.emplace(made.sid(), std::move(s));
    server_.count_.fetch_add(1, std::memory_order_relaxed);
    return made;
}

MAD_DECL void server::part::open(net::http::request const& r, detail::engine_request& e,
                                 net::http::exchange x) {
    auto const& cfg = settings();
    auto const refuse = [&](std::string message) {
        detail::tell_refusal(cfg, e.query, error::forbidden, &r, message);
        auto answer = e.upgrade ? detail::upgrade_refusal(error::forbidden, e.fields, message)
                                : detail::error_answer(error::forbidden, e.fields,
                                                       detail::forbidden_body(message));
        x.respond(std::move(answer));
    };
    if (server_.draining_.load(std::memory_order_relaxed)) {
        auto busy = net::http::text_answer(503, "draining\n");
        busy.set("Retry-After", "1");
        busy.close = true;
        return x.respond(std::move(busy));
    }
    handshake_info info(r, system_clock::instance().wall_ms());
    if (!cfg.trust.empty()) {
        auto const peer = cfg.trust.peer_of(r);
        info.set_client(peer.address, peer.secure);
    }
    if (cfg.check_origin &&
        !origin_allowed(cfg.cors, r.header("Origin"), r.header("Host"), info.secure()))
        return refuse("Forbidden");
    if (cfg.allow_request)
        if (auto why = cfg.allow_request(info))
            return refuse(why->empty() ? "Forbidden" : std::move(*why));
    if (cfg.on_initial_headers)
        detail::add_fields(cfg.on_initial_headers, e.fields, r);

    auto& s = make(e.query, std::move(info));
    std::array<std::string_view, 1> const websocket{"websocket"};
    bool const upgradable = !e.upgrade && cfg.allow_upgrades && cfg.handshake.websocket;
    auto const open_packet =
        encode_open(s.sid(), std::span(websocket).first(upgradable ? 1 : 0),
                    cfg.ping_interval.count(), cfg.ping_timeout.count(), cfg.max_payload);
    cfg.log.debug("engine.session.opened",
                  {{"sid", s.sid().substr(0, 6)}, {"transport", to_string(s.kind())}});
    if (e.upgrade) {
        std::string rest;
        auto st = x.take_stream(rest);
        s.begin_websocket(std::move(st), detail::switching_answer(e), e.query.b64, open_packet,
                          codec_for(e));
        populate(s);
        if (s.open() && !s.start_websocket(rest))
            s.close(close_reason::transport_error);
        return;
    }
    polling_dialect dialect{s.rev(), e.query.b64, {}};
    if (e.query.jsonp)
        dialect.jsonp = detail::jsonp_index(*e.query.jsonp);
    auto answer = s.begin_polling(std::move(dialect), open_packet);
    auto fields = e.fields;
    if (cfg.cookie) {
        auto cookie = *cfg.cookie;
        cookie.value = s.sid();
        fields.append("Set-Cookie: ").append(cookie.header()).append("\r\n");
    }
    x.respond(detail::packets_answer(fields, std::move(answer)));
    populate(s);
}

MAD_DECL void server::part::populate(session& s) {
    try {
        s.set_handler(server_.factory_(s));
    } catch (...) {
        s.close();
        throw;
    }
}

MAD_DECL std::unique_ptr<net::message_codec>
server::part::codec_for(detail::engine_request const& e) const {
    if (!e.deflate)
        return {};
    return settings().per_message_deflate->make(net::ws_role::server, *e.deflate);
}

MAD_DECL void server::part::upgrade(detail::engine_request const& e, net::stream st,
                                    std::string const& rest) {
    auto* const s = find(e.query.sid);
    if (s && !s->upgrading() && s->as_polling())
        s->begin_upgrade(std::move(st), detail::switching_answer(e), e.query.b64, rest,
                         codec_for(e));
    else
        shut_websocket(std::move(st), e);
}

/// A surplus websocket: let in, then shut, as the reference does. The session is unharmed.
MAD_DECL void server::part::shut_websocket(net::stream st, detail::engine_request const& e) {
    auto w = std::make_unique<websocket>(home_, std::move(st), net::ws_role::server, websockets());
    w->push_raw(detail::switching_answer(e));
    w->set_codec(codec_for(e));
    auto l = std::make_unique<lingerer>(*this, std::move(w));
    if (!l->socket->start(*l, {}))
        return;
    l->socket->close(close_manner::orderly);
    linger(std::move(l->socket), close_reason::forced_close);
    home_.reap(std::move(l));
}

MAD_DECL void server::part::hop(part& to, detail::engine_request e, std::string_view body,
                                net::http::exchange x) {
    auto const id = hops_.add(std::move(x));
    struct cargo {
        detail::engine_request request;
        std::string body;
    };
    auto const c = std::make_shared<cargo>(cargo{std::move(e), std::string(body)});
    // Named by a number: an address may be used again while a message about it is on its way.
    auto const name = std::uint64_t(index_) << 56 | id;
    // Set before the post: the answer cannot overtake it, since it comes back by a post as well.
    hops_.find(id)->on_gone([&to, name, this, id](int status) {
        hops_.take(id);
        to.home().post([&to, name, status] {
            if (auto const it = to.arrivals_.find(name); it != to.arrivals_.end())
                it->second->peer_gone(status);
        });
    });
    to.home().post([&to, name, id, this, c] {
        auto& there =
            *to.arrivals_.emplace(name, std::make_unique<detail::hop_owner>(home_, hops_, id))
                 .first->second;
        there.gone = [&to, name] {
            if (auto n = to.arrivals_.extract(name))
                to.home().reap(std::move(n.mapped()));
        };
        to.serve(c->request, c->body, net::http::exchange(there));
    });
}

MAD_DECL void server::part::linger(std::unique_ptr<websocket> w, close_reason why) {
    add(std::make_unique<lingerer>(*this, std::move(w)), why);
}

MAD_DECL void server::part::await_upgrade(std::unique_ptr<websocket> w, std::string_view sid,
                                          std::vector<net::wire_block> frames, close_reason why) {
    auto l = std::make_unique<lingerer>(*this, std::move(w));
    l->heir_of = sid;
    // Past the budget of `keep_goodbye` there is only the goodbye itself.
    auto const it = goodbyes_.find(l->heir_of);
    if (it != goodbyes_.end() && it->second->bodies.size() > 1)
        it->second->frames = std::move(frames);
    add(std::move(l), why);
}

/// The client went over to this wire, where it has not polled for them: the last words.
MAD_DECL void server::part::bequeath(lingerer& l) {
    auto const sid = std::exchange(l.heir_of, {});
    if (auto const it = goodbyes_.find(sid); it != goodbyes_.end()) {
        for (auto& f : it->second->frames)
            l.socket->push(std::move(f));
        drop_goodbye(sid);
    }
    l.socket->close(close_manner::orderly);
    if (!l.socket->closed())
        l.socket->set_events(l);
}

MAD_DECL void server::part::add(std::unique_ptr<lingerer> l, close_reason why) {
    if (l->socket->started())
        l->socket->set_events(*l);
    else if (!l->socket->start(*l, {})) // its session ended while it was made
        return home_.reap(std::move(l));
    l->slot = lingering_.size();
    home_.deadlines().arm(l->limit, detail::patience(settings().close_timeout, why));
    lingering_.push_back(std::move(l));
}

MAD_DECL void server::part::forget(lingerer& l) {
    if (l.slot >= lingering_.size() || lingering_[l.slot].get() != &l)
        return;
    l.limit.cancel();
    auto dying = std::move(lingering_[l.slot]);
    if (l.slot + 1 != lingering_.size()) {
        lingering_[l.slot] = std::move(lingering_.back());
        lingering_[l.slot]->slot = l.slot;
    }
    lingering_.pop_back();
    home_.reap(std::move(dying));
}

MAD_DECL void server::part::keep_goodbye(std::string_view sid, std::vector<polling_body> bodies,
                                         close_reason why) {
    // Clients that never come back for them must not hold memory: past the budget the queue of a
    // session is given up and only the close packet is kept.
    constexpr std::size_t budget = 16 * 1024 * 1024;
    std::size_t size = 0;
    for (auto const& b : bodies)
        size += b.bytes.size();
    if (goodbye_bytes_ + size > budget) {
        bodies.erase(bodies.begin(), bodies.end() - 1);
        size = bodies.front().bytes.size();
    }
    goodbye_bytes_ += size;
    auto g = std::make_unique<goodbye>(*this, sid, std::move(bodies));
    home_.deadlines().arm(g->limit, detail::patience(settings().goodbye_timeout, why));
    goodbyes_.insert_or_assign(std::string(sid), std::move(g));
}

MAD_DECL void server::part::release(session& s) {
    auto n = sessions_.extract(s.sid());
    if (!n)
        return;
    server_.count_.fetch_sub(1, std::memory_order_relaxed);
    home_.reap(std::move(n.mapped()));
}

} // namespace mad::inline MAD_ABI::engine

#endif
