#ifndef MAD_FLEET_IMPL_FEED_ROWS_IPP
#define MAD_FLEET_IMPL_FEED_ROWS_IPP

#include <mad/core/json_text.hpp>
#include <mad/fleet/console_feed.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline constexpr std::array<std::string_view, 19> default_columns{
    "id",   "state", "flags", "name", "region", "tags",  "storage", "network", "cpu", "mem",
    "load", "psi",   "up",    "seen", "rule",   "value", "limit",   "since",   "v"};

/// Whether the dead band of that metric is a part of its value.
inline bool is_rate(metric m) {
    return m == metric::network || m == metric::load || m == metric::load_per_cpu ||
           m == metric::clock;
}

inline void mix(std::uint64_t& h, std::uint64_t v) {
    h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
}

inline void mix(std::uint64_t& h, std::string_view text) {
    mix(h, std::hash<std::string_view>()(text));
}

} // namespace detail

MAD_DECL row_format::row_format() {
    for (auto const name : detail::default_columns)
        add(*field_of(name), name);
    names_ += ']';
}

MAD_DECL std::optional<row_format::field> row_format::field_of(std::string_view name) {
    static constexpr std::array<std::pair<std::string_view, column>, 19> words{{
        {"id", column::id},         {"state", column::state},   {"flags", column::flags},
        {"name", column::name},     {"region", column::region}, {"tags", column::tags},
        {"up", column::up},         {"seen", column::seen},     {"rule", column::rule},
        {"value", column::value},   {"limit", column::limit},   {"since", column::since},
        {"v", column::v},           {"os", column::os},         {"arch", column::arch},
        {"kernel", column::kernel}, {"agent", column::agent},   {"cpus", column::cpus},
        {"reason", column::reason},
    }};
    for (auto const& [word, c] : words)
        if (word == name)
            return field{c};
    auto const m = metric_of(name);
    if (!m || *m == metric::uptime || *m == metric::turned_ro)
        return std::nullopt;
    return field{column::number, *m};
}

MAD_DECL void row_format::add(field f, std::string_view name) {
    fields_.push_back(f);
    if (f.what == column::number || f.what == column::value || f.what == column::up)
        numbers_.push_back(f);
    names_ += names_.empty() ? '[' : ',';
    append_json_string(names_, name);
}

MAD_DECL std::optional<row_format> row_format::of(std::span<std::string const> names) {
    row_format out;
    out.fields_.clear();
    out.numbers_.clear();
    out.names_.clear();
    if (std::find(names.begin(), names.end(), "id") == names.end())
        out.add({column::id}, "id");
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto const f = field_of(names[i]);
        if (!f || std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i),
                            names[i]) != names.begin() + static_cast<std::ptrdiff_t>(i))
            return std::nullopt;
        out.add(*f, names[i]);
    }
    out.names_ += ']';
    return out;
}

MAD_DECL void row_format::read(host const& h, std::span<float> numbers) const {
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
        auto const& f = numbers_[i];
        if (f.what == column::value)
            numbers[i] = static_cast<float>(h.value);
        else
            numbers[i] = h.now.raw(f.what == column::up ? metric::uptime : f.number);
    }
}

MAD_DECL bool row_format::differ(std::span<float const> sent, std::span<float const> now) const {
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
        auto const a = sent[i], b = now[i];
        if (std::isnan(a) || std::isnan(b)) {
            if (std::isnan(a) != std::isnan(b))
                return true;
            continue;
        }
        auto const& f = numbers_[i];
        if (f.what == column::up) { // runs on by itself, unless the host was started anew
            if (b < a)
                return true;
        } else if (f.what == column::value || detail::is_rate(f.number)) {
            if (std::abs(a - b) > 0.01f * std::max(std::abs(a), 0.1f))
                return true;
        } else if (std::abs(a - b) > 0.0999f) {
            return true;
        }
    }
    return false;
}

MAD_DECL std::uint64_t row_format::words(host const& h) const {
    std::uint64_t out = static_cast<std::uint64_t>(h.state) << 16 | std::uint64_t{h.flags} << 8 |
                        std::uint64_t{h.now.modern};
    detail::mix(out, static_cast<std::uint64_t>(h.since_ms));
    detail::mix(out, h.rule);
    detail::mix(out, std::hash<double>()(h.limit));
    detail::mix(out, h.facts.name);
    detail::mix(out, h.facts.region);
    for (auto const& t : h.facts.tags)
        detail::mix(out, t);
    for (auto const& f : fields_) {
        if (f.what == column::os)
            detail::mix(out, h.facts.os);
        else if (f.what == column::arch)
            detail::mix(out, h.facts.arch);
        else if (f.what == column::kernel)
            detail::mix(out, h.facts.kernel);
        else if (f.what == column::agent)
            detail::mix(out, h.facts.agent);
        else if (f.what == column::cpus)
            detail::mix(out, std::uint64_t{h.facts.cpus});
        else if (f.what == column::reason)
            detail::mix(out, h.reason);
    }
    return out;
}

MAD_DECL void row_format::append(std::string& out, host const& h,
                                 std::span<float const> numbers) const {
    auto const number = [&out](metric m, float v) {
        if (std::isnan(v))
            out += "null";
        else
            append_json_number(out, shown_value(m, v));
    };
    auto const time = [&out](std::int64_t ms) {
        if (ms == 0)
            out += "null";
        else
            append_json_number(out, ms);
    };
    auto const word = [&out](std::string_view v) {
        if (v.empty())
            out += "null";
        else
            append_json_string(out, v);
    };
    bool const judged = !h.rule.empty();
    std::size_t n = 0;
    char before = '[';
    for (auto const& f : fields_) {
        out += before;
        before = ',';
        switch (f.what) {
        case column::id:
            append_json_string(out, h.id);
            break;
        case column::state:
            append_json_string(out, to_string(h.state));
            break;
        case column::flags:
            append_json_number(out, unsigned{h.flags});
            break;
        case column::name:
            word(h.facts.name);
            break;
        case column::region:
            word(h.facts.region);
            break;
        case column::tags: {
            out += '[';
            bool first = true;
            for (auto const& t : h.facts.tags) {
                if (!std::exchange(first, false))
                    out += ',';
                append_json_string(out, t);
            }
            out += ']';
            break;
        }
        case column::up:
            // As it is, not as it was sent last: it is no reason to send, but comes along.
            number(metric::uptime, h.now.raw(metric::uptime));
            ++n;
            break;
        case column::seen:
            time(h.seen_ms);
            break;
        case column::rule:
            word(h.rule);
            break;
        case column::value:
            if (judged)
                append_json_number(out, std::round(double{numbers[n]} * 1'000) / 1'000);
            else
                out += "null";
            ++n;
            break;
        case column::limit:
            if (judged)
                append_json_number(out, h.limit);
            else
                out += "null";
            break;
        case column::since:
            time(h.since_ms);
            break;
        case column::v:
            out += h.now.modern ? '2' : '1';
            break;
        case column::os:
            word(h.facts.os);
            break;
        case column::arch:
            word(h.facts.arch);
            break;
        case column::kernel:
            word(h.facts.kernel);
            break;
        case column::agent:
            word(h.facts.agent);
            break;
        case column::cpus:
            if (h.facts.cpus == 0)
                out += "null";
            else
                append_json_number(out, h.facts.cpus);
            break;
        case column::reason:
            word(h.reason);
            break;
        case column::number:
            number(f.number, numbers[n++]);
            break;
        }
    }
    out += ']';
}

} // namespace mad::inline MAD_ABI::fleet

#endif
