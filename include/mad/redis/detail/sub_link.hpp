#ifndef MAD_REDIS_DETAIL_SUB_LINK_HPP
#define MAD_REDIS_DETAIL_SUB_LINK_HPP

#include <mad/redis/detail/guide.hpp>
#include <mad/redis/detail/wire.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::redis::detail {

enum class sub_kind : std::uint8_t { channel, pattern, sharded };

class sub_link;

/// Whose subscriptions a link carries.
class sub_owner {
  public:
    /// Calls `subscribe` of the link for each subscription that belongs there.
    virtual void fill(sub_link&) = 0;
    virtual void on_message(sub_kind, std::string_view name, std::string_view channel,
                            std::string_view payload) = 0;
    /// The server has answered to a subscription: `none` or why not, its words with it.
    virtual void on_answer(sub_link&, sub_kind, std::string const& name, error why,
                           std::string_view text) = 0;
    /// The server ended a sharded subscription: its slot has moved.
    virtual void on_moved_away(sub_link&, std::string_view name) = 0;
    virtual void on_link_up(sub_link&, server_info const&) = 0;
    virtual void on_link_down(sub_link&, error_code why, std::string const& text) = 0;

  protected:
    ~sub_owner() = default;
};

/// A connection that listens, and comes back. What it listens to its owner knows.
class sub_link final : public wire::events {
  public:
    sub_link(net::shard&, settings const&, config const&, guide&, sub_owner&);
    sub_link(sub_link const&) = delete;
    ~sub_link();

    void start();
    void stop();
    /// The connection leads to the wrong server.
    void relocate(error_code why, std::string const& text);

    /// Does nothing while it is not up: `fill` comes then.
    void subscribe(sub_kind, std::string_view name);
    void unsubscribe(sub_kind, std::string_view name);

    bool up() const { return wire_ && wire_->up(); }
    /// Connected, and every subscription answered.
    bool settled() const { return up() && awaited_.empty(); }
    endpoint const& where() const { return where_; }

  private:
    struct awaited {
        sub_kind kind;
        bool on;          // subscribe, not unsubscribe
        std::string name; // empty: the answer to a PING
    };

    void on_up(server_info const&) override;
    void on_reply(reply&) override;
    void on_down(error_code why, std::string const& text, bool was_up) override;
    void on_heard() override;

    void locate();
    void connect(endpoint);
    void send(sub_kind, bool on, std::string_view name);
    void answered(std::string_view word, reply const&);
    void lose(error_code why, std::string const& text);
    void rest(error_code why, std::string const& text);
    void on_silence();

    net::shard& shard_;
    settings const& settings_;
    config const& config_;
    guide& guide_;
    sub_owner& owner_;
    std::unique_ptr<wire> wire_;
    std::deque<awaited> awaited_; // answers to come, in their order
    endpoint where_;
    backoff backoff_;
    time_point up_since_{};
    net::deadline retry_, silence_;
    bool started_ = false, locating_ = false, pinged_ = false;
};

} // namespace mad::inline MAD_ABI::redis::detail

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/sub_link.ipp>
#endif

#endif
