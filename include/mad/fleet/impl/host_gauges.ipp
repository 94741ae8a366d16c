#ifndef MAD_FLEET_IMPL_HOST_GAUGES_IPP
#define MAD_FLEET_IMPL_HOST_GAUGES_IPP

#include <mad/core/json_text.hpp>
#include <mad/fleet/host_gauges.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// A gauge of each host. Names and units as Prometheus has them, ratios and base units, and as the
/// agent's own metrics (host_metrics.hpp), so that one dashboard fits both.
struct host_gauge {
    std::string_view name, unit, help;
    metric what;
    double factor;
    std::string_view labels = {}; ///< beside those of the host
};

inline constexpr std::array host_gauges{
    host_gauge{"mad_host_storage_used_ratio", "ratio", "Used part of the fullest local filesystem.",
               metric::storage, 0.01},
    host_gauge{"mad_host_inodes_used_ratio", "ratio",
               "Used inodes of the filesystem with the fewest.", metric::inodes, 0.01},
    host_gauge{"mad_host_network_bytes_per_second", "bytes_per_second", "Traffic, both directions.",
               metric::network, 125'000},
    host_gauge{"mad_host_cpu_busy_ratio", "ratio", "Busy part of the processors.", metric::cpu,
               0.01},
    host_gauge{"mad_host_cpu_steal_ratio", "ratio", "Part that the hypervisor kept.", metric::steal,
               0.01},
    host_gauge{"mad_host_memory_used_ratio", "ratio", "Used memory.", metric::mem, 0.01},
    host_gauge{"mad_host_swap_used_ratio", "ratio", "Used swap space.", metric::swap, 0.01},
    host_gauge{"mad_host_load1", "", "Load average over a minute.", metric::load, 1},
    host_gauge{"mad_host_pressure_ratio", "ratio",
               "Share of time in which some tasks, or all, waited for a resource.", metric::psi_cpu,
               0.01, R"(,resource="cpu",tasks="some"})"},
    host_gauge{"mad_host_pressure_ratio", "ratio",
               "Share of time in which some tasks, or all, waited for a resource.", metric::psi_mem,
               0.01, R"(,resource="memory",tasks="full"})"},
    host_gauge{"mad_host_pressure_ratio", "ratio",
               "Share of time in which some tasks, or all, waited for a resource.", metric::psi_io,
               0.01, R"(,resource="io",tasks="full"})"},
    host_gauge{"mad_host_temperature_celsius", "celsius", "The most urgent sensor.", metric::temp,
               1},
    host_gauge{"mad_host_read_only_filesystems", "", "Local filesystems mounted read-only.",
               metric::read_only, 1},
    host_gauge{"mad_host_clock_offset_seconds", "seconds",
               "Between the clocks of the host and of this node.", metric::clock, 1},
    host_gauge{"mad_host_uptime_seconds", "seconds", "Since the host was started.", metric::uptime,
               1},
};

inline void append_label_value(std::string& out, std::string_view text) {
    out += '"';
    for (char const c : text) {
        if (c == '\\' || c == '"')
            out += '\\';
        if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    out += '"';
}

/// What a host has behind `key:`; empty: nothing.
inline std::string_view label_of(host const& h, std::string_view key) {
    for (std::string_view const tag : h.facts.tags)
        if (tag.size() > key.size() && tag[key.size()] == ':' && tag.starts_with(key))
            return tag.substr(key.size() + 1);
    return key == "region" ? std::string_view(h.facts.region) : std::string_view();
}

/// `{id="web-1",role="web"}`; what is empty is no label, as nothing tells the two apart.
inline std::string labels_of(host const& h, std::vector<std::string> const& keys) {
    std::string out = "{id=";
    append_label_value(out, h.id);
    for (auto const& key : keys)
        if (auto const value = label_of(h, key); !value.empty())
            append_label_value(out.append(",").append(key).append("="), value);
    return out += '}';
}

inline void append_gauge_head(std::string& out, std::string_view name, std::string_view unit,
                              std::string_view help) {
    out.append("# TYPE ").append(name).append(" gauge\n");
    if (!unit.empty())
        out.append("# UNIT ").append(name).append(" ").append(unit).append("\n");
    out.append("# HELP ").append(name).append(" ").append(help).append("\n");
}

/// Numbers of samples are floats with at most three decimals; the rest is noise.
inline void append_gauge_value(std::string& out, double value) {
    char digits[32];
    auto const v = static_cast<float>(value);
    out.append(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
}

} // namespace detail

MAD_DECL std::string judge_label_keys(std::vector<std::string> const& keys) {
    if (keys.size() > 8)
        return "at most 8 keys of tags become labels";
    for (std::size_t i = 0; i < keys.size(); ++i) {
        auto const& k = keys[i];
        auto const first = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
        auto const any = [&](char c) { return first(c) || (c >= '0' && c <= '9') || c == '_'; };
        if (k.empty() || k.size() > 64 || !first(k.front()) ||
            !std::all_of(k.begin(), k.end(), any))
            return "'" + k + "' is no name of a label: letters, digits and _, a letter first";
        if (k == "id" || k == "le" || k == "resource" || k == "tasks")
            return "'" + k + "' has a meaning already";
        if (std::find(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(i), k) !=
            keys.begin() + static_cast<std::ptrdiff_t>(i))
            return "'" + k + "' comes twice";
    }
    return {};
}

MAD_DECL void append_fleet_gauges(std::string& out, fleet_view const& view) {
    std::array<std::size_t, host_state_count> counts{};
    view.each([&](host const& h) { ++counts[static_cast<std::size_t>(h.state)]; });
    detail::append_gauge_head(out, "mad_fleet_hosts", "", "Hosts by state.");
    for (std::size_t i = 0; i < counts.size(); ++i) {
        out.append("mad_fleet_hosts{state=\"").append(to_string(static_cast<host_state>(i)));
        append_json_number(out += "\"} ", counts[i]);
        out += '\n';
    }
}

MAD_DECL void append_host_gauges(std::string& out, fleet_view const& view,
                                 host_gauge_settings const& s, gauge_hosts which,
                                 std::function<bool(host const&)> const& seen) {
    std::vector<std::pair<host const*, std::string>> shown;
    std::size_t left_out = 0;
    view.each([&](host const& h) {
        if (h.state == host_state::stale || h.state == host_state::offline ||
            (which == gauge_hosts::own && !h.own) || (seen && !seen(h)))
            return;
        if (shown.size() < s.max_hosts)
            shown.emplace_back(&h, detail::labels_of(h, s.tags));
        else
            ++left_out;
    });
    out.reserve(out.size() + shown.size() * 600);
    detail::append_gauge_head(out, "mad_host_state", "",
                              "What the rules say: 0 ok, 1 warn, 2 crit.");
    for (auto const& [h, labels] : shown) {
        out.append("mad_host_state").append(labels);
        append_json_number(out += ' ', static_cast<unsigned>(h->state));
        out += '\n';
    }
    std::string_view before;
    for (auto const& g : detail::host_gauges) {
        if (g.name != before)
            detail::append_gauge_head(out, g.name, g.unit, g.help);
        before = g.name;
        for (auto const& [h, labels] : shown)
            // Of an old agent nobody knows the units.
            if (auto const v = h->now.modern ? h->now.get(g.what) : std::nullopt) {
                out.append(g.name).append(labels);
                if (!g.labels.empty()) {
                    out.pop_back();
                    out.append(g.labels);
                }
                out += ' ';
                detail::append_gauge_value(out, std::round(*v * 1'000) / 1'000 * g.factor);
                out += '\n';
            }
    }
    detail::append_gauge_head(out, "mad_host_left_out", "", "Hosts without gauges: too many.");
    append_json_number(out += "mad_host_left_out ", left_out);
    out += '\n';
}

} // namespace mad::inline MAD_ABI::fleet

#endif
