#include "engine_world.hpp"

#include <support/wires.hpp>

using namespace mad_test;
using engine::close_reason;

TEST_CASE("a session may be closed while it is made") {
    engine::server_settings s;
    s.close_timeout = 10s;
    engine_world::hooks h;
    h.on_open = [](engine::session& e) {
        e.send_text("too early to stay");
        e.close();
        e.send_text("never sent");
        e.close();
    };
    engine_world w(s, 1, h);
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer p(kind, w.port);
    CHECK(p.next_text() == "4too early to stay");
    CHECK_FALSE(p.next());
    auto const begun = std::chrono::steady_clock::now();
    if (kind == wire::websocket)
        CHECK(p.ws().wire.at_end()); // our goodbye was read
    CHECK(w.await_sessions(0));
    CHECK(w.await_connections(kind == wire::websocket ? 0 : 1));
    CHECK(std::chrono::steady_clock::now() - begun < 5s);
    CHECK(w.closes().empty()); // the handler was not there yet
}

TEST_CASE("an exception while a session is made ends that session only") {
    engine_world::hooks h;
    std::atomic<int> made{0};
    h.on_open = [&](engine::session&) {
        if (made++ == 0)
            throw std::runtime_error("a bad day");
    };
    engine_world w({}, 1, h);
    auto const kind = both();
    CAPTURE(name_of(kind));
    if (kind == wire::websocket) {
        ws_peer p(w.port, "/engine.io/?EIO=4&transport=websocket");
        p.wire.read_to_end();
    } else {
        raw_client c(w.port);
        polling_peer p(w.port);
        c.send(p.request("GET", "EIO=4&transport=polling"));
        c.read_to_end();
    }
    CHECK(w.await_sessions(0));
    CHECK(w.log().has("a bad day"));
    engine_peer next(kind, w.port);
    next.send("4x");
    CHECK(next.next_text() == "4x");
}

TEST_CASE("a session may be closed by its own message") {
    engine_world::hooks h;
    h.on_message = [](engine::session& e, std::string_view m, bool) {
        e.send_text(m);
        if (m != "end")
            return;
        e.close();
        CHECK_FALSE(e.open());
        CHECK_FALSE(e.send_text("never sent"));
        CHECK_FALSE(e.writable());
        e.pause();
        e.resume();
        e.close();
    };
    engine_world w({}, 1, h);
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer p(kind, w.port);
    if (kind == wire::websocket)
        p.ws().wire.send(client_frame(1, "4one") + client_frame(1, "4end") +
                         client_frame(1, "4behind it"));
    else
        CHECK(p.poll()
                  .post("4one\x1e"
                        "4end\x1e"
                        "4behind it")
                  .body == "ok");
    CHECK(p.next_text() == "4one");
    CHECK(p.next_text() == "4end");
    CHECK_FALSE(p.next());
    CHECK(w.closes() == reasons{close_reason::forced_close});
    CHECK(w.messages() == 2);
    CHECK(w.await_sessions(0));
}

TEST_CASE("what is called from the close handler does nothing") {
    std::atomic<bool> done{false};
    engine_world::hooks h;
    h.on_close = [&](engine::session& e, close_reason) {
        CHECK_FALSE(e.open());
        e.close();
        e.send_text("x");
        e.send_binary("x");
        e.pause();
        e.resume();
        done = true;
    };
    engine_world w({}, 1, h);
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer p(kind, w.port);
    w.server().close();
    CHECK(wait_until([&] { return done.load(); }));
    p.ends();
    CHECK(w.closes() == reasons{close_reason::server_shutting_down});
}

TEST_CASE("a close handler may close others") {
    std::mutex mutex;
    std::vector<engine::session*> all;
    engine_world::hooks h;
    h.on_open = [&](engine::session& e) {
        std::lock_guard const lock(mutex);
        all.push_back(&e);
    };
    h.on_close = [&](engine::session&, close_reason) {
        std::vector<engine::session*> others;
        {
            std::lock_guard const lock(mutex);
            others.swap(all);
        }
        for (auto* const s : others)
            s->close(close_reason::forced_close);
    };
    engine_world w({}, 1, h);
    std::vector<std::unique_ptr<engine_peer>> peers;
    for (int i = 0; i < 6; ++i)
        peers.push_back(
            std::make_unique<engine_peer>(i % 2 ? wire::polling : wire::websocket, w.port));
    w.server().close();
    CHECK(w.await_sessions(0));
    CHECK(w.closes().size() == 6);
    for (auto& p : peers)
        p->ends();
}

TEST_CASE("a polling peer gets what was queued, then the goodbye") {
    engine_world::hooks h;
    h.on_message = [](engine::session& e, std::string_view, bool) {
        e.send_text("a");
        e.send_text("b");
        e.close();
    };
    engine_world w({}, 1, h);
    polling_peer p(w.port);
    p.open();
    SECTION("with a GET waiting") {
        p.begin_get();
        p.post("4go");
        CHECK(p.get_wire().answer().body == "4a\x1e"
                                            "4b");
    }
    SECTION("with the next GET") {
        p.post("4go");
        CHECK(p.get().body == "4a\x1e"
                              "4b");
    }
    CHECK(p.get().body == "6\x1e"
                          "1");
    CHECK(p.get().body == R"({"code":1,"message":"Session ID unknown"})");
}

TEST_CASE("a polling peer with nothing queued gets the goodbye at once") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    p.begin_get();
    CHECK(w.await_sessions(1));
    p.post("3");
    w.server().close();
    CHECK(p.get_wire().answer().body == "1");
    CHECK(p.get().status == 400);
}

TEST_CASE("a goodbye is not kept for ever") {
    engine::server_settings s;
    s.goodbye_timeout = 50ms;
    engine_world w(s);
    polling_peer p(w.port), q(w.port);
    p.open();
    q.open();
    w.server().close();
    CHECK(w.await_sessions(0));
    CHECK(q.get().body == "6\x1e"
                          "1");
    CHECK(wait_until([&] { return p.get().status == 400; }) == true);
}

TEST_CASE("a goodbye answers GETs only") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    w.server().close();
    CHECK(w.await_sessions(0));
    CHECK(p.post("4x").body == R"({"code":1,"message":"Session ID unknown"})");
    ws_peer ws(w.port, "/engine.io/?EIO=4&transport=websocket&sid=" + p.sid);
    CHECK(ws.accepted().status == 400);
    CHECK(p.get().body == "6\x1e"
                          "1");
}

TEST_CASE("a websocket whose peer does not answer the goodbye is cut after a while") {
    engine::server_settings s;
    s.close_timeout = 50ms;
    engine_world w(s);
    engine_peer p(wire::websocket, w.port);
    w.server().close();
    CHECK(p.ws().next()->is_close());
    p.ws().text("4still talking");
    CHECK_FALSE(p.ws().next());
    CHECK(w.await_connections(0));
    CHECK(w.messages() == 0);
}

TEST_CASE("draining refuses new sessions and ends the others in slices") {
    engine_world w;
    std::vector<std::unique_ptr<engine_peer>> peers;
    for (int i = 0; i < 5; ++i)
        peers.push_back(std::make_unique<engine_peer>(wire::websocket, w.port));
    w.server().drain();
    polling_peer late(w.port);
    auto const a = late.open();
    CHECK(a.status == 503);
    CHECK(a.header("retry-after") == "1");
    ws_peer later(w.port, "/engine.io/?EIO=4&transport=websocket");
    CHECK(later.accepted().status == 503);
    for (auto& p : peers) {
        p->send("4x");
        CHECK(p->next_text() == "4x");
    }
    w.server().close_some(2);
    CHECK(w.await_sessions(3));
    w.server().close_some(2);
    CHECK(w.await_sessions(1));
    w.server().close_some(0);
    w.on_shard([] {});
    CHECK(w.server().sessions() == 1);
    w.server().close_some(2);
    CHECK(w.await_sessions(0));
}

TEST_CASE("an exception of a message handler costs its own peer") {
    engine_world::hooks h;
    h.on_message = [](engine::session& e, std::string_view m, bool) {
        if (m == "throw")
            throw std::runtime_error("a bad day");
        if (m == "odd")
            throw 42;
        e.send_text(m);
    };
    engine_world w({}, 1, h);
    auto const kind = both();
    auto const* const what = GENERATE("4throw", "4odd");
    CAPTURE(name_of(kind), what);
    engine_peer other(kind, w.port);
    engine_peer p(kind, w.port);
    SECTION("alone") {
        p.send(what);
    }
    SECTION("behind another, in one read") {
        if (kind == wire::websocket)
            p.ws().wire.send(client_frame(1, "4x") + client_frame(1, what) +
                             client_frame(1, "4behind"));
        else
            CHECK(p.poll()
                      .post("4x\x1e" + std::string(what) +
                            "\x1e"
                            "4behind")
                      .body == "ok");
    }
    SECTION("in a large body") {
        if (kind == wire::polling)
            CHECK(p.poll()
                      .post("4" + std::string(20'000, 'x') + "\x1e" + what +
                            "\x1e"
                            "4behind")
                      .body == "ok");
        else
            p.send(what);
    }
    p.ends();
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::transport_error});
    CHECK(w.log().count("engine.session.fault") == 1);
    CHECK(w.messages() <= 2);
    other.send("4x");
    CHECK(other.next_text() == "4x");
}

TEST_CASE("an exception of a close handler does not keep the session") {
    engine_world::hooks h;
    h.on_close = [](engine::session&, close_reason) { throw std::runtime_error("a bad day"); };
    engine_world w({}, 1, h);
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer p(kind, w.port), other(kind, w.port);
    p.send("1");
    CHECK(w.await_sessions(1));
    CHECK(w.log().has("a bad day"));
    other.send("4x");
    CHECK(other.next_text() == "4x");
}

TEST_CASE("the server may be destroyed with everything under way") {
    engine_world w;
    engine_peer a(wire::websocket, w.port), b(wire::polling, w.port), c(wire::polling, w.port);
    b.poll().begin_get();
    c.poll().post_wire().send(
        c.poll().request("POST", c.poll().query(), "Content-Length: 100\r\n") + "4begun");
    ws_peer candidate(w.port, "/engine.io/?EIO=4&transport=websocket&sid=" + c.sid());
    candidate.text("2probe");
    CHECK(candidate.next_text() == "3probe");
    engine_peer gone(wire::polling, w.port);
    w.server().close_some(1);
    CHECK(w.await_closes(1));
    w.stop();
    SUCCEED();
}
