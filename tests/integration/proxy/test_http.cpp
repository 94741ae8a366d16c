#include "proxy_world.hpp"

using namespace mad_test;

TEST_CASE("a request reaches the node written anew, and its answer the client") {
    raw_node node;
    proxy_world w({node.url()});
    auto c = w.client();
    c.send(get("/socket.io/?EIO=4&transport=polling&t=1", "X-Forwarded-For: 6.6.6.6\r\n"
                                                          "Connection: keep-alive, x-secret\r\n"
                                                          "X-Secret: 1\r\nAccept: */*\r\n"));
    auto n = node.accept();
    auto const head = n.take_until("\r\n\r\n");
    CHECK(head.starts_with("GET /socket.io/?EIO=4&transport=polling&t=1 HTTP/1.1\r\n"));
    CHECK(head.find("Host: a.example\r\n") != head.npos);
    CHECK(head.find("Accept: */*\r\n") != head.npos);
    CHECK(head.find("ecret") == head.npos);
    n.send(ok(open_packet("abc"), "X-Powered-By: node\r\nKeep-Alive: timeout=5\r\n"));
    auto const a = c.answer();
    CHECK(a.status == 200);
    CHECK(a.body == open_packet("abc"));
    CHECK(a.header("keep-alive").empty());
    CHECK(a.header("set-cookie").starts_with("mad_node="));
    CHECK(a.header("set-cookie").find("; Path=/socket.io/; HttpOnly; SameSite=Lax") !=
          std::string::npos);
}

TEST_CASE("a token goes to the node as it came, and into no log") {
    raw_node node;
    proxy_world w({node.url()});
    auto c = w.client();
    c.send(get(poll_path, "authorization: bearer s3cret\r\nX-Forwarded-User: ann\r\n"));
    auto n = node.accept();
    auto const head = n.take_until("\r\n\r\n");
    CHECK(head.find("uthorization: bearer s3cret\r\n") != head.npos);
    CHECK(head.find("X-Forwarded-User: ann\r\n") != head.npos);
    n.send(ok(open_packet("abc")));
    CHECK(c.answer().status == 200);
    CHECK_FALSE(w.log().has("s3cret"));
}

TEST_CASE("the connection to a node serves one request after the other") {
    raw_node node;
    proxy_world w({node.url()});
    auto c = w.client();
    c.send(get(poll_path));
    auto n = node.accept();
    for (int i = 0; i < 3; ++i) {
        n.take_until("\r\n\r\n");
        n.send(ok(std::to_string(i)));
        CHECK(c.answer().body == std::to_string(i));
        if (i < 2)
            c.send(get(poll_path));
    }
    CHECK(node.accepted() == 1);
    CHECK(w.server().count().reused == 2);
    SECTION("also of another client") {
        auto other = w.client();
        other.send(get(poll_path));
        n.take_until("\r\n\r\n");
        n.send(ok("other"));
        CHECK(other.answer().body == "other");
    }
}

TEST_CASE("pipelined requests are answered in order, one at a time") {
    raw_node node;
    proxy_world w({node.url()});
    auto c = w.client();
    c.send(get(poll_path + "&t=1") + get("/health") + post(poll_path + "&sid=x", "body") +
           get(poll_path + "&t=3"));
    auto n = node.accept();
    CHECK(n.take_until("\r\n\r\n").find("t=1 ") != std::string::npos);
    CHECK(n.silent_for(30ms));
    n.send(ok("one"));
    CHECK(c.answer().body == "one");
    CHECK(c.answer().body == R"({"status":"ok"})");
    auto const second = n.take_until("\r\n\r\n");
    CHECK(second.starts_with("POST "));
    CHECK(n.take(4) == "body");
    n.send(ok("two"));
    CHECK(c.answer().body == "two");
    CHECK(n.take_until("\r\n\r\n").find("t=3 ") != std::string::npos);
    n.send(ok("three"));
    CHECK(c.answer().body == "three");
}

TEST_CASE("bodies pass in any framing and any pieces") {
    raw_node node;
    proxy_world w({node.url()});
    auto c = w.client();
    SECTION("a sized request in pieces") {
        c.send("POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: a\r\n"
               "Content-Length: 10\r\n\r\n01234");
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        CHECK(n.take(5) == "01234");
        c.send("56789");
        CHECK(n.take(5) == "56789");
        n.send(ok("ok"));
        CHECK(c.answer().body == "ok");
    }
    SECTION("a chunked request, byte by byte") {
        c.send_slowly("POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: a\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n"
                      "5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\nX-Trailer: no\r\n\r\n",
                      1);
        auto n = node.accept();
        auto const all = n.take_until("0\r\n\r\n");
        CHECK(all.find("Transfer-Encoding: chunked\r\n") != all.npos);
        CHECK(all.find("railer") == all.npos);
        CHECK(all.find("ext") == all.npos);
        n.send(ok("ok"));
        CHECK(c.answer().body == "ok");
    }
    SECTION("a chunked answer") {
        c.send(get(poll_path));
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        n.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        auto const head = c.take_until("\r\n\r\n");
        CHECK(head.find("Transfer-Encoding: chunked\r\n") != head.npos);
        CHECK(c.take(8) == "3\r\nabc\r\n");
        n.send("2\r\nde\r\n0\r\n\r\n");
        CHECK(c.take_until("0\r\n\r\n") == "2\r\nde\r\n0\r\n\r\n");
        c.send(get(poll_path));
        CHECK(n.take_until("\r\n\r\n").starts_with("GET "));
    }
    SECTION("an answer that ends with its connection is chunked for the client") {
        c.send(get(poll_path));
        {
            auto n = node.accept();
            n.take_until("\r\n\r\n");
            n.send("HTTP/1.1 200 OK\r\n\r\nall of it");
        }
        auto const head = c.take_until("\r\n\r\n");
        CHECK(c.take_until("0\r\n\r\n").find("all of it") != std::string::npos);
        c.send(get("/health"));
        CHECK(c.answer().status == 200);
    }
    SECTION("an answer's head in pieces, after an interim one") {
        c.send(get(poll_path));
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        n.send_slowly(
            "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 3);
        CHECK(c.answer().body == "ok");
    }
}

TEST_CASE("an answer waits for a client that is slow, and arrives whole") {
    raw_node node;
    proxy_world w({node.url()});
    raw_client c(w.port, {.receive_buffer = 4096});
    c.send(get(poll_path));
    auto n = node.accept();
    n.take_until("\r\n\r\n");
    std::string const lot(24 * 1024 * 1024, 'x');
    std::thread says([&] {
        n.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(lot.size()) + "\r\n\r\n" +
               lot);
        n.close();
    });
    CHECK(wait_until([&] { return w.server().count().bytes_out > 0; }));
    auto const body = c.answer().body;
    says.join();
    CHECK(body.size() == lot.size());
    CHECK(c.ask(get("/health")).status == 200);
}

TEST_CASE("HEAD has no body, and the next answer is not taken for one") {
    raw_node node;
    proxy_world w({node.url()}, [&](proxy::settings& s) {
        s.web = proxy::parse_upstream("web=" + node.url()).value();
    });
    auto c = w.client();
    c.send("HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n");
    auto n = node.accept();
    CHECK(n.take_until("\r\n\r\n").starts_with("HEAD /page "));
    n.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    auto const a = c.answer(true);
    CHECK(a.header("content-length") == "1000");
    c.send(get("/page"));
    n.take_until("\r\n\r\n");
    n.send(ok("page"));
    CHECK(c.answer().body == "page");
}

TEST_CASE("Expect: 100-continue is answered here") {
    raw_node node;
    proxy_world w({node.url()});
    auto c = w.client();
    c.send("POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: a\r\n"
           "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    CHECK(c.take_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    c.send("body");
    auto n = node.accept();
    CHECK(n.take_until("\r\n\r\n").find("Expect") == std::string::npos);
    CHECK(n.take(4) == "body");
    n.send(ok("ok"));
    CHECK(c.answer().body == "ok");
}

TEST_CASE("paths have their places") {
    raw_node node, web;
    proxy_world w({node.url()}, [&](proxy::settings& s) {
        s.web = proxy::parse_upstream("web=" + web.url()).value();
    });
    auto c = w.client();
    c.send(get("/index.html"));
    auto n = web.accept();
    CHECK(n.take_until("\r\n\r\n").starts_with("GET /index.html "));
    n.send(ok("page"));
    CHECK(c.answer().body == "page");
    c.send(get("/api/clients"));
    auto a = node.accept();
    CHECK(a.take_until("\r\n\r\n").starts_with("GET /api/clients "));
    a.send(ok("[]"));
    CHECK(c.answer().body == "[]");
    CHECK(c.ask(get("/metrics")).status == 404);
    CHECK(c.ask(get("/health")).body == R"({"status":"ok"})");
}

TEST_CASE("without a web node other paths are not found") {
    raw_node node;
    proxy_world w({node.url()});
    auto c = w.client();
    CHECK(c.ask(get("/index.html")).status == 404);
    CHECK(c.ask(post("/form", "a=1")).status == 404);
    CHECK(c.ask(get("/health")).status == 200);
}

TEST_CASE("a websocket is a tunnel after the node's 101, no sooner") {
    raw_node node;
    proxy_world w({node.url()});
    ws_peer c(w.port, "/socket.io/?EIO=4&transport=websocket");
    c.text("too early");
    auto n = node.accept();
    auto const head = n.take_until("\r\n\r\n");
    CHECK(head.find("Upgrade: websocket\r\n") != head.npos);
    CHECK(n.silent_for(30ms));
    n.send(switching + server_frame(1, open_packet("abc")));
    CHECK(c.accepted().status == 101);
    CHECK(c.accepted().header("set-cookie").starts_with("mad_node="));
    CHECK(c.next_text() == open_packet("abc"));
    CHECK(n.take(client_frame(1, "too early").size()) == client_frame(1, "too early"));
    for (auto const size : {1u, 125u, 126u, 65'536u, 1'000'000u}) {
        std::string const text(size, 'x');
        std::thread sends([&] { n.send(server_frame(1, text)); });
        CHECK(c.next_text() == text);
        sends.join();
        std::thread says([&] { c.text(text); });
        CHECK(n.take(client_frame(1, text).size()) == client_frame(1, text));
        says.join();
    }
    CHECK(w.server().count().tunnels == 1);
    CHECK(w.server().count().clients == 0);
}

TEST_CASE("a websocket beside the engine path is a tunnel, and no session") {
    struct row {
        std::string path;
        std::uint64_t handshakes;
    };
    auto const r = GENERATE(row{"/socket.io/?EIO=4&transport=websocket", 1}, row{"/api/live", 0},
                            row{"/live", 0});
    raw_node node, web;
    proxy_world w({node.url()}, [&](proxy::settings& s) {
        s.web = proxy::parse_upstream("web=" + web.url()).value();
    });
    ws_peer client(w.port, r.path);
    auto n = (r.path == "/live" ? web : node).accept();
    n.take_until("\r\n\r\n");
    n.send(switching);
    CHECK(client.accepted().status == 101);
    CHECK(w.server().count().upgrades == 1);
    CHECK(w.server().count().handshakes == r.handshakes);
}

TEST_CASE("times to the first byte are counted by what was asked for") {
    raw_node node;
    proxy_world w({node.url()});
    auto c = w.client();
    auto const asked = [&](std::string const& request, std::string const& body) {
        c.send(request);
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        n.send(ok(body, "Connection: close\r\n"));
        CHECK(c.answer().body == body);
    };
    auto const counted = [&](proxy::answer_kind kind) {
        auto const seen = w.server().count(); // outlives the loop over a part of it
        std::uint64_t all = 0;
        for (auto const n : seen.first_byte[static_cast<std::size_t>(kind)].buckets)
            all += n;
        return all;
    };
    asked(get(poll_path), open_packet("abc"));
    asked(get(poll_path + "&sid=abc"), "6");
    asked(get(poll_path + "&sid=abc"), "6");
    asked(post(poll_path + "&sid=abc", "4hello"), "ok");
    asked(get("/api/clients"), "[]");
    asked(get("/api/clients"), "[]");
    CHECK(counted(proxy::answer_kind::handshake) == 1);
    CHECK(counted(proxy::answer_kind::poll) == 2);
    CHECK(counted(proxy::answer_kind::request) == 3);
}

TEST_CASE("an upgrade that a node declines is an ordinary answer") {
    raw_node node;
    proxy_world w({node.url()});
    ws_peer c(w.port, "/socket.io/?EIO=4&transport=websocket");
    auto n = node.accept();
    n.take_until("\r\n\r\n");
    SECTION("with a status") {
        n.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        CHECK(c.accepted().status == 403);
        CHECK(c.accepted().body == "no");
    }
    SECTION("with the wrong key") {
        n.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
        CHECK(c.accepted().status == 502);
    }
    CHECK(w.server().count().tunnels == 0);
}
