// A network that falls apart: a firewall between nodes and Redis loses packets, both ways or one.
#include "redis_world.hpp"

#include <support/skip.hpp>
#include <support/split_network.hpp>

using namespace mad_test;

namespace {

/// A Redis on the far side of a network, with an address for each node.
struct far_redis {
    explicit far_redis(split_network& n)
        : server(n.in_far([] {
            return std::make_unique<redis_server>(
                redis_server::words{"--bind", "127.0.0.1", split_network::far_address(0),
                                    split_network::far_address(1), "--protected-mode", "no"});
        })) {}

    mad::fleet::redis_store_settings seen_by(std::string const& node) const {
        auto const address = split_network::far_address(node == "A" ? 0 : 1);
        return quick("redis://" + address + ":" + std::to_string(server->port()), node);
    }
    std::string say(std::string const& line) const { return server->say(line); }

    std::unique_ptr<redis_server> server;
};

/// Nothing where no such network can be made: that is said.
std::unique_ptr<split_network> make_network() {
    try {
        return std::make_unique<split_network>();
    } catch (no_network const& e) {
        skipped(e.what());
        return nullptr;
    }
}

/// Five seconds after the network is whole everybody shows the last of every agent, which spoke
/// all the time.
void heal(split_network& net, under_load& world) {
    net.heal();
    auto const end = std::chrono::steady_clock::now() + 5s;
    auto const left = [&] {
        return std::chrono::duration_cast<mad::milliseconds>(end -
                                                             std::chrono::steady_clock::now());
    };
    CHECK(wait_until([&] { return world.ready() && world.whole(); }, left()));
    auto const last = world.agents->stop();
    CHECK(world.at_a->shows(last, left()));
    CHECK(world.at_b->shows(last, left()));
}

auto const cuts = {split_network::cut::all, split_network::cut::what_near_says,
                   split_network::cut::what_far_says};

} // namespace

TEST_CASE("packets that are lost for less than a lease, both ways and one way") {
    auto const net = make_network();
    if (!net)
        return;
    far_redis redis(*net);
    auto const patient = [&](std::string const& node) {
        auto s = redis.seen_by(node);
        s.sharing.lease = 5s; // what is lost is sent again after up to twice as long
        return s;
    };
    under_load world(patient("A"), patient("B"));
    for (auto const cut : cuts) {
        net->lose(cut, split_network::far_address(1));
        CHECK(world.goes_on(400));
        CHECK(world.a.ready());
        net->heal();
        CHECK(wait_until([&] { return world.ready(); }));
    }
    heal(*net, world);
    world.check();
}

TEST_CASE("packets that are lost for longer than a lease, both ways and one way") {
    auto const cut = GENERATE(values(cuts));
    CAPTURE(static_cast<int>(cut));
    auto const net = make_network();
    if (!net)
        return;
    far_redis redis(*net);
    under_load world(redis.seen_by("A"), redis.seen_by("B"));
    net->lose(cut, split_network::far_address(1));
    CHECK(wait_until([&] { return !world.b.ready(); }));
    // B is dead to all others: its agents are told as gone, once each.
    CHECK(wait_until([&] { return world.at_a->table().size() == 20; }));
    CHECK(world.at_a->gone() == 20);
    CHECK(world.a.ready());
    // To its own console all are there.
    CHECK(world.at_b->table().size() == 40);
    heal(*net, world);
    world.check(20);
    CHECK(wait_until([&] { return redis.say("HLEN mad:{B}:clients") == ":20\r\n"; }));
}

TEST_CASE("packets of all nodes that are lost for longer than a lease, both ways and one way") {
    auto const cut = GENERATE(values(cuts));
    CAPTURE(static_cast<int>(cut));
    auto const net = make_network();
    if (!net)
        return;
    far_redis redis(*net);
    under_load world(redis.seen_by("A"), redis.seen_by("B"));
    for (int i = 0; i < 2; ++i)
        net->lose(cut, split_network::far_address(i));
    CHECK(wait_until([&] { return !world.a.ready() && !world.b.ready(); }));
    CHECK(wait_until([&] { return redis.say("EXISTS mad:{A}:lease mad:{B}:lease") == ":0\r\n"; }));
    CHECK(world.whole());
    heal(*net, world);
    world.check();
}
