#ifndef MAD_CORE_DURATION_HPP
#define MAD_CORE_DURATION_HPP

#include <mad/core/clock.hpp>

#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI {

/// A duration as people write it: `300ms`, `25s`, `1.5m`, `24h`. A unit is needed, except for `0`.
/// Nothing for anything else, also for what is negative or over 10,000 hours.
inline std::optional<milliseconds> parse_duration(std::string_view text) {
    double number = 0;
    auto const* const end = text.data() + text.size();
    auto const r = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (r.ec != std::errc() || !(number >= 0))
        return std::nullopt;
    std::string_view const unit(r.ptr, static_cast<std::size_t>(end - r.ptr));
    double const scale = unit == "ms"  ? 1
                         : unit == "s" ? 1'000
                         : unit == "m" ? 60'000
                         : unit == "h" ? 3'600'000
                                       : 0;
    if (unit.empty() && number == 0)
        return milliseconds(0);
    double const ms = number * scale;
    if (scale == 0 || ms > 36e9)
        return std::nullopt;
    return milliseconds(std::llround(ms));
}

/// The shortest way to write it: `300ms`, `25s`, `24h`.
inline std::string format_duration(milliseconds d) {
    auto const ms = d.count();
    if (ms != 0 && ms % 3'600'000 == 0)
        return std::to_string(ms / 3'600'000) + "h";
    if (ms != 0 && ms % 60'000 == 0)
        return std::to_string(ms / 60'000) + "m";
    if (ms % 1'000 == 0)
        return std::to_string(ms / 1'000) + "s";
    return std::to_string(ms) + "ms";
}

} // namespace mad::inline MAD_ABI

#endif
