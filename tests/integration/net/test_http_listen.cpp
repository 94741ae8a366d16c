#include "http_world.hpp"

#include <catch2/catch.hpp>
#include <support/child_process.hpp>

#include <set>

#include <sys/resource.h>

using namespace mad;
using namespace mad_test;

namespace {

boost::asio::ip::tcp::endpoint loopback(std::uint16_t port = 0) {
    return {boost::asio::ip::make_address("127.0.0.1"), port};
}

http::router hello() {
    http::router r;
    r.get("/hello", [](http::request const&) { return http::text_answer(200, "hello\n"); });
    return r;
}

} // namespace

TEST_CASE("shards share a port, and each serves what it accepted") {
    std::mutex m;
    std::set<net::shard*> used;
    http_world w({}, 2, [&](http::router& r) {
        r.get("/shard", [&](http::request const&) {
            std::lock_guard const lock(m);
            used.insert(net::shard::current());
            return http::text_answer(200, std::to_string(net::shard::current()->index()));
        });
    });
    std::vector<raw_client> all;
    for (int i = 0; i < 64; ++i) {
        all.emplace_back(w.port);
        auto const first = all.back().ask(get("/shard")).body;
        CHECK(all.back().ask(get("/shard")).body == first);
    }
    CHECK(used.size() == 2); // one of them all alone: once in 2^63
    CHECK(w.server().connections() == 64);
    w.server().drain();
    for (auto& c : all)
        CHECK(c.at_end());
    CHECK(w.await_connections(0));
}

TEST_CASE("a port that somebody listens on is refused, shared or not") {
    auto const threads = GENERATE(1u, 2u);
    http_world w({}, threads);
    for (auto const others : {1u, 2u}) {
        net::io_pool pool(others);
        http::server second(pool.shards(), hello(), {});
        auto const at = second.listen(loopback(w.port));
        REQUIRE_FALSE(at);
        CHECK(at.error() == boost::system::errc::address_in_use);
    }
    CHECK(raw_client(w.port).ask(get("/hello")).status == 200);
}

TEST_CASE("a port that was left is free again at once") {
    std::uint16_t port;
    {
        http_world w;
        port = w.port;
        raw_client c(port);
        CHECK(c.ask(get("/hello", "Connection: close\r\n")).status == 200);
        CHECK(c.at_end());
    }
    net::io_pool pool(1);
    http::server second(pool.shards(), hello(), {});
    CHECK(second.listen(loopback(port)));
    pool.start();
    CHECK(raw_client(port).ask(get("/hello")).status == 200);
    pool.stop();
}

TEST_CASE("an address that is not ours is an error") {
    net::io_pool pool(1);
    http::server s(pool.shards(), hello(), {});
    CHECK_FALSE(s.listen({boost::asio::ip::make_address("192.0.2.1"), 0}));
}

TEST_CASE("IPv6 is listened on as IPv4 is, and IPv4 peers have their own address there") {
    std::mutex m;
    std::string peer;
    http_world w({}, 1, [&](http::router& r) {
        r.get("/peer", [&](http::request const& q) {
            std::lock_guard const lock(m);
            peer = q.peer.to_string();
            return http::text_answer(200, peer);
        });
    });
    auto const at = w.server().listen({boost::asio::ip::make_address("::"), 0});
    if (!at) {
        WARN("no IPv6 here: " << at.error().message());
        return;
    }
    raw_client::wish from;
    from.from = "127.0.0.9";
    CHECK(raw_client(at->port(), from).ask(get("/peer")).body == "127.0.0.9");
}

TEST_CASE("a socket that the service manager opened is served, by all shards") {
    std::mutex m;
    std::set<net::shard*> used;
    http_world w({}, 2, [&](http::router& r) {
        r.get("/shard", [&](http::request const&) {
            std::lock_guard const lock(m);
            used.insert(net::shard::current());
            return http::text_answer(200, "");
        });
    });
    auto const fd = net::open_listener(loopback(), false).value();
    auto const at = w.server().adopt(fd).value();
    CHECK(at.port() != w.port);
    for (int i = 0; i < 4; ++i)
        CHECK(raw_client(at.port()).ask(get("/shard")).status == 200);
    CHECK(used.size() == 2);
    CHECK_FALSE(w.server().adopt(-1));
}

TEST_CASE("LISTEN_FDS names the sockets, for the process that it means") {
    auto const pid = GENERATE(std::string("own"), std::string("1"));
    child_process child([&](int out) {
        auto const fd = net::open_listener(loopback(), false).value();
        ::dup2(fd, 3); // where the service manager puts the first
        if (fd != 3)
            ::close(fd);
        ::setenv("LISTEN_PID", pid == "own" ? std::to_string(::getpid()).c_str() : pid.c_str(), 1);
        ::setenv("LISTEN_FDS", "1", 1);
        auto const fds = net::passed_listeners();
        if (std::getenv("LISTEN_FDS") || std::getenv("LISTEN_PID"))
            return write_line(out, "the environment was left");
        if (fds.empty())
            return write_line(out, "none");
        boost::asio::io_context ctx;
        http::server s({&net::shard::of(ctx)}, hello(), {});
        write_line(out, std::to_string(s.adopt(fds.front()).value().port()));
        ctx.run();
    });
    auto const line = child.line();
    if (pid == "own")
        CHECK(raw_client(static_cast<std::uint16_t>(std::stoi(line))).ask(get("/hello")).status ==
              200);
    else
        CHECK(line == "none");
}

TEST_CASE("without LISTEN_FDS nothing is taken for a socket") {
    ::unsetenv("LISTEN_FDS");
    CHECK(net::passed_listeners().empty());
}

TEST_CASE("running out of descriptors is survived, and told to who comes") {
    child_process child([](int out) {
        boost::asio::io_context ctx;
        captured_log log;
        net::shard::of(ctx).set_logger(log.handle());
        http::server_settings settings;
        settings.max_connections = 100'000;
        settings.limits.head_timeout = settings.limits.idle_timeout = seconds(3600);
        http::server s({&net::shard::of(ctx)}, hello(), settings);
        auto const port = s.listen(loopback()).value().port();
        ctx.poll(); // the acceptor has its spare descriptor
        int const next = ::dup(out);
        ::close(next);
        rlimit const low{static_cast<rlim_t>(next) + 8, static_cast<rlim_t>(next) + 8};
        ::setrlimit(RLIMIT_NOFILE, &low);
        write_line(out, std::to_string(port));
        ctx.run_for(std::chrono::seconds(60));
    });
    auto const port = static_cast<std::uint16_t>(std::stoi(child.line()));
    std::vector<raw_client> all;
    std::size_t served = 0, refused = 0;
    for (int i = 0; i < 12; ++i) {
        all.emplace_back(port);
        all.back().send(get("/hello"));
        try {
            all.back().answer();
            ++served;
        } catch (std::runtime_error const&) { // closed at once
            ++refused;
        }
    }
    CHECK(served >= 4);
    CHECK(refused >= 2);
    CHECK(child.alive());
    CHECK(all.front().ask(get("/hello")).status == 200);
    // Once there are descriptors again, there are connections again.
    all.clear();
    CHECK(wait_until([&] {
        try {
            raw_client c(port);
            return c.ask(get("/hello")).status == 200;
        } catch (std::runtime_error const&) {
            return false;
        }
    }));
}
