#ifndef MAD_FLEET_IMPL_RULES_IPP
#define MAD_FLEET_IMPL_RULES_IPP

#include <mad/fleet/rules.hpp>

#include <algorithm>
#include <cmath>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// What values are rounded to before they are judged: agents send no more than three decimals, and
/// of a float the rest is noise.
inline constexpr double value_step = 0.001;

inline double rounded(double v) {
    return std::round(v * 1'000) / 1'000;
}

} // namespace detail

MAD_DECL std::optional<double> rule::limit(host_state level, reading const& r) const {
    auto const& fixed = level == host_state::crit ? crit : warn;
    if (!fixed || !own_limit)
        return fixed;
    auto const left = r.raw(metric::temp_left);
    if (std::isnan(left))
        return fixed;
    double const own = double(r.raw(what)) + left;
    return detail::rounded(level == host_state::crit ? own : own - *own_limit);
}

MAD_DECL bool rule::over(double value, double limit) const {
    if (what == metric::clock && value == limit)
        return false;
    return below ? value <= limit : value >= limit;
}

MAD_DECL bool rule::past(double value, double limit) const {
    double by = clear_by.value_or(5);
    if (!clear_by && !below)
        by = std::min(by, std::abs(limit) / 2);
    return below ? value > limit + by : value < limit - by;
}

MAD_DECL rule_set rule_set::presets() {
    rule_set out;
    auto const add = [&](std::string name, metric m, double warn, double crit,
                         seconds hold) -> rule& {
        rule r;
        r.name = std::move(name);
        r.what = m;
        r.warn = warn;
        r.crit = crit;
        r.hold = hold;
        return out.rules.emplace_back(std::move(r));
    };
    using m = metric;
    add("storage", m::storage, 85, 95, seconds(0));
    add("inodes", m::inodes, 85, 95, seconds(0));
    add("read_only", m::turned_ro, 1, 1, seconds(0)).warn.reset();
    add("cpu", m::cpu, 85, 95, seconds(60));
    add("steal", m::steal, 10, 25, seconds(60));
    add("mem", m::mem, 85, 95, seconds(30));
    add("swap", m::swap, 50, 80, seconds(60));
    add("psi_mem", m::psi_mem, 5, 15, seconds(30));
    add("psi_io", m::psi_io, 20, 50, seconds(30));
    add("psi_cpu", m::psi_cpu, 40, 70, seconds(60));
    add("load", m::load_per_cpu, 2, 4, seconds(60)).clear_by = 0.5;
    add("temp", m::temp, 80, 95, seconds(0)).own_limit = 10;
    add("clock", m::clock, 5, 5, seconds(0)).crit.reset();
    return out;
}

MAD_DECL bool rule_plan::quiet(reading const& r) const {
    for (auto const* const it : rules) {
        float const v = r.raw(it->what);
        if (std::isnan(v))
            continue;
        auto const limit = it->limit(it->warn ? host_state::warn : host_state::crit, r);
        // What is rounded is looked at again.
        double const nearly = it->below ? -detail::value_step : detail::value_step;
        if (limit && it->over(double(v) + nearly, *limit))
            return false;
    }
    return true;
}

MAD_DECL rule_book::rule_book(rule_set s)
    : set_(std::move(s)) {
    for (auto const& r : set_.rules)
        if (std::find(names_.begin(), names_.end(), r.name) == names_.end())
            names_.push_back(r.name);
}

MAD_DECL rule_plan const& rule_book::plan(std::string_view id, host_facts const& facts) const {
    std::vector<std::size_t> chosen;
    for (auto const name : names_) {
        for (std::size_t i = set_.rules.size(); i-- > 0;) {
            auto const& r = set_.rules[i];
            if (r.name != name || !r.match(id, facts))
                continue;
            if (r.enabled && (r.warn || r.crit))
                chosen.push_back(i);
            break;
        }
    }
    auto& plan = plans_[chosen];
    if (!plan) {
        plan = std::make_unique<rule_plan>();
        for (auto const i : chosen)
            plan->rules.push_back(&set_.rules[i]);
    }
    return *plan;
}

MAD_DECL void rule_track::judge(rule_plan const& plan, reading const& r, time_point now) {
    // Nobody knows what was while nothing came: what must last begins anew.
    auto const limit = std::max<duration>(3 * milliseconds(r.interval_ms), milliseconds(7'500));
    if (last_ != never && now - last_ > limit)
        for (auto& i : items_)
            i.warn_since = i.crit_since = never;
    last_ = now;
    auto it = items_.begin();
    for (std::size_t slot = 0; slot < plan.rules.size(); ++slot) {
        auto const& rule = *plan.rules[slot];
        bool const known = it != items_.end() && it->slot == slot;
        double const v = detail::rounded(double(r.raw(rule.what)));
        if (std::isnan(v)) {
            if (!known)
                continue;
            if (it->unknown_since == never)
                it->unknown_since = now;
            if (now - it->unknown_since >= unknown_time)
                it = items_.erase(it);
            else
                ++it;
            continue;
        }
        if (!known) {
            auto const first = rule.limit(rule.warn ? host_state::warn : host_state::crit, r);
            if (!first || !rule.over(v, *first))
                continue;
            it = items_.insert(it, item{});
            it->slot = slot;
        }
        if (step(*it, rule, r, v, now))
            ++it;
        else
            it = items_.erase(it);
    }
}

MAD_DECL bool rule_track::step(item& i, rule const& rule, reading const& r, double value,
                               time_point now) {
    using s = host_state;
    auto const warn = rule.limit(s::warn, r), crit = rule.limit(s::crit, r);
    bool const over_crit = crit && rule.over(value, *crit);
    bool const over_warn = over_crit || (warn && rule.over(value, *warn));
    i.unknown_since = never;
    i.value = value;
    auto const follow = [&](bool over, time_point& since) {
        if (!over)
            since = never;
        else if (since == never)
            since = now;
        return over && now - since >= rule.hold;
    };
    bool const for_crit = follow(over_crit, i.crit_since);
    bool const for_warn = follow(over_warn, i.warn_since) && warn;
    auto const risen = for_crit ? s::crit : for_warn ? s::warn : s::ok;
    auto const enter = [&](s level) {
        i.level = level;
        i.order = ++turns_;
        i.good = 0;
        i.lower = s::ok;
    };
    if (risen > i.level) {
        enter(risen);
    } else if (i.level != s::ok) {
        // How far down this sample would lead.
        auto floor = s::ok;
        if (i.level == s::crit && crit && !rule.past(value, *crit))
            floor = s::crit;
        else if (warn && !rule.past(value, *warn))
            floor = s::warn;
        if (floor >= i.level) {
            i.good = 0;
            i.lower = s::ok;
        } else {
            i.lower = std::max(i.lower, floor);
            if (++i.good == 2)
                enter(i.lower);
        }
    }
    i.limit = (i.level == s::crit ? crit : warn).value_or(i.limit);
    return i.level != s::ok || over_warn;
}

MAD_DECL void rule_track::seed(rule_plan const& plan, verdict const& v) {
    items_.clear();
    if (!v.bad())
        return;
    for (std::size_t slot = 0; slot < plan.rules.size(); ++slot) {
        if (plan.rules[slot]->name != v.rule)
            continue;
        item i;
        i.slot = slot;
        i.level = v.level;
        i.order = ++turns_;
        i.value = v.value;
        i.limit = v.limit;
        items_.push_back(i);
        return;
    }
}

MAD_DECL void rule_track::adopt(rule_plan const& from, rule_plan const& to) {
    std::vector<item> kept;
    for (auto i : items_) {
        auto const& old = *from.rules[i.slot];
        for (std::size_t slot = 0; slot < to.rules.size(); ++slot) {
            auto const& r = *to.rules[slot];
            if (r.name != old.name || r.what != old.what || r.below != old.below)
                continue;
            i.slot = slot;
            kept.push_back(i);
        }
    }
    std::sort(kept.begin(), kept.end(),
              [](auto const& a, auto const& b) { return a.slot < b.slot; });
    items_ = std::move(kept);
}

MAD_DECL verdict rule_track::worst(rule_plan const& plan) const {
    item const* worst = nullptr;
    for (auto const& i : items_)
        if (i.level != host_state::ok && (!worst || i.level > worst->level ||
                                          (i.level == worst->level && i.order < worst->order)))
            worst = &i;
    verdict v;
    if (!worst)
        return v;
    v.level = worst->level;
    v.rule = plan.rules[worst->slot]->name;
    v.value = worst->value;
    v.limit = worst->limit;
    return v;
}

MAD_DECL std::optional<std::size_t> follow_mounts(std::vector<std::uint32_t>& turned,
                                                  mount_set const& before, mount_set const& now) {
    if (now.size == 0)
        return std::nullopt;
    auto const find = [](mount_set const& in, std::uint32_t name) {
        return std::find_if(in.begin(), in.end(), [&](auto const& m) { return m.name == name; });
    };
    std::erase_if(turned, [&](std::uint32_t name) {
        auto const* const m = find(now, name);
        return m == now.end() || !m->read_only;
    });
    for (auto const& m : now) {
        if (!m.read_only || std::find(turned.begin(), turned.end(), m.name) != turned.end())
            continue;
        auto const* const was = find(before, m.name);
        if (was != before.end() && !was->read_only)
            turned.push_back(m.name);
    }
    return turned.size();
}

} // namespace mad::inline MAD_ABI::fleet

#endif
