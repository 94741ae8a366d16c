#include "engine_world.hpp"

#include <support/wires.hpp>

using namespace mad_test;
using engine::close_reason;

namespace {

std::string const separator = "\x1e";

} // namespace

TEST_CASE("a session says what it can, on either wire") {
    engine::server_settings s;
    s.ping_interval = 1234ms;
    s.ping_timeout = 567ms;
    s.max_payload = 4321;
    engine_world w(s);
    auto const kind = both();
    engine_peer p(kind, w.port);
    CAPTURE(name_of(kind));
    CHECK(p.open_packet == "0{\"sid\":\"" + p.sid() + "\",\"upgrades\":" +
                               (kind == wire::polling ? "[\"websocket\"]" : "[]") +
                               ",\"pingInterval\":1234,\"pingTimeout\":567,\"maxPayload\":4321}");
    CHECK(mad::session_id::shard_of(p.sid()) == 0);
    CHECK(w.server().sessions() == 1);
}

TEST_CASE("text and bytes come back as they were sent") {
    engine_world w;
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer p(kind, w.port);
    for (std::string const text : {"4", "4hello", "4\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
                                   "4with \"quotes\" and \n lines", "4b", "42[]"}) {
        p.send(text);
        CHECK(p.next_text() == text);
    }
    for (auto const& bytes :
         {std::string(), std::string("\0\xff\x1e", 3), std::string(70'000, '\x80')}) {
        p.send_binary(bytes);
        CHECK(p.next() == engine_packet{bytes, true});
    }
}

TEST_CASE("messages of one peer keep their order") {
    engine_world w;
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer p(kind, w.port);
    std::string body;
    for (int i = 0; i < 1000; ++i) {
        auto const m = "4" + std::to_string(i);
        if (kind == wire::websocket)
            body += client_frame(1, m);
        else
            body += (i ? separator : "") + m;
    }
    if (kind == wire::websocket)
        p.ws().wire.send(body);
    else
        CHECK(p.poll().post(body).body == "ok");
    for (int i = 0; i < 1000; ++i)
        REQUIRE(p.next_text() == "4" + std::to_string(i));
}

TEST_CASE("a message of the largest size passes, one byte more does not") {
    engine::server_settings s;
    s.max_payload = 5'000;
    engine_world w(s);
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer p(kind, w.port);
    std::string const largest = "4" + std::string(4'999, 'x');
    p.send(largest);
    CHECK(p.next_text() == largest);
    if (kind == wire::websocket) {
        p.send(largest + "x");
        auto const f = p.ws().next();
        REQUIRE(f);
        CHECK(f->payload == "\x03\xf1"); // 1009
        CHECK(w.await_closes(1));
        CHECK(w.closes() == reasons{close_reason::transport_error});
    } else {
        auto const a = p.poll().post(largest + "x");
        CHECK(a.status == 413);
        p.poll().drop_wires();
        p.send("4still here");
        CHECK(p.next_text() == "4still here");
    }
}

TEST_CASE("a peer that leaves is gone at once") {
    engine_world w;
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer p(kind, w.port);
    CHECK(w.await_sessions(1));
    SECTION("with a close packet") {
        if (kind == wire::polling) {
            p.poll().begin_get();
            CHECK(p.poll().post("1").body == "ok");
            CHECK(p.poll().get_wire().answer().body == "6");
            CHECK(p.poll().post("4x").body == R"({"code":1,"message":"Session ID unknown"})");
        } else {
            p.send("1");
            CHECK(p.ws().next()->is_close());
        }
        CHECK(w.await_closes(1));
        CHECK(w.closes() == reasons{close_reason::transport_close});
    }
    SECTION("without a word") {
        if (kind == wire::polling)
            p.poll().begin_get();
        p.vanish();
        CHECK(w.await_closes(1));
        CHECK(w.closes() == reasons{close_reason::transport_error});
    }
    CHECK(w.await_sessions(0));
}

TEST_CASE("a websocket that says goodbye gets it back") {
    engine_world w;
    engine_peer p(wire::websocket, w.port);
    std::string const code("\x0b\xb8", 2); // 3000
    auto const said = GENERATE_COPY(std::string(), code);
    p.ws().send(8, said);
    auto const f = p.ws().next();
    REQUIRE(f);
    CHECK(f->is_close());
    CHECK(f->payload == said);
    CHECK(p.ws().wire.at_end());
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::transport_close});
    CHECK(w.await_connections(0));
}

TEST_CASE("a websocket without a goodbye that half closes is over") {
    engine_world w;
    engine_peer p(wire::websocket, w.port);
    p.ws().wire.half_close();
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::transport_close});
    CHECK(w.await_connections(0));
}

TEST_CASE("what breaks the protocol ends the session, and nobody else's") {
    struct row {
        char const* packet;
        close_reason polling, websocket;
    };
    auto const r = GENERATE(values<row>({
        {"", close_reason::parse_error, close_reason::parse_error},
        {"9", close_reason::parse_error, close_reason::parse_error},
        {"x", close_reason::parse_error, close_reason::parse_error},
        {"b***", close_reason::parse_error, close_reason::parse_error},
        {"2", close_reason::transport_error, close_reason::transport_error},
        {"2probe", close_reason::transport_error, close_reason::transport_error},
        {"0{}", close_reason::transport_error, close_reason::transport_error},
    }));
    auto const kind = both();
    CAPTURE(r.packet, name_of(kind));
    engine_world w;
    engine_peer other(wire::websocket, w.port);
    engine_peer p(kind, w.port);
    if (kind == wire::polling)
        CHECK(p.poll().post(r.packet).body == "ok");
    else
        p.send(r.packet);
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{kind == wire::polling ? r.polling : r.websocket});
    other.send("4fine");
    CHECK(other.next_text() == "4fine");
}

TEST_CASE("packets that mean nothing do nothing") {
    engine_world w;
    auto const kind = both();
    engine_peer p(kind, w.port);
    for (char const* const packet : {"3", "5", "6", "3unasked"})
        p.send(packet);
    p.send("4x");
    CHECK(p.next_text() == "4x");
    CHECK(w.closes().empty());
}

TEST_CASE("after a bad packet nothing of the body is read") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    CHECK(p.post("4one" + separator + "z" + separator + "4two").body == "ok");
    CHECK(w.await_closes(1));
    CHECK(w.messages() == 1);
}

TEST_CASE("a message that is not text ends the session") {
    engine_world w;
    auto const kind = both();
    engine_peer p(kind, w.port);
    if (kind == wire::polling) {
        p.poll().post("4\xff");
    } else {
        p.send("4\xff");
        CHECK(p.ws().next()->payload == "\x03\xef"); // 1007
    }
    CHECK(w.await_closes(1));
    CHECK(w.messages() == 0);
}

TEST_CASE("a GET takes all that waits, in one answer") {
    engine_world w;
    polling_peer p(w.port);
    auto const opened = p.open();
    CHECK(opened.header("content-type") == "text/plain; charset=UTF-8");
    CHECK(opened.header("cache-control") == "no-store");
    p.post("4a" + separator + "4b" + separator + "bAQI=");
    auto const a = p.get();
    CHECK(a.body == "4a" + separator + "4b" + separator + "bAQI=");
    CHECK(a.header("content-type") == "text/plain; charset=UTF-8");
    CHECK(a.header("cache-control") == "no-store");
}

TEST_CASE("an answer to a GET waits for the end of the turn, so that all of it goes together") {
    engine_world::hooks h;
    h.on_message = [](engine::session& s, std::string_view, bool) {
        for (int i = 0; i < 5; ++i)
            s.send_text(std::to_string(i));
    };
    engine_world w({}, 1, h);
    polling_peer p(w.port);
    p.open();
    p.begin_get();
    p.post("4go");
    CHECK(p.get_wire().answer().body == "40\x1e"
                                        "41\x1e"
                                        "42\x1e"
                                        "43\x1e"
                                        "44");
}

TEST_CASE("GET and POST of a session may share one connection, pipelined") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    auto& c = p.get_wire();
    c.send(p.post_request("4one") + p.request("GET", p.query()) + p.post_request("4two") +
           p.request("GET", p.query()));
    CHECK(c.answer().body == "ok");
    CHECK(c.answer().body == "4one");
    CHECK(c.answer().body == "ok");
    CHECK(c.answer().body == "4two");
}

TEST_CASE("a body may come in chunks, and in tiny pieces") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    p.post_wire().send_slowly(p.request("POST", p.query(), "Transfer-Encoding: chunked\r\n") +
                                  "3\r\n4he\r\n3\r\nllo\r\n0\r\n\r\n",
                              3);
    CHECK(p.post_wire().answer().body == "ok");
    CHECK(p.get().body == "4hello");
}

TEST_CASE("an interrupted websocket message costs the others nothing") {
    engine_world w;
    engine_peer p(wire::websocket, w.port), other(wire::websocket, w.port);
    p.ws().send(1, "4half", false);
    other.send("4x");
    CHECK(other.next_text() == "4x");
    p.ws().send(9, "are you there");
    auto const pong = p.ws().next();
    REQUIRE(pong);
    CHECK(pong->opcode == 10);
    CHECK(pong->payload == "are you there");
    p.ws().send(0, " and half");
    CHECK(p.next_text() == "4half and half");
}

TEST_CASE("refused requests say why, and repeat nothing of what was sent") {
    struct row {
        char const* method;
        char const* query;
        int status;
        char const* body;
    };
    auto const r = GENERATE(values<row>({
        {"GET", "", 400, R"({"code":0,"message":"Transport unknown"})"},
        {"GET", "EIO=4&transport=<script>", 400, R"({"code":0,"message":"Transport unknown"})"},
        {"GET", "EIO=4&transport=__proto__", 400, R"({"code":0,"message":"Transport unknown"})"},
        {"GET", "EIO=4&transport=polling&sid=__proto__", 400,
         R"({"code":1,"message":"Session ID unknown"})"},
        {"GET", "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", 400,
         R"({"code":1,"message":"Session ID unknown"})"},
        {"GET", "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA_-__", 400,
         R"({"code":1,"message":"Session ID unknown"})"},
        {"POST", "EIO=4&transport=polling", 400, R"({"code":2,"message":"Bad handshake method"})"},
        {"DELETE", "EIO=4&transport=polling", 400,
         R"({"code":2,"message":"Bad handshake method"})"},
        {"GET", "EIO=4&transport=websocket", 400, R"({"code":3,"message":"Bad request"})"},
        {"GET", "transport=polling", 400, R"({"code":5,"message":"Unsupported protocol version"})"},
        {"GET", "EIO=5&transport=polling", 400,
         R"({"code":5,"message":"Unsupported protocol version"})"},
    }));
    engine_world w;
    CAPTURE(r.method, r.query);
    polling_peer p(w.port);
    auto const a = p.get_wire().ask(p.request(r.method, r.query));
    CHECK(a.status == r.status);
    CHECK(a.body == r.body);
    CHECK(a.header("content-type") == "application/json");
    CHECK(w.server().sessions() == 0);
}

TEST_CASE("a known session refuses what is not its own") {
    struct row {
        char const* method;
        char const* query;
        int status;
        char const* body;
    };
    auto const r = GENERATE(values<row>({
        {"GET", "EIO=3&transport=polling", 400, R"({"code":3,"message":"Bad request"})"},
        {"GET", "transport=polling", 400, R"({"code":3,"message":"Bad request"})"},
        {"GET", "EIO=4&transport=websocket", 400, R"({"code":3,"message":"Bad request"})"},
        {"PUT", "EIO=4&transport=polling", 500, ""},
        {"DELETE", "EIO=4&transport=polling", 500, ""},
    }));
    engine_world w;
    CAPTURE(r.method, r.query);
    polling_peer p(w.port);
    p.open();
    auto const a = p.post_wire().ask(p.request(r.method, std::string(r.query) + "&sid=" + p.sid));
    CHECK(a.status == r.status);
    CHECK(a.body == r.body);
    p.post("4x");
    CHECK(p.get().body == "4x");
}

TEST_CASE("a binary body ends a session of revision 4") {
    engine_world w;
    polling_peer p(w.port);
    p.open();
    CHECK(p.post("4x", "Content-Type: application/octet-stream\r\n").status == 400);
    CHECK(w.await_closes(1));
    CHECK(p.post("4x").status == 400);
}
