#include <mad/core/json.hpp>
#include <mad/fleet/http_api.hpp>
#include <mad/net/http/server.hpp>
#include <mad/net/io_pool.hpp>
#include <utility>

#include <catch2/catch.hpp>

#include <support/fake_fleet.hpp>
#include <support/on_shard.hpp>
#include <support/raw_client.hpp>

#include <memory>
#include <string>

using namespace mad_test;
using mad::json;

namespace {

/// The API of a fake fleet on loopback, its connections on other shards than the fleet.
struct http_api_server {
    explicit http_api_server(std::size_t shards = 3, mad::fleet::http_api_settings s = {})
        : pool(shards, {}) {
        mad::net::http::router routes;
        routes.mount(std::string(mad::fleet::http_api::prefix),
                     std::make_shared<mad::fleet::http_api>(pool[0], fleet, std::move(s)));
        server = std::make_unique<mad::net::http::server>(pool.shards(), std::move(routes),
                                                          mad::net::http::server_settings{});
        port = server->listen({boost::asio::ip::address_v4::loopback(), 0}).value().port();
        pool.start();
    }
    ~http_api_server() { pool.stop(); }

    static std::string request(std::string const& method, std::string const& target,
                               std::string const& fields = {}, std::string const& body = {}) {
        auto out = method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + fields;
        if (!body.empty())
            out +=
                "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n";
        return out + "\r\n" + body;
    }
    http_answer ask(std::string const& method, std::string const& target,
                    std::string const& fields = {}, std::string const& body = {}) {
        return raw_client(port).ask(request(method, target, fields, body));
    }

    std::shared_ptr<fake_fleet> fleet = std::make_shared<fake_fleet>();
    mad::net::io_pool pool;
    std::unique_ptr<mad::net::http::server> server;
    std::uint16_t port = 0;
};

void fill(http_api_server& s, int hosts) {
    run_on(s.pool[0], [&] {
        for (int i = 0; i < hosts; ++i)
            s.fleet->add("host-" + std::to_string(i)).facts.tags = {"prod", "role:web"};
    });
}

} // namespace

TEST_CASE("whichever shard a connection has, its requests are answered in order") {
    http_api_server s;
    fill(s, 50);
    for (int i = 0; i < 12; ++i) { // the kernel spreads them over the shards
        raw_client c(s.port);
        c.send(s.request("GET", "/api/v1/clients/host-1") + s.request("GET", "/api/v1/none") +
               s.request("GET", "/api/v1/summary") + s.request("GET", "/api/v1/clients?limit=1"));
        CHECK(json::parse(c.answer().body)["id"] == "host-1");
        CHECK(c.answer().status == 404);
        CHECK(json::parse(c.answer().body)["total"] == 50);
        CHECK(json::parse(c.answer().body)["clients"].size() == 1);
    }
}

TEST_CASE("a list of ten thousand hosts arrives whole") {
    http_api_server s;
    fill(s, 10'000);
    auto const a = s.ask("GET", "/api/v1/clients?limit=10000");
    CHECK(a.status == 200);
    CHECK(a.header("content-length") == std::to_string(a.body.size()));
    CHECK(json::parse(a.body)["clients"].size() == 10'000);
}

TEST_CASE("HEAD is answered like GET, without the body") {
    http_api_server s;
    fill(s, 5);
    for (char const* path : {"/api/v1/clients", "/api/v1/openapi.json", "/api/v1/none"}) {
        raw_client c(s.port);
        c.send(s.request("GET", path));
        auto const got = c.answer();
        c.send(s.request("HEAD", path) + s.request("GET", path));
        auto const head = c.answer(true);
        CHECK(head.status == got.status);
        CHECK(head.header("content-length") == std::to_string(got.body.size()));
        CHECK(head.header("etag") == got.header("etag"));
        CHECK(c.answer().body == got.body);
    }
}

TEST_CASE("what is known already is not sent again, over one connection") {
    http_api_server s;
    fill(s, 5);
    raw_client c(s.port);
    c.send(s.request("GET", "/api/v1/clients"));
    auto const tag = c.answer().header("etag");
    c.send(s.request("GET", "/api/v1/clients", "If-None-Match: " + tag + "\r\n"));
    auto const same = c.answer(true);
    CHECK(same.status == 304);
    CHECK(same.header("etag") == tag);
    c.send(s.request("GET", "/api/v1/summary"));
    CHECK(c.answer().status == 200);
}

TEST_CASE("a body may come in pieces, chunked, or where none is wanted") {
    http_api_server s;
    std::string const mute = R"({"match":"tag:prod","for":60})";
    raw_client slow(s.port);
    slow.send_slowly(s.request("POST", "/api/v1/mutes", {}, mute), 3);
    CHECK(slow.answer().status == 201);

    raw_client chunked(s.port);
    chunked.send("POST /api/v1/mutes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n1d\r\n" +
                 mute + "\r\n0\r\n\r\n");
    CHECK(chunked.answer().status == 201);

    raw_client unwanted(s.port);
    unwanted.send(s.request("GET", "/api/v1/mutes", {}, "{}") + s.request("GET", "/api/v1/mutes"));
    CHECK(unwanted.answer().status == 200);
    CHECK(json::parse(unwanted.answer().body)["mutes"].size() == 2);
}

TEST_CASE("a body that is too long is refused before it is sent") {
    http_api_server s;
    raw_client c(s.port);
    c.send("PUT /api/v1/rules/cpu HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
           "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n");
    auto const a = c.answer();
    CHECK(a.status == 413);
    CHECK(json::parse(a.body)["error"]["code"] == "too_large");
    CHECK(a.header("connection") == "close");

    raw_client chunked(s.port);
    chunked.send("PUT /api/v1/rules/cpu HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                 "Transfer-Encoding: chunked\r\n\r\nffff\r\n");
    chunked.send(std::string(0xffff, ' '));
    CHECK(chunked.answer().status == 413);
}

TEST_CASE("who must say who it is is not let to send a body first") {
    mad::fleet::http_api_settings settings;
    settings.admit = [](mad::net::http::request const& r, mad::fleet::http_role) {
        mad::fleet::http_admission a;
        if (r.header("Authorization") != "Bearer good") {
            a.refusal = mad::net::http::json_answer(401, "{}");
            a.refusal->set("WWW-Authenticate", "Bearer");
        }
        a.caller.role = mad::fleet::http_role::admin;
        return a;
    };
    http_api_server s(2, std::move(settings));
    raw_client c(s.port);
    c.send("POST /api/v1/mutes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
           "Content-Length: 13\r\n\r\n");
    auto const a = c.answer();
    CHECK(a.status == 401);
    CHECK(a.header("www-authenticate") == "Bearer");
    CHECK(a.header("connection") == "close");
    CHECK(
        s.ask("POST", "/api/v1/mutes", "Authorization: Bearer good\r\n", R"({"for":60})").status ==
        201);
}

TEST_CASE("an answer that comes late finds its connection, if that is still there") {
    http_api_server s;
    fill(s, 2);
    run_on(s.pool[0], [&] { s.fleet->slow = true; });
    raw_client stays(s.port), goes(s.port);
    stays.send(s.request("GET", "/api/v1/clients/host-1/history") +
               s.request("GET", "/api/v1/clients/host-0"));
    goes.send(s.request("GET", "/api/v1/clients/host-0/history"));
    auto const waiting = [&] {
        std::size_t n = 0;
        run_on(s.pool[0], [&] { n = s.fleet->waiting.size(); });
        return n;
    };
    REQUIRE(wait_until([&] { return waiting() == 2; }));
    goes.reset();
    REQUIRE(wait_until([&] { return s.server->connections() == 1; }));
    run_on(s.pool[0], [&] {
        for (auto const& answer : std::exchange(s.fleet->waiting, {}))
            answer();
    });
    CHECK(json::parse(stays.answer().body)["window"] == "15m");
    CHECK(json::parse(stays.answer().body)["id"] == "host-0");
}

TEST_CASE("a server may stop while answers are awaited") {
    auto fleet = std::shared_ptr<fake_fleet>();
    {
        http_api_server s;
        fleet = s.fleet;
        fill(s, 1);
        run_on(s.pool[0], [&] { s.fleet->slow = true; });
        raw_client c(s.port);
        c.send(s.request("GET", "/api/v1/clients/host-0/history"));
        REQUIRE(wait_until([&] {
            bool there = false;
            run_on(s.pool[0], [&] { there = !s.fleet->waiting.empty(); });
            return there;
        }));
    }
    CHECK(fleet->waiting.size() == 1);
    fleet->waiting.clear();
}
