#ifndef MAD_PROXY_DETAIL_LANE_HPP
#define MAD_PROXY_DETAIL_LANE_HPP

#include <mad/core/error.hpp>
#include <mad/proxy/detail/tunnel.hpp>
#include <mad/proxy/detail/upstream_connection.hpp>
#include <mad/proxy/upstream.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace mad::inline MAD_ABI::proxy::detail {

class part;

/// What one shard has of one upstream: connections that work or wait, tunnels, and counts that are
/// added to those of all shards once a second.
class lane {
  public:
    lane(part& p, std::shared_ptr<target const> t, bool web)
        : to(std::move(t))
        , shard_part(p)
        , of_web(web) {}
    ~lane();

    /// A connection that waits for work, or null. The last one used comes first.
    upstream_connection* take_idle();

    /// Begins a new connection to the n-th address; null when that fails at once, with `exhausted`
    /// set when it was for want of a descriptor.
    upstream_connection* connect(std::size_t address);

    void keep_idle(upstream_connection&);
    void forget_idle(upstream_connection&);
    /// Out of the table; destroyed when the turn is over.
    void release(upstream_connection&);
    void release(tunnel&);

    tunnel& add(std::unique_ptr<tunnel>);

    /// Asks so many sessions to go: tunnels first, then polls that wait. How many it has found.
    std::size_t shed(std::size_t sessions);
    /// Sessions that `shed` would find.
    std::size_t sheddable() const;

    /// The upstream is dead, or removed.
    void cut();
    void close_idle();
    void close();

    bool empty() const { return connections.empty() && tunnels.empty(); }
    /// Adds what was counted here to the counts of all shards.
    void settle();

    std::shared_ptr<target const> to;
    part& shard_part;
    bool const of_web; ///< to the web upstream
    std::vector<std::unique_ptr<upstream_connection>> connections;
    std::vector<upstream_connection*> idle;
    std::vector<std::unique_ptr<tunnel>> tunnels;

    bool exhausted = false; ///< after `connect` has given null

    /// Not yet added to `upstream_counters`.
    struct {
        std::uint64_t requests = 0, handshakes = 0, by_sid = 0, by_cookie = 0, by_hash = 0;
        std::uint64_t connects = 0, bytes_in = 0, bytes_out = 0;
    } recent;
};

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
