#include "fleet_world.hpp"

using namespace mad_test;

TEST_CASE("a node says that it is alive, first of all") {
    mad::fleet::api_settings s;
    s.node_id = "a \"node\"";
    s.version = "1.2.3";
    fleet_world w(std::move(s));
    sio_peer p(wire::websocket, w.port);
    auto const a = w.get("/health");
    CHECK(a.status == 200);
    CHECK(a.header("content-type") == "application/json");
    CHECK(a.header("cache-control") == "no-store");
    CHECK(
        a.body.starts_with(R"({"healthy":true,"node":"a \"node\"","version":"1.2.3","uptime_s":)"));
    auto const j = json::parse(a.body);
    CHECK(j["sessions"] == 1);
    CHECK(j["uptime_s"].is_number_unsigned());
}

TEST_CASE("a node says whether it is ready") {
    fleet_world w;
    auto const a = w.get("/ready");
    CHECK(a.status == 200);
    auto const j = json::parse(a.body);
    CHECK(j["ready"] == true);
    CHECK(j["node"] == "node-1");
    CHECK(j["version"].is_string());
    CHECK(j["instance"].get<std::string>().size() == 8);
    CHECK(j["tag"].get<unsigned>() > 0);
    CHECK(j["tag"].get<unsigned>() < 65'536);
}

TEST_CASE("the numbers of a node are OpenMetrics text") {
    fleet_world w;
    agent_peer a(w);
    a.connected(sample("a", 1));
    a.check("{}");
    auto const m = w.get("/metrics");
    CHECK(m.status == 200);
    CHECK(m.header("content-type").starts_with("application/openmetrics-text"));
    for (auto const* const line :
         {"# TYPE mad_agents gauge\n", "mad_agents 1\n", "# TYPE mad_agent_updates counter\n",
          "mad_agent_updates_total 1\n", "mad_agent_refusals_total 1\n", "mad_sessions 1\n"})
        CHECK(m.body.find(line) != std::string::npos);
    CHECK(m.body.ends_with("# EOF\n"));
    // Each line is a comment or a name and a number.
    std::istringstream lines(m.body);
    for (std::string l; std::getline(lines, l);) {
        bool const fine = l.starts_with("# ") || (l.starts_with("mad_") && l.find(' ') != l.npos);
        CHECK(fine);
    }
}

TEST_CASE("routes take GET and HEAD, and nothing else is there") {
    fleet_world w;
    raw_client c(w.port);
    CHECK(c.ask("POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").status == 405);
    raw_client h(w.port);
    h.send("HEAD /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    auto const head = h.answer(true);
    CHECK(head.status == 200);
    CHECK(std::stoul(head.header("content-length")) > 10);
    CHECK(w.get("/").status == 404);
    CHECK(w.get("/healthy").status == 404);
    CHECK(w.get("/../health").status == 404);
    CHECK(w.get("/socket.io").status == 404);
}

TEST_CASE("on loopback a node answers to no other name") {
    // A page of another site may point a name of its own at 127.0.0.1.
    struct row {
        char const* host;
        bool ours;
    };
    auto const r = GENERATE(values<row>({
        {"127.0.0.1:3000", true},
        {"127.0.0.1", true},
        {"127.8.9.10", true},
        {"localhost:3000", true},
        {"LocalHost", true},
        {"[::1]:3000", true},
        {"evil.example:3000", false},
        {"evil.example", false},
        {"127.0.0.1.evil.example", false},
        {"localhost.evil.example", false},
        {"10.0.0.1:3000", false},
        {"0.0.0.0", false},
        {"[::]:3000", false},
        {"2130706433", false},
        {"0x7f.1", false},
        {"127.1", false},
        {"", false},
        {"evil.example:127.0.0.1", false},
        {"[::1", false},
    }));
    auto const kind = both();
    CAPTURE(r.host, name_of(kind));
    bool const open = GENERATE(false, true);
    mad::fleet::api_settings s;
    s.anonymous = open;
    fleet_world w(std::move(s));
    auto const query = std::string("/socket.io/?EIO=4&transport=") + name_of(kind);
    raw_client c(w.port);
    auto const fields = kind == wire::polling
                            ? std::string()
                            : "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
                              "13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    c.send("GET " + query + " HTTP/1.1\r\nHost: " + r.host + "\r\n" + fields + "\r\n");
    auto const status = c.take_until("\r\n").substr(9, 3);
    if (r.ours || open)
        CHECK(status == (kind == wire::polling ? "200" : "101"));
    else
        CHECK(status == "403");
}

TEST_CASE("pages of other origins need to be listed") {
    mad::fleet::api_settings s;
    s.sockets.engine.cors.origins = {"http://127.0.0.1:8081"};
    fleet_world w(std::move(s));
    auto const kind = both();
    CAPTURE(name_of(kind));
    auto const status = [&](std::string const& origin) {
        engine_peer p(kind, w.port, "/socket.io/", "Origin: " + origin + "\r\n");
        return p.status;
    };
    auto const good = kind == wire::websocket ? 101 : 200;
    CHECK(status("http://127.0.0.1:8081") == good);
    CHECK(status("http://127.0.0.1") == good); // its own: the test names no port
    CHECK(status("http://127.0.0.1:8082") == 403);
    CHECK(status("http://evil.example") == 403);
    CHECK(status("null") == 403);
}

TEST_CASE("a policy of the application comes on top of the node's own") {
    mad::fleet::api_settings s;
    s.sockets.engine.allow_request =
        [](mad::engine::handshake_info const& h) -> std::optional<std::string> {
        return h.header("X-Key").empty() ? std::optional<std::string>("no key") : std::nullopt;
    };
    fleet_world w(std::move(s));
    engine_peer no(wire::polling, w.port, "/socket.io/");
    CHECK(no.open_packet == R"({"code":4,"message":"no key"})");
    engine_peer yes(wire::polling, w.port, "/socket.io/", "X-Key: 1\r\n");
    CHECK(yes.status == 200);
    raw_client c(w.port);
    auto const a = c.ask("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: evil\r\nX-Key: "
                         "1\r\n\r\n");
    CHECK(a.body == R"({"code":4,"message":"Forbidden"})");
}

TEST_CASE("a port that is taken is an error that says so") {
    fleet_world w;
    mad::fleet::api_settings s;
    s.listen.port(w.port);
    s.threads = 2;
    mad::fleet::api second(std::move(s));
    auto const r = second.start();
    REQUIRE_FALSE(r);
    CHECK(r.error() == boost::system::errc::address_in_use);
    CHECK(second.url().empty());
    second.stop(1s); // never started
}

TEST_CASE("a node tells its address, and may be stopped twice") {
    fleet_world w;
    CHECK(w.api().url() == "http://127.0.0.1:" + std::to_string(w.port));
    w.api().stop();
    w.api().stop(1s);
}
