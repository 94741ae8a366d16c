#ifndef MAD_NET_ADDRESS_LIMITS_HPP
#define MAD_NET_ADDRESS_LIMITS_HPP

#include <mad/core/clock.hpp>

#include <boost/asio/ip/address.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

namespace mad::inline MAD_ABI::net {

struct address_limits_settings {
    std::size_t max_connections = 1024; ///< from one address at a time; 0: no limit
    double max_rate = 100;              ///< new connections a second from one address; 0: no limit
    double burst = 500;                 ///< how many may come at once before the rate counts
};

/// `RLIMIT_NOFILE` less 512 for everything that is not a connection; at least 64.
std::size_t default_max_connections();

/// Raises the soft descriptor limit to the hard one. Programs call it at their start.
void raise_descriptor_limit();

/// Counts connections by peer address over all shards. Loopback is exempt: it is us, or a proxy
/// whose forwarded address is judged instead. An IPv6 peer counts by its /64.
class address_limits {
  public:
    explicit address_limits(address_limits_settings s) { set(s); }

    /// Counts one more; false when that is one too many (then nothing is counted).
    bool enter(boost::asio::ip::address const&, time_point now);
    void leave(boost::asio::ip::address const&);

    /// Whether the rate of that address is used up; counts nothing.
    bool spent(boost::asio::ip::address const&, time_point now);

    /// Other limits, from the next connection on: those that are open stay. What came in while
    /// there were none is not counted afterwards.
    void set(address_limits_settings const&);

  private:
    using key = std::array<std::uint8_t, 8>;
    struct key_hash {
        std::size_t operator()(key const&) const;
    };
    struct entry {
        std::size_t open = 0;
        double tokens = 0;
        time_point at{};
    };

    static key key_of(boost::asio::ip::address const&);
    void forget_idle(time_point now);

    std::atomic<bool> on_{false}; // without limits nothing is locked
    std::mutex mutex_;            // once a connection, never a message; for what follows
    address_limits_settings settings_;
    time_point forgot_{};
    std::unordered_map<key, entry, key_hash> entries_;
};

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/address_limits.ipp>
#endif

#endif
