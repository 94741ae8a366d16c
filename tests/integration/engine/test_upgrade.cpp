#include "engine_world.hpp"

using namespace mad_test;
using engine::close_reason;

namespace {

std::string upgrade_target(std::string const& sid) {
    return "/engine.io/?EIO=4&transport=websocket&sid=" + sid;
}

/// A polling session and the websocket that asks to take it over.
struct upgrading {
    explicit upgrading(engine_world& w)
        : p(w.port) {
        p.open();
        ws.emplace(w.port, upgrade_target(p.sid));
    }

    void probe() {
        ws->text("2probe");
        CHECK(ws->next_text() == "3probe");
    }

    polling_peer p;
    std::optional<ws_peer> ws;
};

} // namespace

TEST_CASE("a polling session goes over to a websocket, and keeps its messages") {
    engine_world w;
    upgrading u(w);
    u.p.begin_get();
    u.probe();
    CHECK(u.p.get_wire().answer().body == "6"); // so that the client can stop polling
    u.p.post("4queued while paused");
    u.p.post("4and another");
    u.ws->text("5");
    CHECK(u.ws->next_text() == "4queued while paused");
    CHECK(u.ws->next_text() == "4and another");
    u.ws->text("4over the websocket");
    CHECK(u.ws->next_text() == "4over the websocket");
    CHECK(w.server().sessions() == 1);
    CHECK(w.closes().empty());

    SECTION("polling is over then") {
        CHECK(u.p.get().body == R"({"code":3,"message":"Bad request"})");
        CHECK(u.p.post("4x").body == R"({"code":3,"message":"Bad request"})");
        u.ws->text("4unharmed");
        CHECK(u.ws->next_text() == "4unharmed");
    }
    SECTION("and the end of the websocket is the end of the session") {
        u.ws->bye();
        CHECK(w.await_closes(1));
        CHECK(w.closes() == reasons{close_reason::transport_close});
        CHECK(u.p.get().body == R"({"code":1,"message":"Session ID unknown"})");
    }
}

TEST_CASE("a GET that comes after the probe is not left hanging either") {
    engine_world w;
    upgrading u(w);
    u.probe();
    u.p.begin_get();
    CHECK(u.p.get_wire().answer().body == "6");
    u.p.post("4x");
    CHECK(u.p.get().body == "4x"); // what there is goes out before any noop
    u.ws->text("5");
    u.ws->text("4y");
    CHECK(u.ws->next_text() == "4y");
}

TEST_CASE("packets behind the upgrade are served, even in the same segment as the request") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    raw_client c(w.port);
    c.send(ws_peer::upgrade_request(upgrade_target(p.sid)) + client_frame(1, "2probe") +
           client_frame(1, "5") + client_frame(1, "4early"));
    CHECK(c.take_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
    CHECK(c.take(8) == "\x81\x06"
                       "3probe");
    CHECK(c.take(8) == "\x81\x06"
                       "4early");
}

TEST_CASE("a websocket handshake and its first messages may come in one segment") {
    engine_world w;
    raw_client c(w.port);
    std::string const all = ws_peer::upgrade_request("/engine.io/?EIO=4&transport=websocket") +
                            client_frame(1, "4one") + client_frame(1, "4two");
    SECTION("whole") {
        c.send(all);
    }
    SECTION("cut inside the second message") {
        c.send(all.substr(0, all.size() - 2));
        c.take_until("4one");
        c.send(all.substr(all.size() - 2));
        CHECK(c.take_until("4two").size() == 6);
        return;
    }
    SECTION("byte by byte") {
        c.send_slowly(all, 1);
    }
    CHECK(c.take_until("4two").ends_with("\x81\x04"
                                         "4one\x81\x04"
                                         "4two"));
}

TEST_CASE("whatever goes wrong with a probe, polling goes on") {
    engine::server_settings s;
    s.upgrade_timeout = 80ms;
    engine_world w(s);
    upgrading u(w);
    SECTION("no probe comes") {}
    SECTION("no upgrade follows the probe") {
        u.probe();
    }
    SECTION("the probe is wrong") {
        u.ws->text("2prob");
    }
    SECTION("it is no ping") {
        u.ws->text("4probe");
    }
    SECTION("it is no packet") {
        u.ws->text("z");
    }
    SECTION("it is bytes") {
        u.ws->binary("2probe");
    }
    SECTION("a second probe") {
        u.probe();
        u.ws->text("2probe");
    }
    SECTION("the frame is broken") {
        u.ws->wire.send("\x81\x01x");
    }
    SECTION("it leaves") {
        u.ws->bye();
    }
    SECTION("it vanishes") {
        u.ws->wire.reset();
    }
    if (u.ws->wire.fd() >= 0) {
        while (auto const f = u.ws->next()) {
            if (f->is_close())
                u.ws->bye();
            else
                CHECK(f->payload == "3probe");
        }
    }
    u.p.post("4x");
    auto a = u.p.get();
    if (a.body == "6")
        a = u.p.get();
    CHECK(a.body == "4x");
    CHECK(w.closes().empty());

    // And the next one has its chance.
    ws_peer again(w.port, upgrade_target(u.p.sid));
    again.text("2probe");
    CHECK(again.next_text() == "3probe");
    again.text("5");
    again.text("4y");
    CHECK(again.next_text() == "4y");
}

TEST_CASE("an upgrade without a probe is taken") {
    engine_world w;
    upgrading u(w);
    u.p.begin_get();
    u.p.post("3"); // the GET has arrived by then
    u.ws->text("5");
    CHECK(u.p.get_wire().answer().body == "6");
    u.ws->text("4x");
    CHECK(u.ws->next_text() == "4x");
}

TEST_CASE("a surplus websocket is let in and shut, and harms nobody") {
    engine_world w;
    SECTION("while another is being probed") {
        upgrading u(w);
        u.probe();
        ws_peer extra(w.port, upgrade_target(u.p.sid));
        CHECK(extra.accepted().status == 101);
        CHECK(extra.next()->is_close());
        extra.bye();
        CHECK(extra.wire.at_end());
        u.ws->text("5");
        u.ws->text("4x");
        CHECK(u.ws->next_text() == "4x");
        CHECK(w.server().sessions() == 1);
    }
    SECTION("when the session is on one") {
        engine_peer p(wire::websocket, w.port);
        ws_peer extra(w.port, upgrade_target(p.sid()));
        CHECK(extra.accepted().status == 101);
        CHECK(extra.next()->is_close());
        p.send("4x");
        CHECK(p.next_text() == "4x");
        CHECK(w.server().sessions() == 1);
    }
}

TEST_CASE("a websocket that is shut and does not answer is cut off") {
    engine::server_settings s;
    s.close_timeout = 50ms;
    engine_world w(s);
    engine_peer p(wire::websocket, w.port);
    ws_peer extra(w.port, upgrade_target(p.sid()));
    CHECK(extra.next()->is_close());
    CHECK_FALSE(extra.next()); // without our goodbye
    CHECK(w.await_connections(1));
}

TEST_CASE("when the session ends its candidate ends with it") {
    engine_world w;
    upgrading u(w);
    u.probe();
    SECTION("by the client") {
        u.p.post("1");
    }
    SECTION("by the server") {
        w.server().close();
    }
    SECTION("by a fault") {
        u.p.post("z");
    }
    auto const last = u.ws->next();
    REQUIRE(last);
    CHECK(last->is_close());
    u.ws->bye();
    CHECK(u.ws->wire.at_end());
    CHECK(w.await_sessions(0));
}

TEST_CASE("bytes that waited go over too") {
    engine_world w;
    upgrading u(w);
    u.probe();
    u.p.post("b" + base64_of(std::string("\0\1\2", 3)));
    u.ws->text("5");
    auto const f = u.ws->next();
    REQUIRE(f);
    CHECK(f->opcode == 2);
    CHECK(f->payload == std::string("\0\1\2", 3));
}

TEST_CASE("upgrades may be turned off") {
    engine::server_settings s;
    s.allow_upgrades = false;
    engine_world w(s);
    engine_peer p(wire::polling, w.port);
    CHECK(p.open_packet.find("\"upgrades\":[]") != std::string::npos);
}

TEST_CASE("a refused websocket is refused in HTTP, before any 101") {
    struct row {
        char const* target;
        int status;
        char const* body;
    };
    auto const r = GENERATE(values<row>({
        {"/engine.io/?EIO=4&transport=x", 400, "Transport unknown"},
        {"/engine.io/?EIO=4&transport=websocket&sid=none", 400, "Session ID unknown"},
        {"/engine.io/?EIO=3&transport=websocket", 400, "Unsupported protocol version"},
        {"/engine.io/?transport=websocket", 400, "Unsupported protocol version"},
    }));
    engine_world w;
    CAPTURE(r.target);
    ws_peer p(w.port, r.target);
    CHECK(p.accepted().status == r.status);
    CHECK(p.accepted().body == r.body);
    CHECK(p.accepted().header("connection") == "close");
    CHECK(p.wire.at_end());
}

TEST_CASE("an upgrade must be a proper one") {
    struct row {
        char const* method;
        char const* fields;
        int status;
    };
    std::string const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    auto const r = GENERATE(values<row>({
        {"GET", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", 400},
        {"GET", "Sec-WebSocket-Version: 13\r\n", 400},
        {"GET",
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
         400},
        {"GET", "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 426},
        {"GET", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 426},
        {"POST", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
         400},
    }));
    engine_world w;
    CAPTURE(r.method, r.fields);
    raw_client c(w.port);
    auto const a = c.ask(std::string(r.method) +
                         " /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\n"
                         "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
                         r.fields + "\r\n");
    CHECK(a.status == r.status);
    if (r.status == 426)
        CHECK(a.header("sec-websocket-version") == "13");
    CHECK(w.server().sessions() == 0);
}

TEST_CASE("HTTP/1.0 cannot upgrade") {
    engine_world w;
    raw_client c(w.port);
    auto const a = c.ask("GET /engine.io/?EIO=4&transport=websocket HTTP/1.0\r\nHost: a\r\n"
                         "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
                         "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    CHECK(a.status == 400);
}
