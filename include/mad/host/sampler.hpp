#ifndef MAD_HOST_SAMPLER_HPP
#define MAD_HOST_SAMPLER_HPP

#include <mad/core/clock.hpp>
#include <mad/host/net_meter.hpp>
#include <mad/host/roots.hpp>
#include <mad/host/sample.hpp>
#include <mad/host/space_probe.hpp>

#include <functional>
#include <memory>

namespace mad::inline MAD_ABI::host {

/// What a sampler looks at and how.
struct sampler_settings {
    roots where;

    /// Whose CPUs and memory are shown: of this process's control group, or of process 1's when
    /// `where.root` is set.
    scope_choice view = scope_choice::automatic;

    /// Interfaces that count.
    nic_choice nics;

    /// Look at network filesystems too. Off by default: a dead server is not this host's health.
    bool network_mounts = false;

    /// Time after which a network filesystem counts as stuck.
    milliseconds statvfs_limit{1000};

    /// Read temperatures of disks too (drivetemp). Off by default: asking wakes a disk that sleeps.
    bool disk_temperatures = false;

    /// How often samples are meant to be taken. Only tells when the machine slept in between.
    milliseconds interval{2500};

    /// Must live as long as the sampler.
    clock const* time = &system_clock::instance();

    /// How space is measured. See `statvfs_function` for its thread.
    statvfs_function statvfs = system_statvfs;

    /// Time since the machine started, sleep included. Default: CLOCK_BOOTTIME.
    std::function<duration()> boot_time;

    /// CPUs that the process may run on; 0: unknown. Default: sched_getaffinity(2), unknown when
    /// `where.root` is set.
    std::function<unsigned()> affinity;

    /// CPU time that this process used. Default: CLOCK_PROCESS_CPUTIME_ID.
    std::function<duration()> process_time;

    /// Clock ticks per second in /proc/stat, and bytes of a page. 0: ask the system.
    unsigned ticks_per_s = 0, page_bytes = 0;
};

/// Takes samples of a host. Opens each file once; allocates nothing once the lists have reached
/// their size. Not for several threads at once.
class sampler {
  public:
    explicit sampler(sampler_settings settings = {});
    ~sampler();
    sampler(sampler&&) noexcept;
    sampler& operator=(sampler&&) noexcept;

    /// Reads everything. Rates are over the time since the call before that lay at least
    /// `min_rate_time` back; the first call has none. A source that cannot be read is named in
    /// `sample::failed` and missing from the sample, which is never an error. The reference stays
    /// good, its contents until the next call.
    sample const& take();

    /// What the call before gave; empty before the first.
    sample const& last() const;

  private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/sampler.ipp>
#endif

#endif
