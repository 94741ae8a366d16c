#ifndef MAD_FLEET_IMPL_ROSTER_IPP
#define MAD_FLEET_IMPL_ROSTER_IPP

#include <mad/fleet/detail/json_walk.hpp>
#include <mad/fleet/roster.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

/// Times in here are of awake time.
struct roster::entry : host {
    static constexpr time_point never = time_point::max();

    enum class phase : std::uint8_t { live, stale, offline };
    phase life = phase::live;
    bool judging = false; ///< `track` is ours and of now
    bool fresh = true;    ///< nobody has heard of it yet
    rule_plan const* plan = nullptr;
    rule_track track;
    std::size_t info_hash = 0;

    time_point heard{};         ///< last sample
    time_point gone_at = never; ///< its connection; never: it has one
    std::int64_t gone_ms = 0;   ///< the same by the wall clock
    gone_reason gone_why{};     ///< and why
    time_point offline_at = never;

    std::size_t run = 0, run_before = 0; ///< hashes
    time_point run_changed{};
    time_point dup_until = never;

    std::unique_ptr<flapping> flap; ///< while there were changes lately
    std::list<entry*>::iterator in_offline{};
};

MAD_DECL roster::roster(roster_settings s, roster_watch w)
    : settings_(std::move(s))
    , watch_(std::move(w))
    , book_(std::make_unique<rule_book>(std::move(settings_.rules))) {}

MAD_DECL roster::~roster() = default;

MAD_DECL milliseconds roster::stale_after(reading const& r) {
    return std::max(milliseconds(3 * std::int64_t(r.interval_ms)), milliseconds(7'500));
}

MAD_DECL milliseconds roster::offline_after(reading const& r) {
    return std::max(milliseconds(12 * std::int64_t(r.interval_ms)), milliseconds(30'000));
}

MAD_DECL roster::entry* roster::entry_of(std::string_view id) const {
    auto const it = entries_.find(id);
    return it == entries_.end() ? nullptr : it->second.get();
}

MAD_DECL host const* roster::find(std::string_view id) const {
    return entry_of(id);
}

MAD_DECL host const* roster::at(std::uint32_t index) const {
    return index < by_index_.size() ? by_index_[index] : nullptr;
}

MAD_DECL void roster::each(std::function<void(host const&)> const& fn) const {
    for (auto const* const e : by_index_)
        if (e)
            fn(*e);
}

MAD_DECL roster::entry& roster::add(std::string_view id) {
    auto e = std::make_unique<entry>();
    e->id = id;
    if (free_.empty()) {
        e->index = static_cast<std::uint32_t>(by_index_.size());
        by_index_.push_back(e.get());
    } else {
        e->index = free_.back();
        free_.pop_back();
        by_index_[e->index] = e.get();
    }
    auto& out = *e;
    entries_.emplace(out.id, std::move(e));
    ++counts_[static_cast<std::size_t>(out.state)];
    return out;
}

MAD_DECL void roster::erase(entry& e) {
    due_.clear(e.index);
    if (e.life == entry::phase::offline)
        offline_.erase(e.in_offline);
    --counts_[static_cast<std::size_t>(e.state)];
    by_index_[e.index] = nullptr;
    free_.push_back(e.index);
    auto const node = entries_.extract(std::string_view(e.id));
    ++revision_;
    if (watch_.removed)
        watch_.removed(node.mapped()->id, node.mapped()->index);
}

MAD_DECL bool roster::remove(std::string_view id) {
    auto* const e = entry_of(id);
    if (e)
        erase(*e);
    return e != nullptr;
}

MAD_DECL time_point roster::awake(time_point now) {
    if (settings_.standstill.count() > 0 && promised_ && now - *promised_ > settings_.standstill) {
        asleep_ += now - *promised_;
        promised_.reset(); // once for each promise
    }
    return now - asleep_;
}

MAD_DECL host const& roster::sample(stored_record& r, bool own, time_point now,
                                    std::int64_t wall_ms) {
    auto& e = take(r, own, now, wall_ms);
    if (own)
        add_state(r.record, state_json(e.judged));
    e.record = r.record;
    show(e, true, now - asleep_, wall_ms);
    return e;
}

MAD_DECL host const& roster::sample(stored_record const& r, time_point now, std::int64_t wall_ms) {
    auto& e = take(r, false, now, wall_ms);
    e.record = r.record;
    show(e, true, now - asleep_, wall_ms);
    return e;
}

MAD_DECL roster::entry& roster::take(stored_record const& r, bool own, time_point now,
                                     std::int64_t wall_ms) {
    auto const t = awake(now);
    look_at_mutes(wall_ms);
    auto* known = entry_of(r.id);
    auto& e = known ? *known : add(r.id);
    if (auto const h = std::hash<std::string_view>()(r.info); !known || h != e.info_hash) {
        e.info_hash = h;
        learn(e, r.info);
    }
    std::string_view state;
    auto const before = std::exchange(e.now, read_health(r.record, wall_ms, state)).mounts;
    e.socket_id = r.socket_id;
    e.own = own;
    e.seen = now;
    e.seen_ms = wall_ms;
    e.heard = t;
    e.gone_at = entry::never;
    follow_runs(e, r, t);
    if (own) {
        if (!std::exchange(e.judging, true)) {
            if (!known && settings_.recall)
                e.judged = settings_.recall(r.id);
            if (e.judged.since_ms == 0)
                e.judged.since_ms = wall_ms;
            e.track.seed(*e.plan, e.judged);
            recover_mounts(e);
        }
        if (e.fresh) // how it was before we knew it
            set_state(e, e.judged.level);
        judge(e, before, t, wall_ms);
    } else {
        e.judging = false;
        e.track = {};
        auto v = parse_state(state);
        if (v.since_ms == 0)
            v.since_ms = known && v.level == e.judged.level ? e.judged.since_ms : wall_ms;
        e.judged = std::move(v);
        if (e.fresh) // it has not turned: we came late
            set_state(e, e.judged.level);
    }
    if (e.now.mounts.size == 0)
        e.now.mounts = before;
    return e;
}

/// Whoever said that filesystems turned read-only may not have said which: then all that are.
MAD_DECL void roster::recover_mounts(entry& e) {
    auto const& rules = e.plan->rules;
    bool const said = std::any_of(rules.begin(), rules.end(), [&](rule const* r) {
        return r->what == metric::turned_ro && r->name == e.judged.rule;
    });
    if (said && e.judged.turned.empty())
        for (auto const& m : e.now.mounts)
            if (m.read_only)
                e.judged.turned.push_back(m.name);
}

MAD_DECL void roster::judge(entry& e, mount_set const& before, time_point now,
                            std::int64_t wall_ms) {
    auto& turned = e.judged.turned;
    if (auto const ro = e.now.get(metric::read_only); ro && (*ro > 0 || !turned.empty())) {
        if (auto const n = follow_mounts(turned, before, e.now.mounts))
            e.now.set(metric::turned_ro, static_cast<double>(*n));
    } else if (ro) {
        e.now.set(metric::turned_ro, 0);
    }
    // Units of old agents are unknown, and so is what is too much.
    if (!e.now.modern)
        e.track = {};
    else if (!e.track.empty() || !e.plan->quiet(e.now))
        e.track.judge(*e.plan, e.now, now);
    settle(e, wall_ms);
}

/// Takes the verdict over from the track.
MAD_DECL void roster::settle(entry& e, std::int64_t wall_ms) {
    if (e.track.empty() && !e.judged.bad())
        return;
    auto v = e.track.worst(*e.plan);
    v.since_ms = v.level == e.judged.level ? e.judged.since_ms : wall_ms;
    v.turned = std::move(e.judged.turned);
    e.judged = std::move(v);
}

MAD_DECL void roster::follow_runs(entry& e, stored_record const& r, time_point now) {
    // Agents of the original have no runs: there it is their connections that take turns.
    auto const run = std::hash<std::string_view>()(r.run.empty() ? r.socket_id : r.run);
    if (run == e.run)
        return;
    if (run == e.run_before && !e.fresh && now - e.run_changed <= settings_.dup_window) {
        e.dup_until = now + settings_.dup_window;
        set_flag(e, host_flag::dup, true);
    }
    e.run_before = std::exchange(e.run, run);
    e.run_changed = now;
}

MAD_DECL void roster::learn(entry& e, std::string_view info) {
    e.facts = read_facts(info);
    auto const& plan = book_->plan(e.id, e.facts);
    if (e.plan && e.plan != &plan && e.judging)
        e.track.adopt(*e.plan, plan);
    e.plan = &plan;
    set_flag(e, host_flag::muted, is_muted(e));
}

MAD_DECL void roster::set_flag(entry& e, std::uint8_t flag, bool on) {
    e.flags = static_cast<std::uint8_t>(on ? e.flags | flag : e.flags & ~flag);
}

MAD_DECL void roster::set_state(entry& e, host_state to) {
    --counts_[static_cast<std::size_t>(e.state)];
    e.state = to;
    ++counts_[static_cast<std::size_t>(to)];
}

MAD_DECL transition roster::stands(entry const& e) const {
    transition t;
    t.id = e.id;
    t.from = t.to = e.state;
    t.rule = e.rule;
    t.value = e.value;
    t.limit = e.limit;
    t.since_ms = e.since_ms;
    return t;
}

MAD_DECL void roster::show(entry& e, bool sample, time_point now, std::int64_t wall_ms) {
    using phase = entry::phase;
    if (sample && e.life != phase::live) {
        if (e.life == phase::offline)
            offline_.erase(e.in_offline);
        e.life = phase::live;
        e.offline_at = entry::never;
        e.reason.clear();
        if (!e.judged.bad())
            e.judged.since_ms = wall_ms;
    }
    auto const to = e.life == phase::live    ? e.judged.level
                    : e.life == phase::stale ? host_state::stale
                                             : host_state::offline;
    auto const from = e.state;
    bool const by_rule = e.life == phase::live && e.judged.bad();
    if (by_rule) {
        e.rule = e.judged.rule;
        e.value = e.judged.value;
        e.limit = e.judged.limit;
    } else {
        e.rule.clear();
        e.value = e.limit = 0;
    }
    if (e.life == phase::live)
        e.since_ms = e.judged.since_ms;
    bool const turned = to != from;
    bool begins = false;
    if (turned) {
        set_state(e, to);
        if (!e.flap)
            e.flap = std::make_unique<flapping>();
        begins = e.flap->changed(now);
        if (begins)
            set_flag(e, host_flag::flapping, true);
    }
    e.fresh = false;
    wait(e);
    if (!turned)
        return tell(e, sample);
    auto t = stands(e);
    t.from = from;
    t.flapping_began = begins;
    tell(e, sample, &t);
}

MAD_DECL void roster::tell(entry& e, bool sample, transition const* t) {
    e.revision = ++revision_;
    if (watch_.changed)
        watch_.changed(e, sample);
    if (t && watch_.turned)
        watch_.turned(e, *t);
}

MAD_DECL void roster::gone(std::string_view id, gone_reason why, time_point now,
                           std::int64_t wall_ms) {
    auto const t = awake(now);
    auto* const e = entry_of(id);
    if (!e || e->life == entry::phase::offline)
        return;
    if (why == gone_reason::left) {
        go_offline(*e, "left", t, wall_ms);
        return limit_offline();
    }
    if (e->gone_at != entry::never)
        return;
    e->gone_at = t;
    e->gone_ms = wall_ms;
    e->gone_why = why;
    due_.set(e->index, t + settings_.reconnect_grace);
}

MAD_DECL void roster::go_offline(entry& e, std::string_view reason, time_point now,
                                 std::int64_t since_ms) {
    e.life = entry::phase::offline;
    e.offline_at = now;
    e.in_offline = offline_.insert(offline_.end(), &e);
    e.reason = reason;
    e.since_ms = since_ms;
    show(e, false, now, since_ms);
}

MAD_DECL void roster::keep(std::string_view id, std::string_view record, std::int64_t since_ms,
                           std::int64_t seen_ms, std::string_view reason, time_point now,
                           std::int64_t wall_ms) {
    auto const t = awake(now);
    look_at_mutes(wall_ms);
    auto* e = entry_of(id);
    if (e && e->life == entry::phase::offline) {
        if (e->reason != reason) {
            e->reason = reason;
            e->since_ms = since_ms;
            tell(*e, false);
        }
        return;
    }
    if (e && e->gone_at == entry::never)
        return; // it is back
    if (!e) {
        e = &add(id);
        e->record = record;
        detail::json_walk w(record);
        std::string_view info;
        w.members([&](std::string_view key) {
            if (key == "info")
                info = w.skip();
        });
        e->info_hash = std::hash<std::string_view>()(info);
        learn(*e, info);
        e->now = read_health(record, seen_ms);
        e->judged = read_state(record);
        e->seen_ms = seen_ms;
        e->seen = now;
        e->heard = t;
        set_state(*e, host_state::offline);
    }
    go_offline(*e, reason, t, since_ms);
    // What it has been offline already counts.
    auto const before =
        std::clamp(milliseconds(wall_ms - since_ms), milliseconds(0), settings_.offline_keep);
    e->offline_at -= before;
    wait(*e);
    limit_offline();
}

} // namespace mad::inline MAD_ABI::fleet

#endif
