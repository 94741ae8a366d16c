#include "io_world.hpp"

using namespace mad_test;

namespace {

std::string line(std::string const& tag, std::string const& event, sio::arguments const& a) {
    std::string out;
    sio::attachment_list bytes;
    sio::append_args(out, bytes, event, a.values);
    for (auto const& b : bytes)
        out += "+" + std::to_string(b.size());
    return tag + " " + out;
}

} // namespace

TEST_CASE("catch-all listeners see every event first, those of one name next, the rest goes on") {
    notes seen;
    io_world w([&](sio::server& io) {
        auto const all = io.of("/");
        all.on_any(
            [&](sio::socket, std::string e, sio::arguments a) { seen.add(line("nsp any", e, a)); });
        all.on_unhandled(
            [&](sio::socket, std::string e, sio::arguments) { seen.add("nsp unhandled " + e); });
        all.prepend("x", [&] { seen.add("nsp first"); });
        io.on("x", [&](int n) { seen.add("nsp x " + std::to_string(n)); });
        io.on_connection([&](sio::socket s) {
            s.on("x", [&](int n) { seen.add("x " + std::to_string(n)); });
            s.on_any([&](std::string e, sio::arguments a) { seen.add(line("any", e, a)); });
            s.prepend_any([&](std::string e, sio::arguments) { seen.add("first any " + e); });
            s.on_unhandled([&](std::string e, sio::arguments) { seen.add("unhandled " + e); });
        });
    });
    sio_peer p(both(), w.port);
    p.send(R"(2["x",1])");
    p.send(R"(2["y",{"k":[2]}])");
    CHECK(seen.await(11) == strings{"first any x", R"(any ["x",[1]])", R"(nsp any ["x",[1]])",
                                    "x 1", "nsp first", "nsp x 1", "first any y",
                                    R"(any ["y",[{"k":[2]}]])", R"(nsp any ["y",[{"k":[2]}]])",
                                    "unhandled y", "nsp unhandled y"});
}

TEST_CASE("once, prepend and off of a socket") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on_connection([&](sio::socket s) {
            s.on("x", [&] { seen.add("on"); });
            auto const second = s.on("x", [&] { seen.add("second"); });
            s.once("x", [&] { seen.add("once"); });
            s.prepend("x", [&] { seen.add("first"); });
            s.prepend_once("x", [&] { seen.add("first once"); });
            auto const any = s.on_any([&](std::string e, sio::arguments) { seen.add("any " + e); });
            s.on("less", [s, second, any] {
                s.off(second);
                s.off(any);
            });
            s.on("none", [s] { s.off(); });
        });
    });
    sio_peer p(both(), w.port);
    p.send(R"(2["x"])");
    p.send(R"(2["less"])");
    p.send(R"(2["x"])");
    p.send(R"(2["none"])");
    p.send(R"(2["x"])");
    p.send("1");
    CHECK(w.await_sockets(0));
    CHECK(seen.all() == strings{"any x", "first once", "first", "on", "second", "once", "any less",
                                "first", "on"});
}

TEST_CASE("listeners of the namespace are taken back on every shard") {
    auto const shards = GENERATE(1u, 2u);
    notes seen;
    sio::listener_id one;
    io_world w(
        [&](sio::server& io) {
            one = io.on("x", [&] { seen.add("one"); });
            io.on("x", [&] { seen.add("two"); });
            io.on("y", [&] { seen.add("y"); });
            io.on("sync", [] { return 1; });
        },
        {}, shards);
    std::vector<std::unique_ptr<sio_peer>> peers;
    for (int i = 0; i < 4; ++i)
        peers.push_back(std::make_unique<sio_peer>(wire::websocket, w.port));
    auto const ask_all = [&] {
        for (auto const& p : peers) {
            p->send(R"(2["x"])");
            p->send(R"(2["y"])");
            p->ask(R"(["sync"])");
        }
    };
    w.io().of("/").off(one);
    for (std::size_t i = 0; i < shards; ++i)
        w.on_shard([] {}, i);
    ask_all();
    CHECK(seen.size() == 8);
    w.io().of("/").off("x");
    for (std::size_t i = 0; i < shards; ++i)
        w.on_shard([] {}, i);
    ask_all();
    CHECK(seen.size() == 12);
    auto const all = seen.all();
    CHECK(std::count(all.begin(), all.end(), "one") == 0);
    CHECK(std::count(all.begin(), all.end(), "y") == 8);
}

TEST_CASE("a catch-all listener may be a coroutine") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on_connection([&](sio::socket s) {
            s.on_any([&seen](std::string e, sio::arguments) -> asio::awaitable<void> {
                co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
                seen.add("later " + e);
            });
        });
    });
    sio_peer p(both(), w.port);
    p.send(R"(2["x"])");
    CHECK(seen.await(1) == strings{"later x"});
}

TEST_CASE("who listens for what is sent sees emits and broadcasts, nothing else, and can leave") {
    auto const shards = GENERATE(1u, 2u);
    notes seen;
    io_world w(
        [&](sio::server& io) {
            io.on_connection([&](sio::socket s) {
                s.on("listen", [&, s] {
                    s.join("room");
                    s.on_any_outgoing(
                        [&](std::string e, sio::arguments a) { seen.add(line("out", e, a)); });
                    s.prepend_any_outgoing(
                        [&](std::string e, sio::arguments) { seen.add("first " + e); });
                    return true;
                });
                s.on("one", [s] { s.emit("one", 1, json{{"k", nullptr}}); });
                s.on("bytes", [s] { s.emit("b", mad::bytes{1, 2, 3}); });
                s.on("ask", [s] { s.emit_with_ack([](auto const&) {}, 0ms, "ask", "?"); });
                s.on("stop", [s] {
                    s.off_any_outgoing();
                    return true;
                });
            });
        },
        {}, shards);
    sio_peer p(both(), w.port), other(wire::websocket, w.port);
    CHECK(p.ask(R"(["listen"])") == "[true]");
    p.send(R"(2["one"])");
    CHECK(p.next() == R"(2["one",1,{"k":null}])");
    p.send(R"(2["bytes"])");
    CHECK(p.next() == R"(51-["b",{"_placeholder":true,"num":0}])");
    CHECK(p.next_bytes().size() == 3);
    p.send(R"(2["ask"])");
    CHECK(p.next() == R"(20["ask","?"])");
    w.io().emit("all", "x");
    CHECK(p.next() == R"(2["all","x"])");
    CHECK(other.next() == R"(2["all","x"])");
    w.io().to("room").emit("room");
    CHECK(p.next() == R"(2["room"])");
    w.io().except("room").emit("others");
    CHECK(other.next() == R"(2["others"])");
    CHECK(p.ask(R"(["stop"])") == "[true]");
    w.io().emit("unseen");
    CHECK(p.next() == R"(2["unseen"])");
    CHECK(seen.all() == strings{"first one", R"(out ["one",[1,{"k":null}]])", "first b",
                                R"(out ["b",[{"_placeholder":true,"num":0}]]+3)", "first ask",
                                R"(out ["ask",["?"]])", "first all", R"(out ["all",["x"]])",
                                "first room", R"(out ["room",[]])"});
}

TEST_CASE("a listener for what is sent may end the socket") {
    io_world w([](sio::server& io) {
        io.on_connection([](sio::socket s) {
            s.on_any_outgoing([s](std::string, sio::arguments) { s.disconnect(); });
            s.on("go", [s] {
                s.emit("never");
                s.emit("nor this");
            });
        });
    });
    sio_peer p(both(), w.port);
    p.send(R"(2["go"])");
    CHECK(p.next() == "1");
    CHECK(w.await_sockets(0));
}

TEST_CASE("middlewares of a socket let events pass, refuse them or drop them") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on_connection([&](sio::socket s) {
            s.on_any([&](std::string e, sio::arguments) { seen.add("any " + e); });
            s.on_error([&](sio::connect_error const& e) {
                seen.add("error " + e.message + e.data.value_or(""));
            });
            s.use([&](std::string const& e, sio::arguments const& a, sio::next next) {
                seen.add(line("1", e, a));
                if (e == "drop")
                    return;
                if (e == "refuse")
                    return next(sio::connect_error{"no", "[1]"});
                if (e == "throw")
                    throw std::runtime_error("x");
                next({});
                next(sio::connect_error{"a second word counts for nothing", {}});
            });
            s.use([&](std::string const& e, sio::arguments const&, sio::next next) {
                seen.add("2 " + e);
                next({});
            });
            for (auto const* const e : {"drop", "refuse", "throw"})
                s.on(e, [&] { seen.add("never"); });
            s.on("x", [&](int n) {
                seen.add("x " + std::to_string(n));
                return n + 1;
            });
        });
    });
    sio_peer p(both(), w.port);
    for (auto const* const e : {"drop", "refuse", "throw"})
        p.send(std::string("2[\"") + e + "\",5]");
    CHECK(p.ask(R"(["x",7])") == "[8]");
    CHECK(seen.all() == strings{"any drop", R"(1 ["drop",[5]])", "any refuse",
                                R"(1 ["refuse",[5]])", "error no[1]", "any throw",
                                R"(1 ["throw",[5]])", "error internal error", "any x",
                                R"(1 ["x",[7]])", "2 x", "x 7"});
    CHECK(w.log().count("socketio.handler.fault") == 1);
}

TEST_CASE("listeners get the event as its middlewares have left it") {
    notes seen;
    auto const later = std::make_shared<std::function<void()>>();
    io_world w([&, later](sio::server& io) {
        io.on_connection([&, later](sio::socket s) {
            s.on_any([&](std::string e, sio::arguments a) { seen.add(line("any", e, a)); });
            s.use([&, later](std::string& e, sio::arguments& a, sio::next next) {
                seen.add(line("1", e, a));
                if (e == "rename")
                    e = "n\"\u20ac";
                if (e == "bytes")
                    a.values = {json::binary({1, 2}), json(7), json::binary({3})};
                if (e == "text")
                    a.values.at(0) = std::to_string(a[0].get_binary().size());
                if (e == "none")
                    a.values.clear();
                if (e == "later") {
                    *later = [&a, next] {
                        a.values.at(0) = "changed while it waited";
                        next({});
                    };
                    return seen.add("waits");
                }
                next({});
            });
            s.use([&](std::string const& e, sio::arguments const& a, sio::next next) {
                seen.add(line("2", e, a));
                next({});
            });
            for (auto const* const e : {"rename", "n\"\u20ac", "none", "text", "later"})
                s.on(e, [&, e = std::string(e)](sio::arguments a) {
                    seen.add(line("got", e, a));
                    return "ok";
                });
            s.on("bytes", [&](mad::bytes a, int n, mad::bytes b) {
                return static_cast<int>(a.size() + b.size()) + n;
            });
        });
    });
    sio_peer p(both(), w.port);
    SECTION("another name") {
        CHECK(p.ask(R"(["rename",1])") == R"(["ok"])");
        CHECK(seen.all() == strings{R"(any ["rename",[1]])", R"(1 ["rename",[1]])",
                                    "2 [\"n\\\"\u20ac\",[1]]", "got [\"n\\\"\u20ac\",[1]]"});
    }
    SECTION("bytes where there were none") {
        CHECK(p.ask(R"(["bytes"])") == "[10]");
    }
    SECTION("text where there were bytes") {
        p.send(R"(51-4["text",{"_placeholder":true,"num":0}])", {"abc"});
        CHECK(p.next() == R"(34["ok"])");
        CHECK(seen.all().back() == R"(got ["text",["3"]])");
    }
    SECTION("nothing where there was something") {
        CHECK(p.ask(R"(["none",1,2])") == R"(["ok"])");
        CHECK(seen.all().back() == R"(got ["none",[]])");
    }
    SECTION("later") {
        p.send(R"(23["later","x"])");
        seen.await(3);
        w.on_shard([&] { std::exchange(*later, nullptr)(); });
        CHECK(p.next() == R"(33["ok"])");
        CHECK(seen.all().back() == R"(got ["later",["changed while it waited"]])");
    }
    *later = nullptr;
}

TEST_CASE("what only looks at an event leaves its bytes as they came") {
    bool const changes = GENERATE(false, true);
    notes seen;
    io_world w([&](sio::server& io) {
        io.on_connection([&](sio::socket s) {
            if (changes)
                s.use([](std::string&, sio::arguments&, sio::next next) { next({}); });
            else
                s.use([](std::string const&, sio::arguments const&, sio::next next) { next({}); });
            s.on("x", [&](sio::raw_json v) { seen.add(v.text); });
        });
    });
    sio_peer p(both(), w.port);
    p.send(R"(2["x", { "a" : 1.0 } ])");
    CHECK(seen.await(1) == strings{changes ? R"({"a":1})" : R"({ "a" : 1.0 })"});
}

TEST_CASE("what a middleware refuses is logged when nobody asks for errors") {
    io_world w([&](sio::server& io) {
        io.on_connection([&](sio::socket s) {
            s.use([](std::string const&, sio::arguments const&, sio::next next) {
                next(sio::connect_error{"no", {}});
            });
        });
    });
    sio_peer p(both(), w.port);
    p.send(R"(2["x"])");
    CHECK(wait_until([&] { return w.log().count("socketio.event.refused") == 1; }));
}

TEST_CASE(
    "a middleware may take its time; its event may be overtaken and is whole when it passes") {
    auto const kept = std::make_shared<std::vector<sio::next>>();
    notes seen;
    io_world w([&](sio::server& io) {
        io.on_connection([&, kept](sio::socket s) {
            s.use([&, kept](std::string const& e, sio::arguments const&, sio::next next) {
                if (e != "slow")
                    return next({});
                kept->push_back(std::move(next));
                seen.add("kept");
            });
            s.on("slow", [&](mad::bytes b, std::string t) {
                seen.add("slow " + std::to_string(b.size()) + t);
                return "late";
            });
            s.on("fast", [&] {
                seen.add("fast");
                return "soon";
            });
        });
    });
    sio_peer p(both(), w.port);
    p.send(R"(51-1["slow",{"_placeholder":true,"num":0},"\u20ac"])", {"abc"});
    CHECK(p.ask(R"(["fast"])") == R"(["soon"])"); // id 1 as well: ids are the peer's own
    std::thread([&] { kept->front()({}); }).join();
    CHECK(p.next() == R"(31["late"])");
    CHECK(seen.all() == strings{"kept", "fast", "slow 3\u20ac"});
    kept->clear();
}

TEST_CASE("events that wait for middlewares are bounded, and go on when one lets go") {
    auto const kept = std::make_shared<std::vector<sio::next>>();
    notes seen;
    sio::server_settings settings;
    settings.max_unfinished = 2;
    io_world w(
        [&](sio::server& io) {
            io.on_connection([&, kept](sio::socket s) {
                s.use([&, kept](std::string const& e, sio::arguments const&, sio::next next) {
                    kept->push_back(std::move(next));
                    seen.add(e);
                });
                s.on("a", [&] { seen.add("never"); });
            });
        },
        settings);
    sio_peer p(both(), w.port);
    for (auto const* const e : {"a", "b", "c", "d"})
        p.send(std::string("2[\"") + e + "\"]");
    CHECK(seen.await(2) == strings{"a", "b"});
    // Taken out first: the middleware puts the next one in meanwhile.
    auto const take = [&] {
        auto n = std::move(kept->front());
        kept->erase(kept->begin());
        return n;
    };
    w.on_shard([&] { (void)take(); }); // never said a word
    CHECK(seen.await(3) == strings{"a", "b", "c"});
    w.on_shard([&] { take()(sio::connect_error{"no", {}}); });
    CHECK(seen.await(4).back() == "d");
    SECTION("they may be kept for longer than the socket") {
        p.send("1");
        CHECK(w.await_sockets(0));
        w.on_shard([&] {
            for (auto& n : *kept)
                n({});
        });
    }
    SECTION("they may be kept for longer than the server") {
        w.stop();
        for (auto& n : *kept)
            n({});
    }
    kept->clear();
    CHECK(seen.size() == 4);
}
