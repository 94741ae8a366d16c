#include "redis_world.hpp"

#include <unit/fleet/store_suite.hpp>

#include <support/child_process.hpp>

#include <future>

using namespace mad_test;

TEST_CASE("the store over Redis") {
    redis_server redis;
    mad::net::io_pool pool;
    mad_test::store_suite([&] {
        auto s = mad::fleet::make_redis_store(quick(redis.url(), "A"));
        // As on a node: one shard. The pool is not started, so that this thread may be it.
        s->start(pool[0], {});
        auto const end = std::chrono::steady_clock::now() + 10s;
        while (!s->state().ready && std::chrono::steady_clock::now() < end)
            pool.context(0).run_one_for(100ms);
        CHECK(s->state().ready);
        return s;
    });
}

TEST_CASE("every console sees every agent, whatever their nodes") {
    redis_server redis;
    redis_node a(redis, "A"), b(redis, "B");
    REQUIRE(a.await_ready());
    REQUIRE(b.await_ready());
    peers_world peers;
    live_console at_a(peers, a.url()), at_b(peers, b.url());
    live_agent one(peers, a.url(), "one"), two(peers, b.url(), "two");
    CHECK(at_a.shows({{"one", 0}, {"two", 0}}));
    CHECK(at_b.shows({{"one", 0}, {"two", 0}}));
    for (int i = 1; i <= 20; ++i)
        peers.there([&] {
            one.say(i);
            two.say(100 + i);
        });
    CHECK(at_a.shows({{"one", 20}, {"two", 120}}));
    CHECK(at_b.shows({{"one", 20}, {"two", 120}}));
    live_console late(peers, a.url()); // its list is whole at once
    CHECK(late.table() == std::map<std::string, int>{{"one", 20}, {"two", 120}});
    two.leave();
    CHECK(at_a.shows({{"one", 20}}));
    CHECK(at_b.shows({{"one", 20}}));
    CHECK(at_a.gone("two") == 1);
    CHECK(a.api().counters().agents == 1);
    CHECK(b.api().counters().own_agents == 0);
}

TEST_CASE("a node that comes later shows what there is before it is ready") {
    redis_server redis;
    redis_node a(redis, "A");
    REQUIRE(a.await_ready());
    peers_world peers;
    std::vector<std::unique_ptr<live_agent>> agents;
    std::map<std::string, int> all;
    for (int i = 0; i < 100; ++i) {
        agents.push_back(
            std::make_unique<live_agent>(peers, a.url(), "agent-" + std::to_string(i)));
        all[agents.back()->id()] = 0;
    }
    REQUIRE(a.await_agents(100));
    REQUIRE(wait_until([&] { return redis.say("HLEN mad:{A}:clients") == ":100\r\n"; }));
    redis_node b(redis, "B");
    REQUIRE(b.await_ready());
    CHECK(b.api().counters().agents == 100);
    CHECK(live_console(peers, b.url()).table() == all);
}

TEST_CASE("an agent that moves to another node is not removed by its old connection's end") {
    redis_server redis;
    redis_node a(redis, "A"), b(redis, "B");
    REQUIRE((a.await_ready() && b.await_ready()));
    peers_world peers;
    live_console at_a(peers, a.url()), at_b(peers, b.url());
    auto first = std::make_unique<live_agent>(peers, a.url(), "one");
    CHECK(at_b.shows({{"one", 0}}));
    live_agent second(peers, b.url(), "one");
    REQUIRE(wait_until([&] { return at_a.gone("one") == 1 && at_b.gone("one") == 1; }));
    first.reset();
    // Whatever its end brings about comes before this.
    live_agent mark(peers, a.url(), "mark");
    peers.there([&] { second.say(7); });
    CHECK(at_a.shows({{"one", 7}, {"mark", 0}}));
    CHECK(at_b.shows({{"one", 7}, {"mark", 0}}));
    CHECK(at_a.gone("one") == 1);
    CHECK(at_b.gone("one") == 1);
    CHECK(redis.say("HEXISTS mad:{A}:clients one") == ":0\r\n");
    CHECK(redis.say("HEXISTS mad:{B}:clients one") == ":1\r\n");
}

TEST_CASE("a node that is killed is gone once, and leaves nothing") {
    redis_server redis;
    // A node in a process of its own, before there are threads here.
    child_process other([&](int out) {
        redis_node n(redis, "B");
        write_line(out, std::to_string(n.port));
        ::pause(); // until it is killed
    });
    auto const url = "http://127.0.0.1:" + other.line();
    redis_node a(redis, "A"), c(redis, "C");
    REQUIRE((a.await_ready() && c.await_ready()));
    peers_world peers;
    live_console at_a(peers, a.url()), at_c(peers, c.url());
    live_agent stays(peers, a.url(), "stays");
    std::vector<std::unique_ptr<live_agent>> agents;
    for (int i = 0; i < 20; ++i)
        agents.push_back(std::make_unique<live_agent>(peers, url, "b" + std::to_string(i)));
    REQUIRE(wait_until([&] { return at_a.table().size() == 21 && at_c.table().size() == 21; }));

    other.kill();
    auto const died = std::chrono::steady_clock::now();
    CHECK(at_a.shows({{"stays", 0}}, 10s));
    CHECK(at_c.shows({{"stays", 0}}, 10s));
    // Lease and a quarter: what is 20 s of 15 s otherwise.
    CHECK(std::chrono::steady_clock::now() - died < 2500ms);
    for (int i = 0; i < 20; ++i) {
        CHECK(at_a.gone("b" + std::to_string(i)) == 1);
        CHECK(at_c.gone("b" + std::to_string(i)) == 1);
    }
    CHECK(at_a.gone("stays") == 0);
    CHECK(wait_until([&] { return redis.say("ZCARD mad:nodes") == ":2\r\n"; }));
    CHECK(redis.say("EXISTS mad:{B}:clients mad:{B}:lease mad:{B}:fresh") == ":0\r\n");
}

TEST_CASE("a node that stops leaves nothing, and its agents are told as gone") {
    redis_server redis;
    redis_node a(redis, "A");
    auto b = std::make_unique<redis_node>(redis, "B");
    REQUIRE((a.await_ready() && b->await_ready()));
    peers_world peers;
    live_console at_a(peers, a.url());
    live_agent one(peers, b->url(), "one");
    CHECK(at_a.shows({{"one", 0}}));
    b.reset();
    CHECK(at_a.shows({}));
    CHECK(at_a.gone("one") == 1);
    CHECK(redis.say("EXISTS mad:{B}:clients mad:{B}:lease") == ":0\r\n");
    CHECK(redis.say("ZCARD mad:nodes") == ":1\r\n");
}

TEST_CASE("agents of a node that drains are gone for nobody while they move") {
    redis_server redis;
    redis_node a(redis, "A"), b(redis, "B");
    REQUIRE((a.await_ready() && b.await_ready()));
    console_peer at_b(b);
    CHECK(at_b.list().empty());
    auto moves = std::make_unique<agent_peer>(a), dies = std::make_unique<agent_peer>(a),
         leaves = std::make_unique<agent_peer>(a);
    moves->connected(sample("moves", 1, seq("m", 1)));
    CHECK(at_b.told() == "update moves 1");
    dies->connected(sample("dies", 2, seq("d", 1)));
    CHECK(at_b.told() == "update dies 2");
    leaves->connected(sample("leaves", 3, seq("l", 1)));
    CHECK(at_b.told() == "update leaves 3");

    auto stop = std::async(std::launch::async, [&] { a.api().stop(4s); });
    for (auto* const one : {moves.get(), dies.get()})
        CHECK(one->peer.next() == R"(2["node_draining",{"after_ms":2000}])");
    moves.reset(); // as agents do when they hear it
    dies.reset();
    // Who says that it leaves has left.
    CHECK(leaves->ask("client_disconnected", R"({"id":"leaves"})") == "[true]");
    CHECK(at_b.told() == "disconnect leaves");
    // The ends of those connections were before this: the page is told of the move alone.
    agent_peer moved(b);
    moved.connected(sample("moves", 4, seq("m", 2)));
    CHECK(at_b.told() == "disconnect moves");
    CHECK(at_b.told() == "update moves 4");
    CHECK(wait_until([&] { return a.api().counters().own_agents == 1; }));
    // Who comes nowhere is gone with the node.
    CHECK(at_b.told() == "disconnect dies");
    stop.get();
    CHECK(b.await_agents(1));
    CHECK(redis.say("EXISTS mad:{A}:clients mad:{A}:lease") == ":0\r\n");
}

TEST_CASE("a Redis that is started again, at once or late") {
    redis_server redis;
    under_load world(redis);
    for (int const samples : {0, 0, 1'500}) { // that are said meanwhile
        redis.kill();
        CHECK(wait_until([&] { return !world.a.ready() && !world.b.ready(); }));
        CHECK(world.a.get("/ready").body.find("\"reason\":\"redis\"") != std::string::npos);
        CHECK(world.goes_on(samples));
        redis.restart();
        CHECK(wait_until([&] { return world.a.ready() && world.b.ready(); }));
    }
    world.check();
}

TEST_CASE("a Redis that stands still for a while") {
    redis_server redis;
    under_load world(redis);
    for (int const samples : {300, 2'500}) { // that are said meanwhile
        redis.freeze();
        CHECK(world.goes_on(samples));
        redis.thaw();
        CHECK(wait_until([&] { return world.a.ready() && world.b.ready(); }));
    }
    world.check();
}

TEST_CASE("a Redis that cuts its subscribers again and again") {
    redis_server redis;
    under_load world(redis);
    for (int i = 0; i < 50; ++i) {
        redis.say("CLIENT KILL TYPE pubsub");
        CHECK(world.goes_on(30));
    }
    world.check();
}

TEST_CASE("a Redis that cuts everybody again and again") {
    redis_server redis;
    under_load world(redis);
    for (int i = 0; i < 10; ++i) {
        redis.say("CLIENT KILL TYPE normal");
        redis.say("CLIENT KILL TYPE pubsub");
        CHECK(world.goes_on(200));
    }
    world.check();
}

TEST_CASE("a Redis that loses its data while it runs") {
    redis_server redis;
    under_load world(redis);
    redis.say("FLUSHALL");
    CHECK(wait_until([&] { return redis.say("EXISTS mad:{A}:lease mad:{B}:lease") == ":2\r\n"; }));
    world.check();
    CHECK(wait_until([&] { return redis.say("HLEN mad:{A}:clients") == ":19\r\n"; }));
    CHECK(redis.say("HLEN mad:{B}:clients") == ":20\r\n");
}

TEST_CASE("a Redis without memory keeps nobody from hearing") {
    redis_server redis;
    under_load world(redis);
    redis.say("CONFIG SET maxmemory 1");
    CHECK(world.goes_on(1'000));
    CHECK(world.a.ready());
    redis.say("CONFIG SET maxmemory 0");
    world.check();
    CHECK(wait_until([&] { return redis.say("HLEN mad:{A}:clients") == ":19\r\n"; }));
}

TEST_CASE("a node that starts without its Redis serves, and joins when it comes") {
    redis_server redis;
    redis.kill();
    redis_node a(redis, "A");
    peers_world peers;
    live_agent one(peers, a.url(), "one");
    live_console page(peers, a.url());
    CHECK(page.shows({{"one", 0}}));
    CHECK(a.get("/health").status == 200);
    auto const answer = a.get("/ready");
    CHECK(answer.status == 503);
    auto const said = json::parse(answer.body);
    CHECK(said["ready"] == false);
    CHECK(said["reason"] == "redis");
    CHECK(said["since"].get<std::int64_t>() > 0);
    redis.restart();
    CHECK(a.await_ready());
    CHECK(redis.say("HLEN mad:{A}:clients") == ":1\r\n");
    auto const metrics = a.get("/metrics").body;
    CHECK(metrics.find("\nmad_redis_up 1\n") != std::string::npos);
    CHECK(metrics.find("\nmad_redis_joins_total 1\n") != std::string::npos);
}
