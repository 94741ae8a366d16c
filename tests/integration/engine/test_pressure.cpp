#include "engine_world.hpp"

#include <support/wires.hpp>

#include <poll.h>

using namespace mad_test;
using engine::close_reason;

namespace {

raw_client::wish small_window() {
    raw_client::wish w;
    w.receive_buffer = 4096;
    return w;
}

} // namespace

TEST_CASE("a peer that does not take what waits for it is closed at the limit of bytes") {
    engine::server_settings s;
    s.outbox.max_bytes = 512 * 1024;
    std::atomic<std::size_t> sent{0};
    engine_world::hooks h;
    h.on_message = [&](engine::session& e, std::string_view, bool) {
        while (e.send_text(std::string(10'000, 'x')))
            ++sent;
    };
    engine_world w(s, 1, h);
    auto const kind = both();
    CAPTURE(name_of(kind));
    if (kind == wire::websocket) {
        ws_peer p(w.port, "/engine.io/?EIO=4&transport=websocket", {}, small_window());
        p.text("4go");
        CHECK(w.await_closes(1));
    } else {
        polling_peer p(w.port);
        p.open();
        CHECK(p.post("4go").body == "ok");
        CHECK(w.await_closes(1));
        CHECK(sent == 512 * 1024 / 10'001 + 1); // the largest is not counted
    }
    CHECK(w.closes() == reasons{close_reason::slow_consumer});
    CHECK(engine::to_string(w.closes().front()) == "transport error");
    CHECK(w.log().count("engine.session.slow_consumer") == 1);
    CHECK(w.await_sessions(0));
    CHECK(sent > 0);
}

TEST_CASE("a peer that does not take what waits for it is closed at the limit of packets") {
    engine::server_settings s;
    s.outbox.max_blocks = 100;
    engine_world::hooks h;
    h.on_message = [&](engine::session& e, std::string_view, bool) {
        for (int i = 0; i < 101; ++i)
            e.send_text("x");
    };
    engine_world w(s, 1, h);
    polling_peer p(w.port);
    p.open();
    CHECK(p.post("4go").body == "ok");
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::slow_consumer});
}

TEST_CASE("a burst in one turn is no slow consumer when the peer reads") {
    engine::server_settings s;
    s.outbox.max_blocks = 100;
    s.outbox.max_bytes = 100'000;
    engine_world::hooks h;
    h.on_message = [&](engine::session& e, std::string_view, bool) {
        for (int i = 0; i < 2'000; ++i)
            e.send_text(std::to_string(i));
    };
    engine_world w(s, 1, h);
    engine_peer p(wire::websocket, w.port);
    p.send("4go");
    for (int i = 0; i < 2'000; ++i)
        REQUIRE(p.next_text() == "4" + std::to_string(i));
    CHECK(w.closes().empty());
}

TEST_CASE("many questions in one read get all their answers") {
    engine_world w;
    engine_peer p(wire::websocket, w.port);
    std::string all;
    constexpr int n = 60'000;
    for (int i = 0; i < n; ++i)
        all += client_frame(1, "4" + std::to_string(i));
    // Sent and read side by side, as a client does.
    std::string_view rest = all;
    int seen = 0;
    while (seen < n) {
        auto const sent = p.ws().wire.send_some(rest, 0ms);
        rest.remove_prefix(sent);
        if (sent == 0 || rest.empty()) {
            REQUIRE(p.next_text() == "4" + std::to_string(seen));
            ++seen;
        }
    }
    CHECK(w.closes().empty());
}

TEST_CASE("one message over the limit is no slow consumer by itself") {
    engine::server_settings s;
    s.outbox.max_bytes = 100'000;
    engine_world::hooks h;
    h.on_message = [&](engine::session& e, std::string_view, bool) {
        e.send_text(std::string(3'000'000, 'x'));
        e.send_text("and what comes behind it");
    };
    engine_world w(s, 1, h);
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer p(kind, w.port);
    p.send("4go");
    CHECK(p.next_text().size() == 3'000'001);
    CHECK(p.next_text() == "4and what comes behind it");
    CHECK(w.closes().empty());
}

TEST_CASE("who does not read the answers is not asked for more questions") {
    engine::server_settings s;
    s.pause_above_bytes = 50'000;
    engine_world::hooks h;
    h.on_message = [&](engine::session& e, std::string_view, bool) {
        e.send_text(std::string(10'000, 'x'));
    };
    engine_world w(s, 1, h);
    ws_peer p(w.port, "/engine.io/?EIO=4&transport=websocket", {}, small_window());
    p.accepted();
    std::string all;
    constexpr std::size_t n = 6'000; // 60 MB of answers
    for (std::size_t i = 0; i < n; ++i)
        all += client_frame(1, "4" + std::string(50, 'q'));
    auto const sent = p.wire.send_some(all, 200ms);
    auto const handled = w.messages();
    CHECK(handled < n);
    CHECK(w.closes().empty());

    // It reads, and gets the rest.
    std::string_view rest = std::string_view(all).substr(sent);
    std::size_t answers = 0;
    CHECK(p.next_text().starts_with("0"));
    while (answers < n) {
        rest.remove_prefix(p.wire.send_some(rest, 0ms));
        REQUIRE(p.next_text().size() == 10'001);
        ++answers;
    }
    CHECK(w.messages() == n);
    CHECK(w.closes().empty());
}

TEST_CASE("a large body whose answers outgrow the limit is read in step with the GETs") {
    engine::server_settings s;
    s.outbox.max_bytes = 400'000;
    s.pause_above_bytes = 100'000;
    engine_world::hooks h;
    h.on_message = [&](engine::session& e, std::string_view m, bool) {
        e.send_text(std::string(m) + std::string(3'000, 'x'));
    };
    engine_world w(s, 1, h);
    engine_peer p(wire::polling, w.port);
    std::string body;
    auto const many = GENERATE(1'000, 10'000); // below and above what is read in one piece
    for (int i = 0; i < many; ++i)
        body += (i ? "\x1e" : "") + ("4" + std::to_string(i));
    p.poll().post_wire().send(p.poll().post_request(body));
    for (int i = 0; i < many; ++i) {
        auto const answer = p.next_text();
        REQUIRE(answer.substr(0, answer.find('x')) == "4" + std::to_string(i));
        REQUIRE(answer.size() == 3'001 + std::to_string(i).size());
    }
    CHECK(p.poll().post_wire().answer().body == "ok");
    CHECK(w.closes().empty());
}

TEST_CASE("a body of many packets is read in slices, and others have their turn") {
    std::atomic<int> before_other{-1};
    std::atomic<int> count{0};
    engine_world::hooks h;
    h.on_message = [&](engine::session& e, std::string_view m, bool) {
        if (m == "other") {
            before_other = count.load();
            e.send_text(m);
        } else {
            ++count;
            auto const until = std::chrono::steady_clock::now() + 50us; // so that it takes a while
            while (std::chrono::steady_clock::now() < until) {
            }
        }
    };
    engine_world w({}, 1, h);
    polling_peer p(w.port);
    p.open();
    engine_peer other(wire::websocket, w.port);
    std::string body = "4x";
    constexpr int n = 6'000;
    for (int i = 1; i < n; ++i)
        body += "\x1e"
                "4x";
    p.post_wire().send(p.post_request(body));
    CHECK(wait_until([&] { return count > 0; }));
    other.send("4other");
    CHECK(other.next_text() == "4other");
    CHECK(p.post_wire().answer().body == "ok");
    CHECK(count == n);
    CHECK(before_other < n);
}

TEST_CASE("a paused session loses nothing, whatever arrives meanwhile") {
    std::atomic<engine::session*> paused{nullptr};
    engine_world::hooks h;
    h.on_message = [&](engine::session& s, std::string_view m, bool) {
        if (m == "pause") {
            s.pause();
            paused = &s;
        } else {
            s.send_text(m);
        }
    };
    engine_world w({}, 1, h);
    auto const kind = both();
    auto const size = GENERATE(std::size_t(10), std::size_t(400)); // a little, and 400 KB
    CAPTURE(name_of(kind), size);
    engine_peer p(kind, w.port);
    std::string all = kind == wire::websocket ? client_frame(1, "4pause") : "4pause";
    for (int i = 0; i < 1000; ++i) {
        auto const m = "4" + std::to_string(i) + std::string(size, '.');
        all += kind == wire::websocket ? client_frame(1, m) : "\x1e" + m;
    }
    raw_client* const out = kind == wire::websocket ? &p.ws().wire : &p.poll().post_wire();
    if (kind == wire::websocket)
        out->send_some(all, 100ms);
    else
        out->send(p.poll().post_request(all));
    CHECK(wait_until([&] { return paused.load() != nullptr; }));
    CHECK(w.messages() == 1);
    CHECK(out->silent_for(50ms));
    CHECK(w.messages() == 1);
    CHECK(w.closes().empty());
    w.on_shard([&] { paused.load()->resume(); });
    for (int i = 0; i < 1000; ++i)
        REQUIRE(p.next_text() == "4" + std::to_string(i) + std::string(size, '.'));
    CHECK(w.closes().empty());
}

TEST_CASE("pausing again and again keeps the order") {
    engine_world* world = nullptr;
    engine_world::hooks h;
    h.on_message = [&](engine::session& s, std::string_view m, bool) {
        s.send_text(m);
        s.pause();
        // Resumed by a handler of the loop, so that reading and what was kept compete.
        world->pool()[0].post([&s] { s.resume(); });
    };
    engine_world w({}, 1, h);
    world = &w;
    auto const kind = both();
    CAPTURE(name_of(kind));
    engine_peer p(kind, w.port);
    constexpr int n = 3'000;
    std::string all;
    for (int i = 0; i < n; ++i) {
        auto const m = "4" + std::to_string(i) + std::string(100, '.');
        all += kind == wire::websocket ? client_frame(1, m) : (i ? "\x1e" : "") + m;
    }
    std::string_view rest = all;
    if (kind == wire::polling)
        p.poll().post_wire().send(p.poll().post_request(all));
    for (int i = 0; i < n;) {
        if (kind == wire::websocket && !rest.empty()) {
            auto const sent = p.ws().wire.send_some(rest.substr(0, 1'000), 0ms);
            rest.remove_prefix(sent);
            if (sent > 0)
                continue;
        }
        auto const m = p.next_text();
        CAPTURE(p.ended_by);
        REQUIRE(m == "4" + std::to_string(i) + std::string(100, '.'));
        ++i;
    }
    CHECK(w.closes().empty());
}

TEST_CASE("a paused session that is closed still says goodbye") {
    engine::server_settings s;
    s.close_timeout = 10s;
    engine_world::hooks h;
    h.on_message = [&](engine::session& e, std::string_view, bool) {
        e.pause();
        e.close();
    };
    engine_world w(s, 1, h);
    engine_peer p(wire::websocket, w.port);
    p.send("4x");
    CHECK(p.ws().next()->is_close());
    auto const begun = std::chrono::steady_clock::now();
    p.ws().bye();
    CHECK(p.ws().wire.at_end());
    CHECK(std::chrono::steady_clock::now() - begun < 5s);
}

TEST_CASE("a paused peer that vanishes is noticed") {
    std::atomic<bool> paused{false};
    engine_world::hooks h;
    h.on_message = [&](engine::session& e, std::string_view, bool) {
        e.pause();
        paused = true;
    };
    engine_world w({}, 1, h);
    engine_peer p(wire::websocket, w.port);
    p.send("4x");
    CHECK(wait_until([&] { return paused.load(); }));
    p.vanish();
    CHECK(w.await_closes(1));
    CHECK(w.closes() == reasons{close_reason::transport_error});
}

TEST_CASE("pings are answered to a limit, and cost nothing behind it") {
    engine::server_settings s;
    s.outbox.max_blocks = 50;
    s.pause_above_bytes = 4'000;
    engine_world w(s);
    ws_peer p(w.port, "/engine.io/?EIO=4&transport=websocket", {}, small_window());
    p.accepted();
    std::string all;
    for (int i = 0; i < 50'000; ++i)
        all += client_frame(9, std::string(100, 'p'));
    p.wire.send_some(all, 200ms);
    CHECK(w.closes().empty());
    CHECK(w.server().sessions() == 1);
}
