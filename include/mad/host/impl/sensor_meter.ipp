#ifndef MAD_HOST_IMPL_SENSOR_METER_IPP
#define MAD_HOST_IMPL_SENSOR_METER_IPP

#include <mad/host/delta.hpp>
#include <mad/host/scan.hpp>
#include <mad/host/sensor_meter.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::host {

namespace detail {

/// The number in `temp12_input`.
inline std::optional<unsigned> sensor_number(std::string_view file) {
    constexpr std::string_view head = "temp", tail = "_input";
    if (!file.starts_with(head) || !file.ends_with(tail) || file.size() < head.size() + tail.size())
        return std::nullopt;
    file.remove_prefix(head.size());
    file.remove_suffix(tail.size());
    return number_of<unsigned>(file);
}

/// Without blanks at its ends.
inline std::string_view bare(std::string_view s) {
    auto const from = s.find_first_not_of(" \t\r");
    if (from == s.npos)
        return {};
    return s.substr(from, s.find_last_not_of(" \t\r") + 1 - from);
}

/// Errors of a sensor that is well and has nothing to tell: radio off, device asleep.
inline bool is_silence(int error) {
    return error == EAGAIN || error == ENODATA || error == ENODEV || error == ENXIO ||
           error == EBUSY || error == EPERM;
}

} // namespace detail

MAD_DECL sensor_meter::directory::~directory() {
    if (fd_ >= 0)
        ::close(fd_);
}

MAD_DECL sensor_meter::sensor_meter(std::string const& sys, bool disks)
    : sys_(sys)
    , disks_(disks) {}

/// Adds a chip whose directory is held from now on; false when it cannot be opened.
MAD_DECL bool sensor_meter::hold(sensor_name const& name, sensor_name const& device,
                                 char const* path) {
    directory at(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (at.fd() < 0)
        return false;
    chips_.push_back({name, device, std::move(at)});
    return true;
}

MAD_DECL void sensor_meter::add_inputs(std::string_view entry, std::string_view below) {
    auto const first = inputs_.size();
    std::string_view const top = "/class/hwmon/";
    auto const add = [&](std::string_view file) {
        if (auto const n = detail::sensor_number(file); n && inputs_.size() < max_sensors) {
            input i;
            i.number = *n;
            inputs_.push_back(i);
        }
        return true;
    };
    sys_.for_each_entry({top, entry, below}, add);
    std::sort(inputs_.begin() + static_cast<std::ptrdiff_t>(first), inputs_.end(),
              [](auto const& a, auto const& b) { return a.number < b.number; });
    auto const mine = chips_.size() - 1;
    for (auto n = first; n < inputs_.size(); ++n) {
        auto& i = inputs_[n];
        i.chip = mine;
        char digits[16];
        auto const* end = std::to_chars(digits, digits + sizeof digits, *i.number).ptr;
        std::string_view const number(digits, static_cast<std::size_t>(end - digits));
        name_ = chips_[mine].name;
        name_ += ' ';
        auto const before = name_.size();
        name_ += detail::bare(sys_.line({top, entry, below, "/temp", number, "_label"}));
        if (name_.size() == before)
            (name_ += "temp") += number;
        i.name = std::string_view(name_);
        i.critical = sensor_limit(sys_.line({top, entry, below, "/temp", number, "_crit"}));
        if (!i.critical)
            i.critical = sensor_limit(sys_.line({top, entry, below, "/temp", number, "_max"}));
        i.has_fault_file = sys_.exists({top, entry, below, "/temp", number, "_fault"});
    }
}

MAD_DECL void sensor_meter::add_chip(std::string_view entry) {
    std::string_view const top = "/class/hwmon/";
    sensor_name name = detail::bare(sys_.line({top, entry, "/name"}));
    // Before Linux 3.15 most drivers had their files with the device.
    if (name.empty())
        name = detail::bare(sys_.line({top, entry, "/device/name"}));
    if (name.empty())
        name = entry;
    if (is_disk_sensor(name) && !disks_)
        return;
    sensor_name device = sys_.link_name({top, entry, "/device"});
    if (device.empty())
        device = entry;
    for (std::string_view below : {"", "/device"}) {
        auto const before = inputs_.size();
        if (!hold(name, device, sys_.path({top, entry, below})))
            continue;
        add_inputs(entry, below);
        if (inputs_.size() > before)
            return;
        chips_.pop_back();
    }
}

MAD_DECL std::optional<double> sensor_meter::zone_limit(std::string_view entry) {
    std::string_view const top = "/class/thermal/";
    for (char tens : {'0', '1'})
        for (char ones = '0'; ones <= '9'; ++ones) {
            char const digits[] = {tens, ones};
            std::string_view const number(digits + (tens == '0'), tens == '0' ? 1 : 2);
            auto const kind = sys_.line({top, entry, "/trip_point_", number, "_type"});
            if (kind.empty())
                return std::nullopt;
            if (detail::bare(kind) == "critical")
                return sensor_limit(sys_.line({top, entry, "/trip_point_", number, "_temp"}));
        }
    return std::nullopt;
}

MAD_DECL void sensor_meter::add_zone(std::string_view entry) {
    std::string_view const top = "/class/thermal/";
    if (!entry.starts_with("thermal_zone") || inputs_.size() == max_sensors ||
        !sys_.exists({top, entry, "/temp"}))
        return;
    sensor_name name = detail::bare(sys_.line({top, entry, "/type"}));
    if (name.empty())
        name = entry;
    sensor_name device = sys_.link_name({top, entry, "/device"});
    if (device.empty())
        device = entry;
    if (!hold(name, device, sys_.path({top, entry})))
        return;
    input i;
    i.chip = chips_.size() - 1;
    i.name = name;
    i.critical = zone_limit(entry);
    inputs_.push_back(i);
}

/// Two disks or two sockets have sensors of one name: their devices tell which is which.
MAD_DECL void sensor_meter::tell_apart() {
    for (std::size_t a = 0; a < inputs_.size(); ++a)
        for (std::size_t b = a + 1; b < inputs_.size(); ++b)
            if (inputs_[a].name == inputs_[b].name)
                inputs_[a].shares_name = inputs_[b].shares_name = true;
    for (auto& i : inputs_) {
        if (!i.shares_name)
            continue;
        name_ = i.name;
        name_ += ' ';
        name_ += chips_[i.chip].device;
        i.name = std::string_view(name_);
    }
}

MAD_DECL void sensor_meter::scan() {
    chips_.clear();
    inputs_.clear();
    auto const is_trouble = [](int error) {
        return error != 0 && error != ENOENT && error != ENOTDIR;
    };
    failed_ = is_trouble(sys_.for_each_entry({"/class/hwmon"}, [this](std::string_view entry) {
        add_chip(entry);
        return true;
    }));
    // The zones are mostly the same sensors, without names: only for want of anything better.
    if (inputs_.empty())
        sys_.for_each_entry({"/class/thermal"}, [this](std::string_view entry) {
            add_zone(entry);
            return true;
        });
    tell_apart();
}

/// What the file says now, by one read; empty when it says nothing.
MAD_DECL std::string_view sensor_meter::read_in(chip const& c, char const* file) {
    error_ = 0;
    int const fd = ::openat(c.at.fd(), file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        error_ = errno;
        gone_ = gone_ || error_ == ENOENT;
        return {};
    }
    auto const n = ::read(fd, text_, sizeof text_);
    if (n < 0)
        error_ = errno;
    ::close(fd);
    return n > 0 ? std::string_view(text_, static_cast<std::size_t>(n)) : std::string_view();
}

MAD_DECL void sensor_meter::read_all() {
    readings_.clear();
    bool trouble = false, answered = false;
    char file[32];
    for (auto const& i : inputs_) {
        auto const& c = chips_[i.chip];
        if (i.has_fault_file) {
            std::snprintf(file, sizeof file, "temp%u_fault", *i.number);
            auto text = read_in(c, file);
            if (next_word(text).starts_with('1'))
                continue;
        }
        if (i.number)
            std::snprintf(file, sizeof file, "temp%u_input", *i.number);
        else
            std::snprintf(file, sizeof file, "temp");
        auto const text = read_in(c, file);
        trouble = trouble || (error_ != 0 && error_ != ENOENT && !detail::is_silence(error_));
        answered = answered || error_ == 0;
        if (auto const celsius = sensor_celsius(c.name, text))
            readings_.push_back({i.name, *celsius, i.critical});
    }
    failed_ = failed_ || (trouble && !answered);
    std::sort(readings_.begin(), readings_.end(), is_more_urgent);
}

MAD_DECL void sensor_meter::update(time_point at, sample& out) {
    bool const due = !scanned_at_ || at - *scanned_at_ >= recheck_time;
    if (due || !read_at_ || at - *read_at_ >= sensor_time) {
        gone_ = false;
        if (due) {
            scan();
            scanned_at_ = at;
        }
        read_all();
        if (gone_) {
            scan();
            scanned_at_ = at;
            read_all();
        }
        read_at_ = at;
    }
    out.temperatures.assign(readings_.begin(), readings_.end());
    if (failed_)
        out.failed.add(source::temp);
}

} // namespace mad::inline MAD_ABI::host

#endif
