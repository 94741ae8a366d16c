#ifndef MAD_HOST_MEMINFO_HPP
#define MAD_HOST_MEMINFO_HPP

#include <mad/host/sample.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace mad::inline MAD_ABI::host {

/// The lines of /proc/meminfo that matter, in bytes (its `kB` means 1024). Lines come and go with
/// kernels, so each may be absent.
struct meminfo {
    std::optional<std::uint64_t> total, free, available, buffers, cached, reclaimable, shared;
    std::optional<std::uint64_t> swap_total, swap_free;
};

/// Fills `out` from /proc/meminfo; false when it does not tell the total.
bool parse_meminfo(std::string_view text, meminfo& out);

/// How large the file cache of ZFS is and how small it may become, in bytes: memory that is given
/// back when asked for, though meminfo counts it as used.
struct arc_size {
    std::uint64_t size = 0, least = 0;
};

/// The rows `size` and `c_min` of /proc/spl/kstat/zfs/arcstats.
std::optional<arc_size> parse_arcstats(std::string_view text);

/// Memory as a sample tells it. Without MemAvailable (before Linux 3.14) what is free, cached or
/// reclaimable and not shared counts as available. Nothing when the total is unknown or 0, or when
/// neither way can be gone.
std::optional<memory_use> memory_of(meminfo const&, std::optional<arc_size> const& = {});

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/meminfo.ipp>
#endif

#endif
