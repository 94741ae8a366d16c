#ifndef MAD_REDIS_STATE_HPP
#define MAD_REDIS_STATE_HPP

#include <mad/core/clock.hpp>
#include <mad/redis/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::redis {

enum class state : std::uint8_t {
    down,     ///< nothing gets through
    degraded, ///< connected, but Redis refuses some commands, or a part of a Cluster is away
    connected,
};

/// `down`, `degraded`, `connected`.
std::string_view to_string(state);

/// How it is, why, and since when.
struct condition {
    redis::state state = redis::state::down;
    /// Why it is not `connected`; nothing when it is, and before the first attempt.
    error_code reason = {};
    /// The same in words, with the server's own where it said some; no passwords.
    std::string text = {};
    time_point since = {};
    /// The same by the wall clock, in ms since 1970: to be shown, not to be computed with.
    std::int64_t since_wall_ms = 0;
};

} // namespace mad::inline MAD_ABI::redis

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/state.ipp>
#endif

#endif
