#ifndef MAD_HOST_IMPL_MEMINFO_IPP
#define MAD_HOST_IMPL_MEMINFO_IPP

#include <mad/host/delta.hpp>
#include <mad/host/meminfo.hpp>
#include <mad/host/scan.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::host {

MAD_DECL bool parse_meminfo(std::string_view text, meminfo& out) {
    out = {};
    struct wanted {
        std::string_view key;
        std::optional<std::uint64_t>* to;
    };
    wanted const rows[] = {
        {"MemTotal:", &out.total},         {"MemFree:", &out.free},
        {"MemAvailable:", &out.available}, {"Buffers:", &out.buffers},
        {"Cached:", &out.cached},          {"SReclaimable:", &out.reclaimable},
        {"Shmem:", &out.shared},           {"SwapTotal:", &out.swap_total},
        {"SwapFree:", &out.swap_free},
    };
    while (!text.empty()) {
        auto line = next_line(text);
        auto const key = next_word(line);
        auto const* row = std::find_if(std::begin(rows), std::end(rows),
                                       [&](auto const& r) { return r.key == key; });
        if (row == std::end(rows))
            continue;
        if (auto const kib = next_number(line))
            *row->to = times(*kib, 1024);
    }
    return out.total.has_value();
}

MAD_DECL std::optional<arc_size> parse_arcstats(std::string_view text) {
    std::optional<std::uint64_t> size, least;
    while (!text.empty()) {
        auto line = next_line(text);
        auto const key = next_word(line);
        if (key != "size" && key != "c_min")
            continue;
        next_word(line); // the type of the row
        (key == "size" ? size : least) = next_number(line);
    }
    if (!size || !least)
        return std::nullopt;
    return arc_size{*size, *least};
}

MAD_DECL std::optional<memory_use> memory_of(meminfo const& m, std::optional<arc_size> const& arc) {
    if (!m.total || *m.total == 0)
        return std::nullopt;
    memory_use out;
    out.total = *m.total;
    if (m.available) {
        out.available = *m.available;
    } else if (m.free) {
        auto const loose = plus(plus(*m.free, m.buffers.value_or(0)),
                                plus(m.cached.value_or(0), m.reclaimable.value_or(0)));
        out.available = minus(loose, m.shared.value_or(0));
    } else {
        return std::nullopt;
    }
    if (arc)
        out.available = plus(out.available, minus(arc->size, arc->least));
    out.available = std::min(out.available, out.total);
    auto const used = out.total - out.available;
    out.pct = percent(static_cast<double>(used), static_cast<double>(out.total));
    if (m.swap_total && m.swap_free) {
        out.swap_total = *m.swap_total;
        out.swap_used = minus(*m.swap_total, *m.swap_free);
    }
    return out;
}

} // namespace mad::inline MAD_ABI::host

#endif
