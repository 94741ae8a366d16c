#ifndef MAD_FLEET_IMPL_HUB_IPP
#define MAD_FLEET_IMPL_HUB_IPP

#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/detail/hub.hpp>
#include <mad/fleet/node_message.hpp>

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
    if (draining_ && !left) {
        // On its way to another node, most likely: its record goes when that has one, or at the
        // latest with this node.
        auto const* const r = store_->find(id);
        if (r && r->socket_id == opaque)
            roster_.gone(id, gone_reason::closed, now(), wall());
        return;
    }
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
    set(c.notices_taken_over, n.taken_over.load());
    set(c.notices_waiting, n.waiting.load());
}

} // namespace mad::inline MAD_ABI::fleet

#endif
