#ifndef MAD_HOST_DISKSTATS_HPP
#define MAD_HOST_DISKSTATS_HPP

#include <mad/config.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::host {

/// One line of /proc/diskstats. All count up since the device came, but `in_flight`. Sectors are
/// 512 bytes whatever the device says. Columns in ms are 32 bits wide on many kernels.
struct disk_stats {
    unsigned major = 0, minor = 0;

    /// Points into the text that was parsed.
    std::string_view name;

    std::uint64_t reads = 0, reads_merged = 0, sectors_read = 0, read_ms = 0;
    std::uint64_t writes = 0, writes_merged = 0, sectors_written = 0, write_ms = 0;
    std::uint64_t in_flight = 0, busy_ms = 0, weighted_ms = 0;
};

/// Fills `out` (its memory is reused). Lines with fewer than 11 counters are left out: partitions
/// of Linux before 2.6.25 have 4. What newer kernels add at the end (discards, flushes) is not
/// read. Example: `254 0 vda 59912 11464 4959146 14486 31508 58490 4060304 13055 0 9856 28453`
void parse_diskstats(std::string_view text, std::vector<disk_stats>& out);

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/diskstats.ipp>
#endif

#endif
