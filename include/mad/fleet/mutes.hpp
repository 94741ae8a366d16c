#ifndef MAD_FLEET_MUTES_HPP
#define MAD_FLEET_MUTES_HPP

#include <mad/config.hpp>
#include <mad/fleet/rules.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// A time of each week, in minutes: days on which it begins, when, and for how long.
struct weekly_window {
    std::uint8_t days = 0x7f;   ///< bit 0: Monday
    unsigned from = 0;          ///< minute of the day, 0 to 1439
    unsigned minutes = 24 * 60; ///< 1 to 1440; it may reach into the next day
};

/// Reads `sat,sun`, `22:00-06:00`, `mon-fri 22:00-06:00`: days, times or both. Nothing for
/// anything else. A window that ends before it begins ends on the next day.
std::optional<weekly_window> parse_weekly(std::string_view text);

/// When nobody is notified of some hosts: planned work.
struct mute {
    std::string id;
    host_match match;

    /// Wall clock in ms, the end excluded. Nothing: open.
    std::optional<std::int64_t> from_ms, until_ms;

    /// Within these times only; empty: all the time.
    std::vector<weekly_window> weekly;

    /// What the weekly times are ahead of UTC, in minutes (-720 to 840). Default UTC, as all nodes
    /// must agree wherever they stand.
    int utc_offset = 0;

    std::string reason;

    bool active(std::int64_t wall_ms) const;

    /// When that changes next, as far as one can see: never too late, at most a week ahead.
    /// Nothing: never.
    std::optional<std::int64_t> next_change(std::int64_t wall_ms) const;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/mutes.ipp>
#endif

#endif
