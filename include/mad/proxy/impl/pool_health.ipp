#ifndef MAD_PROXY_IMPL_POOL_HEALTH_IPP
#define MAD_PROXY_IMPL_POOL_HEALTH_IPP

#include <mad/proxy/pool.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

/// Who comes up so soon after the start was there before us: no slow start.
inline constexpr seconds first_moments{10};

inline void forget_before(std::deque<time_point>& times, time_point limit) {
    while (!times.empty() && times.front() < limit)
        times.pop_front();
}

} // namespace detail

// What is seen.

MAD_DECL void pool::come_up(entry& e, time_point now) {
    bool const was_away = e.condition == health::down || e.condition == health::unknown;
    bool const back = e.ever_up || now - born_ > detail::first_moments;
    e.condition = health::up;
    e.why.clear();
    if (e.held_until)
        return; // told when the hold is over
    if (was_away && back)
        e.growing_since = now;
    e.ever_up = true;
    e.passive = e.cut = false;
    say(pool_event::kind::up, e);
}

MAD_DECL void pool::go_down(entry& e, std::string why, bool passive, time_point now) {
    e.condition = health::down;
    e.passive = passive;
    e.growing_since.reset();
    e.connect_failures.clear();
    e.good = 0;
    e.why = std::move(why);
    if (e.held_until)
        return;
    e.cut = false;
    detail::forget_before(e.falls, now - health_.flap_window);
    e.falls.push_back(now);
    say(pool_event::kind::down, e, e.why);
    if (e.falls.size() < health_.flaps)
        return;
    e.falls.clear();
    e.held_until = now + health_.hold;
    say(pool_event::kind::held, e, "went down too often");
}

MAD_DECL void pool::on_probe(std::uint32_t id, probe_result const& r, time_point now) {
    using kind = probe_result::kind;
    auto* const e = find(id);
    if (!e || r.what == kind::ask_again)
        return;
    if (r.tag)
        e->tag = r.tag;
    if (r.what == kind::failed) {
        e->good = 0;
        e->bad = std::min(e->bad + 1, health_.fall);
        if (e->condition != health::down && e->bad >= health_.fall)
            go_down(*e, r.why, false, now);
        return judge(now);
    }
    e->bad = 0;
    e->good = std::min(e->good + 1, health_.rise);
    if (e->condition == health::down && e->good < (e->ever_up ? health_.rise : 1))
        return judge(now);
    bool const leaves = r.what == kind::draining;
    if (std::exchange(e->says_drain, leaves) != leaves && leaves)
        say(pool_event::kind::draining, *e, "says so itself");
    if (r.what == kind::good) {
        if (e->condition != health::up)
            come_up(*e, now);
    } else if (e->condition != health::not_ready) {
        e->condition = health::not_ready;
        e->why = r.why;
        e->growing_since.reset();
        e->passive = e->cut = false;
        if (!leaves && !e->held_until)
            say(pool_event::kind::not_ready, *e, r.why);
    }
    judge(now);
}

MAD_DECL void pool::on_connect_failed(std::uint32_t id, time_point now) {
    auto* const e = find(id);
    if (!e || e->condition == health::down)
        return;
    detail::forget_before(e->connect_failures, now - health_.passive_window);
    e->connect_failures.push_back(now);
    if (e->connect_failures.size() < health_.passive_failures)
        return;
    auto const ejected = static_cast<std::size_t>(std::count_if(
        entries_.begin(), entries_.end(), [](auto const& other) { return other->passive; }));
    if ((ejected + 1) * 2 > entries_.size())
        return e->connect_failures.pop_front();
    go_down(*e, "cannot be connected to", true, now);
    judge(now);
}

// What follows.

/// Takes new sessions, by all that is known.
MAD_DECL bool pool::fit(entry const& e) const {
    return e.condition == health::up && !e.held_until && !e.is_leaving() && !e.shed_to;
}

MAD_DECL upstream_state pool::state_of(entry const& e) const {
    if (e.held_until)
        return upstream_state::held;
    if (e.condition == health::down)
        return upstream_state::down;
    if (e.is_leaving())
        return e.told_drained ? upstream_state::drained : upstream_state::draining;
    if (e.condition == health::unknown)
        return upstream_state::unknown;
    if (e.condition == health::not_ready)
        return upstream_state::not_ready;
    return e.growing_since ? upstream_state::slow_start : upstream_state::up;
}

MAD_DECL double pool::growth(entry const& e, time_point now) const {
    if (!e.growing_since || health_.slow_start <= milliseconds(0))
        return 1;
    // In whole steps, so that there are not more views than one a second.
    auto const steps = (now - *e.growing_since) / detail::pool_step;
    auto const all = std::max<std::int64_t>(1, health_.slow_start / detail::pool_step);
    return std::clamp(static_cast<double>(steps) / static_cast<double>(all), 0.1, 1.0);
}

/// Tells what has come about by all that was said before, in one place.
MAD_DECL void pool::judge(time_point now) {
    for (auto& e : entries_) {
        if (e->growing_since && now - *e->growing_since >= health_.slow_start)
            e->growing_since.reset();
        if (e->held_until && now >= *e->held_until) {
            e->held_until.reset();
            if (e->condition != health::down) {
                auto const seen = std::exchange(e->condition, health::down);
                if (seen == health::up)
                    come_up(*e, now);
                else
                    e->condition = seen;
            }
        }
        bool const empty = e->condition == health::down ||
                           (e->count->sessions() == 0 && e->count->requests_open == 0);
        // The grace also gives time to handshakes that are on their way.
        if (e->drain && !e->told_drained && empty && now >= *e->drain_since + drain_.grace) {
            e->told_drained = true;
            say(pool_event::kind::drained, *e);
        }
    }
    std::erase_if(entries_, [&](auto const& e) {
        bool const gone = e->leaving && e->told_drained;
        if (gone) {
            if (!e->cut)
                say(pool_event::kind::cut, *e, "removed");
            say(pool_event::kind::removed, *e);
        }
        return gone;
    });

    auto const any = [this](auto is) {
        return std::any_of(entries_.begin(), entries_.end(), [&](auto const& e) { return is(*e); });
    };
    bool const fit_there = any([this](entry const& e) { return fit(e); });
    if (!fit_there)
        for (auto& e : entries_)
            end_rebalance(*e); // to whom?
    tier_ = fit_there || any([this](entry const& e) { return fit(e); })           ? tier::fit
            : any([](entry const& e) { return e.is_alive() && !e.is_leaving(); }) ? tier::alive
            : any([](entry const& e) { return !e.is_leaving(); })                 ? tier::all
                                                                                  : tier::fit;
    if (bool const panics = tier_ == tier::all; std::exchange(panic_, panics) != panics)
        events_.push_back({panics ? pool_event::kind::panic : pool_event::kind::panic_over,
                           0,
                           {},
                           panics ? "no upstream answers: all are tried" : ""});
    // In panic it may be us who see badly: what still runs goes on.
    for (auto& e : entries_) {
        if (!panic_ && e->condition == health::down && !std::exchange(e->cut, true))
            say(pool_event::kind::cut, *e, e->why);
        if (auto const s = state_of(*e); s != e->shown) {
            e->shown = s;
            e->since = now;
            ++e->changes;
        }
    }
}

MAD_DECL time_point pool::tick(time_point now) {
    judge(now);
    auto next = now + std::chrono::hours(1);
    for (auto& e : entries_) {
        shed(*e, now);
        if (e->held_until)
            next = std::min(next, *e->held_until);
        if (e->next_shed)
            next = std::min(next, *e->next_shed);
        if (e->growing_since || (e->drain && !e->told_drained))
            next = std::min(next, now + detail::pool_step);
    }
    judge(now);
    return next;
}

MAD_DECL std::shared_ptr<pool_view const> pool::view(time_point now) {
    bool same = view_->panic() == panic_ && view_->targets().size() == entries_.size();
    std::vector<std::shared_ptr<target const>> targets;
    targets.reserve(entries_.size());
    for (auto& e : entries_) {
        bool const taken = tier_ == tier::fit     ? fit(*e)
                           : tier_ == tier::alive ? e->is_alive() && !e->is_leaving()
                                                  : !e->is_leaving();
        target t;
        t.id = e->id;
        t.to = e->to;
        if (e->tag)
            t.to.node_tag = e->tag;
        t.addresses = e->addresses;
        t.state = state_of(*e);
        t.share = taken ? e->to.weight * growth(*e, now) : 0;
        t.serves = e->is_alive() || panic_;
        auto const& old = e->made;
        if (!old || t.state != old->state || t.share != old->share || t.serves != old->serves ||
            t.to != old->to || t.addresses != old->addresses) {
            t.cookie = e->cookie;
            t.seed = e->seed;
            t.count = e->count;
            e->made = std::make_shared<target const>(std::move(t));
        }
        same = same && view_->targets()[targets.size()] == e->made;
        targets.push_back(e->made);
    }
    if (!same)
        view_ = std::make_shared<pool_view const>(std::move(targets), panic_);
    return view_;
}

} // namespace mad::inline MAD_ABI::proxy

#endif
