#ifndef MAD_NET_IMPL_DIAL_PROXY_IPP
#define MAD_NET_IMPL_DIAL_PROXY_IPP

#include <mad/core/base64.hpp>
#include <mad/core/query.hpp>
#include <mad/net/dial_proxy.hpp>
#include <mad/net/http/url.hpp>

namespace mad::inline MAD_ABI::net {

MAD_DECL result<dial_proxy> parse_proxy(std::string_view url) {
    dial_proxy out;
    std::string plain(url);
    for (char const c : plain)
        if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
            return error_code(http::client_error::bad_url);
    auto const begin = plain.find("://");
    auto const end = plain.find_first_of("/?#", begin == plain.npos ? 0 : begin + 3);
    auto const at = plain.rfind('@', end);
    if (begin != plain.npos && at != plain.npos && at > begin) {
        auto const who = std::string_view(plain).substr(begin + 3, at - begin - 3);
        auto const colon = who.find(':');
        auto words = percent_decode(who.substr(0, colon), false) + ':';
        if (colon != who.npos)
            words += percent_decode(who.substr(colon + 1), false);
        out.authorization = "Basic ";
        append_base64(out.authorization, words);
        plain.erase(begin + 3, at - begin - 2);
    }
    auto const u = http::parse_url(plain);
    if (!u)
        return u.error();
    if (u->scheme != "http" || u->path != "/" || !u->query.empty())
        return error_code(http::client_error::bad_url);
    out.host = u->host;
    out.port = u->port;
    return out;
}

} // namespace mad::inline MAD_ABI::net

#endif
