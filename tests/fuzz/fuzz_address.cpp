// What names a server or a peer: URLs, proxies, upstreams, affinity keys, origins, networks,
// forwarded addresses. Any text; what is understood says the same when it is written again.
#include "fuzz_support.hpp"

#include <mad/fleet/page.hpp>
#include <mad/net/dial_proxy.hpp>
#include <mad/net/http/url.hpp>
#include <mad/net/trust.hpp>
#include <mad/proxy/affinity.hpp>
#include <mad/proxy/upstream.hpp>

#include <array>
#include <string>

namespace net = mad::net;
namespace proxy = mad::proxy;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if (auto const u = net::http::parse_url(text)) {
        FUZZ_CHECK(!u->host.empty() && u->host.size() <= size);
        auto const again = net::http::parse_url(u->scheme + "://" + u->authority() + u->path +
                                                (u->query.empty() ? "" : '?' + u->query));
        FUZZ_CHECK(again && again->host == u->host && again->port == u->port);
        FUZZ_CHECK(again->path == u->path && again->query == u->query);
    }
    if (auto const p = net::parse_proxy(text))
        FUZZ_CHECK(!p->host.empty() && p->authorization.find('\n') == std::string::npos);
    if (auto const u = proxy::parse_upstream(text)) {
        FUZZ_CHECK(proxy::is_upstream_name(u->name));
        FUZZ_CHECK(u->weight >= 1 && u->weight <= 1000 && u->proxy_protocol <= 2);
        auto const again = proxy::parse_upstream(u->name + '=' + u->url());
        FUZZ_CHECK(again && again->same_server(*u) && again->name == u->name);
    }
    if (auto const o = mad::fleet::parse_origin(text))
        FUZZ_CHECK(o->authority.find_first_of(" ;,'\"\r\n") == std::string::npos);
    (void)proxy::parse_affinity(text);
    net::trust_list networks;
    if (networks.add(text))
        FUZZ_CHECK(!networks.empty());
    // Who is behind trusted proxies: whatever the fields say, an address comes out.
    auto const here = boost::asio::ip::make_address("127.0.0.1");
    auto const half = size / 2;
    std::array const fields{net::http::field{"X-Forwarded-For", text.substr(0, half)},
                            net::http::field{"X-Forwarded-For", text.substr(half)},
                            net::http::field{"X-Forwarded-Proto", text}};
    auto const who = net::trust_list::loopback().peer_of(here, false, fields);
    FUZZ_CHECK(!who.address.is_unspecified() || text.find_first_of("0:") != text.npos);
    FUZZ_CHECK(net::trust_list().peer_of(here, false, fields).address == here);
    return 0;
}
