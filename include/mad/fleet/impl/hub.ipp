#ifndef MAD_FLEET_IMPL_HUB_IPP
#define MAD_FLEET_IMPL_HUB_IPP

#include <mad/core/base64.hpp>
#include <mad/core/ids.hpp>
#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/detail/hub.hpp>
#include <mad/fleet/node_message.hpp>
#include <mad/fleet/rule_json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// A row of the ledger's table `offline`: `{"since":MS,"seen":MS,"reason":TEXT,"record":{…}}`.
struct offline_row {
    std::int64_t since_ms = 0, seen_ms = 0;
    std::string reason, record;
};

inline std::string write_offline_row(host const& h) {
    std::string out = "{\"since\":";
    append_json_number(out, h.since_ms);
    append_json_number(out += ",\"seen\":", h.seen_ms);
    append_json_string(out += ",\"reason\":", h.reason);
    out.append(",\"record\":").append(h.record.empty() ? "{}" : h.record);
    return out += '}';
}

inline std::optional<offline_row> read_offline_row(std::string_view text) {
    offline_row r;
    auto const number = [](json_span v, std::int64_t& into) {
        std::from_chars(v.text.data(), v.text.data() + v.text.size(), into);
    };
    auto const take = [&](std::string_view key, json_span v) {
        if (key == "since")
            number(v, r.since_ms);
        else if (key == "seen")
            number(v, r.seen_ms);
        else if (key == "reason" && v.kind == json_kind::string)
            json_unescape(v.text, r.reason);
        else if (key == "record")
            r.record = v.text;
    };
    if (!scan_object(text, json_limits::trusted(), take) || !read_record(r.record))
        return std::nullopt;
    return r;
}

/// A host of this node that is offline for less may be on its way into the ledger.
inline constexpr milliseconds offline_settles{60'000};

inline feed_settings feed_of(std::string const& instance) {
    feed_settings s;
    s.instance = instance;
    return s;
}

/// What is told to other nodes: a host that somebody has forgotten by hand.
inline constexpr std::string_view forget_word = "forget ";
/// A question for the history of a host, and an answer.
inline constexpr std::string_view history_word = "history ", past_word = "past ";

/// How long other nodes are waited for, and how far back a history goes.
inline constexpr milliseconds history_patience{500};
inline constexpr std::int64_t history_reach =
    static_cast<std::int64_t>(history::max_minutes) * history::minute_ms;

} // namespace detail

MAD_DECL api::hub::hub(api& a, net::shard& home)
    : api_(a)
    , home_(home)
    , store_(a.settings_.make_store ? a.settings_.make_store(a.node_id_) : make_embedded_store())
    , ledger_(a.settings_.make_ledger ? a.settings_.make_ledger(a.node_id_)
                                      : make_embedded_ledger())
    , roster_(settings_of_roster(), watch_roster())
    , file_rules_(a.settings_.rules)
    , file_mutes_(a.settings_.mutes)
    , mutes_(file_mutes_)
    , feed_(detail::feed_of(a.instance_), *this,
            [this](std::string_view id) { return roster_.find(id); }) {}

MAD_DECL api::hub::~hub() = default;

MAD_DECL roster_settings api::hub::settings_of_roster() {
    roster_settings s;
    s.offline_keep = api_.settings_.offline_keep;
    s.rules = api_.settings_.rules;
    s.mutes = api_.settings_.mutes;
    s.recall = [this](std::string_view id) {
        return notifier_ ? notifier_->recall(id) : verdict();
    };
    return s;
}

MAD_DECL roster_watch api::hub::watch_roster() {
    roster_watch w;
    w.changed = [this](host const& h, bool sample) {
        feed_.changed(h, sample);
        if (sample)
            remember(h);
    };
    w.turned = [this](host const& h, transition const& t) {
        feed_.turned(h, t);
        on_turned(h, t);
    };
    w.removed = [this](std::string_view id, std::uint32_t index) {
        feed_.removed(id, index);
        histories_.erase(std::string(id));
        on_removed(id);
    };
    return w;
}

MAD_DECL store_watch api::hub::watch_store() {
    store_watch w;
    w.updated = [this](stored_record const& r, bool moved) {
        roster_.sample(r, now(), wall());
        tell(r, moved);
        count();
    };
    w.gone = [this](std::string_view id) {
        roster_.gone(id, gone_reason::node, now(), wall());
        tell_gone(id);
    };
    return w;
}

MAD_DECL ledger_watch api::hub::watch_ledger() {
    ledger_watch w;
    w.changed = [this](std::string_view table, std::string_view field,
                       std::optional<std::string_view> value) {
        if (table == "offline" && value)
            read_offline(field, *value);
        else if (table == "rules")
            use_rules();
        else if (table == "mutes")
            use_mutes();
        else if (table == "access")
            api_.gate_->share_link_key(*ledger_);
    };
    w.heard = [this](std::string_view message) { hear(message); };
    w.ready = [this](bool ready) {
        if (ready)
            on_ledger_ready();
    };
    return w;
}

MAD_DECL notifier_settings api::hub::settings_of_notifier() const {
    notifier_settings s;
    s.node = api_.node_id_;
    s.webhook = api_.settings_.webhook;
    s.secret = api_.settings_.webhook_secret;
    s.tls = api_.settings_.webhook_tls;
    s.log = api_.settings_.log;
    return s;
}

MAD_DECL void api::hub::start() {
    notifier_ =
        std::make_unique<fleet::notifier>(home_, settings_of_notifier(), *ledger_,
                                          [this](std::string_view id) { return roster_.find(id); });
    timer_ = std::make_unique<boost::asio::steady_timer>(home_.context());
    feed_timer_ = std::make_unique<boost::asio::steady_timer>(home_.context());
    ledger_->start(home_, watch_ledger());
    store_->start(home_, watch_store());
    on_time();
}

MAD_DECL void api::hub::announce(std::string text, std::function<void()> done) {
    store_->announce(std::move(text), std::move(done));
}

MAD_DECL void api::hub::stop(std::function<void()> done) {
    if (timer_)
        timer_->cancel();
    feed_timer_.reset();
    questions_.clear();
    // Of those that are still connected others will say how they are.
    ledger_->stop([this, done = std::move(done)]() mutable { store_->stop(std::move(done)); });
}

MAD_DECL void api::hub::end() {
    timer_.reset();
    feed_timer_.reset();
    questions_.clear();
    notifier_.reset();
    ledger_ = make_embedded_ledger();
    store_ = make_embedded_store();
}

// Samples.

MAD_DECL void api::hub::update(std::string const& opaque, record_view const& r) {
    auto const* const old = store_->find(r.id);
    bool const same_socket = old && old->socket_id == opaque;
    // An older sample that came late. By another connection too: the last ones of a connection
    // that the agent has given up may be read after the first of its next one.
    if (old && (same_socket || !r.run.empty()) && r.seq && old->run == r.run && *r.seq < old->seq)
        return;
    auto const* const listed = roster_.find(r.id);
    bool const was_offline = listed && listed->state == host_state::offline;
    stored_record fresh;
    fresh.id = r.id;
    fresh.socket_id = opaque;
    auto const known = old ? std::string_view(old->info) : std::string_view();
    fresh.record = splice_record(r, known, opaque);
    fresh.info = r.info.empty() ? std::string(known) : std::string(r.info);
    fresh.run = r.run;
    fresh.seq = r.seq.value_or(0);
    fresh.seen = now();
    roster_.sample(fresh, true, fresh.seen, wall());
    if (was_offline || !listed)
        ledger_->erase("offline", r.id);
    tell(fresh, old && !same_socket);
    store_->put(std::move(fresh));
    api_.counters_.updates.fetch_add(1, std::memory_order_relaxed);
    count();
}

MAD_DECL void api::hub::leave(std::string const& id, std::string const& opaque, bool left) {
    if (!store_->drop(id, opaque))
        return;
    roster_.gone(id, left ? gone_reason::left : gone_reason::closed, now(), wall());
    tell_gone(id);
}

MAD_DECL std::string api::hub::snapshot() const {
    std::string out(1, '[');
    store_->each([&](stored_record const& r) {
        if (out.size() > 1)
            out += ',';
        out.append(r.record);
    });
    return out += ']';
}

// Hosts.

MAD_DECL void api::hub::on_time() {
    roster_.hears_others(store_->state().ready, now());
    auto const next = roster_.on_time(now(), wall());
    count();
    timer_->expires_at(next);
    timer_->async_wait([this, self = weak_from_this()](error_code ec) {
        if (!ec && !self.expired())
            on_time();
    });
}

MAD_DECL void api::hub::on_turned(host const& h, transition const& t) {
    log_.add(wall(), t);
    if (h.state == host_state::offline && t.from != t.to)
        write_offline(h);
    if (notifier_)
        notifier_->look_at(h);
}

MAD_DECL void api::hub::on_removed(std::string_view id) {
    ledger_->erase("offline", id);
    if (notifier_)
        notifier_->forget(id);
}

/// Where the host was connected it is written down at once; when that node is gone, by whoever
/// notices first.
MAD_DECL void api::hub::write_offline(host const& h) {
    auto text = detail::write_offline_row(h);
    if (h.own)
        return ledger_->put("offline", h.id, std::move(text));
    if (!ledger_->find("offline", h.id))
        ledger_->swap("offline", h.id, std::nullopt, std::move(text), [](result<bool>) {});
}

MAD_DECL void api::hub::read_offline(std::string_view id, std::string_view text) {
    if (auto const r = detail::read_offline_row(text))
        roster_.keep(id, r->record, r->since_ms, r->seen_ms, r->reason, now(), wall());
}

/// Everything may have happened meanwhile.
MAD_DECL void api::hub::on_ledger_ready() {
    api_.gate_->share_link_key(*ledger_);
    std::vector<std::string> forgotten;
    auto const long_ago = wall() - detail::offline_settles.count();
    roster_.each([&](host const& h) {
        if (h.state != host_state::offline)
            return;
        if (!ledger_->find("offline", h.id)) {
            if (h.since_ms < long_ago)
                forgotten.push_back(h.id);
            else
                write_offline(h);
        }
    });
    for (auto const& id : forgotten)
        roster_.remove(id);
    std::vector<std::pair<std::string, std::string>> rows;
    ledger_->each("offline",
                  [&](std::string_view id, std::string_view text) { rows.emplace_back(id, text); });
    for (auto const& [id, text] : rows)
        read_offline(id, text);
    use_rules();
    use_mutes();
}

MAD_DECL bool api::hub::forget(std::string_view id) {
    auto const* const h = roster_.find(id);
    if (!h || h->state != host_state::offline)
        return false;
    ledger_->tell(std::string(detail::forget_word).append(id));
    return roster_.remove(std::string(id));
}

// Rules and mutes: those of the file, and what people have changed since, on all nodes.

MAD_DECL void api::hub::set_rules(rule_set r, std::vector<mute> m) {
    file_rules_ = std::move(r);
    file_mutes_ = std::move(m);
    use_rules();
    use_mutes();
}

MAD_DECL void api::hub::change(std::string_view table, std::string_view name,
                               std::optional<std::string> value) {
    if (value)
        ledger_->put(table, name, std::move(*value));
    else
        ledger_->erase(table, name);
    if (table == "rules")
        use_rules();
    else
        use_mutes();
}

MAD_DECL void api::hub::use_rules() {
    auto all = file_rules_;
    ledger_->each("rules", [&](std::string_view name, std::string_view text) {
        if (auto r = parse_rule(name, text)) {
            // It stands for all of that name, per tag too.
            std::erase_if(all.rules, [&](auto const& one) { return one.name == name; });
            all.rules.push_back(std::move(*r));
        }
    });
    roster_.set_rules(std::move(all), now(), wall());
}

MAD_DECL void api::hub::use_mutes() {
    mutes_ = file_mutes_;
    std::vector<std::string> over;
    ledger_->each("mutes", [&](std::string_view id, std::string_view text) {
        auto m = read_mute(id, text);
        if (!m)
            return;
        if (m->until_ms && *m->until_ms < wall())
            over.emplace_back(id);
        else
            mutes_.push_back(std::move(*m));
    });
    for (auto const& id : over)
        ledger_->erase("mutes", id);
    roster_.set_mutes(mutes_, now(), wall());
}

// What other nodes know of the past.

MAD_DECL void api::hub::hear(std::string_view message) {
    if (message.starts_with(detail::forget_word)) {
        auto const* const h = roster_.find(message.substr(detail::forget_word.size()));
        if (h && h->state == host_state::offline)
            roster_.remove(std::string(h->id));
    } else if (message.starts_with(detail::history_word)) {
        answer_history(message.substr(detail::history_word.size()));
    } else if (message.starts_with(detail::past_word)) {
        take_history(message.substr(detail::past_word.size()));
    }
}

/// `KEY HOST`; the key names who asks and what.
MAD_DECL void api::hub::answer_history(std::string_view request) {
    auto const space = request.find(' ');
    if (space == request.npos)
        return;
    auto const* const known = history_of(request.substr(space + 1));
    if (!known || known->empty())
        return;
    std::string text(detail::past_word);
    text.append(request.substr(0, space)).append(" ");
    append_base64(text, known->pack());
    ledger_->tell(std::move(text));
}

/// `KEY HISTORY`
MAD_DECL void api::hub::take_history(std::string_view answer) {
    auto const space = answer.find(' ');
    auto const q = questions_.find(std::string(answer.substr(0, space)));
    if (space == answer.npos || q == questions_.end())
        return; // another node's question
    std::string packed;
    bool const whole = base64_decode(answer.substr(space + 1), packed);
    auto const kept = histories_.find(q->second.host);
    if (!whole || kept == histories_.end())
        return;
    (void)kept->second->merge(packed);
}

MAD_DECL void api::hub::read_history(std::string_view id,
                                     std::function<void(history const&)> done) {
    auto const give = [this](std::string const& host, auto const& to) {
        auto const* const known = history_of(host);
        to(known ? *known : history());
    };
    // Whoever has run for as long as a history lasts has seen it all.
    bool const whole = now() - api_.started_ > std::chrono::milliseconds(detail::history_reach);
    if (!ledger_->shared() || whole || !feed_timer_ || !histories_.contains(std::string(id)))
        return give(std::string(id), done);
    auto const key = random_id(9);
    auto& q = questions_[key];
    q.host = id;
    q.done = std::move(done);
    q.limit = std::make_unique<boost::asio::steady_timer>(home_.context());
    q.limit->expires_after(detail::history_patience);
    q.limit->async_wait([this, key, give, self = weak_from_this()](error_code ec) {
        if (ec || self.expired())
            return;
        auto const asked = questions_.extract(key);
        give(asked.mapped().host, asked.mapped().done);
    });
    ledger_->tell(std::string(detail::history_word).append(key).append(" ").append(id));
}

// Consoles of version 2, and what they are shown of the past.

MAD_DECL void api::hub::remember(host const& h) {
    auto& kept = histories_[h.id];
    if (!kept)
        kept = std::make_unique<history>();
    kept->add(h.seen_ms, h.now);
}

MAD_DECL history const* api::hub::history_of(std::string_view id) const {
    auto const at = histories_.find(std::string(id));
    return at == histories_.end() ? nullptr : at->second.get();
}

MAD_DECL void api::hub::run_feed() {
    if (!feed_timer_)
        return;
    auto const next = feed_.on_time(std::chrono::steady_clock::now());
    if (!next) {
        feed_timer_->cancel();
        return;
    }
    feed_timer_->expires_at(*next);
    feed_timer_->async_wait([h = weak_from_this()](error_code ec) {
        if (auto const self = ec ? nullptr : h.lock())
            self->run_feed();
    });
}

MAD_DECL void api::hub::connect_console(std::uint64_t id, socketio::socket const& s,
                                        std::string const& request, std::string const& within,
                                        socketio::ack reply) {
    auto& l = lines_[id];
    if (!l.gate)
        l = {s, std::make_shared<detail::console_gate>()};
    auto const answer = feed_.connect(id, request, within, std::chrono::steady_clock::now());
    reply(socketio::raw_json{answer});
    run_feed();
}

MAD_DECL void api::hub::leave_console(std::uint64_t id) {
    feed_.leave(id, std::chrono::steady_clock::now());
    lines_.erase(id);
    count();
}

MAD_DECL void api::hub::watch(std::uint64_t console, std::string const& host, socketio::ack reply) {
    auto const refuse = [&reply](std::string_view why) {
        json answer = json::object();
        answer["error"] = why;
        reply(answer);
    };
    switch (feed_.watch(console, host)) {
    case console_feed::watch_answer::unknown_console:
        return refuse("say web_connected with v 2 first");
    case console_feed::watch_answer::unknown_host:
        return refuse("there is no host with this id");
    case console_feed::watch_answer::too_many:
        return refuse("too many hosts are watched: unwatch one first");
    case console_feed::watch_answer::yes:
        break;
    }
    // What it shows until the next sample comes.
    if (auto const at = lines_.find(console); at != lines_.end())
        at->second.to.emit("web_client_update", socketio::raw_json{roster_.find(host)->record});
    read_history(host, [reply](history const& h) mutable {
        reply(socketio::raw_json{"{\"history\":" + h.json() + '}'});
    });
}

MAD_DECL void api::hub::unwatch(std::uint64_t console, std::string const& host) {
    feed_.unwatch(console, host);
}

MAD_DECL void api::hub::drain(milliseconds after) {
    feed_.draining(after);
    json notice = json::object();
    notice["after_ms"] = after.count();
    api_.io_.to(detail::agents_room).local().emit("node_draining", notice);
}

namespace detail {

/// On the socket's shard. False: the console takes no deltas from now on.
inline bool pass(socketio::socket const& to, console_gate& gate, feed_way way,
                 std::optional<socketio::encoded> const& packet) {
    switch (way) {
    case feed_way::chunk:
    case feed_way::reopen:
        gate.open = way == feed_way::reopen;
        break;
    case feed_way::delta:
    case feed_way::droppable:
        if (!gate.open)
            return true;
        if (to.backlog() > most_backlog) {
            gate.open = way != feed_way::delta;
            return gate.open;
        }
        break;
    case feed_way::always:
        break;
    }
    if (packet)
        to.emit_encoded(*packet);
    return true;
}

} // namespace detail

MAD_DECL void api::hub::send(std::span<feed_console const> to, std::string_view event,
                             std::string_view text, feed_way way, std::uint64_t before) {
    std::optional<socketio::encoded> packet;
    if (!event.empty())
        packet = socketio::encode_packet(socketio::packet_type::event, "/", std::nullopt, event,
                                         socketio::raw_json{std::string(text)});
    for (auto const& c : to) {
        auto const at = lines_.find(c.id);
        if (at == lines_.end())
            continue;
        at->second.to.home()->dispatch(
            [h = shared_from_this(), l = at->second, c, packet, way, before] {
                if (!l.to.connected() || detail::pass(l.to, *l.gate, way, packet))
                    return;
                h->home_.post([h, c, before] {
                    h->feed_.refused(c, before);
                    h->run_feed();
                });
            });
    }
}

MAD_DECL void api::hub::ask(feed_console c) {
    auto const at = lines_.find(c.id);
    if (at == lines_.end())
        return;
    at->second.to.home()->post([h = shared_from_this(), l = at->second, c] {
        if (!l.to.connected() || l.to.backlog() > detail::most_backlog / 2)
            return;
        h->home_.post([h, c] {
            h->feed_.ready(c);
            h->run_feed();
        });
    });
}

// Original consoles.

MAD_DECL void api::hub::tell(stored_record const& r, bool moved) {
    auto const watchers = api_.io_.to(detail::watchers_room).local();
    if (moved) // original pages add by socketID, but update and remove by id
        watchers.emit("web_client_disconnect", r.id);
    watchers.emit("web_client_update", socketio::raw_json{r.record});
}

MAD_DECL void api::hub::tell_gone(std::string_view id) {
    api_.io_.to(detail::watchers_room).local().emit("web_client_disconnect", id);
    count();
}

MAD_DECL void api::hub::count() {
    auto& c = api_.counters_;
    auto const set = [](auto& counter, auto value) {
        counter.store(value, std::memory_order_relaxed);
    };
    set(c.agents, store_->size());
    set(c.own_agents, store_->own_size());
    set(c.consoles, feed_.consoles());
    for (std::size_t i = 0; i < host_state_count; ++i)
        set(c.hosts[i], roster_.counts()[i]);
    if (!notifier_)
        return;
    auto const& n = notifier_->counters();
    set(c.notices_sent, n.sent.load());
    set(c.notices_failed, n.failed.load());
    set(c.notices_given_up, n.given_up.load());
    set(c.notices_waiting, n.waiting.load());
}

} // namespace mad::inline MAD_ABI::fleet

#endif
