#ifndef MAD_FLEET_NODE_LINK_HPP
#define MAD_FLEET_NODE_LINK_HPP

#include <mad/core/error.hpp>
#include <mad/fleet/picture.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// What is known of a node where nodes meet.
struct node_sign {
    std::string node;
    std::int64_t score = 0;           ///< when it last renewed its lease, in ms of the shared clock
    std::optional<std::string> epoch; ///< what its lease holds; nothing: it has none
};

/// What is kept of a node's records.
struct node_records {
    std::optional<std::string> epoch; ///< what its lease holds; nothing: it has none
    std::vector<std::pair<std::string, std::string>> envelopes; ///< by agent
};

/// A renewed lease.
struct renewal {
    std::optional<std::string> held; ///< the epoch that the lease held before; nothing: it was lost
    bool kept = true;                ///< false: refused for now (no memory, no disk)
    std::int64_t now_ms = 0;         ///< the shared clock
    std::uint64_t records = 0;       ///< how many are kept of this node
};

/// What this node's writes came to.
struct written {
    bool kept = true;      ///< false: refused for now (no memory, no disk)
    std::string text = {}; ///< the refusal, for people
};

/// What nodes share: keeps the records of each, carries their messages and has a clock. Redis in
/// earnest (mad/fleet/redis_store.hpp), a few maps in tests. Requests of one node are carried out
/// in their order. Used on one shard; answers and events come there, never within the call. An
/// error answer says that nobody knows whether it was done.
class node_link {
  public:
    struct events {
        /// Requests get through, for the first time or again.
        std::function<void()> up;
        /// They do not; what was asked may or may not have been done.
        std::function<void(std::string why)> down;
        /// Every message from here on arrives; what there was before may have been missed.
        std::function<void()> listening;
        /// Messages are missed.
        std::function<void()> deaf;
        std::function<void(std::string_view)> message;
        /// Nodes of the original: one has told its consoles of an agent, or that an agent has gone.
        std::function<void(std::string_view record)> foreign_update;
        std::function<void(std::string_view id)> foreign_gone;
    };
    template <class T>
    using answer = std::function<void(result<T>)>;

    virtual ~node_link() = default;

    virtual void start(net::shard&, events) = 0;

    /// The shared clock, in ms.
    virtual void read_clock(answer<std::int64_t>) = 0;
    /// Takes the lease and the place among nodes, and keeps these records, all of them and no
    /// other.
    virtual void join(std::string epoch, std::int64_t score, std::vector<change_batch::set>,
                      answer<written>) = 0;
    /// Renews lease and place, and sends a message.
    virtual void renew(std::string epoch, std::int64_t score, std::string message,
                       answer<renewal>) = 0;
    /// Keeps what has changed, then sends the message.
    virtual void write(change_batch, std::string message, answer<written>) = 0;
    virtual void send(std::string message) = 0;

    /// All nodes but for this one, without their leases.
    virtual void read_nodes(answer<std::vector<node_sign>>) = 0;
    virtual void read_node(std::string node, answer<node_sign>) = 0;
    virtual void read_records(std::string node, answer<node_records>) = 0;
    /// Removes what is left of a node whose lease is gone, once among all who try. What was kept of
    /// it; nothing: another is at it, or the node is back.
    virtual void reap(std::string node, answer<std::optional<node_records>>) = 0;
    /// Records of the original's nodes.
    virtual void read_foreign(answer<std::vector<std::string>>) = 0;

    /// Keeps that text beside the lease from now on, and tells who looks for nodes, see
    /// `announced_node`. `done` is called once: it is there, or will be when this node joins.
    virtual void announce(std::string /*text*/, std::function<void()> done) { done(); }

    /// Sends a message and takes everything of this node away.
    virtual void leave(std::string message, std::function<void()> done) = 0;

    /// For metrics: connections made again.
    virtual std::uint64_t reconnects() const { return 0; }
};

} // namespace mad::inline MAD_ABI::fleet

#endif
