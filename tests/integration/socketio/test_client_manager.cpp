#include "client_world.hpp"

using namespace mad_test;

namespace {

sio::server_settings pinging() {
    auto s = client_world::quick();
    s.engine.ping_interval = milliseconds(20);
    return s;
}

story told(client_world& w) {
    auto s = w.settings();
    reconnecting(s);
    auto& c = w.make(s);
    std::vector<std::string> said;
    c.io->on_open([&] { said.push_back("open"); });
    c.io->on_close([&](sio::disconnect_reason r, mad::error_code why) {
        said.push_back("close " + std::string(to_string(r)) + (why ? " error" : ""));
    });
    c.io->on_reconnect_attempt([&](std::size_t n) { said.push_back("try " + std::to_string(n)); });
    c.io->on_reconnect([&](std::size_t) { said.push_back("back"); });
    c.io->on_packet([&](sio::packet const& p) {
        said.push_back("packet " + std::to_string(static_cast<int>(p.view.type)));
    });
    c.socket.on_connect([&] { said.push_back("connect"); });
    c.socket.on_disconnect([&](sio::disconnect_reason) { said.push_back("disconnect"); });
    c.socket.connect();
    co_await c.connects.next();
    expect(co_await c.ask("echo", 1), 1);
    c.io->drop_connection();
    co_await c.connects.next();
    c.socket.disconnect();
    // clang-format off
    std::vector<std::string> const wanted{
        "open", "packet 0", "connect", "packet 3",
        "disconnect", "close transport close", "try 1",
        "open", "back", "packet 0", "connect",
        "close forced close", "disconnect"};
    // clang-format on
    CHECK(said == wanted);
}

story pings(client_world& w, std::string transports) {
    auto& c = *co_await w.join(w.settings(transports));
    inbox<int> seen(w.ctx);
    c.io->on_ping([&] { seen.push(1); });
    for (int i = 0; i < 3; ++i)
        co_await seen.next();
}

story upgrades(client_world& w) {
    auto& c = w.make(w.settings("upgrade"));
    inbox<mad::engine::transport_kind> seen(w.ctx);
    c.io->on_upgrade([&](mad::engine::transport_kind k) { seen.push(k); });
    c.socket.connect();
    auto const kind = co_await seen.next();
    CHECK(kind == mad::engine::transport_kind::websocket);
    CHECK(c.io->transport() == kind);
}

story handlers_that_end_it(client_world& w) {
    auto const where = GENERATE(as<std::string>(), "open", "packet", "ping", "close");
    auto s = w.settings();
    reconnecting(s);
    auto& c = w.make(s);
    inbox<int> gone(w.ctx);
    auto const end = [&] {
        if (c.io) {
            c.io.reset();
            gone.push(1);
        }
    };
    if (where == "open")
        c.io->on_open(end);
    if (where == "packet")
        c.io->on_packet([end](sio::packet const&) { end(); });
    if (where == "ping")
        c.io->on_ping(end);
    if (where == "close") {
        c.io->on_close([end](sio::disconnect_reason, mad::error_code) { end(); });
        c.socket.on_connect([&] { c.io->drop_connection(); });
    }
    c.socket.connect();
    co_await gone.next();
}

} // namespace

TEST_CASE("the connection tells what becomes of it, in order") {
    client_world w;
    w.play(told(w));
}

TEST_CASE("each ping is told") {
    client_world w(pinging());
    w.play(pings(w, GENERATE(as<std::string>(), "polling", "websocket")));
}

TEST_CASE("an upgrade is told") {
    client_world w;
    w.play(upgrades(w));
}

TEST_CASE("a client may be destroyed by what it calls") {
    client_world w(pinging());
    w.play(handlers_that_end_it(w));
}
