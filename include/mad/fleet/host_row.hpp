#ifndef MAD_FLEET_HOST_ROW_HPP
#define MAD_FLEET_HOST_ROW_HPP

#include <mad/fleet/roster.hpp>
#include <mad/fleet/search.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::fleet {

/// What a row says of a host, in the order in which it says it.
enum class host_column : std::uint8_t {
    id,
    state,
    flags, ///< bits, see `host_flag`
    name,
    region,
    tags,
    storage,
    network,
    cpu,
    mem,
    load,
    psi,
    up,   ///< seconds
    seen, ///< wall clock in ms at the last sample
    rule,
    value,
    limit,
    since, ///< wall clock in ms
    v,     ///< 1: an agent of the original
    count_
};

inline constexpr std::size_t host_column_count = static_cast<std::size_t>(host_column::count_);

/// Columns as bits.
using host_columns = std::uint32_t;

inline constexpr host_columns all_host_columns = (host_columns(1) << host_column_count) - 1;

constexpr host_columns bit_of(host_column c) {
    return host_columns(1) << static_cast<unsigned>(c);
}

/// Example: `storage`
std::string_view to_string(host_column);
std::optional<host_column> host_column_of(std::string_view name);

/// The number in a column, as rows show it; nothing where there is none.
std::optional<double> host_number(host const&, host_column);

/// Appends one host as a JSON object, as `{"id":"web-1","state":"ok",…}`; what is unknown is null.
/// `more` (`,"record":{…}`) comes last.
void append_host_json(std::string& out, host const&, host_columns = all_host_columns,
                      std::string_view more = {});

/// Appends a line of names, a line of values, as RFC 4180 wants them. Text that a spreadsheet
/// would take for a formula gets an apostrophe in front.
void append_csv_head(std::string& out, host_columns);
void append_csv_row(std::string& out, host const&, host_columns);

/// Appends one field of CSV as above.
void append_csv_text(std::string& out, std::string_view text);

/// What a search looks at. Views into the host.
search_subject subject_of(host const&);

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/host_row.ipp>
#endif

#endif
