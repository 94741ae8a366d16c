#include "io_world.hpp"

#include <atomic>
#include <map>
#include <thread>

using namespace mad_test;

namespace {

sio::server_settings recovering() {
    sio::server_settings s;
    s.recovery.emplace();
    return s;
}

/// A peer that keeps what it needs to come back.
struct returner {
    explicit returner(io_world& world, wire k = wire::websocket, std::string n = "/")
        : w(world)
        , kind(k)
        , nsp(std::move(n)) {
        connect();
    }

    /// Joins; with the ticket when there is one. What was missed goes to `missed`. With `most` the
    /// wire breaks after so many of it; false then.
    bool connect(std::size_t most = 1'000'000) {
        peer = std::make_unique<sio_peer>(sio_peer::unjoined, kind, w.port);
        json auth = json::object();
        if (!pid.empty() && !offset.empty())
            auth = {{"pid", pid}, {"offset", offset}, {"more", 1}};
        auto const at = nsp == "/" ? std::string() : nsp + ",";
        peer->send("0" + at + auth.dump());
        missed.clear();
        for (;;) {
            auto const p = peer->next();
            REQUIRE_FALSE(p.empty());
            if (p.starts_with("0")) {
                auto const reply = json::parse(p.substr(1 + at.size()));
                id = reply["sid"];
                pid = reply["pid"];
                return true;
            }
            missed.push_back(event(p));
            if (missed.size() == most) {
                drop();
                return false;
            }
        }
    }

    /// An event without its offset, which is kept.
    std::string event(std::string const& p) {
        auto args = json::parse(p.substr(p.find('[')));
        REQUIRE(args.back().is_string());
        offset = args.back();
        args.erase(args.end() - 1);
        return args.dump();
    }
    std::string next() { return event(peer->next()); }

    /// The wire breaks, and the server has noticed.
    void drop() {
        // It is the only one; the server has begun with it when it has an answer on the way.
        REQUIRE(w.await_sockets(1, nsp));
        peer.reset();
        REQUIRE(w.await_sockets(0, nsp));
    }

    io_world& w;
    wire kind;
    std::string nsp, id, pid, offset;
    strings missed;
    std::unique_ptr<sio_peer> peer;
};

void add_common(sio::server& io, notes& seen) {
    io.use([&](sio::socket const&, sio::next next) {
        seen.add("middleware");
        next({});
    });
    io.on_connection([&](sio::socket s) {
        std::string rooms;
        for (auto const& r : s.rooms())
            rooms += r == s.id() ? std::string("*") : r;
        seen.add((s.recovered() ? "back " : "new ") + rooms + " " + s.data().dump());
        s.on("setup", [s] {
            s.join("r");
            s.data()["n"] = 7;
            s.emit("own", 1);
            return true;
        });
        s.on_disconnect([&](sio::disconnect_reason r) { seen.add(std::string(to_string(r))); });
    });
}

} // namespace

TEST_CASE("without recovery nothing is added to events or to the answer") {
    notes seen;
    io_world w([&](sio::server& io) { add_common(io, seen); });
    sio_peer p(sio_peer::unjoined, both(), w.port);
    auto const answer = p.ask_to_join("/", R"({"pid":"some","offset":"thing"})");
    CHECK(json::parse(answer.substr(1)).size() == 1);
    w.io().emit("x", 1);
    CHECK(p.next() == R"(2["x",1])");
}

TEST_CASE("events carry an offset unless they are volatile or ask for an answer") {
    auto const shards = GENERATE(1u, 2u);
    notes seen;
    io_world w(
        [&](sio::server& io) {
            add_common(io, seen);
            io.on("volatile", [](sio::socket s) { s.volatile_emit("v", 1); });
            io.on("ask", [](sio::socket s) { s.emit_with_ack([](auto const&) {}, 0ms, "q", 1); });
            io.on("echo", [](std::string t) { return t; });
        },
        recovering(), shards);
    returner r(w);
    CHECK(r.pid.size() == 20);
    CHECK(r.pid != r.id);
    w.io().emit("a", 1);
    CHECK(r.next() == R"(["a",1])");
    auto const first = r.offset;
    w.io().to(r.id).emit("bytes", mad::bytes{1});
    auto const header = r.peer->next();
    CHECK(header.starts_with(R"(51-["bytes",{"_placeholder":true,"num":0},")"));
    CHECK(r.peer->next_bytes() == "\x01");
    r.peer->send(R"(2["volatile"])");
    CHECK(r.peer->next() == R"(2["v",1])");
    r.peer->send(R"(2["ask"])");
    CHECK(r.peer->next() == R"(20["q",1])");
    w.io().as_volatile().emit("v", 2);
    CHECK(r.peer->next() == R"(2["v",2])");
    CHECK(r.peer->ask(R"(["echo","x"])") == R"(["x"])");
    r.peer->send(R"(2["setup"])");
    CHECK(r.next() == R"(["own",1])");
    CHECK(r.offset != first); // opaque: its digits are not in the order of ASCII
}

TEST_CASE("a peer comes back with its id, rooms and data, and gets what it missed before that") {
    auto const shards = GENERATE(1u, 2u);
    notes seen;
    io_world w([&](sio::server& io) { add_common(io, seen); }, recovering(), shards);
    returner r(w);
    r.peer->send(R"(2["setup"])");
    CHECK(r.next() == R"(["own",1])");
    auto const id = r.id, pid = r.pid;
    r.drop();
    w.io().emit("a", "missed");
    w.io().to("r").emit("b", "missed");
    w.io().to("s").emit("c", "for others");
    w.io().except("r").emit("d", "for others");
    w.io().to(id).emit("e", "its own room");
    r.connect();
    CHECK(r.missed == strings{R"(["a","missed"])", R"(["b","missed"])", R"(["e","its own room"])"});
    CHECK(r.id == id);
    CHECK(r.pid == pid);
    auto lines = seen.await(4);
    CHECK(lines[0] == "middleware");
    CHECK(lines[1] == "new * null");
    CHECK(lines[2].starts_with("transport "));
    CHECK(lines[3] == R"(back *r {"n":7})");
    w.io().to("r").emit("f");
    CHECK(r.next() == R"(["f"])");
    r.drop();
    r.connect(); // once more
    CHECK(r.missed.empty());
    CHECK(r.id == id);
    CHECK(w.io().of("/").size() == 1);
}

TEST_CASE("who cannot come back connects anew") {
    notes seen;
    io_world w([&](sio::server& io) { add_common(io, seen); }, recovering());
    returner r(w);
    auto const id = r.id, pid = r.pid;
    SECTION("nothing was ever sent to it") {
        r.drop();
        r.offset = "Q82kh1W";
    }
    SECTION("the pid is not known") {
        w.io().emit("x");
        r.next();
        r.drop();
        r.pid.back() = r.pid.back() == 'a' ? 'b' : 'a';
    }
    SECTION("the offset is not known") {
        w.io().emit("x");
        r.next();
        r.drop();
        r.offset += "x";
    }
    SECTION("it left by itself") {
        w.io().emit("x");
        r.next();
        r.peer->send("1");
        CHECK(w.await_sockets(0));
    }
    SECTION("it was sent away") {
        w.io().emit("x");
        r.next();
        w.io().disconnect_sockets();
        CHECK(w.await_sockets(0));
    }
    r.connect();
    CHECK(r.missed.empty());
    CHECK(r.id != id);
    CHECK(r.pid != pid);
    CHECK(seen.all().back() == "new * null");
}

TEST_CASE("a session comes back once: who asks again while it lives connects anew") {
    notes seen;
    io_world w([&](sio::server& io) { add_common(io, seen); }, recovering());
    returner r(w);
    w.io().emit("x");
    r.next();
    r.drop();
    r.connect();
    returner thief(w);
    thief.peer.reset();
    CHECK(w.await_sockets(1));
    thief.pid = r.pid;
    thief.offset = r.offset;
    thief.connect();
    CHECK(thief.id != r.id);
    CHECK(w.io().of("/").size() == 2);
    // As in the recording: after leaving by itself the earlier session is still good.
    auto const id = r.id;
    r.peer->send("1");
    CHECK(w.await_sockets(1));
    r.connect();
    CHECK(r.id == id);
}

TEST_CASE("middlewares are asked again when they are not to be skipped, and may refuse") {
    auto s = recovering();
    s.recovery->skip_middlewares = false;
    std::atomic<bool> refuse{false};
    notes seen;
    io_world w(
        [&](sio::server& io) {
            add_common(io, seen);
            io.use([&](sio::socket const& c, sio::next next) {
                seen.add(c.recovered() ? "recovered" : "not recovered");
                next(refuse ? std::optional(sio::connect_error{"no", {}}) : std::nullopt);
            });
        },
        s);
    returner r(w);
    w.io().emit("x");
    r.next();
    auto const id = r.id;
    r.drop();
    w.io().emit("y");
    refuse = true;
    {
        sio_peer p(sio_peer::unjoined, wire::websocket, w.port);
        CHECK(p.ask_to_join("/", json{{"pid", r.pid}, {"offset", r.offset}}.dump()) ==
              R"(4{"message":"no"})"); // and nothing of what it missed
    }
    refuse = false;
    r.connect();
    CHECK(r.id == id);
    CHECK(r.missed == strings{R"(["y"])"});
    auto const all = seen.all();
    CHECK(std::count(all.begin(), all.end(), "recovered") == 2);
}

TEST_CASE("what is sent while middlewares look at one that comes back is missed, too") {
    auto s = recovering();
    s.recovery->skip_middlewares = false;
    io_world w(
        [](sio::server& io) {
            io.on_connection([](sio::socket c) { c.join("red"); });
            io.use([&io](sio::socket const& c, sio::next next) {
                if (c.recovered()) {
                    io.emit("all");
                    io.to("red").emit("red");
                    io.to(std::string(c.id())).emit("own");
                    io.except("red").emit("others");
                    io.as_volatile().emit("volatile");
                }
                next({});
            });
        },
        s);
    returner r(w);
    w.io().emit("x");
    r.next();
    strings const meanwhile{R"(["all"])", R"(["red"])", R"(["own"])"};
    for (int turn = 0; turn < 3; ++turn) {
        r.drop();
        w.io().emit("y");
        r.connect();
        auto expected = meanwhile;
        expected.insert(expected.begin(), R"(["y"])");
        CHECK(r.missed == expected);
        w.io().emit("z");
        CHECK(r.next() == R"(["z"])");
    }
    r.drop();
    CHECK_FALSE(r.connect(2)); // it breaks in the middle: the rest comes the next time
    r.connect();
    CHECK(r.missed == strings{R"(["own"])", R"(["all"])", R"(["red"])", R"(["own"])"});
}

TEST_CASE("each namespace recovers by itself") {
    io_world w([](sio::server& io) { io.of("/n"); }, recovering());
    returner r(w, wire::websocket, "/n");
    w.io().of("/n").emit("x", 1);
    CHECK(r.next() == R"(["x",1])");
    auto const id = r.id;
    r.drop();
    w.io().emit("x", "of another");
    w.io().of("/n").emit("x", 2);
    r.connect();
    CHECK(r.id == id);
    CHECK(r.missed == strings{R"(["x",2])"});
}

TEST_CASE("more than a peer may leave lying does not come back") {
    auto s = recovering();
    s.engine.outbox.max_blocks = 20;
    io_world w({}, s);
    returner r(w);
    w.io().emit("x");
    r.next();
    auto const id = r.id;
    r.drop();
    for (int i = 0; i < 30; ++i)
        w.io().emit("y", i);
    r.connect();
    CHECK(r.missed.empty());
    CHECK(r.id != id);
}

TEST_CASE("whatever breaks, each event comes exactly once, from whichever thread it is sent") {
    auto const shards = GENERATE(1u, 2u, 3u);
    CAPTURE(shards);
    io_world w({}, recovering(), shards);
    returner r(w);
    auto const id = r.id; // it stays; `r` is written to while threads send
    constexpr int senders = 3, each = 150;
    std::vector<std::thread> threads;
    std::atomic<int> left{senders};
    for (int t = 0; t < senders; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < each; ++i) {
                auto const send = [&w, n = t * each + i, id] {
                    n % 3 == 0 ? w.io().to(id).emit("n", n) : w.io().emit("n", n);
                };
                if (t == 0)
                    send();
                else
                    w.on_shard(send, static_cast<std::size_t>(t) % shards);
            }
            --left;
        });
    std::map<int, int> got;
    std::map<int, int> newest; // of each sender: their order is kept
    auto const take = [&](std::string const& text) {
        auto const n = json::parse(text)[1].get<int>();
        ++got[n];
        CHECK(n >= newest[n / each]);
        newest[n / each] = n;
    };
    for (int round = 0; got.size() < senders * each && round < 200; ++round) {
        for (int i = 0; i < 7 && got.size() < senders * each; ++i)
            take(r.next());
        r.drop();
        bool whole = false;
        for (std::size_t most = 1; !whole; most *= 3) {
            whole = r.connect(most);
            for (auto const& m : r.missed)
                take(m);
        }
    }
    for (auto& t : threads)
        t.join();
    CHECK(got.size() == senders * each);
    for (auto const& [n, times] : got)
        if (times != 1)
            FAIL("event " << n << " came " << times << " times");
}
