#ifndef MAD_REDIS_DETAIL_CLIENT_CORE_HPP
#define MAD_REDIS_DETAIL_CLIENT_CORE_HPP

#include <mad/redis/client.hpp>
#include <mad/redis/detail/cluster_map.hpp>
#include <mad/redis/detail/health.hpp>
#include <mad/redis/detail/node.hpp>
#include <mad/redis/detail/sentinel_guide.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::redis::detail {

/// What a client is made of, on its shard: one node, or those of a Cluster; the limit of what
/// waits; the condition.
class client_core final : public node_owner {
  public:
    client_core(net::shard&, config, settings);
    ~client_core();

    // From any thread.
    net::shard& home() { return shard_; }
    redis::condition condition() const;
    std::size_t queued() const { return queued_; }

    // On the shard.
    void connect();
    void close();
    void exec(command, waiter);
    void exec(std::vector<command>, std::function<void(batch&)>);
    void exec_on_masters(command, std::function<void(batch&)>);
    void transaction(std::vector<command>, client::batch_handler);
    void eval(std::weak_ptr<client_core> self, script, std::vector<std::string> keys,
              std::vector<std::string> args, client::handler);
    void on_state(client::condition_handler);

  private:
    struct place { // a node of a Cluster, or the one that there is
        std::unique_ptr<guide> way;
        std::unique_ptr<node> wire;
    };
    struct whole; // a transaction on its way

    void settle(pending&&, result<reply>) override;
    void refuse(pending&&, error_code) override;
    bool redirected(node&, pending&, reply const&) override;
    void on_node_up(node&, server_info const&) override;
    void on_node_down(node&, error_code why, std::string const& text) override;

    /// Whether there is room for so much more.
    bool admit(std::size_t commands, std::size_t bytes);
    void release(pending const&);
    /// Later, not from inside the call that brought this about.
    void tell_later(std::function<void()>);
    time_point deadline_of(command const&) const;
    void route(pending);
    void send_to_masters(command, time_point until, std::function<void(batch&)>);
    void send_whole(std::shared_ptr<whole>, node* to, bool asking);
    void on_whole(std::shared_ptr<whole> const&, batch&);

    node& only();
    node& node_at(endpoint const&);
    node* any_node();
    void become_cluster(endpoint const&);
    void on_map();
    void on_no_map(error_code, std::string const& text);
    void park(pending);
    void on_parked();
    void judge_cluster();
    void tell(bool changed);

    net::shard& shard_;
    config config_;
    settings settings_;
    std::map<std::string, place> nodes_; // single and sentinel: one, without a name
    sentinel_guide* sentinels_ = nullptr;
    std::unique_ptr<cluster_map> cluster_;
    std::deque<pending> parked_; // wait for the map, or for a slot to settle
    net::deadline parked_limit_;
    std::vector<client::condition_handler> condition_handlers_;
    std::atomic<std::size_t> queued_{0};
    std::size_t queued_bytes_ = 0;
    mutable std::mutex mutex_; // for seen_
    redis::condition seen_;    // what other threads see
    health health_;
    error_code map_why_; // why there is no map
    bool closed_ = false;
};

} // namespace mad::inline MAD_ABI::redis::detail

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/client_core.ipp>
#endif

#endif
