#ifndef MAD_FLEET_IMPL_READING_IPP
#define MAD_FLEET_IMPL_READING_IPP

#include <mad/core/json_text.hpp>
#include <mad/fleet/detail/health_reader.hpp>
#include <mad/fleet/reading.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline constexpr std::array<std::string_view, metric_count> metric_names{
    "storage",   "network",   "cpu",       "mem",          "load",    "psi",     "swap",
    "steal",     "inodes",    "temp",      "load_per_cpu", "psi_cpu", "psi_mem", "psi_io",
    "temp_left", "read_only", "turned_ro", "clock",        "uptime"};

inline std::string unescaped(std::optional<std::string_view> raw) {
    std::string out;
    if (raw)
        json_unescape(*raw, out);
    return out;
}

} // namespace detail

MAD_DECL std::string_view to_string(metric m) {
    auto const i = static_cast<std::size_t>(m);
    return i < metric_count ? detail::metric_names[i] : std::string_view("unknown");
}

MAD_DECL std::optional<metric> metric_of(std::string_view name) {
    auto const& all = detail::metric_names;
    auto const it = std::find(all.begin(), all.end(), name);
    if (it == all.end())
        return std::nullopt;
    return static_cast<metric>(it - all.begin());
}

MAD_DECL reading read_health(std::string_view record, std::int64_t wall_ms) {
    return detail::health_reader().read(record, wall_ms);
}

MAD_DECL bool host_facts::has_tag(std::string_view tag) const {
    return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

MAD_DECL host_facts read_facts(std::string_view info) {
    host_facts out;
    detail::json_walk w(info);
    w.members([&](std::string_view key) {
        auto const text = [&](std::string& into) { into = detail::unescaped(w.text()); };
        if (key == "host")
            text(out.name);
        else if (key == "region")
            text(out.region);
        else if (key == "os")
            text(out.os);
        else if (key == "arch")
            text(out.arch);
        else if (key == "kernel")
            text(out.kernel);
        else if (key == "agent")
            text(out.agent);
        else if (key == "cpus")
            out.cpus = static_cast<unsigned>(std::clamp(w.number().value_or(0), 0.0, 1e6));
        else if (key == "tags")
            w.elements([&](std::size_t) {
                if (auto tag = detail::unescaped(w.text()); !tag.empty())
                    out.tags.push_back(std::move(tag));
            });
    });
    out.synthetic = out.has_tag("synthetic");
    return out;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
