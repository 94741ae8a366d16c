#ifndef MAD_CORE_IMPL_QUERY_IPP
#define MAD_CORE_IMPL_QUERY_IPP

#include <mad/core/query.hpp>

#include <cstddef>

namespace mad::inline MAD_ABI {

namespace detail {

constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/// The decoded character at `i`, which moves past it.
constexpr char percent_next(std::string_view s, std::size_t& i, bool plus_is_space) {
    char const c = s[i++];
    if (c == '+' && plus_is_space)
        return ' ';
    if (c != '%' || s.size() - i < 2)
        return c;
    int const high = hex_value(s[i]), low = hex_value(s[i + 1]);
    if (high < 0 || low < 0)
        return c;
    i += 2;
    return static_cast<char>(high << 4 | low);
}

/// Whether `raw` decodes to `text`; builds nothing.
constexpr bool percent_equal(std::string_view raw, std::string_view text) {
    std::size_t i = 0;
    for (char const c : text)
        if (i == raw.size() || percent_next(raw, i, true) != c)
            return false;
    return i == raw.size();
}

constexpr bool is_uri_component_char(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.!~*'()").find(c) != std::string_view::npos;
}

} // namespace detail

MAD_DECL std::string percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();)
        out += detail::percent_next(text, i, plus_is_space);
    return out;
}

MAD_DECL std::string percent_encode(std::string_view text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (char const c : text) {
        if (detail::is_uri_component_char(c)) {
            out += c;
            continue;
        }
        auto const byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

MAD_DECL std::pair<std::string_view, std::string_view>
query_view::take_pair(std::string_view& rest) {
    auto const end = rest.find('&');
    auto const piece = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    if (piece.empty())
        return {};
    auto const equals = piece.find('=');
    if (equals == piece.npos)
        return {piece, {}};
    return {piece.substr(0, equals), piece.substr(equals + 1)};
}

MAD_DECL std::optional<std::string> query_view::get(std::string_view key) const {
    for (auto rest = text_; !rest.empty();) {
        auto const [raw_key, value] = take_pair(rest);
        if (raw_key.data() && detail::percent_equal(raw_key, key))
            return percent_decode(value, true);
    }
    return std::nullopt;
}

} // namespace mad::inline MAD_ABI

#endif
