#ifndef MAD_REDIS_IMPL_STATE_IPP
#define MAD_REDIS_IMPL_STATE_IPP

#include <mad/redis/state.hpp>

namespace mad::inline MAD_ABI::redis {

MAD_DECL std::string_view to_string(state s) {
    return s == state::connected ? "connected" : s == state::degraded ? "degraded" : "down";
}

} // namespace mad::inline MAD_ABI::redis

#endif
