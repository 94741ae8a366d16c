#ifndef MAD_FLEET_IMPL_RULE_TEXT_IPP
#define MAD_FLEET_IMPL_RULE_TEXT_IPP

#include <mad/core/duration.hpp>
#include <mad/fleet/rule_json.hpp>
#include <mad/fleet/rule_text.hpp>

#include <algorithm>
#include <cmath>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline std::string all_metrics() {
    std::string out;
    for (std::size_t i = 0; i < metric_count; ++i)
        out.append(i == 0 ? "" : " ").append(to_string(static_cast<metric>(i)));
    return out;
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
    auto found = host_match_of(*text);
    if (!found)
        return found.error().message;
    into = std::move(*found);
    return std::nullopt;
}

} // namespace detail

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
        if (!text || !is_rule_name(*text))
            return "must be 1 to 64 letters, digits, '_', '-' or '.', not the last two in front";
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

} // namespace mad::inline MAD_ABI::fleet

#endif
