#ifndef MAD_CORE_IMPL_BASE64_IPP
#define MAD_CORE_IMPL_BASE64_IPP

#include <mad/core/base64.hpp>

#include <array>
#include <cstdint>

namespace mad::inline MAD_ABI {

namespace detail {

using base64_alphabet = std::array<char, 65>;

inline constexpr base64_alphabet base64_standard = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};
inline constexpr base64_alphabet base64_url = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};

/// For each of the four places in a group: the bits a character stands for, already shifted to
/// where they belong. `base64_bad` is a bit that no good character has.
inline constexpr std::uint32_t base64_bad = 1u << 31;

inline constexpr auto base64_bits = [] {
    std::array<std::array<std::uint32_t, 256>, 4> t{};
    for (unsigned place = 0; place < 4; ++place) {
        t[place].fill(base64_bad);
        for (std::uint32_t v = 0; v < 64; ++v) {
            t[place][static_cast<unsigned char>(base64_standard[v])] = v << (18 - 6 * place);
            t[place][static_cast<unsigned char>(base64_url[v])] = v << (18 - 6 * place);
        }
    }
    return t;
}();

/// Writes the whole groups and the rest of `in`; gives the end, without padding.
inline char* base64_write(std::string_view in, char* out, base64_alphabet const& alphabet) {
    auto const byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(in[i]));
    };
    std::size_t i = 0;
    for (; i + 3 <= in.size(); i += 3) {
        auto const v = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        out[0] = alphabet[v >> 18];
        out[1] = alphabet[v >> 12 & 63];
        out[2] = alphabet[v >> 6 & 63];
        out[3] = alphabet[v & 63];
        out += 4;
    }
    if (i == in.size())
        return out;
    bool const two = i + 2 == in.size();
    auto const v = byte(i) << 16 | (two ? byte(i + 1) << 8 : 0);
    *out++ = alphabet[v >> 18];
    *out++ = alphabet[v >> 12 & 63];
    if (two)
        *out++ = alphabet[v >> 6 & 63];
    return out;
}

} // namespace detail

MAD_DECL void base64_encode(std::string_view in, char* out) {
    char* const end = out + base64_size(in.size());
    for (char* p = detail::base64_write(in, out, detail::base64_standard); p != end;)
        *p++ = '=';
}

MAD_DECL void append_base64(std::string& out, std::string_view in) {
    auto const before = out.size();
    out.resize(before + base64_size(in.size()));
    base64_encode(in, out.data() + before);
}

MAD_DECL void append_base64url(std::string& out, std::string_view in) {
    auto const before = out.size();
    out.resize(before + base64url_size(in.size()));
    detail::base64_write(in, out.data() + before, detail::base64_url);
}

MAD_DECL bool base64_decode(std::string_view in, std::string& out) {
    if (!in.empty() && in.back() == '=') {
        if (in.size() % 4 != 0)
            return false;
        in.remove_suffix(in[in.size() - 2] == '=' ? 2 : 1);
    }
    auto const rest = in.size() % 4;
    if (rest == 1)
        return false;
    auto const before = out.size();
    out.resize(before + in.size() / 4 * 3 + (rest == 0 ? 0 : rest - 1));
    char* to = out.data() + before;
    auto const bits = [&](unsigned place, std::size_t i) {
        return detail::base64_bits[place][static_cast<unsigned char>(in[i])];
    };
    // One look at the end: bad characters leave their mark in `seen`.
    std::uint32_t seen = 0;
    std::size_t i = 0;
    for (; i + 4 <= in.size(); i += 4) {
        auto const v = bits(0, i) | bits(1, i + 1) | bits(2, i + 2) | bits(3, i + 3);
        seen |= v;
        to[0] = static_cast<char>(v >> 16);
        to[1] = static_cast<char>(v >> 8);
        to[2] = static_cast<char>(v);
        to += 3;
    }
    if (rest != 0) {
        auto const v = bits(0, i) | bits(1, i + 1) | (rest == 3 ? bits(2, i + 2) : 0);
        seen |= v;
        *to++ = static_cast<char>(v >> 16);
        if (rest == 3)
            *to++ = static_cast<char>(v >> 8);
    }
    if (seen & detail::base64_bad) {
        out.resize(before);
        return false;
    }
    return true;
}

} // namespace mad::inline MAD_ABI

#endif
