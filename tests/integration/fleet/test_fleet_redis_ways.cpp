// The ways to a Redis: whatever the URL says, the fleet is one.
#include "redis_world.hpp"

#include <mad/redis/tls.hpp>

#include <support/redis_topologies.hpp>
#include <support/secure_redis.hpp>
#include <support/tcp_relay.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

using namespace mad_test;

namespace {

/// The words that stand in backticks in docs/fleet.md, behind `from` and before `to`.
redis_server::words in_docs(std::string const& from, std::string const& to) {
    auto const* const root = std::getenv("MAD_TESTS_DIR");
    if (!root)
        throw std::runtime_error("MAD_TESTS_DIR is not set: the folder tests/ of the sources");
    std::ifstream file(std::string(root) + "/../docs/fleet.md");
    std::string const text((std::istreambuf_iterator<char>(file)), {});
    auto const begin = text.find(from);
    auto const end = text.find(to, begin);
    if (begin == text.npos || end == text.npos)
        throw std::runtime_error("docs/fleet.md does not say: " + from);
    redis_server::words out;
    for (auto at = begin + from.size();;) {
        auto const open = text.find('`', at);
        if (open >= end)
            return out;
        auto const close = text.find('`', open + 1);
        std::istringstream words(text.substr(open + 1, close - open - 1));
        out.insert(out.end(), std::istream_iterator<std::string>(words), {});
        at = close + 1;
    }
}

/// What docs/fleet.md says that a user needs, and what one needs besides in that case.
redis_server::words rights_of(std::string const& which = "") {
    auto out = in_docs("An ACL user needs", "with `--legacy-keys`");
    if (!which.empty()) {
        auto const more = in_docs(which + " also", ";");
        out.insert(out.end(), more.begin(), more.end());
    }
    return out;
}

/// A user with these rights and no other.
redis_server::words a_user(redis_server::words const& rights) {
    redis_server::words out{"--user", "mad", "on", ">secret", "-@all"};
    out.insert(out.end(), rights.begin(), rights.end());
    return out;
}

/// The same, and what is said goes to that log.
mad::fleet::redis_store_settings logged(mad::fleet::redis_store_settings s,
                                        captured_log const& log) {
    s.connection.log = s.sharing.log = log.handle();
    return s;
}

/// Rights that no row here can see used: requests that adapters ask each other, and what a name
/// other than `/` would leave behind.
std::set<std::string> const unseen{"+pubsub|numsub", "+unsubscribe", "+punsubscribe"};

/// A short day of a fleet on two nodes: agents come, speak, and go, a node dies and one stops.
void play_a_day(
    mad::fleet::redis_store_settings const& for_a, mad::fleet::redis_store_settings const& for_b,
    std::function<void()> const& meanwhile = [] {}) {
    redis_node a(for_a);
    REQUIRE(a.await_ready());
    auto b = std::make_unique<redis_node>(for_b);
    REQUIRE(b->await_ready());
    peers_world peers;
    live_console at_a(peers, a.url()), at_b(peers, b->url());
    live_agent one(peers, a.url(), "one"), two(peers, b->url(), "two"), three(peers, a.url(), "x");
    auto const say = [&](int n) {
        peers.there([&] {
            one.say(n);
            two.say(100 + n);
        });
    };
    for (int i = 1; i <= 10; ++i)
        say(i);
    CHECK(at_a.shows({{"one", 10}, {"two", 110}, {"x", 0}}));
    CHECK(at_b.shows({{"one", 10}, {"two", 110}, {"x", 0}}));
    three.leave();
    CHECK(at_a.shows({{"one", 10}, {"two", 110}}));
    CHECK(at_b.shows({{"one", 10}, {"two", 110}}));
    meanwhile();
    CHECK(wait_until([&] { return a.ready() && b->ready(); }));
    say(11);
    CHECK(at_a.shows({{"one", 11}, {"two", 111}}));
    CHECK(at_b.shows({{"one", 11}, {"two", 111}}));
    CHECK(at_a.gone() == 1);
    CHECK(at_b.gone() == 1);
    b.reset();
    CHECK(at_a.shows({{"one", 11}}));
    CHECK(at_a.gone("two") == 1);
}

} // namespace

TEST_CASE("a user with the rights that docs/fleet.md names, and no other") {
    bool const legacy = GENERATE(false, true);
    auto const rights = rights_of(legacy ? "with `--legacy-keys`" : "");
    redis_server redis(a_user(rights));
    auto const user = [&](std::string const& name) {
        auto s = quick("redis://mad:secret@" + redis.url().substr(8), name);
        s.legacy_keys = legacy;
        return s;
    };
    play_a_day(user("A"), user("B"), [&] {
        // One that has died with an agent, and is found by its name alone.
        redis.say("HSET mad:{ghost}:clients g '[1,1,{\"id\":\"g\"}]'");
        redis.say("ZADD mad:nodes 1 ghost");
        CHECK(wait_until([&] { return redis.say("ZCARD mad:nodes") == ":2\r\n"; }));
        CHECK(redis.say("EXISTS mad:{ghost}:clients") == ":0\r\n");
        redis.say("CLIENT KILL TYPE normal");
        redis.say("CLIENT KILL TYPE pubsub");
    });
    auto const refused = redis.say("ACL LOG");
    INFO(refused);
    CHECK(refused == "*0\r\n");
    // And none of them is for nothing.
    auto const used = redis.say("INFO commandstats");
    for (auto const& right : rights)
        if (right.starts_with('+') && !unseen.contains(right)) {
            INFO(right);
            auto command = right.substr(1);
            if (redis_server::version() < 70'000) // which counts what follows with it
                command = command.substr(0, command.find('|'));
            CHECK(used.find("cmdstat_" + command + ":") != used.npos);
        }
}

TEST_CASE("a user without a right is told which") {
    redis_server redis(a_user({"~mad:*", "&mad:*", "+ping", "+time", "+set"}));
    captured_log log;
    redis_node a(logged(quick("redis://mad:secret@" + redis.url().substr(8), "A"), log));
    CHECK(wait_until([&] { return log.has("NOPERM"); }));
    CHECK(a.get("/health").status == 200);
    CHECK(a.get("/ready").status == 503);
}

TEST_CASE("a password, and one that is wrong") {
    redis_server redis({"--requirepass", "secret"});
    redis.set_greeting("AUTH secret");
    auto const with = [&](std::string const& password, std::string const& node) {
        return quick("redis://:" + password + "@" + redis.url().substr(8), node);
    };
    play_a_day(with("secret", "A"), with("secret", "B"));
    captured_log log;
    redis_node c(logged(with("guess", "C"), log));
    CHECK(wait_until([&] { return log.has("WRONGPASS"); }));
    CHECK(c.get("/health").status == 200);
    CHECK(c.get("/ready").status == 503);
    CHECK_FALSE(log.has("guess"));
}

TEST_CASE("a fleet over TLS") {
    secure_redis redis;
    auto const secured = [&](std::string const& node) {
        auto s = quick(redis.url("localhost", "?ca_file=" + redis.issuer.ca_file()), node);
        s.connection.tls = mad::redis::make_tls(s.redis).value();
        return s;
    };
    play_a_day(secured("A"), secured("B"), [&] { redis.server.restart(); });
}

TEST_CASE("a fleet over a unix socket") {
    redis_server redis;
    play_a_day(quick("unix://" + redis.socket(), "A"), quick("unix://" + redis.socket(), "B"),
               [&] { redis.restart(); });
}

TEST_CASE("sentinels name another master: all nodes go there, and nobody is told anything") {
    bool const killed = GENERATE(true, false);
    watched all(a_user(rights_of("with sentinels")));
    REQUIRE(wait_until([&] { return all.ready(); }));
    auto const url = "redis+sentinel://mad:secret@" + all.url().substr(17);
    under_load world(quick(url, "A"), quick(url, "B"));
    if (killed)
        all.first.kill();
    else
        CHECK(wait_until(
            [&] { return !all.guard.say("SENTINEL FAILOVER mymaster").starts_with("-NOGOOD"); }));
    CHECK(wait_until([&] { return all.second.say("ROLE").find("master") != std::string::npos; }));
    CHECK(wait_until([&] {
        return all.second.say("EXISTS mad:{A}:lease mad:{B}:lease") == ":2\r\n" && world.ready();
    }));
    world.check();
    CHECK(wait_until([&] { return all.second.say("HLEN mad:{B}:clients") == ":20\r\n"; }));
    CHECK(all.second.say("ACL LOG") == "*0\r\n");
}

TEST_CASE("a master that becomes a replica under an open connection") {
    // One address before two servers, as in front of those that a provider runs: what is connected
    // stays so, and writes are answered READONLY.
    redis_server first;
    redis_server second({"--replicaof", "127.0.0.1", std::to_string(first.port())});
    tcp_relay address(first.port());
    REQUIRE(wait_until([&] {
        return second.say("INFO replication").find("master_link_status:up") != std::string::npos;
    }));
    captured_log log;
    under_load world(logged(quick(address.url(), "A"), log), quick(address.url(), "B"));
    auto const reconnects = [&](redis_node& n) {
        return n.get("/metrics").body.find("\nmad_redis_reconnects_total 0\n") == std::string::npos;
    };
    CHECK_FALSE(reconnects(world.a));
    second.say("REPLICAOF NO ONE");
    address.lead_to(second.port());
    first.say("REPLICAOF 127.0.0.1 " + std::to_string(second.port()));
    CHECK(wait_until([&] { return reconnects(world.a) && reconnects(world.b) && world.ready(); }));
    CHECK(log.has("READONLY"));
    world.check();
    CHECK(wait_until([&] { return second.say("HLEN mad:{A}:clients") == ":19\r\n"; }));
}

TEST_CASE("a Cluster of three masters, of which one and another comes and goes") {
    small_cluster all(a_user(rights_of("with a Cluster")));
    REQUIRE(wait_until([&] { return all.ready(); }));
    auto const url = "redis://mad:secret@" + all.url().substr(8);
    under_load world(quick(url, "A"), quick(url, "B"));
    auto const holder = [&](std::string const& key) -> redis_server& {
        auto const slot = mad::redis::slot_of(key);
        return all[slot <= 5460u ? 0 : slot <= 10922 ? 1 : 2];
    };
    for (auto const* const key : {"mad:{A}:clients", "mad:nodes"}) {
        holder(key).kill();
        CHECK(wait_until([&] { return !world.a.ready(); }));
        // Longer than a lease: nobody could renew one there.
        CHECK(world.goes_on(2'000));
        holder(key).restart();
        CHECK(wait_until([&] { return world.ready(); }));
    }
    world.check();
    CHECK(wait_until(
        [&] { return holder("mad:{A}:clients").say("HLEN mad:{A}:clients") == ":19\r\n"; }));
    CHECK(holder("mad:{B}:clients").say("HLEN mad:{B}:clients") == ":20\r\n");
    for (auto& n : all.nodes)
        CHECK(n->say("ACL LOG") == "*0\r\n");
}
