#ifndef MAD_HOST_IMPL_SENSOR_IPP
#define MAD_HOST_IMPL_SENSOR_IPP

#include <mad/host/scan.hpp>
#include <mad/host/sensor.hpp>

#include <algorithm>
#include <cstdint>

namespace mad::inline MAD_ABI::host {

namespace detail {

inline std::optional<std::int64_t> milli_degrees(std::string_view text) {
    auto line = next_line(text);
    return number_of<std::int64_t>(next_word(line));
}

/// Firmware's zones and the chips on mainboards have inputs that lead nowhere.
inline bool lies_with_zero(std::string_view chip) {
    constexpr std::string_view kinds[] = {"acpitz", "nct6", "nct7", "it8",  "w83",
                                          "f71",    "f81",  "sch5", "smsc", "asus"};
    return std::any_of(std::begin(kinds), std::end(kinds),
                       [&](auto kind) { return chip.starts_with(kind); });
}

inline double distance_to_limit(temperature const& t) {
    return t.critical.value_or(assumed_limit_celsius) - t.celsius;
}

} // namespace detail

MAD_DECL std::optional<double> sensor_celsius(std::string_view chip, std::string_view text) {
    auto const milli = detail::milli_degrees(text);
    if (!milli || *milli <= -40'000 || *milli >= 150'000)
        return std::nullopt;
    if (*milli == 0 && detail::lies_with_zero(chip))
        return std::nullopt;
    return static_cast<double>(*milli) / 1000;
}

MAD_DECL std::optional<double> sensor_limit(std::string_view text) {
    auto const milli = detail::milli_degrees(text);
    if (!milli || *milli <= 0 || *milli >= 150'000)
        return std::nullopt;
    return static_cast<double>(*milli) / 1000;
}

MAD_DECL bool is_disk_sensor(std::string_view chip) {
    return chip == "drivetemp";
}

MAD_DECL bool is_more_urgent(temperature const& a, temperature const& b) {
    auto const left_a = detail::distance_to_limit(a), left_b = detail::distance_to_limit(b);
    if (left_a != left_b)
        return left_a < left_b;
    return a.name.view() < b.name.view();
}

} // namespace mad::inline MAD_ABI::host

#endif
