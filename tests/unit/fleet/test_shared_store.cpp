#include "fake_link.hpp"
#include "store_suite.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace mad_test;

namespace {

/// Some nodes that meet.
struct fleet_of {
    explicit fleet_of(std::initializer_list<char const*> names, bool foreign = false) {
        for (auto const* n : names)
            nodes.push_back(std::make_unique<fake_node>(place, n, foreign));
    }
    fleet_of& connect() {
        for (auto& n : nodes)
            n->link->connect();
        settle();
        return *this;
    }
    /// Everything that is to be sent, answered and read.
    void settle() {
        for (int i = 0; i < 8; ++i) {
            for (auto& n : nodes)
                n->store->flush();
            place.run();
        }
    }
    void pass(mad::milliseconds time, mad::milliseconds step = 200ms) {
        for (; time > 0ms; time -= step) {
            place.clock.at += step;
            for (auto& n : nodes)
                n->store->on_time();
            settle();
        }
    }
    /// As a `kill -9`: the node says nothing any more.
    void kill(std::size_t i) { nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(i)); }
    fake_node& operator[](std::size_t i) { return *nodes[i]; }
    void hear_nothing() {
        for (auto& n : nodes)
            n->told.clear();
    }

    meeting_place place;
    std::vector<std::unique_ptr<fake_node>> nodes;
};

} // namespace

TEST_CASE("the shared store, alone") {
    meeting_place place;
    std::vector<std::unique_ptr<fake_node>> nodes;
    store_suite([&] {
        nodes.push_back(std::make_unique<fake_node>(place, "A"));
        return std::move(nodes.back()->store);
    });
}

TEST_CASE("the shared store, joined") {
    meeting_place place;
    std::vector<std::unique_ptr<fake_node>> nodes;
    store_suite([&] {
        nodes.push_back(std::make_unique<fake_node>(place, "A"));
        nodes.back()->link->connect();
        place.run();
        CHECK(nodes.back()->store->state().ready);
        return std::move(nodes.back()->store);
    });
}

TEST_CASE("a node's name is checked") {
    meeting_place place;
    auto const name = GENERATE(as<std::string>{}, "", "a{b", "}", std::string(65, 'x'));
    CHECK_THROWS_AS(fake_node(place, name), std::invalid_argument);
}

TEST_CASE("every node shows every agent") {
    fleet_of f{"A", "B", "C"};
    f[0].put("early", "s0", 1);
    f.connect();
    f[1].put("b", "s1", 1);
    f[2].put("c", "s2", 1);
    f[1].put("b", "s1", 2);
    f.settle();
    for (auto const& n : f.nodes)
        CHECK(n->shows() == "b2 c1 early1");
    CHECK(f.place.kept() == "A: early; B: b; C: c");
    CHECK(f[0].heard() == "+b2 +c1");
    CHECK(f[1].heard() == "+early1 +c1");
    CHECK(f[1].drop("b", "s1"));
    f.settle();
    CHECK(f[0].heard() == "-b");
    CHECK(f[1].heard().empty());
    CHECK(f.place.kept() == "A: early; C: c");
    CHECK(f[0].store->own_size() == 1);
    CHECK(f[0].store->size() == 2);
}

TEST_CASE("a node that comes later reads what there is") {
    fleet_of f{"A", "B"};
    f[0].link->connect();
    for (int i = 0; i < 10; ++i)
        f[0].put("a" + std::to_string(i), "s", i);
    f.settle();
    CHECK_FALSE(f[1].store->state().ready);
    f[1].link->connect();
    f.settle();
    CHECK(f[1].store->state().ready);
    CHECK(f[1].store->size() == 10);
    CHECK(f[1].link->reads == 1);
}

TEST_CASE("many changes of one turn are one message with the newest of each") {
    fleet_of f{"A", "B"};
    f.connect();
    auto const before = f.place.messages.size();
    for (int i = 0; i < 100; ++i)
        f[0].put("a" + std::to_string(i % 3), "s", i);
    f.settle();
    CHECK(f.place.messages.size() == before + 1);
    CHECK(f[1].heard() == "+a099 +a197 +a298");
}

TEST_CASE("while batches are on their way changes add up") {
    fleet_of f{"A", "B"};
    f.connect();
    for (int i = 0; i < 50; ++i) {
        f[0].put("a", "s", i);
        f[0].store->flush(); // and the other side does not answer
    }
    CHECK(f[0].link->writes == 4);
    f.settle();
    CHECK(f[0].link->writes == 5);
    CHECK(f[1].shows() == "a49");
}

TEST_CASE("an agent that moves between nodes") {
    fleet_of f{"A", "B", "C"};
    f.connect();
    f[0].put("a", "s1", 1);
    f.settle();
    f.hear_nothing();
    f.place.clock.at += 1s;
    f[1].put("a", "s2", 2);
    f.settle();
    CHECK(f[0].heard() == "-a +a2");
    CHECK(f[2].heard() == "-a +a2");
    CHECK(f.place.kept() == "B: a");

    SECTION("is not removed by the late disconnect of its first connection") {
        CHECK_FALSE(f[0].drop("a", "s1"));
        f.settle();
        CHECK(f[2].shows() == "a2");
        CHECK(f[2].heard().empty());
        CHECK(f.place.kept() == "B: a");
    }
    SECTION("and whose first node hears of it late") {
        f[1].drop("a", "s2");
        f.settle();
        f.place.lose_messages = 1;
        f[1].put("a", "s3", 3);
        f.settle();
        CHECK(f[0].shows().empty());
        f[1].put("a", "s3", 4); // one was missed: all is read again
        f.settle();
        CHECK(f[0].shows() == "a4");
        CHECK(f[0].count("gaps") == 1);
        CHECK(f[0].heard() == "-a +a4");
    }
}

TEST_CASE("who moves and leaves at both ends is gone everywhere") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f.settle();
    // B takes it before it has heard of A's, and both say so at the same time.
    f[0].put("a", "s1", 2);
    f[1].put("a", "s2", 3);
    f.settle();
    CHECK(f[0].shows() == f[1].shows());
    CHECK(f[0].shows() == "a3");
    CHECK(f[1].drop("a", "s2"));
    CHECK_FALSE(f[0].drop("a", "s1"));
    f.settle();
    CHECK(f[0].shows().empty());
    CHECK(f[1].shows().empty());
    CHECK(f.place.kept().empty());
}

TEST_CASE("a lost message is noticed by the next one, or by the next sign of life") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s", 1);
    f[0].put("b", "s", 1);
    f.settle();
    f.hear_nothing();
    f.place.lose_messages = 1;
    f[0].put("a", "s", 2);
    f[0].drop("b", "s");
    f.settle();
    CHECK(f[1].shows() == "a1 b1");
    f.pass(6s);
    CHECK(f[1].shows() == "a2");
    CHECK(f[1].heard() == "+a2 -b");
    CHECK(f[1].count("gaps") == 1);
}

TEST_CASE("after a pause of the subscriber everything is read, and only the difference told") {
    fleet_of f{"A", "B"};
    f.connect();
    for (int i = 0; i < 5; ++i)
        f[0].put("a" + std::to_string(i), "s", i);
    f.settle();
    f.hear_nothing();
    f[1].link->says.deaf();
    CHECK_FALSE(f[1].store->state().ready);
    f.place.lose_messages = 1;
    f[0].put("a0", "s", 7);
    f[0].drop("a1", "s");
    f[0].put("new", "s", 1);
    f.settle();
    f[1].link->says.listening();
    f.settle();
    CHECK(f[1].heard() == "+a07 +new1 -a1");
    CHECK(f[1].store->state().ready);
    for (int i = 0; i < 50; ++i) {
        f[1].link->says.deaf();
        f[1].link->says.listening();
    }
    f.settle();
    CHECK(f[1].heard().empty());
    CHECK(f[1].shows() == "a07 a22 a33 a44 new1");
}

TEST_CASE("what is heard while records are read is not undone by what was read") {
    fleet_of f{"A", "B"};
    f.connect();
    for (auto const* const id : {"gone", "kept", "changed"})
        f[0].put(id, "s", 1);
    f.settle();
    f.hear_nothing();
    f.place.hold_records = true;
    f[1].link->says.listening();
    f.place.run();
    REQUIRE(f.place.held.size() == 1);
    f[0].drop("gone", "s");
    f[0].put("changed", "s", 2);
    f[0].put("new", "s", 3);
    f.settle();
    CHECK(f[1].heard() == "-gone +changed2 +new3");
    f.place.held.front()();
    CHECK(f[1].heard().empty());
    CHECK(f[1].shows() == "changed2 kept1 new3");
}

TEST_CASE("a dead node is found out, buried once and told of once") {
    fleet_of f{"A", "B", "C"};
    f.connect();
    f[0].put("a1", "s", 1);
    f[0].put("a2", "s", 1);
    f[1].put("b", "s", 1);
    f.pass(7s);
    f.hear_nothing();
    f.kill(0);
    auto const died = f.place.clock.at;
    while (f[0].store->size() + f[1].store->size() > 2 && f.place.clock.at - died < 60s)
        f.pass(200ms);
    CHECK(f.place.clock.at - died < 16s);
    f.pass(30s);
    for (auto* const n : {&f[0], &f[1]}) {
        auto const told = n->heard();
        CHECK((told == "-a1 -a2" || told == "-a2 -a1"));
        CHECK(n->shows() == "b1");
    }
    CHECK(f[0].count("nodes_reaped") + f[1].count("nodes_reaped") == 1);
    CHECK(f.place.kept() == "B: b");
    CHECK_FALSE(f.place.scores.contains("A"));
}

TEST_CASE("an agent of a dead node that has come back elsewhere is not told as gone") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f.settle();
    f.kill(0);
    f.pass(2s);
    f[0].put("a", "s2", 2);
    f.hear_nothing();
    f.pass(30s);
    CHECK(f[0].shows() == "a2");
    CHECK(f[0].heard().empty());
    CHECK(f.place.kept() == "B: a");
}

TEST_CASE("what a node left before anybody was there is buried too") {
    fleet_of f{"A", "B"};
    f[0].link->connect();
    f[0].put("a", "s1", 1);
    f.settle();
    f.kill(0);
    f.place.clock.at += 1h;
    f[0].link->connect();
    f.settle();
    CHECK(f[0].shows().empty()); // without a lease its records are nobody's
    f.pass(20s);
    CHECK(f.place.kept().empty());
    CHECK_FALSE(f.place.scores.contains("A"));
    CHECK(f[0].heard().empty());
}

TEST_CASE("a node that is silent but holds its lease is not buried") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f.settle();
    f.place.lose_messages = 1'000;
    f[0].put("a", "s1", 2);
    f.pass(40s);
    CHECK(f[1].shows() == "a2"); // read, not heard
    CHECK(f.place.kept() == "A: a");
}

TEST_CASE("a node whose keys were out of reach has time to come back") {
    // As when one master of a Cluster goes, and comes again without its data.
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f.settle();
    f.hear_nothing();
    f[0].link->cut();
    f.place.dark = "A";
    f.pass(40s);
    f.place.nodes.erase("A");
    f.place.dark.clear();
    f.pass(3s);
    CHECK(f[1].heard().empty());
    SECTION("which it uses") {
        f[0].link->connect();
        f.pass(20s);
        CHECK(f[1].heard().empty());
        CHECK(f.place.kept() == "A: a");
    }
    SECTION("or not") {
        f.pass(14s);
        CHECK(f[1].heard() == "-a");
        CHECK(f.place.scores.size() == 1);
    }
}

TEST_CASE("a node that comes back as it is about to be buried is not told as gone") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f.settle();
    f.hear_nothing();
    f[0].link->cut();
    f.pass(15s);
    f[0].link->connect(); // and takes its lease between the question and the burial
    f.place.clock.at += 400ms;
    f[1].store->on_time();
    f.settle();
    f.pass(20s);
    CHECK(f[1].heard().empty());
    CHECK(f.place.kept() == "A: a");
    CHECK(f[1].count("nodes_reaped") == 0);
}

TEST_CASE("a node that was taken for dead writes everything again") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f.settle();
    f.hear_nothing();
    auto paused = std::move(f.nodes[0]);
    f.nodes.erase(f.nodes.begin());
    bool const heard_of_it = GENERATE(true, false);
    paused->link->connected = false;
    f.pass(20s);
    CHECK(f[0].heard() == "-a");
    CHECK(f.place.kept().empty());
    f.nodes.push_back(std::move(paused));
    f.place.reaping.clear();
    f[1].link->connected = true;
    if (heard_of_it) {
        for (auto const& m : std::vector(f.place.messages))
            if (m.find("\"d\":") != m.npos)
                f[1].link->says.message(m);
        f.settle();
        CHECK(f[0].heard() == "+a1");
        return;
    }
    f.pass(6s);
    CHECK(f[0].heard() == "+a1");
    CHECK(f.place.kept() == "A: a");
    CHECK(f[1].shows() == "a1");
}

TEST_CASE("a lease that was lost is taken again with all records") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f.settle();
    f.hear_nothing();
    f.place.nodes.clear(); // as a Redis that has lost its data without a restart
    f.place.scores.clear();
    f.pass(6s);
    CHECK(f.place.kept() == "A: a");
    CHECK(f.place.scores.size() == 2);
    CHECK(f[1].shows() == "a1");
    CHECK(f[1].heard().empty());
}

TEST_CASE("what is kept wrongly is put right at the next renewal") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f.settle();
    f.place.nodes["A"].records["ghost"] =
        mad::fleet::write_envelope({1, 1, fake_node::record("ghost", "s", 1)});
    f.pass(6s);
    CHECK(f.place.kept() == "A: a");
    CHECK(f[1].shows() == "a1");
}

TEST_CASE("while the link is away") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f[0].put("b", "s2", 1);
    f[1].put("c", "s3", 1);
    f.settle();
    f.hear_nothing();
    for (auto& n : f.nodes)
        n->link->cut("connection refused");
    auto const s = f[0].store->state();
    CHECK_FALSE(s.ready);
    CHECK(s.since == 1'000'000);
    CHECK(s.why == "connection refused");
    // Local life goes on, the rest stands still.
    for (int i = 0; i < 100; ++i)
        f[0].put("a", "s1", i);
    f[0].drop("b", "s2");
    f[0].put("d", "s4", 4);
    f.pass(60s);
    CHECK(f[0].shows() == "a99 c1 d4");
    CHECK(f[0].heard().empty());
    CHECK(f[1].heard().empty());

    SECTION("and has kept everything") {
        for (auto& n : f.nodes)
            n->link->connect();
        f.pass(3s);
    }
    SECTION("and has lost everything") {
        f.place.nodes.clear();
        f.place.scores.clear();
        f[1].link->connect(); // it must not take A, which is not back yet, for empty
        f.pass(3s);
        CHECK(f[1].heard().empty());
        CHECK(f[1].shows() == "a1 b1 c1");
        f[0].link->connect();
        f.pass(3s);
    }
    SECTION("and has gone back to an older state") {
        f.place.nodes["A"].records.erase("a");
        f.place.nodes["A"].expires = f.place.clock.at + 15s;
        f[1].link->connect();
        f[0].link->connect();
        f.pass(3s);
    }
    CHECK(f[1].shows() == "a99 c1 d4");
    CHECK(f[0].shows() == "a99 c1 d4");
    auto const told = f[1].heard();
    CHECK((told == "+a99 +d4 -b" || told == "+d4 +a99 -b"));
    CHECK(f[0].heard().empty());
    CHECK(f.place.kept() == "A: a d; B: c");
    CHECK(f[0].store->state().ready);
    CHECK(f[0].store->state().since == 0);
}

TEST_CASE("an agent that moves while one node is cut off") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f.settle();
    f[0].link->cut();
    f.place.clock.at += 1s;
    f[1].put("a", "s2", 2);
    f.settle();
    f[0].link->connect();
    f.pass(3s);
    CHECK(f[0].shows() == "a2");
    CHECK(f[1].shows() == "a2");
    CHECK(f.place.kept() == "B: a");
    CHECK_FALSE(f[0].drop("a", "s1"));
}

TEST_CASE("a link that is never there leaves the store as good as an embedded one") {
    fleet_of f{"A"};
    f[0].put("a", "s1", 1);
    f.pass(60s);
    CHECK(f[0].shows() == "a1");
    CHECK(f[0].store->state().why == "not connected yet");
    f.connect();
    f.pass(1s);
    CHECK(f[0].store->state().ready);
    CHECK(f.place.kept() == "A: a");
}

TEST_CASE("writes that are refused for now do not keep anything from the others") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f.settle();
    f.place.full = true;
    f[0].put("a", "s1", 2);
    f[0].put("b", "s2", 1);
    f.settle();
    CHECK(f[1].shows() == "a2 b1");
    CHECK(f[0].store->state().ready);
    CHECK(f.place.kept() == "A: a");
    f.pass(6s);
    CHECK(f[0].store->state().ready);
    f.place.full = false;
    f.pass(6s);
    CHECK(f.place.kept() == "A: a b");
    CHECK(f[0].count("refused_writes") > 0);
}

TEST_CASE("a node that stops takes its records with it") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f[1].put("b", "s2", 1);
    f.settle();
    f.hear_nothing();
    bool done = false;
    f[0].store->stop([&] { done = true; });
    f.settle();
    CHECK(done);
    CHECK(f[1].heard() == "-a");
    CHECK(f.place.kept() == "B: b");
    CHECK_FALSE(f.place.scores.contains("A"));
    f.pass(20s);
    CHECK(f.place.kept() == "B: b");
    f[0].store->stop([&] { done = false; });
    CHECK_FALSE(done); // called at once: it was not there any more
}

TEST_CASE("a node that is started anew under its name begins anew") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("old", "s1", 1);
    for (int i = 0; i < 10; ++i)
        f[0].put("a", "s1", i);
    f.settle();
    f.hear_nothing();
    f.nodes[0] = std::make_unique<fake_node>(f.place, "A");
    f[0].put("a", "s9", 77);
    f[0].link->connect();
    f.settle();
    CHECK(f[1].shows() == "a77");
    CHECK(f[1].heard() == "-a +a77 -old");
    CHECK(f.place.kept() == "A: a");
}

TEST_CASE("two nodes of one name are told apart by a warning, not by a crash") {
    fleet_of f{"A", "A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f[1].put("b", "s2", 1);
    f.pass(20s);
    CHECK(f[2].store->size() <= 2);
}

TEST_CASE("agents of the original's nodes") {
    fleet_of f({"A", "B"}, true);
    f.place.foreign = {fake_node::record("old", "x", 1), "null", "{}"};
    f.connect();
    CHECK(f[0].heard() == "+old1");
    auto const say = [&](std::string const& record) {
        for (auto& n : f.nodes)
            n->link->says.foreign_update(record);
        f.settle();
    };
    say(fake_node::record("new", "y", 5));
    CHECK(f[1].shows() == "new5 old1");
    CHECK(f.place.kept().empty());

    SECTION("leave") {
        for (auto& n : f.nodes)
            n->link->says.foreign_gone("new");
        CHECK(f[0].heard() == "+new5 -new");
        CHECK(f[1].shows() == "old1");
    }
    SECTION("are gone when nothing was heard of them for a minute") {
        f.pass(30s);
        say(fake_node::record("new", "y", 6));
        f.pass(40s);
        CHECK(f[0].shows() == "new6");
        f.pass(30s);
        CHECK(f[0].shows().empty());
    }
    SECTION("move to a node of ours, and what comes late takes nothing back") {
        f.place.clock.at += 1s;
        f[1].put("new", "s", 7);
        f.settle();
        say(fake_node::record("new", "y", 8));
        for (auto& n : f.nodes)
            n->link->says.foreign_gone("new");
        f.settle();
        CHECK(f[0].shows() == "new7 old1");
        CHECK(f.place.kept() == "B: new");
    }
    SECTION("come from a node of ours") {
        f[1].put("a", "s", 7);
        f.settle();
        f.hear_nothing();
        f.place.clock.at += 1s;
        say(fake_node::record("a", "z", 8));
        CHECK(f[0].shows() == "a8 new5 old1");
        CHECK(f[0].heard() == "-a +a8");
        CHECK(f.place.kept().empty());
        CHECK_FALSE(f[1].drop("a", "s"));
    }
}

TEST_CASE("what the original has kept from before takes nothing from a node of ours") {
    fleet_of f({"A"}, true);
    f[0].put("a", "s", 1);
    f.place.foreign = {fake_node::record("a", "x", 9)};
    f.connect();
    CHECK(f[0].shows() == "a1");
}

TEST_CASE("nonsense in messages and in what is kept is passed over") {
    fleet_of f{"A", "B"};
    f.connect();
    f[0].put("a", "s1", 1);
    f.settle();
    for (std::string const m : {"", "{}", "[]", R"({"n":"X","e":"1","s":1,"u":[[1,2,{}]]})"})
        f[1].link->says.message(m);
    f.place.nodes["A"].records["bad"] = "[1,2,3]";
    f[1].link->says.listening();
    f.settle();
    CHECK(f[1].shows() == "a1");
    CHECK(f[1].count("bad_messages") >= 5);
}

TEST_CASE("whatever happens, in the end all nodes show the same") {
    auto const seed = GENERATE(range(1u, 13u));
    CAPTURE(seed);
    std::mt19937 random(seed);
    fleet_of f{"A", "B", "C"};
    f.connect();
    std::map<std::string, std::pair<std::size_t, std::string>> at; // agent: node and socket
    int sockets = 0;
    for (int i = 0; i < 3'000; ++i) {
        auto const id = "a" + std::to_string(random() % 20);
        switch (random() % 24) {
        case 0: { // moves; its old connection is noticed now or never
            auto const old = at.find(id);
            auto const node = random() % 3;
            auto const socket = "s" + std::to_string(++sockets);
            f.place.clock.at += 3ms;
            f[node].put(id, socket, i);
            if (old != at.end())
                f[old->second.first].drop(id, old->second.second);
            at[id] = {node, socket};
            break;
        }
        case 1:
            if (auto const it = at.find(id); it != at.end()) {
                f[it->second.first].drop(id, it->second.second);
                at.erase(it);
            }
            break;
        case 2:
            f.place.lose_messages = static_cast<int>(random() % 3);
            break;
        case 3:
            if (auto& n = f[random() % 3]; n.link->connected)
                n.link->cut();
            else
                n.link->connect();
            break;
        case 4:
            if (auto& n = f[random() % 3]; n.link->connected)
                n.link->says.listening();
            break;
        case 5:
            f.pass(mad::milliseconds(200 * (random() % 10)));
            break;
        default:
            if (auto const it = at.find(id); it != at.end())
                f[it->second.first].put(id, it->second.second, i);
            if (random() % 3 == 0)
                f.place.run();
            if (random() % 3 == 0)
                for (auto& n : f.nodes)
                    n->store->flush();
        }
    }
    f.place.lose_messages = 0;
    for (auto& n : f.nodes)
        if (!n->link->connected)
            n->link->connect();
    f.pass(10s);
    // Agents speak every few seconds: whoever lost one in the turmoil has it again.
    f.place.reaping.clear();
    for (auto const& [id, where] : at)
        f[where.first].put(id, where.second, 100'000);
    f.pass(10s);
    for (auto const& n : f.nodes)
        CHECK(n->store->size() == at.size());
    CHECK(f[0].shows() == f[1].shows());
    CHECK(f[1].shows() == f[2].shows());
}
