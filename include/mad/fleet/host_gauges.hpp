#ifndef MAD_FLEET_HOST_GAUGES_HPP
#define MAD_FLEET_HOST_GAUGES_HPP

#include <mad/fleet/fleet_view.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

struct host_gauge_settings {
    /// Keys of tags (`role` of `role:web`) that become labels beside `id`; `region` is the host's
    /// region when it has no such tag. Each one multiplies nothing: a host has one series a gauge,
    /// whatever its tags.
    std::vector<std::string> tags;

    /// Most hosts in one answer; the others are counted in `mad_host_left_out`. Ours: twice a large
    /// fleet.
    std::size_t max_hosts = 20'000;
};

/// Keys of tags as labels. What is wrong with them, for people; empty: nothing. At most 8, each a
/// name such as `role` or `rack_2`, none twice, none
/// that gauges have themselves (`id`, `resource`, `tasks`) or that Prometheus keeps (`le`).
std::string judge_label_keys(std::vector<std::string> const&);

/// Appends `mad_fleet_hosts{state="ok"} 12` and so on, OpenMetrics text without its end.
void append_fleet_gauges(std::string& out, fleet_view const&);

/// Which hosts have gauges.
enum class gauge_hosts : std::uint8_t {
    all,
    own, ///< connected to this node: where all nodes are scraped, each host comes once
};

/// Appends the gauges `mad_host_*` of hosts that are neither stale nor offline, so that what is no
/// more has no values. `seen`: whether the caller may see a host; empty: all.
void append_host_gauges(std::string& out, fleet_view const&, host_gauge_settings const&,
                        gauge_hosts = gauge_hosts::all,
                        std::function<bool(host const&)> const& seen = {});

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/host_gauges.ipp>
#endif

#endif
