#include "engine_world.hpp"

// Engine.IO revision 3 beside revision 4, byte for byte as recorded from socket.io 2.x clients.

using namespace mad_test;
using namespace std::string_literals;
using engine::close_reason;

namespace {

engine::server_settings both_revisions(engine::server_settings s = {}) {
    s.handshake.allow_eio3 = true;
    return s;
}

/// A polling peer of revision 3 with a session.
polling_peer old_peer(engine_world const& w, std::string const& extra = {}) {
    polling_peer p(w.port);
    p.eio = "EIO=3";
    p.extra = extra;
    auto const a = p.open();
    CHECK(a.status == 200);
    return p;
}

ws_peer old_websocket(engine_world const& w, std::string const& more = {}) {
    return ws_peer(w.port, "/engine.io/?EIO=3&transport=websocket" + more);
}

constexpr char const* octets = "Content-Type: application/octet-stream\r\n";
constexpr char const* unknown_sid = R"({"code":1,"message":"Session ID unknown"})";
auto const euro = "\xe2\x82\xac"s;
auto const grin = "\xf0\x9f\x98\x80"s;

} // namespace

TEST_CASE("revision 3 is refused unless it is turned on") {
    engine_world w;
    polling_peer p(w.port);
    p.eio = "EIO=3";
    auto const a = p.open();
    CHECK(a.status == 400);
    CHECK(a.body == R"({"code":5,"message":"Unsupported protocol version"})");
    CHECK(old_websocket(w).accepted().status == 400);
    CHECK(w.server().sessions() == 0);
}

TEST_CASE("a session of revision 3 opens on either wire") {
    auto s = both_revisions(quick(1234ms, 567ms));
    s.max_payload = 4321;
    engine_world w(s);
    polling_peer p(w.port);
    p.eio = "EIO=3";
    auto const a = p.open();
    CHECK(a.body == "112:0{\"sid\":\"" + p.sid +
                        "\",\"upgrades\":[\"websocket\"],\"pingInterval\":1234,\"pingTimeout\":567,"
                        "\"maxPayload\":4321}");
    CHECK(a.header("content-type") == "text/plain; charset=UTF-8");
    auto ws = old_websocket(w);
    auto const open = ws.next_text();
    CHECK(open == "0{\"sid\":\"" + sid_in(open) +
                      "\",\"upgrades\":[],\"pingInterval\":1234,\"pingTimeout\":567,"
                      "\"maxPayload\":4321}");
    // Both revisions are served at once.
    engine_peer now(wire::polling, w.port);
    now.send("4new");
    CHECK(now.next_text() == "4new");
}

TEST_CASE("polling bodies of revision 3 are taken and given in the form for the peer") {
    struct row {
        char const* extra;
        bool octets;
        std::string sent, got;
        char const* type;
    };
    constexpr char const* text = "text/plain; charset=UTF-8";
    constexpr char const* bytes = "application/octet-stream";
    auto const mixed = "\0\4\xff"s + "4" + euro + "\1\5\xff\4\1\2\3\4";
    auto const twelve = "\1\1\2\xff\4\0\1\2\3\4\5\6\7\x8\x9\xa"s;
    auto const r = GENERATE_COPY(values<row>({
        {"", false, "6:4hello", "6:4hello", text},
        {"", false, "2:4" + euro + "3:4" + grin, "2:4" + euro + "3:4" + grin, text},
        {"", false, "6:4test16:4test2", "6:4test16:4test2", text},
        {"", false, "2:4" + euro + "10:b4AQIDBA==", mixed, bytes},
        {"", true, mixed, mixed, bytes},
        {"", true, "\0\5\xff"s + "4" + grin, "3:4" + grin, text},
        {"", true, twelve, twelve, bytes},
        {"", false, "1:2", "1:3", text},
        {"", false, "6:2probe", "1:3", text},
        {"&b64=1", false, "2:4" + euro + "10:b4AQIDBA==", "2:4" + euro + "10:b4AQIDBA==", text},
        {"&b64=1", true, mixed, "2:4" + euro + "10:b4AQIDBA==", text},
        {"&b64=1", true, twelve, "18:b4AAECAwQFBgcICQo=", text},
        {"&b64=", true, mixed, mixed, bytes},
    }));
    engine_world w(both_revisions());
    auto p = old_peer(w, r.extra);
    CAPTURE(r.extra, r.sent);
    auto const a = p.post(r.sent, r.octets ? octets : "Content-Type: text/plain;charset=UTF-8\r\n");
    CHECK(a.body == "ok");
    auto const got = p.get();
    CHECK(got.body == r.got);
    CHECK(got.header("content-type") == r.type);
}

TEST_CASE("bytes stand in a websocket frame as the wire was opened for") {
    struct row {
        char const* query;
        int opcode;
        std::string sent;
    };
    auto const r = GENERATE(values<row>({
        {"EIO=3", 2, "\4\1\2\3\4"},
        {"EIO=3&b64=1", 1, "b4AQIDBA=="},
        {"EIO=4", 2, "\1\2\3\4"},
        {"EIO=4&b64=1", 1, "bAQIDBA=="},
    }));
    engine_world w(both_revisions());
    ws_peer ws(w.port, "/engine.io/?transport=websocket&"s + r.query);
    CAPTURE(r.query);
    ws.next_text();
    ws.send(r.opcode, r.sent);
    auto const f = ws.next();
    REQUIRE(f);
    CHECK(int(f->opcode) == r.opcode);
    CHECK(f->payload == r.sent);
}

TEST_CASE("what a websocket of revision 3 says out of place") {
    struct row {
        int opcode;
        std::string frame;
        char const* answer; // null: a close frame
        close_reason why;
    };
    auto const r = GENERATE(values<row>({
        {1, "2", "3", {}},
        {1, "2probe", "3", {}},
        {1, "5", "", {}},
        {1, "6", "", {}},
        {1, "3", nullptr, close_reason::transport_error},
        {1, "0", nullptr, close_reason::transport_error},
        {1, "abc", nullptr, close_reason::parse_error},
        {1, "", nullptr, close_reason::parse_error},
        {1, "bAQIDBA==", nullptr, close_reason::parse_error},
        {2, "", nullptr, close_reason::parse_error},
        {2, "\1\2", nullptr, close_reason::parse_error},
        {1, "1", nullptr, close_reason::transport_close},
    }));
    engine_world w(both_revisions());
    auto ws = old_websocket(w);
    CAPTURE(r.opcode, r.frame);
    ws.next_text();
    ws.send(r.opcode, r.frame);
    if (r.answer) {
        if (*r.answer)
            CHECK(ws.next_text() == r.answer);
        ws.text("4still here");
        CHECK(ws.next_text() == "4still here");
    } else {
        auto const f = ws.next();
        REQUIRE(f);
        CHECK(f->is_close());
        CHECK(f->payload.empty());
        CHECK(w.await_closes(1));
        CHECK(w.closes() == reasons{r.why});
    }
}

TEST_CASE("a malformed polling body of revision 3 costs the session, not the answer") {
    auto const body = GENERATE(values<std::string>({"abc", "", "4hello", "9:4a", "1:3"}));
    engine_world w(both_revisions());
    auto p = old_peer(w);
    CAPTURE(body);
    auto const a = p.post(body);
    CHECK(a.status == 200);
    CHECK(a.body == "ok");
    CHECK(w.await_closes(1));
    p.drop_wires();
    if (body != "1:3")
        CHECK(p.get().body == unknown_sid);
}

TEST_CASE("goodbyes of revision 3 have their lengths") {
    engine_world::hooks h;
    h.on_message = [](engine::session& s, std::string_view m, bool) {
        s.send_text(m);
        if (m == "bye")
            s.close();
    };
    engine_world w(both_revisions(), 1, h);
    auto p = old_peer(w);
    SECTION("a second GET ends the session") {
        p.begin_get();
        polling_peer other(w.port);
        other.eio = p.eio;
        other.sid = p.sid;
        other.get_wire().send(p.request("GET", p.query()));
        CHECK(p.get_wire().answer().body == "1:1");
        auto const a = other.get_wire().answer();
        CHECK(a.status == 400);
        CHECK(a.body.empty());
        CHECK(other.get().body == unknown_sid);
    }
    SECTION("a close packet is answered with a noop") {
        p.begin_get();
        CHECK(p.post("1:1").body == "ok");
        CHECK(p.get_wire().answer().body == "1:6");
        CHECK(p.get().body == unknown_sid);
    }
    SECTION("a close by the server waits for the next GET") {
        CHECK(p.post("4:4bye").body == "ok");
        CHECK(p.get().body == "4:4bye");
        CHECK(p.get().body == "1:61:1");
        CHECK(p.get().body == unknown_sid);
    }
    SECTION("bytes among the last words keep their type") {
        CHECK(p.post("10:b4AQIDBA==4:4bye").body == "ok");
        auto const a = p.get();
        CHECK(a.body == "\0\5\xff"s + "4\1\2\3\4" + "\0\4\xff"s + "4bye");
        CHECK(a.header("content-type") == "application/octet-stream");
        CHECK(p.get().body == "1:61:1");
    }
}

TEST_CASE("a client of revision 3 that pings lives on") {
    engine_world w(both_revisions(quick(100ms, 100ms)));
    auto const begun = std::chrono::steady_clock::now();
    auto ws = old_websocket(w);
    auto p = old_peer(w);
    ws.next_text();
    // Long after the first deadline; no packet but ours and the answers.
    while (std::chrono::steady_clock::now() - begun < 500ms) {
        CHECK(ws.wire.silent_for(40ms));
        ws.text("2");
        CHECK(ws.next_text() == "3");
        CHECK(p.post("1:2").body == "ok");
        CHECK(p.get().body == "1:3");
    }
    CHECK(w.closes().empty());
}

TEST_CASE("a silent peer of revision 3 is closed after interval and timeout") {
    engine_world w(both_revisions(quick(60ms, 90ms)));
    auto const begun = std::chrono::steady_clock::now();
    SECTION("on a websocket") {
        auto ws = old_websocket(w);
        ws.next_text();
        CHECK(ws.next()->is_close()); // and no ping before it
    }
    SECTION("on polling") {
        auto p = old_peer(w);
        CHECK(p.get().body == "1:1");
        CHECK(p.get().body == unknown_sid);
    }
    SECTION("after an upgrade too") {
        auto p = old_peer(w);
        auto ws = old_websocket(w, "&sid=" + p.sid);
        ws.text("2probe");
        CHECK(ws.next_text() == "3probe");
        ws.text("5");
        CHECK(ws.next()->is_close());
    }
    CHECK(std::chrono::steady_clock::now() - begun >= 150ms);
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::ping_timeout});
}

TEST_CASE("a session of revision 3 goes over to a websocket") {
    std::atomic<engine::session*> seen{nullptr};
    engine_world::hooks h;
    h.on_open = [&](engine::session& s) { seen = &s; };
    h.on_message = [](engine::session& s, std::string_view m, bool binary) {
        binary ? s.send_binary(m) : s.send_text(m);
    };
    engine_world w(both_revisions(), 1, h);
    auto p = old_peer(w, "&b64=1"); // as Node's client does, whose websocket takes bytes
    p.begin_get();
    auto ws = old_websocket(w, "&sid=" + p.sid);
    ws.text("2probe");
    CHECK(ws.next_text() == "3probe");
    CHECK(p.get_wire().answer().body == "1:6");
    // Nobody polls: what is sent now waits, bytes as well.
    w.on_shard([&] {
        seen.load()->send_text("kept");
        seen.load()->send_binary("\1\2");
    });
    ws.text("5");
    CHECK(ws.next_text() == "4kept");
    auto const f = ws.next();
    REQUIRE(f);
    CHECK(f->opcode == 2);
    CHECK(f->payload == "\4\1\2");
    ws.binary("\4\7");
    CHECK(ws.next()->payload == "\4\7");
    CHECK(p.get().body == R"({"code":3,"message":"Bad request"})");
    ws.text("2");
    CHECK(ws.next_text() == "3");
}

TEST_CASE("a websocket that wants base64 gets what waited in that form") {
    std::atomic<engine::session*> seen{nullptr};
    engine_world::hooks h;
    h.on_open = [&](engine::session& s) { seen = &s; };
    engine_world w(both_revisions(), 1, h);
    auto const old = GENERATE(true, false);
    polling_peer p(w.port);
    p.eio = old ? "EIO=3" : "EIO=4";
    p.open();
    w.on_shard([&] { seen.load()->send_binary("\1\2\3\4"); });
    ws_peer ws(w.port, "/engine.io/?" + p.eio + "&transport=websocket&b64=1&sid=" + p.sid);
    ws.text("5");
    CHECK(ws.next_text() == (old ? "b4AQIDBA==" : "bAQIDBA=="));
    w.on_shard([&] { seen.load()->send_binary("\1\2\3\4"); });
    CHECK(ws.next_text() == (old ? "b4AQIDBA==" : "bAQIDBA=="));
}

TEST_CASE("requests of the other revision do not reach a session") {
    engine_world w(both_revisions());
    auto p = old_peer(w);
    p.eio = "EIO=4";
    CHECK(p.get().body == R"({"code":3,"message":"Bad request"})");
    CHECK(p.post("4x").body == R"({"code":3,"message":"Bad request"})");
    CHECK(ws_peer(w.port, "/engine.io/?EIO=4&transport=websocket&sid=" + p.sid).accepted().body ==
          "Bad request");
    p.eio = "EIO=3";
    CHECK(p.post("2:4x").body == "ok");
    CHECK(p.get().body == "2:4x");
}

TEST_CASE("a polling body of revision 3 reaches its session on another shard") {
    engine_world w(both_revisions(), 2);
    polling_peer p(w.port);
    p.eio = "EIO=3";
    p.open();
    auto const other = std::size_t(1 - *mad::session_id::shard_of(p.sid));
    p.set_post_wire(w.connection_on(other));
    p.set_get_wire(w.connection_on(other));
    CHECK(p.post("10:b4AQIDBA==", "Connection: keep-alive\r\n").body == "ok");
    auto const a = p.get();
    CHECK(a.body == "\1\5\xff\4\1\2\3\4");
    CHECK(a.header("content-type") == "application/octet-stream");
}

TEST_CASE("JSONP is off by default, and when on answers scripts and reads forms") {
    engine::server_settings s;
    SECTION("off") {
        engine_world w(both_revisions());
        polling_peer p(w.port);
        p.eio = "EIO=3";
        p.extra = "&j=2";
        CHECK(p.open().body == R"({"code":3,"message":"Bad request"})");
        CHECK(w.server().sessions() == 0);
        // Nor does a POST with it harm a session: its connection counts for nothing.
        auto other = old_peer(w);
        other.extra = "&j=2";
        CHECK(other.post("2:4x").body == R"({"code":3,"message":"Bad request"})");
        other.extra.clear();
        CHECK(other.post("2:4x").body == "ok");
    }
    SECTION("on") {
        s.handshake.jsonp = true;
        engine_world w(both_revisions(s));
        polling_peer p(w.port);
        p.eio = "EIO=3";
        p.extra = "&j=2);x";
        auto const open = p.get_wire().ask(p.request("GET", "EIO=3&transport=polling" + p.extra));
        CHECK(open.header("content-type") == "text/javascript; charset=UTF-8");
        CHECK(open.header("x-content-type-options") == "nosniff");
        REQUIRE(open.body.starts_with("___eio[2](\"118:0{\\\"sid\\\":\\\""));
        CHECK(open.body.ends_with("}\");"));
        p.sid = open.body.substr(27, 20);
        constexpr char const* form = "Content-Type: application/x-www-form-urlencoded\r\n";
        CHECK(p.post("d=9%3A4a%5Cnb%5C%5Cnc%22%E2%82%AC", form).body == "ok");
        CHECK(p.get().body == "___eio[2](\"9:4a\\nb\\\\nc\\\"" + euro + "\");");
        CHECK(p.post("d=10%3Ab4AQIDBA%3D%3D", form).body == "ok");
        CHECK(p.get().body == "___eio[2](\"10:b4AQIDBA==\");");
        p.begin_get();
        CHECK(p.post("d=1%3A1", form).body == "ok");
        CHECK(p.get_wire().answer().body == "___eio[2](\"1:6\");");
    }
    SECTION("on, revision 4") {
        s.handshake.jsonp = true;
        engine_world w(s);
        polling_peer p(w.port);
        p.extra = "&j=0";
        auto const open = p.get_wire().ask(p.request("GET", "EIO=4&transport=polling&j=0"));
        REQUIRE(open.body.starts_with("___eio[0](\"0{\\\"sid\\\":\\\""));
        p.sid = open.body.substr(23, 20);
        CHECK(p.post("d=4a%1E4b").body == "ok");
        CHECK(p.get().body == "___eio[0](\"4a\\u001e4b\");");
    }
}
