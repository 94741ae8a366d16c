#include "proxy_world.hpp"

#include <future>

using namespace mad_test;

namespace {

void short_times(proxy::settings& s) {
    s.health.interval = 50ms;
    s.health.timeout = 500ms;
}

} // namespace

TEST_CASE("a node that ends before its answer began is a 502, or another node's turn") {
    raw_node node;
    proxy_world w({node.url()});
    auto c = w.client();
    SECTION("a request of a session is not sent again") {
        c.send(post(poll_path + "&sid=x", "body"));
        node.accept().take_until("body");
        auto const a = c.answer();
        CHECK(a.status == 502);
        CHECK(a.header("content-type") == "application/json");
        CHECK(node.accepted() == 1);
    }
    SECTION("and the connection of the client goes on") {
        c.send(get(poll_path + "&sid=x"));
        node.accept().take_until("\r\n\r\n");
        CHECK(c.answer().status == 502);
        CHECK(c.ask(get("/health")).status == 200);
    }
    SECTION("in the middle of an answer the connection ends") {
        c.send(get(poll_path + "&sid=x"));
        {
            auto n = node.accept();
            n.take_until("\r\n\r\n");
            n.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
            CHECK(c.take_until("half").starts_with("HTTP/1.1 200"));
        }
        CHECK(c.at_end());
    }
    SECTION("what is no answer is a 502") {
        c.send(get(poll_path + "&sid=x"));
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        n.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n");
        CHECK(c.answer().status == 502);
        CHECK(n.at_end());
    }
}

TEST_CASE("a handshake goes on to another node, at most twice") {
    raw_node a, b, c;
    proxy_world w({a.url(), b.url(), c.url()});
    auto client = w.client();
    client.send(get(poll_path));
    std::vector<raw_node*> seen;
    auto const next = [&]() -> raw_node& {
        raw_node* which = nullptr;
        REQUIRE(wait_until([&] {
            for (auto* const n : {&a, &b, &c})
                if (!n->nobody_waits())
                    which = n;
            return which != nullptr;
        }));
        CHECK(std::find(seen.begin(), seen.end(), which) == seen.end());
        seen.push_back(which);
        return *which;
    };
    next().accept().take_until("\r\n\r\n");
    next().accept().take_until("\r\n\r\n");
    SECTION("the third answers") {
        auto n = next().accept();
        n.take_until("\r\n\r\n");
        n.send(ok(open_packet("third")));
        CHECK(client.answer().body == open_packet("third"));
    }
    SECTION("the third fails as well") {
        next().accept().take_until("\r\n\r\n");
        CHECK(client.answer().status == 502);
    }
    CHECK(w.server().count().retries == 2);
}

TEST_CASE("a node that nobody can connect to costs no handshake") {
    raw_node alive;
    auto dead = std::make_unique<raw_node>();
    proxy_world w({alive.url(), dead->url()}, [](proxy::settings& s) { s.health.interval = 60s; });
    dead->stop();
    for (int i = 0; i < 8; ++i) {
        raw_client c(w.port, {.from = "127.0.0." + std::to_string(i + 2)});
        c.send(get(poll_path));
        auto n = alive.accept();
        n.take_until("\r\n\r\n");
        n.send(ok(open_packet("s"), "Connection: close\r\n"));
        CHECK(c.answer().status == 200);
    }
    CHECK(w.rejected(proxy::reject::no_upstream) == 0);
}

TEST_CASE("without any node there is a 503 that says when to come again") {
    proxy_world w({});
    auto c = w.client();
    auto const a = c.ask(get(poll_path));
    CHECK(a.status == 503);
    CHECK(a.header("retry-after") == "2");
    CHECK(a.header("content-type") == "application/json");
}

TEST_CASE("a node that dies takes its tunnels and polls with it at once") {
    raw_node one, two;
    proxy_world w({one.url(), two.url()}, short_times);
    // Of one address and within the same load: both come to the same node.
    ws_peer tunnel(w.port, "/socket.io/?EIO=4&transport=websocket");
    raw_node* which = nullptr;
    REQUIRE(wait_until([&] {
        which = !one.nobody_waits() ? &one : !two.nobody_waits() ? &two : nullptr;
        return which != nullptr;
    }));
    auto t = which->accept();
    t.take_until("\r\n\r\n");
    t.send(switching);
    REQUIRE(tunnel.accepted().status == 101);
    auto const cookie = tunnel.accepted().header("set-cookie");
    auto c = w.client();
    c.send(get(poll_path, "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\n"));
    auto n = which->accept();
    n.take_until("\r\n\r\n");
    n.send(ok(open_packet("polls")));
    CHECK(c.answer().status == 200);
    c.send(get(poll_path + "&sid=polls"));
    n.take_until("\r\n\r\n");
    which->healthy = false; // its connections stay, as those of a stopped process do
    auto const bye = tunnel.next();
    CHECK((!bye || bye->is_close()));
    auto const a = c.answer();
    CHECK(a.status == 400);
    CHECK(a.body == R"({"code":1,"message":"Session ID unknown"})");
    CHECK(w.await([](auto const& s) { return s.tunnels == 0; }));
}

TEST_CASE("a poll of a client that goes takes the node's connection with it") {
    raw_node node;
    proxy_world w({node.url()});
    auto c = std::make_unique<raw_client>(w.port);
    c->send(get(poll_path + "&sid=x"));
    auto n = node.accept();
    n.take_until("\r\n\r\n");
    SECTION("in order") {
        c->close();
    }
    SECTION("without a word") {
        c->reset();
    }
    SECTION("half") {
        c->half_close();
    }
    CHECK(n.read_to_end().empty());
    CHECK(w.await_connections(0));
    CHECK(w.await([](auto const& s) { return s.upstream_busy == 0 && s.upstream_idle == 0; }));
}

TEST_CASE("a connection that was kept and has ended is not used again") {
    raw_node node;
    proxy_world w({node.url()});
    auto c = w.client();
    {
        c.send(get(poll_path));
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        n.send(ok("one"));
        CHECK(c.answer().body == "one");
        CHECK(w.await([](auto const& s) { return s.upstream_idle == 1; }));
    }
    CHECK(w.await([](auto const& s) { return s.upstream_idle == 0; }));
    c.send(get(poll_path + "&sid=x"));
    auto n = node.accept();
    n.take_until("\r\n\r\n");
    n.send(ok("two"));
    CHECK(c.answer().body == "two");
    SECTION("nor one that speaks unasked") {
        n.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
        CHECK(n.at_end());
        c.send(get(poll_path + "&sid=x"));
        auto m = node.accept();
        m.take_until("\r\n\r\n");
        m.send(ok("three"));
        CHECK(c.answer().body == "three");
    }
}

TEST_CASE("either end of a tunnel may end it") {
    raw_node node;
    proxy_world w({node.url()});
    raw_tunnel t(w.port, node);
    SECTION("the client, in order") {
        t.client.wire.half_close();
        CHECK(t.node_end.read_to_end().empty());
        t.node_end.send("last words");
        t.node_end.close();
        CHECK(t.client.wire.read_to_end() == "last words");
    }
    SECTION("the client, without a word") {
        t.client.wire.reset();
        t.node_end.read_to_end();
    }
    SECTION("the node, in order") {
        t.node_end.send(server_frame(1, "bye"));
        t.node_end.close();
        CHECK(t.client.wire.read_to_end() == server_frame(1, "bye"));
        t.client.wire.close();
    }
    SECTION("the node, without a word") {
        t.node_end.reset();
        t.client.wire.read_to_end();
    }
    SECTION("either, right behind more than is read in one go") {
        // Nothing comes afterwards that would make anybody look again.
        auto const much = server_frame(1, std::string(3'000'000, 'x'));
        std::thread sends([&] {
            t.node_end.send(much);
            t.node_end.half_close();
        });
        CHECK((t.client.wire.read_to_end() == much));
        sends.join();
        std::thread says([&] {
            t.client.wire.send(much);
            t.client.wire.half_close();
        });
        CHECK((t.node_end.read_to_end() == much));
        says.join();
    }
    CHECK(w.await_connections(0));
    CHECK(w.server().count().tunnels == 0);
}

TEST_CASE("what a node has said before it closed upon half a request is passed on") {
    raw_node node;
    proxy_world w({node.url()});
    auto c = w.client();
    c.send("POST " + poll_path +
           "&sid=x HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\nbeginning");
    auto n = node.accept();
    n.take_until("\r\n\r\n");
    // Something that the node does not read: its close will be a reset.
    auto const before = w.server().count().bytes_in;
    c.send("unread");
    REQUIRE(w.await([&](auto const& counted) { return counted.bytes_in == before + 6; }));
    // The rest happens at once for the proxy, what the client says first.
    std::promise<void> blocked, go;
    w.pool()[0].post([&] {
        blocked.set_value();
        go.get_future().wait();
    });
    blocked.get_future().wait();
    c.send(std::string(10'000, 'x'));
    std::string body, answer = "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n";
    int status = 413;
    SECTION("an answer") {
        body = R"({"code":413})";
        answer += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    SECTION("only half of its head") {
        status = 502;
    }
    SECTION("nothing") {
        answer.clear();
        status = 502;
    }
    n.send(answer);
    n.close();
    go.set_value();
    auto const a = c.answer();
    CHECK(a.status == status);
    if (!body.empty())
        CHECK(a.body == body);
    CHECK(a.header("connection") == "close");
    c.send(std::string(10'000, 'x'));
    CHECK(c.at_end());
    c.close();
    CHECK(w.await_connections(0));
    CHECK(w.await([](auto const& s) { return s.upstream_busy == 0 && s.upstream_idle == 0; }));
}
