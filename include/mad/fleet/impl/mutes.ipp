#ifndef MAD_FLEET_IMPL_MUTES_IPP
#define MAD_FLEET_IMPL_MUTES_IPP

#include <mad/fleet/mutes.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline constexpr std::int64_t minute_ms = 60'000, day_ms = 24 * 60 * minute_ms,
                              week_ms = 7 * day_ms;

inline std::optional<unsigned> day_of(std::string_view word) {
    constexpr std::array<std::string_view, 7> days{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    auto const it = std::find(days.begin(), days.end(), word);
    if (it == days.end())
        return std::nullopt;
    return static_cast<unsigned>(it - days.begin());
}

/// `mon`, `sat,sun`, `mon-fri`, `fri-mon` as bits; 0: it is none of these.
inline std::uint8_t days_of(std::string_view text) {
    unsigned bits = 0;
    for (;;) {
        auto const comma = text.find(',');
        auto const part = text.substr(0, comma);
        auto const dash = part.find('-');
        auto const first = day_of(part.substr(0, dash));
        auto const last = dash == part.npos ? first : day_of(part.substr(dash + 1));
        if (!first || !last)
            return 0;
        for (unsigned d = *first;; d = (d + 1) % 7) {
            bits |= 1u << d;
            if (d == *last)
                break;
        }
        if (comma == text.npos)
            return static_cast<std::uint8_t>(bits);
        text.remove_prefix(comma + 1);
    }
}

/// `HH:MM` as minutes, up to 24:00.
inline std::optional<unsigned> time_of_day(std::string_view text) {
    auto const number = [](std::string_view digits) -> std::optional<unsigned> {
        unsigned v = 0;
        auto const* const end = digits.data() + digits.size();
        auto const r = std::from_chars(digits.data(), end, v);
        if (digits.size() != 2 || r.ec != std::errc() || r.ptr != end)
            return std::nullopt;
        return v;
    };
    if (text.size() != 5 || text[2] != ':')
        return std::nullopt;
    auto const h = number(text.substr(0, 2)), m = number(text.substr(3));
    if (!h || !m || *m > 59 || *h * 60 + *m > 24 * 60)
        return std::nullopt;
    return *h * 60 + *m;
}

/// How long ago, in ms, the window began for the last time; below a week.
template <class Fn>
void each_start(weekly_window const& w, Fn&& fn) {
    for (unsigned d = 0; d < 7; ++d)
        if (w.days >> d & 1u)
            fn(std::int64_t(d) * day_ms + std::int64_t(w.from) * minute_ms);
}

/// ms since Monday, 00:00. The first of January 1970 was a Thursday.
inline std::int64_t time_of_week(std::int64_t wall_ms, int utc_offset) {
    auto const t = (wall_ms + utc_offset * minute_ms + 3 * day_ms) % week_ms;
    return t < 0 ? t + week_ms : t;
}

} // namespace detail

MAD_DECL std::optional<weekly_window> parse_weekly(std::string_view text) {
    weekly_window out;
    bool days = false, times = false;
    while (!text.empty()) {
        auto const blank = text.find(' ');
        auto const word = text.substr(0, blank);
        text = blank == text.npos ? std::string_view() : text.substr(blank + 1);
        if (word.empty())
            continue;
        if (word.find(':') == word.npos) {
            out.days = detail::days_of(word);
            if (out.days == 0 || std::exchange(days, true) || times)
                return std::nullopt;
            continue;
        }
        auto const dash = word.find('-');
        auto const from = detail::time_of_day(word.substr(0, dash));
        auto const to =
            dash == word.npos ? std::nullopt : detail::time_of_day(word.substr(dash + 1));
        if (!from || !to || *from == *to || *from == 24 * 60 || std::exchange(times, true))
            return std::nullopt;
        out.from = *from;
        out.minutes = *to > *from ? *to - *from : 24 * 60 - *from + *to;
    }
    if (!days && !times)
        return std::nullopt;
    return out;
}

MAD_DECL bool mute::active(std::int64_t wall_ms) const {
    if ((from_ms && wall_ms < *from_ms) || (until_ms && wall_ms >= *until_ms))
        return false;
    if (weekly.empty())
        return true;
    auto const t = detail::time_of_week(wall_ms, utc_offset);
    bool in = false;
    for (auto const& w : weekly)
        detail::each_start(w, [&](std::int64_t start) {
            auto const ago = (t - start + detail::week_ms) % detail::week_ms;
            in = in || ago < w.minutes * detail::minute_ms;
        });
    return in;
}

MAD_DECL std::optional<std::int64_t> mute::next_change(std::int64_t wall_ms) const {
    std::optional<std::int64_t> next;
    auto const at = [&](std::int64_t t) {
        if (t > wall_ms)
            next = next ? std::min(*next, t) : t;
    };
    if (until_ms && wall_ms >= *until_ms)
        return next;
    if (from_ms)
        at(*from_ms);
    if (until_ms)
        at(*until_ms);
    auto const t = detail::time_of_week(wall_ms, utc_offset);
    for (auto const& w : weekly)
        detail::each_start(w, [&](std::int64_t start) {
            for (auto const edge : {start, start + w.minutes * detail::minute_ms}) {
                auto const ahead =
                    ((edge - t) % detail::week_ms + detail::week_ms) % detail::week_ms;
                at(wall_ms + (ahead == 0 ? detail::week_ms : ahead));
            }
        });
    return next;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
