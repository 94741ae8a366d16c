#include <mad/net/address_limits.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad;
using namespace mad::net;
using boost::asio::ip::make_address;

namespace {

/// The given limits, at a time that only the test moves.
struct gate {
    explicit gate(address_limits_settings s)
        : limits(s) {}

    bool enter(char const* address) { return limits.enter(make_address(address), now); }
    void leave(char const* address) { limits.leave(make_address(address)); }
    int enter_many(char const* address, int n) {
        int let_in = 0;
        for (int i = 0; i < n; ++i)
            let_in += enter(address);
        return let_in;
    }

    address_limits limits;
    time_point now{};
};

constexpr address_limits_settings count_only{3, 0, 0};
constexpr address_limits_settings rate_only{0, 10, 5};

} // namespace

TEST_CASE("one address has so many connections at a time, others have theirs") {
    gate g(count_only);
    CHECK(g.enter_many("192.0.2.1", 10) == 3);
    CHECK(g.enter("192.0.2.2"));
    g.leave("192.0.2.1");
    CHECK(g.enter("192.0.2.1"));
    CHECK_FALSE(g.enter("192.0.2.1"));
}

TEST_CASE("a refused connection is not counted") {
    gate g(count_only);
    g.enter_many("192.0.2.1", 100);
    for (int i = 0; i < 3; ++i)
        g.leave("192.0.2.1");
    CHECK(g.enter_many("192.0.2.1", 10) == 3);
}

TEST_CASE("who leaves without having come changes nothing") {
    gate g(count_only);
    g.leave("192.0.2.1");
    g.enter("192.0.2.1");
    g.leave("192.0.2.1");
    g.leave("192.0.2.1");
    CHECK(g.enter_many("192.0.2.1", 10) == 3);
}

TEST_CASE("new connections have a rate, with a burst that fills up again") {
    gate g(rate_only);
    CHECK(g.enter_many("192.0.2.1", 10) == 5);
    g.now += milliseconds(99);
    CHECK_FALSE(g.enter("192.0.2.1"));
    g.now += milliseconds(2);
    CHECK(g.enter("192.0.2.1"));
    CHECK_FALSE(g.enter("192.0.2.1"));
    g.now += seconds(60);
    CHECK(g.enter_many("192.0.2.1", 10) == 5);
}

TEST_CASE("loopback is exempt") {
    auto const address = GENERATE("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1");
    gate g({1, 1, 1});
    CHECK(g.enter_many(address, 50) == 50);
    g.leave(address);
}

TEST_CASE("zeros turn the limits off") {
    gate g({0, 0, 0});
    CHECK(g.enter_many("192.0.2.1", 1000) == 1000);
}

TEST_CASE("a peer of IPv6 counts by its /64") {
    gate g(count_only);
    CHECK(g.enter("2001:db8:0:1::1"));
    CHECK(g.enter("2001:db8:0:1::2"));
    CHECK(g.enter("2001:db8:0:1:ffff::"));
    CHECK_FALSE(g.enter("2001:db8:0:1::3"));
    CHECK(g.enter("2001:db8:0:2::1"));
}

TEST_CASE("IPv4 in the clothes of IPv6 is IPv4, each address for itself") {
    gate g(count_only);
    CHECK(g.enter_many("::ffff:192.0.2.1", 10) == 3);
    CHECK_FALSE(g.enter("192.0.2.1"));
    CHECK(g.enter("::ffff:192.0.2.2"));
    g.leave("192.0.2.1");
    CHECK(g.enter("::ffff:192.0.2.1"));
}

TEST_CASE("addresses that are gone are forgotten, the others are not") {
    gate g({1, 0, 0});
    CHECK(g.enter("192.0.2.1"));
    for (int i = 0; i < 70'000; ++i) {
        auto const a = boost::asio::ip::address_v4(0x0a000000u + static_cast<unsigned>(i));
        g.limits.enter(a, g.now);
        g.limits.leave(a);
    }
    g.now += seconds(120);
    CHECK(g.enter("198.51.100.1"));
    CHECK_FALSE(g.enter("192.0.2.1"));
}

TEST_CASE("the default number of connections leaves room for other descriptors") {
    CHECK(default_max_connections() >= 64);
    raise_descriptor_limit();
    CHECK(default_max_connections() >= 64);
}

TEST_CASE("limits that change count from the next connection on, and those that are open stay") {
    gate g(count_only);
    for (int i = 0; i < 3; ++i)
        CHECK(g.enter("192.0.2.1"));
    CHECK_FALSE(g.enter("192.0.2.1"));
    g.limits.set({4, 0, 0});
    CHECK(g.enter("192.0.2.1"));
    CHECK_FALSE(g.enter("192.0.2.1"));
    g.limits.set({2, 0, 0});
    g.leave("192.0.2.1");
    g.leave("192.0.2.1");
    CHECK_FALSE(g.enter("192.0.2.1"));
    g.leave("192.0.2.1");
    CHECK(g.enter("192.0.2.1"));
    g.limits.set({0, 0, 0}); // off, and who leaves meanwhile is not missed afterwards
    for (int i = 0; i < 10; ++i)
        CHECK(g.enter("192.0.2.1"));
    for (int i = 0; i < 12; ++i)
        g.leave("192.0.2.1");
    g.limits.set(count_only);
    for (int i = 0; i < 3; ++i)
        CHECK(g.enter("192.0.2.1"));
    CHECK_FALSE(g.enter("192.0.2.1"));
}

TEST_CASE("asking whether a rate is used up counts nothing") {
    gate g(rate_only);
    auto const a = make_address("192.0.2.1");
    for (int i = 0; i < 10; ++i)
        CHECK_FALSE(g.limits.spent(a, g.now));
    CHECK(g.enter_many("192.0.2.1", 10) == 5);
    CHECK(g.limits.spent(a, g.now));
    CHECK_FALSE(g.limits.spent(make_address("192.0.2.2"), g.now));
    g.now += milliseconds(100);
    CHECK_FALSE(g.limits.spent(a, g.now));
    CHECK(g.enter("192.0.2.1"));
    CHECK(g.limits.spent(a, g.now));
    CHECK_FALSE(g.limits.spent(make_address("127.0.0.1"), g.now));
    g.limits.set({0, 0, 0});
    CHECK_FALSE(g.limits.spent(a, g.now));
}
