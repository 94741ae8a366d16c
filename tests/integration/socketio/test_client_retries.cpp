#include "client_world.hpp"

#include <support/golden.hpp>

using namespace mad_test;

namespace {

using texts = std::vector<std::string>;

constexpr char const* open_packet =
    R"(0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000})";

sio::client_settings trying(client_world& w, ws_host const& host, std::size_t retries,
                            milliseconds limit) {
    auto s = w.settings();
    s.engine.url = host.url();
    s.retries = retries;
    s.ack_timeout = limit;
    return s;
}

/// What came of one question, as a word.
sio::ack_callback into(inbox<std::string>& box) {
    return [&box](mad::result<sio::arguments> a) {
        box.push(!a ? a.error().message() : a->empty() ? "" : (*a)[0].get<std::string>());
    };
}

std::string words(sio::error e) {
    return make_error_code(e).message();
}

/// Opens a session and joins `/`.
story welcome(ws_line line, std::string nsp = {}) {
    co_await line.send(open_packet);
    expect(co_await line.text(), "40" + nsp);
    co_await line.send("40" + nsp + R"({"sid":"s"})");
}

story recorded(client_world& w) {
    auto const all = golden_frames("client-retries-and-acks");
    inbox<std::string> ended(w.ctx);
    ws_host host(w.ctx, {golden_talk(all, 1, ended), golden_talk(all, 2, ended),
                         golden_talk(all, 3, ended)});
    inbox<std::string> answers(w.ctx);

    auto& retrying = *co_await w.join(trying(w, host, 3, milliseconds(300)));
    retrying.socket.emit("flaky", 1);
    retrying.socket.emit_with_ack(into(answers), milliseconds(0), "flaky", 2);
    expect(co_await answers.next(), "ok");
    retrying.socket.disconnect();

    auto& patient = *co_await w.join(trying(w, host, 0, milliseconds(0)));
    patient.socket.on("q", [] { return "answer"; });
    patient.socket.emit_with_ack(into(answers), milliseconds(80), "never");
    expect(co_await answers.next(), words(sio::error::timeout));
    auto const unanswered = json::array({"unanswered"});
    expect(co_await patient.events.next(), unanswered);
    patient.socket.disconnect();

    auto& early = w.make(trying(w, host, 0, milliseconds(0)));
    early.socket.emit("buffered", 1);
    early.socket.volatile_emit("volatile");
    early.socket.emit_with_ack(into(answers), milliseconds(0), "buffered-ack", 2);
    early.socket.connect();
    co_await early.connects.next();
    early.socket.disconnect();
    expect(co_await answers.next(), words(sio::error::not_acknowledged));
    for (int i = 0; i < 3; ++i)
        expect(co_await ended.next(), "");
    co_await host.close();
}

story dropped(client_world& w) {
    texts seen;
    ws_host host(w.ctx, {[&](ws_line line) -> story {
                     co_await welcome(line);
                     for (int i = 0; i < 4; ++i)
                         seen.push_back(co_await line.text());
                     co_await line.send("433[\"second\"]");
                     co_await line.text();
                 }});
    auto& c = *co_await w.join(trying(w, host, 2, milliseconds(0)));
    inbox<std::string> answers(w.ctx);
    c.socket.emit_with_ack(into(answers), milliseconds(30), "x", "a");
    c.socket.emit_with_ack(into(answers), soon, "x", "b");
    expect(co_await answers.next(), words(sio::error::timeout));
    expect(co_await answers.next(), "second");
    texts const wanted{R"(420["x","a"])", R"(421["x","a"])", R"(422["x","a"])", R"(423["x","b"])"};
    CHECK(seen == wanted);
    co_await host.close();
}

story resent(client_world& w) {
    texts seen;
    auto const nsp = std::string("/a[b,");
    ws_host host(w.ctx, {[&](ws_line line) -> story {
                             co_await welcome(line, nsp);
                             for (int i = 0; i < 2; ++i)
                                 seen.push_back((co_await line.next())->data);
                         },
                         [&](ws_line line) -> story {
                             co_await welcome(line, nsp);
                             for (int i = 0; i < 2; ++i)
                                 seen.push_back((co_await line.next())->data);
                             co_await line.send("43" + nsp + "1[\"got it\"]");
                             seen.push_back(co_await line.text());
                             co_await line.send("43" + nsp + "2[]");
                             co_await line.text();
                         }});
    auto s = trying(w, host, 1, milliseconds(0));
    reconnecting(s);
    auto& c = w.make(s, "/a[b");
    inbox<std::string> answers(w.ctx);
    // Before it is connected, and without anybody who waits: kept all the same.
    c.socket.emit_with_ack(into(answers), milliseconds(0), "bytes", mad::bytes{1, 2});
    c.socket.emit_with_ack(into(answers), milliseconds(0), "plain");
    c.socket.connect();
    expect(co_await answers.next(), "got it");
    expect(co_await answers.next(), "");
    auto const text = [&](int id) {
        return "451-" + nsp + std::to_string(id) + R"(["bytes",{"_placeholder":true,"num":0}])";
    };
    texts const wanted{text(0), "\x01\x02", text(1), "\x01\x02", "42" + nsp + R"(2["plain"])"};
    CHECK(seen == wanted);
    co_await host.close();
}

story lost(client_world& w) {
    ws_host host(w.ctx, {[&](ws_line line) -> story {
                     co_await welcome(line);
                     co_await line.text(); // and is gone
                 }});
    auto s = trying(w, host, 1, milliseconds(0));
    reconnecting(s);
    auto& c = *co_await w.join(s);
    inbox<std::string> answers(w.ctx);
    c.socket.emit_with_ack(into(answers), milliseconds(0), "x");
    expect(co_await answers.next(), words(sio::error::not_acknowledged)); // the second try's
    co_await host.close();
}

story full(client_world& w) {
    auto s = w.settings();
    s.retries = 5;
    s.max_buffered_packets = 2;
    auto& c = w.make(s);
    inbox<std::string> answers(w.ctx);
    for (int i = 0; i < 3; ++i)
        c.socket.emit_with_ack(into(answers), milliseconds(0), "echo", std::to_string(i));
    expect(co_await answers.next(), words(sio::error::queue_full));
    CHECK(w.log.has("socketio.client.buffer_full"));
    c.socket.connect();
    expect(co_await answers.next(), "0");
    expect(co_await answers.next(), "1");
    // Volatile events do not wait, and there is room again.
    w.io.on("note", [](sio::socket p, std::string text) { p.emit("noted", text); });
    c.socket.volatile_emit("note", "now");
    auto const noted = json::array({"noted", "now"});
    expect(co_await c.events.next(), noted);
    c.socket.emit_with_ack(into(answers), milliseconds(0), "echo", "2");
    expect(co_await answers.next(), "2");
    // Who still waits when the client goes is told.
    c.socket.emit_with_ack(into(answers), milliseconds(0), "nobody answers");
    c.socket.emit_with_ack(into(answers), milliseconds(0), "echo", "3");
    c.io.reset();
    expect(co_await answers.next(), words(sio::error::session_closed));
    expect(co_await answers.next(), words(sio::error::session_closed));
}

story in_order(client_world& w, std::string transports) {
    auto s = w.settings(transports);
    s.retries = 3;
    s.ack_timeout = soon;
    std::vector<int> seen;
    w.io.on("n", [&](int i) {
        seen.push_back(i);
        return i;
    });
    auto& c = w.make(s);
    c.socket.connect();
    for (int i = 0; i < 200; ++i)
        c.socket.emit("n", i);
    auto const last = co_await c.socket.emit_with_ack(milliseconds(0), "n", 200);
    CHECK(last);
    REQUIRE(seen.size() == 201);
    for (int i = 0; i <= 200; ++i)
        CHECK(seen[static_cast<std::size_t>(i)] == i);
}

story common_timeout(client_world& w) {
    auto s = w.settings();
    s.ack_timeout = milliseconds(20);
    auto& c = *co_await w.join(s);
    auto const a = co_await c.socket.emit_with_ack(milliseconds(0), "nobody answers");
    REQUIRE(a.has_error());
    CHECK(a.error() == sio::error::timeout);
}

story unsent_timeout(client_world& w) {
    auto s = w.settings();
    s.max_buffered_packets = 1;
    auto& c = w.make(s);
    inbox<std::string> answers(w.ctx);
    c.socket.emit_with_ack(into(answers), milliseconds(10), "echo", "too late");
    expect(co_await answers.next(), words(sio::error::timeout));
    // Its place is free, and it is not sent any more.
    c.socket.emit_with_ack(into(answers), soon, "echo", "in time");
    c.socket.connect();
    expect(co_await answers.next(), "in time");
    CHECK(answers.empty());
}

} // namespace

TEST_CASE("retries, timeouts and buffers look on the wire as recorded") {
    client_world w;
    w.play(recorded(w));
}

TEST_CASE(
    "an event that is never answered is dropped after its last try, and the next one's turn") {
    client_world w;
    w.play(dropped(w));
}

TEST_CASE("what waits for its answer is sent again after a reconnection, with another id") {
    client_world w;
    w.play(resent(w));
}

TEST_CASE("a disconnect ends a try") {
    client_world w;
    w.play(lost(w));
}

TEST_CASE("the queue of tries has its limit, and nobody who waits is forgotten") {
    client_world w;
    w.play(full(w));
}

TEST_CASE("events that are sent until they are answered arrive in order") {
    client_world w;
    w.play(in_order(w, each_transport()));
}

TEST_CASE("answers are awaited as long as the settings say when the call does not") {
    client_world w;
    w.play(common_timeout(w));
}

TEST_CASE("what times out before it is sent takes no room any more") {
    client_world w;
    w.play(unsent_timeout(w));
}
