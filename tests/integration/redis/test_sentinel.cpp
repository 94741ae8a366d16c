#include "redis_world.hpp"

#include <support/redis_topologies.hpp>

using namespace mad_test;

TEST_CASE("a sentinel names the master, and tells of the next one") {
    watched all;
    redis_world w;
    auto& c = w.make(all.url());
    auto& l = w.listen(all.url());
    bool const killed = GENERATE(false, true);
    w.play([](redis_world& w1, watched& a, told_client& c1, told_subscriber& l1,
              bool kill) -> story {
        co_await turns_until(w1.ctx, [&] { return a.ready(); });
        auto const set = co_await c1.ask(command("SET", "k", 1));
        CHECK(set.ok());
        l1.sub->subscribe("c", l1.hear());
        co_await l1.epochs.next();
        co_await c1.until(state::connected);
        if (kill)
            a.first.kill();
        else
            co_await turns_until(w1.ctx, [&] { // it may not have looked at the replica yet
                return !a.guard.say("SENTINEL FAILOVER mymaster").starts_with("-NOGOODSLAVE");
            });
        co_await c1.until(state::down);
        co_await c1.until(state::connected);
        co_await l1.epochs.next();
        // The one that was the replica, and it takes writes.
        co_await turns_until(w1.ctx,
                             [&] { return a.second.say("ROLE").find("*3") != std::string::npos; });
        auto const again = co_await c1.ask(command("SET", "k", 2).idempotent());
        CHECK(again.ok());
        CHECK(a.second.say("GET k") == "$1\r\n2\r\n");
        co_await c1.ask(command("PUBLISH", "c", "m"));
        auto const heard = co_await l1.heard.next();
        CHECK(heard == "c=m");
    }(w, all, c, l, killed));
}

TEST_CASE("sentinels that know nothing, or are not there, are told apart") {
    watched all;
    redis_world w;
    SECTION("another name") {
        auto& c =
            w.make("redis+sentinel://127.0.0.1:" + std::to_string(all.guard.port()) + "/other");
        w.play([](told_client& c1) -> story {
            c1.db->connect();
            co_await c1.until(state::down); // as it begins
            auto const why = co_await c1.until(state::down);
            CHECK(why.reason == error::no_master);
            CHECK_THAT(why.text, Catch::Contains("other"));
        }(c));
    }
    SECTION("nobody") {
        auto& c = w.make("redis+sentinel://127.0.0.1:1/mymaster");
        w.play([](told_client& c1) -> story {
            c1.db->connect();
            co_await c1.until(state::down); // as it begins
            auto const why = co_await c1.until(state::down);
            CHECK(why.reason == error::unreachable);
            CHECK_THAT(why.text, Catch::Contains("127.0.0.1:1"));
        }(c));
    }
    SECTION("a sentinel that names a replica is not believed") {
        redis_server liar = redis_server::sentinel("sentinel monitor mymaster 127.0.0.1 " +
                                                   std::to_string(all.first.port()) + " 1\n");
        all.first.say("REPLICAOF 127.0.0.1 " + std::to_string(all.second.port()));
        all.second.say("REPLICAOF NO ONE");
        auto& c = w.make("redis+sentinel://127.0.0.1:" + std::to_string(liar.port()) + "/mymaster");
        w.play([](told_client& c1, watched& a) -> story {
            c1.db->connect();
            co_await c1.until(state::down); // as it begins
            auto const why = co_await c1.until(state::down);
            CHECK(why.reason == error::not_master);
            a.first.say("REPLICAOF NO ONE");
            co_await c1.until(state::connected);
        }(c, all));
    }
}

TEST_CASE("sentinels have a user and a password of their own") {
    watched all({"--requirepass", "secret", "--masterauth", "secret"},
                "sentinel auth-pass mymaster secret\nrequirepass other\n");
    redis_world w;
    auto const at = "127.0.0.1:" + std::to_string(all.guard.port());
    bool const right = GENERATE(true, false);
    auto& c = w.make("redis+sentinel://:secret@" + at + "/mymaster" +
                     (right ? "?sentinel_password=other" : ""));
    w.play([](told_client& c1, bool good) -> story {
        auto const got = co_await c1.db->exec(command("SET", "k", 1));
        if (good)
            CHECK(got.value().ok());
        else
            CHECK(got.error() == error::no_auth);
    }(c, right));
}
