#include "client_world.hpp"

#include <support/scripted_server.hpp>

using namespace mad_test;

namespace {

sio::client_settings returning(client_world& w, std::string const& transports = "websocket") {
    auto s = w.settings(transports);
    reconnecting(s);
    return s;
}

story comes_back(client_world& w, std::string transports) {
    auto& c = w.make(returning(w, transports));
    std::vector<std::string> told;
    c.io->on_reconnect_attempt([&](std::size_t n) { told.push_back("try " + std::to_string(n)); });
    c.io->on_reconnect([&](std::size_t n) { told.push_back("back " + std::to_string(n)); });
    c.socket.on_disconnect([&](sio::disconnect_reason) { c.socket.emit("note", "while away"); });
    inbox<std::string> notes(w.ctx);
    w.io.on("note", [&](std::string text) { notes.push(text); });
    c.socket.connect();
    auto const before = co_await c.connects.next();

    c.socket.emit("drop");
    auto const lost = co_await c.socket.emit_with_ack(soon, "nobody answers");
    REQUIRE(lost.has_error());
    CHECK(lost.error() == sio::error::not_acknowledged);
    expect(co_await c.reasons.next(), "transport close");
    auto const after = co_await c.connects.next();
    CHECK(before != after);
    expect(co_await notes.next(), "while away");
    std::vector<std::string> const wanted{"try 1", "back 1"};
    CHECK(told == wanted);
}

story stays_away(client_world& w) {
    auto& c = w.make(returning(w));
    std::size_t attempts = 0;
    c.io->on_reconnect_attempt([&](std::size_t) { ++attempts; });
    c.socket.connect();
    co_await c.connects.next();
    c.socket.emit("kick");
    expect(co_await c.reasons.next(), "io server disconnect");
    CHECK_FALSE(c.io->transport());

    // It connects when told to, and leaves when told to.
    auto const again = co_await c.socket.connect_and_wait();
    CHECK(again);
    c.socket.disconnect();
    expect(co_await c.reasons.next(), "io client disconnect");
    CHECK_FALSE(c.socket.connected());
    c.socket.disconnect(); // once is enough
    CHECK(c.reasons.empty());

    auto const third = co_await c.socket.connect_and_wait();
    CHECK(third);
    c.io->close();
    expect(co_await c.reasons.next(), "io client disconnect");
    CHECK(attempts == 0);
}

story own_drop(client_world& w) {
    auto& c = w.make(returning(w));
    c.socket.connect();
    co_await c.connects.next();
    c.io->drop_connection();
    expect(co_await c.reasons.next(), "transport close");
    co_await c.connects.next();
}

story gives_up(client_world& w) {
    auto s = returning(w);
    s.engine.url = "http://127.0.0.1:1";
    s.reconnection_attempts = 3;
    auto& c = w.make(s);
    std::size_t attempts = 0, errors = 0, failures = 0;
    inbox<int> gave_up(w.ctx);
    c.io->on_reconnect_attempt([&](std::size_t n) { CHECK(n == ++attempts); });
    c.io->on_reconnect_error([&](mad::error_code) { ++errors; });
    c.io->on_reconnect_failed([&] { gave_up.push(1); });
    c.socket.on_connect_error([&](sio::connect_failure const&) { ++failures; });
    auto const first = co_await c.socket.connect_and_wait();
    CHECK(first.has_error()); // the first outcome; it goes on trying
    co_await gave_up.next();
    CHECK(attempts == 3);
    CHECK(failures == 4);
    boost::asio::steady_timer turn(w.ctx, milliseconds(1)); // `reconnect_error` follows
    co_await turn.async_wait(boost::asio::use_awaitable);
    CHECK(errors == 3);
}

story finds_a_server_that_comes_later(client_world& w) {
    boost::asio::ip::tcp::acceptor free(w.ctx, {boost::asio::ip::address_v4::loopback(), 0});
    auto const at = free.local_endpoint();
    free.close();
    auto s = returning(w, "upgrade");
    s.engine.url = "http://127.0.0.1:" + std::to_string(at.port());
    auto& c = w.make(s);
    c.socket.emit("note", 5);
    c.socket.connect();
    for (int i = 0; i < 3; ++i)
        co_await c.failures.next();
    sio::server late(w.ctx, client_world::quick());
    inbox<int> notes(w.ctx);
    late.on("note", [&](int i) { notes.push(i); });
    REQUIRE(late.listen(at));
    co_await c.connects.next();
    expect(co_await notes.next(), 5);
    c.io->close();
    late.close();
    while (late.connections() > 0 || late.sessions() > 0) {
        boost::asio::steady_timer turn(w.ctx, milliseconds(1));
        co_await turn.async_wait(boost::asio::use_awaitable);
    }
}

story server_goes(client_world& w) {
    auto& c = w.make(returning(w));
    c.socket.connect();
    co_await c.connects.next();
    w.io.close();
    expect(co_await c.reasons.next(), "transport close");
    co_await c.failures.next(); // it tries, in vain
}

story questions_survive(client_world& w) {
    auto& c = w.make(returning(w));
    c.socket.connect();
    co_await c.connects.next();
    std::optional<json> answer;
    c.socket.on_disconnect([&](sio::disconnect_reason) {
        c.socket.emit_with_ack(
            [&](mad::result<sio::arguments> a) { answer = a ? (*a)[0] : json(); }, soon, "echo",
            "asked while away");
    });
    c.socket.emit("drop");
    co_await c.connects.next();
    expect(co_await c.ask("echo", 1), 1);
    REQUIRE(answer);
    CHECK(*answer == "asked while away");
}

story old_server(client_world& w) {
    auto const open = R"(0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000})";
    auto const no_sid = GENERATE(as<std::string>(), "40", "40{}", "40{\"sid\":1}");
    // GETs over the first connection, POSTs over the second.
    scripted_server server(w.ctx, {{{answer_of(open)}, {answer_of(no_sid)}}, {{answer_of("ok")}}});
    auto s = returning(w, "polling");
    s.engine.url = server.url();
    auto& c = w.make(s);
    auto const r = co_await c.socket.connect_and_wait();
    REQUIRE(r.has_error());
    CHECK(r.error() == sio::error::incompatible_peer);
    auto const failure = co_await c.failures.next();
    CHECK(failure.code == sio::error::incompatible_peer);
    CHECK_FALSE(c.socket.connected());
    server.close();
}

} // namespace

TEST_CASE("a lost connection comes back by itself, and nothing that waited is lost") {
    client_world w;
    w.play(comes_back(w, each_transport()));
}

TEST_CASE("after a disconnect on purpose it stays away until it is told") {
    client_world w;
    w.play(stays_away(w));
}

TEST_CASE("a connection that is dropped here comes back as well") {
    client_world w;
    w.play(own_drop(w));
}

TEST_CASE("it gives up after so many attempts, and says so") {
    client_world w;
    w.play(gives_up(w));
}

TEST_CASE("a server that comes later is found") {
    client_world w;
    w.play(finds_a_server_that_comes_later(w));
}

TEST_CASE("a server that goes is a transport close, and is looked for") {
    client_world w;
    w.play(server_goes(w));
}

TEST_CASE("a question that was not sent yet survives the loss of the connection") {
    client_world w;
    w.play(questions_survive(w));
}

TEST_CASE("a server of 2.x is told apart, and not tried again") {
    client_world w;
    w.play(old_server(w));
}
