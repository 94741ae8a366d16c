#include "proxy_world.hpp"

#include <mad/net/tls_dialer.hpp>
#include <mad/net/tls_engine.hpp>

#include <support/certificates.hpp>
#include <support/tls_client.hpp>

#include "../engine/engine_world.hpp"

using namespace mad_test;

namespace {

std::shared_ptr<mad::net::tls_server_context> serve(authority& ca, std::string const& base) {
    auto const f = ca.issue(base, {base, {"DNS:localhost", "IP:127.0.0.1"}});
    return mad::net::tls_server_context::load(f.cert, f.key).value();
}

std::shared_ptr<mad::net::cipher_dialer> dial(authority& ca) {
    mad::net::tls_client_settings s;
    s.ca_file = ca.ca_file();
    return std::make_shared<mad::net::tls_dialer>(
        mad::net::tls_client_context::load(std::move(s)).value());
}

} // namespace

TEST_CASE("clients speak TLS, nodes hear that they do") {
    authority ca;
    raw_node node;
    proxy_world w({node.url()}, [&](proxy::settings& s) { s.tls = serve(ca, "front"); });
    tls_client c(w.port, ca.ca_file());
    SECTION("all at once") {
        REQUIRE(c.handshake());
    }
    SECTION("byte by byte") {
        REQUIRE(c.handshake(1));
    }
    c.send(get(poll_path));
    auto n = node.accept();
    CHECK(n.take_until("\r\n\r\n").find("X-Forwarded-Proto: https\r\n") != std::string::npos);
    std::string const body(300'000, 'x');
    std::thread sends([&] { n.send(ok(body)); });
    CHECK(c.answer().body == body);
    sends.join();
    c.send(post(poll_path + "&sid=x", std::string(200'000, 'y')));
    CHECK(n.take_until("\r\n\r\n").starts_with("POST "));
    CHECK(n.take(200'000) == std::string(200'000, 'y'));
}

TEST_CASE("a tunnel may be encrypted on either side") {
    authority ca;
    bool const front = GENERATE(true, false);
    bool const behind = GENERATE(true, false);
    mad::net::http::server_settings secure;
    if (behind)
        secure.tls = serve(ca, "node");
    engine_world node({}, 1, {}, secure);
    proxy_world w(
        {(behind ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(node.port)},
        [&](proxy::settings& s) {
            s.engine_path = "/engine.io/";
            s.upstream_tls = dial(ca);
            if (front)
                s.tls = serve(ca, "front");
        });
    auto const handshake = ws_peer::upgrade_request("/engine.io/?EIO=4&transport=websocket");
    for (std::size_t const size : {1u, 1000u, 20'000u, 900'000u}) {
        auto const text = "4" + std::string(size, 'z');
        if (front) {
            tls_client c(w.port, ca.ca_file());
            REQUIRE(c.handshake());
            c.send(handshake);
            c.take_until("\r\n\r\n");
            c.take_until("}");
            c.send(client_frame(1, text));
            auto const frame = server_frame(1, text);
            CHECK(c.take(frame.size()) == frame);
        } else {
            ws_peer c(w.port, "/engine.io/?EIO=4&transport=websocket");
            REQUIRE(c.accepted().status == 101);
            c.next_text();
            c.text(text);
            CHECK(c.next_text() == text);
        }
    }
    CHECK(w.await([](auto const& s) { return s.tunnels == 0; }));
    CHECK(w.await_connections(0));
}

TEST_CASE("a node whose certificate is not trusted gets nothing") {
    authority ca, other;
    mad::net::http::server_settings secure;
    secure.tls = serve(other, "node");
    engine_world node({}, 1, {}, secure);
    proxy_world w({}, [&](proxy::settings& s) {
        s.engine_path = "/engine.io/";
        s.upstream_tls = dial(ca);
    });
    REQUIRE(w.server().pool().put(
        proxy::parse_upstream("https://127.0.0.1:" + std::to_string(node.port)).value()));
    REQUIRE(wait_until([&] { return w.server().pool().view()->panic(); }));
    auto c = w.client();
    auto const a = c.ask(get("/engine.io/?EIO=4&transport=polling"));
    CHECK(a.status == 503);
}

TEST_CASE("a PROXY header comes before TLS begins") {
    authority ca;
    raw_node node;
    proxy_world w({node.url()}, [&](proxy::settings& s) {
        s.tls = serve(ca, "front");
        s.accept_proxy_protocol = true;
    });
    tls_client c(w.port, ca.ca_file());
    bool const together = GENERATE(true, false);
    std::string first = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
    if (together) { // in one segment with the first of TLS
        std::array<char, 1> none;
        (void)c.engine->read(none);
        first += c.engine->owed();
        c.engine->wrote(c.engine->owed().size());
    }
    c.wire.send(first);
    REQUIRE(c.handshake());
    c.send(get(poll_path));
    auto n = node.accept();
    auto const head = n.take_until("\r\n\r\n");
    CHECK(head.find("X-Forwarded-For: 192.0.2.7\r\n") != head.npos);
    CHECK(head.find("X-Forwarded-Proto: https\r\n") != head.npos);
}

TEST_CASE("who has ended TLS in front of us is believed by its binary PROXY header") {
    raw_node node;
    proxy_world w({node.url()}, [](proxy::settings& s) { s.accept_proxy_protocol = true; });
    unsigned const flags = GENERATE(1u, 0u);
    std::string const header =
        std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14"
                    "\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb\x20\0\x05",
                    31) +
        static_cast<char>(flags) + std::string(4, '\0');
    auto c = w.client();
    c.send(header + get(poll_path, "X-Forwarded-Proto: gopher\r\n"));
    auto n = node.accept();
    auto const head = n.take_until("\r\n\r\n");
    CHECK(head.find("X-Forwarded-For: 192.0.2.7\r\n") != head.npos);
    CHECK(head.find(flags ? "X-Forwarded-Proto: https\r\n" : "X-Forwarded-Proto: http\r\n") !=
          head.npos);
    n.send(ok("x"));
    CHECK(c.answer().body == "x");
}

TEST_CASE("an address with too many connections is told so over TLS, too") {
    authority ca;
    proxy_world w({}, [&](proxy::settings& s) {
        s.tls = serve(ca, "front");
        s.accept_proxy_protocol = true;
        s.addresses = {1, 0, 0};
    });
    std::string const first = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
    tls_client one(w.port, ca.ca_file()), two(w.port, ca.ca_file());
    one.wire.send(first);
    REQUIRE(one.handshake());
    CHECK(one.ask(get("/health")).status == 200);
    two.wire.send(first);
    REQUIRE(two.handshake());
    auto const a = two.ask(get("/health"));
    CHECK(a.status == 429);
    CHECK(a.header("retry-after") == "5");
    CHECK(a.body == R"({"code":429,"message":"Too many requests"})");
}

TEST_CASE("a new certificate serves new connections, and old ones go on") {
    authority ca, next;
    proxy_world w({}, [&](proxy::settings& s) { s.tls = serve(ca, "front"); });
    tls_client old(w.port, ca.ca_file());
    REQUIRE(old.handshake());
    w.server().set_tls(serve(next, "front"));
    REQUIRE(wait_until([&] { return tls_client(w.port, next.ca_file()).handshake(); }));
    CHECK(old.ask(get("/health")).status == 200);
}
