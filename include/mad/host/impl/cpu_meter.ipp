#ifndef MAD_HOST_IMPL_CPU_METER_IPP
#define MAD_HOST_IMPL_CPU_METER_IPP

#include <mad/host/cpu_meter.hpp>

#include <cstddef>

namespace mad::inline MAD_ABI::host {

MAD_DECL std::optional<cpu_use> cpu_meter::use_between(cpu_ticks const& before,
                                                       cpu_ticks const& now) const {
    bool plugged = false;
    double total = 0;
    auto const column = [&](std::uint64_t cpu_ticks::*c) {
        auto const b = before.*c, n = now.*c;
        plugged = plugged || (n < b && b - n > hot_plug_ticks_);
        auto const d = n > b ? static_cast<double>(n - b) : 0.0;
        total += d;
        return d;
    };
    auto const user = column(&cpu_ticks::user) + column(&cpu_ticks::nice);
    auto const system =
        column(&cpu_ticks::system) + column(&cpu_ticks::irq) + column(&cpu_ticks::softirq);
    auto const idle = column(&cpu_ticks::idle);
    auto const iowait = column(&cpu_ticks::iowait);
    auto const steal = column(&cpu_ticks::steal);
    if (plugged || total <= 0)
        return std::nullopt;
    return cpu_use{percent(total - idle - iowait, total), percent(user, total),
                   percent(system, total), percent(iowait, total), percent(steal, total)};
}

MAD_DECL void cpu_meter::update(proc_stat const& now, time_point at, sample& out) {
    auto const step = window_.next(at);
    if (!step.advance)
        return;
    if (step.elapsed && all_ && now.all)
        out.cpu = use_between(*all_, *now.all);
    all_ = now.all;

    for (auto& c : cores_)
        c.seen = false;
    for (auto const& c : now.cores) {
        if (c.number >= cores_.size())
            cores_.resize(c.number + std::size_t{1});
        auto& mine = cores_[c.number];
        mine.seen = true;
        if (step.elapsed) {
            if (out.cores.size() <= c.number)
                out.cores.resize(c.number + std::size_t{1});
            if (mine.before)
                if (auto const use = use_between(*mine.before, c.ticks))
                    out.cores[c.number] = use->pct;
        }
        mine.before = c.ticks;
    }
    for (auto& c : cores_)
        if (!c.seen)
            c.before.reset();
}

MAD_DECL void cpu_meter::reset() {
    window_.reset();
    all_.reset();
    for (auto& c : cores_)
        c.before.reset();
}

} // namespace mad::inline MAD_ABI::host

#endif
