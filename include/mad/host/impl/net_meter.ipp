#ifndef MAD_HOST_IMPL_NET_METER_IPP
#define MAD_HOST_IMPL_NET_METER_IPP

#include <mad/host/net_meter.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::host {

namespace detail {

/// Ethernet, InfiniBand, and the three wireless kinds, by ARPHRD number.
inline bool is_carrier_type(std::optional<unsigned> const& type) {
    return type && (*type == 1 || *type == 32 || (*type >= 801 && *type <= 803));
}

inline bool fits_any(std::vector<std::string> const& patterns, std::string_view name) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](auto const& p) { return fits(p, name); });
}

/// Bytes per second that a link carries at most, with room for what its speed leaves out.
inline double ceiling_of(std::optional<double> const& speed_mbit) {
    return speed_mbit ? *speed_mbit * 1e6 / 8 * 1.2 : max_nic_rate;
}

/// How far a 32-bit byte counter may have gone for its wrap to be told from a reset. Links of
/// unknown speed are taken for 1 Gbit/s: a counter of 32 bits is of that age. When the link can go
/// round more than once, nothing is plausible.
inline std::uint64_t nic_wrap_limit(std::optional<double> const& speed_mbit, duration elapsed) {
    if (elapsed > seconds(15))
        return 0;
    auto const most = most_in(ceiling_of(speed_mbit.value_or(1000)), elapsed);
    return most < beyond_32_bits ? most : 0;
}

inline void add_counts(std::optional<double>& total, std::optional<std::uint64_t> const& d,
                       duration elapsed) {
    // No line carries a thousand million packets a second.
    if (d)
        if (auto const r = rate(static_cast<double>(*d), elapsed, 1e9))
            total = total.value_or(0) + *r;
}

} // namespace detail

MAD_DECL std::size_t net_meter::entry_for(std::string_view name, std::size_t hint) {
    if (hint < interfaces_.size() && interfaces_[hint].name == name)
        return hint;
    auto const it = std::find_if(interfaces_.begin(), interfaces_.end(),
                                 [&](auto const& i) { return i.name == name; });
    if (it != interfaces_.end())
        return static_cast<std::size_t>(it - interfaces_.begin());
    interface fresh;
    fresh.name = name;
    fresh.facts = nics_->facts(name);
    interfaces_.push_back(fresh);
    return interfaces_.size() - 1;
}

MAD_DECL void net_meter::relearn(interface& i) {
    i.facts = nics_->facts(i.name);
    // Tunnels and virtual pairs name a speed too, but a made-up one.
    i.speed_mbit = i.counted && i.facts.hardware ? nics_->speed_mbit(i.name) : std::nullopt;
}

/// Keeps what is known of a counted interface true: it may be another one of the same name.
MAD_DECL void net_meter::follow(interface& i) {
    auto const index = nics_->index(i.name);
    bool const replaced = index != 0 && i.index != 0 && index != i.index;
    if (index != 0)
        i.index = index;
    if (replaced)
        i.fresh = true;
    if (replaced || !i.counted) {
        i.counted = true;
        relearn(i);
    }
}

MAD_DECL bool net_meter::is_chosen(interface const& i) const {
    if (detail::fits_any(choice_.never, i.name))
        return false;
    if (!choice_.only.empty())
        return detail::fits_any(choice_.only, i.name);
    if (!i.facts.hardware || !detail::is_carrier_type(i.facts.type))
        return false;
    // A virtual function below a paravirtual interface: its master, hardware too, counts both.
    return i.facts.master.empty() ||
           std::none_of(interfaces_.begin(), interfaces_.end(), [&](auto const& m) {
               return m.seen && m.facts.hardware && m.name == i.facts.master;
           });
}

MAD_DECL bool net_meter::may_fall_back_to(interface const& i) const {
    bool const loopback = i.facts.loopback || i.name == "lo";
    return i.seen && !loopback && !detail::fits_any(choice_.never, i.name);
}

MAD_DECL void net_meter::choose() {
    bool any = false;
    for (auto& i : interfaces_) {
        i.chosen = i.seen && is_chosen(i);
        any = any || i.chosen;
    }
    if (any || !choice_.only.empty())
        return;
    nics_->refresh_routes();
    for (auto& i : interfaces_) {
        i.chosen = may_fall_back_to(i) && nics_->leads_out(i.name);
        any = any || i.chosen;
    }
    if (any)
        return;
    for (auto& i : interfaces_)
        i.chosen = may_fall_back_to(i);
}

MAD_DECL void net_meter::set_baseline(interface& mine, nic_stats const& now) {
    mine.fresh = false;
    mine.rx = counter(now.rx.bytes);
    mine.tx = counter(now.tx.bytes);
    mine.rx_errors = counter(now.rx.errors);
    mine.tx_errors = counter(now.tx.errors);
    mine.rx_dropped = counter(now.rx.dropped);
    mine.tx_dropped = counter(now.tx.dropped);
}

MAD_DECL nic_rates net_meter::rates_of(interface& mine, nic_stats const& now, duration elapsed) {
    auto const wrap = detail::nic_wrap_limit(mine.speed_mbit, elapsed);
    auto const rx = mine.rx.step(now.rx.bytes, wrap);
    auto const tx = mine.tx.step(now.tx.bytes, wrap);
    auto const most = std::max(rx.value_or(0), tx.value_or(0));
    auto ceiling = detail::ceiling_of(mine.speed_mbit);
    if (mine.speed_mbit && !rate(static_cast<double>(most), elapsed, ceiling)) {
        // The link may have come up at another speed since it was asked.
        mine.speed_mbit = nics_->speed_mbit(mine.name);
        ceiling = detail::ceiling_of(mine.speed_mbit);
    }
    nic_rates r;
    if (rx)
        r.rx = rate(static_cast<double>(*rx), elapsed, ceiling);
    if (tx)
        r.tx = rate(static_cast<double>(*tx), elapsed, ceiling);
    detail::add_counts(r.errors, mine.rx_errors.step(now.rx.errors), elapsed);
    detail::add_counts(r.errors, mine.tx_errors.step(now.tx.errors), elapsed);
    detail::add_counts(r.dropped, mine.rx_dropped.step(now.rx.dropped), elapsed);
    detail::add_counts(r.dropped, mine.tx_dropped.step(now.tx.dropped), elapsed);
    return r;
}

MAD_DECL void net_meter::update(std::span<nic_stats const> now, time_point at, sample& out) {
    auto const step = window_.next(at);
    if (!step.advance)
        return;
    bool const again = !learnt_ || at - *learnt_ >= recheck_time;
    if (again)
        learnt_ = at;
    for (auto& i : interfaces_) {
        i.seen = false;
        if (again)
            relearn(i);
    }
    lines_.clear();
    for (auto const& line : now) {
        lines_.push_back(entry_for(line.name, lines_.size()));
        interfaces_[lines_.back()].seen = true;
    }
    choose();

    nic_rates total;
    for (std::size_t n = 0; n < now.size(); ++n) {
        auto& mine = interfaces_[lines_[n]];
        if (mine.chosen)
            follow(mine);
        else
            mine.counted = false;
        if (mine.fresh || !step.elapsed) {
            set_baseline(mine, now[n]);
            continue;
        }
        auto const r = rates_of(mine, now[n], *step.elapsed);
        if (!mine.counted)
            continue;
        out.nics.push_back({mine.name, r, mine.speed_mbit});
        add_to(total.rx, r.rx);
        add_to(total.tx, r.tx);
        add_to(total.errors, r.errors);
        add_to(total.dropped, r.dropped);
    }
    if (total.rx || total.tx) {
        out.net = total;
        out.network = (total.rx.value_or(0) + total.tx.value_or(0)) * 8 / 1e6;
    }
    std::erase_if(interfaces_, [](interface const& i) { return !i.seen; });
}

MAD_DECL void net_meter::reset() {
    window_.reset();
    learnt_.reset();
    for (auto& i : interfaces_)
        i.fresh = true;
}

} // namespace mad::inline MAD_ABI::host

#endif
