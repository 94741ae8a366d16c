#include "client_world.hpp"

#include <support/golden.hpp>

using namespace mad_test;

namespace {

/// A client of the recorded server, and what it meets there.
struct recording {
    char const* name;
    mad::engine::revision rev;
    char const* secret_words; ///< with which `/secret` refuses
};

sio::client_settings of(client_world& w, ws_host const& host, recording const& r) {
    auto s = w.settings();
    s.engine.url = host.url();
    s.engine.rev = r.rev;
    if (r.rev == mad::engine::revision::eio3)
        s.engine.query = {{"token", "abc"}};
    return s;
}

json token() {
    auto v = json::object();
    v["token"] = "abc";
    return v;
}

story everything(client_world& w, recording r) {
    bool const old = r.rev == mad::engine::revision::eio3;
    auto const all = golden_frames(r.name);
    inbox<std::string> ended(w.ctx);
    ws_host host(w.ctx, {golden_talk(all, 1, ended), golden_talk(all, 2, ended)});
    auto& c = w.make(of(w, host, r));
    auto const& s = c.socket;
    s.set_auth(token());
    s.connect();
    auto const id = co_await c.connects.next();
    CHECK((id == c.io->engine_sid()) == old);

    auto const hello = "h\u00e9llo \u20ac\U0001f600";
    auto nested = json::object();
    nested["a"] = json::array({true, nullptr});
    s.emit("echo", hello, 1, nested);
    auto wanted = json::array({"echo-back", hello, 1, nested});
    expect(co_await c.events.next(), wanted);

    auto const two = co_await s.emit_with_ack(soon, "ack-me", 1, "two");
    REQUIRE(two);
    wanted = json::array({1, "two"});
    CHECK(json(two->values) == wanted);

    s.on("server-asks", [&c](json question) {
        c.events.push(question);
        auto a = json::object();
        a["a"] = 2;
        return a;
    });
    s.emit("ask-server");
    wanted = json::object();
    wanted["q"] = 1;
    expect(co_await c.events.next(), wanted);

    auto deep = json::object();
    deep["f"] = json::binary({0xff, 0, 0xfe});
    deep["t"] = "x";
    mad::bytes const four{1, 2, 3, 4}, pair{10, 11};
    s.emit("echo", four, deep);
    wanted = json::array({"echo-back", json::binary(four), deep});
    expect(co_await c.events.next(), wanted);

    auto const answered = co_await s.emit_with_ack(soon, "ack-me", pair);
    REQUIRE(answered);
    CHECK((*answered)[0] == json::binary(pair));

    for (int i = 1; i <= 2; ++i)
        s.emit("echo", i);
    for (int i = 1; i <= 2; ++i) {
        wanted = json::array({"echo-back", i});
        expect(co_await c.events.next(), wanted);
    }
    s.emit("bcast");
    wanted = json::array({"to-all", "x"});
    expect(co_await c.events.next(), wanted);

    auto const chat = c.io->socket("/chat");
    auto room = json::object();
    room["room"] = "r1";
    chat.set_auth(room);
    chat.set_query({{"room", "r1"}});
    inbox<std::string> heard(w.ctx), left(w.ctx);
    chat.on("welcome", [&](std::string text) { heard.push(text); });
    chat.on_disconnect([&](sio::disconnect_reason why) { left.push(std::string(to_string(why))); });
    auto const joined = co_await chat.connect_and_wait();
    REQUIRE(joined);
    CHECK((chat.id() == "/chat#" + id) == old);
    expect(co_await heard.next(), "chat");

    inbox<sio::connect_failure> failures(w.ctx);
    std::vector<std::pair<std::string, std::string>> const refusals{
        {"/secret", r.secret_words}, {"/secret2", "plain message"}, {"/nope", "Invalid namespace"}};
    for (auto const& [nsp, words] : refusals) {
        auto const other = c.io->socket(nsp);
        other.on_connect_error([&](sio::connect_failure const& f) { failures.push(f); });
        other.connect();
        auto const f = co_await failures.next();
        CHECK(f.refused());
        CHECK(f.message == words);
        CHECK(f.data.value_or("none") ==
              (nsp == "/secret" ? R"({"code":"E_AUTH","detail":42})" : "none"));
    }
    chat.emit("bye");
    expect(co_await left.next(), "io server disconnect");
    CHECK(s.connected());
    s.emit("kick-close");
    expect(co_await c.reasons.next(), "io server disconnect");
    expect(co_await ended.next(), "");

    auto& second = w.make(of(w, host, r));
    second.socket.set_auth(token());
    second.socket.connect();
    co_await second.connects.next();
    second.socket.disconnect();
    expect(co_await ended.next(), "");
    std::string const target = old ? "/socket.io/?token=abc&EIO=3&transport=websocket"
                                   : "/socket.io/?EIO=4&transport=websocket";
    for (auto const& head : host.heads())
        CHECK(head.starts_with("GET " + target + " HTTP/1.1\r\n"));
    co_await host.close();
}

/// Only revision 3 has these.
story old_ways(client_world& w) {
    std::vector<std::string> said;
    ws_host host(
        w.ctx, {[&](ws_line line) -> story {
            co_await line.send(
                R"(0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000})");
            co_await line.send("40");
            said.push_back(co_await line.text()); // 40/a
            co_await line.send("40/a,");
            said.push_back(co_await line.text()); // 42/a
            co_await line.send("44/a,\"not that\"");
            co_await line.send("44/a,[1,2]");
            co_await line.send("44/a");
            said.push_back(co_await line.text()); // 42["x"]: `/` was joined long ago
            said.push_back(co_await line.text()); // 41
            said.push_back(co_await line.text()); // 40
            co_await line.send("40");
            said.push_back(co_await line.text());
        }});
    auto s = w.settings();
    s.engine.url = host.url();
    s.engine.rev = mad::engine::revision::eio3;
    auto& c = *co_await w.join(s, "/a");
    inbox<sio::server_error> errors(w.ctx);
    c.socket.on_error([&](sio::server_error const& e) { errors.push(e); });
    c.socket.emit("x");
    auto e = co_await errors.next();
    CHECK(e.message == "not that");
    CHECK_FALSE(e.data);
    e = co_await errors.next();
    CHECK(e.message.empty());
    CHECK(e.data == "[1,2]");
    e = co_await errors.next();
    CHECK((e.message.empty() && !e.data));
    CHECK(c.socket.connected());
    CHECK(c.socket.id() == "/a#abc");

    auto const root = c.io->socket("/");
    auto const joined = co_await root.connect_and_wait();
    REQUIRE(joined);
    CHECK(root.id() == "abc");
    root.emit("x");
    root.disconnect();
    auto const again = co_await root.connect_and_wait();
    CHECK(again);
    root.emit("y");
    c.socket.disconnect();
    co_await host.close();
    std::vector<std::string> const wanted{"40/a,", "42/a,[\"x\"]", "42[\"x\"]", "41", "40"};
    said.resize(5);
    CHECK(said == wanted);
}

} // namespace

TEST_CASE("a client says what the reference client was recorded to say") {
    using mad::engine::revision;
    auto const r = GENERATE(recording{"a-v2server-v2client-ws", revision::eio3, ""},
                            recording{"b-v4server-eio3-v2client-ws", revision::eio3, ""},
                            recording{"c-v4server-v4client-ws", revision::eio4, "not authorized"});
    CAPTURE(r.name);
    client_world w;
    w.play(everything(w, r));
}

TEST_CASE("a server of 2.x joins everybody to `/`, and sends errors that end nothing") {
    client_world w;
    w.play(old_ways(w));
}
