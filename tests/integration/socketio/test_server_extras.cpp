#include "io_world.hpp"

#include <support/temp_folder.hpp>

using namespace mad_test;

namespace {

/// One request, one answer.
http_answer get(std::uint16_t port, std::string const& target, std::string const& fields = {},
                std::string const& method = "GET") {
    raw_client c(port);
    c.send(method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" +
           fields + "\r\n");
    return c.answer(method == "HEAD");
}

} // namespace

TEST_CASE("the client's files are served, and nothing else of their folder") {
    temp_folder folder;
    folder.write("socket.io.js", "the client");
    folder.write("socket.io.min.js.map", "{}");
    folder.write("secret.txt", "secret");
    sio::server_settings s;
    s.client_folder = folder.file("");
    bool const named = GENERATE(true, false);
    if (named)
        s.client_version = "4.8.4";
    io_world w({}, s);

    auto const js = get(w.port, "/socket.io/socket.io.js");
    CHECK(js.status == 200);
    CHECK(js.body == "the client");
    CHECK(js.header("content-type") == "application/javascript; charset=utf-8");
    CHECK(js.header("cache-control") == "public, max-age=0");
    auto const tag = js.header("etag");
    CHECK(tag.size() > 2);
    if (named)
        CHECK(tag == "\"4.8.4\"");
    CHECK(get(w.port, "/socket.io/socket.io.js?v=1").body == "the client");
    CHECK(get(w.port, "/socket.io/socket.io.js", {}, "HEAD").header("content-length") == "10");
    auto const map = get(w.port, "/socket.io/socket.io.min.js.map");
    CHECK(map.header("content-type") == "application/json; charset=utf-8");
    CHECK((map.header("etag") == tag) == named);

    for (auto const& known : {tag, "W/" + tag, "\"other\", " + tag, std::string("*")}) {
        auto const same =
            get(w.port, "/socket.io/socket.io.js", "If-None-Match: " + known + "\r\n");
        CHECK(same.status == 304);
        CHECK(same.body.empty());
    }
    CHECK(get(w.port, "/socket.io/socket.io.js", "If-None-Match: \"other\"\r\n").status == 200);

    // The engine's answer: no file of that name is known.
    for (auto const* const path :
         {"/socket.io/socket.io.min.js", "/socket.io/secret.txt", "/socket.io/../secret.txt",
          "/socket.io/%2e%2e/secret.txt", "/socket.io/socket.io.js/../secret.txt",
          "/socket.io/socket.io.js%00", "/socket.io/SOCKET.IO.JS"}) {
        CAPTURE(path);
        CHECK(get(w.port, path).body == R"({"code":0,"message":"Transport unknown"})");
    }
    CHECK(get(w.port, "/socket.io/socket.io.js", "Content-Length: 0\r\n", "POST").status == 405);
    sio_peer p(both(), w.port);
}

TEST_CASE("a folder without client files is a mistake in the settings") {
    temp_folder folder;
    folder.write("secret.txt", "secret");
    sio::server_settings s;
    s.client_folder = folder.file("");
    boost::asio::io_context ctx;
    CHECK_THROWS_AS(sio::server(ctx, s), std::runtime_error);
}

TEST_CASE("behind a trusted proxy the handshake has the peer's address") {
    sio::server_settings s;
    bool const trusted = GENERATE(true, false);
    if (trusted)
        REQUIRE(s.engine.trust.add("loopback"));
    notes seen;
    s.engine.allow_request = [&](mad::engine::handshake_info const& h) {
        seen.add("asked " + h.address().to_string());
        return std::optional<std::string>();
    };
    io_world w(
        [&](sio::server& io) {
            io.on_connection([&](sio::socket c) {
                auto const h = c.handshake();
                seen.add(h.address().to_string() + (h.secure() ? " tls" : ""));
            });
        },
        s);
    sio_peer p(both(), w.port, "X-Forwarded-For: 6.6.6.6, 1.2.3.4\r\nX-Forwarded-Proto: https\r\n");
    CHECK(seen.all() == (trusted ? strings{"asked 1.2.3.4", "1.2.3.4 tls"}
                                 : strings{"asked 127.0.0.1", "127.0.0.1"}));
}

TEST_CASE("whether a page comes from our own origin is judged by what a trusted proxy says") {
    struct row {
        bool trusted;
        char const* origin;
        int status;
    };
    auto const r =
        GENERATE(row{true, "https://127.0.0.1", 200}, row{true, "http://127.0.0.1", 403},
                 row{false, "https://127.0.0.1", 403}, row{false, "http://127.0.0.1", 200});
    CAPTURE(r.trusted, r.origin);
    sio::server_settings s;
    if (r.trusted)
        REQUIRE(s.engine.trust.add("loopback"));
    io_world w({}, s);
    auto const a = get(w.port, "/socket.io/?EIO=4&transport=polling",
                       "X-Forwarded-Proto: https\r\nOrigin: " + std::string(r.origin) + "\r\n");
    CHECK(a.status == r.status);
}

TEST_CASE("sessions that come through a trusted proxy are counted by their own address") {
    sio::server_settings s;
    s.http.addresses.max_connections = 2;
    REQUIRE(s.engine.trust.add("loopback"));
    io_world w({}, s);
    std::string const polling = "/socket.io/?EIO=4&transport=polling";
    auto const handshake = [&](std::string const& from) {
        return get(w.port, polling, from.empty() ? "" : "X-Forwarded-For: " + from + "\r\n");
    };
    auto const first = handshake("192.0.2.1");
    REQUIRE(first.status == 200);
    CHECK(handshake("192.0.2.1").status == 200);
    auto const third = handshake("192.0.2.1");
    CHECK(third.status == 429);
    CHECK(third.header("retry-after") == "5");
    CHECK(handshake("192.0.2.2").status == 200);
    CHECK(handshake("9.9.9.9, 192.0.2.1").status == 429); // the left one anybody can write
    for (int i = 0; i < 4; ++i)
        CHECK(handshake("").status == 200); // the proxy itself is not counted

    // A session that ends makes room.
    auto const sid = first.body.substr(first.body.find("sid") + 6, 20);
    auto const bye = [&] {
        raw_client c(w.port);
        c.send("POST " + polling + "&sid=" + sid +
               " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n1");
        return c.answer().status;
    };
    REQUIRE(bye() == 200);
    CHECK(handshake("192.0.2.1").status == 200);
    CHECK(handshake("192.0.2.1").status == 429);
}

TEST_CASE("the application hears of refusals and may add fields to answers") {
    sio::server_settings s;
    notes seen;
    s.engine.on_connection_error = [&](mad::engine::connection_error const& e) {
        seen.add(std::to_string(e.code) + " " + std::string(e.message) + " " + e.query.transport +
                 (e.request ? " " + std::string(e.request->method) : ""));
    };
    s.engine.allow_request = [](mad::engine::handshake_info const& h) {
        auto const why = h.query().get("refuse");
        return why ? std::optional(*why == "-" ? std::string() : *why) : std::nullopt;
    };
    s.engine.on_initial_headers = [](mad::net::http::response& a, auto const&) {
        a.set("X-First", "1");
    };
    s.engine.on_headers = [](mad::net::http::response& a, mad::net::http::request const& r) {
        a.set("X-All", std::string(r.method) + "\r\nX-Evil: 1");
    };
    io_world w({}, s);
    auto const path = [](std::string const& rest) { return "/socket.io/?EIO=4" + rest; };
    auto const opened = get(w.port, path("&transport=polling"));
    CHECK(opened.header("x-first") == "1");
    CHECK(opened.header("x-all").starts_with("GET"));
    CHECK(opened.header("x-evil").empty());
    auto const sid = opened.body.substr(9, 20);
    auto const posted =
        get(w.port, path("&transport=polling&sid=" + sid), "Content-Length: 0\r\n", "POST");
    CHECK(posted.header("x-first").empty());
    CHECK(posted.header("x-all").starts_with("POST"));

    CHECK(get(w.port, path("&transport=nope")).status == 400);
    CHECK(get(w.port, path("&transport=polling&sid=unknown")).status == 400);
    CHECK(get(w.port, path("&transport=polling&refuse=go+away")).body ==
          R"({"code":4,"message":"go away"})");
    CHECK(get(w.port, path("&transport=polling&refuse=-")).body ==
          R"({"code":4,"message":"Forbidden"})");
    CHECK(get(w.port, "/socket.io/?EIO=9&transport=polling").status == 400);
    CHECK(get(w.port, path("&transport=polling"), "Content-Length: 0\r\n", "POST").status == 400);
    CHECK(seen.all() == strings{"0 Transport unknown nope GET", "1 Session ID unknown polling GET",
                                "4 go away polling GET", "4 Forbidden polling GET",
                                "5 Unsupported protocol version polling GET",
                                "2 Bad handshake method polling POST"});
}

TEST_CASE("a request that another shard refuses is told of as well") {
    sio::server_settings s;
    notes seen;
    s.engine.on_connection_error = [&](mad::engine::connection_error const& e) {
        seen.add(std::to_string(e.code));
    };
    io_world w({}, s, 2);
    for (std::uint8_t shard = 0; shard < 2; ++shard)
        for (int i = 0; i < 2; ++i) {
            auto const sid = mad::session_id::make(shard, 0);
            CHECK(get(w.port, "/socket.io/?EIO=4&transport=polling&sid=" + sid).status == 400);
        }
    CHECK(seen.all() == strings{"1", "1", "1", "1"});
}
