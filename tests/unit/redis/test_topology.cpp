#include <mad/redis/backoff.hpp>
#include <mad/redis/detail/health.hpp>
#include <mad/redis/detail/sentinel_list.hpp>
#include <mad/redis/detail/slot_table.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad;
using redis::endpoint;
using redis::error;
using redis::reply;
using redis::state;
using redis::detail::moment;
using redis::detail::parse_redirect;
using redis::detail::sentinel_list;
using redis::detail::slot_table;

namespace {

reply text(std::string s) {
    return reply::make_string(std::move(s));
}
reply number(std::int64_t n) {
    return reply::make_integer(n);
}
reply list(std::vector<reply> items) {
    return reply::make_array(std::move(items));
}
reply range(int first, int last, std::string host, int port) {
    return list({number(first), number(last), list({text(std::move(host)), number(port)})});
}

endpoint const here{"10.0.0.9", 7000};

} // namespace

TEST_CASE("delays of reconnecting grow by chance between bounds") {
    redis::backoff b({milliseconds(100), milliseconds(5000)});
    std::vector<milliseconds::rep> low, high;
    for (int i = 0; i < 8; ++i)
        high.push_back(b.next(0.999999).count());
    CHECK(high == std::vector<milliseconds::rep>{199, 399, 799, 1599, 3199, 4999, 4999, 4999});
    CHECK(b.attempts() == 8);
    CHECK(b.next(0).count() == 100);
    b.reset();
    CHECK(b.next(0.5).count() == 150);
    redis::backoff wrong({milliseconds(10), milliseconds(5)});
    CHECK(wrong.next(0.5).count() == 10);
}

TEST_CASE("a redirect names slot and node") {
    struct row {
        char const* text;
        int slot;
        endpoint to;
    };
    auto const r = GENERATE(values<row>({
        {"MOVED 3999 127.0.0.1:6381", 3999, {"127.0.0.1", 6381}},
        {"ASK 16383 host.example:1", 16383, {"host.example", 1}},
        {"MOVED 0 ::1:6381", 0, {"::1", 6381}},
        {"MOVED 0 [::1]:6381", 0, {"::1", 6381}},
        {"MOVED 5 :6381", 5, {"10.0.0.9", 6381}},
        {"MOVED 5 ?:6381", 5, {"10.0.0.9", 6381}},
    }));
    auto const got = parse_redirect(r.text, here);
    REQUIRE(got);
    CHECK(got->slot == r.slot);
    CHECK(got->to == r.to);
}

TEST_CASE("what is no redirect is none") {
    auto const t = GENERATE(as<std::string>(), "", "MOVED", "MOVED 1", "MOVED 1 h", "MOVED x h:1",
                            "MOVED 16384 h:1", "MOVED 1 h:0", "MOVED 1 h:65536", "MOVED 1 h:1x",
                            "MOVED -1 h:1", "ERR 1 h:1");
    CAPTURE(t);
    CHECK_FALSE(parse_redirect(t, here));
}

TEST_CASE("CLUSTER SLOTS tells who has what") {
    auto t = slot_table::parse(list({range(0, 5460, "a", 1), range(5461, 10922, "", 2),
                                     range(10923, 16000, "c", 3), range(16001, 16001, "a", 1)}),
                               here);
    REQUIRE(t);
    CHECK(t->masters() == std::vector<endpoint>{{"a", 1}, {"10.0.0.9", 2}, {"c", 3}});
    CHECK(*t->at(0) == endpoint{"a", 1});
    CHECK(*t->at(5460) == endpoint{"a", 1});
    CHECK(*t->at(5461) == endpoint{"10.0.0.9", 2});
    CHECK(*t->at(16001) == endpoint{"a", 1});
    CHECK(t->at(16383) == nullptr);
    t->set(16383, {"d", 4});
    CHECK(*t->at(16383) == endpoint{"d", 4});
    t->set(0, {"c", 3});
    CHECK(*t->at(0) == endpoint{"c", 3});
    CHECK(t->masters().size() == 4);
    CHECK(slot_table().at(5) == nullptr);
}

TEST_CASE("an answer to CLUSTER SLOTS that makes no sense is none") {
    auto const r = GENERATE(values<reply>({
        reply(),
        reply::make_error("ERR This instance has cluster support disabled"),
        list({}),
        list({range(-1, 5, "a", 1)}),
        list({range(6, 5, "a", 1)}),
        list({range(0, 16384, "a", 1)}),
        list({range(0, 5, "a", 0)}),
        list({range(0, 5, "a", 70000)}),
        list({list({number(0), number(5)})}),
        list({text("x")}),
    }));
    CHECK_FALSE(slot_table::parse(r, here));
}

TEST_CASE("sentinels are asked in turn, and the one that answered is asked first next time") {
    sentinel_list l({{"a", 1}, {"b", 1}, {"c", 1}});
    auto const round = [&] {
        std::string out;
        l.begin();
        while (auto const* const e = l.next())
            out += e->host;
        return out;
    };
    CHECK(round() == "abc");
    l.begin();
    l.next();
    l.next();
    l.answered();
    CHECK(round() == "bac");
    l.misled();
    CHECK(round() == "acb");
    l.learn(list({list({text("name"), text("x"), text("ip"), text("d"), text("port"), text("9")}),
                  list({text("ip"), text("a"), text("port"), text("1")}),
                  list({text("ip"), text("e"), text("port"), text("x")}), text("?")}));
    CHECK(round() == "acbd");
    CHECK(l.known().back() == endpoint{"d", 9});
    for (int i = 0; i < 200; ++i)
        l.learn(list({list({text("ip"), text("h" + std::to_string(i)), text("port"), text("1")})}));
    CHECK(l.known().size() == sentinel_list::max_known);
}

TEST_CASE("a sentinel names a master, or none") {
    using redis::detail::parse_master;
    CHECK(parse_master(list({text("10.0.0.1"), text("6379")})) == endpoint{"10.0.0.1", 6379});
    auto const r = GENERATE(values<reply>(
        {reply(), reply::make_error("IDONTKNOW"), list({text("h")}), list({text(""), text("1")}),
         list({text("h"), text("0")}), list({text("h"), text("1"), text("2")})}));
    CHECK_FALSE(parse_master(r));
    CHECK(redis::detail::tells_of_switch("mymaster 1.1.1.1 1 2.2.2.2 2", "mymaster"));
    CHECK_FALSE(redis::detail::tells_of_switch("mymaster2 1.1.1.1 1 2.2.2.2 2", "mymaster"));
    CHECK_FALSE(redis::detail::tells_of_switch("mymaster", "mymaster"));
}

TEST_CASE("the condition follows from what happens") {
    int now = 0;
    auto const at = [&] {
        ++now;
        return moment{time_point(seconds(now)), now * 1000};
    };
    redis::detail::health h(at());
    CHECK(h.now().state == state::down);
    CHECK_FALSE(h.now().reason);

    CHECK(h.down(at(), error::unreachable, "refused"));
    CHECK(h.now().since_wall_ms == 1000); // it was down before
    CHECK_FALSE(h.down(at(), error::unreachable, "refused again"));
    CHECK(h.now().text == "refused");

    CHECK(h.up(at()));
    CHECK(h.now().state == state::connected);
    CHECK(h.now().since_wall_ms == 4000);
    CHECK(h.now().text.empty());
    CHECK_FALSE(h.up(at()));

    CHECK(h.refused(at(), "HSET", error::out_of_memory, "OOM ..."));
    CHECK(h.now().state == state::degraded);
    CHECK(h.now().reason == error::out_of_memory);
    CHECK(h.now().since_wall_ms == 6000);
    CHECK_FALSE(h.up(at()));            // another node came up
    CHECK_FALSE(h.worked(at(), "GET")); // reads go on working
    CHECK(h.worked(at(), "HSET"));
    CHECK(h.now().state == state::connected);
    CHECK(h.now().since_wall_ms == 9000);

    h.refused(at(), "HSET", error::out_of_memory, "OOM ...");
    CHECK(h.down(at(), error::timeout, ""));
    CHECK_FALSE(h.refused(at(), "HSET", error::out_of_memory, "OOM ..."));
    CHECK_FALSE(h.worked(at(), "HSET"));
    CHECK(h.up(at()));
    CHECK(h.partly(at(), error::unreachable, "one"));
    CHECK(h.now().state == state::degraded);
    CHECK(h.up(at()));
}
