#include "http_world.hpp"

#include <catch2/catch.hpp>

#include <ifaddrs.h>
#include <net/if.h>

using namespace mad;
using namespace mad_test;

namespace {

constexpr milliseconds brief{60}, ages{3'600'000};

/// No limit acts but those that a test sets.
http::server_settings patient() {
    http::server_settings s;
    s.limits.head_timeout = s.limits.body_timeout = s.limits.idle_timeout = ages;
    s.limits.body_slow_after = s.limits.write_timeout = ages;
    return s;
}

/// Sends byte after byte of something that never ends; true when the server had enough of it.
bool drip(raw_client& c, char byte) {
    for (int i = 0; i < 2'000; ++i) {
        if (!c.send({&byte, 1}))
            return true;
        pollfd p{c.fd(), POLLIN, 0};
        if (::poll(&p, 1, 2) > 0)
            return true;
    }
    return false;
}

} // namespace

TEST_CASE("a head that does not come in time is 408") {
    auto s = patient();
    s.limits.head_timeout = brief;
    http_world w(s);
    SECTION("not a byte of it") {
        raw_client c(w.port);
        CHECK(c.answer().status == 408);
        CHECK(c.at_end());
    }
    SECTION("a part of it, and no more") {
        raw_client c(w.port);
        c.send("GET /hello HT");
        CHECK(c.answer().status == 408);
        CHECK(c.at_end());
    }
    SECTION("a byte now and then buys no time") {
        raw_client c(w.port);
        c.send("GET /hello HTTP/1.1\r\nX: ");
        CHECK(drip(c, 'x'));
        CHECK(c.answer().status == 408);
    }
    SECTION("nor in a later request") {
        raw_client c(w.port);
        CHECK(c.ask(get("/hello")).status == 200);
        c.send("GET /hello HTTP/1.1\r\nX: ");
        CHECK(drip(c, 'x'));
        CHECK(c.answer().status == 408);
    }
    SECTION("nor behind a request that comes with its beginning") {
        raw_client c(w.port);
        c.send(get("/hello") + "GET /hello HTTP/1.1\r\nX: ");
        CHECK(c.answer().status == 200);
        CHECK(drip(c, 'x'));
        CHECK(c.answer().status == 408);
    }
}

TEST_CASE("a body that does not come in time is 408, and its route is told") {
    auto s = patient();
    s.limits.body_slow_after = brief;
    struct collector final : http::route {
        void on_head(net::shard&, http::request const&, http::exchange& x,
                     std::size_t& max_body) override {
            max_body = 1'000'000;
            x.on_gone([this](int status) { gone = status; });
        }
        void on_request(net::shard&, http::request const&, http::exchange x) override {
            x.respond(http::text_answer(200, "all of it"));
        }
        std::atomic<int> gone = -1;
    };
    auto const route = std::make_shared<collector>();
    auto const mount = [&](http::router& r) { r.mount("/collect", route); };
    std::string const head = "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
    SECTION("nothing of it") {
        http_world w(s, 1, mount);
        raw_client c(w.port);
        CHECK(c.ask(head).status == 408);
        CHECK(route->gone == 408);
        CHECK(c.at_end());
    }
    SECTION("slower than 1 KB/s") {
        http_world w(s, 1, mount);
        raw_client c(w.port);
        c.send(head + std::string(50, 'x')); // 60 ms at 1 KB/s are 61 bytes
        CHECK(c.answer().status == 408);
    }
    SECTION("faster, but too long") {
        s.limits.body_timeout = 2 * brief;
        http_world w(s, 1, mount);
        raw_client c(w.port);
        c.send(head + std::string(5000, 'x'));
        CHECK(c.answer().status == 408);
    }
    SECTION("in time") {
        s.limits.body_slow_after = seconds(5);
        http_world w(s, 1, mount);
        raw_client c(w.port);
        c.send(head);
        c.send_slowly(std::string(100'000, 'x'), 3000);
        CHECK(c.answer().status == 200);
        CHECK(route->gone == -1);
    }
    SECTION("the peer goes instead") {
        http_world w(patient(), 1, mount);
        {
            raw_client c(w.port);
            c.send(head + "some");
            REQUIRE(w.await_connections(1));
            c.half_close();
            CHECK(c.at_end());
        }
        CHECK(wait_until([&] { return route->gone == 0; }));
    }
}

TEST_CASE("an idle connection is closed without a word") {
    auto s = patient();
    s.limits.idle_timeout = brief;
    http_world w(s);
    raw_client c(w.port);
    CHECK(c.ask(get("/hello")).status == 200);
    CHECK(c.at_end());
    CHECK_FALSE(c.was_reset());
    CHECK(w.await_connections(0));
}

TEST_CASE("a connection whose answer is awaited is not idle") {
    auto s = patient();
    s.limits.idle_timeout = s.limits.head_timeout = brief;
    http_world w(s);
    raw_client c(w.port);
    c.send(get("/wait"));
    REQUIRE(w.await_requests(1));
    CHECK(c.silent_for(3 * brief));
    w.answer(0, http::text_answer(200, "worth it"));
    CHECK(c.answer().body == "worth it");
}

TEST_CASE("a reader that takes nothing is closed, one that is slow is not") {
    auto s = patient();
    s.limits.write_timeout = limit(150);
    http_world w(s);
    raw_client::wish small;
    small.receive_buffer = 8192;
    SECTION("nothing") {
        raw_client c(w.port, small);
        c.send(get("/big"));
        CHECK(w.await_connections(1));
        CHECK(w.await_connections(0));
    }
    SECTION("slow, but steady") {
        raw_client c(w.port, small);
        c.send(get("/big"));
        // Longer in all than the limit, with pauses that are shorter.
        std::size_t got = 0;
        auto const begin = std::chrono::steady_clock::now();
        while (std::chrono::steady_clock::now() - begin < 4 * s.limits.write_timeout) {
            c.read_some();
            got += c.unread().size();
            c.take(c.unread().size());
            ::poll(nullptr, 0, 1);
        }
        CHECK(w.server().connections() == 1);
        auto const all =
            c.read_until([&](std::string const& t) { return got + t.size() >= 8u << 20; });
        CHECK(got + all.size() >= 8u << 20);
    }
}

TEST_CASE("who asks and never reads is not asked for more") {
    auto s = patient();
    s.limits.max_requests = 1'000'000;
    std::atomic<int> served = 0;
    http_world w(s, 1, [&](http::router& r) {
        r.get("/100k", [&](http::request const&) {
            ++served;
            return http::text_answer(200, std::string(100'000, 'x'));
        });
    });
    raw_client::wish small;
    small.receive_buffer = 8192;
    raw_client c(w.port, small);
    std::string many;
    // First all in one read: 20 MB of answers, of which about 1 MB may be queued here.
    for (int i = 0; i < 200; ++i)
        many += get("/100k");
    c.send(many);
    REQUIRE(wait_until([&] { return served > 0; }));
    w.on_shard([] {});
    CHECK(served < 100);
    for (int i = 0; i < 200; ++i)
        REQUIRE(c.answer().body.size() == 100'000);

    // Then more than any buffer holds.
    served = 0;
    many.clear();
    for (int i = 0; i < 200; ++i)
        many += get("/100k", "X: " + std::string(4000, 'x') + "\r\n");
    std::size_t sent = 0;
    for (int i = 0; i < 200; ++i) {
        auto const n = c.send_some(many, limit(300));
        sent += n;
        if (n < many.size())
            break;
    }
    // Reading stopped: the kernel's buffers are all that it took.
    CHECK(sent < 200 * many.size());
    auto const before = served.load();
    CHECK(before < 200);
    // Reading on, the rest is served, in order and whole.
    for (int i = 0; i < before + 20; ++i)
        REQUIRE(c.answer().body.size() == 100'000);
    CHECK(served >= before + 20);
}

TEST_CASE("pipelined requests behind one that waits do not pile up here") {
    auto s = patient();
    s.limits.max_requests = 1'000'000'000;
    http_world w(s);
    raw_client c(w.port);
    c.send(get("/wait"));
    REQUIRE(w.await_requests(1));
    std::string many;
    for (int i = 0; i < 1000; ++i)
        many += get("/hello");
    std::size_t sent = 0;
    for (std::size_t n = many.size(); n == many.size() && sent < 64u << 20;)
        sent += n = c.send_some(many, limit(100));
    CHECK(sent < 32u << 20);
    w.answer(0, http::text_answer(200, "first"));
    CHECK(c.answer().body == "first");
    for (int i = 0; i < 900; ++i)
        REQUIRE(c.answer().body == "hello\n");
}

TEST_CASE("one connection too many is told to come again") {
    auto s = patient();
    s.max_connections = 3;
    http_world w(s);
    std::vector<raw_client> some;
    for (int i = 0; i < 3; ++i) {
        some.emplace_back(w.port);
        CHECK(some.back().ask(get("/hello")).status == 200);
    }
    {
        raw_client c(w.port);
        auto const a = c.answer();
        CHECK(a.status == 503);
        CHECK(a.header("retry-after") == "5");
        CHECK(c.at_end());
    }
    CHECK(w.log().count("http.connection.refused") == 1);
    CHECK(some[1].ask(get("/hello")).status == 200);
    some.pop_back();
    REQUIRE(w.await_connections(2));
    CHECK(raw_client(w.port).ask(get("/hello")).status == 200);
}

TEST_CASE("an address has its limits, judged on the real peer") {
    // Loopback is exempt, so this takes an address of this machine that is not loopback.
    std::string own;
    ifaddrs* all = nullptr;
    REQUIRE(::getifaddrs(&all) == 0);
    for (auto* i = all; i; i = i->ifa_next) {
        if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET && !(i->ifa_flags & IFF_LOOPBACK) &&
            (i->ifa_flags & IFF_UP)) {
            char text[INET_ADDRSTRLEN];
            ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(i->ifa_addr)->sin_addr, text,
                        sizeof text);
            own = text;
        }
    }
    ::freeifaddrs(all);

    auto s = patient();
    s.addresses = {2, 0, 0};
    http_world w(s);
    std::vector<raw_client> local;
    for (int i = 0; i < 5; ++i) {
        local.emplace_back(w.port);
        CHECK(local.back().ask(get("/hello")).status == 200);
    }
    if (own.empty()) {
        WARN("no address beside loopback here");
        return;
    }
    auto const port = w.server().listen({boost::asio::ip::make_address(own), 0}).value().port();
    raw_client::wish from_there;
    from_there.to = own;
    std::vector<raw_client> some;
    for (int i = 0; i < 2; ++i) {
        some.emplace_back(port, from_there);
        CHECK(some.back().ask(get("/hello")).status == 200);
    }
    CHECK(raw_client(port, from_there).answer().status == 429);
    some.pop_back();
    REQUIRE(w.await_connections(6));
    CHECK(raw_client(port, from_there).ask(get("/hello")).status == 200);
}
