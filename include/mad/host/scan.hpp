#ifndef MAD_HOST_SCAN_HPP
#define MAD_HOST_SCAN_HPP

#include <mad/config.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

/// The few steps every parser of kernel text is made of. None allocates or looks at the locale.
namespace mad::inline MAD_ABI::host {

/// Takes the first line off `text` and gives it without its newline.
inline std::string_view next_line(std::string_view& text) {
    auto const end = text.find('\n');
    auto const line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return line;
}

/// Takes the first word (between blanks or tabs) off `line`; empty when there is none.
inline std::string_view next_word(std::string_view& line) {
    std::size_t from = 0;
    while (from < line.size() && (line[from] == ' ' || line[from] == '\t'))
        ++from;
    std::size_t to = from;
    while (to < line.size() && line[to] != ' ' && line[to] != '\t')
        ++to;
    auto const word = line.substr(from, to - from);
    line.remove_prefix(to);
    return word;
}

/// Takes what stands before the next single blank off `line`; fields may be empty.
inline std::string_view next_field(std::string_view& line) {
    auto const end = line.find(' ');
    auto const field = line.substr(0, end);
    line.remove_prefix(end == line.npos ? line.size() : end + 1);
    return field;
}

/// The number that all of `word` spells; nothing for anything else, a sign or 2^64 and above too.
template <class Int = std::uint64_t>
std::optional<Int> number_of(std::string_view word, int base = 10) {
    Int value{};
    auto const* end = word.data() + word.size();
    auto const r = std::from_chars(word.data(), end, value, base);
    if (word.empty() || r.ec != std::errc{} || r.ptr != end)
        return std::nullopt;
    return value;
}

/// The decimal fraction that all of `word` spells, when it is finite and not negative.
inline std::optional<double> fraction_of(std::string_view word) {
    double value{};
    auto const* end = word.data() + word.size();
    auto const r = std::from_chars(word.data(), end, value, std::chars_format::fixed);
    if (word.empty() || r.ec != std::errc{} || r.ptr != end)
        return std::nullopt;
    if (!std::isfinite(value) || std::signbit(value))
        return std::nullopt;
    return value;
}

/// Takes the next word off `line` as a number.
inline std::optional<std::uint64_t> next_number(std::string_view& line) {
    return number_of(next_word(line));
}

/// a - b, or 0 where that would be negative: the kernel's numbers are no atomic picture.
constexpr std::uint64_t minus(std::uint64_t a, std::uint64_t b) {
    return a > b ? a - b : 0;
}

/// a * b, or the largest number where that would not fit.
constexpr std::uint64_t times(std::uint64_t a, std::uint64_t b) {
    std::uint64_t r = 0;
    return __builtin_mul_overflow(a, b, &r) ? UINT64_MAX : r;
}

/// a + b, or the largest number where that would not fit.
constexpr std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
    std::uint64_t r = 0;
    return __builtin_add_overflow(a, b, &r) ? UINT64_MAX : r;
}

} // namespace mad::inline MAD_ABI::host

#endif
