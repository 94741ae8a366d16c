// First of all: without separate compilation its bodies need what is below, and include it.
#include <mad/fleet/api.hpp>

#ifndef MAD_FLEET_DETAIL_HUB_HPP
#define MAD_FLEET_DETAIL_HUB_HPP

#include <mad/fleet/console_feed.hpp>
#include <mad/fleet/history.hpp>
#include <mad/fleet/ledger.hpp>
#include <mad/fleet/notifier.hpp>
#include <mad/fleet/record.hpp>
#include <mad/fleet/roster.hpp>
#include <mad/fleet/store.hpp>
#include <mad/fleet/transition_log.hpp>
#include <mad/net/shard.hpp>

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// Sockets not known to be agents: an original page speaks once and must go on hearing after a
/// reconnection in which it says nothing.
inline constexpr char const* watchers_room = "watchers";

/// What is told to other nodes: a host that somebody has forgotten by hand.
inline constexpr std::string_view forget_word = "forget ";

/// Agents that understand `node_draining`.
inline constexpr char const* agents_room = "agents";

/// A console whose queue is longer gets no deltas until half of that is gone. Ours: some seconds of
/// a fleet of 10,000 that is busy.
inline constexpr std::size_t most_backlog = 512 * 1024;

/// Whether a console takes deltas now; touched by its socket's shard alone.
struct console_gate {
    bool open = false;
};

} // namespace detail

/// One message on its way to the hub; the record's views point into the text.
struct api::cargo {
    std::string text, opaque;
    record_view record;
};

/// What is known of the fleet, on the node's first shard; others hand their messages over as
/// values. The store has the agents that are connected somewhere, the roster every host and how it
/// is, the ledger what outlives nodes: hosts that are offline, what people have been told.
class api::hub final : public std::enable_shared_from_this<hub>, private feed_link {
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

    // Consoles of version 2.

    /// From any thread: what the hub knows the socket by.
    std::uint64_t new_console() { return ++last_console_; }
    /// `within`: a search that what it is shown must match as well.
    void connect_console(std::uint64_t id, socketio::socket const&, std::string const& request,
                         std::string const& within, socketio::ack reply);
    void leave_console(std::uint64_t id);
    void watch(std::uint64_t console, std::string const& host, socketio::ack reply);
    void unwatch(std::uint64_t console, std::string const& host);

    /// Tells agents and consoles that this node stops in a while. From now on an agent whose
    /// connection ends counts as one that moves: it is not told as gone before this node is.
    void drain(milliseconds after);

    /// Null: nothing is known.
    history const* history_of(std::string_view id) const;

    fleet::roster& roster() { return roster_; }
    fleet::ledger& ledger() { return *ledger_; }
    transition_log const& transitions() const { return log_; }

    /// Forgets a host that is offline, on all nodes. False: it is connected, or unknown.
    bool forget(std::string_view id);

    /// The rules and mutes of the file, of which the ledger's are made.
    rule_set const& file_rules() const { return file_rules_; }
    std::vector<mute> const& mutes() const { return mutes_; }
    /// Changes what all nodes share: the tables `rules` and `mutes`; no value: takes it back.
    void change(std::string_view table, std::string_view name, std::optional<std::string> value);

    /// The history as `history::json` and `history::csv` write it; other nodes are asked when this
    /// one has not seen all of it.
    void read_history(std::string_view id, std::function<void(history const&)> done);

  private:
    static time_point now() { return std::chrono::steady_clock::now(); }
    static std::int64_t wall() { return system_clock::instance().wall_ms(); }

    struct line {
        socketio::socket to;
        std::shared_ptr<detail::console_gate> gate;
    };

    // feed_link
    void send(std::span<feed_console const> to, std::string_view event, std::string_view json,
              feed_way, std::uint64_t before) override;
    void ask(feed_console) override;

    void remember(host const&);
    void run_feed();

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
    void use_rules();
    void use_mutes();
    void hear(std::string_view message);
    void answer_history(std::string_view request);
    void take_history(std::string_view answer);
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
    rule_set file_rules_;
    std::vector<mute> file_mutes_, mutes_;
    console_feed feed_;
    transition_log log_;
    /// Somebody waits for what other nodes know.
    struct question {
        std::string host;
        std::function<void(history const&)> done;
        std::unique_ptr<boost::asio::steady_timer> limit;
    };
    std::unordered_map<std::string, question> questions_;
    std::unordered_map<std::string, std::unique_ptr<history>> histories_;
    std::unordered_map<std::uint64_t, line> lines_;
    std::atomic<std::uint64_t> last_console_{0};
    std::unique_ptr<boost::asio::steady_timer> timer_, feed_timer_;
    bool draining_ = false;
};

} // namespace mad::inline MAD_ABI::fleet

#endif
