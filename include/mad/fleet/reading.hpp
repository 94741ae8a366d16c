#ifndef MAD_FLEET_READING_HPP
#define MAD_FLEET_READING_HPP

#include <mad/config.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// What a rule judges, a column shows and a history holds. Percents are 0 to 100.
enum class metric : std::uint8_t {
    // The six that histories hold.
    storage, ///< percent used of the fullest local filesystem
    network, ///< Mbit/s, both directions
    cpu,     ///< percent
    mem,     ///< percent
    load,    ///< average over a minute
    psi,     ///< percent: the worst of cpu some, mem full and io full
    // The others.
    swap,         ///< percent used; unknown without swap space
    steal,        ///< percent
    inodes,       ///< percent used, of the local filesystem with the fewest left
    temp,         ///< degrees Celsius, the most urgent sensor
    load_per_cpu, ///< load average over a minute by usable CPU
    psi_cpu,      ///< percent, some
    psi_mem,      ///< percent, full
    psi_io,       ///< percent, full
    temp_left,    ///< degrees up to the sensor's own limit; unknown without one
    read_only,    ///< local filesystems that are mounted read-only
    turned_ro,    ///< local filesystems that were writable and are read-only now; see `roster`
    clock,        ///< seconds between the agent's clock and the node's, never negative
    uptime,       ///< seconds
    count_
};

inline constexpr std::size_t metric_count = static_cast<std::size_t>(metric::count_);

/// The six of a history come first.
inline constexpr std::size_t history_metrics = 6;

/// As rules and searches write it. Example: `load_per_cpu`
std::string_view to_string(metric);
/// Nothing for a name that is none.
std::optional<metric> metric_of(std::string_view name);

/// Local filesystems of a sample, each as a hash of where it is mounted.
struct mount_set {
    static constexpr std::size_t most = 32; ///< as many as a message lists

    struct mount {
        std::uint32_t name : 31;
        std::uint32_t read_only : 1;
    };

    std::array<mount, most> all{};
    std::uint8_t size = 0;

    mount const* begin() const { return all.data(); }
    mount const* end() const { return all.data() + size; }
};

/// The numbers of one sample. Plain values: cheap to copy.
struct reading {
    std::array<float, metric_count> values;
    mount_set mounts;

    /// How often the agent samples. Of an agent that does not say so: 2.5 s, as the original's.
    std::uint32_t interval_ms = 2'500;

    /// The agent says `"v":2`: units are known. Rules judge no other.
    bool modern = false;

    reading() { values.fill(std::numeric_limits<float>::quiet_NaN()); }

    /// NaN: unknown.
    float raw(metric m) const { return values[static_cast<std::size_t>(m)]; }
    void set(metric m, double v) { values[static_cast<std::size_t>(m)] = static_cast<float>(v); }

    std::optional<double> get(metric m) const {
        auto const v = raw(m);
        return std::isnan(v) ? std::nullopt : std::optional<double>(v);
    }
};

/// The numbers of a record, as consoles get it or as the agent sent it: one pass over its bytes,
/// nothing is allocated. `wall_ms`: the node's clock, for `metric::clock`. What is no JSON gives
/// what was read before; members of wrong kinds are unknown. Of a member that comes twice the last
/// one counts.
reading read_health(std::string_view record, std::int64_t wall_ms);
/// The same, with the record's member `state` as JSON, for `parse_state`; empty: it has none.
reading read_health(std::string_view record, std::int64_t wall_ms, std::string_view& state);

/// What is known of a host beside its numbers: what tags, names and rules match.
struct host_facts {
    std::string name; ///< `info.host`
    std::string region, os, arch, kernel, agent;
    std::vector<std::string> tags;
    unsigned cpus = 0;      ///< 0: unknown
    bool synthetic = false; ///< has the tag `synthetic`: no real host

    bool has_tag(std::string_view tag) const;
};

/// From the `info` of a record; empty text gives empty facts.
host_facts read_facts(std::string_view info);

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/reading.ipp>
#endif

#endif
