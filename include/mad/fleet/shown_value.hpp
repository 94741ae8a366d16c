#ifndef MAD_FLEET_SHOWN_VALUE_HPP
#define MAD_FLEET_SHOWN_VALUE_HPP

#include <mad/fleet/reading.hpp>

#include <cmath>

namespace mad::inline MAD_ABI::fleet {

/// A number as rows, histories and searches have it: percents and degrees with one decimal, loads
/// with two, rates with three, counts and seconds with none.
inline double shown_value(metric m, double v) {
    switch (m) {
    case metric::network:
        return std::round(v * 1'000) / 1'000;
    case metric::load:
    case metric::load_per_cpu:
        return std::round(v * 100) / 100;
    case metric::uptime:
    case metric::read_only:
    case metric::turned_ro:
        return std::round(v);
    default:
        return std::round(v * 10) / 10;
    }
}

} // namespace mad::inline MAD_ABI::fleet

#endif
