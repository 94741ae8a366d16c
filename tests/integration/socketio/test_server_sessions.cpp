#include "io_world.hpp"

using namespace mad_test;

TEST_CASE("a peer joins, and is given an id that is not its session's") {
    io_world w;
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    CHECK(p.id.size() == 20);
    CHECK(p.id != p.engine.sid());
    CHECK(w.await_sockets(1));
    sio_peer q(kind, w.port);
    CHECK(q.id != p.id);
    CHECK(w.await_sockets(2));
}

TEST_CASE("what the peer said when it came is there for its handlers") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on_connection([&](sio::socket s) {
            auto const h = s.handshake();
            seen.add(h.auth().dump());
            seen.add(h.query_object().dump());
            seen.add(std::string(h.header("x-mine")));
            seen.add(h.address().to_string());
            seen.add(h.secure() || h.cross_domain() ? "odd" : "plain");
            seen.add(h.issued_ms() > 1'600'000'000'000 ? "now" : "never");
            seen.add(std::string(s.nsp()));
            CHECK(s.connected());
            CHECK(s.rooms() == strings{std::string(s.id())});
        });
    });
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(sio_peer::unjoined, kind, w.port, "X-Mine: a value\r\n");
    auto const* const auth = GENERATE("", "{}", R"({"token":"t","n":[1,{"x":null}]})");
    p.join("/", auth);
    auto const lines = seen.await(7);
    CHECK(lines[0] == (*auth ? auth : "{}"));
    CHECK(lines[1] == std::string(R"({"EIO":"4","transport":")") + name_of(kind) + "\"}");
    CHECK(lines[2] == "a value");
    CHECK(lines[3] == "127.0.0.1");
    CHECK(lines[4] == "plain");
    CHECK(lines[5] == "now");
    CHECK(lines[6] == "/");
}

TEST_CASE("events and acknowledgements go both ways") {
    io_world w([](sio::server& io) {
        io.on("echo", [](sio::arguments a, sio::ack reply) { reply(a); });
        io.on("sum", [](int a, int b) { return a + b; });
        io.on("say", [](sio::socket s, std::string what) { s.emit("said", what, 1.5, nullptr); });
        io.on("later", [](sio::socket s, int n) -> asio::awaitable<int> {
            asio::steady_timer t(co_await asio::this_coro::executor, 1ms);
            co_await t.async_wait(asio::use_awaitable);
            s.emit("first");
            co_return n * 2;
        });
    });
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    CHECK(p.ask(R"(["echo",1,"two",{"b":1,"a":[]},null])") == R"([1,"two",{"b":1,"a":[]},null])");
    CHECK(p.ask(R"(["echo"])") == "[]");
    CHECK(p.ask(R"(["sum",2,3])") == "[5]");
    p.send(R"(2["say","\u00e9\ud83d\ude00"])");
    CHECK(p.next() == "2[\"said\",\"\xc3\xa9\xf0\x9f\x98\x80\",1.5,null]");
    p.send(R"(20["sum",1,1])"); // an id of 0 is an id
    CHECK(p.next() == "30[2]");
    p.send(R"(2["sum",1,1])"); // nobody asked
    p.send(R"(218446744073709551615["sum",1,2])");
    CHECK(p.next() == "318446744073709551615[3]");
    p.send(R"(27["later",21])");
    CHECK(p.next() == R"(2["first"])");
    CHECK(p.next() == "37[42]");
}

TEST_CASE("bytes go both ways, in events and acknowledgements") {
    io_world w([](sio::server& io) {
        io.on("up", [](sio::socket s, mad::bytes b, sio::ack reply) {
            s.emit("down", b, json::object({{"in", json::binary(b)}}));
            reply(b.size(), b);
        });
    });
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    std::string const data("\0\xff\x1e\n", 4);
    p.send(R"(51-5["up",)" + placeholder(0) + "]", {data});
    CHECK(p.next() == R"(52-["down",)" + placeholder(0) + R"(,{"in":)" + placeholder(1) + "}]");
    CHECK(p.next_bytes() == data);
    CHECK(p.next_bytes() == data);
    CHECK(p.next() == "61-5[4," + placeholder(0) + "]");
    CHECK(p.next_bytes() == data);
}

TEST_CASE("arguments that do not fit spare the handler, and the peer is told") {
    notes seen;
    io_world w(
        [&](sio::server& io) { io.on("number", [&](int n) { seen.add(std::to_string(n)); }); });
    sio_peer p(both(), w.port);
    CHECK(p.ask(R"(["number","7"])") ==
          R"([{"error":")" + make_error_code(sio::error::bad_argument).message() + "\"}]");
    CHECK(p.ask(R"(["number"])").find("error") != std::string::npos);
    p.send(R"(2["number",null])");
    p.send(R"(2["number",7])");
    CHECK(seen.await(1) == strings{"7"});
    CHECK(w.log().count("socketio.event.mismatch") == 3);
}

TEST_CASE("an event that nobody listens to is nothing, or for who listens to all") {
    notes seen;
    bool const any = GENERATE(true, false);
    io_world w([&](sio::server& io) {
        io.on("known", [&](sio::socket) { seen.add("known"); });
        io.on_connection([&, any](sio::socket s) {
            if (any)
                s.on_unhandled([&](std::string name, sio::arguments a) {
                    seen.add(name + " " + std::to_string(a.size()));
                });
        });
    });
    sio_peer p(both(), w.port);
    p.send(R"(2["unknown",1,2])");
    p.send(R"(2[17,"a number for a name"])");
    p.send("2");
    p.send(R"(2["known"])");
    if (any)
        CHECK(seen.await(3) == strings{"unknown 2", "17 1", "known"});
    else
        CHECK(seen.await(1) == strings{"known"});
}

TEST_CASE("listeners of the socket and of the namespace are all called, in order") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on("x", [&] { seen.add("nsp"); });
        io.on_connection([&](sio::socket s) {
            s.on("x", [&] { seen.add("one"); });
            s.on("x", [&, s] {
                seen.add("two");
                s.off("x");
            });
            s.on("x", [&] { seen.add("three"); });
            s.on("done", [&] { seen.add("done"); });
        });
    });
    sio_peer p(both(), w.port);
    p.send(R"(2["x"])");
    p.send(R"(2["x"])");
    p.send(R"(2["done"])");
    auto const all = seen.await(5);
    CHECK(all.size() == 5);
    CHECK(all.front() == "one");
    CHECK(all[1] == "two");
    CHECK(all.back() == "done");
    CHECK(std::count(all.begin(), all.end(), "nsp") == 2);
}

TEST_CASE("a listener that removes others leaves the rest in place") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on_connection([&](sio::socket s) {
            s.on("other", [] {});
            s.on("x", [&, s] {
                seen.add("first");
                s.off("other");
            });
            s.on("x", [&] { seen.add("second"); });
            s.on("x", [&, s] {
                seen.add("third");
                s.on("x", [&] { seen.add("new"); });
            });
        });
    });
    sio_peer p(wire::websocket, w.port);
    p.send(R"(2["x"])");
    p.send(R"(2["x"])");
    auto all = seen.await(7);
    all.resize(3);
    CHECK(all == strings{"first", "second", "third"});
}

TEST_CASE("who breaks the protocol is closed, and nothing of it reaches a handler") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.of("/other");
        io.on_connection([&](sio::socket s) {
            s.on_any([&](std::string name, sio::arguments) { seen.add(name); });
            s.on_disconnect([&](sio::disconnect_reason r) {
                seen.add("closed: " + std::string(sio::to_string(r)));
            });
        });
    });
    auto const kind = both();
    auto const* const packet = GENERATE(
        "", "9", "x", R"(2{"a":1})", R"(2[])", R"(2["connect"])", R"(2["x")", "2[null]",
        R"(51-["x",{"_placeholder":true,"num":1}])", R"(50-["x"])", R"(2/other,["x"])", "1/other,",
        "3/other,1[]", "0", R"(4{"message":"mine"})", R"(2["x",1e999])", R"(42["x"])");
    CAPTURE(name_of(kind), packet);
    sio_peer p(kind, w.port);
    sio_peer other(wire::websocket, w.port);
    p.send(packet);
    CHECK(p.ends());
    CHECK(seen.await(1) == strings{"closed: forced close"});
    CHECK(w.await_sessions(1));
    other.send(R"(2["fine"])");
    CHECK(seen.await(2).back() == "fine");
}

TEST_CASE("nothing is implicit: an event before CONNECT ends the session") {
    io_world w;
    sio_peer p(sio_peer::unjoined, both(), w.port);
    p.send(GENERATE(R"(2["x"])", "1", "30[]"));
    CHECK(p.ends());
    CHECK(w.await_sessions(0));
}

TEST_CASE("bytes that nobody announced end the session, and so does text in their place") {
    io_world w;
    sio_peer p(both(), w.port);
    SECTION("bytes") {
        p.engine.send_binary("abc");
    }
    SECTION("text") {
        p.send(R"(51-["x",)" + placeholder(0) + "]");
        p.send(R"(2["y"])");
    }
    CHECK(p.ends());
    CHECK(w.await_sessions(0));
}

TEST_CASE("namespaces are joined and left one by one") {
    notes seen;
    io_world w([&](sio::server& io) {
        for (auto const* const name : {"/", "/a", "/b"}) {
            auto const n = io.of(name);
            n.on_connection([&, n](sio::socket s) {
                s.emit("welcome", n.name());
                s.on_disconnect([&, n](sio::disconnect_reason r) {
                    seen.add(std::string(n.name()) + " " + std::string(sio::to_string(r)));
                });
            });
            n.on("where", [](sio::socket s) { return std::string(s.nsp()); });
        }
    });
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    CHECK(p.next() == R"(2["welcome","/"])");
    auto const a = p.join("/a");
    CHECK(p.next() == R"(2/a,["welcome","/a"])");
    auto const b = p.join("/b");
    CHECK(p.next() == R"(2/b,["welcome","/b"])");
    CHECK(a != b);
    CHECK(a != p.id);
    p.send(R"(2/a,3["where"])");
    CHECK(p.next() == R"(3/a,3["/a"])");

    p.send("1/a,");
    CHECK(seen.await(1) == strings{"/a client namespace disconnect"});
    CHECK(w.await_sockets(0, "/a"));
    p.send(R"(2/b,4["where"])");
    CHECK(p.next() == R"(3/b,4["/b"])");
    auto const again = p.join("/a"); // and may come back, as somebody else
    CHECK(again != a);
    CHECK(p.next() == R"(2/a,["welcome","/a"])");

    p.send("1");
    CHECK(seen.await(2).back() == "/ client namespace disconnect");
    p.send(R"(2/b,5["where"])"); // the connection stays
    CHECK(p.next() == R"(3/b,5["/b"])");
    p.engine.vanish();
    if (kind == wire::websocket)
        CHECK(seen.await(4).size() == 4);
}

TEST_CASE("a namespace that is not there is refused, and the connection stays") {
    io_world w([](sio::server& io) { io.of("/real"); });
    sio_peer p(both(), w.port);
    CHECK(p.ask_to_join("/nope") == R"(4/nope,{"message":"Invalid namespace"})");
    p.join("/real");
}

TEST_CASE("the name of a namespace ends at 256 bytes, and the answer is text whatever it is") {
    std::string const longest = "/" + std::string(255, 'n');
    io_world w([&](sio::server& io) {
        io.of(longest);
        io.of(longest + "n");
    });
    sio_peer p(wire::websocket, w.port);
    p.join(longest);
    CHECK(p.ask_to_join(longest + "n").find(R"({"message":"Invalid namespace"})") !=
          std::string::npos);
    std::string wide = "/";
    for (int i = 0; i < 200; ++i)
        wide += "\xe2\x82\xac"; // three bytes each: a cut falls inside one
    for (auto const& name : {wide, "/x" + wide, "/xy" + wide}) {
        auto const answer = p.ask_to_join(name);
        REQUIRE(answer.starts_with("4/"));
        for (std::size_t i = 0; i < answer.size(); ++i)
            if (static_cast<unsigned char>(answer[i]) == 0xe2)
                CHECK(answer.substr(i, 3) == "\xe2\x82\xac");
    }
}

TEST_CASE("a connection has so many namespaces and no more") {
    sio::server_settings s;
    s.max_namespaces = 3;
    io_world w(
        [](sio::server& io) {
            for (char c = 'a'; c < 'f'; ++c)
                io.of(std::string(1, c));
        },
        s);
    sio_peer p(both(), w.port);
    p.join("/a");
    p.join("/b");
    CHECK(p.ask_to_join("/c") == R"(4/c,{"message":"too many namespaces"})");
    p.send("1/a,");
    p.join("/c"); // one left, one came
    CHECK(p.ask_to_join("/d") == R"(4/d,{"message":"too many namespaces"})");
}

TEST_CASE("a handle of a socket that has gone does nothing, and says so") {
    std::mutex mutex;
    sio::socket kept;
    sio::ack reply;
    notes seen;
    io_world w([&](sio::server& io) {
        io.on("keep", [&](sio::socket s, sio::ack a) {
            std::lock_guard const lock(mutex);
            kept = s;
            reply = std::move(a);
            seen.add("kept");
        });
    });
    sio_peer p(both(), w.port);
    auto const id = p.id;
    p.send(R"(21["keep"])");
    seen.await(1);
    SECTION("it left") {
        p.send("1");
    }
    SECTION("its session ended") {
        p.engine.send("1");
    }
    CHECK(w.await_sockets(0));
    sio_peer next(wire::websocket, w.port); // takes the place that became free
    w.on_shard([&] {
        CHECK(kept.id() == id);
        CHECK_FALSE(kept.connected());
        CHECK(kept.rooms().empty());
        CHECK_FALSE(kept.transport());
        CHECK_THROWS_AS(kept.handshake(), std::logic_error);
        CHECK_THROWS_AS(kept.data(), std::logic_error);
        kept.emit("x");
        kept.volatile_emit("x");
        kept.join("room");
        kept.leave("room");
        kept.on("x", [] {});
        kept.off("x");
        kept.on_disconnect([](sio::disconnect_reason) {});
        kept.disconnect();
        kept.disconnect(true);
        kept.drop_connection();
        reply("too late");
        kept.emit_with_ack([&](auto const& r) { seen.add(r.error().message()); }, 0ms, "x");
        kept.to("room").emit("x");
    });
    CHECK(seen.all().back() == make_error_code(sio::error::session_closed).message());
    next.send(R"(22["nobody listens"])");
    next.send("9"); // ends: all that came before would have come before the end
    CHECK(next.next().empty());
}

TEST_CASE("data stay with the socket") {
    io_world w([](sio::server& io) {
        io.on("put", [](sio::socket s, std::string key, json v) { s.data()[key] = v; });
        io.on("get", [](sio::socket s) { return s.data(); });
    });
    sio_peer p(both(), w.port), q(wire::websocket, w.port);
    p.send(R"(2["put","a",[1]])");
    p.send(R"(2["put","b","x"])");
    CHECK(p.ask(R"(["get"])") == R"([{"a":[1],"b":"x"}])");
    CHECK(q.ask(R"(["get"])") == "[null]");
}

TEST_CASE("a connection that joins nothing is closed after a while") {
    sio::server_settings s;
    s.connect_timeout = 60ms;
    io_world w([](sio::server& io) { io.use([](sio::socket const&, sio::next) {}); }, s);
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(sio_peer::unjoined, kind, w.port);
    SECTION("it says nothing") {}
    SECTION("it asks for what there is not") {
        p.ask_to_join("/nope");
    }
    SECTION("it waits for a middleware for ever") {
        p.send("0");
    }
    SECTION("it begins a packet that never ends") {
        p.send(R"(051-["x",{"_placeholder":true}])");
    }
    CHECK(p.ends());
    CHECK(w.await_sessions(0));
}

TEST_CASE("a connection that has joined may leave everything and stay") {
    sio::server_settings s;
    s.connect_timeout = 40ms;
    io_world w({}, s);
    sio_peer p(wire::websocket, w.port);
    p.send("1");
    CHECK(w.await_sockets(0));
    CHECK(p.engine.ws().wire.silent_for(120ms));
    p.join();
    CHECK(w.await_sockets(1));
}
