#include "client_world.hpp"

#include <boost/asio/post.hpp>

#include <thread>

using namespace mad_test;

namespace {

json number(int n) {
    auto v = json::object();
    v["n"] = n;
    return v;
}

sio::client_settings returning(client_world& w) {
    auto s = w.settings();
    reconnecting(s);
    return s;
}

/// Later, on the same thread.
boost::asio::awaitable<json> fetched(boost::asio::io_context& ctx, int n) {
    boost::asio::steady_timer timer(ctx, milliseconds(5));
    co_await timer.async_wait(boost::asio::use_awaitable);
    if (n == 2)
        throw std::runtime_error("no token today");
    co_return number(n);
}

story later(client_world& w, std::string how) {
    inbox<json> seen(w.ctx);
    w.io.on_connection([&](sio::socket s) { seen.push(s.handshake().auth()); });
    auto& c = w.make(returning(w));
    int asked = 0;
    std::thread other;
    if (how == "callback") {
        c.socket.set_auth_source([&](sio::client_socket::auth_answer answer) {
            boost::asio::post(w.ctx, [answer, n = ++asked] {
                answer(number(n));
                answer(number(100)); // once is enough
            });
        });
    } else if (how == "at once") {
        c.socket.set_auth_source(
            [&](sio::client_socket::auth_answer answer) { answer(number(++asked)); });
    } else if (how == "thread") {
        c.socket.set_auth_source([&](sio::client_socket::auth_answer answer) {
            if (other.joinable())
                other.join();
            other = std::thread([answer, n = ++asked] { answer(number(n)); });
        });
    } else {
        c.socket.set_auth_source([&]() -> boost::asio::awaitable<json> {
            ++asked;
            return fetched(w.ctx, asked == 2 ? 3 : asked); // 2 is the one that fails
        });
    }
    c.socket.emit("echo", 1); // waits like everything
    c.socket.connect();
    co_await c.connects.next();
    expect(co_await seen.next(), number(1));
    c.io->drop_connection();
    co_await c.connects.next();
    auto const second = co_await seen.next();
    CHECK(second == number(how == "coroutine" ? 3 : 2));
    CHECK(asked == 2);
    if (other.joinable())
        other.join();
}

story too_late(client_world& w) {
    inbox<json> seen(w.ctx);
    w.io.on_connection([&](sio::socket s) { seen.push(s.handshake().auth()); });
    auto& c = w.make(returning(w));
    std::vector<sio::client_socket::auth_answer> asked;
    inbox<int> asks(w.ctx);
    c.socket.set_auth_source([&](sio::client_socket::auth_answer answer) {
        asked.push_back(std::move(answer));
        asks.push(1);
    });
    c.socket.connect();
    co_await asks.next();
    c.io->drop_connection();
    auto const failure = co_await c.failures.next(); // it was on its way
    CHECK_FALSE(failure.refused());
    co_await asks.next();
    asked[0](number(1)); // for the connection that is gone
    asked[1](number(2));
    co_await c.connects.next();
    expect(co_await seen.next(), number(2));

    // Left before the answer: it is not used.
    c.socket.disconnect();
    co_await c.reasons.next();
    c.socket.connect();
    co_await asks.next();
    c.socket.disconnect();
    asked[2](number(3));
    auto const again = c.socket;
    again.connect();
    co_await asks.next();
    asked[3](number(4));
    co_await c.connects.next();
    expect(co_await seen.next(), number(4));

    // And when nobody is left.
    c.io.reset();
    asked[3](number(5));
    CHECK(seen.empty());
}

story coroutine_fault(client_world& w) {
    auto& c = w.make(w.settings());
    c.socket.set_auth_source([&]() -> boost::asio::awaitable<json> { return fetched(w.ctx, 2); });
    auto const r = co_await c.socket.connect_and_wait();
    REQUIRE(r.has_error());
    CHECK(r.error() == sio::error::bad_argument);
    CHECK(w.log.has("no token today"));
    CHECK_FALSE(c.io->transport());
    c.socket.set_auth_source([] { return number(1); });
    auto const ok = co_await c.socket.connect_and_wait();
    CHECK(ok);
}

story gone_meanwhile(client_world& w) {
    auto& c = w.make(w.settings());
    inbox<int> asks(w.ctx);
    c.socket.set_auth_source([&]() -> boost::asio::awaitable<json> {
        asks.push(1);
        return fetched(w.ctx, 1);
    });
    c.socket.connect();
    co_await asks.next();
    c.io.reset();
}

} // namespace

TEST_CASE("auth may come later, from a callback, another thread or a coroutine") {
    auto const how = GENERATE(as<std::string>(), "callback", "at once", "thread", "coroutine");
    CAPTURE(how);
    client_world w;
    w.play(later(w, how));
}

TEST_CASE("auth that comes after its connection has gone is not used") {
    client_world w;
    w.play(too_late(w));
}

TEST_CASE("auth that fails as a coroutine is a connect error, and not tried again") {
    client_world w;
    w.play(coroutine_fault(w));
}

TEST_CASE("a client may go while its auth is on the way") {
    client_world w;
    w.play(gone_meanwhile(w));
}
