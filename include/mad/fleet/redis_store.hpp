#ifndef MAD_FLEET_REDIS_STORE_HPP
#define MAD_FLEET_REDIS_STORE_HPP

#include <mad/fleet/original.hpp>
#include <mad/fleet/shared_store.hpp>
#include <mad/redis/client.hpp>
#include <mad/redis/subscriber.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// How a node keeps to its Redis, so that it is whole again within 5 s whatever has come between
/// them: as any client (`redis::settings`), but
/// - at most 1 s, by chance, between attempts to connect instead of 5 s: a fleet has few nodes, of
///   four connections each, and one that is late shows what has been;
/// - a question after 2 s of silence instead of 10 s: a subscriber sends nothing by which it would
///   notice that the way is dead, and what is lost on it is sent again ever later.
inline redis::settings node_connection() {
    redis::settings s;
    s.backoff.max = milliseconds(1'000);
    s.ping_interval = milliseconds(2'000);
    return s;
}

struct redis_store_settings {
    sharing_settings sharing;

    redis::config redis;
    redis::settings connection = node_connection();

    /// In front of all names. The same on all nodes of a fleet; another fleet on this Redis has
    /// another one.
    std::string prefix = "mad:";

    /// Nodes of the original share the Redis: keeps `client_<socketID>` for them too, as they do,
    /// but with a time to live of `sharing.foreign_life`. Sets `sharing.foreign`.
    bool legacy_keys = false;
};

/// A store whose nodes meet in a Redis: a hash of records and a lease for each node, and one
/// channel. See docs/fleet.md. Throws std::invalid_argument for a node's name that cannot be one.
std::unique_ptr<store> make_redis_store(redis_store_settings);

namespace detail {

/// The names in Redis of one node.
struct redis_names {
    redis_names(std::string_view prefix, std::string_view node);

    std::string lease, clients, fresh, address;
};

/// What nodes share, in a Redis.
class redis_link final : public node_link {
  public:
    explicit redis_link(redis_store_settings const&);
    ~redis_link() override;

    void start(net::shard&, events) override;
    void read_clock(answer<std::int64_t>) override;
    void join(std::string epoch, std::int64_t score, std::vector<change_batch::set>,
              answer<written>) override;
    void renew(std::string epoch, std::int64_t score, std::string message,
               answer<renewal>) override;
    void write(change_batch, std::string message, answer<written>) override;
    void send(std::string message) override;
    void read_nodes(answer<std::vector<node_sign>>) override;
    void read_node(std::string node, answer<node_sign>) override;
    void read_records(std::string node, answer<node_records>) override;
    void reap(std::string node, answer<std::optional<node_records>>) override;
    void read_foreign(answer<std::vector<std::string>>) override;
    void announce(std::string text, std::function<void()> done) override;
    void leave(std::string message, std::function<void()> done) override;
    std::uint64_t reconnects() const override {
        return reconnects_.load(std::memory_order_relaxed);
    }

  private:
    struct reading;
    struct scan;

    redis::command publish(std::string_view message) const;
    redis::command at_nodes(redis::command) const;
    void add_lease(redis::pipeline&, std::string_view epoch, std::int64_t score) const;
    void add_announcement(redis::pipeline&, bool tell) const;
    /// Commands whose answers say no more than that they were carried out.
    void carry_out(redis::pipeline, answer<written>);
    void read_on(std::shared_ptr<reading>);
    void scan_on(std::shared_ptr<scan>);
    void on_state(redis::condition const&);

    // For nodes of the original.
    void tell_original(redis::pipeline&, change_batch::set const&, bool announce);
    void forget_original(redis::pipeline&, change_batch::removal const&);
    void on_original(std::string_view body);
    void publish_to_original(redis::pipeline&, std::string_view body) const;

    /// A handler that does nothing once this is gone.
    template <class Fn>
    auto guarded(Fn fn) {
        return [fn = std::move(fn), alive = std::weak_ptr<int>(alive_)](auto&&... args) mutable {
            if (!alive.expired())
                fn(std::forward<decltype(args)>(args)...);
        };
    }

    redis_store_settings settings_;
    redis_names own_;
    std::string nodes_, channel_;
    std::string announced_; ///< empty: this node has no address that others could use
    redis::script reap_;
    original_dialect original_;
    events says_;
    std::unique_ptr<redis::client> client_;
    std::unique_ptr<redis::subscriber> subscriber_;
    std::unordered_map<std::string, std::string> told_original_; ///< agent: socketID
    bool up_ = false, ever_up_ = false;
    std::atomic<std::uint64_t> reconnects_{0};
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace detail

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/redis_store.ipp>
#endif

#endif
