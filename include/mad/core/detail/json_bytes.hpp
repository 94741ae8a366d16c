#ifndef MAD_CORE_DETAIL_JSON_BYTES_HPP
#define MAD_CORE_DETAIL_JSON_BYTES_HPP

#include <mad/core/utf8.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mad::inline MAD_ABI::detail {

constexpr bool is_json_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

constexpr bool is_json_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The first byte in [p, end) that is not plain text inside a JSON string: a quote, a backslash, a
/// control byte or the beginning of something that is not ASCII; `end` when all are plain.
inline char const* skip_plain_text(char const* p, char const* end) {
    constexpr std::uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    while (end - p >= 8) {
        std::uint64_t w;
        std::memcpy(&w, p, 8);
        // The top bit of a byte is set where it is not plain. A borrow can only reach bytes behind
        // the first such one, so on a little-endian machine the lowest set bit is exact.
        auto const hits =
            (w | (w - ones * 0x20) | ((w ^ ones * '"') - ones) | ((w ^ ones * '\\') - ones)) & tops;
        if (hits == 0) {
            p += 8;
            continue;
        }
        if constexpr (std::endian::native == std::endian::little)
            return p + std::countr_zero(hits) / 8;
        else
            break;
    }
    while (p != end) {
        auto const c = static_cast<unsigned char>(*p);
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
        ++p;
    }
    return p;
}

/// Behind the UTF-8 that begins at p, which is not ASCII; where it is wrong, p stays there.
inline char const* skip_utf8(char const* p, char const* end) {
    while (p != end && static_cast<unsigned char>(*p) >= 0x80) {
        auto const n = utf8_sequence_length({p, static_cast<std::size_t>(end - p)});
        if (n == 0)
            break;
        p += n;
    }
    return p;
}

constexpr int json_hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/// The code unit of the four hex digits at p; -1 when there are none.
inline int json_hex4(char const* p, char const* end) {
    if (end - p < 4)
        return -1;
    int unit = 0;
    for (int i = 0; i < 4; ++i) {
        int const v = json_hex_value(p[i]);
        if (v < 0)
            return -1;
        unit = unit << 4 | v;
    }
    return unit;
}

/// The code unit of the escape `\uXXXX` at p; -1 when there is none.
inline int json_unicode_escape(char const* p, char const* end) {
    return end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? json_hex4(p + 2, end) : -1;
}

constexpr bool is_high_surrogate(int unit) {
    return unit >= 0xd800 && unit <= 0xdbff;
}
constexpr bool is_low_surrogate(int unit) {
    return unit >= 0xdc00 && unit <= 0xdfff;
}

} // namespace mad::inline MAD_ABI::detail

#endif
