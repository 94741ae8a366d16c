#include "io_world.hpp"

#include <mad/socketio/client.hpp>

#include <boost/asio/io_context.hpp>

using namespace mad_test;
using mad::engine::transport_kind;

namespace {

sio::server_settings packed_server() {
    sio::server_settings s;
    s.parser = sio::packet_parser::msgpack;
    return s;
}

/// A packet of the peer, from its message as text.
std::string packed(std::string_view message) {
    return sio::encode_msgpack(message);
}

/// What the server sent, as text with its attachments behind it.
std::string unpacked(std::string_view bytes) {
    auto const p = sio::decode_msgpack(bytes);
    if (!p)
        return p.error().message();
    std::string out;
    sio::append_header(out, p->view.type, p->view.attachments, p->view.nsp, p->view.id);
    out += p->view.payload;
    for (auto const& a : p->attachments)
        out.append("+").append(a);
    return out;
}

/// Joins `/`.
engine_peer joined(wire w, std::uint16_t port) {
    engine_peer p(w, port, "/socket.io/");
    p.send_binary(packed("40"));
    auto const answer = p.next();
    REQUIRE(answer);
    CHECK(answer->binary);
    CHECK(unpacked(answer->text).starts_with("0{\"sid\":\""));
    return p;
}

} // namespace

TEST_CASE("a server of msgpack packets speaks nothing else, over either wire") {
    auto const kind = both();
    CAPTURE(name_of(kind));
    io_world w(
        [](sio::server& io) {
            io.on_connection([](sio::socket s) {
                s.on("echo", [](sio::arguments a, sio::ack reply) { reply(a); });
                s.on("all", [s](mad::bytes b) { s.broadcast().emit("news", b, 1.5); });
                s.on("kick", [s] { s.disconnect(); });
            });
            io.of("/no").use([](sio::socket const&, sio::next next) {
                next(sio::connect_error{"not you", R"({"why":[1]})"});
            });
        },
        packed_server());
    auto p = joined(kind, w.port), other = joined(kind, w.port);
    auto const next = [](engine_peer& e) { return unpacked(e.next()->text); };
    p.send_binary(packed("427[\"echo\",{\"a\":[1,null]},\"\xe2\x82\xac\"]"));
    CHECK(next(p) == "37[{\"a\":[1,null]},\"\xe2\x82\xac\"]");
    auto const event = sio::encode_packet(sio::packet_type::event, "/", std::nullopt,
                                          std::string_view("all"), mad::bytes{65, 66});
    p.send_binary(sio::encode_msgpack(event.text().payload(), event.attachments()));
    CHECK(next(other) == "51-[\"news\",{\"_placeholder\":true,\"num\":0},1.5]+AB");
    p.send_binary(packed("40/no,"));
    CHECK(next(p) == "4/no,{\"message\":\"not you\",\"data\":{\"why\":[1]}}");
    p.send_binary(packed("40/none,"));
    CHECK(next(p) == "4/none,{\"message\":\"Invalid namespace\"}");
    p.send_binary(packed("42[\"kick\"]"));
    CHECK(next(p) == "1");
    other.send_binary(packed("421[\"echo\"]"));
    CHECK(next(other) == "31[]");
}

TEST_CASE("what is no msgpack packet ends that session, and no other") {
    std::string const bytes =
        GENERATE(std::string("\xc1"), std::string("\x93\x02\x01\x02"), std::string(100'000, '\x91'),
                 std::string("text"), std::string());
    io_world w([](sio::server& io) { io.on_connection([](sio::socket) {}); }, packed_server());
    auto p = joined(wire::websocket, w.port), other = joined(wire::websocket, w.port);
    if (bytes == "text")
        p.send("42[\"x\"]");
    else
        p.send_binary(bytes);
    CHECK(p.ends());
    CHECK(w.await_sockets(1));
}

TEST_CASE("mad's client and server speak msgpack with each other") {
    auto const kind = GENERATE(transport_kind::polling, transport_kind::websocket);
    notes heard;
    io_world w(
        [&](sio::server& io) {
            io.of("/chat").on_connection([&](sio::socket s) {
                heard.add("auth " + s.handshake().auth().dump());
                s.on("ask", [s](std::string t, mad::bytes b) -> asio::awaitable<void> {
                    auto const a = co_await s.emit_with_ack(1s, "question", t, b);
                    if (a)
                        s.emit("answered", *a);
                });
                s.on_disconnect(
                    [&](sio::disconnect_reason r) { heard.add(std::string(sio::to_string(r))); });
            });
        },
        packed_server());
    asio::io_context ioc;
    sio::client_settings cs("http://127.0.0.1:" + std::to_string(w.port));
    cs.parser = sio::packet_parser::msgpack;
    cs.engine.transports = {kind};
    sio::client c(ioc, cs);
    auto const s = c.socket("/chat");
    s.set_auth({{"token", "abc"}});
    s.on("question",
         [](std::string t, mad::bytes b) { return t + " " + std::to_string(b.size()); });
    std::string answer;
    s.on("answered", [&](std::string t) {
        answer = t;
        s.disconnect();
    });
    s.emit("ask", "how many", mad::bytes{1, 2, 3}); // buffered
    s.connect();
    ioc.run();
    CHECK(answer == "how many 3");
    CHECK(heard.await(2) == strings{"auth {\"token\":\"abc\"}", "client namespace disconnect"});
}
