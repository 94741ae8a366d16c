#ifndef MAD_HOST_CGROUP_VIEW_HPP
#define MAD_HOST_CGROUP_VIEW_HPP

#include <mad/core/clock.hpp>
#include <mad/host/cgroup.hpp>
#include <mad/host/delta.hpp>
#include <mad/host/optional_file.hpp>
#include <mad/host/psi_meter.hpp>
#include <mad/host/roots.hpp>
#include <mad/host/sample.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::host {

/// Puts what the control group of a process leaves in place of the machine's CPUs and memory.
///
/// The group is looked for at the start and each `recheck_time`; its limits are read each time that
/// its view is shown. Of the limits on the way from the group up to the top of what is mounted the
/// smallest holds, with the use of the group that has it. A resource without a limit is shown as
/// the use that the process's own group makes of the machine's.
class cgroup_view {
  public:
    struct settings {
        /// Of process 1 when `root` is set, else of this process.
        roots where;

        scope_choice view = scope_choice::automatic;

        /// CPUs that this process may run on; 0 where that is not known.
        std::function<unsigned()> affinity;
    };

    explicit cgroup_view(settings s);

    /// Changes `scope`, `usable_cpus`, `cpu` and `memory` of `out`, which holds what the machine
    /// has. `source::cgroup` fails when a file of the group cannot be read or understood, and when
    /// the group was asked for and there is none.
    void update(clock const& time, read_buffer& buffer, sample& out);

    /// The pressure files of the group; null while its view is not shown, and in v1.
    psi_meter* pressure() { return shown_ && pressure_ ? &*pressure_ : nullptr; }

    /// Forgets the baselines.
    void reset();

  private:
    /// The files of one group on the way up.
    struct memory_level {
        optional_file limit, usage, stat, swap_limit, swap_usage;
    };
    struct cpu_level {
        optional_file quota, period, stat, usage;
    };

    /// A limit, and whose it is.
    template <class T>
    struct binding {
        std::optional<T> limit;
        std::size_t level = 0;
        bool known = true; // false: a limit could not be read
    };

    void look(read_buffer& buffer);
    void rebuild(std::string_view mountinfo, read_buffer& buffer);
    bool in_container(read_buffer& buffer) const;
    void add_memory_levels(cgroup_place const& place);
    void add_cpu_levels(cgroup_place const& place, std::optional<cgroup_place> const& usage);
    void apply(clock const& time, sample& out);

    binding<std::uint64_t> memory_limit(std::optional<memory_use> const& machine);
    binding<double> cpu_quota();
    std::optional<memory_use> memory_in(binding<std::uint64_t> const& b,
                                        std::optional<memory_use> const& machine);
    void add_swap(memory_level& l, binding<std::uint64_t> const& b, std::uint64_t usage,
                  memory_use const& machine, memory_use& mine);
    void show_cpu(clock const& time, binding<double> const& b, sample& out);

    /// Time used and time held back, in the units of the version.
    struct cpu_times {
        std::optional<std::uint64_t> used, throttled;
    };
    cpu_times times_of(cpu_level& l);

    /// The text of a file, nothing when there is none.
    std::optional<std::string_view> text_of(optional_file& f);

    /// The number that a file holds, or has after `key`.
    std::optional<std::uint64_t> number_in(optional_file& f, std::string_view key = {});

    settings settings_;
    file_reader cgroups_, mountinfo_;
    std::optional<time_point> looked_at_;
    std::string own_groups_; // /proc/PID/cgroup as it was
    std::optional<std::uint64_t> mounts_hash_;

    cgroup_version memory_version_ = cgroup_version::v2, cpu_version_ = cgroup_version::v2;
    std::vector<memory_level> memory_; // the process's own group first
    std::vector<cpu_level> cpu_;
    std::optional<psi_meter> pressure_;

    // Of the reading under way.
    read_buffer* buffer_ = nullptr;
    time_point at_{};
    bool trouble_ = false; // a file could not be read or understood
    bool gone_ = false;    // one that was there is not

    bool shown_ = false;
    rate_window window_;
    std::optional<std::size_t> usage_level_;
    std::optional<counter> usage_, throttled_;
};

/// CPUs that this process may run on, sched_getaffinity(2); 0 when the system does not tell.
unsigned affinity_of_this_process();

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/cgroup_view.ipp>
#endif

#endif
