#include <mad/core/cookie.hpp>
#include <mad/core/query.hpp>

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace mad;

TEST_CASE("a cookie is found by its exact name, without blanks and quotes") {
    struct row {
        std::string_view header, name;
        std::optional<std::string_view> value;
    };
    for (auto const& r : {
             row{"", "io", std::nullopt},
             row{"io=abc", "io", "abc"},
             row{"a=1; io=abc; b=2", "io", "abc"},
             row{"a=1;io=abc;b=2", "io", "abc"},
             row{"io=first; io=second", "io", "first"},
             row{"  io = abc\t; b=2", "io", "abc"},
             row{"io=\"a b\"", "io", "a b"},
             row{"io=\"", "io", "\""},
             row{"io=\"\"", "io", ""},
             row{"io=", "io", ""},
             row{"io", "io", std::nullopt},
             row{"io; io=late", "io", "late"},
             row{"iox=1; xio=2; IO=3", "io", std::nullopt},
             row{"io=a=b==", "io", "a=b=="},
             row{";;; ;io=abc;;", "io", "abc"},
             row{"a=io=abc", "io", std::nullopt},
             row{"=v", "", "v"},
             row{"io=%20x", "io", "%20x"},
             row{"a=\"x; io=abc\"", "io", "abc\""},
         }) {
        INFO(r.header);
        CHECK(cookie_view(r.header).get(r.name) == r.value);
    }
    CHECK_FALSE(cookie_view().get("io"));
}

TEST_CASE("set_cookie by default writes what Socket.IO 4 writes") {
    set_cookie c;
    c.value = "Q0vQzQYDTOlPAAAAAAAA";
    CHECK(c.header() == "io=Q0vQzQYDTOlPAAAAAAAA; Path=/; HttpOnly; SameSite=Lax");
}

TEST_CASE("set_cookie writes each attribute, or leaves it out") {
    set_cookie c{.name = "mad_node", .value = "v", .path = "/socket.io/"};
    CHECK(c.header() == "mad_node=v; Path=/socket.io/; HttpOnly; SameSite=Lax");
    c.http_only = false;
    c.same_site = cookie_same_site::none;
    c.secure = true;
    c.domain = "example.org";
    c.max_age = std::chrono::hours(1);
    CHECK(c.header() ==
          "mad_node=v; Max-Age=3600; Domain=example.org; Path=/socket.io/; Secure; SameSite=None");
    c.same_site = cookie_same_site::strict;
    c.max_age = std::chrono::seconds(0);
    c.domain.clear();
    CHECK(c.header() == "mad_node=v; Max-Age=0; Path=/socket.io/; Secure; SameSite=Strict");
    c.same_site = cookie_same_site::unset;
    c.path.clear();
    c.secure = false;
    c.max_age.reset();
    CHECK(c.header() == "mad_node=v");
}

TEST_CASE("a value that a cookie cannot hold is escaped and comes back whole") {
    set_cookie c;
    c.value = "a b;c=\"d\"\r\nX: y\xff";
    auto const header = c.header();
    CHECK(header.starts_with("io=a%20b%3Bc%3D%22d%22%0D%0AX%3A%20y%FF; "));
    auto const sent = cookie_view(header).get("io");
    REQUIRE(sent);
    CHECK(percent_decode(*sent, false) == c.value);
}

TEST_CASE("settings that a header cannot carry are refused") {
    for (std::string_view bad : {"", "a b", "a;b", "a=b", "a\r\nb", "a\x7f", "\xc3\xbc", "(a)"}) {
        INFO(bad);
        set_cookie c;
        c.name = bad;
        CHECK_THROWS_AS(c.header(), std::invalid_argument);
    }
    for (std::string_view bad : {"/;a", "/\r\nSet-Cookie: x=y", "/\x7f", "/\xc3\xbc"}) {
        INFO(bad);
        set_cookie path, domain;
        path.path = bad;
        domain.domain = bad;
        CHECK_THROWS_AS(path.header(), std::invalid_argument);
        CHECK_THROWS_AS(domain.header(), std::invalid_argument);
    }
}
