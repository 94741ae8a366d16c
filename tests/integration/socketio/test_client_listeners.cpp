#include "client_world.hpp"

using namespace mad_test;

namespace {

/// Sends events to the client and answers when it has had them.
void speak(client_world& w) {
    w.io.on("say", [](sio::socket s, std::string event, json value, sio::ack reply) {
        s.emit(event, value);
        s.emit_with_ack([reply](mad::result<sio::arguments>) mutable { reply(); }, soon, "sync");
    });
}

story said(sio::client_socket s, std::string event, json value = {}) {
    co_await s.emit_with_ack(soon, "say", event, value);
}

story registrations(client_world& w) {
    speak(w);
    auto& c = *co_await w.join(w.settings());
    auto const s = c.socket;
    s.on("sync", [] { return true; });
    std::string order;
    auto const note = [&order](char const* what) { return [&order, what] { order += what; }; };
    auto const first = s.on("x", note("1"));
    s.once("x", note("2"));
    s.prepend("x", note("3"));
    s.prepend_once("x", note("4"));
    s.on_any([&](std::string event, sio::arguments) { order += event == "x" ? "a" : ""; });
    auto const any =
        s.prepend_any([&](std::string event, sio::arguments) { order += event == "x" ? "b" : ""; });
    co_await said(s, "x");
    CHECK(order == "ba4312");
    order.clear();
    co_await said(s, "x");
    CHECK(order == "ba31");
    order.clear();
    s.off(first);
    s.off(any);
    co_await said(s, "x");
    CHECK(order == "a3");
    order.clear();
    s.off("x");
    s.off_any();
    CHECK(c.events.empty());
    co_await said(s, "x");
    CHECK(order.empty());
    CHECK(c.events.size() == 1); // unhandled now
    s.off_unhandled();
    co_await said(s, "x");
    CHECK(c.events.size() == 1);
}

story outgoing(client_world& w) {
    auto s = w.settings();
    auto& c = w.make(s);
    std::vector<std::string> sent;
    auto const trace = [&](char const* who) {
        return [&sent, who](std::string event, sio::arguments args) {
            sent.push_back(who + event + json(args.values).dump());
        };
    };
    auto const id = c.socket.on_any_outgoing(trace("a "));
    c.socket.prepend_any_outgoing(trace("b "));
    c.socket.emit("kept", 1);
    CHECK(sent.empty()); // not sent yet
    c.socket.connect();
    co_await c.connects.next();
    std::vector<std::string> wanted{"b kept[1]", "a kept[1]"};
    CHECK(sent == wanted);
    sent.clear();
    c.socket.off(id);
    expect(co_await c.ask("echo", "x"), "x");
    c.socket.volatile_emit("v", true);
    wanted = {"b echo[\"x\"]", "b v[true]"};
    CHECK(sent == wanted);
    sent.clear();
    c.socket.off_any_outgoing();
    expect(co_await c.ask("echo", "y"), "y");
    CHECK(sent.empty());
    // One that ends the socket: nothing goes out.
    c.socket.on_any_outgoing([&](std::string, sio::arguments) { c.socket.disconnect(); });
    c.socket.emit("never");
    expect(co_await c.reasons.next(), "io client disconnect");
}

story tried_again(client_world& w) {
    auto s = w.settings();
    s.retries = 1;
    s.ack_timeout = milliseconds(20);
    auto& c = *co_await w.join(s);
    int sent = 0;
    c.socket.on_any_outgoing([&](std::string, sio::arguments) { ++sent; });
    auto const a = co_await c.socket.emit_with_ack(milliseconds(0), "nobody answers");
    CHECK(a.has_error());
    CHECK(sent == 2);
}

story next_event(client_world& w) {
    w.io.on("later", [](sio::socket s, json v) { s.emit("now", v, "more"); });
    auto s = w.settings();
    reconnecting(s);
    auto& c = *co_await w.join(s);
    c.socket.emit("later", 1); // sent at the end of the turn: the answer cannot be there before
    auto const got = co_await c.socket.next("now", soon);
    REQUIRE(got);
    CHECK((*got)[0] == 1);
    CHECK((*got)[1] == "more");
    auto const late = co_await c.socket.next("now", milliseconds(10));
    REQUIRE(late.has_error());
    CHECK(late.error() == sio::error::timeout);
    // Over a reconnection, too.
    c.socket.on_connect([&] { c.socket.emit("later", 2); });
    c.io->drop_connection();
    auto const after = co_await c.socket.next("now", soon);
    REQUIRE(after);
    CHECK((*after)[0] == 2);
    // And not for ever when the client goes.
    boost::asio::steady_timer timer(w.ctx, milliseconds(5));
    timer.async_wait([&](mad::error_code) { c.io.reset(); });
    auto const socket = c.socket;
    auto const gone = co_await socket.next("now");
    REQUIRE(gone.has_error());
    CHECK(gone.error() == sio::error::session_closed);
}

} // namespace

TEST_CASE("listeners come first, last, once and off") {
    client_world w;
    w.play(registrations(w));
}

TEST_CASE("what is sent is shown to who wants to see it, when it is sent") {
    client_world w;
    w.play(outgoing(w));
}

TEST_CASE("each try is shown") {
    client_world w;
    w.play(tried_again(w));
}

TEST_CASE("a coroutine may wait for the next event") {
    client_world w;
    w.play(next_event(w));
}
