#include "proxy_world.hpp"

using namespace mad_test;

namespace {

void quick(proxy::settings& s) {
    s.drain.grace = 10ms;
    s.drain.over = 100ms;
    s.timeouts.half_closed = 200ms;
}

bool is_1012(std::optional<ws_frame> const& f) {
    return f && f->is_close() && f->payload.substr(0, 2) == std::string("\x03\xf4", 2);
}

} // namespace

TEST_CASE("a proxy that drains ends each thing in its own way") {
    raw_node node;
    proxy_world w({node.url()}, quick);
    SECTION("an idle connection") {
        auto c = w.client();
        CHECK(c.ask(get("/health")).status == 200);
        w.server().drain();
        CHECK(c.at_end());
    }
    SECTION("an answer that is awaited") {
        auto c = w.client();
        c.send(post(poll_path + "&sid=x", "4x"));
        auto n = node.accept();
        n.take_until("4x");
        w.server().drain();
        n.send(ok("done"));
        auto const a = c.answer();
        CHECK(a.body == "done");
        CHECK(a.header("connection") == "close");
        CHECK(c.at_end());
    }
    SECTION("a poll") {
        auto c = w.client();
        c.send(get(poll_path + "&sid=x"));
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        w.server().drain();
        auto const a = c.answer();
        CHECK(a.status == 200);
        CHECK(a.body == "1");
        CHECK(n.at_end());
    }
    SECTION("a poll of revision 3") {
        auto c = w.client();
        c.send(get("/socket.io/?EIO=3&transport=polling&sid=x"));
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        w.server().drain();
        CHECK(c.answer().body == "1:1");
    }
    SECTION("a poll by script") {
        auto const [query, script] = GENERATE(table<char const*, char const*>(
            {{"EIO=3&j=12", "___eio[12](\"1:1\");"}, {"EIO=4&j=%30x;&j=7", "___eio[0](\"1\");"}}));
        auto c = w.client();
        c.send(get(std::string("/socket.io/?transport=polling&sid=x&") + query));
        auto n = node.accept();
        n.take_until("\r\n\r\n");
        w.server().drain();
        auto const a = c.answer();
        CHECK(a.status == 200);
        CHECK(a.body == script);
        CHECK(a.header("content-type") == "text/javascript; charset=UTF-8");
        CHECK(a.header("x-content-type-options") == "nosniff");
    }
    SECTION("a tunnel") {
        raw_tunnel t(w.port, node);
        w.server().drain();
        CHECK(is_1012(t.client.next()));
        t.client.bye();
        CHECK(t.node_end.take(client_frame(8, {}).size()) == client_frame(8, {}));
        t.client.wire.close();
        CHECK(t.node_end.read_to_end().empty());
    }
    CHECK(w.await_connections(0));
}

TEST_CASE("the close of a tunnel that is shed stands between two frames") {
    raw_node node;
    proxy_world w({node.url()}, [](proxy::settings& s) {
        quick(s);
        s.timeouts.half_closed = 2s;
    });
    raw_tunnel t(w.port, node);
    auto const frame = server_frame(1, std::string(70'000, 'x'));
    t.node_end.send(frame.substr(0, 30'000));
    REQUIRE(
        t.client.wire.read_until([](std::string const& s) { return s.size() >= 30'000; }).size() ==
        30'000);
    w.server().drain();
    REQUIRE(w.await([](auto const& s) { return s.shed == 1; }));
    t.node_end.send(frame.substr(30'000) + server_frame(1, "too late"));
    auto const last = t.client.next();
    REQUIRE(last);
    CHECK(last->payload.size() == 70'000);
    CHECK(is_1012(t.client.next()));
}

TEST_CASE("an upstream that drains gives its sessions away and takes no new ones") {
    raw_node one, two;
    proxy_world w({"one=" + one.url(), "two=" + two.url()}, quick, 2);
    std::vector<std::unique_ptr<ws_peer>> clients;
    std::vector<raw_client> ends;
    std::size_t on_one = 0;
    for (int i = 0; i < 12; ++i) {
        raw_client c(w.port, {.from = "127.0.0." + std::to_string(i + 2)});
        clients.push_back(
            std::make_unique<ws_peer>(std::move(c), "/socket.io/?EIO=4&transport=websocket"));
        raw_node* which = nullptr;
        REQUIRE(wait_until([&] {
            which = !one.nobody_waits() ? &one : !two.nobody_waits() ? &two : nullptr;
            return which != nullptr;
        }));
        auto n = which->accept();
        n.take_until("\r\n\r\n");
        n.send(switching);
        REQUIRE(clients.back()->accepted().status == 101);
        on_one += which == &one ? 1u : 0u;
        ends.push_back(std::move(n));
    }
    REQUIRE(on_one > 0);
    REQUIRE(on_one < 12);
    REQUIRE(w.server().pool().drain("one"));
    REQUIRE(w.await([&](auto const& s) { return s.shed == on_one; }));
    CHECK(w.await([&](auto const& s) { return s.tunnels == 12 - on_one; }));
    auto c = w.client();
    c.send(get(poll_path));
    auto n = two.accept();
    n.take_until("\r\n\r\n");
    n.send(ok(open_packet("new")));
    CHECK(c.answer().status == 200);
}

TEST_CASE("connections and tunnels go on in another server") {
    struct keeper final : proxy::heir {
        void take(proxy::passed_client c) override {
            std::lock_guard const lock(mutex);
            clients.push_back(std::move(c));
        }
        void take(proxy::passed_tunnel t) override {
            std::lock_guard const lock(mutex);
            tunnels.push_back(std::move(t));
        }
        std::mutex mutex;
        std::vector<proxy::passed_client> clients;
        std::vector<proxy::passed_tunnel> tunnels;
    };
    raw_node node;
    proxy_world before({"n=" + node.url()}), after({"n=" + node.url()});
    auto idle = before.client(), half = before.client(), busy = before.client();
    CHECK(idle.ask(get("/health")).status == 200);
    half.send(get("/health").substr(0, 10));
    raw_tunnel t(before.port, node);
    t.node_end.send(server_frame(1, "whole") + std::string("\x81", 1));
    CHECK(t.client.next_text() == "whole");
    CHECK(t.client.wire.take(1) == "\x81");
    busy.send(get(poll_path));
    auto n = node.accept();
    n.take_until("\r\n\r\n");

    auto const heir = std::make_shared<keeper>();
    auto const sockets = before.server().listeners();
    before.server().release_to(heir);
    auto const have = [&](std::size_t c, std::size_t tunnels) {
        return wait_until([&] {
            std::lock_guard const lock(heir->mutex);
            return heir->clients.size() == c && heir->tunnels.size() == tunnels;
        });
    };
    REQUIRE(have(2, 1));
    busy.send(get("/health") + get("/health") + get("/health").substr(0, 10));
    n.send(ok("done"));
    CHECK(busy.answer().body == "done");
    REQUIRE(have(3, 1));
    CHECK(before.await_connections(0));
    for (auto& c : heir->clients)
        after.server().adopt(std::move(c));
    for (auto& one : heir->tunnels) {
        CHECK(one.upstream == "n");
        CHECK(!one.frames.at_boundary());
        after.server().adopt(std::move(one));
    }
    CHECK(idle.ask(get("/health")).status == 200);
    CHECK(half.ask(get("/health").substr(10)).status == 200);
    CHECK(busy.answer().status == 200); // what was pipelined behind the poll
    CHECK(busy.answer().status == 200);
    CHECK(busy.ask(get("/health").substr(10)).status == 200);
    t.node_end.send(std::string("\x02hi", 3));
    CHECK(t.client.wire.take(3) == "\x02hi");
    t.client.text("back");
    CHECK(t.node_end.take(client_frame(1, "back").size()) == client_frame(1, "back"));
    CHECK(after.await_connections(4));

    // The listening socket goes on as well, with whoever waits in its queue.
    REQUIRE(sockets.size() == 1);
    raw_client waits(before.port);
    REQUIRE(after.server().adopt(sockets));
    CHECK(waits.ask(get("/health")).status == 200);
}

TEST_CASE("connections that another process has let in are not refused for coming at once") {
    raw_node node;
    proxy_world w({node.url()}, [](proxy::settings& s) {
        s.addresses.max_rate = 0.001;
        s.addresses.burst = 1;
    });
    for (int i = 0; i < 3; ++i) {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        proxy::passed_client p;
        p.fd = ends[0];
        p.peer = p.counted = boost::asio::ip::make_address("192.0.2.1");
        w.server().adopt(std::move(p));
        CHECK(raw_client::over(ends[1]).ask(get("/health")).status == 200);
    }
}

TEST_CASE("a poll that is shed before all of its request has come ends its connection") {
    raw_node node;
    proxy_world w({"n=" + node.url()}, quick);
    auto c = w.client();
    c.send(get(poll_path));
    auto n = node.accept();
    n.take_until("\r\n\r\n");
    n.send(ok(open_packet("one")));
    CHECK(c.answer().status == 200);
    c.send(get(poll_path + "&sid=one", "Content-Length: 100\r\n"));
    n.take_until("\r\n\r\n");
    REQUIRE(w.server().pool().drain("n"));
    auto const a = c.answer();
    CHECK(a.body == "1");
    CHECK(a.header("connection") == "close");
}

TEST_CASE("a reload changes limits and keeps sessions") {
    raw_node node;
    proxy_world w({node.url()});
    raw_tunnel t(w.port, node);
    proxy::settings s;
    s.max_body_bytes = 10;
    REQUIRE(w.server().reload(s));
    auto c = w.client();
    CHECK(c.ask(post(poll_path + "&sid=x", "01234567890")).status == 413);
    t.client.text("still here");
    CHECK(t.node_end.take(client_frame(1, "still here").size()) == client_frame(1, "still here"));
    s.engine_path = "no-slash";
    CHECK(!w.server().reload(s));
}

TEST_CASE("a reload changes the limits of addresses") {
    raw_node node;
    proxy::settings s;
    s.accept_proxy_protocol = true;
    s.addresses = {1, 0, 0};
    proxy_world w({}, [&](proxy::settings& all) {
        all.accept_proxy_protocol = true;
        all.addresses = s.addresses;
    });
    auto const enter = [&](std::vector<raw_client>& all) {
        all.push_back(w.client());
        return all.back()
            .ask("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n" + get("/health"))
            .status;
    };
    std::vector<raw_client> all;
    CHECK(enter(all) == 200);
    CHECK(enter(all) == 429);
    s.addresses.max_connections = 2;
    REQUIRE(w.server().reload(s));
    CHECK(enter(all) == 200);
    CHECK(enter(all) == 429);
    s.addresses = {0, 0, 0};
    REQUIRE(w.server().reload(s));
    CHECK(enter(all) == 200);
}
