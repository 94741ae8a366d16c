#include <mad/proxy/upstream.hpp>

#include <catch2/catch.hpp>

using namespace mad;
using proxy::parse_upstream;

TEST_CASE("an upstream is read from its text") {
    struct row {
        std::string text, name, host;
        unsigned port;
        bool secure;
        unsigned weight, proxy_protocol;
    };
    auto const r =
        GENERATE(row{"http://10.0.0.5:3000", "10.0.0.5-3000", "10.0.0.5", 3000, false, 1, 0},
                 row{"http://10.0.0.5:3000/", "10.0.0.5-3000", "10.0.0.5", 3000, false, 1, 0},
                 row{"a=http://host", "a", "host", 80, false, 1, 0},
                 row{"api_1.x-2=https://host:8443", "api_1.x-2", "host", 8443, true, 1, 0},
                 row{"https://host", "host-443", "host", 443, true, 1, 0},
                 row{"http://[::1]:3000", "--1-3000", "::1", 3000, false, 1, 0},
                 row{"a=http://host:1?weight=1000", "a", "host", 1, false, 1000, 0},
                 row{"http://host:1?weight=7&proxy_protocol=2", "host-1", "host", 1, false, 7, 2});
    auto const u = parse_upstream(r.text);
    INFO(r.text);
    REQUIRE(u.has_value());
    CHECK(u->name == r.name);
    CHECK(u->host == r.host);
    CHECK(u->port == r.port);
    CHECK(u->secure == r.secure);
    CHECK(u->weight == r.weight);
    CHECK(u->proxy_protocol == r.proxy_protocol);
    CHECK_FALSE(u->node_tag);
}

TEST_CASE("what is no upstream is refused with the remedy") {
    struct row {
        std::string text, part;
    };
    auto const r = GENERATE(
        row{"", "http://HOST:PORT"}, row{"host:3000", "http://HOST:PORT"},
        row{"ftp://host", "http://HOST:PORT"}, row{"ws://host", "http://HOST:PORT"},
        row{"http://", "http://HOST:PORT"}, row{"http://user@host", "http://HOST:PORT"},
        row{"http://host:70000", "http://HOST:PORT"}, row{"http://host:0", "http://HOST:PORT"},
        row{"http://host/path", "no path"}, row{"http://host:1#a", "no path"},
        row{"=http://host", "the name before ="}, row{"a b=http://host", "the name before ="},
        row{std::string(65, 'n') + "=http://host", "the name before ="},
        row{"http://" + std::string(70, 'h'), "NAME="}, row{"http://h?weight=0", "1 to 1000"},
        row{"http://h?weight=1001", "1 to 1000"}, row{"http://h?weight=", "1 to 1000"},
        row{"http://h?weight=1x", "1 to 1000"}, row{"http://h?proxy_protocol=3", "1 or 2"},
        row{"http://h?other=1", "options"}, row{"http://h?weight", "1 to 1000"});
    auto const u = parse_upstream(r.text);
    INFO(r.text);
    REQUIRE_FALSE(u.has_value());
    CHECK_THAT(u.error().message, Catch::Contains(r.part));
    CHECK_THROWS_AS(u.value(), std::invalid_argument);
}

TEST_CASE("an upstream's authority has the port where it is not the scheme's own") {
    struct row {
        std::string text, authority;
    };
    auto const r =
        GENERATE(row{"http://h:80", "h"}, row{"http://h:443", "h:443"}, row{"https://h:443", "h"},
                 row{"http://[::1]:80", "[::1]"}, row{"http://[::1]:81", "[::1]:81"});
    CHECK(parse_upstream(r.text)->authority() == r.authority);
    CHECK(parse_upstream(parse_upstream(r.text)->url())->same_server(*parse_upstream(r.text)));
}
