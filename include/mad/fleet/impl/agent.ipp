#ifndef MAD_FLEET_IMPL_AGENT_IPP
#define MAD_FLEET_IMPL_AGENT_IPP

#include <mad/core/ids.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/agent.hpp>
#include <mad/fleet/page.hpp>
#include <mad/host/json.hpp>
#include <mad/net/wait.hpp>

#include <algorithm>
#include <stdexcept>
#include <thread>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// Rates of the first message: time between the two readings that it needs.
inline constexpr milliseconds first_rates{300};

inline std::string agent_id(agent_settings const& s) {
    host::client_id_settings wanted;
    wanted.configured = s.id;
    wanted.state_file = s.state_file;
    wanted.where = s.host.where;
    auto found = host::find_client_id(wanted);
    if (!found)
        throw std::invalid_argument("id: " + found.error().message());
    return found->value;
}

} // namespace detail

MAD_DECL std::string judge_agent_settings(agent_settings const& s) {
    if (!s.api_url.empty() && !parse_origin(s.api_url))
        return "api: '" + s.api_url + "' is no URL of an API node (http://host:port)";
    if (s.interval < seconds(1) || s.interval > seconds(60))
        return "interval: must be 1s to 60s";
    if (!s.id.empty() && !host::is_client_id(s.id))
        return "id: must be 1 to 128 bytes of UTF-8 without control characters";
    if (s.tags.size() > 20)
        return "tag: at most 20";
    for (auto const& t : s.tags)
        if (t.empty() || t.size() > 64)
            return "tag: '" + t.substr(0, 80) + "' must have 1 to 64 bytes";
    if (!s.polling && !s.websocket)
        return "transport: polling, websocket or both";
    return {};
}

MAD_DECL agent_messages::agent_messages(agent_settings const& s, std::string id)
    : settings_(s), id_(std::move(id)), run_(random_id(6)),
      who_(host::read_identity(s.host.where)), sampler_(s.host) {}

MAD_DECL std::string const& agent_messages::next(bool with_info) {
    auto const& sample = sampler_.take();
    bool const changed = host::follow(who_, sample);
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
        host::info_labels labels;
        labels.agent = settings_.version;
        labels.region = settings_.region;
        labels.tags = settings_.tags;
        host::append_info_json(text_, who_, labels);
    }
    text_ += ",\"health\":";
    host::append_health_json(text_, sample);
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
    : settings_(std::move(s)), pool_(1, settings_.log), timer_(pool_.context(0)) {
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
    // A fleet that lost its node must not come back all at once: full jitter from 1 s to 30 s.
    c.backoff.delay = seconds(1);
    c.backoff.delay_max = seconds(30);
    c.backoff.randomization = 1.0;
    c.log = settings_.log;
    client_ = std::make_unique<socketio::client>(pool_[0], std::move(c));
    auto const root = client_->socket("/");
    root.on_connect([this] {
        connected_ = true;
        settings_.log.info("fleet.agent.connected", {{"api", settings_.api_url}});
        greeted_ = false;
        if (sampled_)
            send("client_connected", true);
    });
    root.on_disconnect([this](socketio::disconnect_reason why) {
        connected_ = false;
        settings_.log.warn("fleet.agent.disconnected", {{"why", to_string(why)}});
    });
    root.on_connect_error([this](socketio::connect_failure const& why) {
        settings_.log.warn("fleet.agent.not_connected", {{"why", why.message}});
    });
}

MAD_DECL agent::~agent() { stop(milliseconds(0)); }

MAD_DECL void agent::start() {
    if (std::exchange(running_, true))
        return;
    pool_[0].post([this] {
        messages_->baseline();
        // The second reading makes the rates; it comes while the connection is being made.
        next_ = std::chrono::steady_clock::now() + detail::first_rates;
        client_->socket("/").connect();
        schedule();
    });
    pool_.start();
}

MAD_DECL void agent::schedule() {
    timer_.expires_at(next_);
    timer_.async_wait([this](error_code ec) {
        if (!ec)
            tick();
    });
}

MAD_DECL void agent::tick() {
    auto const now = std::chrono::steady_clock::now();
    if (!sampled_) {
        sampled_ = true;
        // From here on a fleet must not tick together: a random phase, then a fixed grid.
        std::uint32_t r = 0;
        fill_random({reinterpret_cast<std::uint8_t*>(&r), sizeof r});
        next_ = now + milliseconds(r % static_cast<std::uint32_t>(settings_.interval.count()) + 1);
        send("client_connected", true);
    } else {
        next_ += settings_.interval;
        if (next_ <= now) // late by more than one: skip, never burst
            next_ += ((now - next_) / settings_.interval + 1) * settings_.interval;
        send(greeted_ ? "client_healthcheck" : "client_connected", !greeted_);
    }
    schedule();
}

MAD_DECL void agent::send(char const* event, bool with_info) {
    // Sampled even while nobody listens: the rates of the first message after that are fresh.
    auto const& text = messages_->next(with_info);
    if (!connected_)
        return;
    auto const root = client_->socket("/");
    message_.text = text; // which keeps its memory
    auto const& message = message_;
    if (messages_->had_info()) { // nobody says it again
        root.emit(event, message);
        greeted_ = true;
    } else {
        root.volatile_emit(event, message);
    }
    sent_.fetch_add(1, std::memory_order_relaxed);
}

MAD_DECL void agent::stop(milliseconds drain) {
    if (!std::exchange(running_, false))
        return;
    pool_[0].post([this, drain] {
        timer_.cancel();
        auto const end = [this](result<socketio::arguments>) {
            client_->close();
            left_ = true;
        };
        if (!connected_)
            return end(socketio::arguments{});
        // The answer tells that the goodbye has arrived; nodes of the original give none.
        client_->socket("/").emit_with_ack(end, std::max(drain / 2, milliseconds(1)),
                                           "client_disconnected",
                                           socketio::raw_json{messages_->leave()});
    });
    if (drain.count() > 0)
        net::wait_until([this] { return left_ && client_->closed(); }, drain);
    pool_.stop();
}

} // namespace mad::inline MAD_ABI::fleet

#endif
