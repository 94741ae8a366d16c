#ifndef MAD_HOST_IMPL_CGROUP_VIEW_IPP
#define MAD_HOST_IMPL_CGROUP_VIEW_IPP

#include <mad/host/cgroup_view.hpp>
#include <mad/host/impl/space_meter.ipp>
#include <mad/host/scan.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <sched.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::host {

namespace detail {

/// Groups deeper than this below the top are not made by anyone.
inline constexpr std::size_t max_cgroup_levels = 32;

/// Above this a number of bytes means that there is no limit, whatever the memory.
inline constexpr std::uint64_t no_memory_limit = std::uint64_t{1} << 62;

/// Where a mount of the machine that is watched is seen from here.
inline std::string seen_at(roots const& where, std::string const& mountpoint) {
    if (is_under(mountpoint, "/sys"))
        return where.sys + mountpoint.substr(4);
    return where.root + mountpoint;
}

/// The directories of a group and those above it, itself first, the top last.
inline std::vector<std::string> directories_of(std::string const& top, std::string path) {
    std::vector<std::string> out;
    while (!path.empty() && out.size() + 1 < max_cgroup_levels) {
        out.push_back(top + path);
        path.erase(path.rfind('/'));
    }
    out.push_back(top);
    return out;
}

inline std::string process_directory(roots const& where) {
    return where.proc + (where.root.empty() ? "/self" : "/1");
}

} // namespace detail

MAD_DECL unsigned affinity_of_this_process() {
    std::array<cpu_set_t, 8> set{}; // 8192 CPUs
    if (::sched_getaffinity(0, sizeof set, set.data()) != 0)
        return 0;
    return static_cast<unsigned>(CPU_COUNT_S(sizeof set, set.data()));
}

MAD_DECL cgroup_view::cgroup_view(settings s)
    : settings_(std::move(s))
    , cgroups_(detail::process_directory(settings_.where) + "/cgroup")
    , mountinfo_(detail::process_directory(settings_.where) + "/mountinfo") {}

MAD_DECL void cgroup_view::reset() {
    window_.reset();
}

MAD_DECL void cgroup_view::update(clock const& time, read_buffer& buffer, sample& out) {
    if (settings_.view == scope_choice::host)
        return;
    at_ = time.now();
    buffer_ = &buffer;
    bool const due = !looked_at_ || at_ - *looked_at_ >= recheck_time;
    if (due)
        look(buffer);
    if (memory_.empty() && cpu_.empty()) {
        shown_ = false;
        if (settings_.view == scope_choice::cgroup)
            out.failed.add(source::cgroup);
        return;
    }
    // Without a limit it is enough to see now and then whether one has come.
    if (!due && !shown_)
        return;
    gone_ = false;
    apply(time, out);
    if (gone_) { // moved to another group, or mounted elsewhere: all is looked for anew
        looked_at_.reset();
        mounts_hash_.reset();
    }
}

MAD_DECL void cgroup_view::look(read_buffer& buffer) {
    looked_at_ = at_;
    auto const groups = cgroups_.read(buffer);
    bool same = groups ? *groups == own_groups_ : own_groups_.empty();
    own_groups_.assign(groups ? *groups : std::string_view());
    auto const mounts = mountinfo_.read(buffer);
    auto const hash = mounts ? detail::text_hash(*mounts) : 0;
    same = same && mounts_hash_ == hash;
    mounts_hash_ = hash;
    if (!same)
        rebuild(mounts ? *mounts : std::string_view(), buffer);
}

MAD_DECL void cgroup_view::rebuild(std::string_view mountinfo, read_buffer& buffer) {
    memory_.clear();
    cpu_.clear();
    pressure_.reset();
    usage_level_.reset();
    std::vector<mount_entry> mounts;
    parse_mountinfo(mountinfo, mounts);
    auto const memory = find_cgroup(own_groups_, mounts, "memory");
    auto const cpu = find_cgroup(own_groups_, mounts, "cpu");
    auto const usage = find_cgroup(own_groups_, mounts, "cpuacct");
    // From here on the buffer is used for other files.
    if (settings_.view == scope_choice::automatic && !in_container(buffer))
        return;
    if (memory)
        add_memory_levels(*memory);
    if (cpu)
        add_cpu_levels(*cpu, usage);
    for (auto const* place : {&memory, &cpu})
        if (*place && (*place)->version == cgroup_version::v2)
            pressure_ = psi_meter::of_group(detail::seen_at(settings_.where, (*place)->top) +
                                            (*place)->path);
}

MAD_DECL bool cgroup_view::in_container(read_buffer& buffer) const {
    auto const& where = settings_.where;
    for (auto const* marker : {"/.dockerenv", "/run/.containerenv", "/run/systemd/container"})
        if (::access((where.root + marker).c_str(), F_OK) == 0)
            return true;
    auto rest = std::string_view(own_groups_);
    while (!rest.empty())
        if (names_container_engine(next_line(rest)))
            return true;
    auto const environment = read_once((where.proc + "/1/environ").c_str(), buffer);
    return environment && environ_names_container(*environment);
}

MAD_DECL void cgroup_view::add_memory_levels(cgroup_place const& place) {
    memory_version_ = place.version;
    bool const v2 = place.version == cgroup_version::v2;
    auto const file = [&](std::string const& dir, char const* in_v1, char const* in_v2) {
        return optional_file(dir + "/memory." + (v2 ? in_v2 : in_v1));
    };
    for (auto const& dir :
         detail::directories_of(detail::seen_at(settings_.where, place.top), place.path))
        memory_.push_back({file(dir, "limit_in_bytes", "max"),
                           file(dir, "usage_in_bytes", "current"), file(dir, "stat", "stat"),
                           file(dir, "memsw.limit_in_bytes", "swap.max"),
                           file(dir, "memsw.usage_in_bytes", "swap.current")});
}

MAD_DECL void cgroup_view::add_cpu_levels(cgroup_place const& place,
                                          std::optional<cgroup_place> const& usage) {
    cpu_version_ = place.version;
    bool const v2 = place.version == cgroup_version::v2;
    auto const top = detail::seen_at(settings_.where, place.top);
    auto const dirs = detail::directories_of(top, place.path);
    for (auto const& dir : dirs) {
        // v1 counts use in a controller of its own, nearly always mounted together with this one.
        auto counted = dir;
        if (!v2 && usage) {
            counted = detail::seen_at(settings_.where, usage->top);
            counted += usage->path == place.path ? dir.substr(top.size()) : usage->path;
        }
        cpu_.push_back({optional_file(dir + (v2 ? "/cpu.max" : "/cpu.cfs_quota_us")),
                        optional_file(dir + "/cpu.cfs_period_us"), optional_file(dir + "/cpu.stat"),
                        optional_file(counted + "/cpuacct.usage")});
    }
}

MAD_DECL std::optional<std::string_view> cgroup_view::text_of(optional_file& f) {
    std::string_view text;
    auto const is = f.read(at_, *buffer_, text);
    if (is == optional_file::state::there)
        return text;
    gone_ = gone_ || is == optional_file::state::gone;
    trouble_ = trouble_ || is != optional_file::state::missing;
    return std::nullopt;
}

MAD_DECL std::optional<std::uint64_t> cgroup_view::number_in(optional_file& f,
                                                             std::string_view key) {
    auto const text = text_of(f);
    if (!text)
        return std::nullopt;
    if (!key.empty())
        return cgroup_stat_value(*text, key);
    auto line = *text;
    line = next_line(line);
    auto const value = next_number(line);
    trouble_ = trouble_ || !value;
    return value;
}

MAD_DECL void cgroup_view::apply(clock const& time, sample& out) {
    trouble_ = false;
    auto memory = memory_limit(out.memory);
    memory.known = !trouble_;
    trouble_ = false;
    auto quota = cpu_quota();
    quota.known = !trouble_;

    // A limit that cannot be read for a moment is no reason to show another view.
    bool const unsure = !memory.known || !quota.known;
    shown_ =
        settings_.view == scope_choice::cgroup || memory.limit || quota.limit || (shown_ && unsure);
    trouble_ = unsure;
    if (shown_) {
        out.scope = scope::cgroup;
        out.memory = memory_in(memory, out.memory);
        show_cpu(time, quota, out);
    }
    if (trouble_)
        out.failed.add(source::cgroup);
}

MAD_DECL cgroup_view::binding<std::uint64_t>
cgroup_view::memory_limit(std::optional<memory_use> const& machine) {
    binding<std::uint64_t> b;
    auto const most = machine ? machine->total : detail::no_memory_limit;
    for (std::size_t i = 0; i < memory_.size(); ++i) {
        auto const text = text_of(memory_[i].limit);
        std::optional<std::uint64_t> bytes;
        if (text && !parse_cgroup_limit(*text, bytes))
            trouble_ = true;
        if (bytes && *bytes < b.limit.value_or(most))
            b = {bytes, i};
    }
    return b;
}

MAD_DECL cgroup_view::binding<double> cgroup_view::cpu_quota() {
    binding<double> b;
    for (std::size_t i = 0; i < cpu_.size(); ++i) {
        auto const text = text_of(cpu_[i].quota);
        if (!text)
            continue;
        std::optional<double> cpus;
        bool ok = true;
        if (cpu_version_ == cgroup_version::v2) {
            ok = parse_cpu_max(*text, cpus);
        } else {
            short_text<31> const quota(*text); // the buffer is one for both
            auto const period = text_of(cpu_[i].period);
            ok = parse_cfs_quota(quota, period.value_or(std::string_view()), cpus);
        }
        trouble_ = trouble_ || !ok;
        if (cpus && (!b.limit || *cpus < *b.limit))
            b = {cpus, i};
    }
    return b;
}

MAD_DECL std::optional<memory_use>
cgroup_view::memory_in(binding<std::uint64_t> const& b, std::optional<memory_use> const& machine) {
    if (!b.known)
        return std::nullopt;
    std::optional<std::uint64_t> usage;
    auto level = b.level;
    bool const calm = !std::exchange(trouble_, false);
    if (b.limit)
        usage = number_in(memory_[level].usage);
    else // the lowest that counts: its own may not be visible
        for (level = 0; level < memory_.size() && !trouble_; ++level)
            if ((usage = number_in(memory_[level].usage)))
                break;
    bool const lost = trouble_ || (!usage && b.limit);
    trouble_ = lost || !calm;
    if (lost)
        return std::nullopt;
    if (!usage) // no group counts memory
        return machine;
    if (!b.limit && !machine)
        return std::nullopt;

    memory_use mine;
    mine.total = b.limit ? *b.limit : machine->total;
    auto const cache =
        number_in(memory_[level].stat,
                  memory_version_ == cgroup_version::v2 ? "inactive_file" : "total_inactive_file");
    auto const working_set = minus(*usage, cache.value_or(0));
    mine.available = minus(mine.total, working_set);
    mine.pct =
        percent(static_cast<double>(mine.total - mine.available), static_cast<double>(mine.total));
    if (machine)
        add_swap(memory_[level], b, *usage, *machine, mine);
    return mine;
}

MAD_DECL void cgroup_view::add_swap(memory_level& l, binding<std::uint64_t> const& b,
                                    std::uint64_t usage, memory_use const& machine,
                                    memory_use& mine) {
    if (!machine.swap_total)
        return;
    auto const text = text_of(l.swap_limit);
    std::optional<std::uint64_t> limit;
    if (!text || !parse_cgroup_limit(*text, limit))
        return;
    auto used = number_in(l.swap_usage);
    if (!used)
        return;
    if (memory_version_ == cgroup_version::v1) {
        // Its numbers are of memory and swap together.
        used = minus(*used, usage);
        if (limit)
            limit = *limit < detail::no_memory_limit ? minus(*limit, b.limit.value_or(0))
                                                     : *machine.swap_total;
    }
    mine.swap_total = std::min(limit.value_or(*machine.swap_total), *machine.swap_total);
    mine.swap_used = std::min(*used, *mine.swap_total);
}

MAD_DECL cgroup_view::cpu_times cgroup_view::times_of(cpu_level& l) {
    if (cpu_version_ == cgroup_version::v1)
        return {number_in(l.usage), number_in(l.stat, "throttled_time")};
    auto const text = text_of(l.stat);
    if (!text)
        return {};
    cpu_times const out{cgroup_stat_value(*text, "usage_usec"),
                        cgroup_stat_value(*text, "throttled_usec")};
    trouble_ = trouble_ || !out.used;
    return out;
}

MAD_DECL void cgroup_view::show_cpu(clock const& time, binding<double> const& b, sample& out) {
    auto const allowed = settings_.affinity ? settings_.affinity() : 0;
    auto usable = allowed > 0 ? std::optional<double>(allowed) : out.usable_cpus;
    if (b.limit)
        usable = std::min(*b.limit, usable.value_or(*b.limit));

    cpu_times now;
    auto level = b.level;
    bool const calm = !std::exchange(trouble_, false);
    if (b.limit)
        now = times_of(cpu_[level]);
    else if (b.known)
        for (level = 0; level < cpu_.size() && !trouble_; ++level)
            if ((now = times_of(cpu_[level])).used)
                break;
    bool const uncounted = b.known && !b.limit && !now.used && !trouble_;
    trouble_ = trouble_ || !calm;
    if (uncounted)
        return; // no group counts time: the machine's stays
    auto use = std::exchange(out.cpu, std::nullopt);
    out.usable_cpus = b.known ? usable : std::nullopt;
    if (!now.used || !usable) {
        trouble_ = true;
        return;
    }

    auto const step = window_.next(time.now());
    if (!step.advance)
        return;
    bool const follows = step.elapsed && usage_level_ == level;
    auto const advance = [&](std::optional<counter>& c,
                             std::optional<std::uint64_t> const& value) -> std::optional<double> {
        auto const d = c && value && follows ? c->step(*value) : std::nullopt;
        if (!d)
            c = value ? std::optional(counter(*value)) : std::nullopt;
        auto const per_second = cpu_version_ == cgroup_version::v1 ? 1e9 : 1e6;
        return d ? std::optional(static_cast<double>(*d) / per_second) : std::nullopt;
    };
    auto const used = advance(usage_, now.used);
    auto const throttled = advance(throttled_, now.throttled);
    usage_level_ = level;
    if (!use || !used)
        return;
    use->pct = percent(*used, seconds_of(*step.elapsed) * *usable);
    if (b.limit && throttled)
        use->throttled = percent(*throttled, seconds_of(*step.elapsed));
    out.cpu = use;
}

} // namespace mad::inline MAD_ABI::host

#endif
