#include <mad/core/json.hpp>
#include <mad/fleet/page.hpp>
#include <mad/fleet/web.hpp>

#include <catch2/catch.hpp>

#include <support/captured_log.hpp>
#include <support/raw_client.hpp>
#include <support/temp_folder.hpp>

#include <filesystem>

using namespace mad_test;
using mad::fleet::web;
using mad::fleet::web_settings;

namespace {

/// A page on loopback.
struct web_world {
    explicit web_world(web_settings s = {}) {
        std::filesystem::create_directory(folder.file("assets"));
        folder.write("index.html", "<!doctype html>page");
        folder.write("index.html.br", "brotli");
        folder.write("index.html.gz", "gzip");
        folder.write("assets/app-12345678.js", std::string(300'000, 'j'));
        s.root = folder.file("");
        s.listen.port(0);
        s.log = log.handle();
        server = std::make_unique<web>(std::move(s));
        port = server->start().value().port();
    }

    http_answer get(std::string const& path, std::string const& fields = {},
                    std::string const& host = "127.0.0.1") {
        return raw_client(port).ask("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields +
                                    "\r\n");
    }

    temp_folder folder;
    captured_log log;
    std::unique_ptr<web> server;
    std::uint16_t port = 0;
};

} // namespace

TEST_CASE("the page is served with its headers, and nothing says who serves it") {
    web_settings s;
    s.api_url = "http://127.0.0.1:3000";
    web_world w(std::move(s));
    auto const a = w.get("/");
    CHECK(a.status == 200);
    CHECK(a.body == "<!doctype html>page");
    CHECK(a.header("content-type") == "text/html; charset=utf-8");
    CHECK(a.header("content-length") == std::to_string(a.body.size()));
    CHECK(a.header("content-security-policy") ==
          mad::fleet::content_policy("http://127.0.0.1:3000"));
    CHECK(a.header("content-security-policy").find("ws://127.0.0.1:3000") != std::string::npos);
    CHECK(a.header("x-content-type-options") == "nosniff");
    CHECK(a.header("referrer-policy") == "no-referrer");
    CHECK(a.header("server").empty());
    CHECK(a.header("strict-transport-security").empty());
    CHECK(w.get("/host/web-042").body == "<!doctype html>page");
    CHECK(w.get("/assets/none.js").status == 404);
    CHECK(w.get("/rules", "Accept: text/html,*/*;q=0.8\r\n").body == "<!doctype html>page");
    CHECK(w.get("/rules", "Accept: application/json\r\n").status == 404);
    CHECK(w.get("/robots.txt").status == 404);
    CHECK(w.get("/assets/app-12345678.js").body.size() == 300'000);
}

TEST_CASE("a HEAD gets the head, and what comes behind it is in order") {
    web_world w;
    raw_client c(w.port);
    c.send("HEAD / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n\r\n"
           "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    auto const head = c.answer(true);
    CHECK(head.status == 200);
    CHECK(head.header("content-encoding") == "br");
    CHECK(head.header("content-length") == "6");
    auto const got = c.answer();
    CHECK(got.header("content-encoding") == "gzip");
    CHECK(got.body == "gzip");
}

TEST_CASE("a page that is known already is not sent again") {
    web_world w;
    raw_client c(w.port);
    auto const first = c.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto const etag = first.header("etag");
    c.send("GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: " + etag +
           "\r\n\r\n"
           "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto const same = c.answer(true);
    CHECK(same.status == 304);
    CHECK(same.header("etag") == etag);
    CHECK(same.header("content-length").empty());
    CHECK(c.answer().body == first.body); // and nothing was in between
}

TEST_CASE("no request leads out of the folder") {
    web_world w;
    w.folder.write("../mad-test-secret-" + std::to_string(w.port), "secret");
    auto const name = "mad-test-secret-" + std::to_string(w.port);
    auto const outside =
        std::filesystem::path(w.folder.file("")).parent_path().parent_path() / name;
    REQUIRE(std::filesystem::exists(outside));
    for (std::string const& path :
         {"/../" + name, "/assets/../../" + name, "/%2e%2e/" + name, "/%2e%2e%2f" + name,
          "/..%5c" + name, "/assets/..%2f..%2f" + name, "//" + outside.string(),
          "file://" + outside.string(), "http://127.0.0.1/../" + name, "/..;/" + name,
          "/%252e%252e/" + name, "/./.././" + name}) {
        CAPTURE(path);
        auto const a = w.get(path);
        CHECK(a.body.find("secret") == std::string::npos);
        bool const safe = a.status == 400 || a.status == 404 || a.body == "<!doctype html>page";
        CHECK(safe);
    }
    std::filesystem::remove(outside);
}

TEST_CASE("the page learns at run time where its node is") {
    web_settings s;
    s.api_url = "https://node.example:3000";
    s.path = "/x/";
    s.version = "1.2.3";
    web_world w(std::move(s));
    auto const a = w.get("/config.json");
    CHECK(a.status == 200);
    CHECK(a.header("cache-control") == "no-store");
    CHECK(a.header("content-type") == "application/json");
    CHECK(mad::json::parse(a.body) ==
          mad::json(
              {{"api_url", "https://node.example:3000"}, {"path", "/x/"}, {"version", "1.2.3"}}));
    CHECK(w.get("/health").body == R"({"healthy":true})");
}

TEST_CASE("settings are for who names this machine, unless it is open to all") {
    bool const open = GENERATE(false, true);
    web_settings s;
    s.anonymous = open;
    web_world w(std::move(s));
    CHECK(w.get("/config.json", {}, "localhost:8081").status == 200);
    CHECK(w.get("/config.json", {}, "evil.example").status == (open ? 200 : 403));
}

TEST_CASE("methods that change something are refused, with or without a body") {
    web_world w;
    for (std::string const method : {"POST", "PUT", "DELETE"}) {
        raw_client c(w.port);
        auto const a = c.ask(method + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        CHECK(a.status == 405);
        CHECK(a.header("allow") == "GET, HEAD");
        raw_client d(w.port);
        d.send(method + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        CHECK(d.answer().status >= 400);
    }
}

TEST_CASE("what cannot be served is said when it is made") {
    web_settings s;
    s.root = "/nowhere";
    CHECK_THROWS_WITH(web(s), Catch::Contains("/nowhere"));
    temp_folder folder;
    folder.write("index.html", "x");
    s.root = folder.file("");
    s.api_url = "not a url";
    CHECK_THROWS_WITH(web(s), Catch::Contains("not a url"));
    s.api_url.clear();
    s.frame_ancestors = {"https://wall.example", "not an origin"};
    CHECK_THROWS_WITH(web(s), Catch::Contains("not an origin"));
}

TEST_CASE("a page server drains, and stops twice") {
    web_world w;
    raw_client idle(w.port), busy(w.port);
    busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(busy.answer().status == 200);
    w.server->stop(std::chrono::seconds(10));
    w.server->stop();
    CHECK(idle.at_end());
    CHECK(busy.at_end());
}
