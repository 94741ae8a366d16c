#include "engine_world.hpp"

using namespace mad_test;
using engine::close_reason;

namespace {

/// A session on shard 0, spoken to through connections that shard 1 has accepted.
struct far_session {
    explicit far_session(engine_world& w)
        : p(w.port) {
        p.set_get_wire(w.connection_on(0));
        p.open();
        REQUIRE(mad::session_id::shard_of(p.sid) == 0);
        p.set_get_wire(w.connection_on(1));
        p.set_post_wire(w.connection_on(1));
        before = w.closes().size();
    }

    polling_peer p;
    std::size_t before = 0; // sessions that the search for connections has ended
};

std::string upgrade_target(std::string const& sid) {
    return "/engine.io/?EIO=4&transport=websocket&sid=" + sid;
}

} // namespace

TEST_CASE("a request on another shard finds its session, and its answer the way back") {
    engine_world w({}, 2);
    far_session f(w);
    CHECK(f.p.post("4one\x1e"
                   "bAQI=")
              .body == "ok");
    auto const a = f.p.get();
    CHECK(a.body == "4one\x1e"
                    "bAQI=");
    CHECK(a.header("cache-control") == "no-store");
    f.p.begin_get();
    CHECK(f.p.post("4two").body == "ok");
    CHECK(f.p.get_wire().answer().body == "4two");
    CHECK(f.p.post(std::string("4") + std::string(200'000, 'x')).body == "ok");
    CHECK(f.p.get().body.size() == 200'001);
}

TEST_CASE("what is refused is refused from there too") {
    engine_world w({}, 2);
    far_session f(w);
    CHECK(f.p.get_wire().ask(f.p.request("GET", "EIO=3&transport=polling&sid=" + f.p.sid)).body ==
          R"({"code":3,"message":"Bad request"})");
    CHECK(f.p.get_wire().ask(f.p.request("PUT", f.p.query())).status == 500);
    auto nobody = f.p.sid;
    nobody[0] = nobody[0] == 'A' ? 'B' : 'A';
    CHECK(f.p.get_wire().ask(f.p.request("GET", "EIO=4&transport=polling&sid=" + nobody)).body ==
          R"({"code":1,"message":"Session ID unknown"})");
    nobody.replace(16, 4, "_wAA"); // a shard that does not exist
    CHECK(f.p.get_wire().ask(f.p.request("GET", "EIO=4&transport=polling&sid=" + nobody)).body ==
          R"({"code":1,"message":"Session ID unknown"})");
    f.p.post("4x");
    CHECK(f.p.get().body == "4x");
}

TEST_CASE("a lost GET ends the session from another shard") {
    engine_world w({}, 2);
    far_session f(w);
    f.p.begin_get();
    CHECK(f.p.post("4x").body == "ok"); // behind the GET on the way over
    CHECK(f.p.get_wire().answer().body == "4x");
    f.p.begin_get();
    SECTION("by a reset") {
        f.p.get_wire().reset();
    }
    SECTION("by an end") {
        f.p.get_wire().half_close();
    }
    CHECK(w.await_closes(f.before + 1));
    CHECK(w.closes().back() == close_reason::transport_error);
}

TEST_CASE("requests overlap across shards") {
    engine_world w({}, 2);
    far_session f(w);
    SECTION("GETs") {
        f.p.begin_get();
        auto const near = w.connection_on(0);
        raw_client c(w.port);
        // One of the two is the second one and gets 400; which, is for the shards to say.
        auto const second = c.ask(f.p.request("GET", f.p.query())).status;
        auto const first = f.p.get_wire().answer().status;
        CHECK(std::min(first, second) == 200);
        CHECK(std::max(first, second) == 400);
    }
    SECTION("POSTs") {
        auto near = w.connection_on(0);
        near.send(f.p.request("POST", f.p.query(), "Content-Length: 10\r\n") + "4");
        CHECK(wait_until([&] { return f.p.post("4x").status == 400; }));
        CHECK(near.at_end());
    }
    CHECK(w.await_sessions(0));
    CHECK(w.closes().back() == close_reason::transport_error);
}

TEST_CASE("the last words of a session are fetched from any shard") {
    engine_world::hooks h;
    h.on_message = [](engine::session& s, std::string_view, bool) {
        s.send_text("before the end");
        s.close();
    };
    engine_world w({}, 2, h);
    far_session f(w);
    CHECK(f.p.post("4go").body == "ok");
    CHECK(f.p.get().body == "4before the end");
    CHECK(f.p.get().body == "6\x1e"
                            "1");
    CHECK(f.p.get().body == R"({"code":1,"message":"Session ID unknown"})");
}

TEST_CASE("an upgrade moves to the shard of its session") {
    engine_world w({}, 2);
    far_session f(w);
    f.p.post("4waits");
    ws_peer ws(w.connection_on(1), upgrade_target(f.p.sid));
    CHECK(ws.accepted().status == 101);
    ws.text("2probe");
    CHECK(ws.next_text() == "3probe");
    ws.text("5");
    CHECK(ws.next_text() == "4waits");
    for (int i = 0; i < 100; ++i)
        ws.text("4" + std::to_string(i));
    for (int i = 0; i < 100; ++i)
        CHECK(ws.next_text() == "4" + std::to_string(i));
    ws.bye();
    CHECK(ws.next()->is_close());
    CHECK(ws.wire.at_end());
    CHECK(w.await_sessions(0));
}

TEST_CASE("an upgrade on another shard brings along what came behind it") {
    engine_world w({}, 2);
    far_session f(w);
    auto c = w.connection_on(1);
    c.send(ws_peer::upgrade_request(upgrade_target(f.p.sid)) + client_frame(1, "2probe") +
           client_frame(1, "5") + client_frame(1, "4early"));
    CHECK(c.take_until("early").find("3probe") != std::string::npos);
}

TEST_CASE("an upgrade on another shard is refused as it is on its own") {
    engine_world w({}, 2);
    far_session f(w);
    SECTION("the session is gone") {
        f.p.post("1");
        ws_peer ws(w.connection_on(1), upgrade_target(f.p.sid));
        CHECK(ws.accepted().status == 400);
        CHECK(ws.accepted().body == "Session ID unknown");
        CHECK(ws.wire.at_end());
    }
    SECTION("another revision") {
        ws_peer ws(w.connection_on(1), "/engine.io/?EIO=3&transport=websocket&sid=" + f.p.sid);
        CHECK(ws.accepted().status == 400);
        CHECK(ws.accepted().body == "Bad request");
    }
    SECTION("a bad key") {
        auto c = w.connection_on(1);
        c.send("GET " + upgrade_target(f.p.sid) +
               " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n");
        CHECK(c.answer().status == 400);
    }
    SECTION("a surplus one is let in and shut") {
        ws_peer first(w.connection_on(1), upgrade_target(f.p.sid));
        first.text("2probe");
        CHECK(first.next_text() == "3probe");
        ws_peer second(w.connection_on(1), upgrade_target(f.p.sid));
        CHECK(second.accepted().status == 101);
        CHECK(second.next()->is_close());
        first.text("5");
        first.text("4x");
        CHECK(first.next_text() == "4x");
    }
}

TEST_CASE("an upgrade that is given up on the way harms nobody") {
    engine_world w({}, 2);
    far_session f(w);
    for (int i = 0; i < 20; ++i) {
        auto c = w.connection_on(1);
        c.send(ws_peer::upgrade_request(upgrade_target(f.p.sid)));
        c.reset();
    }
    // While one of them is still noticed the next counts as surplus.
    CHECK(wait_until([&] {
        ws_peer ws(w.port, upgrade_target(f.p.sid));
        if (ws.accepted().status != 101 || !ws.text("2probe"))
            return false;
        auto const n = ws.next();
        if (!n || !n->is_text("3probe"))
            return false;
        ws.text("5");
        ws.text("4x");
        return ws.next_text() == "4x";
    }));
}

TEST_CASE("sessions are spread, and each stays where it is") {
    engine_world w({}, 2);
    std::vector<std::unique_ptr<engine_peer>> all;
    std::size_t on[2] = {0, 0};
    for (int i = 0; i < 60; ++i) {
        all.push_back(
            std::make_unique<engine_peer>(i % 2 ? wire::polling : wire::websocket, w.port));
        ++on[*mad::session_id::shard_of(all.back()->sid())];
    }
    CHECK(on[0] > 0);
    CHECK(on[1] > 0);
    for (auto& p : all)
        p->send("4" + p->sid());
    for (auto& p : all)
        CHECK(p->next_text() == "4" + p->sid());
    CHECK(w.server().sessions() == 60);
    w.server().close();
    CHECK(w.await_sessions(0));
}

TEST_CASE("many requests of many sessions cross and none is lost") {
    engine_world w({}, 2);
    std::vector<std::unique_ptr<polling_peer>> all;
    for (int i = 0; i < 8; ++i) {
        all.push_back(std::make_unique<polling_peer>(w.port));
        all.back()->open();
    }
    for (int round = 0; round < 20; ++round) {
        for (auto& p : all) {
            p->begin_get();
            p->post_wire().send(p->post_request("4" + std::to_string(round)));
        }
        for (auto& p : all) {
            CHECK(p->post_wire().answer().body == "ok");
            CHECK(p->get_wire().answer().body == "4" + std::to_string(round));
            if (round % 5 == 4)
                p->drop_wires(); // and come back over others
        }
    }
    CHECK(w.closes().empty());
}

TEST_CASE("the server may go while requests are on their way over") {
    engine_world w({}, 2);
    far_session f(w), other(w);
    f.p.begin_get();
    other.p.post_wire().send(other.p.request("POST", other.p.query(), "Content-Length: 50\r\n"));
    ws_peer ws(w.connection_on(1), upgrade_target(other.p.sid));
    ws.text("2probe");
    CHECK(ws.next_text() == "3probe");
    f.p.post("4x");
    f.p.get_wire().answer();
    f.p.begin_get();
    f.p.post("3"); // the GET has arrived by then
    w.stop();
    CHECK(ws.wire.read_to_end().empty());
}
