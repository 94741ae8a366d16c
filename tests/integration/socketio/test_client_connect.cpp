#include "client_world.hpp"

using namespace mad_test;

namespace {

story outcomes(client_world& w, std::string transports) {
    w.io.of("/denied").use([](sio::socket const&, sio::next next) {
        next(sio::connect_error{"not you", R"({"code":7})"});
    });
    auto& c = w.make(w.settings(transports), "/denied");
    auto const refused = co_await c.socket.connect_and_wait();
    REQUIRE(refused.has_error());
    CHECK(refused.error() == sio::error::connect_refused);
    auto const failure = co_await c.failures.next();
    CHECK(failure.refused());
    CHECK(failure.message == "not you");
    CHECK(failure.data == R"({"code":7})");
    CHECK_FALSE(c.socket.connected());

    auto const unknown = co_await c.io->socket("/nowhere").connect_and_wait();
    REQUIRE(unknown.has_error());
    CHECK(unknown.error() == sio::error::connect_refused);

    auto const ok = co_await c.io->socket().connect_and_wait();
    CHECK(ok);
    auto const again = co_await c.io->socket("").connect_and_wait(); // the same one, joined
    CHECK(again);
    CHECK(c.failures.empty());
}

story nobody_there(client_world& w) {
    auto s = w.settings("upgrade");
    s.engine.url = "http://127.0.0.1:1";
    auto& c = w.make(s);
    inbox<int> errors(w.ctx);
    c.io->on_error([&](mad::error_code ec) { errors.push(ec.value()); });
    auto const r = co_await c.socket.connect_and_wait();
    REQUIRE(r.has_error());
    CHECK(r.error() == boost::system::errc::connection_refused);
    auto const failure = co_await c.failures.next();
    CHECK_FALSE(failure.refused());
    CHECK(failure.code == boost::system::errc::connection_refused);
    CHECK_FALSE(failure.message.empty());
    co_await errors.next();
}

story auth(client_world& w) {
    inbox<json> seen(w.ctx);
    w.io.on_connection([&](sio::socket s) { seen.push(s.handshake().auth()); });
    auto s = w.settings();
    reconnecting(s);
    auto& c = w.make(s);

    c.socket.connect();
    co_await c.connects.next();
    expect(co_await seen.next(), json::object());

    json token = json::object();
    token["token"] = "\xe2\x82\xac";
    c.socket.set_auth(token);
    c.socket.emit("drop");
    co_await c.connects.next();
    expect(co_await seen.next(), token);

    c.socket.set_auth_source([n = 0]() mutable {
        json v = json::object();
        v["n"] = ++n;
        return v;
    });
    for (int i = 1; i <= 2; ++i) {
        c.socket.emit("drop");
        co_await c.connects.next();
        auto const got = co_await seen.next();
        CHECK(got["n"] == i);
    }
}

story auth_fault(client_world& w) {
    auto& c = w.make(w.settings());
    c.socket.set_auth_source([]() -> json { throw std::runtime_error("no token today"); });
    auto const r = co_await c.socket.connect_and_wait();
    CHECK(r.has_error());
    CHECK(w.log.has("no token today"));
    c.socket.set_auth(nullptr);
    auto const ok = co_await c.socket.connect_and_wait();
    CHECK(ok);
}

story query_and_headers(client_world& w) {
    inbox<json> seen(w.ctx);
    w.io.on_connection([&](sio::socket s) {
        auto const h = s.handshake();
        seen.push(json::array({h.query_object(), h.header("x-mad")}));
    });
    auto s = w.settings("upgrade");
    s.engine.url += "/?from=url";
    s.engine.query = {{"a", "1+1 &"}, {"b", ""}};
    s.engine.headers = {{"x-mad", "yes"}};
    co_await w.join(s);
    auto const got = co_await seen.next();
    CHECK(got[0]["from"] == "url");
    CHECK(got[0]["a"] == "1+1 &");
    CHECK(got[0]["b"] == "");
    CHECK(got[1] == "yes");
}

story namespaces(client_world& w, std::string transports) {
    for (auto const* const name : {"/a", "/b"})
        w.io.of(name).on("where", [name] { return std::string(name); });
    auto& a = *co_await w.join(w.settings(transports), "/a");
    auto const b = a.io->socket("b"); // the slash may be left out
    auto const joined = co_await b.connect_and_wait();
    REQUIRE(joined);
    CHECK(w.io.sessions() == 1);
    CHECK(a.socket.id().size() == 20);
    CHECK(a.socket.id() != b.id());
    auto const in_a = co_await a.socket.emit_with_ack(soon, "where");
    auto const in_b = co_await b.emit_with_ack(soon, "where");
    REQUIRE((in_a && in_b));
    CHECK((*in_a)[0] == "/a");
    CHECK((*in_b)[0] == "/b");

    b.disconnect();
    CHECK_FALSE(b.connected());
    CHECK(a.socket.connected());
    auto const still = co_await a.socket.emit_with_ack(soon, "where");
    CHECK(still);
    auto const rejoined = co_await b.connect_and_wait();
    CHECK(rejoined);

    // The connection ends with the last one.
    a.socket.disconnect();
    CHECK(a.io->transport());
    b.disconnect();
    CHECK_FALSE(a.io->transport());
    expect(co_await a.reasons.next(), "io client disconnect");
    CHECK(a.reasons.empty());
}

story url_names_the_namespace(client_world& w) {
    w.io.of("/admin").on("where", [] { return "admin"; });
    auto s = w.settings();
    s.engine.url += "/admin";
    sio::client io(w.ctx, s);
    auto const socket = io.socket();
    CHECK(socket.nsp() == "/admin");
    auto const joined = co_await socket.connect_and_wait();
    CHECK(joined);
}

story left_while_joining(client_world& w) {
    inbox<std::string> told(w.ctx);
    sio::next held;
    auto const slow = w.io.of("/slow");
    slow.use([&](sio::socket const&, sio::next next) {
        held = std::move(next);
        told.push("asked");
    });
    slow.on_connection([&](sio::socket) { told.push("connected"); });
    slow.on_disconnect(
        [&](sio::socket, sio::disconnect_reason r) { told.push(std::string(to_string(r))); });
    auto& c = *co_await w.join(w.settings());
    auto const s = c.io->socket("/slow");
    s.connect();
    expect(co_await told.next(), "asked");
    s.disconnect();
    held(std::nullopt);
    expect(co_await told.next(), "connected");
    // Leaving earlier would have been an error; the other namespace has noticed nothing.
    expect(co_await told.next(), "client namespace disconnect");
    expect(co_await c.ask("echo", 1), 1);
    CHECK_FALSE(s.connected());
    CHECK(c.reasons.empty());
}

story buffering(client_world& w) {
    w.io.on("n", [](sio::socket s, json v) { s.emit("back", v); });
    auto s = w.settings("upgrade");
    s.max_buffered_packets = 5;
    auto& c = w.make(s);
    for (int i = 0; i < 10; ++i) {
        c.socket.volatile_emit("n", "volatile");
        c.socket.emit("n", i);
    }
    std::optional<mad::result<sio::arguments>> dropped;
    c.socket.emit_with_ack([&](mad::result<sio::arguments> a) { dropped = std::move(a); }, soon,
                           "echo", 1);
    c.socket.connect();
    for (int i = 0; i < 5; ++i) {
        auto const event = co_await c.events.next();
        CHECK(event[1] == i);
    }
    expect(co_await c.ask("echo", "end"), "end");
    CHECK(c.events.empty());
    REQUIRE(dropped);
    REQUIRE(dropped->has_error());
    CHECK(dropped->error() == sio::error::queue_full);
    CHECK(w.log.has("socketio.client.buffer_full"));
}

story buffered_bytes(client_world& w) {
    auto s = w.settings();
    s.max_buffered_bytes = 1000;
    auto& c = w.make(s);
    for (int i = 0; i < 3; ++i)
        c.socket.emit("echo", mad::bytes(400, 1));
    c.socket.connect();
    co_await c.connects.next();
    CHECK(w.log.count("socketio.client.buffer_full") == 1);
}

story buffered_ack_times_out(client_world& w) {
    inbox<int> seen(w.ctx);
    w.io.on("n", [&](int i) {
        seen.push(i);
        return i;
    });
    auto& c = w.make(w.settings());
    auto const late = co_await c.socket.emit_with_ack(milliseconds(10), "n", 1);
    REQUIRE(late.has_error());
    CHECK(late.error() == sio::error::timeout);
    c.socket.emit("n", 2);
    c.socket.connect();
    // Nobody waits for the first any more, so it was not sent.
    expect(co_await seen.next(), 2);
}

} // namespace

TEST_CASE("a connect has an outcome, and a refusal its words") {
    client_world w;
    w.play(outcomes(w, each_transport()));
}

TEST_CASE("a connection that does not come about is an error of its own") {
    client_world w;
    w.play(nobody_there(w));
}

TEST_CASE("auth is a value, or asked for at every connect") {
    client_world w;
    w.play(auth(w));
}

TEST_CASE("auth that throws is a connect error") {
    client_world w;
    w.play(auth_fault(w));
}

TEST_CASE("query and headers go with the handshake") {
    client_world w;
    w.play(query_and_headers(w));
}

TEST_CASE("namespaces share one connection, and nothing else") {
    client_world w;
    w.play(namespaces(w, each_transport()));
}

TEST_CASE("the path of the URL is the default namespace") {
    client_world w;
    w.play(url_names_the_namespace(w));
}

TEST_CASE("a namespace that is left before the server has answered is left afterwards") {
    client_world w;
    w.play(left_while_joining(w));
}

TEST_CASE("events wait for the connection up to a limit, volatile ones do not") {
    client_world w;
    w.play(buffering(w));
}

TEST_CASE("what waits for the connection is limited in bytes as well") {
    client_world w;
    w.play(buffered_bytes(w));
}

TEST_CASE("a question that nobody waits for any more is not sent") {
    client_world w;
    w.play(buffered_ack_times_out(w));
}

TEST_CASE("names and settings that can never work throw where they are given") {
    client_world w;
    auto s = w.settings();
    CHECK_THROWS_AS(sio::client(w.ctx, sio::client_settings("nowhere")), std::invalid_argument);
    s.engine.transports.clear();
    CHECK_THROWS_AS(sio::client(w.ctx, s), std::invalid_argument);
    sio::client io(w.ctx, w.settings());
    CHECK_THROWS_AS(io.socket("/a,b"), std::invalid_argument);
    CHECK_THROWS_AS(io.socket(std::string(300, 'x')), std::invalid_argument);
    CHECK(io.socket("x").nsp() == "/x");
}
