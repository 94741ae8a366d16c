#include "engine_world.hpp"

#include <support/wires.hpp>

using namespace mad_test;

TEST_CASE("pages of other origins are refused, on either wire") {
    engine::server_settings s;
    s.cors.origins = {"https://listed.example"};
    engine_world w(s);
    auto const kind = both();
    struct row {
        char const* fields;
        bool allowed;
    };
    auto const r = GENERATE(values<row>({
        {"", true},
        {"Origin: http://127.0.0.1\r\n", true},
        {"Origin: https://listed.example\r\n", true},
        {"Origin: http://listed.example\r\n", false},
        {"Origin: http://evil.example\r\n", false},
        {"Origin: null\r\n", false},
    }));
    CAPTURE(name_of(kind), r.fields);
    engine_peer p(kind, w.port, "/engine.io/", r.fields);
    if (r.allowed) {
        CHECK(p.status == (kind == wire::websocket ? 101 : 200));
    } else {
        CHECK(p.status == 403);
        CHECK(p.open_packet ==
              (kind == wire::websocket ? "Forbidden" : R"({"code":4,"message":"Forbidden"})"));
    }
    CHECK(w.server().sessions() == (r.allowed ? 1 : 0));
}

TEST_CASE("the check of origins may be turned off") {
    engine::server_settings s;
    s.check_origin = false;
    engine_world w(s);
    engine_peer p(both(), w.port, "/engine.io/", "Origin: http://evil.example\r\n");
    CHECK(w.server().sessions() == 1);
}

TEST_CASE("an application may refuse a handshake, in its own words") {
    engine::server_settings s;
    s.allow_request = [](engine::handshake_info const& h) -> std::optional<std::string> {
        CHECK(h.url().starts_with("/engine.io/?EIO=4"));
        CHECK(h.address().is_loopback());
        if (h.header("X-Key") == "good")
            return std::nullopt;
        return "not \"you\"";
    };
    engine_world w(s);
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer no(kind, w.port);
    CHECK(no.status == 403);
    CHECK(no.open_packet ==
          (kind == wire::websocket ? "not \"you\"" : R"({"code":4,"message":"not \"you\""})"));
    engine_peer yes(kind, w.port, "/engine.io/", "X-Key: good\r\n");
    yes.send("4x");
    CHECK(yes.next_text() == "4x");
    CHECK(w.server().sessions() == 1);
}

TEST_CASE("an exception of the policy refuses that peer only") {
    engine::server_settings s;
    s.allow_request = [](engine::handshake_info const& h) -> std::optional<std::string> {
        if (h.header("X-Key") != "good")
            throw std::runtime_error("no policy");
        return std::nullopt;
    };
    engine_world w(s);
    raw_client c(w.port);
    c.send(polling_peer(w.port).request("GET", "EIO=4&transport=polling"));
    c.read_to_end();
    CHECK(w.server().sessions() == 0);
    engine_peer yes(both(), w.port, "/engine.io/", "X-Key: good\r\n");
    yes.send("4x");
    CHECK(yes.next_text() == "4x");
}

TEST_CASE("CORS fields are on every answer of the path") {
    engine::server_settings s;
    s.cors.origins = {"http://a"};
    s.cors.credentials = true;
    engine_world w(s);
    polling_peer p(w.port);
    auto const origin = "Origin: http://a\r\n";
    auto const check = [](http_answer const& a) {
        CHECK(a.header("access-control-allow-origin") == "http://a");
        CHECK(a.header("access-control-allow-credentials") == "true");
        CHECK(a.header("vary") == "Origin");
    };
    check(p.open({}, origin));
    check(p.post("4x", origin));
    check(p.get_wire().ask(p.request("GET", p.query(), origin)));
    check(p.get_wire().ask(p.request("GET", "EIO=4&transport=none", origin)));
    ws_peer ws(w.port, "/engine.io/?EIO=4&transport=websocket", origin);
    check(ws.accepted());
    ws_peer no(w.port, "/engine.io/?EIO=9&transport=websocket", origin);
    check(no.accepted());
    // A GET that waits is answered with the fields of its own request.
    p.get_wire().send(p.request("GET", p.query(), origin));
    p.post("4x");
    check(p.get_wire().answer());
}

TEST_CASE("a preflight is answered without touching a session") {
    engine::server_settings s;
    s.cors.origins = {"*"};
    engine_world w(s);
    polling_peer p(w.port);
    auto const a =
        p.get_wire().ask(p.request("OPTIONS", "EIO=4&transport=polling",
                                   "Origin: http://a\r\nAccess-Control-Request-Method: POST\r\n"));
    CHECK(a.status == 204);
    CHECK(a.header("access-control-allow-origin") == "*");
    CHECK(a.header("content-length") == "0");
    CHECK(w.server().sessions() == 0);
}

TEST_CASE("without CORS a preflight is an odd handshake") {
    engine_world w;
    polling_peer p(w.port);
    auto const a = p.get_wire().ask(p.request("OPTIONS", "EIO=4&transport=polling"));
    CHECK(a.status == 400);
    CHECK(a.header("access-control-allow-origin").empty());
}

TEST_CASE("a cookie is set by the handshake over polling, and by nothing else") {
    engine::server_settings s;
    s.cookie = mad::set_cookie{};
    s.cookie->name = "io";
    engine_world w(s);
    polling_peer p(w.port);
    CHECK(p.open().header("set-cookie").starts_with("io=" + p.sid));
    CHECK(p.post("4x").header("set-cookie").empty());
    CHECK(p.get().header("set-cookie").empty());
    ws_peer ws(w.port, "/engine.io/?EIO=4&transport=websocket");
    CHECK(ws.accepted().header("set-cookie").empty());
}

TEST_CASE("transports may be turned off") {
    engine::server_settings s;
    SECTION("polling") {
        s.handshake.polling = false;
        engine_world w(s);
        polling_peer p(w.port);
        CHECK(p.open().body == R"({"code":0,"message":"Transport unknown"})");
        engine_peer q(wire::websocket, w.port);
        q.send("4x");
        CHECK(q.next_text() == "4x");
    }
    SECTION("websocket") {
        s.handshake.websocket = false;
        engine_world w(s);
        ws_peer p(w.port, "/engine.io/?EIO=4&transport=websocket");
        CHECK(p.accepted().status == 400);
        engine_peer q(wire::polling, w.port);
        CHECK(q.open_packet.find("\"upgrades\":[]") != std::string::npos);
    }
}

TEST_CASE("two servers of other paths may share a port") {
    engine::server_settings s;
    s.path = "/other"; // gets its slash
    engine_world w(s);
    polling_peer p(w.port, "/other/");
    CHECK(p.open().status == 200);
    polling_peer wrong(w.port, "/engine.io/");
    CHECK(wrong.get_wire().ask(wrong.request("GET", "EIO=4&transport=polling")).status == 404);
    polling_peer deeper(w.port, "/other/deeper/still");
    CHECK(deeper.open().status == 200);
}

TEST_CASE("logs name a session by six characters, never by the whole of its secret") {
    engine_world w;
    engine_peer p(both(), w.port);
    p.send("z");
    CHECK(w.await_closes(1));
    CHECK(w.log().has(p.sid().substr(0, 6)));
    CHECK_FALSE(w.log().has(p.sid().substr(0, 7)));
}
