#include "io_world.hpp"

using namespace mad_test;

TEST_CASE("packets over the rate wait, and none is lost") {
    sio::server_settings s;
    s.max_packet_rate = 400;
    s.packet_burst = 100;
    std::atomic<int> count{0}, out_of_order{0};
    io_world w([&](sio::server& io) { io.on("x", [&](int n) { out_of_order += n != count++; }); },
               s);
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    auto const begun = std::chrono::steady_clock::now();
    std::string all;
    constexpr int n = 300;
    for (int i = 0; i < n; ++i) {
        auto const m = "42[\"x\"," + std::to_string(i) + "]";
        all += kind == wire::websocket ? client_frame(1, m) : (i ? "\x1e" : "") + m;
    }
    if (kind == wire::websocket)
        p.engine.ws().wire.send(all);
    else
        p.engine.poll().post_wire().send(p.engine.poll().post_request(all));
    CHECK(wait_until([&] { return count >= 90; }));
    auto const at_first = count.load();
    CHECK(wait_until([&] { return count == n; }));
    CHECK(out_of_order == 0);
    auto const took = std::chrono::steady_clock::now() - begun;
    CHECK(took >= 400ms); // (300 - 100) / 400 s, less what the last pause gives ahead
    CHECK(at_first < n);
    CHECK(w.io().sessions() == 1);
    if (kind == wire::polling)
        CHECK(p.engine.poll().post_wire().answer().body == "ok");
}

TEST_CASE("a peer over its rate is not late with its pong") {
    sio::server_settings s;
    s.max_packet_rate = 50;
    s.packet_burst = 10;
    s.engine.ping_interval = s.engine.ping_timeout = 150ms;
    std::atomic<int> count{0};
    io_world w([&](sio::server& io) { io.on("x", [&] { ++count; }); }, s);
    sio_peer p(wire::websocket, w.port);
    std::string all;
    constexpr int n = 80; // 1.4 s of packets, in front of any pong
    for (int i = 0; i < n; ++i)
        all += client_frame(1, R"(42["x"])");
    p.engine.ws().wire.send(all);
    while (count < n) {
        // Answers each ping as it comes; the pongs wait behind the packets.
        if (!p.engine.ws().wire.silent_for(20ms)) {
            auto const f = p.engine.ws().next();
            REQUIRE(f);
            REQUIRE(f->is_text("2"));
            p.engine.ws().text("3");
        }
    }
    CHECK(w.io().sessions() == 1);
}

TEST_CASE("a throttled peer that begins a binary packet is not held longer than others") {
    sio::server_settings s;
    s.max_packet_rate = 100;
    s.packet_burst = 5;
    io_world w([](sio::server& io) { io.on("up", [](mad::bytes b) { return b.size(); }); }, s);
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    auto const begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 8; ++i)
        p.send("51-" + std::to_string(i) + "[\"up\"," + placeholder(0) + "]", {"abc"});
    for (int i = 0; i < 8; ++i)
        CHECK(p.next() == "3" + std::to_string(i) + "[3]");
    CHECK(std::chrono::steady_clock::now() - begun < 5s);
}

TEST_CASE("a peer that goes while it is throttled is let go") {
    sio::server_settings s;
    s.max_packet_rate = 1;
    s.packet_burst = 1;
    io_world w({}, s);
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    for (int i = 0; i < 3; ++i) {
        if (kind == wire::websocket)
            p.send(R"(2["x"])");
        else
            p.engine.poll().post_wire().send(p.engine.poll().post_request(R"(42["x"])"));
    }
    SECTION("by itself") {
        if (kind == wire::polling)
            p.engine.poll().begin_get();
        p.engine.vanish();
    }
    SECTION("by the server") {
        w.io().close();
    }
    CHECK(w.await_sessions(0));
}

TEST_CASE("attachments that do not come end the session, whatever else comes") {
    sio::server_settings s;
    s.attachment_timeout = 150ms;
    io_world w([](sio::server& io) { io.on("up", [](mad::bytes b) { return b.size(); }); }, s);
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    p.send("51-1[\"up\"," + placeholder(0) + "]", {"in time"});
    CHECK(p.next() == "31[7]");
    auto const begun = std::chrono::steady_clock::now();
    p.send("59-[\"up\"" + [] {
        std::string all;
        for (int i = 0; i < 9; ++i)
            all += "," + placeholder(i);
        return all;
    }() + "]");
    SECTION("nothing comes") {}
    SECTION("they come one by one, each in time") {
        for (int i = 0; i < 8 && w.io().sessions() > 0; ++i) {
            p.engine.send_binary("x");
            if (kind == wire::websocket)
                p.engine.ws().wire.silent_for(60ms);
            else
                raw_client(w.port).silent_for(60ms);
        }
        CHECK(std::chrono::steady_clock::now() - begun < 5s);
    }
    CHECK(p.ends());
    CHECK(w.await_sessions(0));
    CHECK(std::chrono::steady_clock::now() - begun >= 150ms);
}

TEST_CASE("the limits of a packet count") {
    sio::server_settings s;
    s.packets.max_attachments = 2;
    s.packets.max_attachment_bytes = 1'000;
    notes seen;
    io_world w(
        [&](sio::server& io) {
            io.on_connection([&](sio::socket c) {
                c.on_any([&](std::string name, sio::arguments) { seen.add(name); });
            });
        },
        s);
    sio_peer p(both(), w.port);
    p.send("52-[\"two\"," + placeholder(0) + "," + placeholder(1) + "]",
           {std::string(500, 'a'), std::string(500, 'b')});
    CHECK(seen.await(1) == strings{"two"});
    SECTION("too many") {
        p.send("53-[\"three\"," + placeholder(0) + "," + placeholder(1) + "," + placeholder(2) +
               "]");
    }
    SECTION("too large") {
        p.send("51-[\"one\"," + placeholder(0) + "]", {std::string(1'001, 'a')});
    }
    SECTION("too deep") {
        p.send("2[\"deep\"," + std::string(100, '[') + std::string(100, ']') + "]");
    }
    SECTION("too many arguments") {
        std::string many = "2[\"many\"";
        for (int i = 0; i < 65; ++i)
            many += ",1";
        p.send(many + "]");
    }
    SECTION("too long a name") {
        p.send("2[\"" + std::string(257, 'n') + "\"]");
    }
    CHECK(p.ends());
    CHECK(seen.size() == 1);
}

TEST_CASE("one who does not read ends alone, whatever is broadcast") {
    sio::server_settings s;
    s.engine.outbox.max_bytes = 200'000;
    notes seen;
    io_world w(
        [&](sio::server& io) {
            io.of("/").on_disconnect([&](sio::socket, sio::disconnect_reason r) {
                seen.add(std::string(sio::to_string(r)));
            });
        },
        s);
    raw_client::wish small;
    small.receive_buffer = 4096;
    ws_peer slow(w.port, "/socket.io/?EIO=4&transport=websocket", {}, small);
    slow.next_text();
    slow.text("40");
    slow.next_text();
    sio_peer good(wire::websocket, w.port);
    CHECK(w.await_sockets(2));
    std::string const text(20'000, 'x');
    int sent = 0;
    while (seen.size() == 0 && sent < 5'000) {
        w.io().emit("x", text);
        ++sent;
        REQUIRE(good.next().size() > 20'000);
    }
    CHECK(seen.all() == strings{"transport error"});
    CHECK(w.log().count("engine.session.slow_consumer") == 1);
    CHECK(w.io().sessions() == 1);
}
