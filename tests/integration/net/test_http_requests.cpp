#include "http_world.hpp"

#include <catch2/catch.hpp>

using namespace mad;
using namespace mad_test;

TEST_CASE("a connection stays for the next request") {
    http_world w;
    raw_client c(w.port);
    for (int i = 0; i < 5; ++i) {
        auto const a = c.ask(get("/hello"));
        CHECK(a.status == 200);
        CHECK(a.body == "hello\n");
        CHECK(a.header("connection") == "keep-alive");
    }
    CHECK(w.server().connections() == 1);
}

TEST_CASE("a connection goes when either side says so") {
    http_world w;
    SECTION("the client") {
        raw_client c(w.port);
        CHECK(c.ask(get("/hello", "Connection: close\r\n")).header("connection") == "close");
        CHECK(c.at_end());
        CHECK_FALSE(c.was_reset());
    }
    SECTION("HTTP/1.0") {
        raw_client c(w.port);
        CHECK(c.ask("GET /hello HTTP/1.0\r\n\r\n").body == "hello\n");
        CHECK(c.at_end());
    }
    SECTION("HTTP/1.0 that asks to stay") {
        raw_client c(w.port);
        CHECK(c.ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").status == 200);
        CHECK(c.ask(get("/hello")).status == 200);
    }
    SECTION("the answer") {
        raw_client c(w.port);
        c.send(get("/wait"));
        REQUIRE(w.await_requests(1));
        http::response r;
        r.close = true;
        w.answer(0, std::move(r));
        CHECK(c.answer().header("connection") == "close");
        CHECK(c.at_end());
    }
}

TEST_CASE("HEAD has the length and no body") {
    http_world w;
    raw_client c(w.port);
    c.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nHEAD /big HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(c.answer(true).header("content-length") == "6");
    CHECK(c.answer(true).header("content-length") == std::to_string(8 * 1024 * 1024));
    CHECK(c.ask(get("/hello")).body == "hello\n");
}

TEST_CASE("requests that come together are answered in order") {
    http_world w;
    raw_client c(w.port);
    std::string all;
    for (int i = 0; i < 100; ++i)
        all += i % 3 ? post("/echo", "body " + std::to_string(i)) : get("/hello");
    SECTION("at once") {
        c.send(all);
    }
    SECTION("in odd pieces") {
        c.send_slowly(all, 37);
    }
    for (int i = 0; i < 100; ++i)
        CHECK(c.answer().body == (i % 3 ? "body " + std::to_string(i) : "hello\n"));
}

TEST_CASE("a request behind one that waits, waits too") {
    http_world w;
    raw_client c(w.port);
    c.send(get("/wait/1") + get("/hello") + get("/wait/2") + get("/hello"));
    REQUIRE(w.await_requests(1));
    CHECK(c.silent_for(limit(20)));
    CHECK(w.waiting->seen() == 1);
    w.answer(0, http::text_answer(201, "one"));
    CHECK(c.answer().body == "one");
    CHECK(c.answer().body == "hello\n");
    REQUIRE(w.await_requests(2));
    w.answer(1, http::text_answer(202, "two"));
    CHECK(c.answer().body == "two");
    CHECK(c.answer().body == "hello\n");
    CHECK(w.waiting->targets() == std::vector<std::string>{"/wait/1", "/wait/2"});
}

TEST_CASE("who waits for an answer and goes is noticed, with requests behind or not") {
    http_world w;
    auto const behind = GENERATE(std::string{}, get("/hello"));
    {
        raw_client c(w.port);
        c.send(get("/wait") + behind);
        REQUIRE(w.await_requests(1));
    }
    CHECK(wait_until([&] { return w.waiting->gone() == std::vector<int>{0}; }));
    CHECK(w.await_connections(0));
    // An answer that comes too late goes nowhere.
    w.answer(0, http::text_answer(200, "late"));
    CHECK(raw_client(w.port).ask(get("/hello")).status == 200);
}

TEST_CASE("a head may come one byte at a time") {
    http_world w;
    raw_client c(w.port);
    for (int i = 0; i < 2; ++i) {
        c.send_slowly(get("/hello", "X-One: two\r\n"), 1);
        CHECK(c.answer().body == "hello\n");
    }
}

TEST_CASE("up to two empty lines before a request are passed over") {
    http_world w;
    raw_client c(w.port);
    CHECK(c.ask("\r\n\r\n" + get("/hello")).status == 200);
    CHECK(c.ask("\r\n" + get("/hello")).status == 200);
    CHECK(c.ask("\r\n\r\n\r\n\r\n" + get("/hello")).status == 400);
    CHECK(c.at_end());
}

TEST_CASE("a body comes whole however it was sent") {
    http_world w;
    raw_client c(w.port);
    std::string const body = "0123456789\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    std::string const chunked =
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "a\r\n0123456789\r\n" +
        std::string("16;x=y\r\n") + body.substr(10) + "\r\n0\r\nTrailer: dropped\r\n\r\n";
    auto const piece = GENERATE(1u, 7u, 100'000u);
    for (auto const& request : {post("/echo", body), chunked, post("/echo", "")}) {
        c.send_slowly(request, piece);
        auto const a = c.answer();
        CHECK(a.status == 200);
        CHECK(a.body == (request == post("/echo", "") ? "" : body));
        CHECK(a.header("connection") == "keep-alive");
    }
    // What follows a body in the same bytes is the next request.
    c.send(post("/echo", "one") + chunked + get("/hello"));
    CHECK(c.answer().body == "one");
    CHECK(c.answer().body == body);
    CHECK(c.answer().body == "hello\n");
}

TEST_CASE("who asks first is told to go on, or why not") {
    http_world w;
    auto const asks = [](std::string const& target, int length, char const* version = "1.1") {
        return "POST " + target + " HTTP/" + version +
               "\r\nHost: a\r\nContent-Length: " + std::to_string(length) +
               "\r\nExpect: 100-continue\r\n\r\n";
    };
    SECTION("wanted") {
        raw_client c(w.port);
        c.send(asks("/echo", 4));
        CHECK(c.take_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
        CHECK(c.ask("body").body == "body");
        CHECK(c.ask(asks("/echo", 4) + "body").body == "body"); // did not wait for it
    }
    SECTION("too long") {
        raw_client c(w.port);
        CHECK(c.ask(asks("/echo", 1001)).status == 413);
        CHECK(c.at_end());
    }
    SECTION("not wanted there") {
        raw_client c(w.port);
        CHECK(c.ask(asks("/hello", 4)).status == 405);
        CHECK(c.at_end());
    }
    SECTION("HTTP/1.0 knows nothing of it") {
        raw_client c(w.port);
        c.send(asks("/echo", 4, "1.0"));
        CHECK(c.silent_for(limit(20)));
        CHECK(c.ask("body").body == "body");
    }
}

TEST_CASE("requests that cannot be served are told why, and those in order may stay") {
    http_world w;
    struct row {
        std::string request;
        int status;
        bool stays;
    };
    auto const r = GENERATE(
        row{get("/nowhere"), 404, true}, row{post("/nowhere", "with a body"), 404, true},
        row{"BREW /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 501, true},
        row{"POST /hello HTTP/1.1\r\nHost: a\r\n\r\n", 405, true},
        row{post("/hello", "x"), 405, true}, row{post("/echo", std::string(1001, 'x')), 413, false},
        row{"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", 404, false},
        row{"GET /hello HTTP/1.1\r\n\r\n", 400, false}, row{"nonsense\r\n\r\n", 400, false},
        row{std::string("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 11), 400,
            false}, // a TLS client
        row{"GET /hello HTTP/3.0\r\nHost: a\r\n\r\n", 505, false},
        row{get("/hello", "Transfer-Encoding: gzip\r\n"), 501, false},
        row{get("/hello", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400, false},
        row{"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400,
            false},
        row{"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", 413,
            false},
        row{"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                std::string(5000, 'e'),
            400, false},
        row{"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: " +
                std::string(70'000, 't'),
            400, false},
        row{get("/" + std::string(9000, 'x')), 414, false},
        row{"GET /" + std::string(9000, 'x'), 414, false}, // not whole yet, and never will be
        row{get("/hello", "X: " + std::string(17'000, 'x') + "\r\n"), 431, false},
        row{"GET /hello HTTP/1.1\r\nX: " + std::string(17'000, 'x'), 431, false});
    CAPTURE(r.request.substr(0, 100));
    raw_client c(w.port);
    auto const a = c.ask(r.request);
    CHECK(a.status == r.status);
    CHECK(a.header("connection") == (r.stays ? "keep-alive" : "close"));
    if (r.stays) {
        CHECK(c.ask(get("/hello")).body == "hello\n");
    } else {
        CHECK(c.at_end());
        CHECK_FALSE(c.was_reset());
    }
}

TEST_CASE("nothing behind a request that was refused is taken for one") {
    http_world w;
    raw_client c(w.port);
    c.send("POST /wait HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n" +
           get("/wait/smuggled"));
    CHECK(c.answer().status == 501);
    CHECK(c.at_end());
    CHECK(w.waiting->seen() == 0);
}

TEST_CASE("too many fields are 431") {
    http_world w;
    std::string fields;
    for (int i = 0; i < 100; ++i)
        fields += "a:b\r\n";
    raw_client c(w.port);
    CHECK(c.ask(get("/hello", fields)).status == 431);
    CHECK(c.at_end());
}

TEST_CASE("an answer that is refused arrives, though the client is still sending") {
    http_world w;
    raw_client c(w.port);
    c.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    c.send(std::string(30'000, 'x'));
    CHECK(c.answer().status == 413);
    c.half_close();
    CHECK(c.at_end());
    CHECK_FALSE(c.was_reset());
    CHECK(w.await_connections(0));
}

TEST_CASE("a connection serves so many requests, then says that it ends") {
    http::server_settings s;
    s.limits.max_requests = 3;
    http_world w(s);
    raw_client c(w.port);
    c.send(get("/hello") + get("/hello") + get("/hello") + get("/hello"));
    CHECK(c.answer().header("connection") == "keep-alive");
    CHECK(c.answer().header("connection") == "keep-alive");
    CHECK(c.answer().header("connection") == "close");
    CHECK(c.at_end());
}

TEST_CASE("a route may answer from the head, or keep the request for later") {
    struct early final : http::route {
        void on_head(net::shard& s, http::request const& r, http::exchange& x,
                     std::size_t&) override {
            if (r.path == "/early/now")
                return x.respond(http::text_answer(403, "no"));
            auto const kept = std::make_shared<http::exchange>(std::move(x));
            s.post([kept] { kept->respond(http::text_answer(202, "later")); });
        }
        void on_request(net::shard&, http::request const&, http::exchange) override {
            FAIL("was answered");
        }
    };
    http_world w({}, 1, [](http::router& r) { r.mount("/early", std::make_shared<early>()); });
    struct row {
        std::string target;
        int status;
    };
    auto const r = GENERATE(row{"/early/now", 403}, row{"/early/kept", 202});
    {
        raw_client c(w.port);
        c.send(post(r.target, "body") + get("/hello"));
        CHECK(c.answer().status == r.status);
        CHECK(c.answer().body == "hello\n"); // the body was there and is read over
    }
    {
        raw_client c(w.port);
        // The body is not there: what follows must not be taken for a request.
        c.send("POST " + r.target + " HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
        c.send(get("/hello"));
        auto const a = c.answer();
        CHECK(a.status == r.status);
        CHECK(a.header("connection") == "close");
        c.half_close();
        CHECK(c.at_end());
    }
}

TEST_CASE("a body shared with websockets is sent without their header") {
    http_world w({}, 1, [](http::router& r) {
        r.get("/shared", [](http::request const&) {
            http::response a;
            a.shared_body = net::wire_block::message("for all", false);
            return a;
        });
    });
    raw_client c(w.port);
    CHECK(c.ask(get("/shared")).body == "for all");
    CHECK(c.ask(get("/hello")).body == "hello\n");
}
