#ifndef MAD_HOST_DISK_METER_HPP
#define MAD_HOST_DISK_METER_HPP

#include <mad/host/delta.hpp>
#include <mad/host/diskstats.hpp>
#include <mad/host/sample.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::host {

/// Highest rate of a disk that is believed, in bytes per second.
inline constexpr double max_disk_rate = 50e9;

/// What a line of diskstats is to the total.
enum class disk_role : std::uint8_t {
    ignored, ///< a partition, memory in disguise, a removable drive, a hidden path of another
    listed,  ///< made of other devices, which carry its traffic already
    counted,
};

/// Turns readings of /proc/diskstats into rates. A baseline belongs to a device number and name, so
/// a device that goes away or comes back never shows as a jump.
class disk_meter {
  public:
    /// Asked once for each new name, and again each `recheck_time`.
    using role_of = std::function<disk_role(std::string_view name)>;

    explicit disk_meter(role_of role)
        : role_(std::move(role)) {}

    /// Writes `io` and `disks` of `out`. The total is absent while no rate is known.
    void update(std::span<disk_stats const> now, time_point at, sample& out);

    /// Forgets the baselines, and what devices are.
    void reset();

  private:
    struct device {
        unsigned major = 0, minor = 0;
        disk_name name;
        disk_role role = disk_role::ignored;
        bool seen = false;
        bool fresh = true; // no baseline yet
        counter reads, sectors_read, read_ms, writes, sectors_written, write_ms, busy_ms,
            weighted_ms;
    };

    device& entry_for(disk_stats const& d, std::size_t hint);
    static disk_rates rates_of(device& mine, disk_stats const& d, duration elapsed);
    static void set_baseline(device& mine, disk_stats const& d);

    role_of role_;
    rate_window window_;
    std::optional<time_point> roles_asked_;
    std::vector<device> devices_;
};

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/disk_meter.ipp>
#endif

#endif
