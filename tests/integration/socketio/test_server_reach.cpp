#include "io_world.hpp"

#include <algorithm>
#include <future>

using namespace mad_test;

namespace {

/// Everything that rooms do, in lines.
void note_rooms(sio::nsp const& n, notes& seen) {
    n.on_create_room([&](std::string const& r) { seen.add("create " + r); });
    n.on_delete_room([&](std::string const& r) { seen.add("delete " + r); });
    n.on_join_room([&](std::string const& r, std::string_view id) {
        seen.add("join " + r + " " + std::string(id));
    });
    n.on_leave_room([&](std::string const& r, std::string_view id) {
        seen.add("leave " + r + " " + std::string(id));
    });
}

void add_room_events(sio::server& io) {
    io.on("join", [](sio::socket s, std::vector<std::string> r) {
        s.join(std::move(r));
        return true;
    });
    io.on("leave", [](sio::socket s, std::vector<std::string> r) {
        s.leave(std::move(r));
        return true;
    });
}

std::vector<sio::remote_socket> fetch(sio::broadcast_operator const& from) {
    std::promise<std::vector<sio::remote_socket>> p;
    from.fetch_sockets([&](auto const& all) { p.set_value(all.value()); });
    return p.get_future().get();
}

} // namespace

TEST_CASE("rooms are created, joined, left and deleted before the eyes of who listens") {
    notes seen;
    io_world w([&](sio::server& io) {
        add_room_events(io);
        note_rooms(io.of("/"), seen);
    });
    sio_peer a(wire::websocket, w.port);
    CHECK(seen.all() == strings{"create " + a.id, "join " + a.id + " " + a.id});
    a.ask(R"(["join",["r","s"]])");
    a.ask(R"(["join",["r"]])"); // is in it
    a.ask(R"(["leave",["never"]])");
    sio_peer b(wire::websocket, w.port);
    b.ask(R"(["join",["r"]])");
    a.ask(R"(["leave",["r"]])");
    b.send("1");
    CHECK(w.await_sockets(1));
    CHECK(seen.all() == strings{"create " + a.id, "join " + a.id + " " + a.id, "create r",
                                "join r " + a.id, "create s", "join s " + a.id, "create " + b.id,
                                "join " + b.id + " " + b.id, "join r " + b.id, "leave r " + a.id,
                                "leave r " + b.id, "delete r", "leave " + b.id + " " + b.id,
                                "delete " + b.id});
}

TEST_CASE("a room on two shards is created once and deleted once, also for who listens late") {
    bool const late = GENERATE(true, false);
    notes seen;
    io_world w(
        [&](sio::server& io) {
            add_room_events(io);
            if (!late)
                note_rooms(io.of("/"), seen);
        },
        {}, 2);
    std::vector<std::unique_ptr<sio_peer>> peers;
    auto const come = [&](int n) {
        for (int i = 0; i < n; ++i) {
            peers.push_back(std::make_unique<sio_peer>(wire::websocket, w.port));
            peers.back()->ask(R"(["join",["r"]])");
        }
    };
    come(4);
    if (late) {
        note_rooms(w.io().of("/"), seen);
        for (std::size_t i = 0; i < 2; ++i)
            w.on_shard([] {}, i);
    }
    come(4);
    for (auto& p : peers)
        p->ask(R"(["leave",["r"]])");
    auto const all = seen.all();
    CHECK(std::count(all.begin(), all.end(), "create r") == (late ? 0 : 1));
    CHECK(std::count(all.begin(), all.end(), "delete r") == 1);
    CHECK(all.back() == "delete r");
    auto const begins = [&](std::string const& text) {
        return std::count_if(all.begin(), all.end(),
                             [&](auto const& l) { return l.starts_with(text); });
    };
    CHECK(begins("join r ") == (late ? 4 : 8));
    CHECK(begins("leave r ") == 8);
}

TEST_CASE("handlers of rooms may change rooms and throw") {
    io_world w([&](sio::server& io) {
        add_room_events(io);
        io.of("/").on_join_room([&io](std::string const& r, std::string_view id) {
            if (r == "a")
                io.in(id).sockets_join("b");
            throw std::runtime_error("x");
        });
        io.of("/").on_leave_room([&io](std::string const& r, std::string_view id) {
            if (r == "a")
                io.in(id).sockets_join("a"); // while it leaves for good too
        });
        io.on("rooms", [](sio::socket s) { return s.rooms().size(); });
    });
    sio_peer p(both(), w.port);
    p.ask(R"(["join",["a"]])");
    CHECK(p.ask(R"(["rooms"])") == "[3]");
    p.send("1");
    CHECK(w.await_sockets(0));
    CHECK(w.log().count("socketio.handler.fault") >= 2);
}

TEST_CASE("fetched sockets say who they are and can be reached") {
    auto const shards = GENERATE(1u, 2u);
    io_world w(
        [&](sio::server& io) {
            add_room_events(io);
            io.on_connection([](sio::socket s) { s.data()["from"] = s.handshake().auth(); });
        },
        {}, shards);
    sio_peer p(sio_peer::unjoined, both(), w.port, "X-Name: one\r\nX-Name: two\r\n");
    auto const id = p.join("/", R"({"k":[1]})");
    sio_peer other(wire::websocket, w.port);
    p.ask(R"(["join",["r"]])");
    auto const found = fetch(w.io().in("r"));
    REQUIRE(found.size() == 1);
    auto const& s = found.front();
    CHECK(s.id == id);
    CHECK(s.rooms == strings{id, "r"});
    CHECK(s.data == R"({"from":{"k":[1]}})");
    auto const h = json::parse(s.handshake);
    strings keys;
    for (auto const& [key, value] : h.items())
        keys.push_back(key);
    CHECK(keys == strings{"headers", "time", "address", "xdomain", "secure", "issued", "url",
                          "query", "auth"});
    CHECK(h["headers"]["x-name"] == "one, two");
    CHECK(h["address"] == "127.0.0.1");
    CHECK(h["xdomain"] == false);
    CHECK(h["secure"] == false);
    CHECK(h["query"]["EIO"] == "4");
    CHECK(h["auth"] == json{{"k", {1}}});
    CHECK(h["url"].get<std::string>().starts_with("/socket.io/?"));
    CHECK(h["time"].get<std::string>().ends_with(" GMT+0000 (Coordinated Universal Time)"));
    s.emit("x", 1);
    CHECK(p.next() == R"(2["x",1])");
    s.join({"u", "v"});
    s.leave("r");
    CHECK(fetch(w.io().in("v")).size() == 1);
    CHECK(fetch(w.io().in("r")).empty());
    s.only().except("u").emit("never");
    s.disconnect();
    CHECK(p.next() == "1");
    s.emit("gone");
    other.ask(R"(["join",["z"]])");
}

TEST_CASE("a question to many may be asked in a coroutine, from the server as from an operator") {
    auto const shards = GENERATE(1u, 2u);
    io_world w(
        [](sio::server& io) {
            io.on("all", [io = &io]() -> asio::awaitable<json> {
                auto const r = co_await io->emit_with_ack("q", 1);
                co_return json{{"error", r.ec.message()}, {"n", r.values.size()}};
            });
            io.on("others", [](sio::socket s) -> asio::awaitable<json> {
                auto const r = co_await s.broadcast().timeout(50ms).emit_with_ack("q", 2);
                co_return json{{"late", r.ec == sio::error::timeout}, {"n", r.values}};
            });
        },
        {}, shards);
    sio_peer a(wire::websocket, w.port), b(wire::websocket, w.port);
    auto const answer = [](sio_peer& p, std::string const& with) {
        auto const q = p.next();
        auto const id = q.substr(1, q.find('[') - 1);
        p.send("3" + id + with);
    };
    a.send(R"(2100["all"])");
    answer(a, "[5]");
    answer(b, "[6,7]");
    CHECK(json::parse(a.next().substr(4))[0]["n"] == 2);
    a.send(R"(2101["others"])");
    answer(b, R"(["first","second"])");
    CHECK(a.next() == R"(3101[{"late":false,"n":["first"]}])");
    a.send(R"(2102["others"])");
    CHECK(a.next() == R"(3102[{"late":true,"n":[]}])");
}

TEST_CASE("with the in-memory adapter nobody else is there to hear the server side") {
    io_world w;
    std::optional<sio::ack_responses> answer;
    auto const n = w.io().of("/");
    bool called = false;
    n.on_server_side("x", [&](auto const&, auto const&) { called = true; });
    n.server_side_emit("x", 1, "two");
    n.server_side_emit_with_ack([&](sio::ack_responses r) { answer = std::move(r); }, "x",
                                sio::arguments{});
    REQUIRE(answer);
    CHECK_FALSE(answer->ec);
    CHECK(answer->values.empty());
    CHECK_FALSE(called);
    for (auto const* const name : {"connect", "connection", "new_namespace"})
        CHECK_THROWS_AS(n.server_side_emit(name, 1), std::invalid_argument);
}

TEST_CASE("what other nodes say arrives on the first shard and can be answered") {
    sio::local_sockets* local = nullptr;
    sio::server_settings s;
    s.adapter = [&](std::string_view, sio::local_sockets& l) {
        local = &l;
        return std::make_unique<sio::in_memory_adapter>(l);
    };
    notes seen;
    io_world w(
        [&](sio::server& io) {
            io.of("/").on_server_side("x", [&](sio::arguments const& a, auto const& reply) {
                seen.add("x " + a[0].dump());
                if (reply)
                    reply(sio::arguments{{a[0].get<int>() + 1}});
            });
            io.of("/").on_server_side(
                "x", [](auto const&, auto const&) { throw std::runtime_error("x"); });
        },
        s, 2);
    local->server_side_event("x", sio::arguments{{1}}, {});
    local->server_side_event("other", sio::arguments{{1}}, {});
    local->server_side_event("x", sio::arguments{{5}},
                             [&](sio::arguments a) { seen.add("reply " + a[0].dump()); });
    CHECK(seen.await(3) == strings{"x 1", "x 5", "reply 6"});
    CHECK(wait_until([&] { return w.log().count("socketio.handler.fault") == 2; }));
}
