#ifndef MAD_FLEET_IMPL_RULE_TEXT_IPP
#define MAD_FLEET_IMPL_RULE_TEXT_IPP

#include <mad/core/duration.hpp>
#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/rule_text.hpp>
#include <mad/fleet/search.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline std::string all_metrics() {
    std::string out;
    for (std::size_t i = 0; i < metric_count; ++i)
        out.append(i == 0 ? "" : " ").append(to_string(static_cast<metric>(i)));
    return out;
}

/// Names of rules stand in URLs and messages.
inline bool is_rule_name(std::string_view s) {
    return !s.empty() && s.size() <= 64 && std::all_of(s.begin(), s.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    });
}

/// What a duration is written as; the number is seconds.
inline std::optional<milliseconds> duration_of(field_value const& v) {
    if (auto const* const text = std::get_if<std::string>(&v))
        return parse_duration(*text);
    if (auto const* const number = std::get_if<double>(&v))
        if (*number >= 0 && *number <= 36e6)
            return milliseconds(std::llround(*number * 1'000));
    return std::nullopt;
}

inline std::optional<std::string> take_match(field_value const& v, host_match& into) {
    auto const* const text = std::get_if<std::string>(&v);
    if (!text)
        return "must be a search in quotes, as \"tag:db\"";
    return parse_match(*text, into);
}

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

/// Members of a JSON object as fields, with those that are none of ours noted.
template <class Writer>
void write_fields(std::string_view json, Writer& writer, std::string_view skip,
                  field_problems& problems) {
    auto const value_of = [](json_span v) -> std::optional<field_value> {
        auto const text = [](json_span s) {
            std::string out;
            json_unescape(s.text, out);
            return out;
        };
        if (v.kind == json_kind::boolean)
            return v.text == "true";
        if (v.kind == json_kind::string)
            return text(v);
        if (v.kind == json_kind::number) {
            double number = 0;
            (void)std::from_chars(v.text.data(), v.text.data() + v.text.size(), number);
            return number;
        }
        if (v.kind != json_kind::array)
            return std::nullopt;
        std::vector<std::string> list;
        bool texts = true;
        (void)for_each_element(v.text, {}, [&](json_span e) {
            texts = texts && e.kind == json_kind::string;
            list.push_back(text(e));
        });
        return texts ? std::optional<field_value>(std::move(list)) : std::nullopt;
    };
    field_problems found;
    auto const ok = scan_object(json, {}, [&](std::string_view raw, json_span v) {
        std::string key;
        json_unescape(raw, key);
        if (key == skip || v.kind == json_kind::null)
            return;
        auto const value = value_of(v);
        auto const why = value ? writer.set(key, *value)
                               : std::optional<std::string>("must be a text, a number, true or "
                                                            "false, or a list of texts");
        if (why)
            found.push_back({key, *why});
    });
    if (!ok)
        problems.push_back({"", "must be a JSON object: " + ok.error().message()});
    else
        problems.insert(problems.end(), found.begin(), found.end());
}

/// Members of the object that is written, commas between.
class member_writer {
  public:
    explicit member_writer(std::string& out)
        : out_(out) {
        out_ += '{';
    }
    std::string& operator()(std::string_view key) {
        if (out_.back() != '{')
            out_ += ',';
        return out_.append("\"").append(key).append("\":");
    }
    void text(std::string_view key, std::string_view v) { append_json_string((*this)(key), v); }
    void yes_no(std::string_view key, bool v) { (*this)(key) += v ? "true" : "false"; }

    template <class Number>
    void number(std::string_view key, std::optional<Number> const& v) {
        auto& out = (*this)(key);
        if (v)
            append_json_number(out, *v);
        else
            out += "null";
    }

  private:
    std::string& out_;
};

inline std::string offset_text(int minutes) {
    auto const two = [](int n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
    int const size = std::abs(minutes);
    return (minutes < 0 ? "-" : "+") + two(size / 60) + ":" + two(size % 60);
}

} // namespace detail

MAD_DECL std::optional<std::string> parse_match(std::string_view text, host_match& into) {
    auto found = parse_search(text);
    if (!found)
        return found.error().message();
    if (!found->lasting())
        return "must not depend on samples: write id:, name:, tag:, region:, os: and words";
    into = {};
    into.text = text;
    if (found->empty())
        return std::nullopt;
    into.fn = [by = std::make_shared<search const>(std::move(*found))](std::string_view id,
                                                                       host_facts const& f) {
        search_subject s;
        s.id = id;
        s.name = f.name;
        s.region = f.region;
        s.os = f.os;
        s.tags = f.tags;
        return by->matches(s);
    };
    return std::nullopt;
}

MAD_DECL rule_writer::rule_writer(rule base)
    : rule_(std::move(base)) {
    has_metric_ = rule_.warn || rule_.crit;
    if (auto const m = metric_of(rule_.name); m && !has_metric_) {
        rule_.what = *m;
        has_metric_ = true;
    }
}

MAD_DECL std::string_view rule_writer::fields() {
    return "name metric match warn crit below for clear clear_by own_limit enabled";
}

MAD_DECL std::optional<std::string> rule_writer::set(std::string_view field, field_value const& v) {
    auto const* const text = std::get_if<std::string>(&v);
    auto const* const number = std::get_if<double>(&v);
    auto const* const yes = std::get_if<bool>(&v);
    auto const limit = [&](std::optional<double>& into) -> std::optional<std::string> {
        if (number)
            into = *number;
        else if (yes && !*yes)
            into.reset();
        else
            return "must be a number, or false for none";
        return std::nullopt;
    };
    auto const switched = [&](bool& into) -> std::optional<std::string> {
        if (!yes)
            return "must be true or false";
        into = *yes;
        return std::nullopt;
    };
    auto const distance = [&](std::optional<double>& into) -> std::optional<std::string> {
        if (!number || *number < 0)
            return "must be a number that is not negative";
        into = *number;
        return std::nullopt;
    };
    if (field == "name") {
        if (!text || !detail::is_rule_name(*text))
            return "must be 1 to 64 letters, digits, '_', '-' or '.'";
        rule_.name = *text;
    } else if (field == "metric") {
        auto const m = text ? metric_of(*text) : std::nullopt;
        if (!m)
            return "must be one of " + detail::all_metrics();
        rule_.what = *m;
        has_metric_ = true;
    } else if (field == "match") {
        return detail::take_match(v, rule_.match);
    } else if (field == "warn") {
        return limit(rule_.warn);
    } else if (field == "crit") {
        return limit(rule_.crit);
    } else if (field == "below") {
        return switched(rule_.below);
    } else if (field == "enabled") {
        return switched(rule_.enabled);
    } else if (field == "for") {
        auto const d = detail::duration_of(v);
        if (!d || *d > std::chrono::hours(24))
            return "must be a duration up to 24h, as \"60s\"";
        rule_.hold = *d;
    } else if (field == "clear") {
        if (!number)
            return "must be a number: the value at which it is over";
        clear_ = *number;
    } else if (field == "clear_by") {
        return distance(rule_.clear_by);
    } else if (field == "own_limit") {
        return distance(rule_.own_limit);
    } else {
        return "unknown; there are " + std::string(fields());
    }
    return std::nullopt;
}

MAD_DECL rule rule_writer::finish(field_problems& problems) const {
    auto out = rule_;
    auto const wrong = [&](char const* field, std::string why) {
        problems.push_back({field, std::move(why)});
    };
    if (out.name.empty())
        wrong("name", "is missing: what notifications call it");
    if (!has_metric_)
        wrong("metric", "is missing: one of " + detail::all_metrics());
    if (out.own_limit && out.what != metric::temp)
        wrong("own_limit", "is for metric = \"temp\" alone: leave it out");
    if (!out.warn && !out.crit) {
        if (out.enabled)
            wrong("warn", "is missing, and so is crit: give one, or enabled = false");
        return out;
    }
    if (out.warn && out.crit && (out.below ? *out.warn < *out.crit : *out.warn > *out.crit))
        wrong("crit", std::string("must not be ") + (out.below ? "above" : "below") +
                          " warn, which comes first" +
                          (out.below ? "" : " (below = true: low values are the bad ones)"));
    if (clear_) {
        double const from = out.warn ? *out.warn : *out.crit;
        double const by = out.below ? *clear_ - from : from - *clear_;
        if (by < 0)
            wrong("clear", std::string("must be ") + (out.below ? "above" : "below") +
                               " the limit that it ends");
        out.clear_by = by;
    }
    return out;
}

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

MAD_DECL std::string to_json(rule const& r) {
    std::string out;
    detail::member_writer m(out);
    m.text("name", r.name);
    m.text("metric", to_string(r.what));
    m.number("warn", r.warn);
    m.number("crit", r.crit);
    m.number("for", std::optional(static_cast<double>(r.hold.count()) / 1'000));
    if (r.clear_by)
        m.number("clear_by", r.clear_by);
    if (r.below)
        m.yes_no("below", true);
    if (r.own_limit)
        m.number("own_limit", r.own_limit);
    m.text("match", r.match.text);
    m.yes_no("enabled", r.enabled);
    return out += '}';
}

MAD_DECL std::string to_json(mute const& u, std::int64_t now_ms) {
    auto const weekly = [](weekly_window const& w) {
        constexpr std::string_view days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
        std::string text;
        for (unsigned d = 0; d < 7 && w.days != 0x7f; ++d)
            if (w.days >> d & 1u)
                text.append(text.empty() ? "" : ",").append(days[d]);
        if (w.from == 0 && w.minutes == 1'440 && !text.empty())
            return text;
        auto const end = w.from + w.minutes;
        auto const time = [](unsigned t) { return detail::offset_text(int(t)).substr(1); };
        return text + (text.empty() ? "" : " ") + time(w.from) + "-" +
               time(end > 1'440 ? end - 1'440 : end);
    };
    std::string out;
    detail::member_writer m(out);
    m.text("id", u.id);
    m.text("match", u.match.text);
    m.number("from", u.from_ms);
    m.number("until", u.until_ms);
    auto& list = m("weekly") += '[';
    for (auto const& w : u.weekly) {
        if (list.back() != '[')
            list += ',';
        append_json_string(list, weekly(w));
    }
    list += ']';
    m.text("utc_offset", detail::offset_text(u.utc_offset));
    m.text("reason", u.reason);
    m.yes_no("active", u.active(now_ms));
    return out += '}';
}

MAD_DECL rule base_rule(std::string_view name, rule_set const& over) {
    rule const* found = nullptr;
    for (auto const& r : over.rules)
        if (r.name == name && (r.match.all() || !found || !found->match.all()))
            found = &r;
    auto out = found ? *found : rule();
    out.name = name;
    out.match = {};
    out.enabled = true;
    return out;
}

MAD_DECL std::optional<rule> parse_rule(std::string_view name, std::string_view json,
                                        rule_set const& over, field_problems& problems) {
    auto const before = problems.size();
    rule_writer w(base_rule(name, over));
    // Also of a base: names come in URLs.
    if (auto const why = w.set("name", std::string(name)))
        problems.push_back({"name", *why});
    detail::write_fields(json, w, "name", problems);
    auto out = w.finish(problems);
    if (problems.size() > before)
        return std::nullopt;
    return out;
}

MAD_DECL std::optional<mute> parse_mute(std::string_view id, std::string_view json,
                                        std::int64_t now_ms, field_problems& problems) {
    auto const before = problems.size();
    mute_writer w{std::string(id)};
    detail::write_fields(json, w, "id", problems);
    auto out = w.finish(now_ms, problems);
    if (problems.size() > before)
        return std::nullopt;
    return out;
}

MAD_DECL rule_set with_changes(rule_set set,
                               std::vector<std::pair<std::string, std::string>> const& changes) {
    auto const written = set;
    for (auto const& [name, json] : changes) {
        field_problems problems;
        if (auto r = parse_rule(name, json, written, problems))
            set.rules.push_back(std::move(*r));
    }
    return set;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
