#include "failing_world.hpp"

#include <mad/core/json.hpp>
#include <mad/socketio/client.hpp>
#include <mad/socketio/server.hpp>

#include <support/hand_calls.hpp>

#include <boost/asio/io_context.hpp>

#include <memory>

using namespace mad_test;
using namespace mad_test::hand;
namespace sio = mad::socketio;
using mad::engine::transport_kind;

namespace {

/// A client and a server in one loop; an operation fails of whichever comes to it.
outcome play(std::vector<transport_kind> transports, bool server_drops,
             std::function<void()> const& spoil_now) {
    outcome o;
    boost::asio::io_context ctx{1};
    mad::net::shard::of(ctx);
    bool restless = false;
    auto const advance = [&](mad::milliseconds by) {
        advance_clock(by);
        restless = restless || !settle(ctx);
    };
    questions answers;
    std::size_t joined = 0, left = 0, connects = 0, ends = 0, good = 0;
    auto io = std::make_unique<sio::server>(ctx);
    io->on_connection([&](sio::socket s) {
        ++joined;
        s.on_disconnect([&](sio::disconnect_reason) { ++left; });
        s.on("echo", [](mad::json v, mad::bytes) { return v; });
        s.on("drop", [](sio::socket me) { me.drop_connection(); });
    });
    (void)io->adopt(listening_socket());
    advance(mad::milliseconds(0));
    connect_calls_to_listener(true);
    spoil_now();

    sio::client_settings settings("http://127.0.0.1:80");
    settings.engine.transports = std::move(transports);
    settings.reconnection_attempts = 3;
    auto client = std::make_unique<sio::client>(ctx, settings);
    auto const socket = client->socket();
    auto const ask = [&] {
        auto& n = answers.ask();
        socket.emit_with_ack(
            [&](mad::result<sio::arguments> r) {
                ++n;
                good += r.has_value();
            },
            mad::seconds(30), "echo", mad::json{{"a", 1}}, mad::bytes(2000, 7));
    };
    socket.on_connect([&] { ++connects; });
    socket.on_disconnect([&](sio::disconnect_reason) { ++ends; });
    {
        under_test const counted;
        auto& n = answers.ask();
        socket.connect([&n](mad::result<void>) { ++n; });
        ask(); // goes out with the connect
    }
    advance(mad::milliseconds(0));
    {
        under_test const counted;
        ask();
        if (server_drops)
            socket.emit("drop");
    }
    for (int i = 0; i < 40; ++i)
        advance(mad::seconds(2)); // heartbeats, attempts to reconnect
    {
        under_test const counted;
        ask();
    }
    advance(mad::milliseconds(0));
    o.done = good == 3 && connects == (server_drops ? 2u : 1u);
    {
        under_test const counted;
        client->close();
    }
    for (int i = 0; i < 10 && !client->closed(); ++i)
        advance(mad::seconds(10));
    if (!client->closed())
        o.wrong += "the client is not closed; ";
    if (connects != ends)
        o.wrong += "the client's socket did not end once; ";
    {
        under_test const counted;
        client.reset();
        io->close();
    }
    for (int i = 0; i < 10 && (io->sessions() > 0 || io->connections() > 0); ++i)
        advance(mad::seconds(30));
    advance(mad::seconds(60));
    if (io->sessions() + io->connections() > 0)
        o.wrong += "the server has sessions left; ";
    if (joined != left)
        o.wrong += "a socket of the server did not end once; ";
    {
        under_test const counted;
        io.reset();
    }
    advance(mad::seconds(60));
    o.wrong += answers.wrong(); // what was kept for later has been told when the client went
    if (restless)
        o.wrong += "never at rest; ";
    forget_connections();
    return o;
}

void over(std::vector<transport_kind> const& transports, bool drops) {
    with_each_failure(10, [&](auto spoil_now) { return play(transports, drops, spoil_now); });
}

} // namespace

TEST_CASE("a client over polling answers everything once, whichever operation fails") {
    over({transport_kind::polling}, GENERATE(false, true));
}

TEST_CASE("a client over a websocket answers everything once, whichever operation fails") {
    over({transport_kind::websocket}, GENERATE(false, true));
}

TEST_CASE("a client that upgrades answers everything once, whichever operation fails") {
    over({transport_kind::polling, transport_kind::websocket}, GENERATE(false, true));
}
