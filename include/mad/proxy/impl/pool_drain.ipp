#ifndef MAD_PROXY_IMPL_POOL_DRAIN_IPP
#define MAD_PROXY_IMPL_POOL_DRAIN_IPP

#include <mad/proxy/pool.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

/// How many of `left` go now so that all are gone at `end`.
inline std::uint32_t slice(std::uint32_t left, time_point now, time_point end) {
    auto const steps = std::max<std::int64_t>(1, (end - now) / pool_step);
    return static_cast<std::uint32_t>((left + steps - 1) / steps);
}

} // namespace detail

// Leaving gently.

MAD_DECL void pool::set_drain(entry& e, time_point now) {
    if (std::exchange(e.drain, true))
        return;
    e.drain_since = now;
    e.next_shed = now + drain_.grace;
    e.shed_to.reset();
    e.told_drained = false;
    say(pool_event::kind::draining, e, e.leaving ? "is to be removed" : "");
}

MAD_DECL void pool::end_drain(entry& e) {
    e.drain = e.told_drained = false;
    e.drain_since.reset();
    e.next_shed.reset();
    say(pool_event::kind::undrained, e);
}

MAD_DECL result<void> pool::drain(std::string_view name, time_point now) {
    auto* const e = find(name);
    if (!e)
        return pool_error::unknown_upstream;
    set_drain(*e, now);
    judge(now);
    return {};
}

MAD_DECL result<void> pool::undrain(std::string_view name, time_point now) {
    auto* const e = find(name);
    if (!e)
        return pool_error::unknown_upstream;
    e->leaving = false;
    if (e->drain) {
        end_drain(*e);
        if (e->condition == health::up)
            e->growing_since = now;
    }
    judge(now);
    return {};
}

MAD_DECL void pool::set_announced_drain(std::uint32_t id, bool on, time_point now) {
    auto* const e = find(id);
    if (!e || std::exchange(e->announced, on) == on)
        return;
    say(on ? pool_event::kind::draining : pool_event::kind::undrained, *e, "says so itself");
    if (!on && e->condition == health::up)
        e->growing_since = now;
    judge(now);
}

MAD_DECL void pool::rebalance(time_point now) {
    double shares = 0, sessions = 0;
    for (auto const& e : entries_)
        if (fit(*e)) {
            shares += e->to.weight;
            sessions += e->count->sessions();
        }
    for (auto& e : entries_) {
        if (!fit(*e))
            continue;
        auto const part = static_cast<std::uint32_t>(std::ceil(sessions * e->to.weight / shares));
        if (e->count->sessions() <= part)
            continue;
        e->shed_to = part;
        e->shed_until = now + drain_.over;
        e->next_shed = now;
    }
    judge(now);
}

MAD_DECL void pool::end_rebalance(entry& e) {
    if (!std::exchange(e.shed_to, std::nullopt) || e.drain)
        return;
    e.next_shed.reset();
}

/// What is due of one that gives sessions away.
MAD_DECL void pool::shed(entry& e, time_point now) {
    auto const sessions = e.count->sessions();
    if (e.shed_to && (sessions <= *e.shed_to || now >= e.shed_until))
        end_rebalance(e);
    if (!e.next_shed || now < *e.next_shed)
        return;
    e.next_shed = now + detail::pool_step;
    auto const keep = e.shed_to.value_or(0);
    auto const end = e.shed_to ? e.shed_until : *e.drain_since + drain_.grace + drain_.over;
    if (e.condition != health::down && sessions > keep)
        sheds_.push_back({e.id, detail::slice(sessions - keep, now, end)});
}

} // namespace mad::inline MAD_ABI::proxy

#endif
