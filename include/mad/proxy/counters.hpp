#ifndef MAD_PROXY_COUNTERS_HPP
#define MAD_PROXY_COUNTERS_HPP

#include <mad/core/clock.hpp>
#include <mad/proxy/error.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mad::inline MAD_ABI::proxy {

/// Upper ends of the buckets in which times to the first byte of an answer are counted. One more
/// bucket takes the rest.
inline constexpr std::array<milliseconds, 12> first_byte_buckets{
    milliseconds(1),    milliseconds(2),    milliseconds(5),     milliseconds(10),
    milliseconds(25),   milliseconds(100),  milliseconds(250),   milliseconds(500),
    milliseconds(1000), milliseconds(5000), milliseconds(25000), milliseconds(60000)};

/// What is asked for, where times to the first byte are counted.
enum class answer_kind : std::uint8_t {
    request,   ///< all that is none of the others
    handshake, ///< makes a session
    poll,      ///< waits for packets, on purpose: up to pingInterval, 25 s by default
};
inline constexpr std::size_t answer_kinds = 3;

/// Times to the first byte of answers of one kind.
struct first_byte_snapshot {
    std::array<std::uint64_t, first_byte_buckets.size() + 1> buckets{};
    std::uint64_t sum_ms = 0;
};

/// What a `server` has done since its start, and has open. Per upstream: `upstream_counters`.
struct counters_snapshot {
    std::uint64_t accepted = 0;   ///< connections of clients
    std::uint64_t requests = 0;   ///< heads that were whole and allowed
    std::uint64_t handshakes = 0; ///< sessions that upstreams have opened through here
    std::uint64_t by_sid = 0, by_cookie = 0, by_hash = 0; ///< which rule has chosen
    std::uint64_t retries = 0;      ///< requests sent to another upstream after a failure
    std::uint64_t upgrades = 0;     ///< tunnels
    std::uint64_t session_gone = 0; ///< requests for sessions whose upstream is gone
    std::uint64_t shed = 0;         ///< sessions that were asked to go elsewhere
    std::uint64_t connects = 0, connect_failures = 0;  ///< to upstreams
    std::uint64_t reused = 0;                          ///< requests over a connection that was kept
    std::uint64_t bytes_in = 0;                        ///< from clients
    std::uint64_t bytes_out = 0;                       ///< to clients
    std::array<std::uint64_t, reject_count> rejects{}; ///< by `reject`
    std::array<first_byte_snapshot, answer_kinds> first_byte{}; ///< by `answer_kind`

    std::size_t clients = 0;       ///< open connections of clients that are not tunnels
    std::size_t tunnels = 0;       ///< open tunnels
    std::size_t upstream_idle = 0; ///< connections to upstreams that wait for work
    std::size_t upstream_busy = 0; ///< those that have some, tunnels excepted
};

} // namespace mad::inline MAD_ABI::proxy

#endif
