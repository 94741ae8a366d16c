#include <mad/engine/handshake_info.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using mad::engine::handshake_info;
using mad::net::http::field;
using mad::net::http::request;

namespace {

request make(std::string_view target, std::vector<field> const& fields) {
    request r;
    r.target = target;
    r.fields = fields;
    return r;
}

} // namespace

TEST_CASE("a handshake keeps its target, its query and its fields") {
    std::vector<field> const fields{
        {"Host", "node:3000"}, {"X-Empty", ""}, {"User-Agent", "probe/1 (a: b)"}};
    auto r = make("/engine.io/?EIO=4&token=x%20y&token=z", fields);
    r.peer = boost::asio::ip::make_address("10.1.2.3");
    r.secure = true;
    handshake_info const h(r, 1234);

    CHECK(h.url() == "/engine.io/?EIO=4&token=x%20y&token=z");
    CHECK(h.query().get("token") == "x y");
    CHECK(h.header("host") == "node:3000");
    CHECK(h.header("USER-AGENT") == "probe/1 (a: b)");
    CHECK(h.header("X-Empty").empty());
    CHECK(h.header("X-Missing").empty());
    CHECK(h.address().to_string() == "10.1.2.3");
    CHECK(h.secure());
    CHECK(h.issued_ms() == 1234);
    CHECK_FALSE(h.cross_domain());

    std::vector<std::pair<std::string, std::string>> all;
    h.for_each_header([&](std::string_view n, std::string_view v) { all.emplace_back(n, v); });
    REQUIRE(all.size() == 3);
    CHECK(all[0] == std::pair<std::string, std::string>("Host", "node:3000"));
    CHECK(all[1] == std::pair<std::string, std::string>("X-Empty", ""));
    CHECK(all[2] == std::pair<std::string, std::string>("User-Agent", "probe/1 (a: b)"));
}

TEST_CASE("it outlives the request it was made from") {
    handshake_info h;
    {
        std::string const target = "/x/?a=1", name = "Origin", value = "http://page.example";
        std::vector<field> const fields{{name, value}};
        h = handshake_info(make(target, fields));
    }
    CHECK(h.url() == "/x/?a=1");
    CHECK(h.query().get("a") == "1");
    CHECK(h.header("origin") == "http://page.example");
    CHECK(h.cross_domain());
}

TEST_CASE("of a repeated field the first one counts") {
    std::vector<field> const fields{{"X-A", "first"}, {"x-a", "second"}};
    CHECK(handshake_info(make("/", fields)).header("X-A") == "first");
}

TEST_CASE("a target without a query has none") {
    struct row {
        char const* target;
        char const* query;
    };
    auto const r = GENERATE(values<row>({{"/x/", ""}, {"/x/?", ""}, {"/x/?a=?", "?"}}));
    handshake_info const h(make(r.target, {}));
    CAPTURE(r.target);
    CHECK(h.url() == r.target);
    CHECK(h.query().get("a").value_or("") == r.query);
}

TEST_CASE("one that was never filled is empty, not broken") {
    handshake_info const h;
    int seen = 0;
    h.for_each_header([&](std::string_view, std::string_view) { ++seen; });
    CHECK(seen == 0);
    CHECK(h.url().empty());
    CHECK(h.header("Host").empty());
    CHECK_FALSE(h.query().get("a"));
    CHECK_FALSE(h.secure());
}

TEST_CASE("a trusted proxy's word replaces address and scheme") {
    handshake_info h(make("/", {}));
    h.set_client(boost::asio::ip::make_address("2001:db8::1"), true);
    CHECK(h.address().to_string() == "2001:db8::1");
    CHECK(h.secure());
}
