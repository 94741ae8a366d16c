#include "fleet_world.hpp"

#include <mad/core/base64.hpp>
#include <mad/core/bytes.hpp>
#include <mad/core/sha1.hpp>

using namespace mad_test;

TEST_CASE("a console gets the list, and then what changes") {
    auto const threads = GENERATE(1u, 2u);
    fleet_world w({}, threads);
    auto const kind = both();
    CAPTURE(name_of(kind), threads);
    console_peer c(w, kind);
    CHECK(c.list() == json::array());
    agent_peer a(w, kind);
    CHECK(a.connected(sample("a", 1, seq("r", 1) + R"(,"info":{"host":"h"})")) == "[true]");
    auto const first = c.next();
    CHECK(first[0] == "web_client_update");
    CHECK(first[1]["id"] == "a");
    CHECK(first[1]["health"] == json({{"storage", 1}, {"network", 0.5}}));
    CHECK(first[1]["v"] == 2);
    CHECK(first[1]["run"] == "r");
    CHECK(first[1]["info"]["host"] == "h");
    CHECK(first[1]["socketID"].get<std::string>().size() == 20);
    CHECK(first[1]["socketID"] != a.peer.id);

    CHECK(a.check(sample("a", 2, seq("r", 2))) == "[true]");
    auto const second = c.next();
    CHECK(second[1]["health"]["storage"] == 2);
    CHECK(second[1]["info"]["host"] == "h"); // said once, shown always
    CHECK(second[1]["socketID"] == first[1]["socketID"]);

    console_peer late(w, kind);
    auto const list = late.list();
    REQUIRE(list.size() == 1);
    CHECK(list[0] == second[1]);
    CHECK(w.api().counters().agents == 1);
    CHECK(w.api().counters().consoles_served == 2);

    CHECK(a.ask("client_disconnected", R"({"id":"a"})") == "[true]");
    CHECK(c.told() == "disconnect a");
    CHECK(late.told() == "disconnect a");
    CHECK(w.await_agents(0));
    CHECK(console_peer(w).list().empty());
}

TEST_CASE("an agent that goes without a word is told of at once") {
    fleet_world w;
    auto const kind = both();
    CAPTURE(name_of(kind));
    console_peer c(w);
    c.list();
    agent_peer a(w, kind);
    a.connected(sample("a", 1));
    CHECK(c.told() == "update a 1");
    if (kind == wire::polling) {
        a.peer.engine.poll().begin_get();
        a.peer.engine.poll().post("3"); // the GET has arrived
    }
    a.peer.engine.vanish();
    CHECK(c.told() == "disconnect a");
    CHECK(w.await_agents(0));
}

TEST_CASE("an original agent that comes back says only what it always says") {
    // It never repeats `client_connected` after a reconnection.
    fleet_world w;
    console_peer c(w);
    c.list();
    agent_peer a(w, both());
    CHECK(a.check(R"({"id":"old","health":{"storage":12,"network":3}})") == "[true]");
    CHECK(c.told() == "update old 12");
    CHECK(console_peer(w).list().size() == 1);
}

TEST_CASE("an original page that comes back says nothing, and still hears everything") {
    fleet_world w;
    agent_peer a(w);
    a.connected(sample("a", 1));
    sio_peer page(both(), w.port); // no `web_connected`
    CHECK(wait_until([&] { return w.api().sockets().of("/").size() == 2; }));
    a.check(sample("a", 2));
    CHECK(page.next().starts_with(R"(2["web_client_update",{"id":"a")"));
}

TEST_CASE("of many who say nothing a few are told of all at once, the others in turn") {
    mad::fleet::api_settings s;
    s.max_silent = 2;
    s.old_page_silence = 1s;
    fleet_world w(std::move(s));
    agent_peer a(w);
    a.connected(sample("a", 1));
    sio_peer first(both(), w.port), second(both(), w.port), third(both(), w.port);
    CHECK(wait_until([&] { return w.api().sockets().of("/").size() == 4; }));
    a.check(sample("a", 2)); // the third is not told of it
    for (auto* const page : {&first, &second})
        CHECK(page->next().starts_with(R"(2["web_client_update",{"id":"a","health":{"storage":2)"));
    CHECK(third.next().starts_with(R"(2["load_clients",[{"id":"a","health":{"storage":2)"));
    a.check(sample("a", 3));
    for (auto* const page : {&first, &second, &third})
        CHECK(page->next().starts_with(R"(2["web_client_update",{"id":"a","health":{"storage":3)"));
    // Who speaks, or goes, makes room for the next one.
    agent_peer b(w);
    b.connected(sample("b", 1));
    second.engine.vanish();
    for (auto* const page : {&first, &third})
        CHECK(page->next().starts_with(R"(2["web_client_update",{"id":"b")"));
    sio_peer next(both(), w.port);
    b.check(sample("b", 2));
    CHECK(next.next().starts_with(R"(2["web_client_update",{"id":"b","health":{"storage":2)"));
}

TEST_CASE("agents are never told about agents") {
    fleet_world w;
    agent_peer a(w), b(w), newcomer(w);
    a.connected(sample("a", 1));
    b.connected(sample("b", 1));
    a.told.clear();
    b.told.clear();
    for (int i = 2; i < 6; ++i) {
        a.check(sample("a", i));
        b.check(sample("b", i));
    }
    agent_peer gone(w);
    gone.connected(sample("gone", 1));
    gone.peer.engine.vanish();
    CHECK(w.await_agents(2));
    a.check(sample("a", 7));
    b.check(sample("b", 7));
    CHECK(a.told.empty());
    CHECK(b.told.empty());
    // Who has not yet said what it is might be an original page.
    newcomer.check(sample("n", 1));
    CHECK(newcomer.told.size() == 14);
    newcomer.told.clear();
    a.check(sample("a", 8));
    newcomer.check(sample("n", 2));
    CHECK(newcomer.told.empty());
}

TEST_CASE("one connection has one socketID, whatever it calls itself; another has another") {
    fleet_world w;
    console_peer c(w);
    c.list();
    agent_peer a(w), b(w);
    a.connected(sample("a", 1));
    auto const first = c.next()[1]["socketID"];
    a.check(sample("other", 2));
    CHECK(c.told() == "disconnect a");
    CHECK(c.next()[1]["socketID"] == first);
    b.connected(sample("b", 3));
    CHECK(c.next()[1]["socketID"] != first);
}

TEST_CASE("an id that moves to a new socket is removed first, and its old socket ends in silence") {
    auto const threads = GENERATE(1u, 2u);
    fleet_world w({}, threads);
    console_peer c(w);
    c.list();
    agent_peer first(w);
    first.connected(sample("a", 1, seq("r", 1)));
    auto const one = c.next()[1]["socketID"];
    agent_peer second(w);
    second.check(sample("a", 2, seq("r", 2)));
    CHECK(c.told() == "disconnect a");
    auto const moved = c.next();
    CHECK(moved[0] == "web_client_update");
    CHECK(moved[1]["socketID"] != one);
    SECTION("without a word") {
        first.peer.engine.vanish();
    }
    SECTION("with one") {
        first.ask("client_disconnected", R"({"id":"a"})");
    }
    CHECK(wait_until([&] { return w.api().sockets().of("/").size() <= 3; }));
    second.check(sample("a", 3, seq("r", 3)));
    CHECK(c.told() == "update a 3"); // nothing in between
    CHECK(w.api().counters().agents == 1);
    second.ask("client_disconnected", R"({"id":"a"})");
    CHECK(c.told() == "disconnect a");
}

TEST_CASE("a sample that comes late is dropped, whichever connection it came by") {
    fleet_world w;
    console_peer c(w);
    c.list();
    agent_peer a(w);
    a.connected(sample("a", 1, seq("r", 10)));
    CHECK(c.told() == "update a 1");
    SECTION("by the same connection") {
        CHECK(a.check(sample("a", 2, seq("r", 9))) == "[true]");
        a.check(sample("a", 3, seq("r", 11)));
        CHECK(c.told() == "update a 3");
    }
    SECTION("by a connection that has been replaced") {
        agent_peer next(w);
        next.check(sample("a", 2, seq("r", 12)));
        CHECK(c.told() == "disconnect a");
        CHECK(c.told() == "update a 2");
        a.check(sample("a", 3, seq("r", 11))); // was on its way when the agent reconnected
        a.peer.engine.vanish();
        CHECK(wait_until([&] { return w.api().sockets().of("/").size() == 2; }));
        next.check(sample("a", 4, seq("r", 13)));
        CHECK(c.told() == "update a 4");
        CHECK(w.api().counters().agents == 1);
        return;
    }
    SECTION("a new run begins anew") {
        a.check(sample("a", 2, seq("other", 1)));
        CHECK(c.told() == "update a 2");
    }
    SECTION("the same number again is taken") {
        a.check(sample("a", 2, seq("r", 10)));
        CHECK(c.told() == "update a 2");
    }
    SECTION("who does not count is never late") {
        a.check(sample("a", 2));
        CHECK(c.told() == "update a 2");
        a.check(sample("a", 3));
        CHECK(c.told() == "update a 3");
    }
    CHECK(wait_until([&] { return w.api().counters().agents == 1; }));
}

TEST_CASE("an agent changes its own record only") {
    fleet_world w;
    console_peer c(w);
    c.list();
    agent_peer a(w), b(w);
    a.connected(sample("a", 1));
    b.connected(sample("b", 1));
    CHECK(c.told() == "update a 1");
    auto const seen = c.next();
    CHECK(b.ask("client_disconnected", R"({"id":"a"})") == "[true]");
    CHECK(c.told() == "disconnect b"); // its own, whatever it named
    a.check(sample("a", 2, R"(,"socketID":")" + seen[1]["socketID"].get<std::string>() + "\""));
    auto const e = c.next();
    CHECK(e[1]["id"] == "a");
    CHECK(e[1]["socketID"] != seen[1]["socketID"]);
    b.check(sample("b", 3)); // and it may come back
    CHECK(c.told() == "update b 3");
}

TEST_CASE("a socketID tells nothing of the session behind it, on either revision") {
    using mad::engine::revision;
    auto const rev = GENERATE(revision::eio4, revision::eio3);
    auto const kind = both();
    strings shown;
    for (int node = 0; node < 2; ++node) {
        mad::fleet::api_settings both_revisions;
        both_revisions.sockets.engine.handshake.allow_eio3 = true;
        fleet_world w(std::move(both_revisions));
        console_peer c(w);
        c.list();
        auto const see = [&](sio_peer& p, std::string const& id) {
            p.send("2[\"client_connected\"," + sample(id, 1) + "]");
            return c.next()[1]["socketID"].get<std::string>();
        };
        auto const made = rev == revision::eio3
                              ? std::make_unique<sio_peer>(sio_peer::old, kind, w.port)
                              : std::make_unique<sio_peer>(kind, w.port);
        auto& p = *made;
        if (rev == revision::eio3) {
            CHECK(p.next() == "0");
            CHECK(p.id == p.engine.sid()); // what it is called is its secret
        }
        auto const id = see(p, "a");
        CHECK(see(p, "a") == id);
        shown.push_back(id);
        CHECK(id.size() == 20);
        CHECK(id.find_first_not_of(
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == id.npos);
        // Neither is it one of the names, nor what anybody could make of them.
        for (std::string const& name : {p.id, p.engine.sid()}) {
            CHECK(id != name);
            for (std::size_t n = 4; n < name.size(); ++n)
                CHECK(id.find(name.substr(n - 4, 4)) == id.npos);
            std::string plain;
            mad::append_base64url(plain, mad::as_text(mad::sha1(name)));
            CHECK(plain.substr(0, 20) != id);
        }
        // It opens nothing.
        CHECK(w.get("/socket.io/?EIO=4&transport=polling&sid=" + id).status == 400);
        CHECK(see(p, "a") == id);
    }
    CHECK(shown[0] != shown[1]);
}

TEST_CASE("a connection that speaks for another id leaves the first behind") {
    fleet_world w;
    console_peer c(w);
    c.list();
    agent_peer a(w);
    a.connected(sample("one", 1));
    CHECK(c.told() == "update one 1");
    a.check(sample("two", 2));
    CHECK(c.told() == "disconnect one");
    CHECK(c.told() == "update two 2");
    a.peer.engine.vanish();
    CHECK(c.told() == "disconnect two");
}

TEST_CASE("a console asks again and gets the list again") {
    fleet_world w;
    agent_peer a(w);
    a.connected(sample("a", 1));
    console_peer c(w, both());
    CHECK(c.list().size() == 1);
    CHECK(c.list(R"(2["web_connected",{"v":1,"hz":4}])").size() == 1);
    CHECK(c.list(R"(2["web_connected",null])").size() == 1);
    c.peer.send(R"(27["web_connected"])"); // asks for an ack that the original never gave
    CHECK(c.next()[0] == "load_clients");
}

TEST_CASE("a long list goes over, and what follows it") {
    fleet_world w;
    agent_peer a(w);
    std::string const text(12'000, 'x');
    // One connection is one agent: so many of them, each with a large record.
    std::vector<std::unique_ptr<agent_peer>> fleet;
    constexpr int n = 400; // 4.8 MB in one array, above what may wait for one peer
    for (int i = 0; i < n; ++i) {
        fleet.push_back(std::make_unique<agent_peer>(w));
        fleet.back()->connected(
            sample("host-" + std::to_string(i), i % 100, ",\"text\":\"" + text + "\""));
    }
    auto const kind = both();
    CAPTURE(name_of(kind));
    console_peer c(w, kind);
    CHECK(c.list().size() == n);
    for (int i = 0; i < 20; ++i)
        fleet[0]->check(sample("host-0", i));
    for (int i = 0; i < 20; ++i)
        CHECK(c.told() == "update host-0 " + std::to_string(i));
}

TEST_CASE("bad messages are dropped, counted, told, and in the end not suffered") {
    fleet_world w;
    console_peer c(w);
    c.list();
    agent_peer a(w, both());
    bool const known = GENERATE(true, false); // whether it has said anything good before
    if (known) {
        a.connected(sample("a", 1));
        CHECK(c.told() == "update a 1");
    }
    strings const bad{"{}",
                      R"({"id":"a"})",
                      R"({"id":"a\n","health":{}})",
                      "[]",
                      "null",
                      "\"text\"",
                      R"({"id":"a","health":{"x":[[[[[]]]]]}})",
                      sample("a", 1, ",\"x\":\"" + std::string(17'000, 'x') + "\""),
                      sample(std::string(129, 'a'), 1),
                      ""}; // no argument at all
    for (auto const& m : bad) {
        CAPTURE(m.substr(0, 60));
        CHECK(a.check(m).starts_with(R"([{"error":")"));
    }
    CHECK(w.api().counters().refused == bad.size());
    CHECK(a.check(sample("a", 5)) == "[true]"); // ten in a minute are forgiven
    CHECK(c.told() == "update a 5");
    a.ask("client_healthcheck", "{}");
    CHECK(a.peer.ends());
    CHECK(c.told() == "disconnect a");
    CHECK(w.log().count("fleet.agent.disconnected") == 1);
    CHECK(w.log().count("socketio.handler.fault") == 0);
}

TEST_CASE("events that are not of this system do nothing") {
    fleet_world w;
    console_peer c(w);
    c.list();
    sio_peer p(both(), w.port);
    p.send(R"(2["web_client_update",{"id":"fake"}])");
    p.send(R"(2["load_clients",[]])");
    p.send(R"(2["anything"])");
    agent_peer a(w);
    a.check(sample("a", 1));
    CHECK(c.told() == "update a 1");
}

TEST_CASE("a record reaches consoles as the agent wrote it") {
    fleet_world w;
    console_peer c(w);
    c.list();
    agent_peer a(w);
    a.check(
        R"({ "id" : "a" , "health" : { "storage" : 1.50 , "deep":{"k":[1, 2]} } , "x":"\u00e9\/" })");
    auto const packet = c.peer.next();
    CHECK(packet.starts_with(
        R"(2["web_client_update",{"id":"a","health":{ "storage" : 1.50 , "deep":{"k":[1, 2]} },"x":"\u00e9\/","socketID":")"));
}

TEST_CASE("a node that goes tells its peers and waits for them") {
    fleet_world w;
    agent_peer a(w, both());
    a.connected(sample("a", 1));
    console_peer c(w);
    c.list();
    SECTION("drained") {
        std::thread going([&] { w.api().stop(10s); });
        CHECK(a.peer.ends());
        while (c.peer.engine.next()) {
        }
        going.join();
        CHECK(w.log().count("socketio.handler.fault") == 0);
    }
    SECTION("at once") {
        a.peer.engine.answers_pings = false;
        if (!a.peer.engine.on_websocket()) {
            a.peer.engine.poll().begin_get();
            a.peer.engine.poll().post("3");
        }
        w.stop();
        CHECK(w.log().count("socketio.handler.fault") == 0);
    }
}

TEST_CASE("a fleet of agents on all shards is seen whole and in order") {
    fleet_world w({}, 2);
    console_peer c(w), d(w, wire::polling);
    c.list();
    d.list();
    std::vector<std::unique_ptr<agent_peer>> fleet;
    for (int i = 0; i < 12; ++i)
        fleet.push_back(std::make_unique<agent_peer>(w, i % 3 ? wire::websocket : wire::polling));
    for (int round = 0; round < 10; ++round)
        for (std::size_t i = 0; i < fleet.size(); ++i)
            fleet[i]->check(sample("host-" + std::to_string(i), round, seq("r", round)));
    for (auto* const console : {&c, &d}) {
        std::map<std::string, int> next;
        for (int i = 0; i < 120; ++i) {
            auto const e = console->next();
            REQUIRE(e[0] == "web_client_update");
            REQUIRE(e[1]["health"]["storage"] == next[e[1]["id"]]++);
        }
    }
    CHECK(console_peer(w).list().size() == 12);
}

TEST_CASE("a page of the original that comes back without a word gets the list, once") {
    mad::fleet::api_settings s;
    s.sockets.engine.handshake.allow_eio3 = true;
    s.old_page_silence = 50ms;
    fleet_world w(std::move(s));
    auto const kind = both();
    CAPTURE(name_of(kind));
    auto const joined = [&] {
        auto peer = std::make_unique<sio_peer>(sio_peer::old, kind, w.port);
        CHECK(peer->next() == "0");
        return peer;
    };
    auto const agent = joined();
    agent->send("20[\"client_healthcheck\"," + sample("a", 1) + "]");
    CHECK(agent->next() == "30[true]");
    auto const asking = joined();
    asking->send(R"(2["web_connected"])");
    CHECK(asking->next().starts_with(R"(2["load_clients",[{"id":"a")"));

    auto const silent = joined();
    CHECK(silent->next().starts_with(R"(2["load_clients",[{"id":"a")"));
    // The others' time is over too: the answer is the next thing that they hear.
    for (auto* peer : {agent.get(), asking.get(), silent.get()}) {
        peer->send(R"(21["client_disconnected",{"id":"nobody"}])");
        auto heard = peer->next();
        while (heard == R"(2["web_client_disconnect","a"])")
            heard = peer->next();
        CHECK(heard == "31[true]");
    }
}
