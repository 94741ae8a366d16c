#include "io_world.hpp"

#include <regex>
#include <thread>

using namespace mad_test;

namespace {

std::string invalid(std::string const& nsp) {
    return "4" + nsp + R"(,{"message":"Invalid namespace"})";
}

} // namespace

TEST_CASE("a namespace that fits a pattern is made when somebody connects to it") {
    auto const shards = GENERATE(1u, 2u);
    bool const glob = GENERATE(true, false);
    notes seen;
    io_world w(
        [&](sio::server& io) {
            io.on_new_namespace([&](sio::nsp n) { seen.add("new " + std::string(n.name())); });
            auto const rooms =
                glob ? io.of_pattern("/room-*") : io.of_pattern(std::regex(R"(^/room-\d+$)"));
            rooms.use([](sio::socket const& s, sio::next next) {
                if (s.handshake().auth().contains("bad"))
                    return next(sio::connect_error{"no", {}});
                next({});
            });
            rooms.on_connection([](sio::socket s) { s.emit("hello", s.nsp()); });
            rooms.on("who", [](sio::socket s) { return std::string(s.nsp()); });
            rooms.on_disconnect([&](sio::socket s, sio::disconnect_reason) {
                seen.add("left " + std::string(s.nsp()));
            });
        },
        {}, shards);
    auto const kind = both();
    sio_peer a(kind, w.port), b(kind, w.port);
    for (auto* const p : {&a, &b}) {
        p->join("/room-1");
        CHECK(p->next() == R"(2/room-1,["hello","/room-1"])");
        p->send(R"(2/room-1,5["who"])");
        CHECK(p->next() == R"(3/room-1,5["/room-1"])");
    }
    b.join("/room-2");
    CHECK(b.next() == R"(2/room-2,["hello","/room-2"])");
    CHECK(a.ask_to_join("/room", "{}") == invalid("/room"));
    CHECK(a.ask_to_join("/room-3", R"({"bad":1})") == R"(4/room-3,{"message":"no"})");
    CHECK(w.io().of("/room-1").size() == 2);
    b.send("1/room-2,");
    CHECK(seen.await(4) == strings{"new /room-1", "new /room-2", "new /room-3", "left /room-2"});
}

TEST_CASE("parents know their children and reach them all") {
    std::optional<sio::parent_nsp> parent;
    io_world w([&](sio::server& io) {
        parent = io.of_pattern("/p/*");
        parent->each_child([](sio::nsp const& n) { n.on("x", [] { return "set up"; }); });
    });
    CHECK(parent->children().empty());
    sio_peer p(both(), w.port);
    p.join("/p/1");
    p.join("/p/2");
    CHECK(parent->children().size() == 2);
    parent->emit("all", 1);
    CHECK(p.next() == R"(2/p/1,["all",1])");
    CHECK(p.next() == R"(2/p/2,["all",1])");
    p.send(R"(2/p/2,0["x"])");
    CHECK(p.next() == R"(3/p/2,0["set up"])");
}

TEST_CASE("a predicate may answer at once, later or twice, and sees name and auth") {
    auto const kept = std::make_shared<std::vector<std::function<void(bool)>>>();
    notes seen;
    io_world w([&](sio::server& io) {
        io.of_if(
            [&, kept](std::string_view name, json const& auth, std::function<void(bool)> next) {
                // Noted last: who has read the note may touch `kept`.
                auto const line = std::string(name) + " " + auth.dump();
                if (name == "/later") {
                    kept->push_back(std::move(next));
                    return seen.add(line);
                }
                seen.add(line);
                if (name == "/throws")
                    throw std::runtime_error("x");
                next(name == "/yes");
                next(true);
            });
        io.of_pattern("/second");
    });
    auto const kind = both();
    sio_peer p(kind, w.port);
    p.join("/yes", R"({"token":"t"})");
    CHECK(p.ask_to_join("/no") == invalid("/no"));
    CHECK(p.ask_to_join("/throws") == invalid("/throws"));
    CHECK(w.log().count("socketio.handler.fault") == 1);
    p.join("/second"); // the first parent did not want it
    CHECK(seen.all() == strings{R"(/yes {"token":"t"})", "/no {}", "/throws {}", "/second {}"});
    p.send("0/later,");
    seen.await(5);
    SECTION("later, from another thread") {
        std::thread([&] { kept->front()(true); }).join();
        CHECK(p.next().starts_with(R"(0/later,{"sid")"));
    }
    SECTION("no, later") {
        w.on_shard([&] { kept->front()(false); });
        CHECK(p.next() == invalid("/later"));
    }
    SECTION("when the namespace has been made meanwhile") {
        w.io().of("/later");
        w.on_shard([&] { kept->front()(false); });
        CHECK(p.next().starts_with(R"(0/later,{"sid")"));
    }
    SECTION("when the peer has gone") {
        p.engine.send("1");
        CHECK(w.await_sessions(0));
        w.on_shard([&] { kept->front()(true); });
    }
    SECTION("asking twice breaks the protocol") {
        p.send("0/later,");
        CHECK(p.ends());
    }
    SECTION("when the server has gone") {
        w.stop();
        kept->front()(true);
    }
    kept->clear();
}

TEST_CASE("peers make only so many namespaces, and wait for only so many") {
    auto const kept = std::make_shared<std::vector<std::function<void(bool)>>>();
    sio::server_settings s;
    s.max_child_namespaces = 2;
    s.max_namespaces = 4;
    io_world w(
        [&](sio::server& io) {
            io.of_pattern("/p*");
            io.of_if([kept](std::string_view, json const&, std::function<void(bool)> next) {
                kept->push_back(std::move(next));
            });
        },
        s);
    sio_peer p(both(), w.port);
    p.join("/p1");
    p.join("/p2");
    CHECK(p.ask_to_join("/p3") == R"(4/p3,{"message":"too many namespaces"})");
    w.io().of("/p4"); // the application's own do not count
    p.join("/p4");
    sio_peer q(wire::websocket, w.port);
    for (int i = 0; i < 3; ++i)
        q.send("0/wait" + std::to_string(i) + ",");
    CHECK(q.ask_to_join("/wait3") == R"(4/wait3,{"message":"too many namespaces"})");
    kept->clear();
}

TEST_CASE("children are made once, however many shards ask") {
    notes seen;
    io_world w(
        [&](sio::server& io) {
            io.on_new_namespace([&](sio::nsp n) { seen.add(std::string(n.name())); });
            io.of_pattern("/n*").on_connection([](sio::socket s) { s.emit("hi"); });
        },
        {}, 2);
    std::vector<std::unique_ptr<sio_peer>> peers;
    for (int i = 0; i < 8; ++i)
        peers.push_back(std::make_unique<sio_peer>(wire::websocket, w.port));
    for (int round = 0; round < 7; ++round) {
        auto const name = "/n" + std::to_string(round);
        for (auto& p : peers)
            p->send("0" + name + ",");
        for (auto& p : peers) {
            CHECK(p->next().starts_with("0" + name + ",{\"sid\""));
            CHECK(p->next() == "2" + name + ",[\"hi\"]");
        }
    }
    CHECK(seen.size() == 7);
}
