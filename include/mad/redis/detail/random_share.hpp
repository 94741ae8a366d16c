#ifndef MAD_REDIS_DETAIL_RANDOM_SHARE_HPP
#define MAD_REDIS_DETAIL_RANDOM_SHARE_HPP

#include <mad/core/ids.hpp>

#include <cstdint>

namespace mad::inline MAD_ABI::redis::detail {

/// By chance, from 0 up to but not including 1.
inline double random_share() {
    std::uint32_t n = 0;
    fill_random({reinterpret_cast<std::uint8_t*>(&n), sizeof n});
    return n / 4294967296.0;
}

} // namespace mad::inline MAD_ABI::redis::detail

#endif
