#include "client_world.hpp"

#include <mad/net/io_pool.hpp>

#include <boost/asio/post.hpp>

#include <future>
#include <thread>

using namespace mad_test;

namespace {

story destroyed_in(client_world& w, std::string moment, std::string transports) {
    auto s = w.settings(transports);
    if (moment == "retry")
        s.engine.url = "http://127.0.0.1:1";
    if (moment == "retry" || moment == "disconnect")
        reconnecting(s);
    auto& c = w.make(s);
    inbox<int> gone(w.ctx);
    auto const socket = c.socket;
    auto const destroy = [&] {
        c.io.reset();
        gone.push(1);
    };
    if (moment == "connect")
        socket.on_connect(destroy);
    if (moment == "event")
        socket.on("now", destroy);
    if (moment == "disconnect")
        socket.on_disconnect([&](sio::disconnect_reason) { destroy(); });
    if (moment == "retry")
        socket.on_connect_error([&](sio::connect_failure const&) { destroy(); });
    w.io.on("say", [](sio::socket peer) { peer.emit("now"); });
    socket.connect();
    if (moment == "at once")
        destroy();
    if (moment == "event")
        socket.emit("say");
    if (moment == "disconnect")
        socket.emit("drop");
    if (moment == "ack")
        socket.emit_with_ack([&](mad::result<sio::arguments>) { destroy(); }, soon, "echo", 1);
    co_await gone.next();

    // Handles answer, and do nothing.
    CHECK_FALSE(socket.connected());
    socket.emit("into the void");
    socket.disconnect();
    auto const asked = co_await socket.emit_with_ack(soon, "echo", 1);
    REQUIRE(asked.has_error());
    CHECK(asked.error() == sio::error::session_closed);
    auto const again = co_await socket.connect_and_wait();
    CHECK(again.has_error());
}

story waiting_when_it_ends(client_world& w) {
    w.io.on("never", [] {});
    auto& c = *co_await w.join(w.settings());
    bool handler_ended = false;
    c.socket.on("wait", [&]() -> boost::asio::awaitable<void> {
        boost::asio::steady_timer forever(w.ctx, mad::time_point::max());
        mad::error_code ignored;
        co_await forever.async_wait(
            boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        handler_ended = true;
    });
    w.io.on("start", [](sio::socket s) { s.emit("wait"); });
    c.socket.emit("start");
    expect(co_await c.ask("echo", 1), 1);
    inbox<std::string> answers(w.ctx);
    c.socket.emit_with_ack(
        [&](mad::result<sio::arguments> a) { answers.push(a ? "answer" : a.error().message()); },
        soon, "never");
    c.io.reset();
    auto const why = co_await answers.next();
    CHECK(why != "answer");
    while (!handler_ended) {
        boost::asio::steady_timer turn(w.ctx, milliseconds(1));
        co_await turn.async_wait(boost::asio::use_awaitable);
    }
}

} // namespace

TEST_CASE("a client may be destroyed in any of its handlers") {
    auto const moment =
        GENERATE(as<std::string>(), "at once", "connect", "event", "ack", "disconnect", "retry");
    auto const transports = GENERATE(as<std::string>(), "polling", "websocket", "upgrade");
    CAPTURE(moment, transports);
    client_world w;
    w.play(destroyed_in(w, moment, transports));
}

TEST_CASE("who waits for a client that is destroyed is told, its coroutines are ended") {
    client_world w;
    w.play(waiting_when_it_ends(w));
}

TEST_CASE("the io_context returns when everything is closed, and can be used again") {
    client_world w;
    auto& c = w.make(w.settings("upgrade"));
    for (int i = 0; i < 3; ++i) {
        c.socket.connect();
        c.socket.emit_with_ack([&](mad::result<sio::arguments>) { c.io->close(); }, soon, "echo",
                               i);
        w.ctx.restart();
        // The server goes on listening, so that it is the end of the client that counts here.
        while (c.reasons.empty())
            w.ctx.run_one_for(mad::seconds(10));
        boost::asio::co_spawn(w.ctx, c.reasons.next(), [](std::exception_ptr, std::string why) {
            CHECK(why == "io client disconnect");
        });
        w.ctx.poll();
        CHECK(c.reasons.empty());
    }
    w.clients.clear();
    w.io.close();
    w.ctx.restart();
    w.ctx.run_for(mad::seconds(10));
    CHECK(w.ctx.stopped());
}

TEST_CASE("a client that never connected leaves nothing behind") {
    boost::asio::io_context ctx(1);
    {
        sio::client io(ctx, sio::client_settings("http://127.0.0.1:1"));
        io.socket().emit("x");
        io.socket("/a").on("y", [] {});
    }
    ctx.run_for(mad::seconds(10));
    CHECK(ctx.stopped());
}

TEST_CASE("an io_context may end before its clients have said goodbye") {
    auto const turns = GENERATE(0, 1, 5, 20, 100);
    captured_log log;
    auto ctx = std::make_unique<boost::asio::io_context>(1);
    auto server = std::make_unique<sio::server>(*ctx);
    server->on("echo", [](json v) { return v; });
    auto const at = server->listen(0);
    auto io = std::make_unique<sio::client>(
        *ctx, sio::client_settings("http://127.0.0.1:" + std::to_string(at.value().port())));
    auto const socket = io->socket();
    socket.connect();
    bool called = false;
    socket.emit_with_ack([&](mad::result<sio::arguments>) { called = true; }, soon, "never");
    for (int i = 0; i < turns; ++i)
        ctx->poll_one();
    bool const first = GENERATE(true, false);
    if (first)
        io.reset();
    called = false;
    if (!first)
        io.reset(); // it posts, and nothing runs any more
    server.reset();
    ctx.reset();
    CHECK_FALSE(called);
    socket.emit("x");
    CHECK_FALSE(socket.connected());
}

TEST_CASE("any thread may use a client that lives on a pool") {
    mad::net::io_pool pool(2);
    sio::server server(std::vector<mad::net::shard*>{&pool[0]});
    std::atomic<int> seen{0};
    server.on("n", [&](sio::socket s, int i) {
        ++seen;
        s.emit("back", i);
    });
    server.on("echo", [](json v) { return v; });
    auto const at = server.listen(0);
    pool.start();

    {
        sio::client io(
            pool[1], sio::client_settings("http://127.0.0.1:" + std::to_string(at.value().port())));
        auto const s = io.socket();
        std::promise<void> connected, all;
        std::atomic<int> back{0};
        s.on("back", [&](int) {
            if (++back == 2000)
                all.set_value();
        });
        s.connect([&](mad::result<void> r) {
            if (r)
                connected.set_value();
        });
        std::vector<std::thread> threads;
        for (int t = 0; t < 2; ++t)
            threads.emplace_back([s] {
                for (int i = 0; i < 1000; ++i)
                    s.emit("n", i);
            });
        for (auto& t : threads)
            t.join();
        REQUIRE(connected.get_future().wait_for(soon) == std::future_status::ready);
        REQUIRE(all.get_future().wait_for(soon) == std::future_status::ready);
        CHECK(s.connected());
        CHECK(s.id().empty()); // not for other threads

        std::vector<std::promise<json>> answers(100);
        for (std::size_t i = 0; i < answers.size(); ++i)
            s.emit_with_ack(
                [&answers, i](mad::result<sio::arguments> a) {
                    answers[i].set_value(a ? (*a)[0] : json());
                },
                soon, "echo", i);
        for (std::size_t i = 0; i < answers.size(); ++i)
            CHECK(answers[i].get_future().get() == i);
    }
    CHECK(seen == 2000);
    pool.stop();
}

TEST_CASE("clients come and go on other threads while they are busy") {
    mad::net::io_pool pool(2);
    sio::server server(std::vector<mad::net::shard*>{&pool[0]});
    server.on("echo", [](json v) { return v; });
    auto const at = server.listen(0);
    pool.start();
    sio::client_settings settings("http://127.0.0.1:" + std::to_string(at.value().port()));
    for (int i = 0; i < 50; ++i) {
        sio::client io(pool[1], settings);
        auto const s = io.socket();
        // Shared: what waits in the buffer is answered when the client goes, on its own thread.
        struct tally {
            std::promise<void> some;
            std::atomic<int> left;
        };
        auto const t = std::make_shared<tally>();
        t->left = i % 5;
        if (t->left == 0)
            t->some.set_value();
        s.connect();
        for (int k = 0; k < 10; ++k)
            s.emit_with_ack(
                [t](mad::result<sio::arguments>) {
                    if (--t->left == 0)
                        t->some.set_value();
                },
                soon, "echo", k);
        REQUIRE(t->some.get_future().wait_for(soon) == std::future_status::ready);
    }
    pool.stop();
}
