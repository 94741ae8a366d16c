#ifndef MAD_HOST_IMPL_IDENTITY_IPP
#define MAD_HOST_IMPL_IDENTITY_IPP

#include <mad/host/file_reader.hpp>
#include <mad/host/identity.hpp>
#include <mad/host/meminfo.hpp>
#include <mad/host/proc_misc.hpp>
#include <mad/host/proc_stat.hpp>
#include <mad/host/scan.hpp>

#include <cmath>
#include <string_view>

#include <sys/utsname.h>

namespace mad::inline MAD_ABI::host {

namespace detail {

inline std::string os_name(std::string const& root, read_buffer& buffer) {
    for (auto const* path : {"/etc/os-release", "/usr/lib/os-release"}) {
        auto const text = read_once((root + path).c_str(), buffer);
        if (!text)
            continue;
        for (auto const* key : {"PRETTY_NAME", "NAME"})
            if (auto name = os_release_value(*text, key); !name.empty())
                return name;
    }
    return "Linux";
}

/// The name that process 1 of the host answers to is not ours when we are in a container.
inline std::string host_name(roots const& where, read_buffer& buffer) {
    auto const from_kernel = where.proc + "/sys/kernel/hostname";
    if (where.root.empty())
        return first_line_of({from_kernel}, buffer);
    return first_line_of({where.root + "/etc/hostname", from_kernel}, buffer);
}

} // namespace detail

MAD_DECL identity read_identity(roots const& where) {
    identity out;
    read_buffer buffer;
    struct ::utsname names {};
    bool const named = ::uname(&names) == 0;

    out.host = detail::host_name(where, buffer);
    if (out.host.empty() && named)
        out.host = names.nodename;
    out.os = detail::os_name(where.root, buffer);
    out.kernel = first_line_of({where.proc + "/sys/kernel/osrelease"}, buffer);
    if (out.kernel.empty() && named)
        out.kernel = names.release;
    if (named)
        out.arch = names.machine;
    out.boot_id = first_line_of({where.proc + "/sys/kernel/random/boot_id"}, buffer);

    proc_stat stat;
    file_reader stat_file(where.proc + "/stat");
    if (auto const text = stat_file.read(buffer); text && parse_proc_stat(*text, stat)) {
        out.boot_s = stat.boot_s;
        if (!stat.cores.empty())
            out.cpus = static_cast<unsigned>(stat.cores.size());
    }
    meminfo memory;
    file_reader memory_file(where.proc + "/meminfo");
    if (auto const text = memory_file.read(buffer); text && parse_meminfo(*text, memory))
        out.memory = memory.total;
    return out;
}

MAD_DECL bool follow(identity& who, sample const& s) {
    bool changed = false;
    auto const set = [&](auto& mine, auto const& value) {
        changed = changed || !(mine == value);
        mine = value;
    };
    if (!s.failed.has(source::cgroup))
        set(who.scope, std::string_view(s.scope == scope::cgroup ? "cgroup" : "host"));
    if (s.usable_cpus)
        set(who.cpus, std::optional(static_cast<unsigned>(std::ceil(*s.usable_cpus))));
    if (s.memory)
        set(who.memory, std::optional(s.memory->total));
    auto caps = who.caps.value_or(capabilities{});
    if (!s.failed.has(source::psi))
        caps.psi = !s.psi.empty();
    if (!s.failed.has(source::temp))
        caps.temperatures = !s.temperatures.empty();
    set(who.caps, std::optional(caps));
    return changed;
}

} // namespace mad::inline MAD_ABI::host

#endif
