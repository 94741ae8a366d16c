#ifndef MAD_HOST_CPU_METER_HPP
#define MAD_HOST_CPU_METER_HPP

#include <mad/host/delta.hpp>
#include <mad/host/proc_stat.hpp>
#include <mad/host/sample.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace mad::inline MAD_ABI::host {

/// Turns readings of /proc/stat into shares of CPU time.
class cpu_meter {
  public:
    /// `ticks_per_s`: length of the kernel's clock tick, sysconf(_SC_CLK_TCK).
    explicit cpu_meter(unsigned ticks_per_s)
        : hot_plug_ticks_(std::uint64_t{3} * ticks_per_s) {}

    /// Writes `cpu` and `cores` of `out`; both stay empty while no rate can be formed. A column
    /// that falls counts as 0, since the kernel corrects idle times downwards; one that falls by
    /// more than 3 s means that the CPU was plugged out and in, and drops its baseline.
    void update(proc_stat const& now, time_point at, sample& out);

    /// Forgets the baselines.
    void reset();

  private:
    /// Busy and other shares between two readings; nothing for a new CPU or when no time passed.
    std::optional<cpu_use> use_between(cpu_ticks const& before, cpu_ticks const& now) const;

    struct core {
        std::optional<cpu_ticks> before;
        bool seen = false;
    };

    std::uint64_t hot_plug_ticks_;
    rate_window window_;
    std::optional<cpu_ticks> all_;
    std::vector<core> cores_; // by CPU number
};

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/cpu_meter.ipp>
#endif

#endif
