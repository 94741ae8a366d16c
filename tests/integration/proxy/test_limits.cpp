#include "proxy_world.hpp"

using namespace mad_test;

TEST_CASE("every wait on a peer ends") {
    raw_node node;
    proxy_world w({node.url()}, [](proxy::settings& s) {
        s.limits.head_timeout = 100ms;
        s.limits.idle_timeout = 100ms;
        s.limits.body_slow_after = 50ms;
        s.limits.body_timeout = 100ms;
        s.limits.write_timeout = 100ms;
        s.timeouts.poll_answer = 250ms;
        s.timeouts.answer = 100ms;
        s.timeouts.tunnel_idle = 200ms;
        s.timeouts.half_closed = 100ms;
        s.timeouts.upstream_idle = 50ms;
    });
    SECTION("a client that says nothing") {
        CHECK(w.client().answer().status == 408);
    }
    SECTION("half a head") {
        auto c = w.client();
        c.send("GET / HTTP/1.1\r\n");
        CHECK(c.answer().status == 408);
        CHECK(c.at_end());
    }
    SECTION("between two requests") {
        auto c = w.client();
        CHECK(c.ask(get("/health")).status == 200);
        CHECK(c.at_end());
    }
    SECTION("half a body") {
        auto c = w.client();
        c.send("POST " + poll_path + "&sid=x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
        auto n = node.accept();
        CHECK(c.answer().status == 408);
        n.take_until("half");
        CHECK(n.at_end());
    }
    SECTION("a node that does not answer") {
        auto c = w.client();
        c.send(get("/socket.io/?EIO=4&transport=polling"));
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        CHECK(c.answer().status == 504);
        CHECK(n.at_end());
        CHECK(c.ask(get("/health")).status == 200);
    }
    SECTION("a poll that is not answered") {
        auto c = w.client();
        c.send(get(poll_path + "&sid=x"));
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        CHECK(c.silent_for(130ms));
        CHECK(c.answer().status == 504);
    }
    SECTION("half an answer") {
        auto c = w.client();
        c.send(get(poll_path));
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        n.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        c.take_until("half");
        CHECK(c.at_end());
    }
    SECTION("a client that does not read") {
        raw_client c(w.port, {.receive_buffer = 4096});
        c.send(get(poll_path));
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        std::string const body(32 * 1024 * 1024, 'x');
        std::thread sends([&] { n.send(ok(body)); });
        CHECK(w.await([](auto const& s) { return s.requests == 1; }));
        CHECK(w.await_connections(0));
        sends.join();
    }
    SECTION("a kept connection to a node") {
        auto c = w.client();
        c.send(get(poll_path));
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        n.send(ok("x"));
        CHECK(n.at_end());
    }
    SECTION("an idle tunnel") {
        raw_tunnel t(w.port, node);
        CHECK(t.status == 101);
        CHECK(t.node_end.at_end());
        CHECK(t.client.wire.read_to_end().empty());
    }
    SECTION("a tunnel that is half closed") {
        raw_tunnel t(w.port, node);
        t.client.wire.half_close();
        CHECK(t.node_end.at_end());
        CHECK(t.client.wire.read_to_end().empty());
        CHECK(w.await_connections(0));
    }
}

TEST_CASE("a tunnel in which something moves is not idle") {
    raw_node node;
    proxy_world w({node.url()}, [](proxy::settings& s) { s.timeouts.tunnel_idle = 200ms; });
    raw_tunnel t(w.port, node);
    for (int i = 0; i < 12; ++i) {
        t.client.text("x");
        t.node_end.take(client_frame(1, "x").size());
        CHECK(t.node_end.silent_for(40ms));
    }
    CHECK(w.server().count().tunnels == 1);
}

TEST_CASE("a connect that takes too long is given up") {
    // A listener whose queue is full answers nothing.
    auto const fd =
        mad::net::open_listener({boost::asio::ip::address_v4::loopback(), 0}, false).value();
    ::listen(fd, 0);
    auto const port = mad::net::local_endpoint(fd).value().port();
    raw_client fill(port);
    proxy_world w({}, [&](proxy::settings& s) {
        s.timeouts.connect = 80ms;
        s.health.timeout = 50ms;
    });
    auto u = proxy::parse_upstream("http://127.0.0.1:" + std::to_string(port)).value();
    REQUIRE(w.server().pool().put(u));
    REQUIRE(wait_until([&] { return w.server().pool().view()->panic(); }));
    auto c = w.client();
    auto const a = c.ask(get(poll_path));
    CHECK((a.status == 503 || a.status == 502));
    CHECK(w.server().count().connect_failures >= 1);
    ::close(fd);
}

TEST_CASE("limits of requests hold here too") {
    raw_node node;
    proxy_world w({node.url()}, [](proxy::settings& s) {
        s.max_body_bytes = 1000;
        s.limits.max_requests = 3;
    });
    auto c = w.client();
    SECTION("a body that says it is too long") {
        CHECK(c.ask(post(poll_path + "&sid=x", std::string(1001, 'x'))).status == 413);
        CHECK(c.at_end());
        CHECK(node.accepted() == 0);
    }
    SECTION("a body that becomes too long") {
        c.send("POST " + poll_path +
               "&sid=x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 11; ++i)
            c.send("64\r\n" + std::string(100, 'x') + "\r\n");
        CHECK(c.answer().status == 413);
    }
    SECTION("requests on one connection") {
        CHECK(c.ask(get("/health")).header("connection") == "keep-alive");
        CHECK(c.ask(get("/health")).header("connection") == "keep-alive");
        CHECK(c.ask(get("/health")).header("connection") == "close");
        CHECK(c.at_end());
    }
    SECTION("a head") {
        c.send("GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n");
        CHECK(c.answer().status == 414);
    }
}

TEST_CASE("as many connections as allowed, and no more") {
    proxy_world w({}, [](proxy::settings& s) { s.max_connections = 2; });
    auto a = w.client(), b = w.client();
    CHECK(a.ask(get("/health")).status == 200);
    CHECK(b.ask(get("/health")).status == 200);
    auto c = w.client();
    CHECK(c.answer().status == 503);
    a.close();
    CHECK(w.await_connections(1));
    CHECK(w.client().ask(get("/health")).status == 200);
}

TEST_CASE("a peer that takes nothing stops the other from being read, and no more is kept") {
    raw_node node;
    proxy_world w({node.url()});
    raw_tunnel t(w.port, node);
    SECTION("of the node") {
        std::string const lot(64 * 1024 * 1024, 'x');
        auto const sent = t.node_end.send_some(lot, 300ms);
        CHECK(sent < lot.size() / 2);
        CHECK(t.client.wire.take(sent) == lot.substr(0, sent));
    }
    SECTION("of the client") {
        std::string const lot(64 * 1024 * 1024, 'x');
        auto const sent = t.client.wire.send_some(lot, 300ms);
        CHECK(sent < lot.size() / 2);
        CHECK(t.node_end.take(sent) == lot.substr(0, sent));
    }
}

TEST_CASE("a listener that demands a PROXY header believes it, and nobody without one") {
    raw_node node;
    proxy_world w({node.url()}, [](proxy::settings& s) {
        s.accept_proxy_protocol = true;
        s.timeouts.proxy_header = 100ms;
    });
    auto c = w.client();
    SECTION("version 1, in pieces, with a request behind it") {
        c.send_slowly("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n" + get(poll_path), 5);
        auto n = node.accept();
        auto const head = n.take_until("\r\n\r\n");
        CHECK(head.find("X-Forwarded-For: 192.0.2.7\r\n") != head.npos);
        n.send(ok("x"));
        CHECK(c.answer().body == "x");
    }
    SECTION("no header") {
        c.send(get(poll_path));
        CHECK(c.at_end());
    }
    SECTION("nothing") {
        CHECK(c.at_end());
    }
    SECTION("a peer that is not trusted") {
        raw_node other;
        proxy_world strict({other.url()}, [](proxy::settings& s) {
            s.accept_proxy_protocol = true;
            s.trust = mad::net::trust_list{};
        });
        auto d = strict.client();
        d.send("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n" + get(poll_path));
        d.read_to_end();
        CHECK(other.accepted() == 0);
    }
}

TEST_CASE("a node may be told the client's address first") {
    raw_node node;
    proxy_world w({node.url() + "?proxy_protocol=1"});
    auto c = w.client();
    c.send(get(poll_path));
    auto n = node.accept();
    auto const first = n.take_until("\r\n");
    CHECK(first.starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "));
    CHECK(n.take_until("\r\n\r\n").starts_with("GET "));
    n.send(ok("x"));
    CHECK(c.answer().body == "x");
    CHECK(n.at_end()); // it is good for that client only
}

TEST_CASE("a node that is told addresses hears of a health check that it is the proxy's own") {
    raw_node node;
    unsigned const version = GENERATE(1u, 2u);
    proxy_world w({"n=" + node.url() + "?proxy_protocol=" + std::to_string(version)});
    CHECK(wait_until([&] {
        return w.server().pool().view()->by_name("n")->state == proxy::upstream_state::up;
    }));
    CHECK(node.introduced == version);
}

namespace {

std::string const somebody = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";

void one_each(proxy::settings& s) {
    s.accept_proxy_protocol = true;
    s.addresses = {1, 0, 0};
}

} // namespace

TEST_CASE("an address with too many connections is told so") {
    proxy_world w({}, one_each);
    auto first = w.client();
    CHECK(first.ask(somebody + get("/health")).status == 200);
    bool const asks = GENERATE(true, false);
    auto c = w.client();
    c.send(asks ? somebody + get("/health") : somebody);
    auto const a = c.answer();
    CHECK(a.status == 429);
    CHECK(a.header("retry-after") == "5");
    CHECK(a.header("connection") == "close");
    CHECK(a.header("content-type").starts_with("application/json"));
    CHECK(a.body == R"({"code":429,"message":"Too many requests"})");
    CHECK(c.at_end());
    CHECK_FALSE(c.was_reset());
    c.close();
    CHECK(w.await_connections(1));
    CHECK(w.rejected(proxy::reject::too_many) == 1);
    CHECK(first.ask(get("/health")).status == 200);
    // Another address is not concerned, and who comes after the first has gone is not either.
    CHECK(w.client().ask("PROXY TCP4 192.0.2.8 198.51.100.1 1 2\r\n" + get("/health")).status ==
          200);
    first.close();
    CHECK(w.await_connections(0));
    CHECK(w.client().ask(somebody + get("/health")).status == 200);
}

TEST_CASE("of a flood from one address only some are answered, and all are closed") {
    proxy_world w({}, one_each);
    auto first = w.client();
    CHECK(first.ask(somebody + get("/health")).status == 200);
    std::vector<raw_client> flood;
    for (int i = 0; i < 400; ++i) {
        flood.push_back(w.client());
        flood.back().send(somebody);
    }
    int answered = 0;
    for (auto& c : flood)
        answered += c.read_to_end().starts_with("HTTP/1.1 429 ") ? 1 : 0;
    CHECK(answered >= 32);
    CHECK(answered < 400);
    CHECK(w.rejected(proxy::reject::too_many) == 400);
    flood.clear();
    CHECK(w.await_connections(1));
}

TEST_CASE("who ends only its own direction still gets its answer") {
    raw_node node;
    proxy_world w({node.url()}, [](proxy::settings& s) { s.timeouts.half_closed = 300ms; });
    auto c = w.client();
    SECTION("of the proxy") {
        c.send(get("/health"));
        c.half_close();
        CHECK(c.answer().status == 200);
        CHECK(c.at_end());
    }
    SECTION("of the node, whole and in pieces") {
        c.send(post(poll_path + "&sid=x", "4x"));
        c.half_close();
        auto n = node.accept();
        n.take_until("4x");
        n.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
        auto const head = c.take_until("\r\n\r\n");
        CHECK(head.find("Connection: close\r\n") != head.npos);
        n.send("k");
        CHECK(c.take(2) == "ok");
        CHECK(c.at_end());
        CHECK_FALSE(c.was_reset());
    }
    SECTION("more than it takes at once") {
        raw_client slow(w.port, {.receive_buffer = 4096});
        slow.send(get(poll_path));
        slow.half_close();
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        std::string const lot(16 * 1024 * 1024, 'x');
        std::thread says([&] { n.send(ok(lot)); });
        CHECK(slow.answer().body.size() == lot.size());
        says.join();
        CHECK(slow.at_end());
    }
    SECTION("all that it has asked for, in order") {
        c.send(get(poll_path + "&t=1") + get("/health") + get(poll_path + "&t=2") + "GET /half");
        c.half_close();
        auto n = node.accept();
        for (auto const* const t : {"one", "two"}) {
            n.take_until("\r\n\r\n");
            n.send(ok(t));
            CHECK(c.answer().body == t);
            if (t == std::string("one"))
                CHECK(c.answer().body == R"({"status":"ok"})");
        }
        CHECK(c.at_end());
    }
    SECTION("but not for ever") {
        c.send(get(poll_path));
        c.half_close();
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        CHECK(c.answer().status == 504);
        CHECK(c.at_end());
        CHECK(n.at_end());
    }
    SECTION("unless its request is not whole") {
        c.send(post(poll_path + "&sid=x", "4x").substr(0, 20));
        c.half_close();
        CHECK(c.at_end());
    }
    c.close();
    CHECK(w.await_connections(0));
    CHECK(w.await([](auto const& s) { return s.upstream_busy == 0; }));
}
