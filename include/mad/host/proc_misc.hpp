#ifndef MAD_HOST_PROC_MISC_HPP
#define MAD_HOST_PROC_MISC_HPP

#include <mad/host/sample.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::host {

/// /proc/loadavg. Example: `0.42 0.51 0.47 2/211 31337`
struct proc_loadavg {
    load_averages load;

    /// Tasks that run or could run, and all tasks.
    std::optional<std::uint64_t> running, total;
};

std::optional<proc_loadavg> parse_loadavg(std::string_view text);

/// Seconds since the start, the first number of /proc/uptime.
std::optional<double> parse_uptime(std::string_view text);

/// Pages of memory held, the second number of /proc/self/statm.
std::optional<std::uint64_t> parse_statm_resident(std::string_view text);

/// The value of `key` in os-release text, quotes and escapes taken off; empty when there is none.
/// Example: `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"`
std::string os_release_value(std::string_view text, std::string_view key);

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/proc_misc.ipp>
#endif

#endif
