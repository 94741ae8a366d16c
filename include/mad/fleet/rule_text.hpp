#ifndef MAD_FLEET_RULE_TEXT_HPP
#define MAD_FLEET_RULE_TEXT_HPP

#include <mad/fleet/mutes.hpp>
#include <mad/fleet/rules.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// What somebody wrote behind a field of a file. (JSON is read by `rule_json.hpp`.)
using field_value = std::variant<bool, double, std::string, std::vector<std::string>>;

/// What is wrong, with its remedy. The field is empty where it is the whole.
struct field_problem {
    std::string field, message;
};

using field_problems = std::vector<field_problem>;

/// A rule that is being written, field by field:
///
///     name      what it is called
///     metric    what it judges, as `metric` writes it; default: that of its name
///     match     a search: for these hosts alone
///     warn      a number; false: none. The same for crit
///     below     true: low values are the bad ones
///     for       "60s", or seconds
///     clear     the value that `warn` (or crit, without one) is over at
///     clear_by  or how far behind each limit that is
///     own_limit degrees below the limit that a sensor has itself; of temp alone
///     enabled   false: it is not judged
class rule_writer {
  public:
    /// What is not written stays as in `base`.
    explicit rule_writer(rule base = {});

    /// Gives what is wrong with it; then nothing is changed.
    std::optional<std::string> set(std::string_view field, field_value const&);

    /// The rule, or what keeps it from being one.
    rule finish(field_problems&) const;

    /// All names of fields, for messages.
    static std::string_view fields();

  private:
    rule rule_;
    bool has_metric_ = false;
    std::optional<double> clear_;
};

/// The same for a mute:
///
///     match       a search: these hosts; empty: all
///     from        a time, as "2025-12-24T22:00:00Z" or in ms since 1970; the same for until
///     for         instead of until: so long from `from` on, or from now
///     weekly      "sat,sun", "22:00-06:00", "mon-fri 22:00-06:00", or several in a list
///     utc_offset  what the weekly times are ahead of UTC: "+01:00"
///     reason      for people
class mute_writer {
  public:
    explicit mute_writer(std::string id);

    std::optional<std::string> set(std::string_view field, field_value const&);
    mute finish(std::int64_t now_ms, field_problems&) const;
    static std::string_view fields();

  private:
    mute mute_;
    std::optional<milliseconds> lasts_;
};

/// RFC 3339, or a date alone (its first moment in UTC), as ms since 1970.
std::optional<std::int64_t> parse_time(std::string_view text);

/// The rule that one of this name is written over; an empty one with that name when there is none.
rule base_rule(std::string_view name, rule_set const&);

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/mute_text.ipp>
#include <mad/fleet/impl/rule_text.ipp>
#endif

#endif
