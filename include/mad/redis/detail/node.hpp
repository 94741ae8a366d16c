#ifndef MAD_REDIS_DETAIL_NODE_HPP
#define MAD_REDIS_DETAIL_NODE_HPP

#include <mad/redis/detail/guide.hpp>
#include <mad/redis/detail/pending.hpp>
#include <mad/redis/detail/wire.hpp>

#include <deque>
#include <memory>
#include <string>

namespace mad::inline MAD_ABI::redis::detail {

class node;

/// Whose node it is.
class node_owner {
  public:
    /// The end of a command: who waits is to be told.
    virtual void settle(pending&&, result<reply>) = 0;
    /// The same for one that was not even taken: told later, never from inside the call.
    virtual void refuse(pending&&, error_code) = 0;
    /// The server refuses a command because of what it is at the moment. True: the owner has taken
    /// it and sends it elsewhere.
    virtual bool redirected(node&, pending&, reply const&) = 0;
    virtual void on_node_up(node&, server_info const&) = 0;
    virtual void on_node_down(node&, error_code why, std::string const& text) = 0;

  protected:
    ~node_owner() = default;
};

/// A connection for commands that comes back: what waits, what is under way, when to try again.
class node final : public wire::events {
  public:
    node(net::shard&, settings const&, config const&, guide&, node_owner&);
    node(node const&) = delete;
    ~node();

    void start();
    void push(pending);
    /// Ends it; everything in it is told why.
    void stop(error_code why);
    /// The connection leads to the wrong server: it is dropped, and the guide asked again at once.
    void relocate(error_code why, std::string const& text);

    /// What has not been sent.
    std::deque<pending> take_waiting();

    bool up() const { return phase_ == phase::up; }
    bool idle() const { return waiting_.empty() && under_way_.empty(); }
    /// Where it is, or was last, connected.
    endpoint const& where() const { return where_; }

  private:
    enum class phase : std::uint8_t {
        idle,
        locating,
        connecting,
        up,
        draining, // connected, but only until what is under way has been answered
        resting,  // until the next attempt
        denied,   // the same, and no hope: what is pushed is refused at once
        stopped,
    };

    void on_up(server_info const&) override;
    void on_reply(reply&) override;
    void on_down(error_code why, std::string const& text, bool was_up) override;
    void on_heard() override;

    void locate();
    void connect(endpoint);
    void flush();
    void drain(error_code why, std::string_view text);
    void lose(error_code why, std::string const& text);
    void rest(error_code why, std::string const& text);
    void on_tick();
    void on_idle();
    void tick();
    session_wish wish(std::string password) const;

    net::shard& shard_;
    settings const& settings_;
    config const& config_;
    guide& guide_;
    node_owner& owner_;
    std::unique_ptr<wire> wire_;
    std::deque<pending> waiting_, under_way_;
    std::deque<pending> again_; // refused while draining: goes in front of what waits
    endpoint where_;
    backoff backoff_;
    time_point up_since_{};
    error_code why_;
    std::string text_;
    net::deadline retry_, limit_, silence_;
    phase phase_ = phase::idle;
};

/// Whether a command that got this as its answer has not run and will, elsewhere or later.
bool is_passing(error);
/// Whether trying again soon is in vain: somebody must change a setting.
bool is_denial(error_code);

} // namespace mad::inline MAD_ABI::redis::detail

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/node.ipp>
#endif

#endif
