#ifndef MAD_HOST_IMPL_DISKSTATS_IPP
#define MAD_HOST_IMPL_DISKSTATS_IPP

#include <mad/host/diskstats.hpp>
#include <mad/host/scan.hpp>

namespace mad::inline MAD_ABI::host {

namespace detail {

inline bool read_disk(std::string_view line, disk_stats& d) {
    auto const major = number_of<unsigned>(next_word(line));
    auto const minor = number_of<unsigned>(next_word(line));
    d.name = next_word(line);
    if (!major || !minor || d.name.empty())
        return false;
    d.major = *major;
    d.minor = *minor;
    std::uint64_t* const columns[] = {
        &d.reads,     &d.reads_merged,  &d.sectors_read,    &d.read_ms,
        &d.writes,    &d.writes_merged, &d.sectors_written, &d.write_ms,
        &d.in_flight, &d.busy_ms,       &d.weighted_ms,
    };
    for (auto* c : columns) {
        auto const v = next_number(line);
        if (!v)
            return false;
        *c = *v;
    }
    return true;
}

} // namespace detail

MAD_DECL void parse_diskstats(std::string_view text, std::vector<disk_stats>& out) {
    out.clear();
    while (!text.empty()) {
        disk_stats d;
        if (detail::read_disk(next_line(text), d))
            out.push_back(d);
    }
}

} // namespace mad::inline MAD_ABI::host

#endif
