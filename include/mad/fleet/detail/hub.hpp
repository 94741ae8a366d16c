#ifndef MAD_FLEET_DETAIL_HUB_HPP
#define MAD_FLEET_DETAIL_HUB_HPP

#include <mad/fleet/api.hpp>
#include <mad/fleet/ledger.hpp>
#include <mad/fleet/notifier.hpp>
#include <mad/fleet/record.hpp>
#include <mad/fleet/roster.hpp>
#include <mad/fleet/store.hpp>
#include <mad/fleet/transition_log.hpp>
#include <mad/net/shard.hpp>

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// Sockets not known to be agents: an original page speaks once and must go on hearing after a
/// reconnection in which it says nothing.
inline constexpr char const* watchers_room = "watchers";

} // namespace detail

/// One message on its way to the hub; the record's views point into the text.
struct api::cargo {
    std::string text, opaque;
    record_view record;
};

/// What is known of the fleet, on the node's first shard; others hand their messages over as
/// values. The store has the agents that are connected somewhere, the roster every host and how it
/// is, the ledger what outlives nodes: hosts that are offline, what people have been told.
class api::hub : public std::enable_shared_from_this<hub> {
  public:
    hub(api&, net::shard& home);
    ~hub();

    /// On the shard, as all that follows.
    void start();
    void announce(std::string text, std::function<void()> done);
    void stop(std::function<void()> done);
    /// When the shard runs no more: what is left ends while its io_context is there.
    void end();

    /// From any thread.
    store_state state() const { return store_->state(); }

    net::shard& home() { return home_; }

    void update(std::string const& opaque, record_view const&);
    /// `left`: it said so; else its connection has ended.
    void leave(std::string const& id, std::string const& opaque, bool left);

    void set_rules(rule_set, std::vector<mute>);
    void set_webhook_secret(std::string const& secret) { notifier_->set_secret(secret); }

    /// All records of agents that are connected, as one JSON array.
    std::string snapshot() const;

    fleet::roster& roster() { return roster_; }
    fleet::ledger& ledger() { return *ledger_; }
    transition_log const& transitions() const { return log_; }

    /// Forgets a host that is offline, on all nodes. False: it is connected, or unknown.
    bool forget(std::string_view id);

  private:
    static time_point now() { return std::chrono::steady_clock::now(); }
    static std::int64_t wall() { return system_clock::instance().wall_ms(); }

    roster_settings settings_of_roster();
    roster_watch watch_roster();
    store_watch watch_store();
    ledger_watch watch_ledger();
    notifier_settings settings_of_notifier() const;

    void on_turned(host const&, transition const&);
    void on_removed(std::string_view id);
    void on_time();
    void write_offline(host const&);
    void read_offline(std::string_view id, std::string_view text);
    void on_ledger_ready();

    // To this node's original consoles: the others' are told by their own nodes.
    void tell(stored_record const&, bool moved);
    void tell_gone(std::string_view id);
    void count();

    api& api_;
    net::shard& home_;
    std::unique_ptr<store> store_;
    std::unique_ptr<fleet::ledger> ledger_;
    std::unique_ptr<fleet::notifier> notifier_;
    fleet::roster roster_;
    transition_log log_;
    std::unique_ptr<boost::asio::steady_timer> timer_;
};

} // namespace mad::inline MAD_ABI::fleet

#endif
