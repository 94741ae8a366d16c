#include <mad/net/http/client.hpp>

#include <catch2/catch.hpp>

using namespace mad::net::http;

TEST_CASE("nothing in a field can add another one") {
    client_request r;
    r.set("X-A", "1").set("X-B", "2\r\nX-C: 3").set("X\nD", std::string_view("4\0", 2));
    CHECK(r.fields == "X-A: 1\r\nX-B: 2  X-C: 3\r\nX D: 4 \r\n");
}

TEST_CASE("an answer's fields are found by any case") {
    client_response r;
    r.fields = {{"Content-Type", "text/plain"}, {"Connection", "a, Upgrade"}, {"connection", "b"}};
    CHECK(r.header("content-type") == "text/plain");
    CHECK(r.header("Connection") == "a, Upgrade");
    CHECK(r.header("x").empty());
    CHECK(r.says("Connection", "upgrade"));
    CHECK(r.says("Connection", "b"));
    CHECK_FALSE(r.says("Connection", "c"));
}

TEST_CASE("every error of a request has words of its own") {
    std::vector<std::string> seen;
    for (int i = 0; i <= static_cast<int>(client_error::proxy_refused); ++i) {
        auto const e = make_error_code(static_cast<client_error>(i));
        CAPTURE(i);
        CHECK(std::string(e.category().name()) == "mad.net.http.client");
        CHECK(e.message() != "unknown HTTP client error");
        CHECK(std::find(seen.begin(), seen.end(), e.message()) == seen.end());
        seen.push_back(e.message());
    }
    CHECK(mad::error_code(99, client_category()).message() == "unknown HTTP client error");
    CHECK_FALSE(make_error_code(client_error::none));
}
