#ifndef MAD_CORE_JSON_TEXT_HPP
#define MAD_CORE_JSON_TEXT_HPP

#include <mad/config.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI {

/// Appends `text` as a JSON string, quotes included. What is not UTF-8 becomes U+FFFD, one for each
/// maximal wrong piece, so the outcome is always valid.
void append_json_string(std::string& out, std::string_view text);

/// Appends the shortest digits that give `value` back: 1 is `1`, 1.5 is `1.5`. What JSON cannot
/// say becomes what JavaScript writes: NaN and infinities `null`, -0 `0`.
void append_json_number(std::string& out, double value);

/// Appends an integer in decimal.
template <std::integral Int>
requires(!std::same_as<Int, bool>) void append_json_number(std::string& out, Int value) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

/// Appends the text that a JSON string stands for. `raw` is what a scan accepted, with its quotes
/// or without. A lone surrogate becomes U+FFFD.
void json_unescape(std::string_view raw, std::string& out);

/// Length in bytes of what `json_unescape` would append.
std::size_t json_unescaped_size(std::string_view raw);

/// Whether the JSON string `raw` (as above) stands for `text`.
bool json_string_equals(std::string_view raw, std::string_view text);

/// Turns each `\udXXX` without a partner in scanned JSON text into `\ufffd`, in place (both have
/// six characters). Parsers that are strict take the outcome.
void replace_lone_surrogates(std::string& json_text);

} // namespace mad::inline MAD_ABI

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/core/impl/json_text.ipp>
#endif

#endif
