#ifndef MAD_FLEET_FLEET_VIEW_HPP
#define MAD_FLEET_FLEET_VIEW_HPP

#include <mad/fleet/mutes.hpp>
#include <mad/fleet/roster.hpp>
#include <mad/fleet/rules.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// What becomes of a change that somebody asks for.
enum class change_outcome : std::uint8_t {
    done,
    none_such,   ///< there is nothing of that name
    refused,     ///< not now: a host that is connected cannot be forgotten
    unavailable, ///< what all nodes share cannot be reached
};

/// How much of a history.
enum class history_span : std::uint8_t {
    minutes_15, ///< each sample
    hours_6,    ///< mean and greatest of each minute
};

enum class history_format : std::uint8_t { json, csv };

/// A change of state that was seen on this node.
struct logged_transition {
    std::int64_t at_ms = 0; ///< wall clock
    transition what;
};

/// A rule, and where it comes from.
struct listed_rule {
    fleet::rule const* rule = nullptr;
    std::string_view source; ///< `preset`, `file` or `override`
};

/// A token that shows the fleet to whoever has it.
struct link_wish {
    std::string name;            ///< of who asks
    std::string filter;          ///< a search; empty: all hosts
    std::int64_t expires_ms = 0; ///< wall clock
};

/// The fleet as `http_api` sees it, which is how it can be tested without one. Used on the home
/// shard; what it gives is valid during the call.
class fleet_view {
  public:
    virtual ~fleet_view() = default;

    /// Wall clock of this node in ms.
    virtual std::int64_t wall_ms() const = 0;

    /// Null when there is none.
    virtual host const* find(std::string_view id) const = 0;
    /// In no order.
    virtual void each(std::function<void(host const&)> const&) const = 0;
    virtual std::size_t size() const = 0;

    /// The history of a host that there is, as `history::json` and `history::csv` write it. `done`
    /// is called once, on the home shard, maybe later: other nodes may be asked.
    virtual void history(std::string_view id, history_span, history_format,
                         std::function<void(std::string)> done) = 0;

    /// Changes of state, the newest first, until `fn` says no.
    virtual void transitions(std::function<bool(logged_transition const&)> const& fn) const = 0;

    /// All rules in their order.
    virtual void rules(std::function<void(listed_rule const&)> const&) const = 0;
    /// Takes a rule in place of all others of its name, on all nodes; `text` is its JSON
    /// (`rule_json.hpp`).
    virtual change_outcome put_rule(std::string_view name, std::string const& text) = 0;
    /// Takes that back.
    virtual change_outcome erase_rule(std::string_view name) = 0;

    virtual std::vector<mute> const& mutes() const = 0;
    /// `text` is the JSON of a mute (`rule_json.hpp`).
    virtual change_outcome put_mute(std::string_view id, std::string const& text) = 0;
    virtual change_outcome erase_mute(std::string_view id) = 0;

    /// Forgets a host that is offline.
    virtual change_outcome forget(std::string_view id) = 0;

    /// A token for a link; empty when none can be made here: no key is configured.
    virtual std::string make_link(link_wish const&) = 0;
};

} // namespace mad::inline MAD_ABI::fleet

#endif
