#include "engine_world.hpp"

using namespace mad_test;
using engine::close_reason;

TEST_CASE("a second GET ends the session, and both get an answer") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    p.begin_get();
    auto const second = p.post_wire().ask(p.request("GET", p.query()));
    CHECK(second.status == 400);
    CHECK(second.body.empty());
    CHECK(p.get_wire().answer().body == "1");
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::transport_error});
    CHECK(p.get().body == R"({"code":1,"message":"Session ID unknown"})");
}

TEST_CASE("a second POST while one is on its way ends the session and both uploads") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    p.post_wire().send(p.request("POST", p.query(), "Content-Length: 100\r\n") + "4begun");
    raw_client second(w.port);
    // Sent until the first one has arrived for sure: one of the two is refused.
    CHECK(wait_until([&] {
        raw_client c(w.port);
        return c.ask(p.post_request("4x")).status == 400;
    }));
    CHECK(w.await_closes(1));
    CHECK(p.post_wire().at_end());
    CHECK(w.await_sessions(0));
}

TEST_CASE("an upload that is cut off ends the session") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    p.begin_get();
    p.post_wire().send(p.request("POST", p.query(), "Content-Length: 100\r\n") + "4begun");
    SECTION("by a reset") {
        p.post_wire().reset();
    }
    SECTION("by an end") {
        p.post_wire().half_close();
    }
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::transport_error});
    CHECK(w.messages() == 0);
    CHECK(p.get_wire().answer().status == 200); // the GET that waited is let go
}

TEST_CASE("an upload that is not one in the end harms nobody") {
    engine::server_settings s;
    s.max_payload = 1000;
    engine_world w(s);
    polling_peer p(w.port);
    p.open();
    SECTION("announced as too long") {
        CHECK(p.post_wire().ask(p.request("POST", p.query(), "Content-Length: 2000\r\n")).status ==
              413);
    }
    SECTION("grown too long") {
        p.post_wire().send(p.request("POST", p.query(), "Transfer-Encoding: chunked\r\n") +
                           "7d0\r\n" + std::string(2000, 'x') + "\r\n0\r\n\r\n");
        CHECK(p.post_wire().answer().status == 413);
    }
    p.drop_wires();
    CHECK(p.post("4x").body == "ok");
    CHECK(p.get().body == "4x");
    CHECK(w.closes().empty());
}

TEST_CASE("a session that ends while a body arrives ends the upload") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    p.post_wire().send(p.request("POST", p.query(), "Content-Length: 100\r\n") + "4begun");
    // The first byte has arrived when a second POST would be an overlap; a GET does not disturb it.
    p.begin_get();
    CHECK(w.await_connections(2));
    SECTION("by the server") {
        w.server().close();
        p.get_wire().answer();
    }
    SECTION("by the client's other request") {
        raw_client(w.port).ask(p.request("GET", p.query()));
    }
    SECTION("by a lost GET") {
        p.get_wire().reset();
    }
    CHECK(w.await_closes(1));
    p.post_wire().send(std::string(94, 'x'));
    CHECK_FALSE(p.post_wire().read_to_end().starts_with("HTTP/1.1 200"));
    CHECK(w.messages() == 0);
}

TEST_CASE("an upload is forgotten when its request turns out to be something else") {
    // A POST that also asks for a websocket is refused; what was noted of its upload must go too.
    engine_world w;
    polling_peer p(w.port);
    p.open();
    {
        raw_client c(w.port);
        auto const all = p.post_request("4x", "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                              "Sec-WebSocket-Version: 13\r\n"
                                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
        c.send(all.substr(0, all.size() - 1));
        // Its head has been read when the byte that is missing is all that it waits for.
        CHECK(c.silent_for(20ms));
        c.send("x");
        CHECK(c.answer().status == 400);
    }
    CHECK(w.await_connections(1));
    CHECK(p.post("4y").body == "ok");
    CHECK(p.get().body == "4y");
    w.server().close();
    CHECK(w.await_sessions(0));
}

TEST_CASE("an upload with another protocol in its Upgrade is an upload") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    CHECK(p.post("4x", "Connection: Upgrade\r\nUpgrade: h2c\r\n").body == "ok");
    CHECK(p.get().body == "4x");
}

TEST_CASE("a lost GET ends the session") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    p.begin_get();
    SECTION("by a reset") {
        p.get_wire().reset();
    }
    SECTION("by an end") {
        p.get_wire().half_close();
    }
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::transport_error});
}

TEST_CASE("one after the other, any number of GETs and POSTs are in order") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    for (int i = 0; i < 50; ++i) {
        p.begin_get();
        CHECK(p.post("4" + std::to_string(i)).body == "ok");
        CHECK(p.get_wire().answer().body == "4" + std::to_string(i));
    }
}
