#include <mad/net/http/server.hpp>
#include <mad/net/listener.hpp>
#include <mad/net/tls_dialer.hpp>

#include <catch2/catch.hpp>
#include <support/certificates.hpp>
#include <support/print_result.hpp>
#include <support/scripted_server.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <functional>
#include <optional>

#include <poll.h>

using namespace mad;
using namespace mad_test;
using boost::asio::ip::tcp;

namespace {

constexpr milliseconds patience{10'000};

net::dial_settings within(milliseconds limit) {
    net::dial_settings s;
    s.timeout = limit;
    return s;
}

/// Dials once, as a coroutine; `then` runs when it has ended. Nothing is left to do afterwards.
std::optional<result<net::stream>> dial_once(boost::asio::io_context& ctx, net::dial_target to,
                                             net::dial_settings s,
                                             std::function<void()> then = {}) {
    std::optional<result<net::stream>> out;
    boost::asio::co_spawn(ctx, net::dial(net::shard::of(ctx), std::move(to), std::move(s)),
                          [&](std::exception_ptr e, result<net::stream> r) {
                              if (!e)
                                  out = std::move(r);
                              if (then)
                                  then();
                          });
    ctx.run();
    return out;
}

/// Sends a request on a stream and gives what comes back.
std::string ask(net::stream& s, std::string_view text) {
    iovec const v{const_cast<char*>(text.data()), text.size()};
    REQUIRE(s.write({&v, 1}).status == net::io_status::ok);
    std::array<char, 65536> into, scratch;
    std::string got;
    for (int i = 0; i < 1000 && got.find("\r\n\r\n") == got.npos; ++i) {
        auto const r = s.read(into, scratch);
        if (r.status == net::io_status::ok)
            got.append(into.data(), r.bytes);
        else if (r.status != net::io_status::blocked)
            break;
        pollfd p{s.fd(), POLLIN, 0};
        ::poll(&p, 1, 100);
    }
    return got;
}

/// A TLS server on a thread of its own.
struct secure_world {
    explicit secure_world(authority::files const& f) {
        net::http::server_settings s;
        s.tls = net::tls_server_context::load(f.cert, f.key).value();
        server.emplace(pool.shards(), net::http::router(), s);
        port = server->listen({boost::asio::ip::address_v4::loopback(), 0})->port();
        pool.start();
    }
    ~secure_world() { pool.stop(); }

    net::io_pool pool;
    std::optional<net::http::server> server;
    std::uint16_t port = 0;
};

std::shared_ptr<net::cipher_dialer> trusting(std::string const& ca_file) {
    net::tls_client_settings s;
    s.ca_file = ca_file;
    return std::make_shared<net::tls_dialer>(net::tls_client_context::load(s).value());
}

} // namespace

TEST_CASE("a connection is handed out, by address and by name") {
    // A name may have addresses on which nobody listens: the next one is tried.
    auto const host = GENERATE(as<std::string>(), "127.0.0.1", "localhost");
    CAPTURE(host);
    boost::asio::io_context ctx(1);
    scripted_server server(ctx, std::vector<scripted_server::script>(1));
    auto const got =
        dial_once(ctx, {host, server.port(), false}, within(patience), [&] { server.close(); });
    REQUIRE(got);
    REQUIRE(*got);
    CHECK((*got)->is_open());
    CHECK_FALSE((*got)->secure());
}

TEST_CASE("nobody there is refused") {
    boost::asio::io_context ctx(1);
    tcp::acceptor free(ctx, {boost::asio::ip::address_v4::loopback(), 0});
    auto const port = free.local_endpoint().port();
    free.close();
    auto const got = dial_once(ctx, {"127.0.0.1", port, false}, within(patience));
    REQUIRE(got);
    REQUIRE(got->has_error());
    CHECK(got->error() == boost::system::errc::connection_refused);
}

TEST_CASE("a secure target without a cipher is an error, not a plain connection") {
    boost::asio::io_context ctx(1);
    auto const got = dial_once(ctx, {"127.0.0.1", 1, true}, within(patience));
    REQUIRE(got);
    REQUIRE(got->has_error());
    CHECK(got->error() == boost::asio::error::operation_not_supported);
}

TEST_CASE("a server that does not take the connection runs into the deadline") {
    boost::asio::io_context ctx(1);
    // A queue of one that is full: the kernel lets further ones wait.
    tcp::acceptor full(ctx);
    full.open(tcp::v4());
    full.bind({boost::asio::ip::address_v4::loopback(), 0});
    full.listen(0);
    std::vector<int> others;
    for (int i = 0; i < 3; ++i) {
        auto const a = full.local_endpoint();
        others.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        ::connect(others.back(), a.data(), static_cast<socklen_t>(a.size()));
    }
    auto const got = dial_once(ctx, {"127.0.0.1", full.local_endpoint().port(), false},
                               within(milliseconds(50)));
    for (int const fd : others)
        ::close(fd);
    REQUIRE(got);
    REQUIRE(got->has_error());
    CHECK(got->error() == boost::asio::error::timed_out);
}

TEST_CASE("a dialer that is cancelled or destroyed calls nobody") {
    boost::asio::io_context ctx(1);
    scripted_server server(ctx, std::vector<scripted_server::script>(1));
    bool called = false;
    bool const destroyed = GENERATE(false, true);
    auto d = std::make_unique<net::dialer>(net::shard::of(ctx), within(patience));
    d->start({"127.0.0.1", server.port(), false}, [&](result<net::stream>) { called = true; });
    if (destroyed)
        d.reset();
    else
        d->cancel();
    server.close();
    ctx.run();
    CHECK_FALSE(called);
}

TEST_CASE("cancelling the coroutine gives up at once") {
    boost::asio::io_context ctx(1);
    scripted_server server(ctx, std::vector<scripted_server::script>(1));
    boost::asio::cancellation_signal stop;
    bool ended = false;
    // The peer never speaks TLS, so the handshake waits.
    authority ca;
    auto s = within(patience);
    s.tls = trusting(ca.ca_file());
    boost::asio::co_spawn(ctx,
                          net::dial(net::shard::of(ctx), {"127.0.0.1", server.port(), true}, s),
                          boost::asio::bind_cancellation_slot(
                              stop.slot(), [&](std::exception_ptr, result<net::stream>) {
                                  ended = true;
                                  server.close();
                              }));
    std::function<void()> const when_accepted = [&] {
        if (server.connections() > 0)
            stop.emit(boost::asio::cancellation_type::terminal);
        else
            boost::asio::post(ctx, when_accepted);
    };
    boost::asio::post(ctx, when_accepted);
    auto const start = std::chrono::steady_clock::now();
    ctx.run();
    CHECK(ended);
    CHECK(std::chrono::steady_clock::now() - start < patience);
}

TEST_CASE("a secure stream is ready when it is handed out") {
    authority ca;
    secure_world w(ca.issue("server", {"server", {"DNS:localhost", "IP:127.0.0.1"}}));
    auto const host = GENERATE(as<std::string>(), "127.0.0.1", "localhost");
    CAPTURE(host);
    boost::asio::io_context ctx(1);
    auto s = within(patience);
    s.tls = trusting(ca.ca_file());
    auto got = dial_once(ctx, {host, w.port, true}, s);
    REQUIRE(got);
    REQUIRE(*got);
    CHECK((*got)->secure());
    CHECK((*got)->established());
    CHECK(ask(**got, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 404"));
}

TEST_CASE("a certificate that does not fit ends the dialing") {
    authority ca, other;
    struct row {
        authority const* trusted;
        char const* name;
        net::tls_error error;
    };
    auto const r = GENERATE_REF(row{&other, "IP:127.0.0.1", net::tls_error::untrusted},
                                row{&ca, "IP:127.0.0.2", net::tls_error::wrong_name},
                                row{&ca, "DNS:localhost", net::tls_error::wrong_name});
    CAPTURE(r.name);
    secure_world w(ca.issue("server", {"server", {r.name}}));
    boost::asio::io_context ctx(1);
    auto s = within(patience);
    s.tls = trusting(r.trusted->ca_file());
    auto const got = dial_once(ctx, {"127.0.0.1", w.port, true}, s);
    REQUIRE(got);
    REQUIRE(got->has_error());
    CHECK(got->error() == r.error);
}

TEST_CASE("a peer that does not speak TLS ends the dialing") {
    struct row {
        char const* what;
        scripted_server::step step;
        std::function<bool(error_code)> fits;
        milliseconds limit;
    };
    auto const r =
        GENERATE(row{"HTTP",
                     {"HTTP/1.1 400 Bad Request\r\n\r\n", false, false, true},
                     [](error_code e) { return e == net::tls_error::handshake_failed; },
                     patience},
                 row{"end",
                     {"", true, false, true},
                     [](error_code e) { return e == boost::system::errc::connection_reset; },
                     patience},
                 row{"silence",
                     {"", false, false, true},
                     [](error_code e) { return e == boost::asio::error::timed_out; },
                     milliseconds(50)});
    CAPTURE(r.what);
    authority ca;
    boost::asio::io_context ctx(1);
    scripted_server server(ctx, {{r.step}});
    auto s = within(r.limit);
    s.tls = trusting(ca.ca_file());
    auto const got = dial_once(ctx, {"127.0.0.1", server.port(), true}, s, [&] { server.close(); });
    REQUIRE(got);
    REQUIRE(got->has_error());
    CAPTURE(got->error().message());
    CHECK(r.fits(got->error()));
}
