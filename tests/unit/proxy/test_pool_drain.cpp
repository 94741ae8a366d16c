#include "pool_world.hpp"

#include <catch2/catch.hpp>
#include <support/print_result.hpp>

using namespace pool_world;
using names = std::vector<std::string>;
using proxy::pool_error;
using proxy::removal;

/// Closes what is asked for, as the relays do. How many that were, by second.
static std::vector<std::uint32_t> obey(world& w, seconds how_long) {
    std::vector<std::uint32_t> out;
    for (seconds s{0}; s < how_long; ++s) {
        w.pass(1s);
        std::uint32_t n = 0;
        for (auto const& order : w.it.take_sheds()) {
            w.at(order.id)->count->tunnels -= order.sessions;
            n += order.sessions;
        }
        out.push_back(n);
    }
    return out;
}

TEST_CASE("a drain takes no new sessions and closes the old ones in slices") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    w.at(a)->count->tunnels = 1000;
    REQUIRE(w.it.drain("a", w.now));
    CHECK(w.state_of(a) == state::draining);
    CHECK_FALSE(w.at(a)->takes());
    CHECK(w.at(a)->serves);
    CHECK(w.it.take_sheds().empty());
    w.pass(999ms);
    CHECK(w.it.take_sheds().empty());
    w.pass(1ms);
    auto const first = w.it.take_sheds();
    REQUIRE(first.size() == 1);
    CHECK(first[0].sessions == 34);
    w.at(a)->count->tunnels -= 34;
    auto const rest = obey(w, 29s);
    for (auto const n : rest)
        CHECK((n == 33 || n == 34));
    CHECK(w.at(a)->count->tunnels == 0);
    w.pass(1s);
    CHECK(w.state_of(a) == state::drained);
    CHECK(w.events() == names{"draining a", "drained a"});
}

TEST_CASE("polling sessions and requests on their way hold a drain up") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    w.at(a)->count->polling_sessions = 1;
    w.at(a)->count->requests_open = 1;
    REQUIRE(w.it.drain("a", w.now));
    w.pass(60s);
    CHECK(w.state_of(a) == state::draining);
    w.at(a)->count->polling_sessions = 0;
    w.pass(2s);
    CHECK(w.state_of(a) == state::draining);
    w.at(a)->count->requests_open = 0;
    w.pass(2s);
    CHECK(w.state_of(a) == state::drained);
}

TEST_CASE("sessions that do not go are asked again each second") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    w.at(a)->count->tunnels = 3;
    REQUIRE(w.it.drain("a", w.now));
    w.pass(40s);
    w.it.take_sheds();
    w.pass(1s);
    auto const order = w.it.take_sheds();
    REQUIRE(order.size() == 1);
    CHECK(order[0].sessions == 3);
}

TEST_CASE("an idle upstream is drained when the grace is over") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    REQUIRE(w.it.drain("a", w.now));
    CHECK(w.state_of(a) == state::draining);
    w.pass(1s);
    CHECK(w.state_of(a) == state::drained);
}

TEST_CASE("undrain brings an upstream back by and by") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    REQUIRE(w.it.drain("a", w.now));
    w.pass(5s);
    REQUIRE(w.it.undrain("a", w.now));
    CHECK(w.state_of(a) == state::slow_start);
    CHECK(w.at(a)->share == Approx(0.1));
    CHECK(w.events() == names{"draining a", "drained a", "undrained a"});
    CHECK(w.it.take_sheds().empty());
}

TEST_CASE("an order to drain outlives a restart of the node") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    REQUIRE(w.it.drain("a", w.now));
    w.pass(2s);
    w.down(a);
    CHECK(w.state_of(a) == state::down);
    w.back(a);
    CHECK(w.state_of(a) == state::drained);
    CHECK_FALSE(w.at(a)->takes());
    REQUIRE(w.it.undrain("a", w.now));
    CHECK(w.at(a)->takes());
}

TEST_CASE("drained upstreams are not taken, even when nobody else is there") {
    world w;
    auto const ids = w.add_all({"a", "b"});
    REQUIRE(w.it.drain("a", w.now));
    w.down(ids[1]);
    CHECK_FALSE(w.at(ids[0])->takes());
    CHECK(w.at(ids[1])->takes());
    CHECK(w.it.view(w.now)->panic());
}

TEST_CASE("who says itself that it drains takes nothing, and closes its sessions itself") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    w.at(a)->count->tunnels = 10;
    bool const listed = GENERATE(true, false);
    if (listed)
        w.it.set_announced_drain(a, true, w.now);
    else
        w.probe(a, proxy::probe_result::kind::draining);
    CHECK(w.state_of(a) == state::draining);
    CHECK(w.at(a)->serves);
    CHECK_FALSE(w.at(a)->takes());
    w.pass(60s);
    CHECK(w.it.take_sheds().empty());
    CHECK(w.events() == names{"draining a"});
    if (listed)
        w.it.set_announced_drain(a, false, w.now);
    else
        w.good(a);
    CHECK(w.at(a)->takes());
}

TEST_CASE("one that serves is not removed unless it is forced") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    auto const count = w.at(a)->count;
    count->tunnels = 3;
    CHECK(w.it.remove("a", removal::if_empty, w.now).error() == pool_error::has_sessions);
    CHECK(w.it.remove("nobody", removal::at_once, w.now).error() == pool_error::unknown_upstream);

    SECTION("forced: its sessions are cut") {
        REQUIRE(w.it.remove("a", removal::at_once, w.now));
        CHECK(w.events() == names{"cut a", "removed a"});
        CHECK_FALSE(w.at(a));
    }
    SECTION("gently: it drains first") {
        REQUIRE(w.it.remove("a", removal::drain_first, w.now));
        CHECK(w.state_of(a) == state::draining);
        CHECK(w.it.status(w.now)[0].leaving);
        obey(w, 32s);
        CHECK_FALSE(w.at(a));
        CHECK(w.events() == names{"draining a", "drained a", "cut a", "removed a"});
    }
    SECTION("empty: at once") {
        count->tunnels = 0;
        REQUIRE(w.it.remove("a", removal::if_empty, w.now));
        CHECK(w.events() == names{"cut a", "removed a"});
    }
    SECTION("dead: at once, without waiting for sessions that are gone") {
        w.down(a);
        REQUIRE(w.it.remove("a", removal::drain_first, w.now));
        CHECK(w.events() == names{"down a", "cut a", "removed a"});
    }
    SECTION("wanted again while it drains: it stays") {
        REQUIRE(w.it.remove("a", removal::drain_first, w.now));
        CHECK(w.it.put(server("a"), w.now).value() == a);
        CHECK(w.state_of(a) == state::up);
        CHECK(w.events() == names{"draining a", "undrained a"});
    }
}

TEST_CASE("a server that is replaced by another of its name drains beside it") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    w.at(a)->count->tunnels = 30;
    auto other = server("a");
    other.port = 3001;
    auto const next = w.it.put(other, w.now).value();
    CHECK(next != a);
    CHECK(w.state_of(a) == state::draining);
    CHECK(w.it.view(w.now)->by_name("a")->id == next);
    CHECK(w.it.view(w.now)->by_cookie(w.at(a)->cookie)->id == next);
    obey(w, 32s);
    CHECK_FALSE(w.at(a));
    CHECK(w.at(next));
}

TEST_CASE("an upstream's number is never given again") {
    world w;
    auto const a = w.add("a");
    REQUIRE(w.it.remove("a", removal::at_once, w.now));
    CHECK(w.add("a") != a);
}

TEST_CASE("a rebalance gives away what is over the mean, slowly") {
    world w;
    auto const ids = w.add_all({"a", "b", "c"});
    w.at(ids[0])->count->tunnels = 900;
    w.it.rebalance(w.now);
    CHECK_FALSE(w.at(ids[0])->takes()); // or those who left would come back
    CHECK(w.at(ids[0])->serves);
    CHECK(w.at(ids[1])->takes());
    std::uint32_t most = 0;
    for (int s = 0; s < 40; ++s) {
        w.pass(1s);
        for (auto const& order : w.it.take_sheds()) {
            CHECK(order.id == ids[0]);
            most = std::max(most, order.sessions);
            w.at(order.id)->count->tunnels -= order.sessions;
            w.at(ids[1])->count->tunnels += order.sessions / 2;
            w.at(ids[2])->count->tunnels += order.sessions - order.sessions / 2;
        }
    }
    CHECK(most <= 25);
    CHECK(w.at(ids[0])->count->tunnels == 300);
    CHECK(w.at(ids[0])->takes());
    CHECK(w.at(ids[0])->share == 1.0);
    CHECK(w.events().empty());
}

TEST_CASE("a rebalance goes by weight, and leaves alone who has its part") {
    world w;
    auto const a = w.add("a", 3), b = w.add("b", 1);
    w.good(a);
    w.good(b);
    w.at(a)->count->tunnels = 75;
    w.at(b)->count->tunnels = 25;
    w.it.rebalance(w.now);
    w.pass(40s);
    CHECK(w.it.take_sheds().empty());
    CHECK(w.at(a)->takes());
}

TEST_CASE("a rebalance ends when nobody is left to take the excess") {
    world w;
    auto const ids = w.add_all({"a", "b"});
    w.at(ids[0])->count->tunnels = 100;
    w.it.rebalance(w.now);
    w.down(ids[1]);
    CHECK(w.at(ids[0])->takes());
    w.it.take_sheds();
    w.pass(10s);
    CHECK(w.it.take_sheds().empty());
}
