#ifndef MAD_FLEET_RULE_JSON_HPP
#define MAD_FLEET_RULE_JSON_HPP

#include <mad/fleet/mutes.hpp>
#include <mad/fleet/rule_problem.hpp>
#include <mad/fleet/rules.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::fleet {

/// Whether a rule may have that name: 1 to 64 of `A-Z a-z 0-9 _ . -`, the first a letter, a digit
/// or `_`.
bool is_rule_name(std::string_view);

/// The hosts that a search means by what seldom changes: words, `tag:`, `id:`, `name:`, `region:`,
/// `os:` and tags of any key. Empty text: all.
rule_result<host_match> host_match_of(std::string_view text);

/// Reads a rule: `{"metric":"cpu","warn":85,"crit":95,"for":60,"match":"tag:prod"}`. `metric` and
/// one of `warn` and `crit` must be there; also `below`, `clear_by`, `own_limit`, `enabled`. `for`
/// is in seconds, at most a day.
rule_result<rule> parse_rule(std::string_view name, std::string_view text);

/// Appends the members of a rule, without braces, name first; absent what is not set.
void append_rule_members(std::string& out, rule const&);

/// Reads a mute: `{"match":"role:db","until":1764000000000,"reason":"new disks"}`. Instead of
/// `until` (wall clock in ms) `for` (seconds from now, at most 366 days); also `from`, `weekly` (a
/// list as `parse_weekly` reads it) and `utc_offset` (minutes). One of `until`, `for` and `weekly`
/// must be there: what has no end is forgotten. `id` is not looked at.
rule_result<mute> parse_mute(std::string_view id, std::string_view text, std::int64_t wall_ms);

/// The same of what `append_mute_members` wrote: what is over by now is read too.
rule_result<mute> read_mute(std::string_view id, std::string_view text);

/// Appends the members of a mute, without braces, id first.
void append_mute_members(std::string& out, mute const&);

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/rule_json.ipp>
#endif

#endif
