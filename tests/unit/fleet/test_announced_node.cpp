#include <mad/fleet/announced_node.hpp>

#include <catch2/catch.hpp>

using namespace mad;
using namespace std::chrono_literals;
using fleet::announced_node;
using fleet::node_directory;

namespace {

time_point const start{1h};

announced_node node(std::string name, bool draining = false) {
    return {std::move(name), "http://10.0.0.5:3000", "1.2.3", "instance", 513, draining};
}

std::vector<std::string> names(node_directory const& d) {
    std::vector<std::string> out;
    for (auto const& n : d.list())
        out.push_back(n.node + (n.draining ? " drains" : ""));
    return out;
}

using strings = std::vector<std::string>;

} // namespace

TEST_CASE("an announcement is read as it was written") {
    auto n = node("a", GENERATE(true, false));
    n.instance = "with \"quotes\" and \xc3\xa4";
    CHECK(fleet::read_announcement("a", announcement_of(n)) == n);
    CHECK(announcement_of(node("a")) ==
          R"({"url":"http://10.0.0.5:3000","tag":513,"version":"1.2.3","instance":"instance",)"
          R"("draining":false})");
}

TEST_CASE("what is no announcement is left out") {
    auto const text = GENERATE(
        std::string(), std::string("null"), std::string("[]"), std::string("{}"),
        std::string(R"({"url":"","tag":1})"), std::string(R"({"url":7,"tag":1})"),
        std::string(R"({"url":"http://a"})"), std::string(R"({"url":"http://a","tag":65536})"),
        std::string(R"({"url":"http://a","tag":-1})"),
        std::string(R"({"url":"http://a","tag":"1"})"),
        "{\"url\":\"http://a\",\"tag\":1,\"more\":\"" + std::string(5000, 'x') + "\"}");
    INFO(text);
    CHECK_FALSE(fleet::read_announcement("a", text));
    CHECK_FALSE(fleet::read_announcement("", announcement_of(node("a"))));
    CHECK_FALSE(fleet::read_announcement(std::string(65, 'a'), announcement_of(node("a"))));
}

TEST_CASE("members of an announcement that are not known yet are passed over") {
    auto const n = fleet::read_announcement("a", R"({"zone":"b","url":"http://a","tag":1})");
    REQUIRE(n);
    CHECK(n->url == "http://a");
    CHECK_FALSE(n->draining);
}

TEST_CASE("an announced node makes an upstream of its name and tag") {
    auto u = fleet::upstream_of(node("api-0"));
    REQUIRE(u);
    CHECK(u->name == "api-0");
    CHECK(u->host == "10.0.0.5");
    CHECK(u->port == 3000);
    CHECK(u->node_tag == std::uint16_t{513});
    CHECK(fleet::upstream_of(node("a b/c\xc3\xa4"))->name == "a-b-c--");
    for (auto const* const url : {"", "nonsense", "ftp://a", "http://a/path", "http://"}) {
        auto bad = node("a");
        bad.url = url;
        CHECK_FALSE(fleet::upstream_of(bad));
    }
}

TEST_CASE("the list is told when it is first known, and when it changes") {
    node_directory d;
    CHECK(d.read({}, start)); // there are none: that is something to know
    CHECK_FALSE(d.read({}, start));
    CHECK(d.read({{node("b"), 15s}, {node("a"), 15s}}, start));
    CHECK(names(d) == strings{"a", "b"});
    CHECK_FALSE(d.read({{node("a"), 14s}, {node("b"), 14s}}, start + 1s));
    CHECK(d.read({{node("a", true), 13s}, {node("b"), 13s}}, start + 2s));
    CHECK(names(d) == strings{"a drains", "b"});
}

TEST_CASE("a node is gone when its lease is over") {
    node_directory d;
    d.read({{node("a"), 15s}, {node("b"), 10s}}, start);
    CHECK(d.next_end() == start + 10s);
    CHECK(d.read({{node("a"), 5s}}, start + 10s));
    CHECK(names(d) == strings{"a"});
    CHECK(d.next_end() == start + 15s);
}

TEST_CASE("a node whose entry is lost before its lease is over stays") {
    node_directory d;
    d.read({{node("a"), 15s}, {node("b"), 10s}}, start);
    CHECK_FALSE(d.read({}, start + 1s)); // all data of Redis are gone
    CHECK(names(d) == strings{"a", "b"});
    CHECK_FALSE(d.read({{node("a"), 15s}}, start + 5s)); // one has written itself down again
    CHECK(d.read({{node("a"), 10s}}, start + 10s));
    CHECK(names(d) == strings{"a"});
}

TEST_CASE("after a new connection nobody is gone before there was time to come back") {
    node_directory d;
    d.read({{node("a"), 1s}, {node("b"), 1s}}, start);
    d.keep_until(start + 60s + 15s);
    CHECK_FALSE(d.read({}, start + 60s));
    CHECK_FALSE(d.read({{node("a"), 15s}}, start + 65s));
    CHECK(names(d) == strings{"a", "b"});
    CHECK(d.read({{node("a"), 5s}}, start + 75s));
    CHECK(names(d) == strings{"a"});
}

TEST_CASE("a node that says that it leaves is gone at once") {
    node_directory d;
    d.read({{node("a"), 15s}, {node("b"), 15s}}, start);
    CHECK(d.left("a"));
    CHECK_FALSE(d.left("a"));
    CHECK_FALSE(d.left("nobody"));
    CHECK(names(d) == strings{"b"});
}
