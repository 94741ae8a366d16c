#include <mad/net/dial_proxy.hpp>
#include <mad/net/http/client_error.hpp>

#include <catch2/catch.hpp>
#include <support/print_result.hpp>

#include <string>

TEST_CASE("a proxy is read from its URL") {
    struct row {
        char const *url, *host;
        int port;
        char const* authorization;
    };
    auto const r = GENERATE(row{"http://proxy.example:3128", "proxy.example", 3128, ""},
                            row{"http://proxy.example/", "proxy.example", 80, ""},
                            row{"http://[::1]:8080", "::1", 8080, ""},
                            row{"http://us:pw@h:1", "h", 1, "Basic dXM6cHc="},
                            row{"http://us@h:1", "h", 1, "Basic dXM6"},
                            row{"http://us:@h:1", "h", 1, "Basic dXM6"},
                            row{"http://a%40b:c%3Ad:e@h:1", "h", 1, "Basic YUBiOmM6ZDpl"});
    CAPTURE(r.url);
    auto const p = mad::net::parse_proxy(r.url);
    REQUIRE(p);
    CHECK(p->host == r.host);
    CHECK(p->port == r.port);
    CHECK(p->authorization == r.authorization);
}

TEST_CASE("what is no proxy's URL is an error") {
    auto const url =
        GENERATE(as<std::string>(), "", "proxy:3128", "https://h:1", "ws://h", "http://",
                 "http://@", "http://u:p@", "http://h/x", "http://h?x", "http://h:0",
                 "http://h:70000", "http://h\r\n:1", "@", "http://h/a@b");
    CAPTURE(url);
    auto const p = mad::net::parse_proxy(url);
    REQUIRE(p.has_error());
    CHECK(p.error() == mad::net::http::client_error::bad_url);
}
