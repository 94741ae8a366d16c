#include "io_world.hpp"

using namespace mad_test;

namespace {

/// Events with which a peer drives rooms, so that tests read as what peers see.
void add_room_events(sio::server& io) {
    io.on("join", [](sio::socket s, std::vector<std::string> rooms) {
        s.join(std::move(rooms));
        return s.rooms();
    });
    io.on("leave", [](sio::socket s, std::string room) {
        s.leave(room);
        return s.rooms();
    });
    io.on("sync", [] { return true; });
}

/// Some peers, by name, each in a room of its own name besides what a test asks for.
struct crowd {
    explicit crowd(io_world& w, int n, wire k = wire::websocket) {
        for (int i = 0; i < n; ++i)
            peers.push_back(std::make_unique<sio_peer>(k, w.port));
    }

    sio_peer& operator[](std::size_t i) { return *peers[i]; }

    void join(std::size_t i, std::string const& room) {
        peers[i]->ask("[\"join\",[\"" + room + "\"]]");
    }

    /// Which of them have got `event`, and how often: `0,2,2`. Asks each for an answer first, so
    /// what was sent before has come.
    std::string who_got(std::string const& packet) {
        std::string out;
        for (std::size_t i = 0; i < peers.size(); ++i) {
            peers[i]->send(R"(299["sync"])");
            for (;;) {
                auto const p = peers[i]->next();
                if (p == "399[true]" || p.empty())
                    break;
                out += (out.empty() ? "" : ",") + std::to_string(i);
                CHECK(p == packet);
            }
        }
        return out;
    }

    std::vector<std::unique_ptr<sio_peer>> peers;
};

} // namespace

TEST_CASE("a broadcast reaches the union of its rooms, each socket once, less the exceptions") {
    auto const shards = GENERATE(1u, 2u);
    io_world w(add_room_events, {}, shards);
    crowd c(w, 6, both());
    // 0: a   1: a b   2: b   3: a b c   4: c   5: none
    for (auto const i : {0u, 1u, 3u})
        c.join(i, "a");
    for (auto const i : {1u, 2u, 3u})
        c.join(i, "b");
    for (auto const i : {3u, 4u})
        c.join(i, "c");
    struct row {
        std::function<sio::broadcast_operator(sio::server&)> to;
        char const* who;
    };
    auto const id = [&](std::size_t i) { return c[i].id; };
    std::vector<row> const rows{
        {[](auto& io) { return io.of("/").all(); }, "0,1,2,3,4,5"},
        {[](auto& io) { return io.to("a"); }, "0,1,3"},
        {[](auto& io) { return io.in("a").to("b"); }, "0,1,2,3"},
        {[](auto& io) { return io.to("a").to("a").to("a"); }, "0,1,3"},
        {[](auto& io) { return io.to("a").except("b"); }, "0"},
        {[](auto& io) { return io.to("a").to("b").except("c"); }, "0,1,2"},
        {[](auto& io) { return io.except("a").except("c"); }, "2,5"},
        {[](auto& io) { return io.to("nobody"); }, ""},
        {[](auto& io) { return io.except("nobody"); }, "0,1,2,3,4,5"},
        {[](auto& io) { return io.to("a").except("a"); }, ""},
        {[&](auto& io) { return io.to(id(5)); }, "5"},
        {[&](auto& io) { return io.to(id(5)).to(id(4)).to("c"); }, "3,4,5"},
        {[&](auto& io) { return io.except(id(5)).except(id(0)); }, "1,2,3,4"},
        {[](auto& io) { return io.to(""); }, ""},
        {[](auto& io) { return io.local(); }, "0,1,2,3,4,5"},
    };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i, shards);
        rows[i].to(w.io()).emit("x", i);
        CHECK(c.who_got("2[\"x\"," + std::to_string(i) + "]") == rows[i].who);
    }
}

TEST_CASE("a socket's own broadcast is for the others") {
    io_world w([](sio::server& io) {
        add_room_events(io);
        io.on("all", [](sio::socket s) { s.broadcast().emit("x"); });
        io.on("room", [](sio::socket s) { s.to("a").emit("x"); });
        io.on("both", [](sio::socket s) { s.to("a").to("b").emit("x"); });
        io.on("except", [](sio::socket s) { s.except("a").emit("x"); });
        io.on("one", [](sio::socket s, std::string id) { s.to(id).emit("x"); });
    });
    crowd c(w, 4);
    c.join(0, "a");
    c.join(1, "a");
    c.join(2, "b");
    c.join(0, "b");
    c[0].send(R"(2["all"])");
    c[0].ask(R"(["sync"])");
    CHECK(c.who_got(R"(2["x"])") == "1,2,3");
    c[0].send(R"(2["room"])");
    c[0].ask(R"(["sync"])");
    CHECK(c.who_got(R"(2["x"])") == "1");
    c[0].send(R"(2["both"])");
    c[0].ask(R"(["sync"])");
    CHECK(c.who_got(R"(2["x"])") == "1,2");
    c[0].send(R"(2["except"])");
    c[0].ask(R"(["sync"])");
    CHECK(c.who_got(R"(2["x"])") == "2,3");
    c[0].send(R"(2["one",")" + c[3].id + "\"]");
    c[0].ask(R"(["sync"])");
    CHECK(c.who_got(R"(2["x"])") == "3");
    c[0].send(R"(2["one",")" + c[0].id + "\"]");
    c[0].ask(R"(["sync"])");
    CHECK(c.who_got(R"(2["x"])") == "");
}

TEST_CASE("who joins a room that is named like another socket does not take its place") {
    io_world w([](sio::server& io) {
        add_room_events(io);
        io.on("to", [](sio::socket s, std::string room) { s.to(room).emit("x"); });
        io.on("others", [](sio::socket s) { s.broadcast().emit("x"); });
    });
    crowd c(w, 3);
    c.join(1, c[0].id);
    w.io().to(c[0].id).emit("x");
    CHECK(c.who_got(R"(2["x"])") == "0,1");
    // The sender is still the one who is left out of its own broadcast.
    c[0].send(R"(2["others"])");
    c[0].ask(R"(["sync"])");
    CHECK(c.who_got(R"(2["x"])") == "2");
    c[2].send(R"(2["to",")" + c[0].id + "\"]");
    c[2].ask(R"(["sync"])");
    CHECK(c.who_got(R"(2["x"])") == "0,1");
}

TEST_CASE("rooms come and go with their members") {
    io_world w(add_room_events);
    auto const kind = both();
    sio_peer p(kind, w.port);
    auto const own = "[[\"" + p.id + "\"";
    CHECK(p.ask(R"(["join",["a","b","a"]])") == own + R"(,"a","b"]])");
    CHECK(p.ask(R"(["join",[]])") == own + R"(,"a","b"]])");
    CHECK(p.ask(R"(["join",[")" + p.id + R"("]])") == own + R"(,"a","b"]])");
    CHECK(p.ask(R"(["leave","a"])") == own + R"(,"b"]])");
    CHECK(p.ask(R"(["leave","a"])") == own + R"(,"b"]])");
    CHECK(p.ask(R"(["leave","never"])") == own + R"(,"b"]])");
    p.send("1");
    CHECK(w.await_sockets(0));
    p.id = p.join();
    CHECK(p.ask(R"(["join",[]])") == "[[\"" + p.id + "\"]]");
}

TEST_CASE("namespaces share no rooms") {
    io_world w([](sio::server& io) {
        for (auto const* const n : {"/", "/n"})
            io.of(n).on("join", [](sio::socket s) {
                s.join("room");
                return true;
            });
    });
    sio_peer p(wire::websocket, w.port), q(wire::websocket, w.port);
    q.join("/n");
    p.ask(R"(["join"])");
    q.send(R"(2/n,1["join"])");
    CHECK(q.next() == "3/n,1[true]");
    w.io().to("room").emit("root");
    w.io().of("/n").to("room").emit("other");
    CHECK(p.next() == R"(2["root"])");
    CHECK(q.next() == R"(2/n,["other"])");
}

TEST_CASE("a binary broadcast is one packet for everybody, on either wire") {
    io_world w;
    sio_peer a(wire::websocket, w.port), b(wire::polling, w.port);
    w.io().emit("x", mad::bytes{0, 255}, 1);
    for (auto* const p : {&a, &b}) {
        CHECK(p->next() == "51-[\"x\"," + placeholder(0) + ",1]");
        CHECK(p->next_bytes() == std::string("\0\xff", 2));
    }
}

TEST_CASE("a volatile event is for who can take it at once") {
    io_world w([](sio::server& io) {
        io.on("two", [](sio::socket s) {
            s.volatile_emit("v", 1);
            s.emit("sure");
            s.volatile_emit("v", 2); // something is on its way: dropped
        });
        io.on("sync", [] { return true; });
    });
    SECTION("over a websocket") {
        sio_peer p(wire::websocket, w.port);
        p.send(R"(2["two"])");
        CHECK(p.next() == R"(2["v",1])");
        CHECK(p.next() == R"(2["sure"])");
        CHECK(p.ask(R"(["sync"])") == "[true]");
        w.io().as_volatile().emit("all");
        CHECK(p.next() == R"(2["all"])");
    }
    SECTION("over polling, while a GET waits") {
        sio_peer p(wire::polling, w.port);
        p.send(R"(2["two"])"); // no GET waits
        CHECK(p.next() == R"(2["sure"])");
        p.engine.poll().begin_get();
        p.engine.poll().post("3"); // the GET has arrived
        w.io().as_volatile().emit("all");
        CHECK(p.engine.poll().get_wire().answer().body == R"(42["all"])");
        w.io().as_volatile().emit("lost");
        w.io().emit("kept");
        CHECK(p.next() == R"(2["kept"])");
    }
    SECTION("to all, who can and who cannot") {
        sio_peer p(wire::websocket, w.port), q(wire::polling, w.port);
        w.io().as_volatile().emit("x");
        w.io().emit("end");
        CHECK(p.next() == R"(2["x"])");
        CHECK(p.next() == R"(2["end"])");
        CHECK(q.next() == R"(2["end"])");
    }
}

TEST_CASE("many sockets are moved, found and ended at once") {
    auto const shards = GENERATE(1u, 2u);
    notes seen;
    io_world w(
        [&](sio::server& io) {
            add_room_events(io);
            io.on("note", [](sio::socket s, int n) {
                s.data() = json::object({{"n", n}});
                return true;
            });
            io.of("/").on_disconnect([&](sio::socket s, sio::disconnect_reason r) {
                seen.add(std::string(s.id()) + " " + std::string(sio::to_string(r)));
            });
        },
        {}, shards);
    crowd c(w, 4);
    c.join(0, "a");
    c.join(1, "a");
    c.join(2, "b");
    c[0].ask(R"(["note",7])");

    w.io().in("a").sockets_join({"x", "y"});
    w.io().in("a").except("b").sockets_leave({"y"});
    std::promise<std::vector<sio::remote_socket>> promise;
    w.io().in("x").fetch_sockets([&](auto const& all) { promise.set_value(all.value()); });
    auto all = promise.get_future().get();
    REQUIRE(all.size() == 2);
    std::sort(all.begin(), all.end(), [&](auto const& l, auto const&) { return l.id == c[0].id; });
    CHECK(all[0].id == c[0].id);
    CHECK(all[0].rooms == strings{c[0].id, "a", "x"});
    CHECK(all[0].data == R"({"n":7})");
    CHECK(all[1].rooms == strings{c[1].id, "a", "x"});
    CHECK(all[1].data == "{}");

    w.io().in("x").disconnect_sockets();
    CHECK(c[0].next() == "1");
    CHECK(c[1].next() == "1");
    w.io().to("b").disconnect_sockets(true);
    CHECK(c[2].next() == "1");
    CHECK(c[2].ends());
    CHECK(w.await_sockets(1));
    CHECK(w.io().sessions() == 3);
    auto const lines = seen.await(3);
    CHECK(lines.size() == 3);
    for (auto const& l : lines)
        CHECK(l.ends_with("server namespace disconnect"));
    c[3].ask(R"(["sync"])");
}

TEST_CASE("sockets are found from a coroutine too") {
    io_world w(
        [](sio::server& io) {
            io.on("count", [io = &io]() -> asio::awaitable<int> {
                auto const all = co_await io->of("/").all().fetch_sockets();
                co_return all ? static_cast<int>(all->size()) : -1;
            });
            io.on("none", [io = &io]() -> asio::awaitable<int> {
                auto const all = co_await io->to("nobody").fetch_sockets();
                co_return all ? static_cast<int>(all->size()) : -1;
            });
        },
        {}, 2);
    crowd c(w, 5);
    CHECK(c[0].ask(R"(["count"])") == "[5]");
    CHECK(c[0].ask(R"(["none"])") == "[0]");
}

TEST_CASE("a receiver that is full ends in the middle of a broadcast, and the rest get it") {
    // Its disconnect handler broadcasts in its turn, and disconnects yet others: the tables that
    // the first broadcast walks over change under it.
    notes seen;
    sio::server_settings s;
    s.engine.outbox.max_bytes = 20'000;
    std::mutex mutex;
    std::vector<sio::socket> victims;
    io_world w(
        [&](sio::server& io) {
            add_room_events(io);
            io.on("victim", [&](sio::socket v) {
                std::lock_guard const lock(mutex);
                victims.push_back(v);
                return true;
            });
            io.of("/").on_disconnect([&, io = &io](sio::socket, sio::disconnect_reason r) {
                seen.add(std::string(sio::to_string(r)));
                io->emit("left");
                io->to("room").emit("left the room");
                std::vector<sio::socket> some;
                {
                    std::lock_guard const lock(mutex);
                    some.swap(victims);
                }
                for (auto const& v : some)
                    v.disconnect(true);
            });
        },
        s);
    // Polling peers that never poll fill up; websockets read.
    std::vector<std::unique_ptr<sio_peer>> full;
    crowd c(w, 6);
    for (int i = 0; i < 4; ++i)
        full.push_back(std::make_unique<sio_peer>(wire::polling, w.port));
    c[2].ask(R"(["victim"])");
    c[4].ask(R"(["victim"])");
    CHECK(w.await_sockets(10));
    std::string const text(9'000, 'x');
    for (int i = 0; i < 6; ++i)
        w.io().emit("x", text);
    CHECK(w.await_sockets(4));
    CHECK(seen.await(6).size() == 6);
    for (auto const i : {0u, 1u, 3u, 5u}) {
        c[i].send(R"(21["sync"])");
        int big = 0, left = 0;
        for (std::string p; (p = c[i].next()) != "31[true]";) {
            REQUIRE_FALSE(p.empty());
            big += p.size() > 9'000;
            left += p == R"(2["left"])";
        }
        CHECK(big == 6);
        CHECK(left == 6);
    }
}

TEST_CASE("a member may leave everything while a broadcast is on its way to another shard") {
    io_world w(add_room_events, {}, 2);
    crowd c(w, 8);
    for (std::size_t i = 0; i < 8; ++i)
        c.join(i, "a");
    for (int i = 0; i < 50; ++i)
        w.io().to("a").emit("x", i);
    w.io().in("a").disconnect_sockets();
    for (int i = 0; i < 50; ++i)
        w.io().to("a").emit("never", i);
    for (auto& p : c.peers) {
        for (int i = 0; i < 50; ++i)
            CHECK(p->next() == "2[\"x\"," + std::to_string(i) + "]");
        CHECK(p->next() == "1");
    }
    CHECK(w.await_sockets(0));
}

TEST_CASE("who asks a namespace for its rooms gets those of all shards, own ones included") {
    using sio::nsp;
    sio::server* server = nullptr;
    notes seen;
    io_world w(
        [&](sio::server& io) {
            server = &io;
            auto const n = io.of("/n");
            n.on("join", [](sio::socket s, std::vector<std::string> rooms) {
                s.join(rooms);
                return true;
            });
            n.on("ask", [n](std::string what) -> asio::awaitable<json> {
                json all;
                if (what == "rooms")
                    all = (co_await n.rooms()).value();
                else if (what == "sids")
                    all = (co_await n.sids()).value();
                else
                    all = (co_await n.room_sizes()).value();
                co_return all;
            });
        },
        {}, 2);
    auto const n = w.io().of("/n");
    std::promise<nsp::size_map> none;
    n.room_sizes([&](nsp::size_map all) { none.set_value(std::move(all)); });
    CHECK(none.get_future().get().empty());

    std::vector<std::unique_ptr<sio_peer>> peers;
    strings ids;
    bool on[2] = {false, false};
    for (int i = 0; i < 40 && (i < 3 || !on[0] || !on[1]); ++i) {
        peers.push_back(std::make_unique<sio_peer>(wire::websocket, w.port));
        auto& p = *peers.back();
        on[*mad::session_id::shard_of(p.engine.sid())] = true;
        ids.push_back(p.join("/n"));
        // Everybody is in `all`, one in the room of the first as well.
        p.send("2/n,1[\"join\"," + json(i == 1 ? strings{"all", ids[0]} : strings{"all"}).dump() +
               "]");
        CHECK(p.next() == "3/n,1[true]");
    }
    REQUIRE((on[0] && on[1]));
    auto const ask = [&](std::string const& what) {
        peers[0]->send("2/n,2[\"ask\",\"" + what + "\"]");
        return json::parse(peers[0]->next().substr(5))[0];
    };
    nsp::room_map rooms, sids;
    nsp::size_map sizes;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        rooms["all"].push_back(ids[i]);
        rooms[ids[i]].push_back(ids[i]);
        sids[ids[i]] = {ids[i], "all"};
    }
    rooms[ids[0]].push_back(ids[1]);
    sids[ids[1]].push_back(ids[0]);
    for (auto& [name, in] : rooms) {
        std::sort(in.begin(), in.end());
        sizes[name] = in.size();
    }
    auto found = ask("rooms").get<nsp::room_map>();
    for (auto& [name, in] : found)
        std::sort(in.begin(), in.end());
    CHECK(found == rooms);
    CHECK(ask("sids").get<nsp::room_map>() == sids);
    CHECK(ask("sizes").get<nsp::size_map>() == sizes);
}
