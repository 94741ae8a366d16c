#ifndef MAD_ENGINE_COUNTERS_HPP
#define MAD_ENGINE_COUNTERS_HPP

#include <mad/engine/close_reason.hpp>
#include <mad/engine/error.hpp>

#include <array>
#include <atomic>
#include <cstdint>

namespace mad::inline MAD_ABI::engine {

/// What a server has done since it was made. Any thread may read it.
struct counters {
    using counter = std::atomic<std::uint64_t>;

    counter opened{0};                                ///< sessions
    std::array<counter, close_reason_count> closed{}; ///< sessions, by `close_reason`
    std::array<counter, error_count> refused{};       ///< requests, by `error`
    counter refused_addresses{0};                     ///< handshakes: too many from one address

    void add(counter& c) { c.fetch_add(1, std::memory_order_relaxed); }
    counter const& of(close_reason r) const { return closed[static_cast<std::size_t>(r)]; }
    counter const& of(error e) const { return refused[static_cast<std::size_t>(e)]; }
};

} // namespace mad::inline MAD_ABI::engine

#endif
