#ifndef MAD_HOST_PROC_STAT_HPP
#define MAD_HOST_PROC_STAT_HPP

#include <mad/config.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::host {

/// Where the time of a CPU went, in clock ticks since boot. Columns an older kernel lacks are 0.
/// The two guest columns are left out: the kernel counts them in `user` and `nice` already.
struct cpu_ticks {
    std::uint64_t user = 0, nice = 0, system = 0, idle = 0;
    std::uint64_t iowait = 0, irq = 0, softirq = 0, steal = 0;
};

/// One `cpuN` line.
struct core_ticks {
    unsigned number = 0;
    cpu_ticks ticks;
};

/// Highest CPU number taken; the kernel's own limit on the largest builds.
inline constexpr unsigned max_cpu_number = 8191;

/// /proc/stat.
struct proc_stat {
    /// The `cpu` line: all of them.
    std::optional<cpu_ticks> all;

    /// Those online, by rising number. Numbers may have holes.
    std::vector<core_ticks> cores;

    /// Tasks that run or could run, and tasks that wait for a device.
    std::optional<std::uint64_t> procs_running, procs_blocked;

    /// When the machine started, in seconds since 1970.
    std::optional<std::uint64_t> boot_s;
};

/// Fills `out` (its memory is reused) from /proc/stat; false when it has no CPU line at all.
/// Example: `cpu  6490 0 2920 181392 627 0 62 14 0 0`
bool parse_proc_stat(std::string_view text, proc_stat& out);

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/proc_stat.ipp>
#endif

#endif
