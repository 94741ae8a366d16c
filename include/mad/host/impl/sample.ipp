#ifndef MAD_HOST_IMPL_SAMPLE_IPP
#define MAD_HOST_IMPL_SAMPLE_IPP

#include <mad/host/sample.hpp>

#include <array>
#include <cstddef>

namespace mad::inline MAD_ABI::host {

MAD_DECL std::string_view to_string(source s) {
    constexpr std::array<std::string_view, static_cast<std::size_t>(source::count_)> names{
        "cpu", "load",  "mem",     "disk", "io",   "net",
        "up",  "agent", "storage", "psi",  "temp", "cgroup"};
    auto const i = static_cast<std::size_t>(s);
    return i < names.size() ? names[i] : std::string_view("unknown");
}

} // namespace mad::inline MAD_ABI::host

#endif
