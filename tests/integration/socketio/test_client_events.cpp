#include "client_world.hpp"

#include <boost/asio/post.hpp>

using namespace mad_test;

namespace {

// Stories take their world by reference: it outlives them. Values stand in names before a
// `co_await`, as GCC 12 wants it.

story both_ways(client_world& w, std::string transports) {
    w.io.on("sum", [](int a, double b, sio::ack reply) { reply(a + b, "done"); });
    w.io.on("ask back", [](sio::socket s) -> boost::asio::awaitable<json> {
        auto const a = co_await s.emit_with_ack(soon, "question", 6, 7);
        co_return a ? json(a->values) : json(a.error().message());
    });
    auto& c = *co_await w.join(w.settings(transports));
    c.socket.on("question", [](int a, int b) { return a * b; });

    auto const sum = co_await c.socket.emit_with_ack(soon, "sum", 1, 2.5);
    REQUIRE(sum);
    auto const wanted = json::array({3.5, "done"});
    CHECK(json(sum->values) == wanted);
    auto const back = co_await c.socket.emit_with_ack(soon, "ask back");
    REQUIRE(back);
    auto const answered = json::array({json::array({42})});
    CHECK(json(back->values) == answered);

    auto value = json::object();
    value["bytes"] = json::binary({0, 1, 255});
    value["more"] = json::array({json::binary({}), "\xe2\x82\xac", nullptr, true, -1, 1e300});
    expect(co_await c.ask("echo", value), value);

    // The server's side of acks and of its own events.
    inbox<json> done(w.ctx);
    w.io.on("start", [&done](sio::socket s) {
        s.emit_with_ack(
            [&done](mad::result<sio::arguments> a) {
                done.push(a ? json(a->values) : json(a.error().message()));
            },
            soon, "bytes back", mad::bytes{1, 2, 3});
    });
    c.socket.on("bytes back", [](mad::bytes b, sio::ack reply) {
        b.push_back(4);
        reply(b, b.size());
    });
    c.socket.emit("start");
    auto got = json::array();
    got.push_back(json::binary({1, 2, 3, 4}));
    got.push_back(4);
    expect(co_await done.next(), got);
}

story order(client_world& w, std::string transports) {
    w.io.on("n", [](sio::socket s, int i) { s.emit("n back", i); });
    auto& c = w.make(w.settings(transports));
    c.socket.connect();
    for (int i = 0; i < 1000; ++i)
        if (i % 3)
            c.socket.emit("n", i);
        else
            c.socket.emit("n", i, mad::bytes(3, 7));
    for (int i = 0; i < 1000; ++i) {
        auto const event = co_await c.events.next();
        auto const wanted = json::array({"n back", i});
        REQUIRE(event == wanted);
    }
}

story handlers(client_world& w) {
    w.io.on("say", [](sio::socket s, std::string event, json value, sio::ack reply) {
        // Answers when the client has: everything before it has run then.
        s.emit(event, value);
        s.emit_with_ack([reply](mad::result<sio::arguments>) mutable { reply(); }, soon, "sync");
    });
    auto& c = *co_await w.join(w.settings());
    auto const s = c.socket;
    s.on("sync", [] { return true; });
    auto const said = json::array();
    int first = 0, second = 0, typed = 0;
    s.on("twice", [&] { ++first; });
    s.on("twice", [&] {
        ++second;
        s.off("twice");
    });
    s.on("throws", [] { throw std::runtime_error("a bad day"); });
    s.on("throws", [&] { ++typed; });
    s.on("number", [&](int) { ++typed; });

    co_await s.emit_with_ack(soon, "say", "twice", nullptr);
    co_await s.emit_with_ack(soon, "say", "twice", nullptr);
    CHECK(first == 1);
    CHECK(second == 1);
    co_await s.emit_with_ack(soon, "say", "throws", nullptr);
    CHECK(typed == 1);
    CHECK(w.log.has("a bad day"));
    co_await s.emit_with_ack(soon, "say", "number", "no number");
    CHECK(typed == 1);
    co_await s.emit_with_ack(soon, "say", "number", 5);
    CHECK(typed == 2);

    // Only what has no handler reaches the one for all; the second "twice" had none any more.
    auto const wanted_twice = json::array({"twice", nullptr});
    REQUIRE(c.events.size() == 1);
    expect(co_await c.events.next(), wanted_twice);
}

story mismatch(client_world& w) {
    inbox<json> answers(w.ctx);
    w.io.on_connection([&](sio::socket s) {
        s.emit_with_ack([&](mad::result<sio::arguments> a) { answers.push(a ? (*a)[0] : json()); },
                        soon, "typed", "text");
    });
    auto& c = w.make(w.settings());
    c.socket.on("typed", [](int) { return 1; });
    c.socket.connect();
    auto const answer = co_await answers.next();
    CHECK(answer.contains("error"));
}

story answers_once(client_world& w) {
    inbox<json> answers(w.ctx);
    w.io.on_connection([&](sio::socket s) {
        s.emit_with_ack([&](mad::result<sio::arguments> a) { answers.push(a ? (*a)[0] : json()); },
                        soon, "q");
    });
    auto& c = w.make(w.settings());
    c.socket.on("q", [](sio::ack reply) {
        auto copy = reply;
        CHECK(reply.wanted());
        copy(1);
        CHECK_FALSE(reply.wanted());
        reply(2);
    });
    c.socket.connect();
    expect(co_await answers.next(), 1);
    expect(co_await c.ask("echo", "still there"), "still there");
    CHECK(answers.empty());
}

story late_answer(client_world& w) {
    w.io.on_connection(
        [](sio::socket s) { s.emit_with_ack([](mad::result<sio::arguments>) {}, soon, "q"); });
    auto s = w.settings();
    reconnecting(s);
    auto& c = w.make(s);
    std::vector<sio::ack> kept;
    c.socket.on("q", [&](sio::ack reply) { kept.push_back(std::move(reply)); });
    c.socket.connect();
    co_await c.connects.next();
    expect(co_await c.ask("echo", 1), 1);
    c.socket.emit("drop");
    co_await c.connects.next();
    expect(co_await c.ask("echo", 2), 2);
    REQUIRE(kept.size() == 2);
    // The first belongs to a connection that is gone: its number means something else by now.
    kept[0]("old");
    kept[1]("new");
    expect(co_await c.ask("echo", 3), 3);
    CHECK(c.reasons.size() == 1);
}

story coroutine_handlers(client_world& w) {
    auto s = w.settings();
    s.max_unfinished = 4;
    inbox<int> started(w.ctx);
    inbox<json> answers(w.ctx);
    boost::asio::steady_timer gate(w.ctx, mad::time_point::max());
    w.io.on("ask many", [&](sio::socket peer) {
        for (int i = 0; i < 10; ++i)
            peer.emit_with_ack(
                [&](mad::result<sio::arguments> a) { answers.push(a ? (*a)[0] : json()); }, soon,
                "slow", i);
    });
    auto& c = *co_await w.join(s);
    c.socket.on("slow", [&](int i) -> boost::asio::awaitable<int> {
        started.push(i);
        mad::error_code ignored;
        co_await gate.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        co_return i * 10;
    });
    c.socket.emit("ask many");
    for (int i = 0; i < 4; ++i)
        expect(co_await started.next(), i);
    // The others wait on the wire until some have ended.
    gate.cancel();
    for (int i = 4; i < 10; ++i) {
        expect(co_await started.next(), i);
        gate.cancel();
    }
    gate.cancel();
    for (int i = 0; i < 10; ++i)
        expect(co_await answers.next(), i * 10);
}

story coroutine_fault(client_world& w) {
    w.io.on_connection([](sio::socket s) { s.emit("now"); });
    auto& c = w.make(w.settings());
    c.socket.on("now", []() -> boost::asio::awaitable<void> {
        throw std::runtime_error("a worse day");
        co_return;
    });
    c.socket.connect();
    co_await c.connects.next();
    expect(co_await c.ask("echo", 1), 1);
    CHECK(w.log.has("a worse day"));
}

story early(client_world& w) {
    auto const room = w.io.of("/early");
    room.on_connection([](sio::socket s) { s.emit("third"); });
    room.use([](sio::socket const& s, sio::next next) {
        s.emit("first", mad::bytes{1});
        s.emit("second");
        next(std::nullopt);
    });
    auto& c = w.make(w.settings(), "/early");
    c.socket.connect();
    co_await c.connects.next();
    for (auto const* const name : {"first", "second", "third"}) {
        auto const event = co_await c.events.next();
        CHECK(event[0] == name);
    }
}

} // namespace

TEST_CASE("events, acknowledgements and bytes go both ways") {
    client_world w;
    w.play(both_ways(w, each_transport()));
}

TEST_CASE("a thousand events keep their order from before the connection on") {
    client_world w;
    w.play(order(w, each_transport()));
}

TEST_CASE("handlers run by name, and one that throws harms nobody") {
    client_world w;
    w.play(handlers(w));
}

TEST_CASE("a handler that wants other arguments answers with an error") {
    client_world w;
    w.play(mismatch(w));
}

TEST_CASE("an acknowledgement is given once, whichever copy gives it") {
    client_world w;
    w.play(answers_once(w));
}

TEST_CASE("an answer to a question of an earlier connection is not sent") {
    client_world w;
    w.play(late_answer(w));
}

TEST_CASE("coroutine handlers run side by side up to their limit, and answer") {
    client_world w;
    w.play(coroutine_handlers(w));
}

TEST_CASE("an exception that leaves a coroutine handler is logged") {
    client_world w;
    w.play(coroutine_fault(w));
}

TEST_CASE("what a server says before it lets in is heard after") {
    client_world w;
    w.play(early(w));
}

TEST_CASE("events that the library keeps for itself cannot be emitted") {
    client_world w;
    auto const s = w.make(w.settings()).socket;
    CHECK_THROWS_AS(s.emit("connect"), std::invalid_argument);
    CHECK_THROWS_AS(s.volatile_emit("disconnect"), std::invalid_argument);
    CHECK_THROWS_AS(s.emit("connect_error", sio::arguments{}), std::invalid_argument);
}
