#ifndef MAD_FLEET_NOTICE_HPP
#define MAD_FLEET_NOTICE_HPP

#include <mad/fleet/roster.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// What people have been told of a host last, in words: empty: that it is well, or nothing yet;
/// `crit cpu`, `warn storage`, `offline`, `flapping`.
///
/// What they should be told of it now; nothing: no news. Silence (`stale`) is shown and not told,
/// muted hosts wait for the end of that, flapping ones are told of once, and one that has left in
/// good order is no trouble: that is said quietly (`is_quiet`).
std::optional<std::string> notice_of(host const&);

/// Whether going from `told` to `now` is written down and nobody is bothered: the host has left.
bool is_quiet(host const&, std::string_view told, std::string_view now);

/// A row of the ledger's table `told`: the words, and behind a line break the id of the notice that
/// said so, by which its node finds out whether it has won when the answer was lost. No row: no
/// words.
struct told_row {
    std::string_view words, notice;
};
told_row read_told(std::string_view row);
std::string write_told(told_row);

/// The verdict that such words stand for, for `roster_settings::recall`.
verdict verdict_of_notice(std::string_view told);

/// One message to people.
struct notice {
    std::string id; ///< of this notice: the same in each attempt to deliver it
    std::string host, name, region;
    std::vector<std::string> tags;
    std::string from, to; ///< `ok`, `warn`, `crit`, `offline` or `flapping`
    std::string rule, node;
    double value = 0, limit = 0;
    std::int64_t since_ms = 0; ///< of the state it is in
    std::int64_t at_ms = 0;    ///< when it was decided
};

/// `told` and `now` as above.
notice make_notice(host const&, std::string_view told, std::string_view now, std::string_view node,
                   std::int64_t wall_ms);

/// The body of the webhook:
/// `{"id":…,"host":…,"name":…,"from":"ok","to":"crit","rule":"cpu","value":97.1,"limit":95,
/// "since":…,"at":…,"tags":[…],"region":…,"node":…}`; rule, value and limit where a rule made it.
std::string notice_json(notice const&);

/// `sha256=` and the HMAC with that secret of `TIMESTAMP.BODY`, in hexadecimal digits.
std::string sign_notice(std::string_view secret, std::string_view timestamp, std::string_view body);

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/notice.ipp>
#endif

#endif
