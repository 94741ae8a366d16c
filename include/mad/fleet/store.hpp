#ifndef MAD_FLEET_STORE_HPP
#define MAD_FLEET_STORE_HPP

#include <mad/core/clock.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::net {
class shard;
}

namespace mad::inline MAD_ABI::fleet {

/// The latest record of one agent.
struct stored_record {
    std::string id;
    std::string socket_id; ///< of the connection that owns it now
    std::string record;    ///< JSON, as consoles get it
    std::string info;      ///< JSON, the last one known
    std::string run;
    std::uint64_t seq = 0;
    time_point seen{};
};

/// What happens to records elsewhere: other nodes' agents come, change and go. Never called for
/// what `store::put` and `store::drop` do here.
struct store_watch {
    /// A record that is new or has changed. `moved`: it belonged to another connection before.
    std::function<void(stored_record const&, bool moved)> updated;
    /// A record that is no more.
    std::function<void(std::string_view id)> gone;
};

/// How a store is, for `/ready`, `/metrics` and tests.
struct store_state {
    bool ready = true;      ///< it shows the whole fleet
    std::int64_t since = 0; ///< wall clock in ms: since when it does not; 0: it does
    std::string why;        ///< what keeps it from it, for people; empty: nothing
    std::vector<std::pair<std::string_view, std::uint64_t>> counters; ///< by metric name
    std::vector<std::pair<std::string_view, std::uint64_t>> gauges;
};

/// The latest record of each agent of the fleet. Embedded (this process) or shared by nodes; all
/// behave the same under one suite of tests. Used on one shard.
class store {
  public:
    virtual ~store() = default;

    /// Null when there is none. Valid until the next call.
    virtual stored_record const* find(std::string_view id) const = 0;

    /// A record of an agent that is connected here.
    virtual void put(stored_record) = 0;

    /// Removes the record if that connection, which was one of ours, still owns it. False: it
    /// belongs to another, or there is none.
    virtual bool drop(std::string_view id, std::string_view socket_id) = 0;

    virtual void each(std::function<void(stored_record const&)> const&) const = 0;

    virtual std::size_t size() const = 0;

    /// Whose records are shared: how many are of agents connected here.
    virtual std::size_t own_size() const { return size(); }

    /// Begins to share records, on the shard where everything else is called. The watch is called
    /// there too.
    virtual void start(net::shard&, store_watch) {}

    /// What this node says of itself to proxies that look for nodes, see `announced_node`: kept as
    /// long as the node lives. Again when it has changed. On the shard; `done` is called there
    /// once, when it is known to others or cannot be now.
    virtual void announce(std::string /*text*/, std::function<void()> done) { done(); }

    /// Takes what is left of this node out of what is shared; `done` is called once, on the shard,
    /// at the latest after a second.
    virtual void stop(std::function<void()> done) { done(); }

    virtual store_state state() const { return {}; }
};

std::unique_ptr<store> make_embedded_store();

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/store.ipp>
#endif

#endif
