#ifndef MAD_FLEET_IMPL_HOST_ROW_IPP
#define MAD_FLEET_IMPL_HOST_ROW_IPP

#include <mad/core/json_text.hpp>
#include <mad/fleet/host_row.hpp>
#include <mad/fleet/shown_value.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline constexpr std::array<std::string_view, host_column_count> host_column_names{
    "id",   "state", "flags", "name", "region", "tags",  "storage", "network", "cpu", "mem",
    "load", "psi",   "up",    "seen", "rule",   "value", "limit",   "since",   "v"};

/// The metric of a column that shows one.
constexpr std::optional<metric> metric_in(host_column c) {
    switch (c) {
    case host_column::storage:
        return metric::storage;
    case host_column::network:
        return metric::network;
    case host_column::cpu:
        return metric::cpu;
    case host_column::mem:
        return metric::mem;
    case host_column::load:
        return metric::load;
    case host_column::psi:
        return metric::psi;
    case host_column::up:
        return metric::uptime;
    default:
        return std::nullopt;
    }
}

/// A number with at most three decimals: agents send no more, and of a float the rest is noise.
/// Several times as fast as the shortest digits of any double, of which a list has many.
inline void append_short(std::string& out, double value) {
    if (!(std::abs(value) < 1e12))
        return append_json_number(out, value);
    auto const n = std::llround(std::abs(value) * 1'000);
    if (value < 0 && n != 0)
        out += '-';
    append_json_number(out, n / 1'000);
    if (auto const rest = n % 1'000) {
        out += '.';
        out += static_cast<char>('0' + rest / 100);
        if (rest % 100)
            out += static_cast<char>('0' + rest / 10 % 10);
        if (rest % 10)
            out += static_cast<char>('0' + rest % 10);
    }
}

/// False: unknown.
inline bool append_number_of(std::string& out, host const& h, host_column c) {
    switch (c) {
    case host_column::flags:
        append_json_number(out, unsigned{h.flags});
        return true;
    case host_column::seen:
        if (h.seen_ms == 0)
            return false;
        append_json_number(out, h.seen_ms);
        return true;
    case host_column::since:
        if (h.since_ms == 0)
            return false;
        append_json_number(out, h.since_ms);
        return true;
    case host_column::v:
        append_json_number(out, h.now.modern ? 2 : 1);
        return true;
    case host_column::value:
    case host_column::limit:
        if (h.rule.empty())
            return false;
        append_short(out, c == host_column::value ? h.value : h.limit);
        return true;
    default:
        break;
    }
    auto const m = metric_in(c);
    auto const v = m ? h.now.get(*m) : std::nullopt;
    if (v)
        append_short(out, shown_value(*m, *v));
    return v.has_value();
}

inline std::optional<std::string_view> text_of(host const& h, host_column c) {
    switch (c) {
    case host_column::id:
        return h.id;
    case host_column::state:
        return to_string(h.state);
    case host_column::name:
        return h.facts.name;
    case host_column::region:
        return h.facts.region;
    case host_column::rule:
        return h.rule;
    default:
        return std::nullopt;
    }
}

} // namespace detail

MAD_DECL std::string_view to_string(host_column c) {
    auto const at = static_cast<std::size_t>(c);
    return at < host_column_count ? detail::host_column_names[at] : std::string_view("unknown");
}

MAD_DECL std::optional<host_column> host_column_of(std::string_view name) {
    auto const& all = detail::host_column_names;
    auto const at = std::find(all.begin(), all.end(), name);
    if (at == all.end())
        return std::nullopt;
    return static_cast<host_column>(at - all.begin());
}

MAD_DECL std::optional<double> host_number(host const& h, host_column c) {
    switch (c) {
    case host_column::state:
        return severity(h.state);
    case host_column::seen:
        return h.seen_ms ? std::optional<double>(static_cast<double>(h.seen_ms)) : std::nullopt;
    case host_column::since:
        return h.since_ms ? std::optional<double>(static_cast<double>(h.since_ms)) : std::nullopt;
    default:
        break;
    }
    auto const m = detail::metric_in(c);
    return m ? h.now.get(*m) : std::nullopt;
}

MAD_DECL void append_host_json(std::string& out, host const& h, host_columns columns,
                               std::string_view more) {
    char before = '{';
    for (std::size_t i = 0; i < host_column_count; ++i) {
        auto const c = static_cast<host_column>(i);
        if (!(columns & bit_of(c)))
            continue;
        out += before;
        before = ',';
        out.append("\"").append(to_string(c)).append("\":");
        if (c == host_column::tags) {
            out += '[';
            for (auto const& tag : h.facts.tags) {
                if (out.back() != '[')
                    out += ',';
                append_json_string(out, tag);
            }
            out += ']';
        } else if (auto const text = detail::text_of(h, c)) {
            if (text->empty() && c != host_column::id)
                out.append("null");
            else
                append_json_string(out, *text);
        } else if (!detail::append_number_of(out, h, c)) {
            out.append("null");
        }
    }
    if (before == '{')
        out += '{';
    out.append(more);
    out += '}';
}

MAD_DECL void append_csv_text(std::string& out, std::string_view text) {
    bool const formula =
        !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
    if (!formula && text.find_first_of("\",\r\n") == text.npos) {
        out.append(text);
        return;
    }
    out.append(formula ? "\"'" : "\"");
    for (char const c : text) {
        if (c == '"')
            out += '"';
        out += c;
    }
    out += '"';
}

MAD_DECL void append_csv_head(std::string& out, host_columns columns) {
    auto const start = out.size();
    for (std::size_t i = 0; i < host_column_count; ++i) {
        auto const c = static_cast<host_column>(i);
        if (!(columns & bit_of(c)))
            continue;
        if (out.size() > start)
            out += ',';
        out.append(to_string(c));
    }
    out.append("\r\n");
}

MAD_DECL void append_csv_row(std::string& out, host const& h, host_columns columns) {
    bool first = true;
    for (std::size_t i = 0; i < host_column_count; ++i) {
        auto const c = static_cast<host_column>(i);
        if (!(columns & bit_of(c)))
            continue;
        if (!std::exchange(first, false))
            out += ',';
        if (c == host_column::tags) {
            std::string all;
            for (auto const& tag : h.facts.tags)
                all.append(all.empty() ? "" : " ").append(tag);
            append_csv_text(out, all);
        } else if (auto const text = detail::text_of(h, c)) {
            append_csv_text(out, *text);
        } else {
            detail::append_number_of(out, h, c);
        }
    }
    out.append("\r\n");
}

MAD_DECL search_subject subject_of(host const& h) {
    search_subject s;
    s.id = h.id;
    s.name = h.facts.name;
    s.region = h.facts.region;
    s.os = h.facts.os;
    s.tags = h.facts.tags;
    s.state = h.state;
    s.flags = h.flags;
    constexpr std::array<metric, search_subject::numbers> shown{
        metric::storage, metric::network, metric::cpu,   metric::mem,
        metric::load,    metric::psi,     metric::uptime};
    for (std::size_t i = 0; i < shown.size(); ++i)
        if (auto const v = h.now.get(shown[i]))
            s.values[i] = shown_value(shown[i], *v);
    return s;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
