#ifndef MAD_HOST_SENSOR_METER_HPP
#define MAD_HOST_SENSOR_METER_HPP

#include <mad/core/clock.hpp>
#include <mad/host/sample.hpp>
#include <mad/host/sensor.hpp>
#include <mad/host/sysfs.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::host {

/// How often sensors are read: some take milliseconds to answer.
inline constexpr seconds sensor_time{10};

/// Most sensors that are looked at; two processors of 64 cores have some 140.
inline constexpr std::size_t max_sensors = 256;

/// Reads the temperatures of hwmon, or where that has none, of the thermal zones. A sensor belongs
/// to a chip, and a chip is known by its name and its device, not by its number, which changes from
/// boot to boot: its directory is held open (one descriptor a chip), and what comes later under the
/// same number is another one. Looks anew for chips each `recheck_time`, and when one goes.
class sensor_meter {
  public:
    /// `sys`: where sysfs is. `disks`: read drivetemp too.
    sensor_meter(std::string const& sys, bool disks);

    /// Writes `temperatures` of `out`: what was read last, at most `sensor_time` ago. A sensor that
    /// says it is at fault, has no answer ready or an impossible one is left out.
    void update(time_point at, sample& out);

    /// Reads at the next call: the machine slept.
    void reset() { read_at_.reset(); }

  private:
    /// A directory that was opened.
    class directory {
      public:
        explicit directory(int fd = -1)
            : fd_(fd) {}
        directory(directory&& o) noexcept
            : fd_(std::exchange(o.fd_, -1)) {}
        directory& operator=(directory&& o) noexcept {
            std::swap(fd_, o.fd_);
            return *this;
        }
        ~directory();

        int fd() const { return fd_; }

      private:
        int fd_;
    };

    struct chip {
        sensor_name name, device;
        directory at;
    };

    struct input {
        std::size_t chip = 0;
        std::optional<unsigned> number; // none: a thermal zone
        sensor_name name;
        std::optional<double> critical;
        bool has_fault_file = false;
        bool shares_name = false;
    };

    void scan();
    void add_chip(std::string_view entry);
    void add_inputs(std::string_view entry, std::string_view below);
    void add_zone(std::string_view entry);
    std::optional<double> zone_limit(std::string_view entry);
    bool hold(sensor_name const& name, sensor_name const& device, char const* path);
    void tell_apart();
    void read_all();
    std::string_view read_in(chip const& c, char const* file);

    sysfs sys_;
    bool disks_;
    std::string name_; // reused
    std::vector<chip> chips_;
    std::vector<input> inputs_;
    std::vector<temperature> readings_;
    std::optional<time_point> scanned_at_, read_at_;
    bool gone_ = false;   // a file that was there is not
    bool failed_ = false; // hwmon cannot be listed, or no sensor can be read
    int error_ = 0;       // errno of the last file
    char text_[64] = {};
};

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/sensor_meter.ipp>
#endif

#endif
