#ifndef MAD_FLEET_IMPL_AGENT_IPP
#define MAD_FLEET_IMPL_AGENT_IPP

#include <mad/core/ids.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/agent.hpp>
#include <mad/fleet/page.hpp>
#include <mad/fleet/token_file.hpp>
#include <mad/host/json.hpp>
#include <mad/net/http/url.hpp>
#include <mad/net/wait.hpp>

#include <algorithm>
#include <stdexcept>
#include <thread>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// Rates of the first message: time between the two readings that it needs.
inline constexpr milliseconds first_rates{300};

inline std::string agent_id(agent_settings const& s) {
    mad::host::client_id_settings wanted;
    wanted.configured = s.id;
    wanted.state_file = s.state_file;
    wanted.where = s.host.where;
    auto found = mad::host::find_client_id(wanted);
    if (!found)
        throw std::invalid_argument("id: " + found.error().message());
    return found->value;
}

/// A node of ours answers at once; those of the original never do.
inline constexpr milliseconds heard_within{500};

/// Of a connection after which the series of attempts begins anew.
inline constexpr std::chrono::seconds long_enough{60};

/// A fleet that lost its node must not come back all at once.
inline socketio::backoff_settings agent_backoff() {
    return {seconds(1), seconds(30), 0.0, true};
}

/// What a node takes as a label: a longer one would cost the whole message.
inline bool is_label(std::string_view text) {
    return text.empty() || (text.size() <= 64 && mad::host::is_client_id(text));
}
inline constexpr char plain_words[] = "of UTF-8 without control characters";

/// In [0, 1).
inline double chance() {
    std::uint32_t r = 0;
    fill_random({reinterpret_cast<std::uint8_t*>(&r), sizeof r});
    return r / 4294967296.0;
}

} // namespace detail

MAD_DECL time_point next_tick(time_point planned, time_point now, milliseconds interval) {
    planned += interval;
    if (planned <= now) // late by more than one: skip, never burst
        planned += ((now - planned) / interval + 1) * interval;
    return planned;
}

MAD_DECL std::string judge_agent_settings(agent_settings const& s) {
    if (!s.api_url.empty() && (!parse_origin(s.api_url) || !net::http::parse_url(s.api_url)))
        return "api: '" + s.api_url + "' is no URL of an API node (http://host:port)";
    if (s.interval < seconds(1) || s.interval > seconds(60))
        return "interval: must be 1s to 60s";
    if (!s.id.empty() && !mad::host::is_client_id(s.id))
        return "id: must be 1 to 128 bytes of UTF-8 without control characters";
    if (s.tags.size() > 20)
        return "tag: at most 20";
    for (auto const& t : s.tags)
        if (t.empty() || !detail::is_label(t))
            return "tag: '" + t.substr(0, 80) + "' must have 1 to 64 bytes " + detail::plain_words;
    if (!detail::is_label(s.region))
        return "region: must have at most 64 bytes " + std::string(detail::plain_words);
    if (std::any_of(s.path.begin(), s.path.end(),
                    [](unsigned char c) { return c <= 0x20 || c == '?' || c == '#'; }))
        return "path: '" + s.path + "' must have no blank, ? or # in it";
    if (!s.polling && !s.websocket)
        return "transport: polling, websocket or both";
    if (!s.token_file.empty()) {
        std::string token;
        if (auto const wrong = read_token_file(s.token_file, token); !wrong.empty())
            return "token-file: " + wrong;
    }
    return {};
}

MAD_DECL agent_messages::agent_messages(agent_settings const& s, std::string id)
    : settings_(s)
    , id_(std::move(id))
    , run_(random_id(6))
    , who_(mad::host::read_identity(s.host.where))
    , sampler_(s.host) {}

MAD_DECL std::string const& agent_messages::next(bool with_info) {
    auto const& sample = sampler_.take();
    bool const changed = mad::host::follow(who_, sample);
    had_info_ = with_info || changed;
    text_.clear();
    text_ += "{\"id\":";
    append_json_string(text_, id_);
    text_ += ",\"v\":2,\"run\":";
    append_json_string(text_, run_);
    text_ += ",\"seq\":";
    append_json_number(text_, ++seq_);
    text_ += ",\"ts\":";
    append_json_number(text_, sample.wall_ms);
    text_ += ",\"interval_ms\":";
    append_json_number(text_, settings_.interval.count());
    if (had_info_) {
        text_ += ",\"info\":";
        mad::host::info_labels labels;
        labels.agent = settings_.version;
        labels.region = settings_.region;
        labels.tags = settings_.tags;
        mad::host::append_info_json(text_, who_, labels);
    }
    text_ += ",\"health\":";
    mad::host::append_health_json(text_, sample);
    text_ += '}';
    return text_;
}

MAD_DECL std::string agent_messages::leave() const {
    std::string out = "{\"id\":";
    append_json_string(out, id_);
    return out += '}';
}

MAD_DECL std::string sample_once(agent_settings const& s) {
    agent_messages m(s, detail::agent_id(s));
    m.baseline();
    std::this_thread::sleep_for(detail::first_rates);
    return m.next(true);
}

MAD_DECL agent::agent(agent_settings s)
    : settings_(std::move(s))
    , pool_(1, settings_.log)
    , timer_(pool_.context(0))
    , again_(pool_.context(0))
    , move_(pool_.context(0))
    , leaving_(pool_.context(0))
    , refused_({settings_.refused_delay, settings_.refused_delay_max, 0.0})
    , dismissed_(detail::agent_backoff())
    , born_(std::chrono::steady_clock::now()) {
    settings_.host.interval = settings_.interval;
    if (auto const wrong = judge_agent_settings(settings_); !wrong.empty())
        throw std::invalid_argument(wrong);
    if (settings_.api_url.empty())
        throw std::invalid_argument("api: the URL of an API node is needed");
    messages_ = std::make_unique<agent_messages>(settings_, detail::agent_id(settings_));

    socketio::client_settings c;
    c.engine.url = settings_.api_url;
    c.engine.path = settings_.path;
    c.engine.transports.clear();
    if (settings_.polling)
        c.engine.transports.push_back(engine::transport_kind::polling);
    if (settings_.websocket)
        c.engine.transports.push_back(engine::transport_kind::websocket);
    c.engine.tls = settings_.tls;
    c.backoff = detail::agent_backoff();
    c.log = settings_.log;
    client_ = std::make_unique<socketio::client>(pool_[0], std::move(c));
    if (!settings_.instance_name.empty())
        siblings_ = std::make_unique<agent_siblings>(
            pool_.context(0), agent_siblings_settings{.folder = settings_.instance_folder,
                                                      .name = settings_.instance_name,
                                                      .log = settings_.log});
    add_handlers();
}

MAD_DECL agent::~agent() {
    stop(milliseconds(0));
}

MAD_DECL void agent::add_handlers() {
    auto const root = client_->socket("/");
    root.on_connect([this] { on_joined(); });
    root.on_disconnect([this](socketio::disconnect_reason why) { on_left(why); });
    root.on_connect_error([this](socketio::connect_failure const& why) { on_failure(why); });
    root.on("node_draining", [this](json notice) { on_draining(notice); });
    if (settings_.token_file.empty())
        return;
    (void)read_token_file(settings_.token_file, token_); // judged before
    root.set_auth_source([this] { return auth(); });
    auto const o = parse_origin(settings_.api_url);
    if (o && o->scheme == "http" && !net::http::is_loopback_host(o->authority))
        settings_.log.warn("fleet.agent.token_in_clear",
                           {{"api", settings_.api_url}, {"remedy", "https:// keeps it secret"}});
}

// The connection

MAD_DECL std::string agent::reload() {
    if (settings_.token_file.empty())
        return {};
    std::string token;
    if (auto const wrong = read_token_file(settings_.token_file, token); !wrong.empty())
        return "token-file: " + wrong;
    {
        std::lock_guard const lock(token_mutex_);
        token_ = std::move(token);
    }
    pool_[0].post([this] {
        if (ending_ || connected_ || refused_.attempts() == 0)
            return;
        refused_.reset();
        connect_in(milliseconds(0));
    });
    return {};
}

/// Read anew each time, so that a token that was exchanged needs nobody to tell of it.
MAD_DECL json agent::auth() {
    std::string token;
    auto const wrong = read_token_file(settings_.token_file, token);
    std::lock_guard const lock(token_mutex_);
    if (wrong.empty())
        token_ = std::move(token);
    else
        settings_.log.warn("fleet.agent.token_file", {{"what", wrong}, {"use", "the one before"}});
    return json{{"token", token_}};
}

MAD_DECL void agent::connect_in(milliseconds wait) {
    again_.expires_after(wait);
    again_.async_wait([this](error_code ec) {
        if (!ec && !ending_)
            client_->socket("/").connect();
    });
}

MAD_DECL void agent::on_joined() {
    connected_ = true;
    joined_at_ = std::chrono::steady_clock::now();
    ++numbers_.connections;
    refused_.reset();
    last_failure_.clear();
    settings_.log.info("fleet.agent.connected", {{"api", settings_.api_url}});
    settings_.on_status("connected to " + settings_.api_url);
    greeted_ = false;
    take_over();
    if (sampled_)
        send("client_connected", true);
}

MAD_DECL void agent::take_over() {
    if (!siblings_ || took_over_ || std::exchange(taking_over_, true))
        return;
    siblings_->take_over([this] {
        taking_over_ = false;
        took_over_ = true;
        if (!ending_ && sampled_ && !greeted_)
            send("client_connected", true);
    });
}

MAD_DECL void agent::on_silence(bool silent, std::function<void()> done) {
    if (ending_)
        return done ? done() : void();
    greeted_ = false;
    if (silent) {
        settings_.log.info("fleet.agent.replaced", {{"instance", settings_.instance_name}});
        return settings_.on_status("another instance speaks for this host");
    }
    if (!connected_ || !sampled_)
        return done();
    settings_.on_status("connected to " + settings_.api_url);
    // Heard before the other one goes: the host is not without a connection for a moment.
    greeted_ = true;
    ++numbers_.samples;
    client_->socket("/").emit_with_ack([done](result<socketio::arguments>) { done(); },
                                       detail::heard_within, "client_connected",
                                       socketio::raw_json{messages_->next(true)});
    sent_.fetch_add(1, std::memory_order_relaxed);
}

MAD_DECL void agent::on_left(socketio::disconnect_reason why) {
    connected_ = false;
    move_.cancel();
    if (ending_)
        return;
    if (why != socketio::disconnect_reason::io_client_disconnect) // ours: it moves
        settings_.log.warn("fleet.agent.disconnected", {{"why", to_string(why)}});
    settings_.on_status("disconnected: " + std::string(to_string(why)) + "; trying again");
    if (why != socketio::disconnect_reason::io_server_disconnect)
        return; // the client tries again by itself
    if (std::chrono::steady_clock::now() - joined_at_ > detail::long_enough)
        dismissed_.reset();
    connect_in(dismissed_.next(detail::chance()));
}

MAD_DECL void agent::on_failure(socketio::connect_failure const& why) {
    if (ending_)
        return;
    auto const said = std::exchange(last_failure_, why.message) == why.message;
    if (!why.refused()) {
        if (said)
            return;
        settings_.log.warn("fleet.agent.not_connected",
                           {{"api", settings_.api_url}, {"why", why.message}});
        return settings_.on_status("not connected: " + why.message + "; trying again");
    }
    ++numbers_.refusals;
    auto const most = refused_.next(0).count();
    auto const least = most / 2;
    auto const more = detail::chance() * static_cast<double>(most - least);
    connect_in(milliseconds(least + static_cast<std::int64_t>(more)));
    if (said)
        return;
    auto const remedy = settings_.token_file.empty()
                            ? std::string("a token file, when the node asks for tokens")
                            : "a token in " + settings_.token_file + " that the node knows";
    settings_.log.warn("fleet.agent.refused",
                       {{"api", settings_.api_url}, {"why", why.message}, {"remedy", remedy}});
    settings_.on_status("refused: " + why.message + "; trying again now and then");
}

/// All agents of a node hear this at once: each goes at a moment of its own.
MAD_DECL void agent::on_draining(json const& notice) {
    auto const it = notice.is_object() ? notice.find("after_ms") : notice.end();
    if (ending_ || !connected_ || it == notice.end() || !it->is_number())
        return;
    auto const most = std::clamp(it->get<double>(), 1'000.0, 600'000.0);
    auto const wait = milliseconds(static_cast<std::int64_t>(detail::chance() * most));
    settings_.log.info("fleet.agent.node_draining", {{"reconnect_ms", wait.count()}});
    settings_.on_status("the node is about to stop; moving");
    move_.expires_after(wait);
    move_.async_wait([this](error_code ec) {
        if (ec || ending_ || !connected_)
            return;
        client_->close();
        client_->socket("/").connect();
    });
}

// Samples

MAD_DECL void agent::begin() {
    if (siblings_)
        if (auto const e = siblings_->start([this](bool silent, std::function<void()> done) {
                on_silence(silent, std::move(done));
            }))
            throw boost::system::system_error(e,
                                              "the socket of instance " + settings_.instance_name);
    running_ = true;
    left_ = false;
    pool_[0].post([this] {
        messages_->baseline();
        // The second reading makes the rates; it comes while the connection is being made.
        next_ = std::chrono::steady_clock::now() + detail::first_rates;
        settings_.on_status("connecting to " + settings_.api_url);
        client_->socket("/").connect();
        schedule();
    });
}

MAD_DECL void agent::start() {
    if (running_)
        return;
    begin();
    pool_.start();
}

MAD_DECL void agent::run() {
    alone_ = true;
    begin();
    pool_.run();
    running_ = false;
}

MAD_DECL void agent::schedule() {
    timer_.expires_at(next_);
    timer_.async_wait([this](error_code ec) {
        if (!ec)
            tick();
    });
}

MAD_DECL void agent::tick() {
    if (ending_)
        return;
    auto const now = std::chrono::steady_clock::now();
    if (!sampled_) {
        sampled_ = true;
        // From here on a fleet must not tick together: a random phase, then a fixed grid.
        next_ = now + milliseconds(static_cast<std::int64_t>(
                          detail::chance() * static_cast<double>(settings_.interval.count()) + 1));
        send("client_connected", true);
        settings_.on_first_sample();
    } else {
        next_ = next_tick(next_, now, settings_.interval);
        send(greeted_ ? "client_healthcheck" : "client_connected", !greeted_);
    }
    schedule();
}

MAD_DECL void agent::send(char const* event, bool with_info) {
    // Sampled even while nobody listens: the rates of the first message after that are fresh.
    auto const& text = messages_->next(with_info);
    ++numbers_.samples;
    if (!connected_ || !speaks())
        return;
    auto const root = client_->socket("/");
    message_.text = text; // which keeps its memory
    auto const& message = message_;
    if (messages_->had_info()) { // nobody says it again
        root.emit(event, message);
        greeted_ = true;
    } else {
        root.volatile_emit(event, message); // a node that does not read misses it, and no more
    }
    sent_.fetch_add(1, std::memory_order_relaxed);
}

// Metrics

MAD_DECL result<boost::asio::ip::tcp::endpoint>
agent::serve_metrics(boost::asio::ip::tcp::endpoint const& at) {
    // Nothing but this machine reads here: a page of a browser could be somebody else's.
    auto const guarded = [](auto answer) {
        return [answer](net::http::request const& r) {
            if (!net::http::is_loopback_host(r.header("Host")) || r.has("Origin"))
                return net::http::text_answer(403, "Forbidden\n");
            net::http::response a = answer();
            a.set("Cache-Control", "no-store");
            return a;
        };
    };
    net::http::router routes;
    routes.get("/metrics", guarded([this] {
                   net::http::response a;
                   a.set("Content-Type", open_metrics_type);
                   a.body = metrics();
                   return a;
               }));
    routes.get("/health", guarded([this] { return net::http::json_answer(200, health()); }));
    net::http::server_settings s;
    s.max_connections = 16; // and no log: whoever is on this machine could fill it
    http_ = std::make_unique<net::http::server>(pool_.shards(), std::move(routes), std::move(s));
    return http_->listen(at);
}

MAD_DECL std::string agent::metrics() const {
    auto numbers = numbers_;
    numbers.connected = connected_;
    numbers.messages = sent_;
    std::string out;
    if (sampled_)
        append_host_metrics(out, messages_->last(), messages_->who(), messages_->id());
    append_agent_metrics(out, numbers, messages_->last().agent);
    return out += "# EOF\n";
}

MAD_DECL std::string agent::health() const {
    auto const up =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - born_);
    std::string out = "{\"healthy\":true,\"id\":";
    append_json_string(out, messages_->id());
    append_json_string(out += ",\"version\":", settings_.version);
    append_json_number(out += ",\"uptime_s\":", up.count());
    append_json_number(out += ",\"samples\":", numbers_.samples);
    return out += connected_ ? ",\"connected\":true}" : ",\"connected\":false}";
}

// The end

MAD_DECL void agent::leave(milliseconds drain) {
    pool_[0].post([this, drain] { end(drain); });
}

MAD_DECL void agent::end(milliseconds drain) {
    if (std::exchange(ending_, true))
        return;
    for (auto* const t : {&timer_, &again_, &move_})
        t->cancel();
    if (http_)
        http_->close();
    auto const limit = std::chrono::steady_clock::now() + drain;
    if (siblings_ && siblings_->leads()) {
        siblings_->give_back(drain / 2, [this] { client_->close(); });
        return await_end(limit);
    }
    if (!connected_ || !speaks()) {
        client_->close();
        return await_end(limit);
    }
    // The answer tells that the goodbye has arrived; nodes of the original give none.
    client_->socket("/").emit_with_ack([this](result<socketio::arguments>) { client_->close(); },
                                       std::max(drain / 2, milliseconds(1)), "client_disconnected",
                                       socketio::raw_json{messages_->leave()});
    await_end(limit);
}

/// Looks now and then: the wire itself says goodbye, too, and its peer may be gone.
MAD_DECL void agent::await_end(time_point limit) {
    if (client_->closed() || std::chrono::steady_clock::now() >= limit) {
        left_ = true;
        if (siblings_)
            siblings_->stop();
        if (alone_)
            pool_.stop();
        return;
    }
    leaving_.expires_after(milliseconds(5));
    leaving_.async_wait([this, limit](error_code) { await_end(limit); });
}

MAD_DECL void agent::stop(milliseconds drain) {
    if (!running_ || alone_)
        return;
    running_ = false;
    if (drain.count() > 0) {
        leave(drain);
        net::wait_until([this] { return left_.load(); }, drain + milliseconds(100));
    }
    pool_.stop();
    if (siblings_)
        siblings_->stop();
}

} // namespace mad::inline MAD_ABI::fleet

#endif
