#ifndef MAD_FLEET_IMPL_API_IPP
#define MAD_FLEET_IMPL_API_IPP

#include <mad/core/base64.hpp>
#include <mad/core/ids.hpp>
#include <mad/core/json_text.hpp>
#include <mad/core/sha256.hpp>
#include <mad/fleet/announced_node.hpp>
#include <mad/fleet/api.hpp>
#include <mad/fleet/detail/hub.hpp>
#include <mad/fleet/detail/hub_view.hpp>
#include <mad/fleet/http_gate.hpp>
#include <mad/net/shard.hpp>
#include <mad/net/wait.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <thread>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline socketio::server_settings node_settings(api_settings const& s, net::shard& home,
                                               std::shared_ptr<gate> const& at,
                                               std::shared_ptr<engine::siblings> elsewhere) {
    auto out = s.sockets;
    out.http.elsewhere = std::move(elsewhere);
    if (s.make_adapters)
        out.adapter = s.make_adapters(home);
    out.log = out.engine.log = out.http.log = s.log;
    // Browsers with socket.io-client 2 ask with credentials unless told otherwise. There are none
    // here, but they want to hear that they may; CORS says so to listed origins only.
    if (out.engine.handshake.allow_eio3)
        out.engine.cors.credentials = true;
    auto const ask = out.engine.allow_request;
    out.engine.allow_request = [ask,
                                at](engine::handshake_info const& h) -> std::optional<std::string> {
        if (auto why = at->refuse_handshake(h))
            return why;
        return ask ? ask(h) : std::nullopt;
    };
    out.engine.vouching = s.access.identity_trust;
    return out;
}

/// What a stop may take that tells other nodes.
inline constexpr milliseconds leave_time{1'500};

/// Between the word that this node drains and the end of its listeners: for what proxies have sent
/// before they heard it.
inline constexpr milliseconds drain_notice{250};

/// What agents of the original take to connect elsewhere: they wait for 1.5 s at most.
inline constexpr milliseconds move_time{3'000};

/// With a tag of its own, by which proxies know whose sessions are whose.
inline api_settings tagged(api_settings s) {
    std::array<std::uint8_t, 2> raw;
    while (s.sockets.engine.node_tag == 0) {
        fill_random(raw);
        s.sockets.engine.node_tag = static_cast<std::uint16_t>(raw[0] << 8 | raw[1]);
    }
    return s;
}

inline std::size_t shard_count(std::size_t wanted) {
    return wanted ? wanted : std::max(1u, std::thread::hardware_concurrency());
}

inline std::shared_ptr<engine::siblings> make_siblings(api_settings const& s) {
    if (s.instance_name.empty())
        return nullptr;
    engine::siblings_settings own;
    own.folder = s.instance_folder;
    own.tag = s.sockets.engine.node_tag;
    own.log = s.log;
    return std::make_shared<engine::siblings>(std::move(own));
}

/// What consoles are shown as `socketID`: the same for a socket as long as it lives, and without
/// the key no way back to its id, which with revision 3 is the session's and so a secret.
inline std::string veiled(std::string_view key, std::string_view socket_id) {
    auto const digest = hmac_sha256(key, socket_id);
    std::string out;
    append_base64url(out, {reinterpret_cast<char const*>(digest.data()), 15});
    return out;
}

} // namespace detail

MAD_DECL api::api(api_settings s)
    : settings_(detail::tagged(std::move(s)))
    , node_id_(settings_.node_id.empty() ? random_id(6) : settings_.node_id)
    , instance_(random_id(6))
    , pool_(detail::shard_count(settings_.threads), settings_.log)
    , gate_(make_gate())
    , siblings_(detail::make_siblings(settings_))
    , io_(pool_, detail::node_settings(settings_, pool_[0], gate_, siblings_))
    , hub_(std::make_shared<hub>(*this, pool_[0])) {
    add_routes();
    guard_sockets();
    add_handlers();
}

MAD_DECL api::~api() {
    stop();
}

MAD_DECL void api::add_handlers() {
    auto const nsp = io_.of("/");
    nsp.on_connection([this](socketio::socket s) {
        if (!gate_->enter(s) || !may_watch(s))
            return;
        await_old_page(s);
    });

    // What a socket is, as far as it has told: kept with it as small JSON, touched by its own
    // shard.
    auto const refuse = [this](socketio::socket const& s, socketio::ack& reply, error_code why) {
        counters_.refused.fetch_add(1, std::memory_order_relaxed);
        settings_.log.debug("fleet.record.refused", {{"error", why.message()}});
        json answer = json::object();
        answer["error"] = why.message();
        reply(answer);
        if (!s.connected())
            return; // it does not even take the answer
        auto& d = s.data();
        if (!d.is_object())
            d = json::object();
        auto const minute =
            std::chrono::steady_clock::now().time_since_epoch() / std::chrono::minutes(1);
        if (d.value("bad_minute", std::int64_t(-1)) != minute) {
            d["bad_minute"] = minute;
            d["bad"] = 0u;
        }
        auto const bad = d["bad"].get<unsigned>() + 1;
        d["bad"] = bad;
        if (bad > settings_.max_bad_per_minute) {
            settings_.log.warn("fleet.agent.disconnected", {{"why", "too many bad messages"}});
            s.disconnect(true);
        }
    };

    // A missing argument is as bad a message as a wrong one: it counts.
    using message = std::optional<socketio::raw_json>;
    auto const sample = [this, refuse](socketio::socket s, message m, socketio::ack reply) {
        // On another shard the message moves once and is judged where it stays.
        auto const c = std::make_shared<cargo>();
        if (m)
            c->text = std::move(m->text);
        auto r = judge_record(c->text, true, settings_.records);
        if (!r)
            return refuse(s, reply, r.error());
        c->record = std::move(*r);
        auto& d = s.data();
        auto const known = d.find("id");
        bool const same = known != d.end() && *known == c->record.id;
        if (!same || !c->record.info.empty())
            if (auto const why = refuses_agent(s, c->record, same))
                return refuse(s, reply, why);
        if (!same) {
            if (c->record.is_v2)
                s.join(detail::agents_room);
            if (known == d.end()) {
                s.leave(detail::watchers_room);
                has_spoken(s);
            } else {
                forget(s, false); // one connection is one agent: a new id replaces the old one
            }
            d["id"] = c->record.id;
            if (!d.contains("opaque"))
                d["opaque"] = detail::veiled(veil_key_, s.id());
        }
        c->opaque = d["opaque"].get<std::string>();
        hub_->home().dispatch([h = hub_, c] { h->update(c->opaque, c->record); });
        reply(true);
    };
    nsp.on("client_connected", sample);
    nsp.on("client_healthcheck", sample);

    nsp.on(
        "client_disconnected", [this, refuse](socketio::socket s, message m, socketio::ack reply) {
            auto const r = judge_record(m ? m->text : std::string_view(), false, settings_.records);
            if (!r)
                return refuse(s, reply, r.error());
            if (auto const why = gate_->refuses(s, right::write))
                return refuse(s, reply, why);
            forget(s, true);
            reply(true);
        });

    add_console_handlers(refuse);

    nsp.on_disconnect([this](socketio::socket s, socketio::disconnect_reason) {
        forget(s, false);
        forget_console(s);
        has_spoken(s);
        gate_->leave(s);
    });
}

MAD_DECL void api::send_list(socketio::socket const& s) {
    // Taken in the hub's own order, so that no update falls between the list and what follows.
    hub_->home().dispatch(
        [h = hub_, s] { s.emit("load_clients", socketio::raw_json{h->snapshot()}); });
}

/// It is an original page that has come back, or an agent that will say so. `missed`: it has waited
/// for a turn.
MAD_DECL void api::await_old_page(socketio::socket const& s, bool missed) {
    bool const turn = silent_.fetch_add(1, std::memory_order_relaxed) < settings_.max_silent;
    if (turn) {
        s.data()["silent"] = true;
        s.join(detail::watchers_room);
        if (missed)
            send_list(s);
    } else {
        silent_.fetch_sub(1, std::memory_order_relaxed);
    }
    auto const timer = std::make_shared<boost::asio::steady_timer>(s.home()->context(),
                                                                   settings_.old_page_silence);
    timer->async_wait([this, s, turn, missed, timer](error_code ec) {
        if (ec || !s.connected())
            return;
        bool const known = s.data().contains("id") || s.data().contains("listed");
        if (turn)
            has_spoken(s); // its turn is over
        else if (!known)
            return await_old_page(s, true);
        if (!known && !missed && s.handshake().query().get("EIO") == "3")
            send_list(s);
    });
}

MAD_DECL void api::has_spoken(socketio::socket const& s) {
    auto& d = s.data();
    if (d.is_object() && d.erase("silent") > 0)
        silent_.fetch_sub(1, std::memory_order_relaxed);
}

/// The agent behind that socket, if it is one, has gone; `left`: and has said so.
MAD_DECL void api::forget(socketio::socket const& s, bool left) {
    auto& d = s.data();
    auto const id = d.find("id");
    if (id == d.end())
        return;
    hub_->home().dispatch([h = hub_, id = id->get<std::string>(),
                           opaque = d["opaque"].get<std::string>(),
                           left] { h->leave(id, opaque, left); });
    d.erase("id");
}

MAD_DECL void api::set_rules(rule_set r, std::vector<mute> m) {
    hub_->home().post([h = hub_, r = std::move(r), m = std::move(m)]() mutable {
        h->set_rules(std::move(r), std::move(m));
    });
}

MAD_DECL void api::set_webhook_secret(std::string secret) {
    hub_->home().post([h = hub_, s = std::move(secret)] { h->set_webhook_secret(s); });
}

MAD_DECL void api::add_routes() {
    auto& routes = io_.routes();
    http_api_settings h;
    h.admit = admit_by(*gate_);
    h.tokens = settings_.access.access.rules.has_value();
    h.cors = settings_.sockets.engine.cors;
    h.gauges.tags = settings_.metrics_tags;
    h.version = settings_.version;
    routes.mount(std::string(http_api::prefix),
                 std::make_shared<http_api>(pool_[0], std::make_shared<hub_view>(hub_, gate_),
                                            std::move(h)));
    routes.get("/health", [this](net::http::request const&) {
        std::string body = "{\"healthy\":true,\"node\":";
        append_json_string(body, node_id_);
        body += ",\"version\":";
        append_json_string(body, settings_.version);
        body += ",\"uptime_s\":";
        append_json_number(
            body, std::chrono::duration_cast<seconds>(std::chrono::steady_clock::now() - started_)
                      .count());
        body += ",\"sessions\":";
        append_json_number(body, io_.sessions());
        return net::http::json_answer(200, body += '}');
    });
    routes.get("/ready", [this](net::http::request const&) {
        std::string body;
        if (draining_) {
            body = "{\"ready\":false,\"reason\":\"draining\",\"since\":";
            append_json_number(body, draining_since_.load());
            return net::http::json_answer(503, body += '}');
        }
        if (auto const s = hub_->state(); !s.ready) {
            body = "{\"ready\":false,\"reason\":\"redis\",\"since\":";
            append_json_number(body, s.since);
            return net::http::json_answer(503, body += '}');
        }
        body = "{\"ready\":true,\"node\":";
        append_json_string(body, node_id_);
        body += ",\"version\":";
        append_json_string(body, settings_.version);
        body += ",\"instance\":";
        append_json_string(body, instance_);
        body += ",\"tag\":";
        append_json_number(body, std::uint64_t{settings_.sockets.engine.node_tag});
        return net::http::json_answer(200, body += '}');
    });
    routes.get("/metrics", [this](net::http::request const& asked) {
        if (auto by = gate_->admit_metrics(asked); !by)
            return std::move(by.refusal);
        net::http::response r;
        r.set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8");
        r.set("Cache-Control", "no-store");
        r.body = metrics();
        return r;
    });
}

/// What proxies are told; empty: nothing.
MAD_DECL std::string api::address(boost::asio::ip::tcp::endpoint const& at) const {
    if (!settings_.advertise.empty())
        return settings_.advertise == "off" ? std::string() : settings_.advertise;
    bool const useful = !at.address().is_loopback() && !at.address().is_unspecified();
    return useful ? url_ : std::string();
}

MAD_DECL void api::announce(bool draining, std::function<void()> done) {
    if (announced_.empty())
        return done();
    announced_node n;
    n.node = node_id_;
    n.url = announced_;
    n.version = settings_.version;
    n.instance = instance_;
    n.tag = settings_.sockets.engine.node_tag;
    n.draining = draining;
    hub_->home().post([h = hub_, text = announcement_of(n), done = std::move(done)]() mutable {
        h->announce(std::move(text), std::move(done));
    });
}

MAD_DECL result<boost::asio::ip::tcp::endpoint> api::start() {
    auto at = result<boost::asio::ip::tcp::endpoint>(settings_.listen);
    if (siblings_) {
        auto const own = settings_.instance_folder + "/" + settings_.instance_name + ".sock";
        if (auto const e = io_.http().listen_unix(own, net::unix_taken::replace))
            return e;
        if (auto const e = siblings_->start([this](int fd, boost::asio::ip::address const& peer) {
                io_.http().take(fd, peer);
            }))
            return e;
    }
    if (settings_.passed_listeners.empty())
        at = io_.listen(settings_.listen);
    for (int const fd : settings_.passed_listeners)
        at = io_.adopt(fd);
    if (!at)
        return at;
    started_ = std::chrono::steady_clock::now();
    url_ = net::http::url_of(*at, settings_.sockets.http.tls != nullptr);
    if (settings_.make_store) // alone there is nobody to be told
        announced_ = address(*at);
    announce(false, [] {});
    gate_->start(hub_->home());
    hub_->home().post([h = hub_] { h->start(); });
    pool_.start();
    running_ = true;
    settings_.log.info("fleet.api.started", {{"node", node_id_}, {"url", url_}});
    return at;
}

MAD_DECL void api::stop(milliseconds drain) {
    if (!std::exchange(running_, false))
        return;
    if (siblings_ && drain.count() > 0) {
        siblings_->drain();
        io_.http().leave_adopted(); // who comes from now on is the next release's
    }
    if (drain.count() > 0) {
        draining_since_ = system_clock::instance().wall_ms();
        draining_ = true;
        if (!announced_.empty()) {
            auto const told = std::make_shared<std::atomic<bool>>(false);
            announce(true, [told] { *told = true; });
            auto const notice = std::min(drain / 4, detail::drain_notice);
            net::wait_until([told] { return told->load(); }, notice);
            net::wait_until([] { return false; }, notice);
        }
        if (settings_.make_store) { // else there is nowhere to go
            hub_->home().post([h = hub_, after = drain / 2] { h->drain(after); });
            net::wait_until([this] { return counters_.own_agents + counters_.consoles == 0; },
                            drain / 2);
        }
        io_.close();
        net::wait_until([this] { return io_.sessions() == 0 && io_.connections() == 0; }, drain);
        if (settings_.make_store) // those that were told nothing, as of the original, come back now
            net::wait_until([this] { return counters_.own_agents == 0; },
                            std::min(drain, detail::move_time));
    }
    auto const left = std::make_shared<std::atomic<bool>>(false);
    hub_->home().post([h = hub_, left] { h->stop([left] { *left = true; }); });
    net::wait_until([left] { return left->load(); }, detail::leave_time);
    if (siblings_) {
        siblings_->stop();
        // What came from them last is still answered: that its session is over.
        auto const shards = pool_.shards();
        auto const seen = std::make_shared<std::atomic<std::size_t>>(0);
        for (auto* const s : shards)
            s->post([seen] { ++*seen; });
        auto const most = std::min(drain, detail::drain_notice);
        net::wait_until([&] { return *seen == shards.size() && io_.connections() == 0; }, most);
    }
    pool_.stop();
    hub_->end();
}

} // namespace mad::inline MAD_ABI::fleet

#endif
