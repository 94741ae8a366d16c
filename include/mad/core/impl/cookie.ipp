#ifndef MAD_CORE_IMPL_COOKIE_IPP
#define MAD_CORE_IMPL_COOKIE_IPP

#include <mad/core/cookie.hpp>
#include <mad/core/query.hpp>

#include <algorithm>
#include <stdexcept>

namespace mad::inline MAD_ABI {

namespace detail {

constexpr std::string_view without_blanks(std::string_view s) {
    auto const first = s.find_first_not_of(" \t");
    if (first == s.npos)
        return {};
    return s.substr(first, s.find_last_not_of(" \t") - first + 1);
}

/// A token of RFC 9110: what a name may consist of.
inline bool is_cookie_name(std::string_view s) {
    return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
        return c > 0x20 && c < 0x7f &&
               std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
    });
}

inline bool is_cookie_attribute(std::string_view s) {
    return std::all_of(s.begin(), s.end(),
                       [](char c) { return c >= 0x20 && c < 0x7f && c != ';'; });
}

} // namespace detail

MAD_DECL std::optional<std::string_view> cookie_view::get(std::string_view name) const {
    for (auto rest = header_; !rest.empty();) {
        auto const end = rest.find(';');
        auto const piece = rest.substr(0, end);
        rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
        auto const equals = piece.find('=');
        if (equals == piece.npos || detail::without_blanks(piece.substr(0, equals)) != name)
            continue;
        auto value = detail::without_blanks(piece.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        return value;
    }
    return std::nullopt;
}

MAD_DECL std::string set_cookie::header() const {
    if (!detail::is_cookie_name(name))
        throw std::invalid_argument("cookie name is not a token: " + percent_encode(name));
    if (!detail::is_cookie_attribute(path))
        throw std::invalid_argument("cookie path cannot be sent: " + percent_encode(path));
    if (!detail::is_cookie_attribute(domain))
        throw std::invalid_argument("cookie domain cannot be sent: " + percent_encode(domain));
    std::string out = name + "=" + percent_encode(value);
    if (max_age)
        out.append("; Max-Age=").append(std::to_string(max_age->count()));
    if (!domain.empty())
        out.append("; Domain=").append(domain);
    if (!path.empty())
        out.append("; Path=").append(path);
    if (http_only)
        out += "; HttpOnly";
    if (secure)
        out += "; Secure";
    switch (same_site) {
    case cookie_same_site::unset:
        break;
    case cookie_same_site::lax:
        out += "; SameSite=Lax";
        break;
    case cookie_same_site::strict:
        out += "; SameSite=Strict";
        break;
    case cookie_same_site::none:
        out += "; SameSite=None";
        break;
    }
    return out;
}

} // namespace mad::inline MAD_ABI

#endif
