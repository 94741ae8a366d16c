#ifndef MAD_FLEET_IMPL_RULE_JSON_IPP
#define MAD_FLEET_IMPL_RULE_JSON_IPP

#include <mad/core/json_text.hpp>
#include <mad/fleet/detail/member_reader.hpp>
#include <mad/fleet/host_row.hpp>
#include <mad/fleet/rule_json.hpp>
#include <mad/fleet/search.hpp>

#include <algorithm>
#include <array>
#include <memory>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline void append_clock_time(std::string& out, unsigned minute) {
    if (minute > 24 * 60)
        minute -= 24 * 60;
    for (unsigned const n : {minute / 60, minute % 60}) {
        out += static_cast<char>('0' + n / 10);
        out += static_cast<char>('0' + n % 10);
        out += ':';
    }
    out.pop_back();
}

/// As `parse_weekly` reads it.
inline std::string weekly_text(weekly_window const& w) {
    constexpr std::array<char const*, 7> days{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    std::string out;
    if ((w.days & 0x7f) != 0x7f)
        for (unsigned d = 0; d < 7; ++d)
            if (w.days >> d & 1)
                out.append(out.empty() ? "" : ",").append(days[d]);
    if (out.empty() || w.from != 0 || w.minutes != 24 * 60) {
        if (!out.empty())
            out += ' ';
        append_clock_time(out, w.from);
        out += '-';
        append_clock_time(out, w.from + w.minutes);
    }
    return out;
}

inline rule_result<mute> mute_from(std::string_view id, std::string_view text,
                                   std::optional<std::int64_t> now_ms) {
    constexpr std::array<std::string_view, 8> known{"match",  "from",       "until",  "for",
                                                    "weekly", "utc_offset", "reason", "id"};
    member_reader in(text, known);
    mute m;
    m.id = id;
    if (auto match = host_match_of(in.text("match", search::max_text)))
        m.match = std::move(*match);
    else
        in.make_no_sense("match", match.error().message);
    m.from_ms = in.whole("from", 0, last_ms);
    m.until_ms = in.whole("until", 0, last_ms);
    auto const length = in.number("for", 1, 366 * day_s);
    if (length && m.until_ms)
        in.fail("for", "cannot stand beside until");
    else if (length)
        m.until_ms =
            m.from_ms.value_or(now_ms.value_or(0)) + static_cast<std::int64_t>(*length * 1'000);
    if (m.until_ms && static_cast<double>(*m.until_ms) > last_ms)
        in.make_no_sense("for", "ends too late");
    if (now_ms && m.until_ms && *m.until_ms <= *now_ms)
        in.make_no_sense("until", "is over already");
    if (m.from_ms && m.until_ms && *m.until_ms <= *m.from_ms)
        in.make_no_sense("until", "must come after from");
    if (auto const* const weekly = in.at("weekly")) {
        if (!weekly->is_array() || weekly->empty() || weekly->size() > 16)
            in.fail("weekly", "must be a list of 1 to 16 windows such as \"sat 22:00-06:00\"");
        else
            for (auto const& w : *weekly) {
                auto const window = w.is_string() ? parse_weekly(w.get<std::string>())
                                                  : std::optional<weekly_window>();
                if (window)
                    m.weekly.push_back(*window);
                else if (!w.is_string())
                    in.fail("weekly", "must be a list of strings");
                else
                    in.make_no_sense("weekly", "a window is written as \"22:00-06:00\", "
                                               "\"sat,sun\" or \"mon-fri 22:00-06:00\"");
            }
    }
    m.utc_offset = static_cast<int>(in.whole("utc_offset", -720, 840).value_or(0));
    m.reason = in.text("reason", 500);
    if (!in.bad() && !m.until_ms && m.weekly.empty())
        in.fail("until", "say until when: until, for or weekly");
    if (in.bad())
        return in.problem();
    return m;
}

} // namespace detail

MAD_DECL bool is_rule_name(std::string_view s) {
    auto const letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    return !s.empty() && s.size() <= 64 && letter(s.front()) &&
           std::all_of(s.begin(), s.end(),
                       [&](char c) { return letter(c) || c == '.' || c == '-'; });
}

MAD_DECL rule_result<host_match> host_match_of(std::string_view text) {
    host_match out;
    auto parsed = parse_search(text);
    if (!parsed)
        return rule_problem{false, parsed.error().message()};
    if (!parsed->lasting())
        return rule_problem{false, "may look at id, name, tags, region and os only: the rest "
                                   "changes all the time"};
    out.text = text;
    if (parsed->empty())
        return out;
    out.fn = [s = std::make_shared<search const>(std::move(*parsed))](std::string_view id,
                                                                      host_facts const& f) {
        search_subject subject;
        subject.id = id;
        subject.name = f.name;
        subject.region = f.region;
        subject.os = f.os;
        subject.tags = f.tags;
        return s->matches(subject);
    };
    return out;
}

MAD_DECL rule_result<rule> parse_rule(std::string_view name, std::string_view text) {
    constexpr std::array<std::string_view, 11> known{"metric",  "below",    "warn",      "crit",
                                                     "for",     "clear_by", "own_limit", "match",
                                                     "enabled", "name",     "source"};
    constexpr double most = 1e15;
    detail::member_reader in(text, known);
    rule r;
    r.name = name;
    if (auto const what = metric_of(in.text("metric", 64)); what) {
        r.what = *what;
    } else if (!in.bad()) {
        std::string all;
        for (std::size_t i = 0; i < metric_count; ++i)
            all.append(all.empty() ? "" : ", ").append(to_string(static_cast<metric>(i)));
        in.fail("metric", "must be one of " + all);
    }
    r.below = in.boolean("below", false);
    r.warn = in.number("warn", -most, most);
    r.crit = in.number("crit", -most, most);
    r.hold = milliseconds(
        static_cast<std::int64_t>(in.number("for", 0, detail::day_s).value_or(0) * 1'000));
    r.clear_by = in.number("clear_by", 0, most);
    r.own_limit = in.number("own_limit", 0, most);
    if (r.own_limit && r.what != metric::temp)
        in.make_no_sense("own_limit", "is for temp alone");
    if (auto match = host_match_of(in.text("match", search::max_text)))
        r.match = std::move(*match);
    else
        in.make_no_sense("match", match.error().message);
    r.enabled = in.boolean("enabled", true);
    if (in.has("name") && in.text("name", 64) != name)
        in.make_no_sense("name", "is not the one in the path");
    if (!in.bad() && !r.warn && !r.crit)
        in.fail("warn", "give warn, crit or both");
    if (r.warn && r.crit && (r.below ? *r.crit > *r.warn : *r.crit < *r.warn))
        in.make_no_sense("crit", r.below ? "must not be above warn" : "must not be below warn");
    if (in.bad())
        return in.problem();
    return r;
}

MAD_DECL void append_rule_members(std::string& out, rule const& r) {
    out.append("\"name\":");
    append_json_string(out, r.name);
    detail::append_member(out, "metric", to_string(r.what));
    out.append(r.below ? ",\"below\":true" : ",\"below\":false");
    if (r.warn)
        detail::append_member(out, "warn", *r.warn);
    if (r.crit)
        detail::append_member(out, "crit", *r.crit);
    detail::append_member(out, "for", static_cast<double>(r.hold.count()) / 1'000);
    if (r.clear_by)
        detail::append_member(out, "clear_by", *r.clear_by);
    if (r.own_limit)
        detail::append_member(out, "own_limit", *r.own_limit);
    detail::append_member(out, "match", r.match.text);
    out.append(r.enabled ? ",\"enabled\":true" : ",\"enabled\":false");
}

MAD_DECL rule_result<mute> parse_mute(std::string_view id, std::string_view text,
                                      std::int64_t wall_ms) {
    return detail::mute_from(id, text, wall_ms);
}

MAD_DECL rule_result<mute> read_mute(std::string_view id, std::string_view text) {
    return detail::mute_from(id, text, std::nullopt);
}

MAD_DECL void append_mute_members(std::string& out, mute const& m) {
    out.append("\"id\":");
    append_json_string(out, m.id);
    detail::append_member(out, "match", m.match.text);
    if (m.from_ms)
        detail::append_member(out, "from", static_cast<double>(*m.from_ms));
    if (m.until_ms)
        detail::append_member(out, "until", static_cast<double>(*m.until_ms));
    if (!m.weekly.empty()) {
        out.append(",\"weekly\":[");
        for (auto const& w : m.weekly) {
            if (out.back() != '[')
                out += ',';
            append_json_string(out, detail::weekly_text(w));
        }
        out.append("],\"utc_offset\":");
        append_json_number(out, m.utc_offset);
    }
    detail::append_member(out, "reason", m.reason);
}

} // namespace mad::inline MAD_ABI::fleet

#endif
