#ifndef MAD_HOST_IMPL_SAMPLER_IPP
#define MAD_HOST_IMPL_SAMPLER_IPP

#include <mad/host/cgroup_view.hpp>
#include <mad/host/cpu_meter.hpp>
#include <mad/host/disk_meter.hpp>
#include <mad/host/file_reader.hpp>
#include <mad/host/meminfo.hpp>
#include <mad/host/proc_misc.hpp>
#include <mad/host/psi_meter.hpp>
#include <mad/host/sampler.hpp>
#include <mad/host/scan.hpp>
#include <mad/host/sensor_meter.hpp>
#include <mad/host/space_meter.hpp>
#include <mad/host/sysfs.hpp>

#include <ctime>
#include <utility>

#include <unistd.h>

namespace mad::inline MAD_ABI::host {

namespace detail {

template <clockid_t Id>
duration read_clock() {
    struct timespec t {};
    ::clock_gettime(Id, &t);
    return seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

inline sampler_settings with_defaults(sampler_settings s) {
    if (!s.statvfs)
        s.statvfs = system_statvfs;
    if (!s.boot_time)
        s.boot_time = read_clock<CLOCK_BOOTTIME>;
    if (!s.affinity) // of a machine seen through its trees it would say nothing
        s.affinity = s.where.root.empty() ? affinity_of_this_process : [] { return 0u; };
    if (!s.process_time)
        s.process_time = read_clock<CLOCK_PROCESS_CPUTIME_ID>;
    if (s.ticks_per_s == 0)
        s.ticks_per_s = static_cast<unsigned>(::sysconf(_SC_CLK_TCK));
    if (s.page_bytes == 0)
        s.page_bytes = static_cast<unsigned>(::sysconf(_SC_PAGESIZE));
    return s;
}

} // namespace detail

struct sampler::state {
    explicit state(sampler_settings s)
        : settings(detail::with_defaults(std::move(s)))
        , stat(settings.where.proc + "/stat")
        , loadavg(settings.where.proc + "/loadavg")
        , meminfo_file(settings.where.proc + "/meminfo")
        , arcstats(settings.where.proc + "/spl/kstat/zfs/arcstats")
        , diskstats(settings.where.proc + "/diskstats")
        , net_dev(net_directory(settings.where) + "/dev")
        , uptime(settings.where.proc + "/uptime")
        , statm(settings.where.proc + "/self/statm")
        , sys(settings.where.sys)
        , system(settings.where)
        , cpu(settings.ticks_per_s)
        , psi(psi_meter::of_machine(settings.where.proc))
        , group({settings.where, settings.view, settings.affinity})
        , disks([this](std::string_view name) { return disk_role_in(sys, name); })
        , nics(settings.nics, system)
        , space({settings.where, settings.network_mounts, settings.statvfs, settings.statvfs_limit})
        , sensors(settings.where.sys, settings.disk_temperatures) {}

    void clear();
    void notice_sleep();
    void read_cpu();
    void read_load();
    void read_memory();
    void read_psi();
    void read_disks();
    void read_net();
    void read_uptime();
    void read_own_cost();

    time_point now() const { return settings.time->now(); }

    sampler_settings settings;
    read_buffer buffer;
    file_reader stat, loadavg, meminfo_file, arcstats, diskstats, net_dev, uptime, statm;

    host::sysfs sys;
    system_nics system;
    cpu_meter cpu;
    psi_meter psi;
    cgroup_view group;
    disk_meter disks;
    net_meter nics;
    space_meter space;
    sensor_meter sensors;

    // Memory that parsers fill anew each time.
    proc_stat stat_now;
    std::vector<disk_stats> disks_now;
    std::vector<nic_stats> nics_now;

    std::optional<duration> boot_ahead;
    std::optional<time_point> arc_missing_since;
    rate_window own_window;
    duration own_time{};
    sample out;
};

MAD_DECL void sampler::state::clear() {
    out.wall_ms = settings.time->wall_ms();
    out.storage = 0;
    out.network = 0;
    out.cpu.reset();
    out.cores.clear();
    out.load.reset();
    out.memory.reset();
    out.scope = host::scope::host;
    out.usable_cpus.reset();
    out.psi = {};
    out.temperatures.clear();
    out.filesystems.clear();
    out.io.reset();
    out.disks.clear();
    out.net.reset();
    out.nics.clear();
    out.uptime_s.reset();
    out.tasks.reset();
    out.agent = {};
    out.failed.clear();
}

/// Monotonic time stands still while the machine sleeps: what was counted meanwhile has no rate.
MAD_DECL void sampler::state::notice_sleep() {
    auto const ahead = settings.boot_time() - now().time_since_epoch();
    if (boot_ahead && ahead - *boot_ahead > 2 * settings.interval) {
        cpu.reset();
        psi.reset();
        group.reset();
        disks.reset();
        nics.reset();
        sensors.reset();
        own_window.reset();
    }
    boot_ahead = ahead;
}

MAD_DECL void sampler::state::read_cpu() {
    auto const text = stat.read(buffer);
    auto const at = now();
    if (!text || !parse_proc_stat(*text, stat_now)) {
        out.failed.add(source::cpu);
        return;
    }
    cpu.update(stat_now, at, out);
    if (!stat_now.cores.empty())
        out.usable_cpus = static_cast<double>(stat_now.cores.size());
    if (stat_now.procs_running || stat_now.procs_blocked)
        out.tasks = task_counts{stat_now.procs_running, {}, stat_now.procs_blocked};
}

MAD_DECL void sampler::state::read_load() {
    auto const text = loadavg.read(buffer);
    auto const parsed = text ? parse_loadavg(*text) : std::nullopt;
    if (!parsed) {
        out.failed.add(source::load);
        return;
    }
    out.load = parsed->load;
    if (!parsed->running && !parsed->total)
        return;
    auto& tasks = out.tasks ? *out.tasks : out.tasks.emplace();
    tasks.total = parsed->total;
    if (parsed->running)
        tasks.running = parsed->running;
}

MAD_DECL void sampler::state::read_memory() {
    auto const text = meminfo_file.read(buffer);
    meminfo parsed;
    if (!text || !parse_meminfo(*text, parsed)) {
        out.failed.add(source::mem);
        return;
    }
    std::optional<arc_size> arc;
    // Few machines have ZFS; a module may be loaded at any time.
    auto const at = now();
    if (!arc_missing_since || at - *arc_missing_since >= recheck_time) {
        auto const rows = arcstats.read(buffer);
        arc = rows ? parse_arcstats(*rows) : std::nullopt;
        arc_missing_since = rows ? std::nullopt : std::optional(at);
    }
    out.memory = memory_of(parsed, arc);
    if (!out.memory)
        out.failed.add(source::mem);
}

MAD_DECL void sampler::state::read_psi() {
    if (auto* own = group.pressure()) {
        own->update(*settings.time, buffer, out);
        if (!out.psi.empty() || out.failed.has(source::psi))
            return;
    }
    psi.update(*settings.time, buffer, out);
}

MAD_DECL void sampler::state::read_disks() {
    auto const text = diskstats.read(buffer);
    auto const at = now();
    if (!text) {
        out.failed.add(source::io);
        return;
    }
    parse_diskstats(*text, disks_now);
    disks.update(disks_now, at, out);
}

MAD_DECL void sampler::state::read_net() {
    auto const text = net_dev.read(buffer);
    auto const at = now();
    if (!text || !parse_net_dev(*text, nics_now)) {
        out.failed.add(source::net);
        return;
    }
    nics.update(nics_now, at, out);
}

MAD_DECL void sampler::state::read_uptime() {
    auto const text = uptime.read(buffer);
    out.uptime_s = text ? parse_uptime(*text) : std::nullopt;
    if (!out.uptime_s)
        out.failed.add(source::up);
}

MAD_DECL void sampler::state::read_own_cost() {
    auto const text = statm.read(buffer);
    auto const pages = text ? parse_statm_resident(*text) : std::nullopt;
    if (pages)
        out.agent.rss = times(*pages, settings.page_bytes);
    else
        out.failed.add(source::agent);

    auto const used = settings.process_time();
    auto const step = own_window.next(now());
    if (!step.advance)
        return;
    if (step.elapsed && used >= own_time)
        if (auto const share = rate(seconds_of(used - own_time), *step.elapsed, max_cpu_number))
            out.agent.cpu_pct = *share * 100;
    own_time = used;
}

MAD_DECL sampler::sampler(sampler_settings settings)
    : state_(std::make_unique<state>(std::move(settings))) {}

MAD_DECL sampler::~sampler() = default;
MAD_DECL sampler::sampler(sampler&&) noexcept = default;
MAD_DECL sampler& sampler::operator=(sampler&&) noexcept = default;

MAD_DECL sample const& sampler::take() {
    auto& s = *state_;
    s.clear();
    s.notice_sleep();
    s.read_cpu();
    s.read_load();
    s.read_memory();
    s.group.update(*s.settings.time, s.buffer, s.out);
    s.read_psi();
    s.space.update(s.now(), s.buffer, s.out);
    s.read_disks();
    s.read_net();
    s.sensors.update(s.now(), s.out);
    s.read_uptime();
    s.read_own_cost();
    return s.out;
}

MAD_DECL sample const& sampler::last() const {
    return state_->out;
}

} // namespace mad::inline MAD_ABI::host

#endif
