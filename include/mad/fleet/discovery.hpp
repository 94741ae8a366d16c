#ifndef MAD_FLEET_DISCOVERY_HPP
#define MAD_FLEET_DISCOVERY_HPP

#include <mad/core/clock.hpp>
#include <mad/core/log.hpp>
#include <mad/net/shard.hpp>
#include <mad/proxy/upstream.hpp>
#include <mad/redis/config.hpp>
#include <mad/redis/settings.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// A node as it announces itself (`mad-api --advertise URL`).
struct announced_node {
    std::string node;      ///< its name, `--node-id`
    std::string url;       ///< `http://10.0.0.5:3000`
    std::string version;   ///< of the program
    std::string instance;  ///< of the process
    std::uint16_t tag = 0; ///< what the ids of its sessions carry
    bool draining = false; ///< it takes nothing new, and goes soon

    friend bool operator==(announced_node const&, announced_node const&) = default;
};

struct discovery_settings {
    redis::config redis;
    redis::settings connection;

    /// As `redis_store_settings::prefix` of the nodes.
    std::string prefix = "mad:";

    /// How often the set of nodes is read, whatever was heard. Default 5 s: the pace at which nodes
    /// renew their leases. One that died is out when its lease has ended (15 s) and this is over.
    milliseconds pace{5'000};

    logger log;
};

/// Follows the nodes that announce themselves in a Redis. When Redis is away the last list stays.
class discovery {
  public:
    /// All nodes now, by name. Nodes without `--advertise` are not among them.
    using handler = std::function<void(std::vector<announced_node> const&)>;

    explicit discovery(discovery_settings);
    ~discovery();
    discovery(discovery const&) = delete;
    discovery& operator=(discovery const&) = delete;

    /// Begins; `on_list` is called on that shard when the list is first known and after each change
    /// of it. Once.
    void start(net::shard&, handler on_list);

    /// Nothing is called any more. On the shard, or when that runs no more.
    void stop();

  private:
    struct work;
    discovery_settings settings_;
    std::shared_ptr<work> work_;
};

/// The upstream that it is for a proxy; nothing when its URL cannot be one.
std::optional<proxy::upstream> upstream_of(announced_node const&);

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/discovery.ipp>
#endif

#endif
