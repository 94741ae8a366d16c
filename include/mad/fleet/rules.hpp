#ifndef MAD_FLEET_RULES_HPP
#define MAD_FLEET_RULES_HPP

#include <mad/core/clock.hpp>
#include <mad/fleet/host_state.hpp>
#include <mad/fleet/reading.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// Which hosts are meant, by what seldom changes: id, name, tags, region, system.
struct host_match {
    std::string text; ///< as somebody wrote it; empty: all hosts
    std::function<bool(std::string_view id, host_facts const&)> fn;

    bool all() const { return !fn; }
    bool operator()(std::string_view id, host_facts const& f) const { return !fn || fn(id, f); }
};

/// A threshold. A value at a limit is over it; `metric::clock` alone must be beyond.
struct rule {
    std::string name;
    metric what = metric::cpu;

    /// Low values are the bad ones.
    bool below = false;

    /// One of them may be missing.
    std::optional<double> warn, crit;

    /// How long the value must be over a limit without a break (`for`); 0: one sample is enough.
    milliseconds hold{0};

    /// How far the value must come back behind a limit, in two samples in a row, until it is good
    /// again. Nothing: 5, but no more than half of the limit, as from a pressure of 5 there would
    /// be no way back.
    std::optional<double> clear_by;

    /// Of `metric::temp`: where the sensor has a limit of its own, that one is the critical one
    /// and so many degrees less are a warning.
    std::optional<double> own_limit;

    host_match match;
    bool enabled = true;

    /// What a sample like this must not reach at that level, `warn` or `crit`.
    std::optional<double> limit(host_state level, reading const&) const;
    /// Whether such a value is over that limit.
    bool over(double value, double limit) const;
    /// Whether it is far enough behind it to be good again.
    bool past(double value, double limit) const;
};

/// Rules in the order in which somebody wrote them. Of those with one name the last one that
/// matches a host counts for it; when that one is not enabled, none does.
struct rule_set {
    std::vector<rule> rules;

    /// What is judged when nobody has said anything: storage and inodes 85/95; cpu 85/95, steal
    /// 10/25, swap 50/80, psi_cpu 40/70 and load 2/4 (by usable CPU) for 60 s; mem 85/95, psi_mem
    /// 5/15 and psi_io 20/50 for 30 s; temp at the sensor's limit or 95 and 10 before that or 80;
    /// read_only: a filesystem that was writable is no more; clock: more than 5 s off.
    static rule_set presets();
};

/// The rules that count for a host, one for each name.
struct rule_plan {
    std::vector<rule const*> rules;

    /// No value reaches a limit.
    bool quiet(reading const&) const;
};

/// A rule set with the plans of hosts, of which few differ. Plans live as long as it does.
class rule_book {
  public:
    explicit rule_book(rule_set);

    rule_set const& set() const { return set_; }
    rule_plan const& plan(std::string_view id, host_facts const&) const;

  private:
    rule_set set_;
    std::vector<std::string_view> names_; ///< in order of their first rules
    mutable std::map<std::vector<std::size_t>, std::unique_ptr<rule_plan>> plans_;
};

/// What the rules have seen of one host and still remember: values over a limit, those on their
/// way there (`for`) and back. Empty for a host that is well.
class rule_track {
  public:
    /// Judges a sample.
    void judge(rule_plan const&, reading const&, time_point now);

    /// Goes on from what another node said.
    void seed(rule_plan const&, verdict const&);

    /// Other rules count from now on: what a rule of the same name and metric saw stays.
    void adopt(rule_plan const& from, rule_plan const& to);

    /// The worst rule: the highest level, and of those the one that got there first. `since_ms` is
    /// left to the caller.
    verdict worst(rule_plan const&) const;

    bool empty() const { return items_.empty(); }

    /// A value that is unknown for so long is no longer held against a host; until then it is
    /// neither good nor bad. Ours.
    static constexpr seconds unknown_time{60};

  private:
    static constexpr time_point never = time_point::max();

    struct item {
        std::size_t slot = 0;              ///< in the plan
        host_state level = host_state::ok; ///< ok: on its way
        host_state lower = host_state::ok; ///< where the good samples lead
        unsigned good = 0;                 ///< of them in a row
        std::uint64_t order = 0;           ///< who got to its level first
        time_point warn_since = never;     ///< over that limit
        time_point crit_since = never;
        time_point unknown_since = never;
        double value = 0, limit = 0;
    };

    /// False: there is nothing left to remember.
    bool step(item&, rule const&, reading const&, double value, time_point now);

    std::vector<item> items_; ///< by slot
    std::uint64_t turns_ = 0;
    time_point last_ = never;
};

/// Notes in `turned` which filesystems were writable before and are read-only now, and forgets
/// those that are no more. Gives the number of them; nothing: unknown.
std::optional<std::size_t> follow_mounts(std::vector<std::uint32_t>& turned,
                                         mount_set const& before, mount_set const& now);

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/rules.ipp>
#endif

#endif
