#ifndef MAD_REDIS_DETAIL_SUBSCRIBER_CORE_HPP
#define MAD_REDIS_DETAIL_SUBSCRIBER_CORE_HPP

#include <mad/redis/detail/cluster_map.hpp>
#include <mad/redis/detail/health.hpp>
#include <mad/redis/detail/sentinel_guide.hpp>
#include <mad/redis/detail/sub_link.hpp>
#include <mad/redis/subscriber.hpp>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mad::inline MAD_ABI::redis::detail {

/// What a subscriber is made of, on its shard: a link for channels and patterns, and in a Cluster
/// one to each node that has sharded channels of ours.
class subscriber_core final : public sub_owner {
  public:
    subscriber_core(net::shard&, config, settings);
    ~subscriber_core();

    // From any thread.
    net::shard& home() { return shard_; }
    redis::condition condition() const;

    // On the shard.
    void subscribe(sub_kind, std::string name, subscriber::message_handler,
                   subscriber::done_handler);
    void unsubscribe(sub_kind, std::string const& name);
    void on_resubscribed(std::function<void(std::uint64_t)>);
    void on_state(subscriber::condition_handler);
    void close();

  private:
    struct entry {
        /// Shared, as it may unsubscribe itself while it runs.
        std::shared_ptr<subscriber::message_handler const> fn;
        subscriber::done_handler done;
        std::string link;     // of a sharded channel in a Cluster: the node that it is asked of
        bool refused = false; // and to be asked again when the map comes
    };
    struct by_text {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const {
            return std::hash<std::string_view>()(s);
        }
    };
    using table = std::unordered_map<std::string, entry, by_text, std::equal_to<>>;
    struct place {
        std::unique_ptr<guide> way;
        std::unique_ptr<sub_link> link;
    };

    void fill(sub_link&) override;
    void on_message(sub_kind, std::string_view name, std::string_view channel,
                    std::string_view payload) override;
    void on_answer(sub_link&, sub_kind, std::string const& name, error why,
                   std::string_view text) override;
    void on_moved_away(sub_link&, std::string_view name) override;
    void on_link_up(sub_link&, server_info const&) override;
    void on_link_down(sub_link&, error_code why, std::string const& text) override;

    table& of(sub_kind k) { return tables_[static_cast<std::size_t>(k)]; }
    bool is_main(sub_link const& l) const { return &l == main_.link.get(); }
    void start();
    void become_cluster(endpoint const&);
    void place_sharded(std::string const& name, entry&);
    void on_map();
    void leave_empty_links();
    void judge();
    void check_settled();
    void tell(bool changed);
    template <class Fn, class... Args>
    void call(Fn const&, Args const&...);

    net::shard& shard_;
    config config_;
    settings settings_;
    std::array<table, 3> tables_; // by kind
    place main_;
    std::map<std::string, place> links_; // to nodes with sharded channels
    sentinel_guide* sentinels_ = nullptr;
    std::unique_ptr<cluster_map> cluster_;
    std::vector<std::function<void(std::uint64_t)>> resubscribed_handlers_;
    std::vector<subscriber::condition_handler> condition_handlers_;
    std::uint64_t epoch_ = 0;
    mutable std::mutex mutex_; // for seen_
    redis::condition seen_;    // what other threads see
    health health_;
    error_code why_; // why a link is down, the last one that went
    std::string text_;
    bool anew_ = false;       // a link came, or channels moved, since `on_resubscribed` was called
    bool discovered_ = false; // that it is a Cluster
    bool closed_ = false;
};

} // namespace mad::inline MAD_ABI::redis::detail

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/subscriber_core.ipp>
#endif

#endif
