#include "client_world.hpp"

#include <mad/core/base64.hpp>
#include <mad/net/http/client_error.hpp>
#include <mad/net/tls_dialer.hpp>

#include <support/certificates.hpp>
#include <support/http_proxy.hpp>
#include <support/scripted_server.hpp>

#include <algorithm>

using namespace mad_test;
using mad::net::http::client_error;

namespace {

std::string basic(std::string const& words) {
    std::string out = "Basic ";
    mad::append_base64(out, words);
    return out;
}

story talks(client_world& w, sio::client_settings s) {
    http_proxy proxy(w.ctx,
                     {basic("us er:p@ss:word"), {}, false, "HTTP/1.1 100 Continue\r\n\r\n", {}});
    s.engine.proxy = proxy.url("us%20er:p%40ss:word@");
    auto const transports = s.engine.transports;
    auto& c = *co_await w.join(std::move(s));
    std::string const big(300'000, 'x');
    expect(co_await c.ask("echo", big), big);
    for (int i = 0; i < 50; ++i)
        c.socket.emit("echo", i);
    expect(co_await c.ask("echo", "last"), "last");
    CHECK(proxy.opened() >= transports.size());
    auto const where = "127.0.0.1:" + std::to_string(w.port);
    for (auto const& head : proxy.heads()) {
        CHECK(head.starts_with("CONNECT " + where + " HTTP/1.1\r\nHost: " + where + "\r\n"));
        CHECK(head.find("EIO=") == head.npos);
    }
    c.socket.disconnect();
    co_await c.reasons.next();
    c.io.reset();
    while (w.io.sessions() > 0) { // the goodbye goes through the proxy too
        boost::asio::steady_timer turn(w.ctx, milliseconds(1));
        co_await turn.async_wait(boost::asio::use_awaitable);
    }
}

/// What a proxy may do instead of opening the way.
struct refusal {
    char const* what;
    proxy_rules rules;
    mad::error_code error;
};

story refused(client_world& w, refusal r, std::string transports) {
    http_proxy proxy(w.ctx, r.rules);
    auto s = w.settings(transports);
    s.engine.proxy = proxy.url("somebody@");
    auto& c = w.make(s);
    auto const outcome = co_await c.socket.connect_and_wait();
    REQUIRE(outcome.has_error());
    CHECK(outcome.error() == r.error);
    CHECK(w.io.sessions() == 0);
}

story target_is_gone(client_world& w) {
    http_proxy proxy(w.ctx);
    auto s = w.settings();
    s.engine.url = "http://127.0.0.1:1";
    s.engine.proxy = proxy.url();
    auto const outcome = co_await w.make(s).socket.connect_and_wait();
    REQUIRE(outcome.has_error());
    CHECK(outcome.error() == client_error::proxy_refused);
}

story proxy_is_gone(client_world& w) {
    auto s = w.settings();
    s.engine.proxy = "http://127.0.0.1:1";
    auto const outcome = co_await w.make(s).socket.connect_and_wait();
    REQUIRE(outcome.has_error());
    CHECK(outcome.error() == boost::system::errc::connection_refused);
}

story name_is_for_the_proxy(client_world& w) {
    http_proxy proxy(w.ctx);
    auto s = w.settings();
    s.engine.url = "http://no-such-host.invalid:" + std::to_string(w.port);
    s.engine.proxy = proxy.url();
    auto& c = *co_await w.join(s);
    expect(co_await c.ask("echo", 1), 1);
}

story comes_back(client_world& w) {
    http_proxy proxy(w.ctx);
    auto s = w.settings();
    s.engine.proxy = proxy.url();
    reconnecting(s);
    auto& c = *co_await w.join(s);
    c.socket.emit("drop");
    co_await c.connects.next();
    expect(co_await c.ask("echo", 1), 1);
    CHECK(proxy.opened() == 2);
}

story sticky(client_world& w, bool on) {
    auto const open = R"(0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,)"
                      R"("pingTimeout":20000})";
    auto const set =
        "Set-Cookie: node=7; Path=/; HttpOnly\r\nset-cookie: theme=dark; Max-Age=60\r\n"
        "Set-Cookie: own=; Max-Age=0\r\n";
    // In the order of their first requests: GETs, the websocket, POSTs.
    auto const no = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    scripted_server server(w.ctx, {{{answer_of(open, set)},
                                    {answer_of(R"(40{"sid":"s"})", "Set-Cookie: node=8\r\n")},
                                    {answer_of("42[\"x\"]")}},
                                   {{no}},
                                   {{answer_of("ok")}, {answer_of("ok")}, {answer_of("ok")}}});
    auto s = w.settings("upgrade");
    s.engine.url = server.url();
    s.engine.cookies = on;
    s.engine.headers = {{"Cookie", "own=1; lang=de"}};
    auto& c = *co_await w.join(s);
    co_await c.events.next();
    c.socket.disconnect();
    co_await c.reasons.next();
    server.close();
    auto const cookies = [&](std::string const& text) {
        return std::count_if(
            server.requests().begin(), server.requests().end(),
            [&](std::string const& r) { return r.find("\r\nCookie: " + text + "\r\n") != r.npos; });
    };
    CHECK(server.requests()[0].find("\r\nCookie: own=1; lang=de\r\n") != std::string::npos);
    if (on) {
        CHECK(cookies("own=1; lang=de") == 1);
        CHECK(cookies("lang=de; node=7; theme=dark") >= 3); // GET, POST, websocket
        CHECK(cookies("lang=de; node=8; theme=dark") >= 1);
    } else {
        CHECK(cookies("own=1; lang=de") == static_cast<long>(server.requests().size()));
    }
}

story remembers(client_world& w, bool on) {
    auto s = w.settings("upgrade");
    s.remember_upgrade = on;
    reconnecting(s);
    auto& c = w.make(s);
    inbox<mad::engine::transport_kind> first(w.ctx);
    inbox<int> upgrades(w.ctx);
    c.io->on_open([&] { first.push(*c.io->transport()); });
    c.io->on_upgrade([&](mad::engine::transport_kind) { upgrades.push(1); });
    c.socket.connect();
    auto kind = co_await first.next();
    CHECK(kind == mad::engine::transport_kind::polling);
    co_await upgrades.next();
    c.io->drop_connection();
    kind = co_await first.next();
    CHECK((kind == mad::engine::transport_kind::websocket) == on);
    co_await c.connects.next();
}

} // namespace

TEST_CASE("everything goes through a proxy when there is one, and shows it what it asks for") {
    auto const transports = each_transport();
    CAPTURE(transports);
    client_world w;
    w.play(talks(w, w.settings(transports)));
}

TEST_CASE("through a proxy it is still the server that shows its certificate") {
    static authority ca{"the right one"};
    auto const transports = each_transport();
    CAPTURE(transports);
    auto server = client_world::quick();
    auto const f = ca.issue("server", {"server", {"IP:127.0.0.1"}});
    server.http.tls = mad::net::tls_server_context::load(f.cert, f.key).value();
    client_world w(server);
    auto s = w.settings(transports);
    s.engine.url = w.url("https");
    mad::net::tls_client_settings tls;
    tls.ca_file = ca.ca_file();
    s.engine.tls =
        std::make_shared<mad::net::tls_dialer>(mad::net::tls_client_context::load(tls).value());
    w.play(talks(w, s));
}

TEST_CASE("a proxy that does not open the way is a connect error that says so") {
    auto const r = GENERATE(
        refusal{"other credentials", {basic("root:toor")}, client_error::proxy_denied},
        refusal{"forbidden",
                {{}, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"},
                client_error::proxy_refused},
        refusal{"elsewhere",
                {{}, "HTTP/1.1 302 Found\r\nLocation: http://a/\r\nContent-Length: 0\r\n\r\n"},
                client_error::proxy_refused},
        refusal{"no HTTP", {{}, "hello\r\n\r\n"}, client_error::bad_response},
        refusal{"endless",
                {{}, "HTTP/1.1 200 " + std::string(20'000, 'x')},
                client_error::head_too_large},
        refusal{"hangs up", {{}, {}, true}, client_error::ended},
        refusal{"says more", {{}, {}, false, {}, "boo"}, boost::asio::error::connection_aborted});
    auto const transports = GENERATE(as<std::string>(), "polling", "websocket");
    CAPTURE(r.what, transports);
    client_world w;
    w.play(refused(w, r, transports));
}

TEST_CASE("a target that is not there is told apart from a proxy that is not") {
    client_world w;
    w.play(target_is_gone(w));
    client_world w2;
    w2.play(proxy_is_gone(w2));
}

TEST_CASE("names are looked up by the proxy") {
    client_world w;
    w.play(name_is_for_the_proxy(w));
}

TEST_CASE("a client comes back through its proxy") {
    client_world w;
    w.play(comes_back(w));
}

TEST_CASE("a proxy that is no URL is refused when the client is made, without showing it") {
    auto const text =
        GENERATE(as<std::string>(), "127.0.0.1:3128", "https://h:1", "socks5://h",
                 "http://secret:word@", "http://h/path", "http://h?x", "http://a b@h");
    boost::asio::io_context ctx(1);
    sio::client_settings s("http://localhost:3000");
    s.engine.proxy = text;
    CAPTURE(text);
    try {
        sio::client const io(ctx, s);
        FAIL("it was taken");
    } catch (std::invalid_argument const& e) {
        CHECK(std::string(e.what()).find("secret") == std::string::npos);
    }
}

TEST_CASE("cookies of a balancer come back when they are wanted") {
    auto const on = GENERATE(false, true);
    CAPTURE(on);
    client_world w;
    w.play(sticky(w, on));
}

TEST_CASE("a client that remembers the upgrade begins with a websocket the next time") {
    auto const on = GENERATE(false, true);
    CAPTURE(on);
    client_world w;
    w.play(remembers(w, on));
}
