#ifndef MAD_PROXY_IMPL_UPSTREAM_IPP
#define MAD_PROXY_IMPL_UPSTREAM_IPP

#include <mad/net/http/url.hpp>
#include <mad/proxy/upstream.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace mad::inline MAD_ABI::proxy {

MAD_DECL void throw_exception_from_error(upstream_failure const& f, boost::source_location const&) {
    throw std::invalid_argument(f.message);
}

MAD_DECL std::string upstream::authority() const {
    auto out = host.find(':') == host.npos ? host : '[' + host + ']';
    if (port != (secure ? 443 : 80))
        out.append(":").append(std::to_string(port));
    return out;
}

MAD_DECL std::string upstream::url() const {
    return (secure ? "https://" : "http://") + authority();
}

MAD_DECL bool is_upstream_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    });
}

namespace detail {

/// One `key=value` behind the URL. What is wrong with it; empty: nothing.
inline std::string upstream_option(upstream& u, std::string_view key, std::string_view value) {
    unsigned n = 0;
    auto const* const end = value.data() + value.size();
    auto const r = std::from_chars(value.data(), end, n);
    bool const number = r.ec == std::errc() && r.ptr == end;
    if (key == "weight") {
        if (!number || n < 1 || n > 1000)
            return "weight is a number from 1 to 1000";
        u.weight = n;
        return {};
    }
    if (key == "proxy_protocol") {
        if (!number || n > 2)
            return "proxy_protocol is 1 or 2, the version of the header (0: none)";
        u.proxy_protocol = n;
        return {};
    }
    return "the options of an upstream are weight and proxy_protocol";
}

} // namespace detail

MAD_DECL upstream_result<upstream> parse_upstream(std::string_view text) {
    auto const fail = [whole = std::string(text.substr(0, 200))](std::string_view why) {
        return upstream_failure{whole + ": " + std::string(why)};
    };
    upstream u;
    auto const scheme = text.find("://");
    if (auto const equals = text.find('='); equals < scheme && scheme != text.npos) {
        u.name = text.substr(0, equals);
        if (!is_upstream_name(u.name))
            return fail("the name before = has 1 to 64 characters of A-Z a-z 0-9 . _ -");
        text.remove_prefix(equals + 1);
    }
    constexpr auto form = "an upstream is [NAME=]http://HOST:PORT, or https://";
    auto const at = net::http::parse_url(text);
    if (!at || !at->scheme.starts_with("http"))
        return fail(form);
    if (at->path != "/" || text.find('#') != text.npos)
        return fail("an upstream has no path: requests keep theirs");
    u.host = at->host;
    u.port = at->port;
    u.secure = at->secure;
    for (std::string_view left = at->query; !left.empty();) {
        auto const option = left.substr(0, left.find('&'));
        left.remove_prefix(std::min(left.size(), option.size() + 1));
        auto const equals = std::min(option.find('='), option.size());
        auto const value = option.substr(std::min(option.size(), equals + 1));
        if (auto const why = detail::upstream_option(u, option.substr(0, equals), value);
            !why.empty())
            return fail(why);
    }
    if (u.name.empty()) {
        u.name = u.host + '-' + std::to_string(u.port);
        std::replace(u.name.begin(), u.name.end(), ':', '-');
        if (!is_upstream_name(u.name))
            return fail("that host makes no name: write NAME=http://...");
    }
    return u;
}

MAD_DECL std::string_view to_string(upstream_state s) {
    switch (s) {
    case upstream_state::unknown:
        break;
    case upstream_state::up:
        return "up";
    case upstream_state::slow_start:
        return "slow_start";
    case upstream_state::not_ready:
        return "not_ready";
    case upstream_state::draining:
        return "draining";
    case upstream_state::drained:
        return "drained";
    case upstream_state::down:
        return "down";
    case upstream_state::held:
        return "held";
    }
    return "unknown";
}

} // namespace mad::inline MAD_ABI::proxy

#endif
