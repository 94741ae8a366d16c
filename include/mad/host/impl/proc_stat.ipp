#ifndef MAD_HOST_IMPL_PROC_STAT_IPP
#define MAD_HOST_IMPL_PROC_STAT_IPP

#include <mad/host/proc_stat.hpp>
#include <mad/host/scan.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::host {

namespace detail {

/// The columns after the name; the first four have always been there.
inline std::optional<cpu_ticks> read_ticks(std::string_view columns) {
    cpu_ticks t;
    std::uint64_t* const fields[] = {&t.user,   &t.nice, &t.system,  &t.idle,
                                     &t.iowait, &t.irq,  &t.softirq, &t.steal};
    std::size_t n = 0;
    for (auto* f : fields) {
        auto const v = next_number(columns);
        if (!v)
            break;
        *f = *v;
        ++n;
    }
    return n >= 4 ? std::optional(t) : std::nullopt;
}

inline void read_core(std::string_view number, std::string_view columns, proc_stat& out) {
    auto const n = number_of<unsigned>(number);
    auto const ticks = read_ticks(columns);
    if (n && *n <= max_cpu_number && ticks)
        out.cores.push_back({*n, *ticks});
}

inline void order_cores(std::vector<core_ticks>& cores) {
    auto const by_number = [](auto const& a, auto const& b) { return a.number < b.number; };
    auto const same = [](auto const& a, auto const& b) { return a.number == b.number; };
    if (!std::is_sorted(cores.begin(), cores.end(), by_number))
        std::sort(cores.begin(), cores.end(), by_number);
    cores.erase(std::unique(cores.begin(), cores.end(), same), cores.end());
}

} // namespace detail

MAD_DECL bool parse_proc_stat(std::string_view text, proc_stat& out) {
    out.all.reset();
    out.cores.clear();
    out.procs_running.reset();
    out.procs_blocked.reset();
    out.boot_s.reset();
    while (!text.empty()) {
        auto line = next_line(text);
        // `intr` may be hundreds of KB: words are looked at only where they can be ours.
        if (line.starts_with("cpu")) {
            auto const word = next_word(line);
            if (word.size() == 3)
                out.all = detail::read_ticks(line);
            else
                detail::read_core(word.substr(3), line, out);
        } else if (line.starts_with("btime ")) {
            line.remove_prefix(6);
            out.boot_s = next_number(line);
        } else if (line.starts_with("procs_running ")) {
            line.remove_prefix(14);
            out.procs_running = next_number(line);
        } else if (line.starts_with("procs_blocked ")) {
            line.remove_prefix(14);
            out.procs_blocked = next_number(line);
            break;
        }
    }
    detail::order_cores(out.cores);
    return out.all || !out.cores.empty();
}

} // namespace mad::inline MAD_ABI::host

#endif
