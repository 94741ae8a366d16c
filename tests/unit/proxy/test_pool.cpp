#include "pool_world.hpp"

#include <catch2/catch.hpp>
#include <support/print_result.hpp>

using namespace pool_world;
using names = std::vector<std::string>;
using probe = proxy::probe_result::kind;

TEST_CASE("a new upstream is up after one good probe, and down after two failures") {
    world w;
    auto const a = w.add("a"), b = w.add("b");
    CHECK(w.state_of(a) == state::unknown);
    w.good(a);
    w.good(b);
    CHECK(w.state_of(a) == state::up);
    CHECK(w.events() == names{"added a", "added b", "up a", "up b"});
    w.fail(a);
    CHECK(w.state_of(a) == state::up);
    CHECK(w.events().empty());
    w.fail(a);
    CHECK(w.state_of(a) == state::down);
    CHECK(w.events() == names{"down a", "cut a"});
    CHECK_FALSE(w.at(a)->serves);
    CHECK_FALSE(w.at(a)->takes());
}

TEST_CASE("a failure between good probes counts for nothing") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    for (int i = 0; i < 10; ++i) {
        w.fail(a);
        w.good(a);
    }
    CHECK(w.events().empty());
}

TEST_CASE("an upstream that was down comes back after two good probes in a row") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    w.down(a);
    w.events();
    w.good(a);
    w.fail(a);
    w.good(a);
    CHECK(w.state_of(a) == state::down);
    w.good(a);
    CHECK(w.state_of(a) == state::slow_start);
    CHECK(w.events() == names{"up a"});
}

TEST_CASE("who comes back takes its part of new sessions by and by") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    w.down(a);
    w.back(a);
    CHECK(w.at(a)->share == Approx(0.1));
    CHECK(w.at(a)->serves);
    w.pass(15s);
    CHECK(w.at(a)->share == Approx(0.5));
    w.pass(14s);
    CHECK(w.at(a)->share == Approx(29 / 30.0));
    CHECK(w.state_of(a) == state::slow_start);
    w.pass(1s);
    CHECK(w.at(a)->share == 1.0);
    CHECK(w.state_of(a) == state::up);
}

TEST_CASE("those that are there when the proxy starts take all at once, later ones do not") {
    world w;
    auto const a = w.add("a");
    w.good(a);
    CHECK(w.at(a)->share == 1.0);
    w.pass(60s);
    auto const b = w.add("b", 10);
    w.good(b);
    CHECK(w.state_of(b) == state::slow_start);
    CHECK(w.at(b)->share == Approx(1.0)); // a tenth of its weight
    w.pass(30s);
    CHECK(w.at(b)->share == 10.0);
}

TEST_CASE("growth makes no more than one view a second") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    w.down(a);
    w.back(a);
    auto const first = w.it.view(w.now);
    w.pass(900ms);
    CHECK(w.it.view(w.now) == first);
    auto const other = w.it.view(w.now)->by_name("b");
    w.pass(10s);
    CHECK(w.it.view(w.now) != first);
    CHECK(w.it.view(w.now)->by_name("b") == other);
}

TEST_CASE("the view is the same object as long as nothing has changed") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    auto const first = w.it.view(w.now);
    w.pass(60s);
    w.good(a);
    w.fail(a);
    w.good(a);
    CHECK(w.it.view(w.now) == first);
}

TEST_CASE("three failed connects within ten seconds take an upstream out") {
    struct row {
        std::vector<milliseconds> gaps;
        bool out;
    };
    auto const r = GENERATE(row{{0ms, 0ms, 0ms}, true}, row{{0ms, 5s, 5s}, true},
                            row{{0ms, 5s, 5001ms}, false}, row{{0ms, 0ms}, false},
                            row{{0ms, 6s, 6s, 4s}, true});
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    for (auto const gap : r.gaps) {
        w.now += gap;
        w.it.on_connect_failed(a, w.now);
    }
    CHECK((w.state_of(a) == state::down) == r.out);
    CHECK(w.events() == (r.out ? names{"down a", "cut a"} : names{}));
}

TEST_CASE("failed connects take out no more than half of all") {
    struct row {
        std::size_t count, out;
    };
    auto const r = GENERATE(row{1, 0}, row{2, 1}, row{3, 1}, row{4, 2}, row{5, 2}, row{10, 5});
    world w;
    names all;
    for (std::size_t i = 0; i < r.count; ++i)
        all.push_back("n" + std::to_string(i));
    auto const ids = w.add_all(all);
    for (int round = 0; round < 5; ++round)
        for (auto const id : ids)
            w.it.on_connect_failed(id, w.now);
    std::size_t out = 0;
    for (auto const id : ids)
        out += w.state_of(id) == state::down;
    CHECK(out == r.out);
    // One that is back makes room for another.
    if (r.out == 0 || r.count == 1)
        return;
    for (auto const id : ids)
        if (w.state_of(id) == state::down) {
            w.back(id);
            break;
        }
    for (int i = 0; i < 3; ++i)
        w.it.on_connect_failed(ids.back(), w.now);
    CHECK(w.state_of(ids.back()) == state::down);
}

TEST_CASE("probes take out as many as are down") {
    world w;
    auto const ids = w.add_all({"a", "b", "c", "d"});
    for (int i = 0; i < 3; ++i)
        w.down(ids[static_cast<std::size_t>(i)]);
    CHECK(w.at(ids[0])->share + w.at(ids[1])->share + w.at(ids[2])->share == 0);
    CHECK_FALSE(w.it.view(w.now)->panic());
}

TEST_CASE("when all look down all are tried, and what runs is not cut") {
    world w;
    auto const ids = w.add_all({"a", "b"});
    w.down(ids[0]);
    CHECK(w.events() == names{"down a", "cut a"});
    w.down(ids[1]);
    CHECK(w.events() == names{"down b", "panic"});
    auto const view = w.it.view(w.now);
    CHECK(view->panic());
    for (auto const id : ids) {
        CHECK(view->by_id(id)->serves);
        CHECK(view->by_id(id)->takes());
        CHECK(view->by_id(id)->state == state::down);
    }
    w.back(ids[0]);
    CHECK(w.events() == names{"up a", "panic_over", "cut b"});
    CHECK_FALSE(w.at(ids[1])->takes());
}

TEST_CASE("before anything is known all are taken, without panic") {
    world w;
    auto const a = w.add("a"), b = w.add("b");
    CHECK(w.at(a)->takes());
    CHECK(w.at(b)->takes());
    CHECK_FALSE(w.it.view(w.now)->panic());
    w.good(a);
    CHECK_FALSE(w.at(b)->takes());
    CHECK(w.at(b)->serves); // it may have sessions of before
}

TEST_CASE("who is merely not ready keeps its sessions, and takes new ones when nobody else does") {
    world w;
    auto const ids = w.add_all({"a", "b"});
    w.probe(ids[0], probe::not_ready);
    CHECK(w.state_of(ids[0]) == state::not_ready);
    CHECK(w.at(ids[0])->serves);
    CHECK_FALSE(w.at(ids[0])->takes());
    w.probe(ids[1], probe::not_ready);
    CHECK(w.at(ids[0])->takes());
    CHECK(w.at(ids[1])->takes());
    CHECK(w.events() == names{"not_ready a", "not_ready b"});
    CHECK_FALSE(w.it.view(w.now)->panic());
    w.good(ids[0]);
    CHECK(w.state_of(ids[0]) == state::up);
    CHECK(w.at(ids[0])->share == 1.0); // it was alive all the time
    CHECK_FALSE(w.at(ids[1])->takes());
}

TEST_CASE("who goes down five times in a minute stays out for a minute") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    for (int i = 0; i < 4; ++i) {
        w.down(a);
        w.pass(4s);
        w.back(a);
        w.pass(4s);
        CHECK(w.state_of(a) == state::slow_start);
    }
    w.events();
    w.down(a);
    CHECK(w.state_of(a) == state::held);
    CHECK(w.events() == names{"down a", "held a", "cut a"});
    w.back(a);
    w.pass(59s);
    CHECK(w.state_of(a) == state::held);
    CHECK_FALSE(w.at(a)->serves);
    CHECK(w.events().empty());
    w.pass(1s);
    CHECK(w.state_of(a) == state::slow_start);
    CHECK(w.events() == names{"up a"});
    // The count has begun anew.
    w.down(a);
    CHECK(w.state_of(a) == state::down);
}

TEST_CASE("going down five times in more than a minute holds nobody") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    for (int i = 0; i < 10; ++i) {
        w.down(a);
        CHECK(w.state_of(a) == state::down);
        w.pass(8s);
        w.back(a);
        w.pass(8s);
    }
}

TEST_CASE("who is down at the end of its hold is down") {
    world w({}, {});
    auto const a = w.add_all({"a", "b"})[0];
    for (int i = 0; i < 5; ++i) {
        w.down(a);
        if (i < 4)
            w.back(a);
    }
    w.events();
    w.pass(61s);
    CHECK(w.state_of(a) == state::down);
    CHECK(w.events().empty());
    w.back(a);
    CHECK(w.events() == names{"up a"});
}

TEST_CASE("the tag that a node tells is the newest that it told") {
    world w;
    auto with_tag = server("a");
    with_tag.node_tag = 1;
    auto const a = w.it.put(with_tag, w.now).value();
    CHECK(w.it.view(w.now)->by_tag(1)->id == a);
    w.it.on_probe(a, {probe::good, std::uint16_t{77}, {}}, w.now);
    CHECK(w.it.view(w.now)->by_tag(77)->id == a);
    CHECK_FALSE(w.it.view(w.now)->by_tag(1));
}

TEST_CASE("a tag that two have drawn leads to neither") {
    world w;
    auto const ids = w.add_all({"a", "b"});
    for (auto const id : ids)
        w.it.on_probe(id, {probe::good, std::uint16_t{7}, {}}, w.now);
    CHECK_FALSE(w.it.view(w.now)->by_tag(7));
}

TEST_CASE("a changed weight counts at once, for the same target") {
    world w;
    auto const a = w.add_all({"a", "b"})[0];
    auto const before = w.at(a);
    CHECK(w.it.put(server("a", 5), w.now).value() == a);
    CHECK(w.at(a)->share == 5.0);
    CHECK(w.at(a)->count == before->count);
    CHECK(before->share == 1.0);
}

TEST_CASE("what cannot be an upstream is refused") {
    auto u = server("a");
    auto const break_it = GENERATE(0, 1, 2, 3, 4, 5);
    switch (break_it) {
    case 0:
        u.name = "a/b";
        break;
    case 1:
        u.name.clear();
        break;
    case 2:
        u.host.clear();
        break;
    case 3:
        u.port = 0;
        break;
    case 4:
        u.weight = 1001;
        break;
    default:
        u.proxy_protocol = 3;
    }
    world w;
    CHECK(w.it.put(u, w.now).error() == proxy::pool_error::bad_upstream);
    CHECK(w.it.empty());
}

TEST_CASE("a state that another process knew is taken over") {
    struct row {
        state was, is;
        bool takes;
    };
    auto const r =
        GENERATE(row{state::up, state::up, true}, row{state::down, state::down, false},
                 row{state::draining, state::draining, false}, row{state::held, state::held, false},
                 row{state::unknown, state::unknown, false},
                 row{state::slow_start, state::slow_start, true});
    world w;
    w.add_all({"b"});
    auto const a = w.add("a");
    w.it.restore("a", r.was, w.now);
    CHECK(w.state_of(a) == r.is);
    CHECK(w.at(a)->takes() == r.takes);
}

TEST_CASE("another secret signs new cookies of the same targets") {
    world w;
    auto const ids = w.add_all({"a", "b"});
    auto const before = w.at(ids[0]);
    proxy::cookie_signer const next("another secret of these tests");
    w.it.set_cookies(next);
    auto const after = w.at(ids[0]);
    CHECK(after->cookie == next.sign(next.id_of("a")));
    CHECK(after->cookie != before->cookie);
    CHECK(after->count == before->count);
    CHECK(w.at(w.add("c"))->cookie == next.sign(next.id_of("c")));
}
