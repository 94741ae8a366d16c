#include "proxy_world.hpp"

#include <mad/net/tls_engine.hpp>
#include <mad/net/unix_socket.hpp>
#include <mad/proxy/detail/handover_link.hpp>
#include <mad/proxy/handover.hpp>

#include <support/certificates.hpp>
#include <support/temp_folder.hpp>
#include <support/tls_client.hpp>

#include <future>

using namespace mad_test;

namespace {

using names = std::vector<std::string>;

/// The process that goes on, with threads of its own: made of what another one tells.
struct successor {
    successor(std::string const& path, names const& upstreams, std::string const& web = {})
        : pool(1, log.handle()) {
        heritage = proxy::inheritance::claim(path, log.handle()).value();
        proxy::settings s;
        if (!web.empty())
            s.web = proxy::parse_upstream(web).value();
        for (auto const& u : upstreams)
            s.upstreams.push_back(proxy::parse_upstream(u).value());
        s.log = log.handle();
        s.cookies = proxy::cookie_signer(heritage->cookie_secret());
        server = std::make_unique<proxy::server>(pool.shards(), std::move(s));
        heritage->restore(*server);
        pool.start();
    }
    ~successor() {
        heritage.reset();
        pool.stop();
    }
    void take_over() {
        heritage->commit(*server, pool.shards()).value();
        port = server->adopt(heritage->take_listeners(proxy::handover::listener_use::proxy))
                   .value()
                   .port();
    }

    captured_log log;
    mad::net::io_pool pool;
    std::unique_ptr<proxy::inheritance> heritage;
    std::unique_ptr<proxy::server> server;
    std::uint16_t port = 0;
};

/// A proxy that waits to be taken over from.
struct offering {
    explicit offering(names const& upstreams, std::string const& path,
                      std::function<void(proxy::settings&)> const& change = {})
        : world(upstreams, change) {
        proxy::handover_settings h;
        h.path = path;
        h.log = world.log().handle();
        h.patience = 5s;
        h.given = [this] { given = true; };
        offer = std::make_unique<proxy::handover_offer>(world.server(), h);
        REQUIRE_FALSE(offer->start());
    }
    ~offering() {
        offer.reset();
        world.stop();
    }

    proxy_world world;
    std::atomic<bool> given{false};
    std::unique_ptr<proxy::handover_offer> offer;
};

/// A session that polls: its id as the node gave it.
void open_session(raw_client& client, raw_node& node, std::string const& sid) {
    client.send(get(poll_path));
    auto at_node = node.accept();
    at_node.take_until("\r\n\r\n");
    at_node.send(ok(open_packet(sid)));
    REQUIRE(client.answer().status == 200);
}

} // namespace

TEST_CASE("tunnels, sessions and idle connections go on in the next process") {
    temp_folder folder;
    raw_node one, two;
    names const upstreams{"one=" + one.url(), "two=" + two.url()};
    offering old(upstreams, folder.file("handover"));

    // With both nodes there is one that each session lives on.
    auto polling = old.world.client(), idle = old.world.client();
    polling.send(get(poll_path));
    raw_node* home = nullptr;
    REQUIRE(wait_until([&] {
        home = !one.nobody_waits() ? &one : !two.nobody_waits() ? &two : nullptr;
        return home != nullptr;
    }));
    auto at_node = home->accept();
    at_node.take_until("\r\n\r\n");
    at_node.send(ok(open_packet("the-session"), "Connection: close\r\n"));
    REQUIRE(polling.answer().status == 200);
    CHECK(idle.ask(get("/health")).status == 200);

    ws_peer client(old.world.port, "/socket.io/?EIO=4&transport=websocket&sid=the-session");
    auto node_end = home->accept();
    node_end.take_until("\r\n\r\n");
    auto const frame = server_frame(1, "2");
    node_end.send(switching + frame.substr(0, 2)); // half a frame is under way
    REQUIRE(client.accepted().status == 101);
    client.wire.take(2);

    successor next(folder.file("handover"), upstreams);
    CHECK_FALSE(old.given);
    next.take_over();
    CHECK(wait_until([&] { return old.given.load(); }));
    CHECK(next.port == old.world.port);
    CHECK(old.world.await_connections(0));
    CHECK(wait_until([&] { return next.server->connections() == 3; }));
    old.offer.reset();
    CHECK(wait_until([&] { return next.heritage->done(); }));

    // The tunnel, in the middle of its frame.
    node_end.send(frame.substr(2));
    CHECK(client.wire.take(1) == "2");
    client.wire.send(client_frame(1, "3"));
    CHECK(node_end.take(client_frame(1, "3").size()) == client_frame(1, "3"));

    // The session, over its old connection and over a new one.
    CHECK(idle.ask(get("/health")).status == 200);
    for (int i = 0; i < 2; ++i) {
        auto fresh = raw_client(next.port);
        auto& asks = i == 0 ? polling : fresh;
        asks.send(get(poll_path + "&sid=the-session"));
        auto again = home->accept();
        CHECK(again.take_until("\r\n\r\n").find("sid=the-session") != std::string::npos);
        again.send(ok("6", "Connection: close\r\n"));
        CHECK(asks.answer().body == "6");
    }
    CHECK(next.server->count().session_gone == 0);
}

TEST_CASE("what was under way in the old process ends there, then goes over") {
    temp_folder folder;
    raw_node node;
    names const upstreams{"one=" + node.url()};
    offering old(upstreams, folder.file("handover"));
    auto client = old.world.client();
    client.send(get(poll_path));
    auto at_node = node.accept();
    at_node.take_until("\r\n\r\n");

    successor next(folder.file("handover"), upstreams);
    next.take_over();
    CHECK(wait_until([&] { return old.given.load(); }));
    CHECK(old.world.server().connections() == 1);
    at_node.send(ok(open_packet("late")));
    CHECK(client.answer().status == 200);
    // What the old one has learnt last is known in the new one before the client can use it.
    CHECK(old.world.await_connections(0));
    CHECK(wait_until([&] {
        return next.server->sids().find("late", std::chrono::steady_clock::now()).has_value();
    }));
    client.send(get(poll_path + "&sid=late"));
    auto again = node.accept();
    again.take_until("\r\n\r\n");
    again.send(ok("6", "Connection: close\r\n"));
    CHECK(client.answer().body == "6");
}

TEST_CASE("what was taken over may end while the process before still has its descriptors open") {
    raw_node node;
    proxy_world w({node.url()});
    struct pair {
        pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0); }
        int fds[2];
    };
    pair client, tunnel_client, tunnel_upstream;
    std::vector<int> kept; // by the process before
    for (auto const* const p : {&client, &tunnel_client, &tunnel_upstream})
        kept.push_back(::dup(p->fds[1]));
    proxy::passed_client c;
    c.fd = client.fds[1];
    w.server().adopt(std::move(c));
    proxy::passed_tunnel t;
    t.client_fd = tunnel_client.fds[1];
    t.upstream_fd = tunnel_upstream.fds[1];
    t.upstream = w.server().pool().status().at(0).at->to.name;
    w.server().adopt(std::move(t));
    REQUIRE(w.await_connections(2));
    for (auto const* const p : {&client, &tunnel_client, &tunnel_upstream})
        ::close(p->fds[0]);
    REQUIRE(w.await_connections(0));
    // Its shard looks at what is ready, again and again, and finds nothing of them.
    for (int i = 0; i < 20; ++i) {
        auto later = w.client();
        later.send(get("/health"));
        CHECK(later.answer().status == 200);
    }
    for (int const fd : kept)
        ::close(fd);
}

TEST_CASE("cookies of the process before are taken by the next one") {
    temp_folder folder;
    raw_node node;
    offering old({"one=" + node.url()}, folder.file("handover"));
    successor next(folder.file("handover"), {"one=" + node.url()});
    auto const cookie_of = [](proxy::server& s) { return s.pool().view()->by_name("one")->cookie; };
    CHECK(cookie_of(*next.server) == cookie_of(old.world.server()));
}

TEST_CASE("states of upstreams are known to the next process") {
    temp_folder folder;
    raw_node one, two;
    names const upstreams{"one=" + one.url(), "two=" + two.url()};
    offering old(upstreams, folder.file("handover"));
    REQUIRE(old.world.await_up(2));
    old.world.server().pool().drain("two").value();
    REQUIRE(wait_until([&] {
        return old.world.server().pool().view()->by_name("two")->state ==
               proxy::upstream_state::drained;
    }));
    successor next(folder.file("handover"), upstreams);
    auto const view = next.server->pool().view();
    CHECK(view->by_name("one")->state == proxy::upstream_state::up);
    CHECK_FALSE(view->by_name("two")->takes());
    CHECK(view->by_name("two")->serves);
}

TEST_CASE("a hand-over that fails leaves the old process serving, and the next may try again") {
    temp_folder folder;
    raw_node node;
    names const upstreams{"one=" + node.url()};
    offering old(upstreams, folder.file("handover"));
    auto client = old.world.client();
    open_session(client, node, "before");
    auto const serves = [&] {
        return client.ask(get("/health")).status == 200 &&
               old.world.client().ask(get("/health")).status == 200;
    };
    struct row {
        char const* how;
        std::function<void(int)> say;
    };
    auto const path = folder.file("handover");
    auto const packet = [](int fd, std::string const& text) {
        (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    };
    auto const hello = proxy::handover::encode(proxy::handover::hello{});
    std::vector<row> const rows{
        {"goes at once", [](int) {}},
        {"says nonsense", [&](int fd) { packet(fd, "nonsense"); }},
        {"speaks another version",
         [&](int fd) {
             packet(fd, proxy::handover::encode(proxy::handover::hello{99, "x"}));
         }},
        {"goes after its hello", [&](int fd) { packet(fd, hello); }},
        {"says something else than that it is ready",
         [&](int fd) {
             packet(fd, hello);
             packet(fd, proxy::handover::encode(proxy::handover::word::end));
         }},
    };
    for (auto const& r : rows) {
        CAPTURE(r.how);
        int const fd = mad::net::connect_unix(path, mad::net::unix_kind::packets).value();
        r.say(fd);
        ::close(fd);
        CHECK(serves());
    }
    { // one that has heard everything and does not go on
        successor heard(path, upstreams);
        CHECK(serves());
    }
    CHECK_FALSE(old.given);
    successor next(path, upstreams);
    next.take_over();
    CHECK(wait_until([&] { return old.given.load(); }));
    CHECK(client.ask(get("/health")).status == 200);
    CHECK(raw_client(next.port).ask(get("/health")).status == 200);
}

TEST_CASE("a process that speaks another version is told what to do") {
    temp_folder folder;
    raw_node node;
    offering old({"one=" + node.url()}, folder.file("handover"));
    int const fd =
        mad::net::connect_unix(folder.file("handover"), mad::net::unix_kind::packets).value();
    auto const hello = proxy::handover::encode(proxy::handover::hello{99, "x"});
    REQUIRE(::send(fd, hello.data(), hello.size(), MSG_NOSIGNAL) > 0);
    pollfd p{fd, POLLIN, 0};
    REQUIRE(::poll(&p, 1, 20'000) == 1);
    char text[1'000];
    auto const n = ::recv(fd, text, sizeof text, 0);
    ::close(fd);
    auto const m = proxy::handover::decode({text, static_cast<std::size_t>(n)});
    REQUIRE(m);
    CHECK(std::get<proxy::handover::refusal>(*m).why.find("stop it") != std::string::npos);
}

TEST_CASE("nobody to take over from is no failure of the hand-over") {
    temp_folder folder;
    auto const none = proxy::inheritance::claim(folder.file("none"), {});
    REQUIRE(none.has_error());
    CHECK(none.error().nobody());
    { // one that died
        auto l = mad::net::open_unix_listener(folder.file("dead"), mad::net::unix_taken::refuse,
                                              mad::net::unix_kind::packets)
                     .value();
        ::close(l.fd);
        l.file.release();
    }
    auto const dead = proxy::inheritance::claim(folder.file("dead"), {});
    REQUIRE(dead.has_error());
    CHECK(dead.error().nobody());
    { // one that takes the connection and says nothing
        auto const l =
            mad::net::open_unix_listener(folder.file("mute"), mad::net::unix_taken::refuse,
                                         mad::net::unix_kind::packets)
                .value();
        auto const mute = proxy::inheritance::claim(folder.file("mute"), {}, 50ms);
        REQUIRE(mute.has_error());
        CHECK_FALSE(mute.error().nobody());
        ::close(l.fd);
    }
}

TEST_CASE("only one process offers at a path") {
    temp_folder folder;
    raw_node node;
    offering old({"one=" + node.url()}, folder.file("handover"));
    proxy::handover_settings h;
    h.path = folder.file("handover");
    proxy::handover_offer second(old.world.server(), h);
    CHECK(second.start() == boost::system::errc::address_in_use);
}

TEST_CASE("a tunnel to the web upstream goes on in the next process, as one of its") {
    temp_folder folder;
    raw_node node, web;
    names const upstreams{"n=" + node.url()};
    auto const to_web = "n=" + web.url(); // of the same name, in a pool of its own
    offering old(upstreams, folder.file("handover"),
                 [&](proxy::settings& s) { s.web = proxy::parse_upstream(to_web).value(); });
    ws_peer client(old.world.port, "/hot-reload");
    auto node_end = web.accept();
    node_end.take_until("\r\n\r\n");
    node_end.send(switching);
    REQUIRE(client.accepted().status == 101);

    successor next(folder.file("handover"), upstreams, to_web);
    next.take_over();
    CHECK(old.world.await_connections(0));
    CHECK(wait_until([&] { return next.server->connections() == 1; }));
    node_end.send(server_frame(1, "changed"));
    CHECK(client.next_text() == "changed");
    client.text("seen");
    CHECK(node_end.take(client_frame(1, "seen").size()) == client_frame(1, "seen"));
    // It is no session of the upstream that is called the same.
    CHECK(next.server->pool().view()->by_name("n")->count->tunnels == 0);
}

TEST_CASE("tunnels that have not gone over yet are not taken for such as stay") {
    temp_folder folder;
    raw_node node;
    names const upstreams{"one=" + node.url()};
    offering old(upstreams, folder.file("handover"));
    raw_tunnel session(old.world.port, node);
    REQUIRE(session.status == 101);
    std::promise<void> busy, gate;
    old.world.pool()[0].post([&] {
        busy.set_value();
        gate.get_future().wait();
    });
    busy.get_future().wait();

    successor next(folder.file("handover"), upstreams);
    next.take_over();
    bool const given = wait_until([&] { return old.given.load(); });
    auto const tunnels = old.world.server().count().tunnels;
    auto const staying = old.world.server().staying();
    gate.set_value();
    CHECK(given);
    CHECK(tunnels == 1);
    CHECK(staying == 0);
    CHECK(old.world.await_connections(0));
    session.node_end.send(server_frame(1, "2"));
    CHECK(session.client.next_text() == "2");
}

TEST_CASE("a websocket that is no session counts as none, also in the next process") {
    temp_folder folder;
    raw_node node;
    names const upstreams{"n=" + node.url()};
    offering old(upstreams, folder.file("handover"));
    raw_tunnel session(old.world.port, node);
    ws_peer client(old.world.port, "/api/live");
    auto node_end = node.accept();
    node_end.take_until("\r\n\r\n");
    node_end.send(switching);
    REQUIRE(client.accepted().status == 101);
    auto const counts = [](proxy::server& s) {
        auto const c = s.pool().view()->by_name("n")->count;
        return std::pair(c->tunnels.load(), c->other_tunnels.load());
    };
    std::pair<unsigned, unsigned> const one_of_each{2, 1}, none{0, 0};
    CHECK(counts(old.world.server()) == one_of_each);

    successor next(folder.file("handover"), upstreams);
    next.take_over();
    CHECK(old.world.await_connections(0));
    CHECK(counts(old.world.server()) == none);
    CHECK(wait_until([&] { return counts(*next.server) == one_of_each; }));
    node_end.send(server_frame(1, "changed"));
    CHECK(client.next_text() == "changed");
}

TEST_CASE("a process of before gets all that it understands, and the rest goes on here") {
    temp_folder folder;
    raw_node node, web;
    offering old({"n=" + node.url()}, folder.file("handover"), [&](proxy::settings& s) {
        s.web = proxy::parse_upstream("w=" + web.url()).value();
    });
    ws_peer client(old.world.port, "/hot-reload");
    auto web_end = web.accept();
    web_end.take_until("\r\n\r\n");
    web_end.send(switching);
    REQUIRE(client.accepted().status == 101);
    raw_tunnel session(old.world.port, node);
    REQUIRE(session.status == 101);

    proxy::detail::handover_wire wire(
        mad::net::connect_unix(folder.file("handover"), mad::net::unix_kind::packets).value());
    REQUIRE_FALSE(wire.send(proxy::handover::hello{1, "0.0.1"}, {}, 5s));
    auto const hear = [&] {
        auto got = wire.receive(10s).value();
        return std::move(got.what); // its descriptors are closed
    };
    auto const is = [](proxy::handover::message const& m, proxy::handover::word w) {
        auto const* const said = std::get_if<proxy::handover::word>(&m);
        return said && *said == w;
    };
    using enum proxy::handover::word;
    for (auto m = hear(); !is(m, state_end); m = hear())
        REQUIRE_FALSE(std::holds_alternative<proxy::handover::refusal>(m));
    REQUIRE_FALSE(wire.send(commit, {}, 5s));
    REQUIRE(is(hear(), go));
    CHECK(std::get<proxy::passed_tunnel>(hear()).upstream == "n");
    web_end.send(server_frame(1, "changed"));
    CHECK(client.next_text() == "changed");
    CHECK(old.world.server().connections() == 1);
    CHECK(old.world.server().staying() == 1);
}

TEST_CASE("who asks a process of before is refused first, then speaks as that one does") {
    temp_folder folder;
    auto const l = mad::net::open_unix_listener(folder.file("before"), mad::net::unix_taken::refuse,
                                                mad::net::unix_kind::packets)
                       .value();
    std::vector<unsigned> asked;
    std::thread before([&] {
        for (unsigned const understood : {1u, 1u, 1u}) {
            pollfd p{l.fd, POLLIN, 0};
            ::poll(&p, 1, 10'000);
            proxy::detail::handover_wire wire(
                ::accept4(l.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            auto const got = wire.receive(10s);
            asked.push_back(std::get<proxy::handover::hello>(got.value().what).version);
            if (asked.back() != understood) {
                (void)wire.send(proxy::handover::refusal{"another version"}, {}, 10s);
                continue;
            }
            (void)wire.send(proxy::handover::secret{"the secret of before"}, {}, 10s);
            (void)wire.send(proxy::handover::word::state_end, {}, 10s);
            return;
        }
    });
    auto const got = proxy::inheritance::claim(folder.file("before"), {});
    before.join();
    ::close(l.fd);
    REQUIRE(got.has_value());
    CHECK((*got)->cookie_secret() == "the secret of before");
    CHECK(asked == std::vector<unsigned>{3, 2, 1});
}

TEST_CASE("what is let go after the next process has died is closed") {
    temp_folder folder;
    raw_node node;
    offering old({"one=" + node.url()}, folder.file("handover"));
    auto client = old.world.client();
    client.send(get(poll_path));
    auto at_node = node.accept();
    at_node.take_until("\r\n\r\n");
    {
        successor next(folder.file("handover"), {"one=" + node.url()});
        next.take_over();
        CHECK(wait_until([&] { return old.given.load(); }));
    }
    at_node.send(ok("done"));
    CHECK(client.answer().body == "done");
    CHECK(client.at_end());
    CHECK(old.world.await_connections(0));
}

TEST_CASE("what speaks TLS stays, is told to come again with its next answer, or is asked to go") {
    temp_folder folder;
    authority ca;
    auto const f = ca.issue("front", {"front", {"DNS:localhost", "IP:127.0.0.1"}});
    raw_node node;
    names const upstreams{"one=" + node.url()};
    offering old(upstreams, folder.file("handover"), [&](proxy::settings& s) {
        s.tls = mad::net::tls_server_context::load(f.cert, f.key).value();
        s.drain.grace = 10ms;
        s.drain.over = 300ms;
    });
    auto const connect = [&] {
        auto c = std::make_unique<tls_client>(old.world.port, ca.ca_file());
        REQUIRE(c->handshake());
        return c;
    };
    auto const polls = connect(), idle = connect();
    polls->send(get(poll_path + "&sid=x"));
    auto at_node = node.accept();
    at_node.take_until("\r\n\r\n");
    CHECK(idle->ask(get("/health")).header("connection") == "keep-alive");
    std::vector<std::unique_ptr<tls_client>> sockets;
    std::vector<raw_client> ends;
    for (int i = 0; i < 10; ++i) {
        sockets.push_back(connect());
        sockets.back()->send(ws_peer::upgrade_request("/socket.io/?EIO=4&transport=websocket"));
        ends.push_back(node.accept());
        ends.back().take_until("\r\n\r\n");
        ends.back().send(switching);
        sockets.back()->take_until("\r\n\r\n");
    }

    successor next(folder.file("handover"), upstreams);
    next.take_over();
    CHECK(wait_until([&] { return old.given.load(); }));
    CHECK(old.world.server().connections() == 12);
    CHECK(old.world.server().staying() == 10);
    at_node.send(ok("6"));
    auto const a = polls->answer();
    CHECK(a.body == "6");
    CHECK(a.header("connection") == "close");
    CHECK(polls->ended_in_order());
    CHECK(idle->ask(get("/health")).header("connection") == "close");
    CHECK(idle->ended_in_order());
    for (auto& e : ends)
        e.send(server_frame(1, "still"));
    for (auto& s : sockets)
        CHECK(s->take(7) == server_frame(1, "still"));

    // As a program does when its time is up.
    old.world.server().drain();
    for (auto& s : sockets)
        CHECK(s->take(4) == std::string("\x88\x02\x03\xf4", 4));
    CHECK(old.world.server().count().shed == 10);
    sockets.clear();
    polls->wire.close();
    idle->wire.close();
    CHECK(old.world.await_connections(0));
}
