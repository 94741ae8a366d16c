#ifndef MAD_FLEET_IMPL_ROSTER_TIME_IPP
#define MAD_FLEET_IMPL_ROSTER_TIME_IPP

#include <mad/fleet/impl/roster.ipp>

#include <algorithm>
#include <limits>
#include <utility>

// What time alone brings about, and new rules and mutes.
namespace mad::inline MAD_ABI::fleet {

MAD_DECL void roster::limit_offline() {
    while (offline_.size() > settings_.max_offline)
        erase(*offline_.front());
}

MAD_DECL void roster::wait(entry& e) {
    auto at = entry::never;
    auto const no_later = [&](time_point t) { at = std::min(at, t); };
    if (e.life == entry::phase::offline)
        no_later(e.offline_at + settings_.offline_keep);
    else if (e.gone_at != entry::never)
        no_later(e.gone_at + settings_.reconnect_grace);
    else if (e.life == entry::phase::live)
        no_later(e.heard + stale_after(e.now));
    else if (e.own || hears_others_)
        no_later(e.heard + offline_after(e.now));
    if (e.is(host_flag::dup))
        no_later(e.dup_until);
    if (e.flap)
        no_later(e.flap->over());
    if (at != entry::never)
        due_.set(e.index, at);
}

MAD_DECL void roster::due(entry& e, time_point now, std::int64_t wall_ms) {
    using phase = entry::phase;
    if (e.life == phase::offline && now >= e.offline_at + settings_.offline_keep)
        return erase(e);
    if (e.is(host_flag::dup) && now >= e.dup_until) {
        set_flag(e, host_flag::dup, false);
        tell(e, false);
    }
    if (e.flap && now >= e.flap->over()) {
        bool const was = e.flap->on();
        e.flap.reset();
        if (was) {
            set_flag(e, host_flag::flapping, false);
            auto t = stands(e);
            t.flapping_ended = true;
            tell(e, false, &t);
        }
    }
    if (e.life != phase::offline) {
        auto const silent = now - e.heard;
        if (e.gone_at != entry::never) {
            if (now >= e.gone_at + settings_.reconnect_grace)
                return go_offline(e, e.gone_why == gone_reason::node ? "node" : "closed", now,
                                  e.gone_ms);
        } else if (silent >= offline_after(e.now) && (e.own || hears_others_)) {
            return go_offline(e, "silent", now, wall_ms);
        } else if (silent >= stale_after(e.now) && e.life == phase::live) {
            e.life = phase::stale;
            e.since_ms = wall_ms;
            return show(e, false, now, wall_ms);
        }
    }
    wait(e);
}

MAD_DECL time_point roster::on_time(time_point now, std::int64_t wall_ms) {
    auto const t = awake(now);
    look_at_mutes(wall_ms);
    for (auto first = due_.first(); first && first->at <= t; first = due_.first()) {
        due_.clear(first->which);
        due(*by_index_[first->which], t, wall_ms);
    }
    limit_offline();
    auto next = now + seconds(1);
    if (auto const first = due_.first())
        next = std::min(next, first->at + asleep_);
    if (auto const left = milliseconds(mutes_due_ms_ - wall_ms); left < seconds(1))
        next = std::min<time_point>(next, now + std::max(left, milliseconds(1)));
    promised_ = next;
    return next;
}

MAD_DECL void roster::hears_others(bool yes, time_point now) {
    auto const t = awake(now);
    if (!yes)
        deaf_at_ = t;
    if (std::exchange(hears_others_, yes) == yes || !yes)
        return;
    for (auto* const e : by_index_) {
        if (!e || e->own || e->life == entry::phase::offline || e->heard > deaf_at_)
            continue;
        e->heard = t; // nobody knows better
        wait(*e);
    }
}

MAD_DECL void roster::set_rules(rule_set s, time_point now, std::int64_t wall_ms) {
    auto const t = awake(now);
    auto const old = std::exchange(book_, std::make_unique<rule_book>(std::move(s)));
    for (auto* const e : by_index_) {
        if (!e)
            continue;
        auto const& before = *std::exchange(e->plan, &book_->plan(e->id, e->facts));
        if (!e->judging)
            continue;
        e->track.adopt(before, *e->plan);
        auto const was = std::pair(e->judged.level, e->judged.rule);
        settle(*e, wall_ms);
        if (was != std::pair(e->judged.level, e->judged.rule) && e->life == entry::phase::live)
            show(*e, false, t, wall_ms);
    }
}

MAD_DECL void roster::set_mutes(std::vector<mute> m, time_point now, std::int64_t wall_ms) {
    (void)awake(now);
    settings_.mutes = std::move(m);
    mutes_due_ms_ = 0;
    active_mutes_.assign(settings_.mutes.size(), false);
    mutes_anew_ = true;
    look_at_mutes(wall_ms);
}

MAD_DECL bool roster::is_muted(entry const& e) const {
    for (std::size_t i = 0; i < active_mutes_.size(); ++i)
        if (active_mutes_[i] && settings_.mutes[i].match(e.id, e.facts))
            return true;
    return false;
}

MAD_DECL void roster::look_at_mutes(std::int64_t wall_ms) {
    // The wall clock may have been set back.
    if (wall_ms < mutes_due_ms_ && wall_ms >= mutes_seen_ms_) {
        mutes_seen_ms_ = wall_ms;
        return;
    }
    mutes_seen_ms_ = wall_ms;
    mutes_due_ms_ = std::numeric_limits<std::int64_t>::max();
    std::vector<bool> active;
    for (auto const& m : settings_.mutes) {
        active.push_back(m.active(wall_ms));
        if (auto const next = m.next_change(wall_ms))
            mutes_due_ms_ = std::min(mutes_due_ms_, *next);
    }
    if (!std::exchange(mutes_anew_, false) && active == active_mutes_)
        return;
    active_mutes_ = std::move(active);
    for (auto* const e : by_index_) {
        if (!e)
            continue;
        bool const muted = is_muted(*e);
        if (muted == e->is(host_flag::muted))
            continue;
        set_flag(*e, host_flag::muted, muted);
        auto t = stands(*e);
        t.mute_ended = true;
        tell(*e, false, muted ? nullptr : &t);
    }
}

} // namespace mad::inline MAD_ABI::fleet

#endif
