#ifndef MAD_FLEET_HOST_STATE_HPP
#define MAD_FLEET_HOST_STATE_HPP

#include <mad/config.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// How a host is. Each is worse than the one before as far as counters go; see `severity` for what
/// a person looks at first.
enum class host_state : std::uint8_t {
    ok,
    warn,
    crit,
    stale,   ///< silent for longer than three samples take
    offline, ///< it has left, its connection or its node is gone, or it is silent for long
};

inline constexpr std::size_t host_state_count = 5;

/// Example: `crit`
std::string_view to_string(host_state);
std::optional<host_state> host_state_of(std::string_view word);

/// The worst of a group is the one with the greatest: crit, offline, stale, warn, ok.
int severity(host_state);

/// What may be so beside the state, as bits.
namespace host_flag {
inline constexpr std::uint8_t dup = 1;      ///< two agents have this id
inline constexpr std::uint8_t muted = 2;    ///< nobody is notified
inline constexpr std::uint8_t flapping = 4; ///< changes too often to be notified of
} // namespace host_flag

/// What the rules say of a host: ok, warn or crit, and by which of them.
struct verdict {
    host_state level = host_state::ok;
    std::string rule; ///< empty when ok
    double value = 0, limit = 0;
    std::int64_t since_ms = 0; ///< wall clock: since when it is at this level

    /// Hashes of the filesystems that turned read-only, see `mount_set`: who takes the agent over
    /// could not see it.
    std::vector<std::uint32_t> turned;

    bool bad() const { return level != host_state::ok; }
};

/// The verdict as it travels in the record from the node that judges to all others. Empty when ok.
/// Example: `{"s":"crit","rule":"cpu","value":97.1,"limit":95,"since":1764000000123}`
std::string state_json(verdict const&);

/// What such text says; ok when it is empty or says nothing that a rule can.
verdict parse_state(std::string_view state);
/// The verdict that a record has; ok when it has none.
verdict read_state(std::string_view record);

/// The record with a member `state`, which it must not have yet. Empty text changes nothing.
void add_state(std::string& record, std::string_view state);

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/host_state.ipp>
#endif

#endif
