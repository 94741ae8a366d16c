#include "io_world.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <thread>

using namespace mad_test;

namespace {

std::string text_of(mad::result<sio::arguments> const& r) {
    if (!r)
        return r.error().message();
    json out = json::array();
    for (auto const& v : r->values)
        out.push_back(v);
    return out.dump();
}

std::string text_of(sio::ack_responses const& r) {
    auto values = r.values;
    std::sort(values.begin(), values.end());
    return json(values).dump() + (r.ec ? " " + r.ec.message() : "");
}

std::string const timeout = make_error_code(sio::error::timeout).message();
std::string const left = make_error_code(sio::error::not_acknowledged).message();

/// The ack id of an event: `2` digits `[`.
std::string id_in(std::string const& packet) {
    return packet.substr(1, packet.find('[') - 1);
}

} // namespace

TEST_CASE("a peer is asked, and its answer comes back") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on("go", [&](sio::socket s) {
            s.emit_with_ack([&](auto const& r) { seen.add(text_of(r)); }, 0ms, "question", 1);
        });
        io.on("wait", [&](sio::socket s) -> asio::awaitable<std::string> {
            auto const r = co_await s.emit_with_ack(0ms, "question", 2);
            co_return text_of(r);
        });
    });
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    p.send(R"(2["go"])");
    auto const q = p.next();
    CHECK(q == "2" + id_in(q) + R"(["question",1])");
    p.send("3999[1]"); // an answer to nothing
    p.send("3" + id_in(q) + R"(["yes",{"a":1}])");
    p.send("3" + id_in(q) + R"(["again"])"); // answered already
    CHECK(seen.await(1) == strings{R"(["yes",{"a":1}])"});

    p.send(R"(25["wait"])");
    auto const q2 = p.next();
    CHECK(id_in(q2) != id_in(q));
    p.send("3" + id_in(q2) + "[]");
    CHECK(p.next() == R"(35["[]"])");
    CHECK(seen.size() == 1);
}

TEST_CASE("an answer may hold bytes") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on("go", [&](sio::socket s) {
            s.emit_with_ack(
                [&](auto const& r) { seen.add(std::to_string((*r)[0].get_binary().size())); }, 0ms,
                "question", mad::bytes{1});
        });
    });
    sio_peer p(both(), w.port);
    p.send(R"(2["go"])");
    auto const q = p.next();
    CHECK(q.ends_with(R"(["question",)" + placeholder(0) + "]"));
    p.next_bytes();
    auto const id = q.substr(3, q.find('[') - 3); // 51-<id>[
    p.send("61-" + id + "[" + placeholder(0) + "]", {"12345"});
    CHECK(seen.await(1) == strings{"5"});
}

TEST_CASE("an answer that does not come in time is an error, and a late one is nothing") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on("go", [&](sio::socket s) {
            s.emit_with_ack([&](auto const& r) { seen.add(text_of(r)); }, 30ms, "question");
        });
        io.on("sync", [] { return true; });
    });
    sio_peer p(both(), w.port);
    p.send(R"(2["go"])");
    auto const q = p.next();
    CHECK(seen.await(1) == strings{timeout});
    p.send("3" + id_in(q) + "[1]");
    p.ask(R"(["sync"])");
    CHECK(seen.size() == 1);
}

TEST_CASE("who leaves without an answer is an error, once for each question") {
    notes seen;
    io_world w([&](sio::server& io) {
        io.on("go", [&](sio::socket s) {
            for (int i = 0; i < 3; ++i)
                s.emit_with_ack(
                    [&, s](auto const& r) {
                        seen.add(text_of(r));
                        // Who asks again is told that there is nobody to ask.
                        s.emit_with_ack([&](auto const& again) { seen.add(text_of(again)); }, 0ms,
                                        "question");
                    },
                    0ms, "question");
        });
    });
    auto const kind = both();
    CAPTURE(name_of(kind));
    sio_peer p(kind, w.port);
    p.send(R"(2["go"])");
    for (int i = 0; i < 3; ++i)
        p.next();
    SECTION("its namespace") {
        p.send("1");
    }
    SECTION("its session") {
        p.engine.send("1");
    }
    auto const closed = make_error_code(sio::error::session_closed).message();
    CHECK(seen.await(6) == strings{left, closed, left, closed, left, closed});
}

TEST_CASE("a question may be asked and answered on foreign threads") {
    io_world w([](sio::server&) {}, {}, 2);
    std::mutex mutex;
    sio::socket asked;
    notes seen;
    w.io().on_connection([&](sio::socket s) {
        std::lock_guard const lock(mutex);
        asked = s;
        seen.add("connected");
    });
    w.on_shard([] {}, 0);
    w.on_shard([] {}, 1);
    sio_peer p(both(), w.port);
    seen.await(1);
    asked.emit_with_ack([&](auto const& r) { seen.add(text_of(r)); }, 10s, "question");
    auto const q = p.next();
    p.send("3" + id_in(q) + "[42]");
    CHECK(seen.await(2).back() == "[42]");

    asio::io_context here;
    std::string got;
    asio::co_spawn(
        here,
        [](sio::socket s, std::string& out) -> asio::awaitable<void> {
            auto const r = co_await s.emit_with_ack(10s, "question");
            out = text_of(r);
        }(asked, got),
        asio::detached);
    std::thread answering([&] {
        auto const q2 = p.next();
        p.send("3" + id_in(q2) + "[43]");
    });
    auto const guard = asio::make_work_guard(here);
    CHECK(wait_until([&] {
        here.poll();
        return !got.empty();
    }));
    answering.join();
    CHECK(got == "[43]");
}

TEST_CASE("an acknowledgement is given once, by whichever copy comes first") {
    std::mutex mutex;
    std::vector<sio::ack> kept;
    io_world w([&](sio::server& io) {
        io.on("now", [](sio::ack reply) {
            CHECK(reply.wanted());
            auto copy = reply;
            copy(1);
            CHECK_FALSE(reply.wanted());
            reply(2);
            copy(3);
        });
        io.on("later", [&](sio::ack reply) {
            std::lock_guard const lock(mutex);
            kept.push_back(reply);
            kept.push_back(reply);
        });
        io.on("nobody asks", [](sio::ack reply) { CHECK_FALSE(reply.wanted()); });
        io.on("both", [](sio::ack reply) {
            reply("said");
            return "returned";
        });
        io.on("sync", [] { return true; });
    });
    sio_peer p(both(), w.port);
    CHECK(p.ask(R"(["now"])") == "[1]");
    p.send(R"(2["nobody asks"])");
    CHECK(p.ask(R"(["both"])") == R"(["said"])");
    // What a handler returns is another acknowledgement of the same event: the peer drops it.
    CHECK(p.next().ends_with(R"(["returned"])"));
    p.send(R"(250["later"])");
    CHECK(wait_until([&] {
        std::lock_guard const lock(mutex);
        return kept.size() == 2;
    }));
    kept[1]("from here");
    kept[0]("too late");
    CHECK(p.next() == R"(350["from here"])");
    CHECK(p.ask(R"(["sync"])") == "[true]");
}

TEST_CASE("a broadcast collects the answers of all") {
    auto const shards = GENERATE(1u, 2u);
    io_world w([](sio::server&) {}, {}, shards);
    std::vector<std::unique_ptr<sio_peer>> peers;
    for (int i = 0; i < 4; ++i)
        peers.push_back(
            std::make_unique<sio_peer>(i % 2 ? wire::polling : wire::websocket, w.port));
    CHECK(w.await_sockets(4));
    notes seen;
    auto const done = [&](sio::ack_responses const& r) { seen.add(text_of(r)); };
    CAPTURE(shards);
    SECTION("all answer") {
        w.io().of("/").all().emit_with_ack(done, "question", "?");
        for (int i = 0; i < 4; ++i) {
            auto& p = *peers[static_cast<std::size_t>(i)];
            auto const q = p.next();
            CHECK(q.ends_with(R"(["question","?"])"));
            CHECK(seen.size() == 0);
            p.send("3" + id_in(q) + "[" + std::to_string(i) + ",\"ignored\"]");
        }
        CHECK(seen.await(1) == strings{"[0,1,2,3]"});
    }
    SECTION("an answer without a value is null") {
        w.io().to(peers[0]->id).emit_with_ack(done, "question");
        peers[0]->send("3" + id_in(peers[0]->next()) + "[]");
        CHECK(seen.await(1) == strings{"[null]"});
    }
    SECTION("some do not, in time") {
        w.io().of("/").timeout(60ms).emit_with_ack(done, "question");
        for (int i = 0; i < 2; ++i) {
            auto& p = *peers[static_cast<std::size_t>(i)];
            p.send("3" + id_in(p.next()) + "[" + std::to_string(i) + "]");
        }
        CHECK(seen.await(1) == strings{"[0,1] " + timeout});
        peers[2]->send("3" + id_in(peers[2]->next()) + "[2]");
        peers[2]->send("1");
        CHECK(w.await_sockets(3));
        CHECK(seen.size() == 1);
    }
    SECTION("some leave") {
        w.io().of("/").all().emit_with_ack(done, "question");
        for (int i = 0; i < 3; ++i) {
            auto& p = *peers[static_cast<std::size_t>(i)];
            p.send("3" + id_in(p.next()) + "[" + std::to_string(i) + "]");
        }
        peers[3]->send("1");
        CHECK(seen.await(1) == strings{"[0,1,2] " + left});
    }
    SECTION("nobody is asked") {
        w.io().to("nobody").emit_with_ack(done, "question");
        CHECK(seen.await(1) == strings{"[]"});
    }
    SECTION("nobody answers") {
        w.io().of("/").timeout(30ms).emit_with_ack(done, "question");
        CHECK(seen.await(1) == strings{"[] " + timeout});
    }
    SECTION("one answers for another") {
        w.io().to(peers[0]->id).timeout(60ms).emit_with_ack(done, "question");
        auto const q = peers[0]->next();
        peers[1]->send("3" + id_in(q) + "[\"forged\"]");
        CHECK(seen.await(1) == strings{"[] " + timeout});
    }
    SECTION("asked from a shard") {
        w.on_shard([&] { w.io().of("/").timeout(30ms).emit_with_ack(done, "question"); },
                   shards - 1);
        CHECK(seen.await(1) == strings{"[] " + timeout});
    }
}

TEST_CASE("many broadcasts with answers are under way together, and the server may go") {
    io_world w([](sio::server&) {}, {}, 2);
    std::vector<std::unique_ptr<sio_peer>> peers;
    for (int i = 0; i < 3; ++i)
        peers.push_back(std::make_unique<sio_peer>(wire::websocket, w.port));
    CHECK(w.await_sockets(3));
    notes seen;
    for (int i = 0; i < 20; ++i)
        w.io().of("/").all().emit_with_ack([&](auto const& r) { seen.add(text_of(r)); }, "q", i);
    for (auto& p : peers)
        for (int i = 0; i < 20; ++i) {
            auto const q = p->next();
            if (i < 10)
                p->send("3" + id_in(q) + "[" + std::to_string(i) + "]");
        }
    CHECK(seen.await(10).size() == 10);
    w.stop();
    CHECK(seen.size() == 10);
}
