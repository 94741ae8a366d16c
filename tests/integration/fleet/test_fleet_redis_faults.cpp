// What Redis, and the way to it, do at their worst.
#include "redis_world.hpp"

#include <support/tcp_relay.hpp>

using namespace mad_test;

TEST_CASE("a Redis that is started again five times in a row") {
    redis_server redis;
    under_load world(redis);
    for (int i = 0; i < 5; ++i) {
        redis.restart();
        // Some of these find a node that is about to write all it has.
        CHECK(world.goes_on(40 * i));
    }
    CHECK(wait_until([&] {
        return redis.say("EXISTS mad:{A}:lease mad:{B}:lease") == ":2\r\n" && world.ready();
    }));
    world.check();
}

TEST_CASE("a Redis that cuts subscribers for what waits for them") {
    redis_server redis({"--client-output-buffer-limit", "pubsub", "200000", "0", "0"});
    under_load world(redis);
    auto const cuts = [&] {
        auto const log = redis.log();
        int n = 0;
        for (auto at = log.find("output buffer limits"); at != log.npos;
             at = log.find("output buffer limits", at + 1))
            ++n;
        return n;
    };
    for (int i = 0; i < 5; ++i) {
        auto const before = cuts();
        // Nothing of what a script publishes leaves before its end.
        redis.say("EVAL \"for i = 1, 100 do redis.call('PUBLISH', 'mad:fleet', "
                  "string.rep('x', 10000)) end\" 0");
        CHECK(wait_until([&] { return cuts() >= before + 2; }));
        CHECK(wait_until([&] { return redis.say("PUBSUB NUMSUB mad:fleet").ends_with(":2\r\n"); }));
    }
    world.check();
}

// The network falls apart in a relay in front of a node, which reads nothing and closes nothing,
// and gives out what it holds at the end. test_fleet_redis_partition.cpp loses packets, where it
// may.

TEST_CASE("a network that falls apart for less than a lease") {
    redis_server redis;
    tcp_relay way(redis.port());
    under_load world(quick(redis.url(), "A"), quick(way.url(), "B"));
    for (int i = 0; i < 3; ++i) {
        way.hold();
        CHECK(world.goes_on(600));
        CHECK(world.a.ready());
        way.let_go();
        CHECK(wait_until([&] { return world.ready(); }));
    }
    world.check();
}

TEST_CASE("a network that falls apart for longer than a lease") {
    redis_server redis;
    tcp_relay way(redis.port());
    under_load world(quick(redis.url(), "A"), quick(way.url(), "B"));
    way.hold();
    CHECK(wait_until([&] { return !world.b.ready(); }));
    // B is dead to all others: its agents are told as gone, once each.
    CHECK(wait_until([&] { return world.at_a->table().size() == 20; }));
    CHECK(world.at_a->gone() == 20);
    CHECK(world.a.ready());
    CHECK(wait_until([&] { return redis.say("EXISTS mad:{B}:clients") == ":0\r\n"; }));
    // To its own console all are there.
    CHECK(world.at_b->table().size() == 40);
    way.let_go();
    CHECK(wait_until([&] { return world.ready() && world.whole(); }));
    world.check(20);
    CHECK(wait_until([&] { return redis.say("HLEN mad:{B}:clients") == ":20\r\n"; }));
}

TEST_CASE("a network that falls apart before all nodes") {
    redis_server redis;
    tcp_relay way(redis.port());
    under_load world(quick(way.url(), "A"), quick(way.url(), "B"));
    way.hold();
    CHECK(wait_until([&] { return !world.a.ready() && !world.b.ready(); }));
    // Until both leases are gone.
    CHECK(wait_until([&] { return redis.say("EXISTS mad:{A}:lease mad:{B}:lease") == ":0\r\n"; }));
    way.let_go();
    CHECK(wait_until([&] { return world.ready(); }));
    world.check();
}
