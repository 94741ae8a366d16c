#ifndef MAD_NET_HTTP_IMPL_URL_IPP
#define MAD_NET_HTTP_IMPL_URL_IPP

#include <mad/net/http/url.hpp>

#include <algorithm>
#include <charconv>

namespace mad::inline MAD_ABI::net::http {

MAD_DECL std::string url::authority() const {
    auto out = host.find(':') == host.npos ? host : '[' + host + ']';
    if (port != (secure ? 443 : 80))
        out.append(":").append(std::to_string(port));
    return out;
}

MAD_DECL result<url> parse_url(std::string_view text) {
    error_code const bad = client_error::bad_url;
    if (std::any_of(text.begin(), text.end(), [](char c) {
            auto const b = static_cast<unsigned char>(c);
            return b <= 0x20 || b >= 0x7f;
        }))
        return bad;
    text = text.substr(0, text.find('#'));
    auto const colon = text.find("://");
    if (colon == text.npos)
        return bad;
    url u;
    u.scheme = text.substr(0, colon);
    std::transform(u.scheme.begin(), u.scheme.end(), u.scheme.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    u.secure = u.scheme == "https" || u.scheme == "wss";
    if (!u.secure && u.scheme != "http" && u.scheme != "ws")
        return bad;
    text.remove_prefix(colon + 3);
    auto const end = std::min(text.find_first_of("/?"), text.size());
    auto where = text.substr(0, end);
    text.remove_prefix(end);
    if (where.find_first_of("@\\") != where.npos)
        return bad;
    if (where.starts_with('[')) {
        auto const close = where.find(']');
        if (close == where.npos)
            return bad;
        u.host = where.substr(1, close - 1);
        if (u.host.find(':') == u.host.npos)
            return bad;
        where.remove_prefix(close + 1);
    } else {
        u.host = where.substr(0, where.find(':'));
        where.remove_prefix(u.host.size());
    }
    if (u.host.empty() || u.host.find_first_of("[]") != u.host.npos)
        return bad;
    u.port = u.secure ? 443 : 80;
    if (!where.empty()) {
        auto const digits = where.substr(1);
        auto const* const last = digits.data() + digits.size();
        auto const r = std::from_chars(digits.data(), last, u.port);
        if (where.front() != ':' || r.ec != std::errc() || r.ptr != last || u.port == 0)
            return bad;
    }
    auto const question = text.find('?');
    u.path = text.substr(0, question);
    if (u.path.empty())
        u.path = "/";
    if (question != text.npos)
        u.query = text.substr(question + 1);
    return u;
}

} // namespace mad::inline MAD_ABI::net::http

#endif
