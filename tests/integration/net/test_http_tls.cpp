#include "http_world.hpp"

#include <mad/net/tls_engine.hpp>

#include <catch2/catch.hpp>
#include <support/certificates.hpp>
#include <support/tls_client.hpp>

#include <sys/resource.h>

using namespace mad;
using namespace mad_test;

namespace {

authority::files issue(authority& ca, std::string const& base) {
    return ca.issue(base, {base, {"DNS:localhost", "IP:127.0.0.1"}});
}

std::shared_ptr<net::tls_server_context> serve(authority::files const& f) {
    return net::tls_server_context::load(f.cert, f.key).value();
}

http::server_settings secure(authority::files const& f) {
    http::server_settings s;
    s.tls = serve(f);
    return s;
}

double cpu_seconds() {
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    auto const s = [](timeval const& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return s(u.ru_utime) + s(u.ru_stime);
}

} // namespace

TEST_CASE("HTTP is served over TLS from end to end") {
    authority ca;
    std::atomic<bool> was_secure = false;
    http_world w(secure(issue(ca, "one")), 1, [&](http::router& r) {
        r.get("/secure", [&](http::request const& q) {
            was_secure = q.secure;
            return http::text_answer(200, "yes");
        });
    });
    tls_client c(w.port, ca.ca_file());
    REQUIRE(c.handshake());
    CHECK(c.ask(get("/secure")).body == "yes");
    CHECK(was_secure);
    for (int i = 0; i < 5; ++i)
        CHECK(c.ask(get("/hello")).body == "hello\n");
    c.send(get("/hello") + post("/echo", "in one record") + get("/hello"));
    CHECK(c.answer().body == "hello\n");
    CHECK(c.answer().body == "in one record");
    CHECK(c.answer().body == "hello\n");
    CHECK(c.ask(get("/big")).body == std::string(8 << 20, 'B'));
    CHECK(c.ask(get("/hello", "Connection: close\r\n")).status == 200);
    CHECK(c.ended_in_order());
    CHECK(w.await_connections(0));
}

TEST_CASE("a large upload over TLS comes whole, however the records lie") {
    authority ca;
    http_world w(secure(issue(ca, "one")), 1, [&](http::router& r) {
        r.mount("/upload", std::make_shared<echo_route>(8 << 20));
    });
    tls_client c(w.port, ca.ca_file());
    REQUIRE(c.handshake());
    std::string const body(3'000'001, 'u');
    c.send("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 3000001\r\n\r\n");
    SECTION("full records") {
        c.send(body);
    }
    SECTION("records of odd sizes, many to a packet") {
        for (std::size_t at = 0, n = 1; at < body.size(); at += n, n = n * 7 % 16'001 + 1) {
            n = std::min(n, body.size() - at);
            REQUIRE(c.engine->write(std::string_view(body).substr(at, n)).value() == n);
            if (c.engine->owed().size() > 100'000)
                c.flush();
        }
        c.flush();
    }
    CHECK(c.answer().body == body);
}

TEST_CASE("a handshake may come a byte at a time") {
    authority ca;
    http_world w(secure(issue(ca, "one")));
    tls_client c(w.port, ca.ca_file());
    REQUIRE(c.handshake(1));
    CHECK(c.ask(get("/hello")).body == "hello\n");
}

TEST_CASE("a handshake that stops is ended in time, and waiting for it costs nothing") {
    authority ca;
    auto s = secure(issue(ca, "one"));
    s.limits.head_timeout = limit(200);
    http_world w(s);
    struct stopper {
        char const* name;
        std::size_t bytes;
    };
    auto const stop = GENERATE(stopper{"before the first byte", 0},
                               stopper{"in the first message", 100}, stopper{"after it", 100'000});
    CAPTURE(stop.name);
    tls_client c(w.port, ca.ca_file());
    c.wire.send(std::string(c.engine->owed().substr(0, stop.bytes)));
    auto const cpu = cpu_seconds();
    auto const begin = std::chrono::steady_clock::now();
    c.wire.read_to_end();
    CHECK(std::chrono::steady_clock::now() - begin >= limit(150));
    CHECK(cpu_seconds() - cpu < 0.15);
    CHECK(w.await_connections(0));
}

TEST_CASE("a secure connection that says nothing after its handshake is closed in time") {
    authority ca;
    auto s = secure(issue(ca, "one"));
    s.limits.head_timeout = limit(300);
    http_world w(s);
    tls_client c(w.port, ca.ca_file());
    REQUIRE(c.handshake());
    CHECK(c.answer().status == 408);
    CHECK(c.ended_in_order());
}

TEST_CASE("a client that is not TLS, or leaves in the middle, costs nothing else") {
    authority ca;
    http_world w(secure(issue(ca, "one")));
    tls_client stays(w.port, ca.ca_file());
    REQUIRE(stays.handshake());
    SECTION("plain HTTP") {
        raw_client c(w.port);
        c.send(get("/hello"));
        auto const said = c.read_to_end();
        CHECK(said.find("HTTP/1.1") == said.npos);
    }
    SECTION("reset in the handshake") {
        tls_client c(w.port, ca.ca_file());
        c.wire.send(c.engine->owed());
        c.wire.reset();
    }
    SECTION("ended without close_notify while it waits") {
        tls_client c(w.port, ca.ca_file());
        REQUIRE(c.handshake());
        c.send(get("/wait"));
        REQUIRE(w.await_requests(1));
        c.wire.close();
        CHECK(wait_until([&] { return w.waiting->gone() == std::vector<int>{0}; }));
    }
    SECTION("ended with it") {
        tls_client c(w.port, ca.ca_file());
        REQUIRE(c.handshake());
        CHECK(c.ask(get("/hello")).status == 200);
        c.engine->end();
        c.flush();
        c.wire.read_to_end();
    }
    CHECK(w.await_connections(1));
    CHECK(stays.ask(get("/hello")).body == "hello\n");
}

TEST_CASE("new certificates are for new connections, old ones go on") {
    authority first("first"), second("second");
    http_world w(secure(issue(first, "one")), 2);
    tls_client old(w.port, first.ca_file());
    REQUIRE(old.handshake());
    CHECK(old.ask(get("/hello")).status == 200);

    w.server().set_tls(serve(issue(second, "two")));
    for (std::size_t i = 0; i < 2; ++i)
        w.on_shard([] {}, i);
    for (int i = 0; i < 8; ++i) {
        tls_client fresh(w.port, second.ca_file());
        REQUIRE(fresh.handshake());
        CHECK(fresh.ask(get("/hello")).status == 200);
        tls_client distrusts(w.port, first.ca_file());
        CHECK_FALSE(distrusts.handshake());
        CHECK(distrusts.failed == net::tls_error::untrusted);
    }
    CHECK(wait_until([&] { return w.log().has("unknown ca"); })); // the server's side of it
    CHECK(old.ask(get("/hello")).status == 200);
}

TEST_CASE("a slow reader over TLS holds back the server, and loses nothing") {
    authority ca;
    http_world w(secure(issue(ca, "one")));
    raw_client::wish small;
    small.receive_buffer = 8192;
    tls_client c(w.port, ca.ca_file(), small);
    REQUIRE(c.handshake());
    std::string all;
    for (int i = 0; i < 3; ++i)
        all += get("/big") + get("/hello");
    c.send(all);
    w.on_shard([] {});
    for (int i = 0; i < 3; ++i) {
        CHECK(c.answer().body.size() == 8u << 20);
        CHECK(c.answer().body == "hello\n");
    }
}

TEST_CASE("draining ends secure connections with close_notify") {
    authority ca;
    http_world w(secure(issue(ca, "one")));
    tls_client waits(w.port, ca.ca_file());
    REQUIRE(waits.handshake());
    waits.send(get("/wait"));
    REQUIRE(w.await_requests(1));
    w.server().drain();
    w.answer(0, http::text_answer(200, "done"));
    CHECK(waits.answer().body == "done");
    CHECK(waits.ended_in_order());
}

TEST_CASE("the refusal of a secure listener is a close") {
    authority ca;
    auto s = secure(issue(ca, "one"));
    s.max_connections = 0;
    http_world w(s);
    raw_client c(w.port);
    CHECK(c.read_to_end().empty());
}
