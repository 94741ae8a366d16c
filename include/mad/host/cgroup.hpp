#ifndef MAD_HOST_CGROUP_HPP
#define MAD_HOST_CGROUP_HPP

#include <mad/host/mounts.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::host {

/// The two ways in which the kernel shows control groups. A hybrid system has both; a controller
/// (`cpu`, `memory`) is in one of them.
enum class cgroup_version : std::uint8_t { v1, v2 };

/// Where the files of a process's group are.
struct cgroup_place {
    cgroup_version version = cgroup_version::v2;

    /// Where the hierarchy is mounted. Example: `/sys/fs/cgroup/memory`
    std::string top;

    /// The group below it, empty for the top itself. Example: `/system.slice/cron.service`
    std::string path;
};

/// The path in a line of /proc/PID/cgroup: of the v1 hierarchy with this controller, or of v2 when
/// `controller` is empty. Example: `4:memory:/docker/8c1f` has `/docker/8c1f` for `memory`.
std::optional<std::string_view> cgroup_path_of(std::string_view text, std::string_view controller);

/// The group of the process whose /proc/PID/cgroup and mountinfo are given, in the hierarchy that
/// has the controller: v1 where one is mounted with it, else v2 (whether the controller is there
/// too shows in the files). Inside a cgroup namespace, and where the mount does not show the
/// process's own path, `path` is empty. Nothing without a mount.
std::optional<cgroup_place> find_cgroup(std::string_view cgroups,
                                        std::span<mount_entry const> mounts,
                                        std::string_view controller);

/// One number of bytes, or `max`, which is no limit: memory.max, memory.limit_in_bytes. False when
/// it is neither. (The largest number of v1 means none too; see whether it is above the memory.)
bool parse_cgroup_limit(std::string_view text, std::optional<std::uint64_t>& out);

/// CPUs that cpu.max leaves, nothing for `max`. False when it makes no sense. Example:
/// `50000 100000` is 0.5.
bool parse_cpu_max(std::string_view text, std::optional<double>& cpus);

/// The same for cpu.cfs_quota_us (negative: no limit) and cpu.cfs_period_us.
bool parse_cfs_quota(std::string_view quota, std::string_view period, std::optional<double>& cpus);

/// The number after `key` in a file of keys and values: memory.stat, cpu.stat.
std::optional<std::uint64_t> cgroup_stat_value(std::string_view text, std::string_view key);

/// Whether a path of a control group is one that container engines make. Example:
/// `/system.slice/docker-8c1f.scope`
bool names_container_engine(std::string_view cgroup_path);

/// Whether /proc/1/environ says that an engine started it (`container=`).
bool environ_names_container(std::string_view text);

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/cgroup.ipp>
#endif

#endif
