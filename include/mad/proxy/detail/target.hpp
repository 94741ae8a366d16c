#ifndef MAD_PROXY_DETAIL_TARGET_HPP
#define MAD_PROXY_DETAIL_TARGET_HPP

#include <mad/net/http/message.hpp>
#include <mad/proxy/forward.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mad::inline MAD_ABI::proxy::detail {

struct authority {
    std::string_view host;
    std::optional<unsigned> port;
};

/// `name`, `name:80`, `192.0.2.1`, `[::1]:80`: what a Host may be. Nothing else, and never empty:
/// whoever reads it behind us must not find a user, a path or a second host in it.
inline std::optional<authority> read_authority(std::string_view text) {
    auto const in = [](std::string_view s, auto is) {
        for (char const c : s)
            if (!is(c))
                return false;
        return !s.empty();
    };
    auto const hex = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    };
    authority out;
    std::string_view rest;
    if (text.starts_with('[')) {
        auto const end = text.find(']');
        if (end == text.npos ||
            !in(text.substr(1, end - 1), [&](char c) { return hex(c) || c == ':' || c == '.'; }))
            return std::nullopt;
        out.host = text.substr(0, end + 1);
        rest = text.substr(end + 1);
    } else {
        out.host = text.substr(0, text.find(':'));
        rest = text.substr(out.host.size());
        if (!in(out.host, [](char c) {
                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
            }))
            return std::nullopt;
    }
    if (rest.empty())
        return out;
    unsigned port = 0;
    auto const* const end = rest.data() + rest.size();
    auto const r = std::from_chars(rest.data() + 1, end, port);
    if (rest.front() != ':' || rest.size() < 2 || r.ec != std::errc() || r.ptr != end ||
        port > 65535)
        return std::nullopt;
    out.port = port;
    return out;
}

inline bool is_authority(std::string_view text) {
    return read_authority(text).has_value();
}

/// `a:80` is `A` for http.
inline bool same_authority(std::string_view a, std::string_view b, unsigned default_port) {
    auto const x = read_authority(a), y = read_authority(b);
    return x && y && net::http::iequals(x->host, y->host) &&
           x->port.value_or(default_port) == y->port.value_or(default_port);
}

/// Whether a path has `.` or `..` as a segment, also where it is written with `%2e`, `%2f`, `%5c`
/// or a backslash, or a NUL: what routes it here could lead elsewhere behind us. Browsers send none
/// of it.
inline bool is_devious(std::string_view path) {
    auto const digit = [](char c) { return static_cast<char>(c | 0x20); };
    int dots = 0; // of a segment that has nothing else; -1: it has
    for (std::size_t i = 0; i < path.size(); ++i) {
        char c = path[i];
        if (c == '%' && path.size() - i > 2) {
            char const high = path[i + 1], low = digit(path[i + 2]);
            char decoded = 0;
            if (high == '2')
                decoded = low == 'e' ? '.' : low == 'f' ? '/' : '\0';
            else if (high == '5' && low == 'c')
                decoded = '/';
            else if (high == '0' && path[i + 2] == '0')
                return true;
            if (decoded) {
                c = decoded;
                i += 2;
            }
        } else if (c == '\\') {
            return true;
        }
        if (c == '/' || c == ';') { // what follows `;` is no part of the name for some
            if (dots == 1 || dots == 2)
                return true;
            dots = c == '/' ? 0 : -1;
        } else if (c == '.' && dots >= 0) {
            ++dots;
        } else {
            dots = -1;
        }
    }
    return dots == 1 || dots == 2;
}

/// Brings a target into origin form (`*` stays). False: it is none to pass on.
inline bool read_target(std::string_view method, std::string_view target, verdict& v) {
    for (char const c : target)
        if (c <= 0x20 || c == 0x7f || c == '#' || static_cast<unsigned char>(c) > 0x7e)
            return false;
    v.target = target;
    if (target == "*") {
        v.path = target;
        return method == "OPTIONS";
    }
    if (!target.starts_with('/')) {
        auto const is = [&](std::string_view scheme) {
            return target.size() > scheme.size() &&
                   net::http::iequals(target.substr(0, scheme.size()), scheme);
        };
        bool const secure = is("https://");
        if (!secure && !is("http://"))
            return false;
        auto const begin = target.find("//") + 2;
        auto const end = std::min(target.find_first_of("/?", begin), target.size());
        if (!same_authority(target.substr(begin, end - begin), v.host, secure ? 443 : 80))
            return false;
        v.target = target.substr(end);
        v.add_slash = !v.target.starts_with('/');
    }
    auto const mark = std::min(v.target.find('?'), v.target.size());
    v.path = v.add_slash ? std::string_view("/") : v.target.substr(0, mark);
    v.query = v.target.substr(std::min(mark + 1, v.target.size()));
    return !is_devious(v.path);
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
