#ifndef MAD_FLEET_HOST_METRICS_HPP
#define MAD_FLEET_HOST_METRICS_HPP

#include <mad/host/identity.hpp>
#include <mad/host/sample.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::fleet {

/// Appends the newest sample as OpenMetrics families `mad_host_*`, without the end mark. All are
/// gauges in base units: bytes, seconds, degrees Celsius, and shares as ratios, 0 to 1 (where
/// messages say percent). What is unknown has no line. Names of sensors, mounts and devices are
/// labels, escaped.
void append_host_metrics(std::string& out, mad::host::sample const&, mad::host::identity const&,
                         std::string_view id);

/// What an agent knows of itself.
struct agent_numbers {
    bool connected = false;
    std::uint64_t samples = 0;     ///< taken
    std::uint64_t messages = 0;    ///< given to the connection
    std::uint64_t connections = 0; ///< made; one less: reconnections
    std::uint64_t refusals = 0;    ///< by the node: its token does not do
};

/// Appends `mad_agent_*`, and the cost of the process as the sample has it.
void append_agent_metrics(std::string& out, agent_numbers const&, mad::host::own_cost const&);

/// The Content-Type of such a text.
inline constexpr std::string_view open_metrics_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/host_metrics.ipp>
#endif

#endif
