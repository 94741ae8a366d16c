#include "redis_world.hpp"

#include <support/redis_topologies.hpp>
#include <support/skip.hpp>

#include <set>

using namespace mad_test;

TEST_CASE("a Cluster: each command goes to the node of its key") {
    small_cluster all;
    redis_world w;
    bool const named = GENERATE(true, false);
    auto& c = w.make(named ? all.url() : all[0].url());
    w.play([](redis_world& w1, small_cluster& a, told_client& c1) -> story {
        co_await turns_until(w1.ctx, [&] { return a.ready(); });
        c1.db->connect();
        co_await c1.until(state::connected);
        redis::pipeline p;
        for (int i = 0; i < 300; ++i)
            p.add("SET", "k" + std::to_string(i), i);
        auto const set = co_await c1.db->exec(p);
        REQUIRE(set);
        for (auto const& r : *set)
            CHECK(r.ok());
        redis::pipeline g;
        for (int i = 0; i < 300; ++i)
            g.add("GET", "k" + std::to_string(i));
        auto const got = co_await c1.db->exec(g);
        REQUIRE(got);
        for (int i = 0; i < 300; ++i)
            CHECK((*got)[static_cast<std::size_t>(i)].as_integer() == i);
        for (std::size_t i = 0; i < 3; ++i)
            CHECK(std::stoi(a[i].say("DBSIZE").substr(1)) > 50);
        auto const pong = co_await c1.ask(command("PING"));
        CHECK(pong.text() == "PONG");

        redis::pipeline t;
        t.add("SET", "{t}a", 1).add("INCR", "{t}a");
        auto const whole = co_await c1.db->transaction(t);
        REQUIRE(whole);
        CHECK((*whole)[1].integer() == 2);
        redis::pipeline crossed;
        crossed.add("SET", "bar", 1).add("SET", "foo", 1); // slots 5061 and 12182
        auto const refused = co_await c1.db->transaction(crossed);
        CHECK(refused.error() == error::cross_slot);

        redis::script const add("return redis.call('INCRBY', KEYS[1], ARGV[1])");
        std::vector<std::string> const key{"{t}a"}, arg{"5"};
        auto const sum = co_await c1.db->eval(add, key, arg);
        CHECK(sum.value().integer() == 7);
    }(w, all, c));
}

TEST_CASE("a command for all masters is answered by each, whatever is known before") {
    small_cluster all;
    redis_world w;
    bool const named = GENERATE(true, false);
    auto& c = w.make(named ? all.url() : all[0].url());
    auto& gone = w.make(all.url());
    w.play([](redis_world& w1, small_cluster& a, told_client& c1, told_client& gone1) -> story {
        co_await turns_until(w1.ctx, [&] { return a.ready(); });
        // Not connected yet, and no map: both come first.
        std::set<std::string> ports;
        for (int i = 0; i < 2; ++i) {
            command const ask("CONFIG", "GET", "port");
            auto const got = co_await c1.db->exec_on_masters(ask);
            REQUIRE(got);
            CHECK(got->size() == 3);
            for (auto const& r : *got)
                ports.insert(std::string(r.find("port")->text()));
        }
        CHECK(ports.size() == 3);
        gone1.db->close();
        auto const closed = co_await gone1.db->exec_on_masters(command("DBSIZE"));
        CHECK(closed.error() == error::closed);
        // One of them does not answer: nobody takes what the others say for the whole.
        a[2].freeze();
        command slow("DBSIZE");
        slow.timeout(milliseconds(300));
        auto const late = co_await c1.db->exec_on_masters(slow);
        CHECK(late.error() == error::timeout);
        a[2].thaw();
    }(w, all, c, gone));
}

TEST_CASE("without a Cluster the one server answers for all masters") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](told_client& c1) -> story {
        for (int i = 0; i < 2; ++i) {
            auto const got = co_await c1.db->exec_on_masters(command("DBSIZE"));
            REQUIRE(got);
            REQUIRE(got->size() == 1);
            CHECK((*got)[0].integer() == 0);
        }
    }(c));
}

TEST_CASE("a slot that moves: ASK while it does, MOVED when it has") {
    small_cluster all;
    redis_world w;
    auto& c = w.make(all.url());
    w.play([](redis_world& w1, small_cluster& a, told_client& c1) -> story {
        co_await turns_until(w1.ctx, [&] { return a.ready(); });
        std::string const key = "{bar}a", other = "{bar}b"; // slot 5061: of the first node
        auto const set = co_await c1.ask(command("SET", key, 1));
        CHECK(set.ok());
        auto const slot = std::to_string(redis::slot_of(key));
        a[1].say("CLUSTER SETSLOT " + slot + " IMPORTING " + a.id(0));
        a[0].say("CLUSTER SETSLOT " + slot + " MIGRATING " + a.id(1));
        // What is not here any more is asked for there.
        auto const asked = co_await c1.ask(command("SET", other, 2));
        CHECK(asked.ok());
        auto const stays = co_await c1.ask(command("GET", key));
        CHECK(stays.text() == "1");
        redis::pipeline t;
        t.add("INCR", other).add("INCR", other);
        auto const whole = co_await c1.db->transaction(t);
        REQUIRE(whole);
        CHECK((*whole)[1].integer() == 4);
        // Some keys here, some there: until the move is over.
        inbox<reply> both(w1.ctx);
        c1.db->exec(command("MGET", key, other), [&](mad::result<reply> r) {
            both.push(r ? *r : reply::make_error(r.error().message()));
        });
        a[0].say("MIGRATE 127.0.0.1 " + std::to_string(a[1].port()) + " " + key + " 0 1000");
        for (auto const i : {1u, 0u, 2u})
            a[i].say("CLUSTER SETSLOT " + slot + " NODE " + a.id(1));
        auto const two = co_await both.next();
        REQUIRE(two.size() == 2);
        CHECK(two[0].text() == "1");
        CHECK(two[1].text() == "4");
        auto const moved = co_await c1.ask(command("INCR", key));
        CHECK(moved.integer() == 2);
        auto const again = co_await c1.db->transaction(t);
        REQUIRE(again);
        CHECK((*again)[1].integer() == 6);
        CHECK(a[0].say("CLUSTER COUNTKEYSINSLOT " + slot) == ":0\r\n");
    }(w, all, c));
}

TEST_CASE("a node that dies degrades; the others serve, and it is taken back") {
    small_cluster all;
    redis_world w;
    auto s = w.quick();
    s.command_timeout = milliseconds(1000);
    auto& c = w.make(all.url(), s);
    w.play([](redis_world& w1, small_cluster& a, told_client& c1) -> story {
        co_await turns_until(w1.ctx, [&] { return a.ready(); });
        c1.db->connect();
        co_await c1.until(state::connected);
        a[2].kill();
        auto const why = co_await c1.until(state::degraded);
        CHECK(why.reason == error::unreachable);
        CHECK_THAT(why.text, Catch::Contains(std::to_string(a[2].port())));
        auto const served = co_await c1.ask(command("SET", "bar", 1));
        CHECK(served.ok());
        auto const lost = co_await c1.db->exec(command("SET", "foo", 1));
        CHECK((lost.has_error() ? lost.error() : lost->code()));
        a[2].restart();
        co_await c1.until(state::connected);
    }(w, all, c));
}

TEST_CASE("a Cluster's channels: plain ones anywhere, sharded ones where they live and go") {
    if (auto const why = redis_server::without_sharded_channels(); !why.empty())
        return skipped(why);
    small_cluster all;
    redis_world w;
    bool const named = GENERATE(true, false);
    auto& c = w.make(all.url());
    auto& l = w.listen(named ? all.url() : all[0].url());
    w.play([](redis_world& w1, small_cluster& a, told_client& c1, told_subscriber& l1) -> story {
        co_await turns_until(w1.ctx, [&] { return a.ready(); });
        l1.sub->subscribe("plain", l1.hear());
        for (auto const* const k : {"bar", "foo", "k0"})
            l1.sub->ssubscribe(k, l1.hear(), l1.answer());
        for (int i = 0; i < 3; ++i) {
            auto const got = co_await l1.answers.next();
            CHECK_FALSE(got);
        }
        co_await l1.epochs.next();
        for (auto const* const k : {"bar", "foo", "k0"}) {
            co_await c1.ask(command("SPUBLISH", k, "m"));
            auto const got = co_await l1.heard.next();
            CHECK(got == k + std::string("=m"));
        }
        for (std::size_t i = 0; i < 3; ++i) {
            a[i].say("PUBLISH plain " + std::to_string(i));
            auto const got = co_await l1.heard.next();
            CHECK(got == "plain=" + std::to_string(i));
        }
        // The slot of `bar` goes to the second node.
        auto const slot = std::to_string(redis::slot_of("bar"));
        for (auto const i : {1u, 0u, 2u})
            a[i].say("CLUSTER SETSLOT " + slot + " NODE " + a.id(1));
        co_await turns_until(w1.ctx, [&] { return !l1.epochs.empty(); });
        co_await turns_until(
            w1.ctx, [&] { return a[1].say("PUBSUB SHARDNUMSUB bar").ends_with(":1\r\n"); });
        co_await c1.ask(command("SPUBLISH", "bar", "moved"));
        auto const got = co_await l1.heard.next();
        CHECK(got == "bar=moved");
    }(w, all, c, l));
}
