#ifndef MAD_HOST_SENSOR_HPP
#define MAD_HOST_SENSOR_HPP

#include <mad/host/sample.hpp>

#include <optional>
#include <string_view>

namespace mad::inline MAD_ABI::host {

/// What a sensor without a limit of its own is held against, in degrees Celsius: where a
/// temperature is critical by default.
inline constexpr double assumed_limit_celsius = 95;

/// Degrees Celsius from what a sensor's file says in thousandths of them. Nothing for what is no
/// number, for -40 and below and 150 and above (an input with nothing connected, an error code),
/// and for 0 where `chip` is one of those that say it of inputs they lack. Example: `54000` is 54.
std::optional<double> sensor_celsius(std::string_view chip, std::string_view text);

/// The temperature that becomes dangerous, from the same kind of file. Nothing for 0 and below and
/// for 150 and above: what chips say of limits that nobody set.
std::optional<double> sensor_limit(std::string_view text);

/// Whether the chip is a disk that reading may wake: drivetemp.
bool is_disk_sensor(std::string_view chip);

/// Order of sensors: the one closest to its limit, or furthest beyond it, first. One without a
/// limit is held against `assumed_limit_celsius`, so where none has one the hottest is first.
bool is_more_urgent(temperature const& a, temperature const& b);

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/sensor.ipp>
#endif

#endif
