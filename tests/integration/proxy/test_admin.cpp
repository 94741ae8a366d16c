#include "proxy_world.hpp"

#include <mad/core/json.hpp>
#include <mad/net/http/server.hpp>
#include <mad/proxy/admin.hpp>

#include <support/temp_folder.hpp>

using namespace mad_test;
using mad::json;
namespace http = mad::net::http;

namespace {

/// A proxy with an admin interface on a port of its own.
struct admin_world {
    explicit admin_world(std::vector<std::string> const& upstreams, std::string token = {},
                         bool unix_socket = false)
        : proxy(upstreams) {
        proxy::admin_settings s;
        s.token = std::move(token);
        s.unix_socket = unix_socket;
        s.log = proxy.log().handle();
        admin = std::make_shared<proxy::admin>(proxy.server(), s);
        side = std::make_unique<http::server>(std::vector{&proxy.pool()[0]}, admin_router(admin),
                                              http::server_settings{});
        port = side->listen({boost::asio::ip::address_v4::loopback(), 0}).value().port();
    }
    ~admin_world() { proxy.stop(); }

    http_answer ask(std::string const& method, std::string const& path,
                    std::string const& body = {},
                    std::string const& fields = "Host: localhost\r\n") const {
        return raw_client(port).ask(
            method + " " + path + " HTTP/1.1\r\n" + fields +
            (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") +
            "\r\n" + body);
    }
    json get(std::string const& path) const { return json::parse(ask("GET", path).body); }
    std::string state_of(std::string const& name) const {
        return get("/upstreams/" + name).value("state", "");
    }

    proxy_world proxy;
    std::shared_ptr<proxy::admin> admin;
    std::unique_ptr<http::server> side;
    std::uint16_t port = 0;
};

} // namespace

TEST_CASE("the admin interface shows who is there") {
    raw_node node;
    admin_world w({"one=" + node.url()});
    auto const all = w.get("/upstreams");
    REQUIRE(all["upstreams"].size() == 1);
    CHECK(all["upstreams"][0]["name"] == "one");
    CHECK(all["upstreams"][0]["url"] == node.url());
    CHECK(all["upstreams"][0]["state"] == "up");
    CHECK(w.get("/upstreams/one")["weight"] == 1);
    auto const health = w.get("/health");
    CHECK(health["healthy"] == true);
    CHECK(health["up"] == 1);
    auto const ready = w.get("/ready");
    CHECK(ready["ready"] == true);
    CHECK(ready["version"] == health["version"]);
    auto const metrics = w.ask("GET", "/metrics");
    CHECK(metrics.header("content-type").starts_with("application/openmetrics-text"));
    CHECK(metrics.body.ends_with("# EOF\n"));
    CHECK(metrics.header("cache-control") == "no-store");
}

TEST_CASE("a proxy is ready while somebody new can be served") {
    raw_node node;
    admin_world w({"one=" + node.url()});
    CHECK(w.ask("GET", "/ready").status == 200);
    CHECK(w.ask("POST", "/upstreams/one/drain").status == 200);
    auto const no = w.ask("GET", "/ready");
    CHECK(no.status == 503);
    CHECK(json::parse(no.body)["ready"] == false);
    CHECK(json::parse(no.body)["reason"] == "upstreams");
    CHECK(w.ask("POST", "/upstreams/one/undrain").status == 200);
    CHECK(wait_until([&] { return w.ask("GET", "/ready").status == 200; }));
    CHECK(w.ask("DELETE", "/upstreams/one?force=true").status == 200);
    CHECK(w.ask("GET", "/ready").status == 503);
    CHECK(w.ask("POST", "/ready").status == 405);
}

TEST_CASE("upstreams come, change, drain and go while it runs") {
    raw_node first, second;
    admin_world w({"one=" + first.url()});
    auto const added =
        w.ask("PUT", "/upstreams/two", R"({"url":")" + second.url() + R"(","weight":3})");
    CHECK(added.status == 201);
    CHECK(json::parse(added.body)["weight"] == 3);
    CHECK(wait_until([&] { return w.state_of("two") == "up"; }));
    auto const changed = w.ask("PUT", "/upstreams/two", R"({"url":")" + second.url() + R"("})");
    CHECK(changed.status == 200);
    CHECK(json::parse(changed.body)["weight"] == 1);

    CHECK(w.ask("POST", "/upstreams/two/drain").status == 200);
    CHECK(wait_until([&] { return w.state_of("two") == "drained"; }));
    CHECK(w.ask("POST", "/upstreams/two/undrain").status == 200);
    CHECK(wait_until([&] { return w.state_of("two") == "up"; }));
    CHECK(w.ask("POST", "/rebalance").status == 200);
    auto const gone = w.ask("DELETE", "/upstreams/two");
    CHECK(gone.status == 200);
    CHECK(json::parse(gone.body)["removed"] == "two");
    CHECK(wait_until([&] { return w.ask("GET", "/upstreams/two").status == 404; }));
}

TEST_CASE("who serves sessions is not removed unless it is forced") {
    raw_node node, other;
    admin_world w({"one=" + node.url()});
    raw_tunnel t(w.proxy.port, node);
    REQUIRE(t.status == 101);
    REQUIRE(wait_until([&] { return w.get("/upstreams/one")["tunnels"] == 1; }));
    auto const no = w.ask("DELETE", "/upstreams/one");
    CHECK(no.status == 409);
    auto const why = json::parse(no.body);
    CHECK(why["error"] == "has_sessions");
    CHECK(why["remedy"].get<std::string>().find("/upstreams/one/drain") != std::string::npos);
    CHECK(w.ask("DELETE", "/upstreams/one?force=false").status == 409);
    CHECK(w.ask("DELETE", "/upstreams/one?force=true").status == 200);
    t.client.wire.read_to_end(); // it is cut
    CHECK(wait_until([&] { return w.get("/upstreams")["upstreams"].empty(); }));
}

TEST_CASE("what is asked wrongly is told how to be asked") {
    raw_node node;
    admin_world w({"one=" + node.url()});
    struct row {
        char const *method, *path, *body;
        int status;
        char const* says;
    };
    auto const c = GENERATE(
        row{"GET", "/", "", 404, "/upstreams/NAME"}, row{"GET", "/upstreams/none", "", 404, "PUT"},
        row{"GET", "/upstreams/a%20b", "", 404, "letters"},
        row{"POST", "/upstreams/none/drain", "", 404, "GET /upstreams"},
        row{"POST", "/upstreams/none/undrain", "", 404, "GET /upstreams"},
        row{"DELETE", "/upstreams/none", "", 404, "GET /upstreams"},
        row{"POST", "/upstreams", "", 405, "GET"}, row{"GET", "/rebalance", "", 405, "POST"},
        row{"GET", "/upstreams/one/drain", "", 405, "POST"},
        row{"PATCH", "/upstreams/one", "", 405, "PUT"}, row{"POST", "/health", "", 405, "GET"},
        row{"POST", "/upstreams/one/dance", "", 404, "undrain"},
        row{"PUT", "/upstreams/two", "", 400, "\\\"url\\\""},
        row{"PUT", "/upstreams/two", "[]", 400, "no JSON object"},
        row{"PUT", "/upstreams/two", "{", 400, "no JSON object"},
        row{"PUT", "/upstreams/two", "{}", 400, "no url"},
        row{"PUT", "/upstreams/two", R"({"url":1})", 400, "'url'"},
        row{"PUT", "/upstreams/two", R"({"url":"x"})", 400, "http://"},
        row{"PUT", "/upstreams/two", R"({"url":"http://h:1","weight":0})", 400, "1 and 1000"},
        row{"PUT", "/upstreams/two", R"({"url":"http://h:1","weight":1.5})", 400, "'weight'"},
        row{"PUT", "/upstreams/two", R"({"url":"http://h:1","proxy_protocol":3})", 400,
            "0, 1 or 2"},
        row{"PUT", "/upstreams/two", R"({"url":"http://h:1","colour":3})", 400, "'colour'"});
    CAPTURE(c.method, c.path, c.body);
    auto const no = w.ask(c.method, c.path, c.body);
    CHECK(no.status == c.status);
    CAPTURE(no.body);
    CHECK(no.body.find(c.says) != std::string::npos);
    auto const told = json::parse(no.body);
    CHECK_FALSE(told["error"].get<std::string>().empty());
    CHECK_FALSE(told["remedy"].get<std::string>().empty());
    CHECK(w.get("/upstreams")["upstreams"].size() == 1);
}

TEST_CASE("a body that is too long is not read") {
    raw_node node;
    admin_world w({"one=" + node.url()});
    CHECK(w.ask("PUT", "/upstreams/two", std::string(5'000, ' ')).status == 413);
}

TEST_CASE("a token is asked for, and may be changed") {
    raw_node node;
    admin_world w({"one=" + node.url()}, "open sesame");
    auto const with = [&](std::string const& text) {
        return w.ask("GET", "/upstreams", {}, "Host: elsewhere\r\nOrigin: http://x\r\n" + text);
    };
    auto const none = with("");
    CHECK(none.status == 401);
    CHECK(none.header("www-authenticate") == "Bearer");
    CHECK(with("Authorization: Bearer open\r\n").status == 401);
    CHECK(with("Authorization: Basic open sesame\r\n").status == 401);
    CHECK(with("Authorization: Bearer \r\n").status == 401);
    CHECK(with("Authorization: Bearer open sesame\r\n").status == 200);
    CHECK(with("authorization: bearer open sesame\r\n").status == 200);
    w.admin->set_token("another");
    CHECK(with("Authorization: Bearer open sesame\r\n").status == 401);
    CHECK(with("Authorization: Bearer another\r\n").status == 200);
}

TEST_CASE("without a token no page in a browser of this machine gets in") {
    raw_node node;
    admin_world w({"one=" + node.url()});
    auto const drain = [&](std::string const& fields) {
        return w.ask("POST", "/upstreams/one/drain", {}, fields).status;
    };
    CHECK(drain("Host: evil.example\r\n") == 403);
    CHECK(drain("Host: localhost\r\nOrigin: http://evil.example\r\n") == 403);
    CHECK(w.state_of("one") == "up");
    CHECK(drain("Host: 127.0.0.1:" + std::to_string(w.port) + "\r\n") == 200);
}

TEST_CASE("the admin interface serves a unix socket") {
    raw_node node;
    temp_folder folder;
    admin_world w({"one=" + node.url()}, {}, true);
    auto const path = folder.file("admin");
    REQUIRE_FALSE(w.side->listen_unix(path));
    auto c = raw_client::over(mad::net::connect_unix(path).value());
    CHECK(c.ask("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 200);
    CHECK(c.ask("GET /upstreams HTTP/1.1\r\nHost: x\r\n\r\n").status == 200);
}
