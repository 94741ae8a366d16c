#include "io_world.hpp"

#include <mad/socketio/client.hpp>

#include <support/counting_deflate.hpp>

#include <boost/asio/io_context.hpp>

using namespace mad_test;

namespace {

constexpr char const* offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
std::string const big(4000, 'x');

} // namespace

TEST_CASE("a broadcast is compressed once for all, on every shard") {
    auto const counted = std::make_shared<counting_deflate>();
    sio::server_settings s;
    s.engine.per_message_deflate = counted;
    io_world w([](sio::server& io) { io.on_connection([](sio::socket) {}); }, s, 2);
    std::vector<std::unique_ptr<sio_peer>> peers;
    for (int i = 0; i < 8; ++i)
        peers.push_back(std::make_unique<sio_peer>(wire::websocket, w.port, offer));
    w.io().emit("news", big);
    for (auto const& p : peers) {
        auto const f = p->engine.ws().next();
        CHECK(f->compressed);
        CHECK(inflated(f->payload) == "42[\"news\",\"" + big + "\"]");
    }
    CHECK(counted->deflated == 1);
    w.io().compress(false).emit("news", big);
    for (auto const& p : peers)
        CHECK(p->next() == "2[\"news\",\"" + big + "\"]");
    CHECK(counted->deflated == 1);
}

TEST_CASE("an event may go as it is, beside others") {
    sio::server_settings s;
    s.engine.per_message_deflate = mad::net::make_message_deflate();
    io_world w(
        [](sio::server& io) {
            io.on_connection([](sio::socket it) {
                it.emit("a", big);
                it.uncompressed_emit("b", big);
                it.emit("c", big);
            });
        },
        s);
    sio_peer p(wire::websocket, w.port, offer);
    for (bool const compressed : {true, false, true})
        CHECK(p.engine.ws().next()->compressed == compressed);
}

TEST_CASE("the client's events are compressed where it says so") {
    auto const counted = std::make_shared<counting_deflate>();
    sio::server_settings s;
    s.engine.per_message_deflate = counted;
    notes heard;
    io_world w(
        [&](sio::server& io) {
            io.on_connection(
                [&](sio::socket it) { it.on("a", [&](std::string t) { heard.add(t); }); });
        },
        s);
    asio::io_context ioc;
    sio::client_settings cs("http://127.0.0.1:" + std::to_string(w.port));
    cs.engine.transports = {mad::engine::transport_kind::websocket};
    cs.engine.per_message_deflate = mad::net::make_message_deflate();
    sio::client c(ioc, cs);
    auto const socket = c.socket();
    socket.on_connect([socket] {
        socket.emit("a", big);
        socket.uncompressed_emit("a", big);
        socket.emit("a", "small");
        socket.disconnect();
    });
    socket.connect();
    ioc.run();
    CHECK(heard.await(3) == strings{big, big, "small"});
    CHECK(counted->inflated == 1);
}
