#ifndef MAD_FLEET_RECORD_HPP
#define MAD_FLEET_RECORD_HPP

#include <mad/core/error.hpp>
#include <mad/core/json_scan.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace mad::inline MAD_ABI::fleet {

/// What is wrong with a message of an agent. The message is dropped and counted.
enum class record_error : std::uint8_t {
    none = 0,
    not_an_object, ///< or not JSON, or nested deeper than `record_limits::max_depth`
    too_large,     ///< over `record_limits::max_bytes`
    bad_id,        ///< no text of 1 to 128 bytes without control characters
    bad_health,    ///< `health` is no object
    too_many,      ///< an array or the tags are longer than their limit
};

error_category const& record_category();

inline error_code make_error_code(record_error e) {
    return {static_cast<int>(e), record_category()};
}

struct record_limits {
    std::size_t max_bytes = 16 * 1024;
    std::size_t max_depth = 6;
    std::size_t max_id_bytes = 128;
    std::size_t max_tags = 20;
    std::size_t max_tag_bytes = 64;
    std::size_t max_array = 128;
};

/// One message of an agent, `{id, health, ...}`, judged in one pass over its bytes; nothing is
/// built. Views point into the message.
struct record_view {
    std::string id;          ///< unescaped
    std::string_view health; ///< as JSON; empty in `client_disconnected`
    std::string_view info;   ///< as JSON; empty when absent
    std::string run;
    std::optional<std::uint64_t> seq;
    std::optional<std::uint64_t> interval_ms;
    bool is_v2 = false; ///< says `"v":2`: units are known
    /// All other members as they came, each with a comma in front, without `id`, `health`, `info`,
    /// `socketID` and `state`, which nodes say and nobody else.
    std::string rest;
};

/// `needs_health`: all events but the clean leave.
result<record_view> judge_record(std::string_view message, bool needs_health,
                                 record_limits const& = {});

/// The record as consoles get it: what the agent sent, with the node's own `socketID` (one sent by
/// a peer is never passed on) and the last known `info`. The id is written one way, however the
/// agent wrote it: original pages compare it with that of `web_client_disconnect`.
/// Example: `{"id":"web-042","health":{...},"v":2,"info":{...},"socketID":"x"}`
std::string splice_record(record_view const&, std::string_view info, std::string_view socket_id);

} // namespace mad::inline MAD_ABI::fleet

template <>
struct boost::system::is_error_code_enum<mad::fleet::record_error> : std::true_type {};

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/record.ipp>
#endif

#endif
