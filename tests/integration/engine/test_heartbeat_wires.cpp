#include "engine_world.hpp"

#include <support/wires.hpp>

using namespace mad_test;
using engine::close_reason;

TEST_CASE("a peer that answers pings lives on") {
    engine_world w(quick(20ms, 2000ms));
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer p(kind, w.port);
    p.answers_pings = false;
    for (int i = 0; i < 5; ++i) {
        std::string body;
        if (kind == wire::websocket)
            body = p.ws().next_text();
        else
            body = p.poll().get().body;
        REQUIRE(body == "2");
        p.send("3");
    }
    p.send("4x");
    CHECK(w.await_messages(1));
    CHECK(w.closes().empty());
}

TEST_CASE("a websocket that does not answer gets a goodbye and is cut in the same turn") {
    engine_world w(quick());
    engine_peer p(wire::websocket, w.port);
    CHECK(p.ws().next_text() == "2");
    auto const f = p.ws().next();
    REQUIRE(f);
    CHECK(f->is_close());
    CHECK(f->payload.empty());
    CHECK(p.ws().wire.at_end()); // without our goodbye
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::ping_timeout});
    CHECK(w.await_connections(0));
}

TEST_CASE("a polling peer that does not answer is told by its GET") {
    engine_world w(quick());
    polling_peer p(w.port);
    p.open();
    CHECK(p.get().body == "2");
    CHECK(p.get().body == "1");
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::ping_timeout});
    CHECK(p.get().body == R"({"code":1,"message":"Session ID unknown"})");
}

TEST_CASE("a polling peer that never polls is given up") {
    engine_world w(quick());
    polling_peer p(w.port);
    p.open();
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::ping_timeout});
    CHECK(p.get().body == R"({"code":1,"message":"Session ID unknown"})");
}

TEST_CASE("other packets buy one more timeout, not more") {
    engine_world w(quick(30ms, 100ms));
    engine_peer p(wire::websocket, w.port);
    auto const begun = std::chrono::steady_clock::now();
    while (auto const f = p.ws().next()) {
        if (f->is_close())
            break;
        p.send("4x"); // each echo is answered by another message, for ever
    }
    CHECK(std::chrono::steady_clock::now() - begun >= 130ms);
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::ping_timeout});
    CHECK(w.messages() > 2);
}

TEST_CASE("the heartbeat goes on across an upgrade") {
    engine_world w(quick(100ms, 100ms));
    polling_peer p(w.port);
    p.open();
    ws_peer ws(w.port, "/engine.io/?EIO=4&transport=websocket&sid=" + p.sid);
    ws.text("2probe");
    CHECK(ws.next_text() == "3probe");
    ws.text("5");
    CHECK(ws.next_text() == "2");
    ws.text("3");
    CHECK(ws.next_text() == "2");
    CHECK(ws.next()->is_close());
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::ping_timeout});
}

TEST_CASE("while we do not read, a peer is not late") {
    // Paused for longer than interval and timeout together; the pong lies unread all that time.
    std::atomic<engine::session*> paused{nullptr};
    engine_world::hooks h;
    h.on_message = [&](engine::session& s, std::string_view m, bool) {
        if (m == "pause") {
            s.pause();
            paused = &s;
        } else {
            s.send_text(m);
        }
    };
    engine_world w(quick(), 1, h);
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer p(kind, w.port);
    p.answers_pings = false;
    p.send("4pause");
    CHECK(wait_until([&] { return paused.load() != nullptr; }));
    auto const ping = kind == wire::websocket ? p.ws().next_text() : p.poll().get().body;
    CHECK(ping == "2");
    if (kind == wire::websocket) {
        p.send("3");
        p.send("4after");
        CHECK(p.ws().wire.silent_for(300ms));
    } else {
        p.poll().post_wire().send(p.poll().post_request("3\x1e"
                                                        "4after"));
        CHECK(p.poll().post_wire().silent_for(300ms));
    }
    CHECK(w.closes().empty());
    p.answers_pings = true;
    w.on_shard([&] { paused.load()->resume(); });
    CHECK(p.next_text() == "4after");
}

TEST_CASE("a peer that was paused at the wrong moment still has its time") {
    // Paused and resumed just before the deadline: the pong that waited behind the pause counts.
    std::atomic<engine::session*> seen{nullptr};
    engine_world::hooks h;
    h.on_open = [&](engine::session& s) { seen = &s; };
    engine_world w(quick(40ms, 150ms), 1, h);
    engine_peer p(wire::websocket, w.port);
    p.answers_pings = false;
    CHECK(p.ws().next_text() == "2");
    w.on_shard([&] { seen.load()->pause(); });
    p.send("3");
    CHECK(p.ws().wire.silent_for(120ms));
    bool resumed = false;
    w.on_shard([&] {
        if (!w.closes().empty())
            return;
        seen.load()->resume();
        resumed = true;
        // Keeps the shard busy until the deadline has passed, before it can read the pong.
        auto const until = std::chrono::steady_clock::now() + 100ms;
        while (std::chrono::steady_clock::now() < until) {
        }
    });
    CHECK(resumed);
    CHECK(p.ws().next_text() == "2");
    CHECK(w.closes().empty());
}
