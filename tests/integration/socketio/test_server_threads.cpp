#include "io_world.hpp"

#include <thread>

using namespace mad_test;

TEST_CASE("calls from foreign threads reach sockets of all shards, each thread's in order") {
    io_world w(
        [](sio::server& io) {
            io.on("join", [](sio::socket s) {
                s.join("room");
                return true;
            });
        },
        {}, 2);
    std::vector<std::unique_ptr<sio_peer>> peers;
    bool on[2] = {false, false};
    for (int i = 0; i < 40 && (i < 4 || !on[0] || !on[1]); ++i) {
        peers.push_back(std::make_unique<sio_peer>(wire::websocket, w.port));
        on[*mad::session_id::shard_of(peers.back()->engine.sid())] = true;
        peers.back()->ask(R"(["join"])");
    }
    REQUIRE((on[0] && on[1]));
    constexpr int threads = 3, each = 200;
    std::vector<std::thread> senders;
    for (int t = 0; t < threads; ++t)
        senders.emplace_back([&w, t] {
            for (int i = 0; i < each; ++i) {
                switch (i % 3) {
                case 0:
                    w.io().emit("x", t, i);
                    break;
                case 1:
                    w.io().to("room").emit("x", t, i);
                    break;
                default:
                    w.io().of("/").all().emit("x", sio::arguments{{t, i}});
                }
            }
        });
    for (auto& t : senders)
        t.join();
    for (auto& p : peers) {
        int next[threads] = {0, 0, 0};
        for (int i = 0; i < threads * each; ++i) {
            auto const packet = p->next();
            auto const e = json::parse(packet.substr(1));
            auto const t = e[1].get<std::size_t>();
            REQUIRE(e[2] == next[t]);
            ++next[t];
        }
    }
}

TEST_CASE("handles may be used from any thread while their sockets come and go") {
    std::mutex mutex;
    std::vector<sio::socket> all;
    std::atomic<int> heard{0}, answers{0}, gone{0};
    io_world w(
        [&](sio::server& io) {
            io.on_connection([&](sio::socket s) {
                std::lock_guard const lock(mutex);
                all.push_back(s);
            });
            io.on("x", [&](sio::socket s, int n) {
                ++heard;
                s.to("room").emit("y", n);
            });
            io.of("/").on_disconnect([&](sio::socket s, sio::disconnect_reason) {
                ++gone;
                s.broadcast().emit("gone", s.id());
            });
        },
        {}, 2);
    std::atomic<bool> stop{false};
    std::vector<std::thread> callers;
    for (int t = 0; t < 2; ++t)
        callers.emplace_back([&, t] {
            for (int i = 0; !stop; ++i) {
                std::vector<sio::socket> some;
                {
                    std::lock_guard const lock(mutex);
                    some = all;
                }
                for (auto const& s : some) {
                    s.emit("hello", i);
                    s.join("room");
                    s.emit_with_ack([&](auto const&) { ++answers; }, 5ms, "question");
                    s.on("late", [] {});
                    s.off("late");
                    (void)s.connected();
                    (void)s.rooms();
                    if (i % 7 == t)
                        s.leave("room");
                    if (i % 50 == 49)
                        s.disconnect(t == 0);
                }
                w.io().of("/").all().fetch_sockets([&](auto const&) { ++answers; });
                w.io().in("room").sockets_join({"other"});
                std::this_thread::yield();
            }
        });
    // Each session is a short life: connect, a few events, away by one of several ways.
    constexpr int lives = 60;
    for (int i = 0; i < lives; ++i) {
        try {
            sio_peer p(i % 2 ? wire::polling : wire::websocket, w.port);
            for (int k = 0; k < 3; ++k)
                p.send("2[\"x\"," + std::to_string(k) + "]");
            switch (i % 3) {
            case 0:
                p.send("1");
                break;
            case 1:
                p.engine.send("1");
                break;
            default:
                p.engine.vanish();
            }
        } catch (std::runtime_error const&) {
            // A caller has ended it first: `1` came where an answer was expected.
        }
    }
    w.io().close();
    CHECK(w.await_sessions(0));
    stop = true;
    for (auto& t : callers)
        t.join();
    CHECK(wait_until([&] { return w.io().of("/").size() == 0; }));
    CHECK(heard > 0);
    CHECK(answers > 0);
    CHECK(w.log().count("socketio.handler.fault") == 0);
}

TEST_CASE("namespaces may be made while peers ask for them") {
    io_world w([](sio::server&) {}, {}, 2);
    std::atomic<bool> stop{false};
    std::thread maker([&] {
        for (int i = 0; i < 200 && !stop; ++i)
            w.io().of("/n" + std::to_string(i)).on("x", [] { return 1; });
    });
    sio_peer p(wire::websocket, w.port);
    int joined = 0;
    for (int i = 0; joined < 5 && i < 10'000; ++i) {
        auto const answer = p.ask_to_join("/n" + std::to_string(joined));
        if (answer.starts_with("0/"))
            ++joined;
        else
            CHECK(answer.find("Invalid namespace") != std::string::npos);
    }
    CHECK(joined == 5);
    stop = true;
    maker.join();
}

TEST_CASE("a server on a plain io_context works under run, and lets it return") {
    notes seen;
    asio::io_context ctx;
    sio::server io(ctx);
    io.on_connection([&](sio::socket s) {
        s.on("coroutine", [&](int n) -> asio::awaitable<int> {
            seen.add("begun " + std::to_string(n));
            asio::steady_timer t(co_await asio::this_coro::executor, 1ms);
            co_await t.async_wait(asio::use_awaitable);
            co_return n;
        });
        s.on("plain", [&](int n) { seen.add("plain " + std::to_string(n)); });
    });
    io.on("close", [&] { io.close(); });
    auto const port = io.listen(0).value().port();
    std::thread loop([&] { ctx.run(); });
    {
        sio_peer p(wire::websocket, port), q(wire::polling, port);
        p.engine.ws().wire.send(client_frame(1, R"(421["coroutine",1])") +
                                client_frame(1, R"(42["plain",2])") +
                                client_frame(1, R"(423["coroutine",3])"));
        CHECK(p.next() == "31[1]");
        CHECK(p.next() == "33[3]");
        CHECK(seen.all() == strings{"begun 1", "plain 2", "begun 3"});
        CHECK(q.ask(R"(["coroutine",4])") == "[4]");
        io.emit("x", 5); // from this thread
        CHECK(p.next() == R"(2["x",5])");
        CHECK(q.next() == R"(2["x",5])");
        p.send(R"(2["close"])");
        CHECK(p.ends());
        CHECK(q.ends());
    }
    loop.join(); // nothing is left to do
    CHECK(io.sessions() == 0);
    CHECK(io.connections() == 0);
}
