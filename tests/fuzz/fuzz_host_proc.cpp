// The parsers of kernel text: any bytes are taken, views stay inside the text, numbers stay sane.
// Byte 0 chooses the parser, the rest is the file.
#include "fuzz_support.hpp"

#include <mad/host/proc.hpp>
#include <mad/host/scan.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace {

using namespace mad::host;

bool inside(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

bool is_percent(double p) {
    return p >= 0 && p <= 100;
}

void check_stat(std::string_view text) {
    static proc_stat out;
    bool const ok = parse_proc_stat(text, out);
    FUZZ_CHECK(ok == (out.all.has_value() || !out.cores.empty()));
    for (std::size_t i = 0; i < out.cores.size(); ++i) {
        FUZZ_CHECK(out.cores[i].number <= max_cpu_number);
        FUZZ_CHECK(i == 0 || out.cores[i - 1].number < out.cores[i].number);
    }
}

void check_memory(std::string_view text) {
    meminfo m;
    bool const ok = parse_meminfo(text, m);
    FUZZ_CHECK(ok == m.total.has_value());
    if (auto const use = memory_of(m, parse_arcstats(text))) {
        FUZZ_CHECK(use->available <= use->total);
        FUZZ_CHECK(is_percent(use->pct));
        FUZZ_CHECK(!use->swap_used || *use->swap_used <= *use->swap_total);
    }
}

void check_disks(std::string_view text) {
    static std::vector<disk_stats> out;
    parse_diskstats(text, out);
    for (auto const& d : out)
        FUZZ_CHECK(!d.name.empty() && inside(d.name, text));
}

void check_nics(std::string_view text) {
    static std::vector<nic_stats> out;
    parse_net_dev(text, out);
    for (auto const& n : out) {
        FUZZ_CHECK(!n.name.empty() && inside(n.name, text));
        owns_default_route_v4(text, n.name);
        owns_default_route_v6(text, n.name);
        FUZZ_CHECK(fits("*", n.name));
        FUZZ_CHECK(n.name.find('*') != n.name.npos || fits(n.name, n.name));
    }
}

void check_mounts(std::string_view text) {
    static std::vector<mount_entry> entries;
    static std::vector<mount_choice> choices;
    FUZZ_CHECK(parse_mountinfo(text, entries) == !entries.empty());
    for (auto const& e : entries) {
        FUZZ_CHECK(e.mountpoint.starts_with('/') && inside(e.mountpoint, text));
        FUZZ_CHECK(inside(e.type, text) && inside(e.source, text));
        FUZZ_CHECK(unescape_mount(e.mountpoint).size() <= e.mountpoint.size());
        e.read_only();
    }
    for (bool network : {false, true}) {
        choose_mounts(entries, network, choices);
        FUZZ_CHECK(choices.size() <= entries.size());
        for (std::size_t i = 0; i < choices.size(); ++i) {
            FUZZ_CHECK(choices[i].entry < entries.size());
            FUZZ_CHECK(i == 0 || choices[i - 1].group == choices[i].group ||
                       choices[i - 1].group + 1 == choices[i].group);
        }
    }
}

void check_space(mad_fuzz::input in) {
    auto const number = [&] {
        std::uint64_t v = 0;
        for (int i = 0; i < 8; ++i)
            v = v << 8 | in.byte();
        return v;
    };
    fs_space s{number(), number(), number(), number(), number(), number(), false};
    if (auto const use = space_of(s)) {
        FUZZ_CHECK(use->size > 0 && use->available <= use->size);
        FUZZ_CHECK(is_percent(use->pct));
        FUZZ_CHECK(!use->inode_pct || is_percent(*use->inode_pct));
    }
}

void check_small(std::string_view text) {
    if (auto const l = parse_loadavg(text))
        FUZZ_CHECK(std::isfinite(l->load.one) && l->load.one >= 0);
    if (auto const u = parse_uptime(text))
        FUZZ_CHECK(std::isfinite(*u) && *u >= 0);
    parse_statm_resident(text);
    FUZZ_CHECK(os_release_value(text, "PRETTY_NAME").size() <= text.size());
}

void check_pressure(std::string_view text) {
    psi_text out;
    FUZZ_CHECK(parse_psi(text, out) == (out.some.has_value() || out.full.has_value()));
    for (auto const& line : {out.some, out.full})
        FUZZ_CHECK(!line || is_percent(line->avg60));
}

/// The text is both: what names the groups, and what is in their files.
void check_groups(std::string_view text) {
    static std::vector<mount_entry> entries;
    parse_mountinfo(text, entries);
    for (auto const* controller : {"memory", "cpu", "cpuacct"}) {
        if (auto const path = cgroup_path_of(text, controller))
            FUZZ_CHECK(path->starts_with('/') && inside(*path, text));
        if (auto const place = find_cgroup(text, entries, controller)) {
            FUZZ_CHECK(place->top.starts_with('/'));
            FUZZ_CHECK(place->path.empty() || place->path.starts_with('/'));
            FUZZ_CHECK(place->path.find("/../") == place->path.npos);
        }
    }
    std::optional<std::uint64_t> bytes;
    std::optional<double> cpus;
    FUZZ_CHECK(!parse_cgroup_limit(text, bytes) ? !bytes : true);
    for (bool const ok : {parse_cpu_max(text, cpus), parse_cfs_quota(text, text, cpus),
                          parse_cfs_quota(text, "100000", cpus)})
        FUZZ_CHECK(ok || !cpus || std::isfinite(*cpus));
    FUZZ_CHECK(!cpus || (*cpus > 0 && std::isfinite(*cpus)));
    cgroup_stat_value(text, "usage_usec");
    names_container_engine(text);
    environ_names_container(text);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    switch (in.byte() % 9) {
    case 0:
        check_stat(in.rest());
        break;
    case 1:
        check_memory(in.rest());
        break;
    case 2:
        check_disks(in.rest());
        break;
    case 3:
        check_nics(in.rest());
        break;
    case 4:
        check_mounts(in.rest());
        break;
    case 5:
        check_small(in.rest());
        break;
    case 6:
        check_space(in);
        break;
    case 7:
        check_pressure(in.rest());
        break;
    case 8:
        check_groups(in.rest());
        break;
    }
    return 0;
}
