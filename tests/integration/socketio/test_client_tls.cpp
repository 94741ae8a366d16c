#include "client_world.hpp"

#include <mad/net/tls_dialer.hpp>

#include <support/certificates.hpp>

using namespace mad_test;

namespace {

struct secure_world : client_world {
    explicit secure_world(std::string const& name = "IP:127.0.0.1")
        : client_world(secure(ca.issue("server", {"server", {name}}))) {}

    static sio::server_settings secure(authority::files const& f) {
        auto s = quick();
        s.http.tls = mad::net::tls_server_context::load(f.cert, f.key).value();
        return s;
    }

    static inline authority ca{"the right one"};
    static inline authority other{"another one"};
};

sio::client_settings trusting(client_world& w, authority const& ca, std::string const& scheme,
                              std::string const& transports) {
    auto s = w.settings(transports);
    s.engine.url = w.url(scheme);
    mad::net::tls_client_settings tls;
    tls.ca_file = ca.ca_file();
    s.engine.tls =
        std::make_shared<mad::net::tls_dialer>(mad::net::tls_client_context::load(tls).value());
    return s;
}

story talks(client_world& w, std::string scheme, std::string transports) {
    w.io.on("secure", [](sio::socket s) { return s.handshake().secure(); });
    auto& c = *co_await w.join(trusting(w, secure_world::ca, scheme, transports));
    auto const secure = co_await c.socket.emit_with_ack(soon, "secure");
    REQUIRE(secure);
    CHECK((*secure)[0] == true);
    std::string const big(500'000, 'x');
    expect(co_await c.ask("echo", big), big);
    auto const bytes = json::binary(mad::bytes(300'000, 9));
    expect(co_await c.ask("echo", bytes), bytes);
    for (int i = 0; i < 100; ++i)
        c.socket.emit("echo", i);
    expect(co_await c.ask("echo", "last"), "last");
}

story refuses(client_world& w, sio::client_settings s, mad::error_code why) {
    auto& c = w.make(std::move(s));
    auto const r = co_await c.socket.connect_and_wait();
    REQUIRE(r.has_error());
    CHECK(r.error() == why);
}

} // namespace

TEST_CASE("everything goes over TLS as it goes without") {
    auto const scheme = GENERATE(as<std::string>(), "https", "wss");
    auto const transports = each_transport();
    CAPTURE(scheme, transports);
    secure_world w;
    w.play(talks(w, scheme, transports));
}

TEST_CASE("a server that cannot show who it is gets no word") {
    struct row {
        char const* name;
        authority const* trusted;
        mad::net::tls_error error;
    };
    auto const r =
        GENERATE(row{"IP:127.0.0.1", &secure_world::other, mad::net::tls_error::untrusted},
                 row{"DNS:elsewhere.example", &secure_world::ca, mad::net::tls_error::wrong_name});
    auto const transports = each_transport();
    CAPTURE(r.name, transports);
    secure_world w(r.name);
    w.play(refuses(w, trusting(w, *r.trusted, "https", transports), r.error));
    CHECK(w.io.sessions() == 0);
}

TEST_CASE("a secure URL without TLS in the settings is an error, never a plain connection") {
    secure_world w;
    auto s = w.settings(each_transport());
    s.engine.url = w.url("https");
    w.play(refuses(w, s, boost::asio::error::operation_not_supported));
}

TEST_CASE("a plain URL does not reach a secure server") {
    secure_world w;
    auto& c = w.make(w.settings(each_transport()));
    w.play([](client_peer& p) -> story {
        auto const r = co_await p.socket.connect_and_wait();
        CHECK(r.has_error());
    }(c));
}
