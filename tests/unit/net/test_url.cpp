#include <mad/net/http/url.hpp>

#include <catch2/catch.hpp>
#include <support/print_result.hpp>

using mad::net::http::client_error;
using mad::net::http::parse_url;

TEST_CASE("a URL is taken apart") {
    struct row {
        std::string text, host;
        std::uint16_t port;
        bool secure;
        std::string path, query, authority;
    };
    auto const r =
        GENERATE(row{"http://localhost", "localhost", 80, false, "/", "", "localhost"},
                 row{"http://localhost/", "localhost", 80, false, "/", "", "localhost"},
                 row{"http://localhost:3000", "localhost", 3000, false, "/", "", "localhost:3000"},
                 row{"http://a.example:80/x/y", "a.example", 80, false, "/x/y", "", "a.example"},
                 row{"https://a.example", "a.example", 443, true, "/", "", "a.example"},
                 row{"https://a.example:80", "a.example", 80, true, "/", "", "a.example:80"},
                 row{"https://a.example:443/", "a.example", 443, true, "/", "", "a.example"},
                 row{"ws://10.0.0.1:1", "10.0.0.1", 1, false, "/", "", "10.0.0.1:1"},
                 row{"wss://a.example:65535", "a.example", 65535, true, "/", "", "a.example:65535"},
                 row{"WSS://a.example/p", "a.example", 443, true, "/p", "", "a.example"},
                 row{"http://[::1]:3000/admin", "::1", 3000, false, "/admin", "", "[::1]:3000"},
                 row{"https://[fe80::1]", "fe80::1", 443, true, "/", "", "[fe80::1]"},
                 row{"http://h?a=1&b=%20", "h", 80, false, "/", "a=1&b=%20", "h"},
                 row{"http://h/p?a=1?b", "h", 80, false, "/p", "a=1?b", "h"},
                 row{"http://h/p#part?x", "h", 80, false, "/p", "", "h"},
                 row{"http://h#part", "h", 80, false, "/", "", "h"});
    CAPTURE(r.text);
    auto const u = parse_url(r.text);
    REQUIRE(u);
    CHECK(u->host == r.host);
    CHECK(u->port == r.port);
    CHECK(u->secure == r.secure);
    CHECK(u->path == r.path);
    CHECK(u->query == r.query);
    CHECK(u->authority() == r.authority);
}

TEST_CASE("a URL that no request can be made of is refused") {
    auto const text = GENERATE(
        as<std::string>(), "", "localhost", "localhost:3000", "//localhost", "ftp://h", "http:/h",
        "http://", "http:///x", "http://:80", "http://h:", "http://h:0", "http://h:65536",
        "http://h:99999999999", "http://h:8o", "http://h:+80", "http://h:-1", "http://u@h",
        "http://u:p@h", "http://h/a b", "http://h/\r\nX: y", std::string("http://h/\0", 10),
        "http://h/\x7f", "http://h/\xc3\xa9", "http://[::1", "http://[]", "http://[h]",
        "http://::1", "http://[::1]x", "http://h]", "http://a\\b", "redis://h");
    CAPTURE(text);
    auto const u = parse_url(text);
    REQUIRE(u.has_error());
    CHECK(u.error() == client_error::bad_url);
}
