#ifndef MAD_FLEET_DISCOVERY_HPP
#define MAD_FLEET_DISCOVERY_HPP

#include <mad/core/clock.hpp>
#include <mad/core/log.hpp>
#include <mad/fleet/announced_node.hpp>
#include <mad/net/shard.hpp>
#include <mad/redis/config.hpp>
#include <mad/redis/settings.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

struct discovery_settings {
    redis::config redis;
    redis::settings connection;

    /// As `redis_store_settings::prefix` of the nodes.
    std::string prefix = "mad:";

    /// How often the set of nodes is read, whatever was heard. Default 5 s: the pace at which nodes
    /// renew their leases.
    milliseconds pace{5'000};

    /// As `sharing_settings::lease` of the nodes. After each new connection to Redis, nobody is
    /// taken for gone for so long: nodes may have to write themselves down again.
    milliseconds lease{15'000};

    logger log;
};

/// Follows the nodes that announce themselves in a Redis: reads `mad:nodes` and the address of each
/// node in it, at its pace, when a lease should be over, and when a node says on the channel
/// `mad:nodes` that something has changed. When Redis is away the last list stays.
class discovery {
  public:
    /// All nodes now, by name. Nodes that announce no address are not among them.
    using handler = std::function<void(std::vector<announced_node> const&)>;

    explicit discovery(discovery_settings);
    ~discovery();
    discovery(discovery const&) = delete;
    discovery& operator=(discovery const&) = delete;

    /// Begins; `on_list` is called on that shard when the list is first known (which may be empty)
    /// and after each change of it. Once.
    void start(net::shard&, handler on_list);

    /// Nothing is called any more. On the shard, or when that runs no more.
    void stop();

  private:
    class follower;
    discovery_settings settings_;
    std::unique_ptr<follower> follower_;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/discovery.ipp>
#endif

#endif
