#ifndef MAD_CORE_JSON_PARSE_HPP
#define MAD_CORE_JSON_PARSE_HPP

#include <mad/core/json_fwd.hpp>
#include <mad/core/json_scan.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI {

/// The value that `text` holds, judged by `scan_json` before anything is built. With
/// `limits.lone_surrogates` those become U+FFFD. Of repeated keys the last one counts.
result<json> parse_json(std::string_view text, json_limits const& limits = {});

namespace detail {

/// Writes what stands for a binary leaf.
struct json_binary_writer {
    void* context;
    void (*call)(void* context, std::string& out, std::string_view bytes);
};

void append_json(std::string& out, json const& value, json_binary_writer);

} // namespace detail

/// Deepest value that `append_json` prints; what lies deeper becomes `null`.
inline constexpr std::size_t max_json_print_depth = 512;

/// Appends `value` as compact JSON, keys in their order. Numbers are printed as
/// `append_json_number` does (1.0 is `1`), strings as `append_json_string` does: never throws for
/// what a value holds. Binary leaves become `null`.
void append_json(std::string& out, json const& value);

} // namespace mad::inline MAD_ABI

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/core/impl/json_parse.ipp>
#endif

#endif
