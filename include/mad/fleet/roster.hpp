#ifndef MAD_FLEET_ROSTER_HPP
#define MAD_FLEET_ROSTER_HPP

#include <mad/core/clock.hpp>
#include <mad/fleet/detail/deadlines.hpp>
#include <mad/fleet/flapping.hpp>
#include <mad/fleet/host_state.hpp>
#include <mad/fleet/mutes.hpp>
#include <mad/fleet/reading.hpp>
#include <mad/fleet/rules.hpp>
#include <mad/fleet/store.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// A host as operators see it.
struct host {
    std::string id, socket_id;
    std::string record; ///< JSON, as consoles get it
    host_facts facts;
    reading now; ///< the last sample

    host_state state = host_state::ok;
    std::uint8_t flags = 0; ///< of `host_flag`

    /// Of the rule that made it `warn` or `crit`; empty and 0 in any other state.
    std::string rule;
    double value = 0, limit = 0;

    std::int64_t since_ms = 0; ///< wall clock: in this state since
    std::int64_t seen_ms = 0;  ///< wall clock at the last sample
    time_point seen{};

    /// Why it is offline: `left`, `closed` (its connection), `silent`, `node` (its node is gone).
    std::string reason;

    bool own = false;           ///< connected here: rules are judged here
    std::uint32_t index = 0;    ///< dense, used again once the host is removed
    std::uint64_t revision = 0; ///< counts changes of all hosts
    verdict judged;             ///< what the rules say, whatever the state is

    bool is(std::uint8_t flag) const { return (flags & flag) != 0; }
};

/// A change that people may want to hear of. Whether the host is muted or flapping stands in its
/// flags.
struct transition {
    std::string id;
    host_state from = host_state::ok, to = host_state::ok;
    std::string rule;
    double value = 0, limit = 0;
    std::int64_t since_ms = 0;

    /// With this change it counts as flapping.
    bool flapping_began = false;
    /// It has been quiet for long; `from` and `to` are its state now. Who is told of states is told
    /// of that one if it is another than the last.
    bool flapping_ended = false;
    /// The same for the end of a mute.
    bool mute_ended = false;
};

/// Whom the roster tells, from within the call that brought it about. What is handed over is valid
/// during the call; it must not change the roster.
struct roster_watch {
    /// Something about the host is new. `sample`: it comes of one, else of time or of rules.
    std::function<void(host const&, bool sample)> changed;
    /// After `changed`.
    std::function<void(host const&, transition const&)> turned;
    std::function<void(std::string_view id, std::uint32_t index)> removed;
};

struct roster_settings {
    /// How long a host stays listed once it is offline. Default 24 h; 0: not at all.
    milliseconds offline_keep = std::chrono::hours(24);

    /// Most of them; the one that is offline for longest goes first. Ours: twice a large fleet.
    std::size_t max_offline = 20'000;

    /// What a reconnection may take without being seen.
    milliseconds reconnect_grace{5'000};

    /// Two runs of an agent that take turns within this time are two agents with one id.
    milliseconds dup_window{60'000};

    /// When a call comes this much later than `on_time` asked for, this process stood still or its
    /// machine slept: the time beyond is nobody's silence. 0: never.
    milliseconds standstill{2'000};

    rule_set rules = rule_set::presets();
    std::vector<mute> mutes;

    /// What is known elsewhere of a host that is new here, such as the state that people were last
    /// told of: a node that was restarted in the middle of an alert goes on from there. Only
    /// `level` and `rule` need to be there.
    std::function<verdict(std::string_view id)> recall;
};

/// Why a host is gone.
enum class gone_reason : std::uint8_t {
    left,   ///< it said so: offline at once
    closed, ///< its connection is no more
    node,   ///< the node that it was connected to is no more
};

/// All hosts and how they are. Pure: time comes with every call, `now` never goes back; `wall_ms`
/// is what people are shown, and what mutes go by.
///
/// The node that an agent is connected to judges its rules; the verdict travels in the record, so
/// all nodes show the same, and one that takes over goes on from there. How long nobody has heard
/// of a host each node judges by itself.
class roster {
  public:
    explicit roster(roster_settings = {}, roster_watch = {});
    ~roster();
    roster(roster const&) = delete;
    roster& operator=(roster const&) = delete;

    /// A sample. `own`: of an agent that is connected here; its record must have no `state` yet and
    /// has one afterwards, unless the host is ok: pass it on as it is then.
    host const& sample(stored_record& r, bool own, time_point now, std::int64_t wall_ms);
    /// The same of another node's.
    host const& sample(stored_record const& r, time_point now, std::int64_t wall_ms);

    /// Nobody has its connection now. Unless it left, it is offline only after the grace, should no
    /// sample come. Unknown hosts are ignored, and so is what is known already.
    void gone(std::string_view id, gone_reason, time_point now, std::int64_t wall_ms);

    /// A host that is offline as others know: listed unless there is a younger sample of it.
    void keep(std::string_view id, std::string_view record, std::int64_t since_ms,
              std::int64_t seen_ms, std::string_view reason, time_point now, std::int64_t wall_ms);

    /// Forgets a host. False: there is none.
    bool remove(std::string_view id);

    /// From now on. What the same rules have seen stays; what other rules say is seen at once.
    void set_rules(rule_set, time_point now, std::int64_t wall_ms);
    void set_mutes(std::vector<mute>, time_point now, std::int64_t wall_ms);

    /// Whether samples of other nodes' agents can reach us. While they cannot, those hosts become
    /// stale but not offline: nobody knows. Default yes.
    void hears_others(bool, time_point now);

    /// What is due; the cost grows with that. Call it again at the time that it gives, at most a
    /// second ahead; nothing falls due before. Who calls it later says that it stood still, see
    /// `roster_settings::standstill`.
    time_point on_time(time_point now, std::int64_t wall_ms);

    host const* find(std::string_view id) const;
    /// In no order.
    void each(std::function<void(host const&)> const&) const;
    /// By `host::index`; null where there is none. Indexes are below `index_end`.
    host const* at(std::uint32_t index) const;
    std::uint32_t index_end() const { return static_cast<std::uint32_t>(by_index_.size()); }
    std::size_t size() const { return entries_.size(); }

    /// By `host_state`.
    std::array<std::size_t, host_state_count> const& counts() const { return counts_; }
    /// The greatest `host::revision`.
    std::uint64_t revision() const { return revision_; }

    rule_set const& rules() const { return book_->set(); }
    std::vector<mute> const& mutes() const { return settings_.mutes; }

    /// Silence that makes a host stale, offline: health of the agent's interval.
    static milliseconds stale_after(reading const&);
    static milliseconds offline_after(reading const&);

  private:
    struct entry;

    entry* entry_of(std::string_view id) const;
    entry& add(std::string_view id);
    void erase(entry&);

    /// `now`, without the time that this process stood still.
    time_point awake(time_point now);

    entry& take(stored_record const&, bool own, time_point now, std::int64_t wall_ms);
    void recover_mounts(entry&);
    void judge(entry&, mount_set const& before, time_point now, std::int64_t wall_ms);
    void settle(entry&, std::int64_t wall_ms);
    void follow_runs(entry&, stored_record const&, time_point now);
    void learn(entry&, std::string_view info);

    void set_state(entry&, host_state);
    /// Makes visible what is known of it.
    void show(entry&, bool sample, time_point now, std::int64_t wall_ms);
    void tell(entry&, bool sample, transition const* = nullptr);
    transition stands(entry const&) const;
    void set_flag(entry&, std::uint8_t flag, bool on);

    void go_offline(entry&, std::string_view reason, time_point now, std::int64_t since_ms);
    void due(entry&, time_point now, std::int64_t wall_ms);
    void wait(entry&);
    void limit_offline();

    bool is_muted(entry const&) const;
    void look_at_mutes(std::int64_t wall_ms);

    roster_settings settings_;
    roster_watch watch_;
    std::unique_ptr<rule_book> book_;
    std::unordered_map<std::string_view, std::unique_ptr<entry>> entries_;
    std::vector<entry*> by_index_;
    std::vector<std::uint32_t> free_;
    std::list<entry*> offline_; ///< who went first is first
    std::array<std::size_t, host_state_count> counts_{};
    std::uint64_t revision_ = 0;
    detail::deadlines due_; ///< of awake time
    duration asleep_{};
    std::optional<time_point> promised_;
    bool hears_others_ = true;
    time_point deaf_at_{}; ///< when it was last known that nothing is heard of others
    std::vector<bool> active_mutes_;
    bool mutes_anew_ = false;
    std::int64_t mutes_seen_ms_ = 0, mutes_due_ms_ = 0;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/roster.ipp>
#include <mad/fleet/impl/roster_time.ipp>
#endif

#endif
