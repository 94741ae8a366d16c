#ifndef MAD_REDIS_DETAIL_CLUSTER_MAP_HPP
#define MAD_REDIS_DETAIL_CLUSTER_MAP_HPP

#include <mad/redis/backoff.hpp>
#include <mad/redis/detail/slot_table.hpp>
#include <mad/redis/detail/wire.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::redis::detail {

/// Which node of a Cluster has what, asked of one node after the other, on a connection that lasts
/// for the question.
class cluster_map final : public wire::events {
  public:
    /// `changed` is called after each answer; `failed` when nobody answered: it is tried again.
    cluster_map(net::shard&, settings const&, config const&, std::function<void()> changed,
                std::function<void(error_code, std::string const&)> failed);
    ~cluster_map();

    slot_table const& table() const { return table_; }
    bool known() const { return !table_.empty(); }

    /// Asks, unless it is asking. Questions keep a distance of `backoff.min`.
    void refresh();
    /// A node said where the slot is. The table says so at once, and is asked for anew.
    void moved(redirect const&);
    /// Nodes to ask beside those of the configuration.
    void add_seed(endpoint const&);
    void stop();

  private:
    void on_up(server_info const&) override;
    void on_reply(reply&) override;
    void on_down(error_code why, std::string const& text, bool was_up) override;

    void begin();
    void ask_next();
    void drop();

    net::shard& shard_;
    settings const& settings_;
    config const& config_;
    std::function<void()> changed_;
    std::function<void(error_code, std::string const&)> failed_;
    slot_table table_;
    std::vector<endpoint> seeds_, candidates_;
    endpoint asked_;
    std::unique_ptr<wire> wire_;
    backoff backoff_;
    time_point asked_at_{};
    error_code last_why_;
    std::string last_text_;
    net::deadline limit_, again_;
    bool asking_ = false, stopped_ = false;
};

} // namespace mad::inline MAD_ABI::redis::detail

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/cluster_map.ipp>
#endif

#endif
