#ifndef MAD_HOST_IMPL_DISK_METER_IPP
#define MAD_HOST_IMPL_DISK_METER_IPP

#include <mad/host/disk_meter.hpp>

#include <algorithm>
#include <cstddef>

namespace mad::inline MAD_ABI::host {

namespace detail {

inline constexpr double sector_bytes = 512;

/// Requests per second beyond which a counter is broken.
inline constexpr double max_request_rate = 1e9;

/// Requests under way, and ms one takes, beyond which a counter is broken.
inline constexpr double max_queue = 1e6, max_wait_ms = 1e7;

/// Mean over requests of several devices.
struct mean {
    double sum = 0, weight = 0;

    void add(std::optional<double> const& value, std::optional<double> const& of) {
        if (!value || !of)
            return;
        sum += *value * *of;
        weight += *of;
    }

    std::optional<double> get() const {
        return weight > 0 ? std::optional(sum / weight) : std::nullopt;
    }
};

inline std::optional<double> rate_of(std::optional<std::uint64_t> const& d, double unit,
                                     duration elapsed, double ceiling) {
    return d ? rate(static_cast<double>(*d) * unit, elapsed, ceiling) : std::nullopt;
}

inline std::optional<double> wait_of(std::optional<std::uint64_t> const& ms,
                                     std::optional<std::uint64_t> const& requests) {
    if (!ms || !requests || *requests == 0)
        return std::nullopt;
    auto const wait = static_cast<double>(*ms) / static_cast<double>(*requests);
    return wait <= max_wait_ms ? std::optional(wait) : std::nullopt;
}

inline bool knows_anything(disk_rates const& r) {
    return r.read || r.written || r.reads || r.writes || r.util || r.queue;
}

} // namespace detail

MAD_DECL disk_meter::device& disk_meter::entry_for(disk_stats const& d, std::size_t hint) {
    auto const is_it = [&](device const& x) {
        return x.major == d.major && x.minor == d.minor && x.name == d.name;
    };
    // The kernel keeps its order, so the line is nearly always where it was.
    if (hint < devices_.size() && is_it(devices_[hint]))
        return devices_[hint];
    auto const it = std::find_if(devices_.begin(), devices_.end(), is_it);
    if (it != devices_.end())
        return *it;
    device fresh;
    fresh.major = d.major;
    fresh.minor = d.minor;
    fresh.name = d.name;
    fresh.role = role_(d.name);
    return devices_.emplace_back(fresh);
}

MAD_DECL void disk_meter::set_baseline(device& mine, disk_stats const& d) {
    mine.fresh = false;
    mine.reads = counter(d.reads);
    mine.sectors_read = counter(d.sectors_read);
    mine.read_ms = counter(d.read_ms);
    mine.writes = counter(d.writes);
    mine.sectors_written = counter(d.sectors_written);
    mine.write_ms = counter(d.write_ms);
    mine.busy_ms = counter(d.busy_ms);
    mine.weighted_ms = counter(d.weighted_ms);
}

MAD_DECL disk_rates disk_meter::rates_of(device& mine, disk_stats const& d, duration elapsed) {
    auto const elapsed_ms = seconds_of(elapsed) * 1000;
    // What a wrap may look like. A kernel with counters of 32 bits does not drive the fastest
    // disks.
    auto const sectors = most_in(5e9 / detail::sector_bytes, elapsed);
    auto const requests = most_in(5e6, elapsed);
    auto const busy = most_in(1200, elapsed);
    auto const queued = most_in(1000 * 4096.0, elapsed);

    auto const reads = mine.reads.step(d.reads, requests);
    auto const writes = mine.writes.step(d.writes, requests);
    auto const sectors_read = mine.sectors_read.step(d.sectors_read, sectors);
    auto const sectors_written = mine.sectors_written.step(d.sectors_written, sectors);
    auto const read_ms = mine.read_ms.step(d.read_ms, queued);
    auto const write_ms = mine.write_ms.step(d.write_ms, queued);
    auto const busy_ms = mine.busy_ms.step(d.busy_ms, busy);
    auto const weighted_ms = mine.weighted_ms.step(d.weighted_ms, queued);

    disk_rates r;
    r.read = detail::rate_of(sectors_read, detail::sector_bytes, elapsed, max_disk_rate);
    r.written = detail::rate_of(sectors_written, detail::sector_bytes, elapsed, max_disk_rate);
    r.reads = detail::rate_of(reads, 1, elapsed, detail::max_request_rate);
    r.writes = detail::rate_of(writes, 1, elapsed, detail::max_request_rate);
    if (busy_ms)
        r.util = percent(static_cast<double>(*busy_ms), elapsed_ms);
    r.queue = detail::rate_of(weighted_ms, 1e-3, elapsed, detail::max_queue);
    r.read_wait_ms = detail::wait_of(read_ms, reads);
    r.write_wait_ms = detail::wait_of(write_ms, writes);
    return r;
}

MAD_DECL void disk_meter::update(std::span<disk_stats const> now, time_point at, sample& out) {
    auto const step = window_.next(at);
    if (!step.advance)
        return;
    bool const ask = !roles_asked_ || at - *roles_asked_ >= recheck_time;
    if (ask)
        roles_asked_ = at;
    for (auto& d : devices_) {
        d.seen = false;
        if (ask)
            d.role = role_(d.name);
    }

    disk_rates total;
    detail::mean read_wait, write_wait;
    for (std::size_t i = 0; i < now.size(); ++i) {
        auto& mine = entry_for(now[i], i);
        mine.seen = true;
        if (mine.role == disk_role::ignored) {
            mine.fresh = true;
            continue;
        }
        if (mine.fresh || !step.elapsed) {
            set_baseline(mine, now[i]);
            continue;
        }
        auto const r = rates_of(mine, now[i], *step.elapsed);
        bool const counted = mine.role == disk_role::counted;
        out.disks.push_back({mine.name, r, counted});
        if (!counted)
            continue;
        add_to(total.read, r.read);
        add_to(total.written, r.written);
        add_to(total.reads, r.reads);
        add_to(total.writes, r.writes);
        add_to(total.queue, r.queue);
        if (r.util)
            total.util = std::max(total.util.value_or(0), *r.util);
        read_wait.add(r.read_wait_ms, r.reads);
        write_wait.add(r.write_wait_ms, r.writes);
    }
    total.read_wait_ms = read_wait.get();
    total.write_wait_ms = write_wait.get();
    if (detail::knows_anything(total))
        out.io = total;
    std::erase_if(devices_, [](device const& d) { return !d.seen; });
}

MAD_DECL void disk_meter::reset() {
    window_.reset();
    roles_asked_.reset();
    for (auto& d : devices_)
        d.fresh = true;
}

} // namespace mad::inline MAD_ABI::host

#endif
