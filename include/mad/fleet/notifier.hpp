#ifndef MAD_FLEET_NOTIFIER_HPP
#define MAD_FLEET_NOTIFIER_HPP

#include <mad/core/log.hpp>
#include <mad/fleet/ledger.hpp>
#include <mad/fleet/notice.hpp>
#include <mad/net/dialer.hpp>
#include <mad/net/http/client.hpp>
#include <mad/socketio/backoff.hpp>

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace mad::inline MAD_ABI::net {
class shard;
}

namespace mad::inline MAD_ABI::fleet {

struct notifier_settings {
    std::string node;

    /// Where notices are posted; empty: nowhere, but what would have been told is written down.
    std::string webhook;
    /// Signs them; empty: no signature.
    std::string secret;
    /// For `https`.
    std::shared_ptr<net::cipher_dialer> tls;

    /// Connecting and answering together.
    milliseconds timeout{10'000};
    /// Between attempts, with jitter: while the receiver is away nothing else is tried.
    socketio::backoff_settings backoff{milliseconds(1'000), milliseconds(300'000), 0.5, false};
    /// What the receiver answers with an error so often makes room for what concerns other hosts.
    unsigned patience = 3;
    /// What is older is given up.
    milliseconds keep{3'600'000};
    /// Notices that wait; the oldest makes room.
    std::size_t max_waiting = 1'000;

    /// A notice whose row has stayed as it is for so long is sent by another node, by that one's
    /// monotonic clock: nobody's wall clock is asked. Its own node sends it only until then, unless
    /// the ledger says that it is still its own. Longer than `look` and `timeout` together.
    milliseconds lease{90'000};
    /// How often it looks for such, and for hosts whose state people have not heard of.
    milliseconds look{15'000};
    /// After the start: how long the states of hosts are not taken for what they are. Rules that
    /// wait (`for`) must have had their time.
    milliseconds settle{120'000};

    clock const* time = &system_clock::instance();
    logger log;
};

/// Numbers for `/metrics`; read from any thread.
struct notifier_counters {
    std::atomic<std::uint64_t> sent{0}, failed{0}, given_up{0}, taken_over{0};
    std::atomic<std::size_t> waiting{0};
};

/// Tells people what has become of hosts: each change once, whichever nodes see it. Who may tell is
/// decided by a swap in the ledger's table `told`; what is to be sent is in its table `outbox`
/// until somebody has taken it, so that another node sends it when this one dies. Each attempt
/// begins with a swap of that row, so a node that was frozen meanwhile does not send what another
/// has taken over. (A receiver that took a notice and could not say so gets it again, with the same
/// id.) On one shard.
class notifier {
  public:
    /// `find`: the roster's.
    notifier(net::shard&, notifier_settings, ledger&,
             std::function<host const*(std::string_view id)> find);
    ~notifier();
    notifier(notifier const&) = delete;
    notifier& operator=(notifier const&) = delete;

    /// The state of a host, or a flag of it, has changed. Only the node that the host is connected
    /// to tells people, and every node when it is offline.
    void look_at(host const&);

    /// A host is no more: nothing is told, and nothing remembered.
    void forget(std::string_view id) { ledger_.erase("told", id); }

    /// What people were told last: see `roster_settings::recall`.
    verdict recall(std::string_view id) const;

    void set_secret(std::string secret) { settings_.secret = std::move(secret); }

    notifier_counters const& counters() const { return counters_; }

  private:
    struct parcel {
        std::string id, host, body;
        std::string told;   ///< the row of the table `told` that says so
        time_point born{};  ///< when it was decided
        time_point until{}; ///< nobody else sends it before
        std::uint64_t count = 0;
        std::string row;      ///< of the table `outbox`, as this node has written it last
        unsigned refused = 0; ///< answers that were errors, in a row
    };
    /// A row of somebody else, and since when it is as it is.
    struct watched {
        std::string row;
        time_point since{};
    };

    void decide(host const&, std::string const& now);
    void decided(std::string const& host, parcel, bool sends, result<bool> won);
    void enqueue(parcel);
    void send_next();
    void claimed(std::string const& id, time_point asked, std::string row, result<bool> mine);
    void post();
    void on_answer(result<net::http::client_response>);
    void make_room();
    void drop_first();
    void done_with_first();
    void retry(milliseconds);
    std::string row_of(parcel const&, bool won) const;
    void touch(parcel&, bool won);
    void look();
    void keep_rows();
    void look_at_doubtful();
    void look_at_outbox();
    void look_at_all();
    void note_waiting() { counters_.waiting.store(waiting_.size(), std::memory_order_relaxed); }
    time_point now() const { return settings_.time->now(); }
    std::int64_t wall() const { return settings_.time->wall_ms(); }

    template <class Fn>
    auto guarded(Fn fn) {
        return [fn = std::move(fn), alive = std::weak_ptr<int>(alive_)](auto&&... args) mutable {
            if (!alive.expired())
                fn(std::forward<decltype(args)>(args)...);
        };
    }

    net::shard& home_;
    notifier_settings settings_;
    ledger& ledger_;
    std::function<host const*(std::string_view)> find_;
    std::string target_, authority_;
    std::unique_ptr<net::http::client> client_;
    std::deque<parcel> waiting_;
    /// Hosts with a swap under way, and whether they have changed since.
    std::unordered_map<std::string, bool> deciding_;
    std::unordered_set<std::string> undecided_; ///< hosts to be looked at again
    /// Notices of swaps that nobody knows the end of; until then their hosts are being decided.
    std::deque<parcel> doubtful_;
    std::unordered_set<std::string> in_hand_; ///< all notices that this node has
    std::unordered_map<std::string, watched> watched_;
    socketio::backoff backoff_;
    boost::asio::steady_timer again_, timer_;
    time_point looked_{}, began_{};
    notifier_counters counters_;
    bool sending_ = false, resting_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/notifier.ipp>
#endif

#endif
