#include "io_world.hpp"

#include <thread>

using namespace mad_test;

namespace {

sio::server_settings cleaning() {
    sio::server_settings s;
    s.cleanup_empty_child_namespaces = true;
    return s;
}

/// Children of `/r*` on a server that cleans them up.
struct cleaned_world {
    explicit cleaned_world(std::size_t shards = 1, sio::server_settings s = cleaning(),
                           std::function<void(sio::parent_nsp const&)> const& more = {})
        : world(
              [&](sio::server& io) {
                  io.on_new_namespace([&](sio::nsp n) { made.add(std::string(n.name())); });
                  parent = io.of_pattern("/r*");
                  parent->on("echo", [](int n) { return n; });
                  if (more)
                      more(*parent);
              },
              std::move(s), shards) {}

    bool await_children(std::size_t n) const {
        return wait_until([&] { return parent->children().size() == n; });
    }

    std::optional<sio::parent_nsp> parent;
    notes made;
    io_world world;
};

/// Joins `nsp`, has something echoed and leaves.
void visit(sio_peer& p, std::string const& nsp, int n) {
    auto const number = std::to_string(n);
    p.join(nsp);
    p.send("2" + nsp + ",7[\"echo\"," + number + "]");
    CHECK(p.next() == "3" + nsp + ",7[" + number + "]");
    p.send("1" + nsp + ",");
}

} // namespace

TEST_CASE("a child goes with its last socket, and is made anew for the next one") {
    bool const cleans = GENERATE(true, false);
    auto s = cleaning();
    s.cleanup_empty_child_namespaces = cleans;
    cleaned_world w(GENERATE(1u, 2u), s);
    auto const kind = both();
    sio_peer a(kind, w.world.port), b(kind, w.world.port);
    a.join("/r1");
    visit(b, "/r1", 1);
    CHECK(w.parent->children().size() == 1); // one is still there
    a.send("1/r1,");
    CHECK(w.await_children(cleans ? 0 : 1));
    visit(b, "/r1", 2);
    CHECK(w.made.all() == (cleans ? strings{"/r1", "/r1"} : strings{"/r1"}));
    CHECK(w.await_children(cleans ? 0 : 1));
}

TEST_CASE("whatever way the last socket goes, its namespace goes too") {
    auto const kept = std::make_shared<std::vector<sio::next>>();
    cleaned_world w(GENERATE(1u, 2u), cleaning(), [kept](sio::parent_nsp const& p) {
        p.use([kept](sio::socket const& s, sio::next next) {
            auto const how = s.handshake().auth().value("how", "");
            if (how == "refused")
                return next(sio::connect_error{"no", {}});
            if (how == "waits")
                return kept->push_back(std::move(next));
            next({});
        });
        p.on_connection([](sio::socket s) {
            auto const how = s.handshake().auth().value("how", "");
            if (how == "sent away")
                s.disconnect();
            if (how == "closed")
                s.disconnect(true);
        });
        p.on("go", [](sio::socket s) { s.disconnect(); });
    });
    auto const how = GENERATE(as<std::string>(), "refused", "waits", "sent away", "closed",
                              "goes itself", "ends its session", "asks to be sent");
    CAPTURE(how);
    auto& world = w.world;
    {
        sio_peer p(both(), world.port);
        p.send(R"(0/r1,{"how":")" + how + "\"}");
        if (how == "waits") {
            CHECK(wait_until([&] { return w.made.size() == 1; }));
            p.engine.send("1");
        } else {
            CHECK_FALSE(p.next().empty());
        }
        if (how == "goes itself")
            p.send("1/r1,");
        if (how == "asks to be sent")
            p.send(R"(2/r1,["go"])");
        if (how == "ends its session")
            p.engine.send("1");
        CHECK(w.await_children(0));
    }
    if (how == "waits") // too late, and nothing is left that it could be said to
        world.on_shard([&] { std::exchange(*kept, {}).front()({}); });
    sio_peer q(both(), world.port);
    visit(q, "/r1", 3);
    CHECK(w.made.size() == 2);
    CHECK(w.await_children(0));
}

TEST_CASE("children of old clients are cleaned up as well") {
    auto s = cleaning();
    s.engine.handshake.allow_eio3 = true;
    notes seen;
    cleaned_world w(2, s, [&](sio::parent_nsp const& p) {
        p.on_connection([&](sio::socket c) { seen.add(std::string(c.id())); });
        p.on_disconnect([&](sio::socket c, sio::disconnect_reason) {
            seen.add("left " + std::string(c.id()));
        });
    });
    sio_peer p(sio_peer::old, both(), w.world.port);
    CHECK(p.next() == "0");
    auto const id = "/r1#" + p.id;
    for (std::size_t round = 1; round <= 2; ++round) {
        CHECK(p.ask_to_join("/r1") == "0/r1,");
        p.send("1/r1,");
        CHECK(w.await_children(0));
        CHECK(seen.size() == 2 * round);
    }
    CHECK(seen.all() == strings{id, "left " + id, id, "left " + id});
}

TEST_CASE("what the application has named itself stays") {
    cleaned_world w;
    auto const own = w.world.io().of("/r1");
    own.on("echo", [](int n) { return -n; });
    sio_peer p(both(), w.world.port);
    for (int i = 0; i < 2; ++i) {
        p.join("/r1");
        p.send(R"(2/r1,7["echo",1])");
        CHECK(p.next() == "3/r1,7[-1]");
        p.send("1/r1,");
    }
    CHECK(w.parent->children().empty());
    CHECK(w.made.size() == 1);
}

TEST_CASE("the limit of children counts those that there are") {
    auto s = cleaning();
    s.max_child_namespaces = 2;
    cleaned_world w(1, s);
    sio_peer p(both(), w.world.port);
    for (int i = 0; i < 5; ++i) {
        visit(p, "/r" + std::to_string(i), i);
        CHECK(w.await_children(0));
    }
    p.join("/r1");
    p.join("/r2");
    CHECK(p.ask_to_join("/r3") == R"(4/r3,{"message":"too many namespaces"})");
    p.send("1/r1,");
    CHECK(w.await_children(1));
    p.join("/r3");
}

TEST_CASE("handles of a namespace that has gone do no harm, also when their server has gone") {
    std::mutex mutex;
    std::vector<sio::socket> sockets;
    std::vector<sio::ack> answers;
    std::vector<sio::next> nexts;
    std::vector<sio::nsp> spaces;
    std::vector<sio::broadcast_operator> operators;
    std::vector<sio::remote_socket> found;
    auto const token = std::make_shared<int>(); // in handlers that hold their own namespace
    {
        auto s = cleaning();
        bool const recovers = GENERATE(false, true);
        if (recovers)
            s.recovery.emplace();
        cleaned_world w(2, s, [&](sio::parent_nsp const& p) {
            p.each_child([&](sio::nsp const& n) {
                n.use([&, n, token](sio::socket const&, sio::next next) {
                    {
                        std::lock_guard const lock(mutex);
                        nexts.push_back(next);
                    }
                    next({});
                });
                n.on_connection([&, n, token](sio::socket c) {
                    std::lock_guard const lock(mutex);
                    sockets.push_back(c);
                    spaces.push_back(n);
                    operators.push_back(c.to("room"));
                    c.on("mine", [c, token] {});
                });
                n.on_join_room([n, token](std::string const&, std::string_view) {});
                n.on_server_side(
                    "x", [n, token](sio::arguments const&, std::function<void(sio::arguments)>) {});
                n.on("keep", [&, n, token](sio::socket, sio::ack reply) {
                    std::lock_guard const lock(mutex);
                    answers.push_back(reply);
                });
            });
        });
        sio_peer p(both(), w.world.port);
        auto const id = p.join("/r1");
        p.send(R"(2/r1,1["keep"])");
        CHECK(wait_until([&] {
            std::lock_guard const lock(mutex);
            return answers.size() == 1;
        }));
        notes fetched;
        spaces[0].fetch_sockets([&](mad::result<std::vector<sio::remote_socket>> all) {
            found = all.value();
            fetched.add("done");
        });
        fetched.await(1);
        p.send("1/r1,");
        CHECK(w.await_children(0));
        // Its handlers do not outlive it, although they hold what keeps it.
        CHECK(wait_until([&] { return token.use_count() == 1; }));

        p.join("/r1"); // another one, which the old handles do not reach
        auto const held = token.use_count();
        CHECK(spaces[0].name() == "/r1");
        CHECK(spaces[0].size() == 0);
        CHECK(sockets[0].nsp() == "/r1");
        CHECK(sockets[0].id() == id);
        auto const use = [&] {
            CHECK_FALSE(sockets[0].connected());
            spaces[0].emit("x");
            spaces[0].on("late", [n = spaces[0], token] {});
            spaces[0].on_connection([n = spaces[0], token](sio::socket) {});
            operators[0].emit("x");
            sockets[0].emit("x");
            sockets[0].broadcast().emit("x");
            sockets[0].join("room");
            sockets[0].on("x", [token] {});
            sockets[0].emit_with_ack(
                [&](mad::result<sio::arguments> r) { fetched.add(r.error().message()); }, 0ms, "x");
            found.at(0).emit("x");
            found.at(0).disconnect(true);
            answers[0]("late");
            nexts[0]({});
        };
        w.world.on_shard(use);
        std::thread(use).join();
        auto const gone = mad::error_code(sio::error::session_closed).message();
        CHECK(fetched.await(3) == strings{"done", gone, gone});
        for (std::size_t i = 0; i < 2; ++i)
            w.world.on_shard([] {}, i);
        CHECK(token.use_count() == held); // nothing was added to what has gone
        p.send(R"(2/r1,["keep"])");
        p.send(R"(2/r1,5["echo",1])");
        CHECK(p.next() == "3/r1,5[1]"); // nothing came before
    }
    CHECK(token.use_count() == 1); // the server's end cleans up what is left
}

TEST_CASE("sockets that come while their namespace is cleaned up get one that works", "[race]") {
    constexpr int visitors = 2, rounds = 150; // so few that there is often nobody
    cleaned_world w(3, cleaning(), [](sio::parent_nsp const& p) {
        p.on_connection([](sio::socket s) { s.join("room"); });
        p.on_disconnect([](sio::socket s, sio::disconnect_reason) { s.to("nobody").emit("x"); });
    });
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    // Handles are taken and used all the while.
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            std::vector<sio::nsp> old;
            while (!stop) {
                for (auto const& n : w.parent->children()) {
                    n.to("nobody").emit("x");
                    if (old.size() % 8 == 0)
                        n.on("late", [n] {});
                    n.fetch_sockets([n](auto const&) {});
                    n.rooms([n](auto const&) {});
                    old.push_back(n);
                }
                if (old.size() > 50)
                    old.clear();
                std::this_thread::yield();
            }
        });
    std::vector<std::thread> peers;
    std::atomic<int> served{0};
    std::mutex wrong_mutex;
    strings wrong;
    for (int v = 0; v < visitors; ++v)
        peers.emplace_back([&, v] {
            try {
                // Some by new sessions, which may end before their socket has left.
                auto p = std::make_unique<sio_peer>(wire::websocket, w.world.port);
                for (int i = 0; i < rounds; ++i) {
                    p->join("/r");
                    p->send("2/r,7[\"echo\"," + std::to_string(i) + "]");
                    if (auto const got = p->next(); got != "3/r,7[" + std::to_string(i) + "]")
                        throw std::runtime_error("[" + got + "]");
                    ++served;
                    if (i % 8 == v)
                        p = std::make_unique<sio_peer>(wire::websocket, w.world.port);
                    else
                        p->send("1/r,");
                }
            } catch (std::exception const& e) {
                std::lock_guard const lock(wrong_mutex);
                wrong.push_back(e.what());
            }
        });
    for (auto& p : peers)
        p.join();
    stop = true;
    for (auto& t : threads)
        t.join();
    CHECK(wrong == strings{});
    CHECK(served == visitors * rounds);
    CHECK(w.await_children(0));
    sio_peer last(wire::websocket, w.world.port);
    visit(last, "/r", 0);
    CHECK(w.await_children(0));
    CHECK(w.made.size() > 1);
    CHECK(w.world.log().count("socketio.handler.fault") == 0);
}
