#include "redis_world.hpp"

#include <mad/fleet/discovery.hpp>
#include <mad/proxy/control.hpp>
#include <mad/redis/tls.hpp>

#include <support/child_process.hpp>
#include <support/on_shard.hpp>
#include <support/redis_topologies.hpp>
#include <support/secure_redis.hpp>
#include <support/tcp_relay.hpp>

using namespace mad_test;

namespace {

mad::fleet::api_settings announced(mad::fleet::redis_store_settings const& s,
                                   std::string const& url) {
    auto out = shared_by(s);
    out.advertise = url;
    return out;
}

/// A node that announces an address, whoever listens there.
struct announcing_node : fleet_world {
    announcing_node(mad::fleet::redis_store_settings const& s,
                    std::string const& url = "http://10.0.0.5:3000")
        : fleet_world(announced(s, url)) {}
};

/// Follows the nodes on a thread of its own.
class follower {
  public:
    explicit follower(mad::fleet::redis_store_settings const& as_node,
                      mad::milliseconds pace = 500ms)
        : threads_(1, mad::logger()) {
        mad::fleet::discovery_settings s;
        s.redis = as_node.redis;
        s.connection = as_node.connection;
        s.lease = as_node.sharing.lease;
        s.pace = pace;
        s.log = log.handle();
        it_ = std::make_unique<mad::fleet::discovery>(std::move(s));
        it_->start(threads_[0], [this](std::vector<mad::fleet::announced_node> const& list) {
            std::lock_guard const lock(mutex_);
            list_ = list;
            ++told_;
        });
        threads_.start();
    }
    ~follower() {
        run_on(threads_[0], [this] { it_->stop(); });
        threads_.stop();
    }

    std::vector<mad::fleet::announced_node> list() const {
        std::lock_guard const lock(mutex_);
        return list_;
    }
    strings names() const {
        strings out;
        for (auto const& n : list())
            out.push_back(n.node + (n.draining ? " drains" : ""));
        return out;
    }
    bool shows(strings const& wanted) const {
        if (wait_until([&] { return told() > 0 && names() == wanted; }))
            return true;
        UNSCOPED_INFO("shown are " << json(names()).dump());
        return false;
    }
    int told() const {
        std::lock_guard const lock(mutex_);
        return told_;
    }

    captured_log log;

  private:
    mad::net::io_pool threads_;
    mutable std::mutex mutex_;
    std::vector<mad::fleet::announced_node> list_;
    int told_ = 0;
    std::unique_ptr<mad::fleet::discovery> it_;
};

/// A whole life of two nodes, wherever Redis is.
void play_a_life(mad::fleet::redis_store_settings const& a,
                 mad::fleet::redis_store_settings const& b) {
    follower f(a);
    CHECK(f.shows({}));
    auto one = std::make_unique<announcing_node>(a);
    CHECK(f.shows({"A"}));
    {
        announcing_node two(b, "https://node-b.example");
        CHECK(f.shows({"A", "B"}));
        CHECK(f.list()[1].url == "https://node-b.example");
    }
    CHECK(f.shows({"A"}));
    one.reset();
    CHECK(f.shows({}));
}

} // namespace

TEST_CASE("nodes that announce themselves are found, with all that a proxy wants to know") {
    redis_server redis;
    announcing_node a(quick(redis.url(), "A"));
    follower f(quick(redis.url(), ""));
    REQUIRE(f.shows({"A"}));
    auto const n = f.list()[0];
    CHECK(n.url == "http://10.0.0.5:3000");
    CHECK(n.version == MAD_VERSION);
    auto const ready = json::parse(a.get("/ready").body);
    CHECK(ready["tag"] == n.tag);
    CHECK(ready["instance"] == n.instance);
    CHECK(n.tag != 0);
    // And the ids of its sessions have it.
    auto const opened = a.get("/socket.io/?EIO=4&transport=polling").body;
    auto const sid = json::parse(opened.substr(1))["sid"].get<std::string>();
    CHECK(mad::session_id::node_tag_of(sid) == n.tag);
}

TEST_CASE("nodes on loopback, or told not to, are not found") {
    redis_server redis;
    redis_node silent(redis, "A");
    announcing_node off(quick(redis.url(), "B"), "off");
    REQUIRE(silent.await_ready());
    REQUIRE(wait_until([&] { return off.get("/ready").status == 200; }));
    follower f(quick(redis.url(), ""));
    CHECK(f.shows({}));
    CHECK(redis.say("EXISTS mad:{A}:address mad:{B}:address") == ":0\r\n");
}

TEST_CASE("nodes come, drain and leave, and each time it is told at once") {
    redis_server redis;
    // So slow that only what is said counts.
    follower f(quick(redis.url(), ""), 60s);
    CHECK(f.shows({}));
    auto a = std::make_unique<announcing_node>(quick(redis.url(), "A"));
    auto const first_there = wait_until([&] { return f.names() == strings{"A"}; });
    CHECK(first_there);
    announcing_node b(quick(redis.url(), "B"));
    CHECK(f.shows({"A", "B"}));
    std::thread stopping([&] { a->api().stop(3s); });
    CHECK(f.shows({"A drains", "B"}));
    stopping.join();
    a.reset();
    CHECK(f.shows({"B"}));
    CHECK(redis.say("EXISTS mad:{A}:address") == ":0\r\n");
}

TEST_CASE("a node that is killed is out when its lease is over") {
    redis_server redis;
    child_process other([&](int out) {
        announcing_node n(quick(redis.url(), "B"));
        write_line(out, "here");
        std::this_thread::sleep_for(60s); // it is killed
    });
    other.line();
    announcing_node a(quick(redis.url(), "A"));
    follower f(quick(redis.url(), ""), 60s);
    REQUIRE(f.shows({"A", "B"}));
    other.kill();
    auto const died = std::chrono::steady_clock::now();
    CHECK(f.shows({"A"}));
    // A lease is 1.5 s here.
    CHECK(std::chrono::steady_clock::now() - died < 2'500ms);
}

TEST_CASE("a Redis that is started again, without its data, costs nobody a node") {
    redis_server redis;
    announcing_node a(quick(redis.url(), "A")), b(quick(redis.url(), "B"));
    follower f(quick(redis.url(), ""));
    REQUIRE(f.shows({"A", "B"}));
    auto const told = f.told();
    for (int i = 0; i < 3; ++i) {
        auto const before = f.log.count("fleet.discovery.connected");
        redis.restart();
        CHECK(wait_until([&] { return f.log.count("fleet.discovery.connected") > before; }));
        CHECK(wait_until(
            [&] { return redis.say("EXISTS mad:{A}:address mad:{B}:address") == ":2\r\n"; }));
    }
    redis.say("FLUSHALL");
    CHECK(wait_until(
        [&] { return redis.say("EXISTS mad:{A}:address mad:{B}:address") == ":2\r\n"; }));
    CHECK(f.names() == strings{"A", "B"});
    CHECK(f.told() == told);
}

TEST_CASE("while Redis is away the last list stays, however long") {
    redis_server redis;
    announcing_node a(quick(redis.url(), "A"));
    auto b = std::make_unique<announcing_node>(quick(redis.url(), "B"));
    follower f(quick(redis.url(), ""));
    REQUIRE(f.shows({"A", "B"}));
    redis.kill();
    std::this_thread::sleep_for(2'000ms); // more than a lease
    CHECK(f.names() == strings{"A", "B"});
    b.reset(); // nobody is told
    redis.restart();
    CHECK(f.shows({"A"}));
}

TEST_CASE("what others write into the set of nodes does no harm") {
    redis_server redis;
    announcing_node a(quick(redis.url(), "A"));
    redis.say("ZADD mad:nodes 1 ghost 2 {x} 3 text 4 list");
    redis.say("SET mad:{text}:address nonsense PX 60000");
    redis.say("RPUSH mad:{ghost}:address 1");
    follower f(quick(redis.url(), ""));
    // A key of another kind: that reading fails, until the nodes have buried who has no lease.
    CHECK(f.shows({"A"}));
    CHECK(redis.say("PUBLISH mad:nodes left").starts_with(":1"));
    redis.say("PUBLISH mad:nodes x");
    CHECK(f.shows({"A"}));
}

TEST_CASE("a follower needs few rights, those that docs/fleet.md names") {
    redis_server redis({"--user", "proxy", "on", ">secret", "~mad:*", "&mad:*", "+zrange", "+get",
                        "+pttl", "+ping", "+subscribe"});
    announcing_node a(quick(redis.url(), "A"));
    follower f(quick("redis://proxy:secret@" + redis.url().substr(8), ""));
    CHECK(f.shows({"A"}));
    CHECK(redis.say("ACL LOG") == "*0\r\n");
}

TEST_CASE("nodes are found over TLS") {
    secure_redis redis;
    auto const secured = [&](std::string const& node) {
        auto s = quick(redis.url("localhost", "?ca_file=" + redis.issuer.ca_file()), node);
        s.connection.tls = mad::redis::make_tls(s.redis).value();
        return s;
    };
    play_a_life(secured("A"), secured("B"));
}

TEST_CASE("nodes are found in a Cluster") {
    small_cluster all;
    REQUIRE(wait_until([&] { return all.ready(); }));
    play_a_life(quick(all.url(), "A"), quick(all.url(), "B"));
}

TEST_CASE("nodes are found by way of sentinels, also after a failover") {
    watched all;
    REQUIRE(wait_until([&] { return all.ready(); }));
    announcing_node a(quick(all.url(), "A"));
    follower f(quick(all.url(), ""));
    REQUIRE(f.shows({"A"}));
    all.first.kill();
    CHECK(wait_until([&] { return all.second.say("EXISTS mad:{A}:address") == ":1\r\n"; }));
    announcing_node b(quick(all.url(), "B"));
    CHECK(f.shows({"A", "B"}));
}

TEST_CASE("a proxy's upstreams follow the nodes") {
    redis_server redis;
    // Their real addresses, known before they listen.
    auto const listen_at = [&](std::string const& name, std::uint16_t port) {
        auto s = announced(quick(redis.url(), name), "http://127.0.0.1:" + std::to_string(port));
        s.listen.port(port);
        s.threads = 1;
        auto out = std::make_unique<mad::fleet::api>(std::move(s));
        REQUIRE(out->start());
        return out;
    };
    auto a = listen_at("A", redis_server::free_port());
    auto b = listen_at("B", redis_server::free_port());

    mad::net::io_pool threads(1, mad::logger());
    mad::proxy::control_settings cs;
    cs.health.interval = 50ms;
    mad::proxy::control pool(threads[0], cs);
    pool.start({});
    auto const from = quick(redis.url(), "");
    mad::fleet::discovery_settings ds;
    ds.redis = from.redis;
    ds.connection = from.connection;
    ds.lease = from.sharing.lease;
    mad::fleet::discovery found(ds);
    found.start(threads[0], [&](std::vector<mad::fleet::announced_node> const& nodes) {
        std::vector<mad::proxy::listed_upstream> list;
        for (auto const& n : nodes)
            if (auto u = mad::fleet::upstream_of(n))
                list.push_back({*u, n.draining});
        pool.set_list("discovery", std::move(list));
    });
    threads.start();

    auto const state = [&](char const* name) {
        auto const t = pool.view()->by_name(name);
        return t ? std::string(to_string(t->state)) : "gone";
    };
    CHECK(wait_until([&] { return state("A") == "up" && state("B") == "up"; }));
    auto const tag = pool.view()->by_name("A")->to.node_tag;
    CHECK((tag && pool.view()->by_tag(*tag)->to.name == "A"));
    std::thread stopping([&] { a->stop(2s); });
    CHECK(wait_until([&] { return !pool.view()->by_name("A") || state("A") == "draining"; }));
    stopping.join();
    CHECK(wait_until([&] { return state("A") == "gone"; }));
    CHECK(state("B") == "up");
    run_on(threads[0], [&] {
        found.stop();
        pool.stop();
    });
    threads.stop();
}
