#include "io_world.hpp"

using namespace mad_test;

namespace {

/// How a socket may be ended, by itself.
struct ending {
    char const* name;
    void (*run)(sio::socket const&);
    char const* reason;
};

ending each_ending() {
    return GENERATE(values<ending>({
        {"disconnect", [](sio::socket const& s) { s.disconnect(); }, "server namespace disconnect"},
        {"disconnect close", [](sio::socket const& s) { s.disconnect(true); },
         "server namespace disconnect"},
        {"drop connection", [](sio::socket const& s) { s.drop_connection(); }, "forced close"},
    }));
}

std::string words(sio::disconnect_reason r) {
    return std::string(sio::to_string(r));
}

/// Waits inside a coroutine until the shard has run everything else for a while.
asio::awaitable<void> a_moment(mad::milliseconds t = 5ms) {
    asio::steady_timer timer(co_await asio::this_coro::executor, t);
    co_await timer.async_wait(asio::use_awaitable);
}

} // namespace

TEST_CASE("a socket may end as soon as it is connected") {
    auto const e = each_ending();
    notes seen;
    io_world w([&](sio::server& io) {
        io.on_connection([&](sio::socket s) {
            s.on_disconnect([&](sio::disconnect_reason r) { seen.add(words(r)); });
            e.run(s);
            CHECK_FALSE(s.connected());
            s.emit("never");
            s.join("never");
            e.run(s);
        });
        io.on_connection([&](sio::socket) { seen.add("a second handler"); });
    });
    auto const kind = both();
    CAPTURE(e.name, name_of(kind));
    sio_peer p(sio_peer::unjoined, kind, w.port);
    CHECK(p.ask_to_join("/").starts_with("0{\"sid\":"));
    if (e.reason == std::string("server namespace disconnect"))
        CHECK(p.next() == "1");
    if (e.name != std::string("disconnect")) {
        CHECK(p.ends());
        CHECK(w.await_sessions(0));
    }
    CHECK(seen.await(1) == strings{e.reason});
    CHECK(w.await_sockets(0));
}

TEST_CASE("a socket may end itself from its own event, and hears nothing more") {
    auto const e = each_ending();
    notes seen;
    io_world w([&](sio::server& io) {
        io.on_connection([&](sio::socket s) {
            s.on("end", [&, s](sio::ack reply) {
                seen.add("end");
                e.run(s);
                reply("never");
            });
            s.on("end", [&] { seen.add("a second listener"); });
            s.on("x", [&] { seen.add("x"); });
        });
        io.of("/").on_disconnect(
            [&](sio::socket, sio::disconnect_reason r) { seen.add(words(r)); });
    });
    auto const kind = both();
    CAPTURE(e.name, name_of(kind));
    sio_peer p(kind, w.port);
    if (kind == wire::websocket)
        p.engine.ws().wire.send(client_frame(1, R"(421["end"])") + client_frame(1, R"(42["x"])"));
    else
        p.engine.poll().post(R"(421["end"])"
                             "\x1e"
                             R"(42["x"])");
    if (e.reason == std::string("server namespace disconnect"))
        CHECK(p.next() == "1");
    CHECK(p.ends()); // `disconnect` leaves the session, but the event behind it breaks the protocol
    CHECK(seen.await(2) == strings{"end", e.reason});
}

TEST_CASE("a socket may be ended from its own disconnect handlers") {
    auto const e = each_ending();
    auto const* const where = GENERATE("disconnecting", "disconnect", "namespace");
    notes seen;
    io_world w([&](sio::server& io) {
        io.of("/other");
        io.on_connection([&](sio::socket s) {
            s.join("room");
            s.on_disconnecting([&, s](sio::disconnect_reason) {
                seen.add("disconnecting " + std::to_string(s.rooms().size()));
                if (where == std::string("disconnecting"))
                    e.run(s);
            });
            s.on_disconnect([&, s](sio::disconnect_reason r) {
                seen.add("disconnect " + std::to_string(s.rooms().size()) + " " + words(r));
                if (where == std::string("disconnect"))
                    e.run(s);
            });
        });
        io.of("/").on_disconnect([&](sio::socket s, sio::disconnect_reason) {
            seen.add("namespace");
            if (where == std::string("namespace"))
                e.run(s);
        });
    });
    auto const kind = both();
    CAPTURE(e.name, where, name_of(kind));
    sio_peer p(kind, w.port);
    p.join("/other");
    auto const* const first = GENERATE("41", "1");
    if (first == std::string("41"))
        p.send("1"); // leaves the namespace
    else
        p.engine.send("1"); // ends the session
    auto const all = seen.await(3);
    REQUIRE(all.size() == 3);
    CHECK(all[0] == "disconnecting 2");
    CHECK(all[1] ==
          std::string("disconnect 1 ") +
              (first == std::string("41") ? "client namespace disconnect" : "transport close"));
    CHECK(all[2] == "namespace");
    CHECK(w.await_sockets(0));
    sio_peer next(kind, w.port); // and the server goes on
    CHECK(next.id.size() == 20);
}

TEST_CASE("what a socket says while it leaves still goes out, behind that nothing") {
    io_world w([&](sio::server& io) {
        io.of("/n").on_connection([](sio::socket s) {
            s.on_disconnecting([s](sio::disconnect_reason) { s.emit("leaving"); });
            s.on_disconnect([s](sio::disconnect_reason) { s.emit("left"); });
        });
    });
    sio_peer p(both(), w.port);
    p.join("/n");
    p.send("1/n,");
    CHECK(p.next() == R"(2/n,["leaving"])");
    p.send("0/n,");
    CHECK(p.next().starts_with("0/n,"));
}

TEST_CASE("handlers may register others while they run") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on_connection([&, io = &io](sio::socket s) {
            // Enough of them that a list that is being walked has to move.
            std::string const big(100, 'b');
            for (int i = 0; i < 20; ++i) {
                io->on_connection([&seen, big](sio::socket) { seen.add(big.substr(0, 1)); });
                s.on_disconnecting([&seen, s, big](sio::disconnect_reason) {
                    for (int k = 0; k < 3; ++k)
                        s.on_disconnect([&seen, big](sio::disconnect_reason) {
                            seen.add("late " + big.substr(0, 1));
                        });
                });
                io->of("/").on_disconnect([&seen, big](sio::socket, sio::disconnect_reason) {
                    seen.add("gone " + big.substr(0, 1));
                });
                io->of("/made-" + std::to_string(i));
            }
            seen.add("connected");
        });
    });
    sio_peer p(wire::websocket, w.port);
    auto const first = seen.await(1);
    CHECK(first.front() == "connected");
    p.join("/made-19");
    p.send("1");
    auto const all = seen.await(1 + 60 + 20);
    CHECK(std::count(all.begin(), all.end(), "late b") == 60);
    CHECK(std::count(all.begin(), all.end(), "gone b") == 20);
}

TEST_CASE("an exception of a handler is logged, and costs nothing else") {
    io_world w([](sio::server& io) {
        io.on_connection([](sio::socket) { throw std::runtime_error("connection handler"); });
        io.on_connection([](sio::socket) { throw 42; });
        io.on_connection([](sio::socket s) { s.emit("welcome"); });
        io.on("throw", [] { throw std::runtime_error("event handler"); });
        io.on("throw", [](sio::socket s) { s.emit("the next listener"); });
        io.on("odd", [] { throw 42; });
        io.on("later", []() -> asio::awaitable<void> {
            co_await a_moment(1ms);
            throw std::runtime_error("coroutine handler");
        });
        io.on("answer", []() -> asio::awaitable<int> {
            co_await a_moment(1ms);
            throw std::runtime_error("coroutine with an answer");
        });
        io.of("/").on_disconnect([](sio::socket, sio::disconnect_reason) {
            throw std::runtime_error("disconnect handler");
        });
        io.on("fine", [] { return "fine"; });
    });
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    CHECK(p.next() == R"(2["welcome"])");
    p.send(R"(21["throw"])");
    CHECK(p.next() == R"(2["the next listener"])");
    p.send(R"(2["odd"])");
    p.send(R"(2["later"])");
    p.send(R"(22["answer"])");
    CHECK(p.ask(R"(["fine"])") == R"(["fine"])");
    CHECK(wait_until([&] { return w.log().has("coroutine with an answer"); }));
    CHECK(w.log().has("connection handler"));
    CHECK(w.log().has("event handler"));
    CHECK(wait_until([&] { return w.log().has("coroutine handler"); }));
    p.send("1");
    CHECK(wait_until([&] { return w.log().has("disconnect handler"); }));
    CHECK(w.await_sockets(0));
    CHECK(w.log().count("socketio.handler.fault") == 7);
}

TEST_CASE("middlewares run in order, and the last word is theirs") {
    notes seen;
    io_world w([&](sio::server& io) {
        auto const n = io.of("/n");
        n.use([&](sio::socket const& s, sio::next next) {
            seen.add("one " + s.handshake().auth().value("who", "nobody"));
            CHECK_FALSE(s.connected());
            next(std::nullopt);
            next(sio::connect_error{"too late", std::nullopt}); // the first word counted
        });
        n.use([&](sio::socket const& s, sio::next next) {
            seen.add("two");
            auto const who = s.handshake().auth().value("who", "");
            if (who == "bad")
                return next(sio::connect_error{"not \"you\"", R"({"code":7})"});
            if (who == "throws")
                throw std::runtime_error("middleware");
            if (who == "odd")
                throw 42;
            if (who == "both") {
                next(std::nullopt);
                throw std::runtime_error("after its word");
            }
            if (who == "leaves") {
                s.disconnect();
                throw std::runtime_error("after it left");
            }
            next(std::nullopt);
        });
        n.on_connection([&](sio::socket) { seen.add("connected"); });
        n.on_disconnect([&](sio::socket, sio::disconnect_reason) { seen.add("disconnected"); });
    });
    sio_peer p(both(), w.port);
    SECTION("in") {
        p.join("/n", R"({"who":"me"})");
        CHECK(seen.await(3) == strings{"one me", "two", "connected"});
    }
    SECTION("refused") {
        CHECK(p.ask_to_join("/n", R"({"who":"bad"})") ==
              R"(4/n,{"message":"not \"you\"","data":{"code":7}})");
        CHECK(seen.await(2) == strings{"one bad", "two"});
        p.join("/n"); // and may try again
    }
    SECTION("an exception refuses") {
        auto const* const who = GENERATE("throws", "odd");
        auto const answer = p.ask_to_join("/n", std::string(R"({"who":")") + who + "\"}");
        CHECK(answer == R"(4/n,{"message":"internal error"})");
        p.join("/n");
    }
    SECTION("an exception behind the word changes nothing") {
        p.join("/n", R"({"who":"both"})");
        CHECK(w.log().has("after its word"));
        CHECK(w.await_sockets(1, "/n"));
    }
    SECTION("it has left by itself") {
        p.send(R"(0/n,{"who":"leaves"})");
        CHECK(wait_until([&] { return w.log().has("after it left"); }));
        p.join("/n");
    }
    auto const all = seen.all();
    CHECK(std::count(all.begin(), all.end(), "disconnected") == 0);
    CHECK(p.ask_to_join("/none") == R"(4/none,{"message":"Invalid namespace"})");
}

TEST_CASE("a middleware may take its time, on any thread, and events wait for nobody") {
    std::mutex mutex;
    std::vector<sio::next> waiting;
    io_world w([&](sio::server& io) {
        io.of("/n").use([&](sio::socket const&, sio::next next) {
            std::lock_guard const lock(mutex);
            waiting.push_back(std::move(next));
        });
    });
    auto const count = [&] {
        std::lock_guard const lock(mutex);
        return waiting.size();
    };
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    p.send("0/n,");
    CHECK(wait_until([&] { return count() == 1; }));
    SECTION("it is let in from this thread") {
        waiting[0](std::nullopt);
        CHECK(p.next().starts_with("0/n,{\"sid\":"));
        waiting[0](std::nullopt);
        CHECK(p.ask_to_join("/none") == R"(4/none,{"message":"Invalid namespace"})");
    }
    SECTION("it is refused from this thread") {
        waiting[0](sio::connect_error{"no", std::nullopt});
        CHECK(p.next() == R"(4/n,{"message":"no"})");
    }
    SECTION("an event before the word ends the session") {
        p.send(R"(2/n,["x"])");
        CHECK(p.ends());
        waiting[0](std::nullopt); // nobody is there any more
    }
    SECTION("the peer is gone before the word") {
        p.engine.send("1");
        CHECK(w.await_sessions(0));
        waiting[0](std::nullopt);
        waiting[0](sio::connect_error{"no", std::nullopt});
    }
    SECTION("it leaves before the word") {
        p.send("1/n,");
        CHECK(p.ends());
    }
    w.on_shard([] {});
}

TEST_CASE("handlers start in the order of their events, coroutines or not") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on("plain", [&](int n) { seen.add("plain " + std::to_string(n)); });
        io.on("coroutine", [&](int n) -> asio::awaitable<void> {
            seen.add("begun " + std::to_string(n));
            co_await a_moment();
            seen.add("done " + std::to_string(n));
        });
    });
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    strings expected;
    std::string all;
    for (int i = 0; i < 20; ++i) {
        bool const plain = i % 3 == 0;
        auto const m = std::string("42[\"") + (plain ? "plain" : "coroutine") + "\"," +
                       std::to_string(i) + "]";
        all += kind == wire::websocket ? client_frame(1, m) : (i ? "\x1e" : "") + m;
        expected.push_back((plain ? "plain " : "begun ") + std::to_string(i));
    }
    if (kind == wire::websocket)
        p.engine.ws().wire.send(all);
    else
        p.engine.poll().post(all);
    auto const lines = seen.await(20 + 13);
    strings begun;
    for (auto const& l : lines)
        if (!l.starts_with("done"))
            begun.push_back(l);
    CHECK(begun == expected);
    CHECK(lines.back().starts_with("done")); // nobody waited for anybody
}

TEST_CASE("at most so many handlers of a socket are unfinished; its events wait, others' do not") {
    std::atomic<int> running{0}, most{0}, total{0};
    asio::steady_timer* gate = nullptr;
    notes seen;
    sio::server_settings s;
    s.max_unfinished = GENERATE(1u, 4u, 64u);
    io_world w(
        [&](sio::server& io) {
            io.on("hold", [&](int n) -> asio::awaitable<void> {
                ++total;
                most = std::max(most.load(), ++running);
                boost::system::error_code ignored;
                co_await gate->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
                --running;
                seen.add(std::to_string(n));
            });
            io.on("ping", [] { return "pong"; });
        },
        s);
    w.on_shard([&] { gate = new asio::steady_timer(w.pool().context(0), std::chrono::hours(1)); });
    auto const kind = both();
    CAPTURE(name_of(kind), s.max_unfinished);
    sio_peer p(kind, w.port), other(wire::websocket, w.port);
    auto const limit = static_cast<int>(s.max_unfinished);
    auto const n = limit * 3 + 7;
    for (int i = 0; i < n; ++i)
        p.send("2[\"hold\"," + std::to_string(i) + "]");
    CHECK(wait_until([&] { return total == limit; }));
    CHECK(other.ask(R"(["ping"])") == R"(["pong"])");
    p.send(R"(29["ping"])"); // in its turn: it waits like the others
    CHECK(other.ask(R"(["ping"])") == R"(["pong"])");
    CHECK(total == limit);
    CHECK(running == limit);
    while (seen.size() < static_cast<std::size_t>(n)) {
        auto const before = seen.size();
        w.on_shard([&] { gate->cancel(); });
        CHECK(wait_until([&] { return seen.size() > before; }));
        CHECK(running <= limit);
    }
    CHECK(most == limit);
    CHECK(p.next() == R"(39["pong"])");
    auto done = seen.all();
    CHECK(done.size() == static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i)
        CHECK(done[static_cast<std::size_t>(i)] == std::to_string(i));
    w.on_shard([&] { delete gate; });
}

TEST_CASE("a peer that floods busy handlers is not read further, and loses nothing") {
    std::atomic<int> total{0};
    asio::steady_timer* gate = nullptr;
    bool open = false; // touched on the shard only
    sio::server_settings s;
    s.max_unfinished = 2;
    io_world w(
        [&](sio::server& io) {
            io.on("hold", [&](std::string) -> asio::awaitable<void> {
                boost::system::error_code ignored;
                if (!open)
                    co_await gate->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
                ++total;
            });
        },
        s);
    w.on_shard([&] { gate = new asio::steady_timer(w.pool().context(0), std::chrono::hours(1)); });
    sio_peer p(wire::websocket, w.port);
    std::string all;
    constexpr int n = 20'000;
    auto const one = client_frame(1, R"(42["hold",")" + std::string(2'000, 'x') + "\"]");
    for (int i = 0; i < n; ++i)
        all += one;
    auto const sent = p.engine.ws().wire.send_some(all, 200ms);
    CHECK(sent < all.size()); // somebody has stopped reading
    w.on_shard([&] {
        open = true;
        gate->cancel();
    });
    CHECK(p.engine.ws().wire.send(std::string_view(all).substr(sent)));
    CHECK(wait_until([&] { return total == n; }));
    CHECK(w.io().sessions() == 1);
    w.on_shard([&] { delete gate; });
}

TEST_CASE("a handler may outlive its socket, and what it does then goes nowhere") {
    notes seen;
    std::atomic<int> begun{0};
    asio::steady_timer* gate = nullptr;
    io_world w([&](sio::server& io) {
        auto const run = [&](sio::socket s, sio::ack reply) -> asio::awaitable<int> {
            ++begun;
            boost::system::error_code ignored;
            co_await gate->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            s.emit("x");
            s.join("x");
            reply("x");
            seen.add(s.connected() ? "connected" : "gone");
            auto const r = co_await s.emit_with_ack(10ms, "question");
            seen.add(r ? "answered" : r.error().message());
            co_return 1;
        };
        io.on("run", run);
    });
    w.on_shard([&] { gate = new asio::steady_timer(w.pool().context(0), std::chrono::hours(1)); });
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    for (int i = 1; i <= 80; ++i) // more than may run at a time
        p.send("2" + std::to_string(i) + R"(["run"])");
    CHECK(wait_until([&] { return begun == 64; }));
    int expected = 80; // what the peer had sent before it left is handled
    SECTION("its peer leaves the namespace") {
        p.send("1");
    }
    SECTION("its peer leaves") {
        p.engine.send("1");
    }
    SECTION("we end it") {
        w.io().of("/").all().disconnect_sockets(true);
        expected = 64; // what waited is over, too
    }
    CHECK(w.await_sockets(0));
    w.on_shard([&] { gate->cancel(); });
    auto const all = seen.await(static_cast<std::size_t>(2 * expected));
    CHECK(std::count(all.begin(), all.end(), "gone") == expected);
    CHECK(std::count(all.begin(), all.end(),
                     make_error_code(sio::error::session_closed).message()) == expected);
    CHECK(begun == expected);
    w.on_shard([&] { delete gate; });
}

TEST_CASE("the server may go while handlers wait") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on("wait", [&](sio::socket s, sio::ack reply) -> asio::awaitable<void> {
            auto const text = std::make_shared<std::string>("kept by the frame");
            seen.add("begun");
            auto const r = co_await s.emit_with_ack(0ms, "question", *text);
            reply(r.has_value());
        });
        io.on("sleep", [&](std::string what) -> asio::awaitable<void> {
            seen.add("begun");
            co_await a_moment(std::chrono::hours(1));
            seen.add(what);
        });
    });
    sio_peer p(both(), w.port);
    p.send(R"(21["wait"])");
    p.send(R"(2["sleep","a text that is too long to live inside a string"])");
    seen.await(2);
    SECTION("stopped") {
        w.stop();
    }
    SECTION("closed before") {
        w.io().close();
        CHECK(w.await_sessions(0));
        CHECK(p.ends());
        w.stop();
    }
    CHECK(seen.size() == 2);
}

TEST_CASE("closing a server tells its sockets why") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.of("/").on_disconnect(
            [&](sio::socket, sio::disconnect_reason r) { seen.add(words(r)); });
    });
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port), q(kind, w.port);
    w.io().close();
    CHECK(p.ends());
    CHECK(q.ends());
    CHECK(seen.await(2) == strings{"server shutting down", "server shutting down"});
    CHECK(w.await_sessions(0));
    CHECK(wait_until([&] { return w.io().connections() == 0; }));
}

TEST_CASE("a server that goes with peers connected calls no handlers from another thread") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on_connection([&](sio::socket s) {
            s.on_disconnect([&](sio::disconnect_reason) { seen.add("socket"); });
        });
        io.of("/").on_disconnect([&](sio::socket s, sio::disconnect_reason) {
            s.data();
            seen.add("namespace");
        });
    });
    sio_peer p(wire::websocket, w.port), q(wire::polling, w.port);
    q.engine.poll().begin_get();
    q.send("2[\"x\"]"); // the GET has arrived by then
    w.stop();
    CHECK(seen.all().empty());
    CHECK(w.log().count("socketio.handler.fault") == 0);
}
