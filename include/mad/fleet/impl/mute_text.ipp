#ifndef MAD_FLEET_IMPL_MUTE_TEXT_IPP
#define MAD_FLEET_IMPL_MUTE_TEXT_IPP

#include <mad/fleet/impl/mutes.ipp>
#include <mad/fleet/impl/rule_text.ipp>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// Days from 1970-01-01 to that date of the Gregorian calendar.
inline std::int64_t days_to(int year, int month, int day) {
    // A year that begins in March: the leap day is its last.
    std::int64_t const y = month > 2 ? year : year - 1;
    auto const era = (y >= 0 ? y : y - 399) / 400;
    auto const of_era = y - era * 400;
    auto const of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

/// So many digits at the front of `s`, which are taken away.
inline std::optional<int> take_digits(std::string_view& s, std::size_t n) {
    if (s.size() < n)
        return std::nullopt;
    int v = 0;
    for (char const c : s.substr(0, n)) {
        if (c < '0' || c > '9')
            return std::nullopt;
        v = v * 10 + (c - '0');
    }
    s.remove_prefix(n);
    return v;
}

inline bool take_char(std::string_view& s, std::string_view any) {
    if (s.empty() || any.find(s.front()) == any.npos)
        return false;
    s.remove_prefix(1);
    return true;
}

/// `+HH:MM` or `-HH:MM`, all of `s`, as minutes.
inline std::optional<int> offset_of(std::string_view s) {
    if (s.empty() || (s.front() != '+' && s.front() != '-'))
        return std::nullopt;
    int const sign = s.front() == '-' ? -1 : 1;
    s.remove_prefix(1);
    auto const h = take_digits(s, 2);
    if (!h || !take_char(s, ":"))
        return std::nullopt;
    auto const m = take_digits(s, 2);
    if (!m || !s.empty() || *m > 59)
        return std::nullopt;
    int const all = sign * (*h * 60 + *m);
    return all < -720 || all > 840 ? std::nullopt : std::optional(all);
}

} // namespace detail

MAD_DECL mute_writer::mute_writer(std::string id) {
    mute_.id = std::move(id);
}

MAD_DECL std::string_view mute_writer::fields() {
    return "match from until for weekly utc_offset reason";
}

MAD_DECL std::optional<std::string> mute_writer::set(std::string_view field, field_value const& v) {
    auto const* const text = std::get_if<std::string>(&v);
    auto const time = [&](std::optional<std::int64_t>& into) -> std::optional<std::string> {
        if (auto const* const number = std::get_if<double>(&v);
            number && *number >= 0 && *number < 9e15)
            into = static_cast<std::int64_t>(*number);
        else if (auto const t = text ? parse_time(*text) : std::nullopt)
            into = *t;
        else
            return "must be a time, as 2025-12-24T22:00:00Z, or ms since 1970";
        return std::nullopt;
    };
    if (field == "match")
        return detail::take_match(v, mute_.match);
    if (field == "from")
        return time(mute_.from_ms);
    if (field == "until")
        return time(mute_.until_ms);
    if (field == "for") {
        auto const d = detail::duration_of(v);
        if (!d || d->count() == 0)
            return "must be a duration, as \"2h\"";
        lasts_ = *d;
    } else if (field == "weekly") {
        auto const* const list = std::get_if<std::vector<std::string>>(&v);
        std::vector<weekly_window> all;
        for (auto const& w : list ? *list : std::vector<std::string>{text ? *text : ""}) {
            auto const window = parse_weekly(w);
            if (!window)
                return "'" + w +
                       "' must be days, times or both, as \"sat,sun\", \"22:00-06:00\" "
                       "or \"mon-fri 22:00-06:00\"";
            all.push_back(*window);
        }
        mute_.weekly = std::move(all);
    } else if (field == "utc_offset") {
        auto const o = text ? detail::offset_of(*text) : std::nullopt;
        if (!o)
            return "must be from \"-12:00\" to \"+14:00\"";
        mute_.utc_offset = *o;
    } else if (field == "reason") {
        if (!text || text->size() > 500)
            return "must be a text of at most 500 bytes";
        mute_.reason = *text;
    } else {
        return "unknown; there are " + std::string(fields());
    }
    return std::nullopt;
}

MAD_DECL mute mute_writer::finish(std::int64_t now_ms, field_problems& problems) const {
    auto out = mute_;
    if (lasts_ && out.until_ms)
        problems.push_back({"for", "is there, and so is until: leave one out"});
    else if (lasts_)
        out.until_ms = out.from_ms.value_or(now_ms) + lasts_->count();
    if (out.from_ms && out.until_ms && *out.until_ms <= *out.from_ms)
        problems.push_back({"until", "must be after from"});
    return out;
}

MAD_DECL std::optional<std::int64_t> parse_time(std::string_view s) {
    auto const year = detail::take_digits(s, 4);
    if (!year || !detail::take_char(s, "-"))
        return std::nullopt;
    auto const month = detail::take_digits(s, 2);
    if (!month || *month < 1 || *month > 12 || !detail::take_char(s, "-"))
        return std::nullopt;
    auto const day = detail::take_digits(s, 2);
    bool const leap = (*year % 4 == 0 && *year % 100 != 0) || *year % 400 == 0;
    int const length = *month == 2 ? (leap ? 29 : 28)
                       : *month == 4 || *month == 6 || *month == 9 || *month == 11 ? 30
                                                                                   : 31;
    if (!day || *day < 1 || *day > length)
        return std::nullopt;
    auto ms = detail::days_to(*year, *month, *day) * detail::day_ms;
    if (s.empty())
        return ms;
    if (!detail::take_char(s, "Tt "))
        return std::nullopt;
    auto const hour = detail::take_digits(s, 2);
    if (!hour || *hour > 23 || !detail::take_char(s, ":"))
        return std::nullopt;
    auto const minute = detail::take_digits(s, 2);
    if (!minute || *minute > 59)
        return std::nullopt;
    ms += (*hour * 60 + *minute) * detail::minute_ms;
    if (detail::take_char(s, ":")) {
        auto const second = detail::take_digits(s, 2);
        if (!second || *second > 60)
            return std::nullopt;
        ms += *second * 1'000;
        if (detail::take_char(s, ".")) {
            int scale = 100;
            bool any = false;
            for (; !s.empty() && s.front() >= '0' && s.front() <= '9'; any = true) {
                ms += (s.front() - '0') * scale;
                scale /= 10;
                s.remove_prefix(1);
            }
            if (!any)
                return std::nullopt;
        }
    }
    if (s == "Z" || s == "z")
        return ms;
    auto const offset = detail::offset_of(s);
    if (!offset)
        return std::nullopt;
    return ms - *offset * detail::minute_ms;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
