#ifndef MAD_NET_HTTP_COUNTERS_HPP
#define MAD_NET_HTTP_COUNTERS_HPP

#include <array>
#include <atomic>
#include <cstdint>

namespace mad::inline MAD_ABI::net::http {

/// What a server has refused since it was made. Any thread may read it.
struct counters {
    using counter = std::atomic<std::uint64_t>;
    static constexpr int first_status = 400, last_status = 511;

    counter over_limit{0};   ///< connections, over `max_connections`
    counter over_address{0}; ///< connections: too many from one address
    /// Requests that cannot be read, or take too long, by the status of their answer.
    std::array<counter, last_status - first_status + 1> requests{};

    void refuse(int status) {
        if (status >= first_status && status <= last_status)
            requests[static_cast<std::size_t>(status - first_status)].fetch_add(
                1, std::memory_order_relaxed);
    }
};

} // namespace mad::inline MAD_ABI::net::http

#endif
