#ifndef MAD_ENGINE_IMPL_SERVER_IPP
#define MAD_ENGINE_IMPL_SERVER_IPP

#include <mad/core/ids.hpp>
#include <mad/engine/detail/engine_request.hpp>
#include <mad/engine/detail/farewells.hpp>
#include <mad/engine/detail/hop.hpp>
#include <mad/engine/server.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>

namespace mad::inline MAD_ABI::engine {

/// The sessions of one shard.
class server::part final : public session_owner {
  public:
    part(server& s, net::shard& home, std::uint8_t index)
        : server_(s)
        , home_(home)
        , index_(index)
        , farewells_(home, s.settings_) {}

    net::shard& home() override { return home_; }
    server_settings const& settings() const override { return server_.settings_; }
    websocket_settings const& websockets() const override { return server_.websockets_; }
    void linger(std::unique_ptr<websocket> w, close_reason why) override {
        farewells_.linger(std::move(w), why);
    }
    void keep_goodbye(std::string_view sid, std::vector<polling_body> bodies,
                      close_reason why) override {
        farewells_.keep(sid, std::move(bodies), why);
    }
    void await_upgrade(std::unique_ptr<websocket> w, std::string_view sid,
                       std::vector<net::wire_block> frames, close_reason why) override {
        farewells_.await_upgrade(std::move(w), sid, std::move(frames), why);
    }
    void release(session&, close_reason) override;

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
    bool admit(handshake_info&, boost::asio::ip::address const& proxy) const;
    void refused(request_query const&, error_code why, net::http::request const* = nullptr,
                 std::string_view message = {});

    server& server_;
    net::shard& home_;
    std::uint8_t index_;
    // Sessions hold exchanges that point at arrivals: they must go first, so they stand behind.
    detail::hop_table hops_;
    std::unordered_map<std::uint64_t, std::unique_ptr<detail::hop_owner>> arrivals_;
    std::unordered_map<std::string_view, std::unique_ptr<session>> sessions_;
    detail::farewells farewells_;
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
                there->refused(e.query, v.error());
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
        refused(e.query, v.error(), &r);
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
    if (e.method != request_method::get || e.upgrade)
        return false;
    auto body = farewells_.take(e.query.sid);
    if (!body)
        return false;
    auto answer = detail::packets_answer(e.fields, std::move(*body));
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
    auto const keys = std::count_if(r.fields.begin(), r.fields.end(), [](auto const& f) {
        return net::http::iequals(f.name, "Sec-WebSocket-Key");
    });
    if (r.method != "GET" || r.version != 11 || keys != 1 || !net::is_ws_key(e.websocket_key)) {
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
        refused(e.query, v.error());
    if (!v || !p)
        return x.respond(detail::error_answer(
            v ? error::bad_request : static_cast<error>(v.error().value()), e.fields));
    if (*v == verdict::poll)
        return s->poll(std::move(x), std::move(e.fields), e.coding);
    if (p->overlaps(x)) {
        refused(e.query, error::overlap);
        x.respond(detail::error_answer(error::overlap, e.fields));
        return s->close(close_reason::transport_error);
    }
    if (e.binary_body && s->rev() == revision::eio4) {
        p->cancel_post();
        refused(e.query, error::binary_body);
        x.respond(detail::error_answer(error::binary_body, e.fields));
        return s->close(close_reason::transport_error);
    }
    p->post(std::move(x), body, e.binary_body, std::move(e.fields));
}

MAD_DECL void server::part::refused(request_query const& query, error_code why,
                                    net::http::request const* r, std::string_view message) {
    auto const e = static_cast<error>(why.value());
    server_.counters_.add(server_.counters_.refused[static_cast<std::size_t>(e)]);
    settings().log.debug("engine.request.refused", {{"why", log_name(e)}});
    detail::tell_refusal(settings(), query, why, r, message);
}

MAD_DECL session& server::part::make(request_query const& q, handshake_info info) {
    auto const sid = session_id::make(index_, settings().node_tag);
    auto s = std::make_unique<session>(*this, sid, *q.eio, std::move(info));
    auto& made = *s;
    sessions_.emplace(made.sid(), std::move(s));
    server_.count_.fetch_add(1, std::memory_order_relaxed);
    server_.counters_.add(server_.counters_.opened);
    return made;
}

/// By its forwarded address; a peer of its own has been judged when it was accepted.
MAD_DECL bool server::part::admit(handshake_info& info,
                                  boost::asio::ip::address const& proxy) const {
    auto const& cfg = settings();
    if (!cfg.forwarded_addresses || !cfg.trust.has(proxy) || cfg.trust.has(info.address()))
        return true;
    if (!cfg.forwarded_addresses->enter(info.address(), std::chrono::steady_clock::now())) {
        server_.counters_.add(server_.counters_.refused_addresses);
        cfg.log.warn("engine.session.refused",
                     {{"why", "address"}, {"peer", info.address().to_string()}});
        return false;
    }
    info.set_counted();
    return true;
}

MAD_DECL void server::part::open(net::http::request const& r, detail::engine_request& e,
                                 net::http::exchange x) {
    auto const& cfg = settings();
    auto const refuse = [&](std::string message) {
        refused(e.query, error::forbidden, &r, message);
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
    if (!cfg.vouching.empty())
        info.set_vouched(cfg.vouching.has(r.peer));
    if (cfg.check_origin &&
        !origin_allowed(cfg.cors, r.header("Origin"), r.header("Host"), info.secure()))
        return refuse("Forbidden");
    if (cfg.allow_request)
        if (auto why = cfg.allow_request(info))
            return refuse(why->empty() ? "Forbidden" : std::move(*why));
    if (cfg.on_initial_headers)
        detail::add_fields(cfg.on_initial_headers, e.fields, r);
    if (!admit(info, r.peer)) {
        auto many = net::http::text_answer(429, "Too Many Requests\n");
        many.set("Retry-After", "5");
        return x.respond(std::move(many));
    }

    auto& s = make(e.query, std::move(info));
    std::array<std::string_view, 1> const websocket{"websocket"};
    bool const upgradable = !e.upgrade && cfg.allow_upgrades && cfg.handshake.websocket;
    auto const open_packet =
        encode_open(s.sid(), std::span(websocket).first(upgradable ? 1 : 0),
                    cfg.ping_interval.count(), cfg.ping_timeout.count(), cfg.max_payload);
    cfg.log.debug("engine.session.opened", {{"sid", s.sid().substr(0, 6)},
                                            {"transport", e.upgrade ? "websocket" : "polling"}});
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
    farewells_.shut(std::move(w));
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

MAD_DECL void server::part::release(session& s, close_reason why) {
    auto n = sessions_.extract(s.sid());
    if (!n)
        return;
    server_.count_.fetch_sub(1, std::memory_order_relaxed);
    server_.counters_.add(server_.counters_.closed[static_cast<std::size_t>(why)]);
    settings().log.debug("engine.session.closed",
                         {{"sid", s.sid().substr(0, 6)}, {"why", log_name(why)}});
    if (s.handshake().counted())
        settings().forwarded_addresses->leave(s.handshake().address());
    home_.reap(std::move(n.mapped()));
}

} // namespace mad::inline MAD_ABI::engine

#endif
