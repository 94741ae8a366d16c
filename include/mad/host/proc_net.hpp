#ifndef MAD_HOST_PROC_NET_HPP
#define MAD_HOST_PROC_NET_HPP

#include <mad/config.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::host {

/// What one direction of an interface counted.
struct nic_counters {
    std::uint64_t bytes = 0, packets = 0, errors = 0, dropped = 0;
};

/// One line of /proc/net/dev.
struct nic_stats {
    /// Points into the text that was parsed.
    std::string_view name;

    nic_counters rx, tx;
};

/// Fills `out` (its memory is reused); false when the text is no such table. The name ends at the
/// last colon of the line and may touch the first number.
/// Example: `  eth0:341272840    6814    0    0    0 0 0 0   356608 4394 0 0 0 0 0 0`
bool parse_net_dev(std::string_view text, std::vector<nic_stats>& out);

/// Whether `name` owns an IPv4 default route by /proc/net/route.
bool owns_default_route_v4(std::string_view text, std::string_view name);

/// Whether `name` owns an IPv6 default route by /proc/net/ipv6_route.
bool owns_default_route_v6(std::string_view text, std::string_view name);

/// Whether `name` fits `pattern`, where `*` stands for any text. Example: `eth*` fits `eth0`.
bool fits(std::string_view pattern, std::string_view name);

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/proc_net.ipp>
#endif

#endif
