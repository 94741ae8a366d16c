#include "io_world.hpp"

// Clients of Socket.IO revision 4 (socket.io 2.x) on a server that also speaks revision 5.

using namespace mad_test;

namespace {

sio::server_settings both_revisions() {
    sio::server_settings s;
    s.engine.handshake.allow_eio3 = true;
    return s;
}

/// One that has read its `40`.
sio_peer old_peer(wire kind, io_world const& w, std::string const& revision = "EIO=3") {
    sio_peer p(sio_peer::old, kind, w.port, revision);
    REQUIRE(p.next() == "0");
    return p;
}

} // namespace

TEST_CASE("an old client is in the root namespace without asking") {
    notes seen;
    io_world w(
        [&](sio::server& io) {
            io.on_connection([&](sio::socket s) {
                seen.add(std::string(s.id()));
                seen.add(s.handshake().auth().dump());
                CHECK(s.rooms() == strings{std::string(s.id())});
                s.emit("welcome", 1);
            });
            io.on("echo", [](sio::arguments a, sio::ack reply) { reply(a); });
        },
        both_revisions());
    auto const kind = both();
    CAPTURE(name_of(kind));
    auto p = old_peer(kind, w);
    CHECK(p.next() == R"(2["welcome",1])");
    CHECK(seen.await(2) == strings{p.engine.sid(), "{}"});
    CHECK(p.ask("[\"echo\",\"h\xc3\xa9llo \xe2\x82\xac\xf0\x9f\x98\x80\",{\"a\":[true,null]}]") ==
          "[\"h\xc3\xa9llo \xe2\x82\xac\xf0\x9f\x98\x80\",{\"a\":[true,null]}]");
    CHECK(w.io().of("/").size() == 1);
    // A second CONNECT breaks the protocol, as on socket.io 4.
    p.send("0");
    CHECK(p.ends());
    CHECK(w.await_sockets(0));
}

TEST_CASE("an old client on polling finds its connect in the next GET") {
    io_world w({}, both_revisions());
    polling_peer p(w.port, "/socket.io/");
    p.eio = "EIO=3";
    auto const a = p.open();
    CHECK(a.body.ends_with("\"maxPayload\":1000000}"));
    CHECK(p.get().body == "2:40");
}

TEST_CASE("an old client that is refused at the root stays, without a namespace") {
    std::vector<sio::next> waiting;
    io_world w(
        [&](sio::server& io) {
            io.of("/").use([&](sio::socket const&, sio::next n) { waiting.push_back(n); });
            io.of("/custom");
        },
        both_revisions());
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(sio_peer::old, kind, w.port);
    // Others need not wait for the root.
    CHECK(p.ask_to_join("/nope", "") == R"(4/nope,{"message":"Invalid namespace"})");
    CHECK(p.ask_to_join("/custom", "") == "0/custom,");
    w.on_shard([&] { waiting.at(0)(sio::connect_error{"nope", std::nullopt}); });
    CHECK(p.next() == R"(4"nope")");
    p.send("1/custom,");
    CHECK(p.ask_to_join("/custom", "") == "0/custom,");
    w.on_shard([&] { waiting.clear(); });
}

TEST_CASE("an old client hears what a middleware says in its own shape") {
    struct row {
        char const* message;
        std::optional<std::string> data;
        char const* answer;
    };
    auto const r = GENERATE(values<row>({
        {"plain \"message\"", std::nullopt, R"(4/secret,"plain \"message\"")"},
        {"not authorized", R"({"code":"E_AUTH","detail":42})",
         R"(4/secret,{"code":"E_AUTH","detail":42})"},
        {"m", R"("text")", R"(4/secret,"text")"},
        {"m", "[]", "4/secret,[]"},
        {"m", "1", "4/secret,1"},
        // What JavaScript takes for nothing.
        {"m", "null", R"(4/secret,"m")"},
        {"m", "false", R"(4/secret,"m")"},
        {"m", "0", R"(4/secret,"m")"},
        {"m", "\"\"", R"(4/secret,"m")"},
    }));
    io_world w(
        [&](sio::server& io) {
            io.of("/secret").use([&](sio::socket const&, sio::next next) {
                next(sio::connect_error{r.message, r.data});
            });
        },
        both_revisions());
    auto p = old_peer(wire::websocket, w);
    CAPTURE(r.answer);
    CHECK(p.ask_to_join("/secret", "") == r.answer);
    // Newer clients go on getting theirs.
    sio_peer now(wire::websocket, w.port);
    CHECK(now.ask_to_join("/secret", "").starts_with(R"(4/secret,{"message":")"));
}

TEST_CASE("what an old client says with a namespace is its auth") {
    notes seen;
    io_world w(
        [&](sio::server& io) {
            io.of("/chat").on_connection([&](sio::socket s) {
                seen.add(std::string(s.id()));
                seen.add(std::string(s.handshake().auth_text()));
                seen.add(s.handshake().query_object()["token"].dump());
                seen.add(s.rooms().at(0));
            });
        },
        both_revisions());
    auto const kind = both();
    CAPTURE(name_of(kind));
    struct row {
        char const *connect, *auth;
    };
    auto const r = GENERATE(values<row>({
        {"0/chat?room=r1&b=%20x,", R"({"room":"r1","b":" x"})"},
        {"0/chat,", "{}"},
        {"0/chat", "{}"},
        {"0/chat,{\"t\":1}", "{}"},
    }));
    auto p = old_peer(kind, w, "EIO=3&token=abc");
    p.send(r.connect);
    CHECK(p.next() == "0/chat,");
    auto const id = "/chat#" + p.engine.sid();
    CHECK(seen.await(4) == strings{id, r.auth, "\"abc\"", id});
}

TEST_CASE("namespaces beyond ASCII are found by the name that was sent") {
    io_world w([](sio::server& io) { io.of("/\xc3\xbc\xc3\xb1"); }, both_revisions());
    auto p = old_peer(wire::websocket, w);
    CHECK(p.ask_to_join("/\xc3\xbc\xc3\xb1", "") == "0/\xc3\xbc\xc3\xb1,");
    // One that is not there comes back as the path of a URL, as from socket.io 4.
    CHECK(p.ask_to_join("/\xc3\xbc\xc3\xb1/x", "") ==
          R"(4/%C3%BC%C3%B1/x,{"message":"Invalid namespace"})");
    sio_peer now(wire::websocket, w.port);
    CHECK(now.ask_to_join("/\xc3\xbc\xc3\xb1/x", "") ==
          "4/\xc3\xbc\xc3\xb1/x,{\"message\":\"Invalid namespace\"}");
}

TEST_CASE("more namespaces than allowed are refused to old clients too") {
    auto s = both_revisions();
    s.max_namespaces = 2;
    io_world w(
        [](sio::server& io) {
            io.of("/a");
            io.of("/b");
        },
        s);
    auto p = old_peer(wire::websocket, w);
    CHECK(p.ask_to_join("/a", "") == "0/a,");
    CHECK(p.ask_to_join("/b", "") == R"(4/b,"too many namespaces")");
    CHECK(p.ask_to_join("/" + std::string(300, 'x'), "") ==
          "4/" + std::string(63, 'x') + R"(,{"message":"Invalid namespace"})");
}

TEST_CASE("bytes go both ways to old clients, in the form of their wire") {
    io_world w(
        [](sio::server& io) {
            io.on("echo", [](sio::socket s, sio::arguments a) { s.emit("echo-back", a); });
            io.on("ack-me", [](sio::arguments a, sio::ack reply) { reply(a); });
        },
        both_revisions());
    auto const kind = both();
    auto const* const revision = GENERATE("EIO=3", "EIO=3&b64=1");
    CAPTURE(name_of(kind), revision);
    auto p = old_peer(kind, w, revision);
    p.send("52-[\"echo\"," + placeholder(0) + ",{\"f\":" + placeholder(1) + "}]",
           {"\1\2\3\4", std::string("\xff\0\xfe", 3)});
    CHECK(p.next() == "52-[\"echo-back\"," + placeholder(0) + ",{\"f\":" + placeholder(1) + "}]");
    CHECK(p.next_bytes() == "\1\2\3\4");
    CHECK(p.next_bytes() == std::string("\xff\0\xfe", 3));
    p.send("51-7[\"ack-me\"," + placeholder(0) + "]", {""});
    CHECK(p.next() == "61-7[" + placeholder(0) + "]");
    CHECK(p.next_bytes().empty());
}

TEST_CASE("one broadcast reaches clients of both revisions, bytes as well") {
    io_world w({}, both_revisions(), 2);
    std::vector<std::unique_ptr<sio_peer>> all;
    for (auto const kind : {wire::websocket, wire::polling}) {
        for (int i = 0; i < 3; ++i) { // so that both shards have some
            for (auto const* const revision : {"EIO=3", "EIO=3&b64=1"}) {
                all.push_back(std::make_unique<sio_peer>(sio_peer::old, kind, w.port, revision));
                CHECK(all.back()->next() == "0");
            }
            all.push_back(std::make_unique<sio_peer>(kind, w.port));
        }
    }
    CHECK(w.await_sockets(all.size()));
    w.io().emit("news", "\xe2\x82\xac", mad::bytes{1, 2, 3, 4});
    w.io().emit("plain", 1);
    for (auto const& p : all) {
        CHECK(p->next() == "51-[\"news\",\"\xe2\x82\xac\"," + placeholder(0) + "]");
        CHECK(p->next_bytes() == "\1\2\3\4");
        CHECK(p->next() == R"(2["plain",1])");
    }
}

TEST_CASE("a server asks old clients and gets their answers") {
    notes seen;
    io_world w(
        [&](sio::server& io) {
            io.on("ask", [&](sio::socket s) {
                s.emit_with_ack(
                    [&](mad::result<sio::arguments> a) { seen.add(a.value()[0].dump()); },
                    mad::milliseconds(0), "server-asks", 1);
            });
        },
        both_revisions());
    auto const kind = both();
    CAPTURE(name_of(kind));
    auto p = old_peer(kind, w);
    p.send(R"(2["ask"])");
    CHECK(p.next() == R"(20["server-asks",1])");
    p.send(R"(30[{"a":2}])");
    CHECK(seen.await(1) == strings{R"({"a":2})"});
}

TEST_CASE("rooms and the socket's own id reach old clients") {
    io_world w(
        [](sio::server& io) {
            io.of("/chat");
            io.on("join", [](sio::socket s) {
                s.join("r");
                return true;
            });
        },
        both_revisions());
    auto const kind = both();
    CAPTURE(name_of(kind));
    auto p = old_peer(kind, w);
    auto q = old_peer(kind, w);
    CHECK(p.ask_to_join("/chat", "") == "0/chat,");
    p.ask(R"(["join"])");
    w.io().to("r").emit("room");
    CHECK(p.next() == R"(2["room"])");
    w.io().of("/chat").to("/chat#" + p.engine.sid()).emit("own");
    CHECK(p.next() == R"(2/chat,["own"])");
    w.io().to(q.engine.sid()).emit("own");
    CHECK(q.next() == R"(2["own"])");
}

TEST_CASE("goodbyes of old clients and to them") {
    notes seen;
    io_world w(
        [&](sio::server& io) {
            io.of("/").on_disconnect([&](sio::socket const&, sio::disconnect_reason why) {
                seen.add(std::string(to_string(why)));
            });
            io.of("/chat").on("bye", [](sio::socket s) { s.disconnect(); });
            io.on("kick-close", [](sio::socket s) { s.disconnect(true); });
        },
        both_revisions());
    auto const kind = both();
    CAPTURE(name_of(kind));
    auto p = old_peer(kind, w);
    SECTION("the server sends it out of a namespace") {
        CHECK(p.ask_to_join("/chat", "") == "0/chat,");
        p.send(R"(2/chat,["bye"])");
        CHECK(p.next() == "1/chat,");
        CHECK(p.ask_to_join("/chat", "") == "0/chat,");
    }
    SECTION("the server ends it all") {
        p.send(R"(2["kick-close"])");
        CHECK(p.next() == "1");
        CHECK(p.ends());
        CHECK(seen.await(1) == strings{"server namespace disconnect"});
    }
    SECTION("it leaves") {
        p.send("1");
        CHECK(seen.await(1) == strings{"client namespace disconnect"});
        p.send(R"(2["x"])"); // it is in no namespace any more
        CHECK(p.ends());
    }
    SECTION("it is gone") {
        p.engine.vanish();
        if (kind == wire::websocket)
            CHECK(seen.await(1).size() == 1);
    }
}

TEST_CASE("handlers may end an old client while it connects") {
    auto const close = GENERATE(true, false);
    io_world w(
        [&](sio::server& io) {
            io.on_connection([&](sio::socket s) {
                s.emit("before");
                s.disconnect(close);
                s.emit("after");
            });
        },
        both_revisions());
    auto const kind = both();
    CAPTURE(name_of(kind), close);
    auto p = old_peer(kind, w);
    CHECK(p.next() == R"(2["before"])");
    CHECK(p.next() == "1");
    if (close) {
        CHECK(p.ends());
        CHECK(w.await_sessions(0));
    }
    CHECK(w.await_sockets(0));
}

TEST_CASE("an old client that never joins is not closed for it, a new one is") {
    auto s = both_revisions();
    s.connect_timeout = 50ms;
    io_world w(
        [](sio::server& io) {
            io.of("/").use([](sio::socket const&, sio::next next) {
                next(sio::connect_error{"no", std::nullopt});
            });
        },
        s);
    sio_peer now(sio_peer::unjoined, wire::websocket, w.port);
    sio_peer p(sio_peer::old, wire::websocket, w.port);
    CHECK(p.next() == R"(4"no")");
    CHECK(now.ends());
    p.engine.send("2");
    CHECK(p.engine.next_text() == "3");
}
