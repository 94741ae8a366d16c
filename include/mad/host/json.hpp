#ifndef MAD_HOST_JSON_HPP
#define MAD_HOST_JSON_HPP

#include <mad/config.hpp>
#include <mad/host/identity.hpp>
#include <mad/host/sample.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::host {

/// Most entries of the lists `disk`, `ifs` and `temps` in a message. What is left out is counted in
/// `disk_more`, `ifs_more` and `temps_more`.
inline constexpr std::size_t max_listed = 32;

/// Up to this many CPUs each has its number in `cores`; above, or when their numbers have holes and
/// go beyond twice as many, the list becomes a summary.
inline constexpr std::size_t max_cores_listed = 64;

/// Room that `append_health_json` keeps to, in bytes, so that id, info and all fit the 16 KB that a
/// server takes: past it no more filesystems are listed.
inline constexpr std::size_t max_health_bytes = 12'288;

/// Appends the `health` object of a message, without blanks and in fixed order. `storage` and
/// `network` are always there; all else only when known. Bytes and bytes per second are whole;
/// percents have one decimal, those of single CPUs none, our own share two.
///
/// `cores` is an array by CPU number, `null` where one is not known, or, for more of them (see
/// `max_cores_listed`), the object `{"n":…,"min":…,"mean":…,"max":…,"top":[[number,percent]…]}` of
/// the ten busiest.
///
/// `psi` and `psi60` (the kernel's averages over 60 s) hold `[some,full]` for `cpu`, `mem` and
/// `io`; the machine's `cpu` has no `full`, and `some` is `null` should it alone be unknown. A view
/// of a control group has `usable`, the CPUs that `pct` is of, and with a quota `throttled` in
/// `cpu`.
///
/// `temp` is the sensor that is most urgent (see `is_more_urgent`), with its limit `crit` where it
/// has one, `temps` are all: `[{"n":name,"c":celsius,"crit":celsius}…]`. Only these may be below 0.
/// Example: `{"storage":37.4,"network":1.844,"cpu":{"pct":12.3,…},…,"err":[]}`
void append_health_json(std::string& out, sample const& s);

/// What `info` says beside the identity.
struct info_labels {
    /// Version of the agent.
    std::string_view agent = MAD_VERSION;

    /// Where the host is; left out when empty.
    std::string_view region;

    std::span<std::string const> tags;
};

/// Appends the `info` object of a message.
/// Example: `{"host":"web-042","os":"Debian 12","kernel":"6.1.0","arch":"x86_64","cpus":4,…}`
void append_info_json(std::string& out, identity const& who, info_labels const& labels = {});

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/json.ipp>
#endif

#endif
