#include "http_world.hpp"

#include <catch2/catch.hpp>

using namespace mad;
using namespace mad_test;

namespace {

/// Answers 101 and then gives back what comes, in capitals: stands for a websocket.
class upgrade_route final : public http::route {
  public:
    explicit upgrade_route(bool from_head)
        : from_head_(from_head) {}
    void on_head(net::shard& s, http::request const&, http::exchange& x, std::size_t&) override {
        if (from_head_)
            take(s, x);
    }
    void on_request(net::shard& s, http::request const& r, http::exchange x) override {
        if (r.path.ends_with("/later")) {
            auto const kept = std::make_shared<http::exchange>(std::move(x));
            s.post([this, &s, kept] { take(s, *kept); });
        } else {
            take(s, x);
        }
    }

    std::string rest() const {
        std::lock_guard const lock(mutex_);
        return rest_;
    }
    bool open() const {
        std::lock_guard const lock(mutex_);
        return stream_.is_open();
    }
    void close() {
        std::lock_guard const lock(mutex_);
        stream_.close();
    }

  private:
    void take(net::shard&, http::exchange& x) {
        std::string rest;
        auto s = x.take_stream(rest);
        std::lock_guard const lock(mutex_);
        rest_ = rest;
        stream_ = std::move(s);
        if (!stream_.is_open())
            return;
        std::string const answer = "HTTP/1.1 101 Switching Protocols\r\n\r\n" + rest;
        iovec const part{const_cast<char*>(answer.data()), answer.size()};
        stream_.write({&part, 1});
    }

    bool from_head_;
    mutable std::mutex mutex_;
    std::string rest_;
    net::stream stream_;
};

std::string upgrade(std::string const& target) {
    return get(target, "Connection: Upgrade\r\nUpgrade: something\r\n");
}

} // namespace

TEST_CASE("a client that ends its direction still gets the answer that is on its way") {
    http_world w;
    raw_client c(w.port);
    c.send(get("/hello") + get("/big"));
    c.half_close();
    CHECK(c.answer().body == "hello\n");
    CHECK(c.answer().body.size() == 8u << 20);
    CHECK(c.at_end());
    CHECK(w.await_connections(0));
}

TEST_CASE("one that ends its direction while it waits is gone") {
    http_world w;
    raw_client c(w.port);
    c.send(get("/wait"));
    REQUIRE(w.await_requests(1));
    c.half_close();
    CHECK(c.at_end());
    CHECK(wait_until([&] { return w.waiting->gone() == std::vector<int>{0}; }));
}

TEST_CASE("an answer under way arrives though the next one is given up") {
    http_world w;
    raw_client::wish small;
    small.receive_buffer = 8192;
    raw_client c(w.port, small);
    c.send(get("/big") + get("/wait"));
    c.half_close();
    CHECK(c.answer().body.size() == 8u << 20);
    CHECK(c.at_end());
    CHECK(w.await_connections(0));
}

TEST_CASE("a reset ends a connection in whatever it was doing") {
    http_world w;
    auto const sent = GENERATE(
        as<std::string>{}, "", "GET /hel", get("/hello"), get("/wait"), get("/big"),
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", "nonsense\r\n\r\n");
    {
        raw_client::wish small;
        small.receive_buffer = 8192;
        raw_client c(w.port, small);
        c.send(sent);
        REQUIRE(w.await_connections(1));
        if (sent == get("/wait"))
            REQUIRE(w.await_requests(1));
        c.reset();
    }
    CHECK(w.await_connections(0));
    CHECK(raw_client(w.port).ask(get("/hello")).status == 200);
}

TEST_CASE("an exception in a route costs its connection and nothing else") {
    http_world w;
    raw_client other(w.port);
    CHECK(other.ask(get("/hello")).status == 200);
    raw_client c(w.port);
    auto const how = GENERATE(std::string{}, get("/wait"));
    c.send(how + get("/throws"));
    if (!how.empty()) { // thrown at the end of a turn, when the wait is over
        REQUIRE(w.await_requests(1));
        w.answer(0, http::text_answer(200, "first"));
    }
    c.read_to_end();
    CHECK(w.log().count("net.connection.fault") == 1);
    CHECK(w.log().has("a bad day"));
    CHECK(other.ask(get("/hello")).status == 200);
    CHECK(w.await_connections(1));
}

TEST_CASE("a route that throws when its peer has gone costs nothing else") {
    struct bitter final : http::route {
        void on_head(net::shard&, http::request const&, http::exchange& x,
                     std::size_t& max_body) override {
            max_body = 1000;
            x.on_gone([](int) { throw std::runtime_error("gone is gone"); });
        }
        void on_request(net::shard&, http::request const&, http::exchange) override {}
    };
    http::server_settings s;
    s.limits.body_slow_after = limit(30);
    http_world w(s, 1, [](http::router& r) { r.mount("/bitter", std::make_shared<bitter>()); });
    raw_client timed_out(w.port), ended(w.port), other(w.port);
    for (auto* const c : {&timed_out, &ended})
        c->send("POST /bitter HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    ended.reset();
    timed_out.read_to_end();
    CHECK(other.ask(get("/hello")).status == 200);
    CHECK(w.await_connections(1));
    CHECK(w.log().count("net.connection.fault") == 2);
    CHECK(w.log().has("gone is gone"));
}

TEST_CASE("a request that a route forgets is 500, not silence") {
    struct forgetful final : http::route {
        void on_request(net::shard&, http::request const&, http::exchange) override {}
    };
    http_world w({}, 1, [](http::router& r) { r.mount("/forget", std::make_shared<forgetful>()); });
    raw_client c(w.port);
    CHECK(c.ask(get("/forget")).status == 500);
    CHECK(c.ask(get("/hello")).status == 200);
}

TEST_CASE("draining finishes what is under way and takes no more") {
    http_world w;
    raw_client waits(w.port), idle(w.port), half(w.port), fresh(w.port);
    waits.send(get("/wait"));
    CHECK(idle.ask(get("/hello")).status == 200);
    half.send("GET /hello HTTP/1.1\r\n");
    REQUIRE(w.await_requests(1));
    REQUIRE(w.await_connections(4));
    w.server().drain();
    CHECK(idle.at_end());
    CHECK(fresh.at_end());
    CHECK_THROWS(raw_client(w.port));
    half.send("Host: a\r\n\r\n");
    auto const last = half.answer();
    CHECK(last.body == "hello\n");
    CHECK(last.header("connection") == "close");
    CHECK(half.at_end());
    w.answer(0, http::text_answer(200, "done"));
    auto const a = waits.answer();
    CHECK(a.body == "done");
    CHECK(a.header("connection") == "close");
    CHECK(waits.at_end());
    CHECK(w.await_connections(0));
}

TEST_CASE("what is in the queue when draining begins is still served") {
    http_world w;
    std::vector<raw_client> all;
    std::promise<void> hold, held;
    w.pool()[0].post([&] {
        held.set_value();
        hold.get_future().wait();
        w.server().drain();
    });
    held.get_future().wait();
    for (int i = 0; i < 20; ++i) {
        all.emplace_back(w.port);
        all.back().send(get("/hello"));
    }
    hold.set_value();
    for (auto& c : all) {
        CHECK(c.answer().body == "hello\n");
        CHECK(c.at_end());
    }
}

TEST_CASE("bytes that are no request do not hold up the draining") {
    http::server_settings s;
    s.limits.head_timeout = s.limits.idle_timeout = limit(3'600'000);
    http_world w(s);
    raw_client c(w.port);
    CHECK(c.ask(get("/hello")).status == 200);
    std::promise<void> hold, held;
    w.pool()[0].post([&] {
        held.set_value();
        hold.get_future().wait();
        w.server().drain();
    });
    held.get_future().wait();
    c.send("\r\n");
    hold.set_value();
    CHECK(c.at_end());
}

TEST_CASE("closing ends everything at once") {
    http_world w;
    raw_client waits(w.port), idle(w.port), reads(w.port);
    waits.send(get("/wait"));
    CHECK(idle.ask(get("/hello")).status == 200);
    reads.send(get("/big"));
    REQUIRE(w.await_requests(1));
    w.server().close();
    CHECK(waits.at_end());
    CHECK(idle.at_end());
    reads.read_to_end();
    CHECK(w.await_connections(0));
    CHECK(wait_until([&] { return w.waiting->gone() == std::vector<int>{0}; }));
    CHECK_THROWS(raw_client(w.port));
}

TEST_CASE("a route may close its own server") {
    http_world* world = nullptr;
    http_world w({}, 1, [&](http::router& r) {
        r.get("/close", [&](http::request const&) {
            world->server().close();
            return http::text_answer(200, "never sent");
        });
    });
    world = &w;
    raw_client other(w.port), c(w.port);
    CHECK(other.ask(get("/hello")).status == 200);
    c.send(get("/close"));
    c.read_to_end();
    CHECK(other.at_end());
    CHECK(w.await_connections(0));
}

TEST_CASE("an exchange that outlives its server answers nobody") {
    auto waiting = std::make_shared<waiting_route>();
    {
        http_world w;
        waiting = w.waiting;
        raw_client c(w.port);
        c.send(get("/wait"));
        REQUIRE(w.await_requests(1));
    }
    CHECK(waiting->gone() == std::vector<int>{0});
    waiting->take(0).respond(http::text_answer(200, "too late"));
}

TEST_CASE("an upgrade hands the stream over with what came behind the head") {
    auto const from_head = GENERATE(false, true);
    auto const route = std::make_shared<upgrade_route>(from_head);
    http_world w({}, 1, [&](http::router& r) { r.mount("/up", route); });
    auto const target = GENERATE(std::string("/up"), std::string("/up/later"));
    raw_client c(w.port);
    c.send(upgrade(target) + "already here");
    CHECK(c.take_until("\r\n\r\n") == "HTTP/1.1 101 Switching Protocols\r\n\r\n");
    CHECK(c.take(12) == "already here");
    CHECK(route->rest() == "already here");
    // It counts until it is closed, and outlives what the server closes.
    CHECK(w.server().connections() == 1);
    w.server().close();
    w.on_shard([] {});
    CHECK(route->open());
    CHECK(w.server().connections() == 1);
    w.on_shard([&] { route->close(); });
    CHECK(w.server().connections() == 0);
    CHECK(c.at_end());
}

TEST_CASE("an upgrade behind other requests comes after their answers") {
    auto const route = std::make_shared<upgrade_route>(false);
    http_world w({}, 1, [&](http::router& r) { r.mount("/up", route); });
    raw_client c(w.port);
    c.send(get("/hello") + upgrade("/up") + "rest");
    CHECK(c.answer().body == "hello\n");
    CHECK(c.take_until("rest") == "HTTP/1.1 101 Switching Protocols\r\n\r\nrest");
    w.on_shard([&] { route->close(); });
}

TEST_CASE("an upgrade whose peer has gone gives a closed stream") {
    auto const route = std::make_shared<waiting_route>();
    http_world w({}, 1, [&](http::router& r) { r.mount("/up", route); });
    {
        raw_client c(w.port);
        c.send(upgrade("/up"));
        REQUIRE(wait_until([&] { return route->seen() == 1; }));
    }
    REQUIRE(w.await_connections(0));
    w.on_shard([&] {
        std::string rest;
        CHECK_FALSE(route->take(0).take_stream(rest).is_open());
    });
}

TEST_CASE("a server runs under a plain io_context too, and its run ends when all is closed") {
    boost::asio::io_context ctx;
    http::router r;
    r.get("/hello", [](http::request const&) { return http::text_answer(200, "hello\n"); });
    http::server server({&net::shard::of(ctx)}, std::move(r), {});
    auto const port = server.listen({boost::asio::ip::make_address("127.0.0.1"), 0}).value().port();
    std::thread loop([&] { ctx.run(); });
    {
        raw_client c(port);
        for (int i = 0; i < 3; ++i)
            CHECK(c.ask(get("/hello")).body == "hello\n");
        c.send(get("/hello") + get("/hello", "Connection: close\r\n"));
        CHECK(c.answer().status == 200);
        CHECK(c.answer().status == 200);
        CHECK(c.at_end());
    }
    raw_client stays(port);
    CHECK(stays.ask(get("/hello")).status == 200);
    server.drain();
    CHECK(stays.at_end());
    loop.join(); // in time: no deadline that nobody waits for keeps it
    CHECK(server.connections() == 0);
}

TEST_CASE("a server that never ran is destroyed in peace") {
    boost::asio::io_context ctx;
    http::server server({&net::shard::of(ctx)}, {}, {});
    CHECK(server.listen({boost::asio::ip::make_address("127.0.0.1"), 0}));
    ctx.poll();
}

TEST_CASE("a server that is destroyed with open connections lets the loop end") {
    boost::asio::io_context ctx;
    auto server = std::make_unique<http::server>(std::vector{&net::shard::of(ctx)}, http::router{},
                                                 http::server_settings{});
    auto const port =
        server->listen({boost::asio::ip::make_address("127.0.0.1"), 0}).value().port();
    raw_client c(port);
    REQUIRE(wait_until([&] {
        ctx.poll();
        return server->connections() == 1;
    }));
    server.reset();
    CHECK(c.at_end());
    ctx.run();
}
