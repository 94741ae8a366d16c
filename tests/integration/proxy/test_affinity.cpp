#include "proxy_world.hpp"

#include <support/engine_peer.hpp>

#include "../engine/engine_world.hpp"

#include <map>

using namespace mad_test;

namespace {

std::string path_of(std::string const& sid) {
    return poll_path + "&sid=" + sid;
}

/// Asks for a session and answers as a node: the index of the node that was chosen.
std::size_t open_session(raw_client& c, std::vector<std::unique_ptr<raw_node>>& nodes,
                         std::vector<raw_client>& wires, std::string const& sid,
                         std::string const& fields = {}, std::string* cookie = nullptr) {
    std::size_t before = nodes.size();
    c.send(get(poll_path, fields));
    REQUIRE(wait_until([&] {
        for (before = 0; before < nodes.size(); ++before)
            if (!nodes[before]->nobody_waits())
                return true;
        return false;
    }));
    auto n = nodes[before]->accept();
    n.take_until("\r\n\r\n");
    n.send(ok(open_packet(sid), "Connection: close\r\n"));
    auto const a = c.answer();
    CHECK(a.body == open_packet(sid));
    if (cookie)
        *cookie = a.header("set-cookie").substr(0, a.header("set-cookie").find(';'));
    wires.push_back(std::move(n));
    return before;
}

struct nodes_behind {
    explicit nodes_behind(std::size_t n) {
        for (std::size_t i = 0; i < n; ++i)
            all.push_back(std::make_unique<raw_node>());
    }
    std::vector<std::string> urls() const {
        std::vector<std::string> out;
        for (auto const& n : all)
            out.push_back(n->url());
        return out;
    }
    std::vector<std::unique_ptr<raw_node>> all;
};

} // namespace

TEST_CASE("a session stays on the node that made it") {
    nodes_behind nodes(3);
    proxy_world w(nodes.urls());
    std::vector<raw_client> wires;
    for (int i = 0; i < 6; ++i) {
        auto c = w.client();
        auto const sid = "session-" + std::to_string(i);
        auto const home = open_session(c, nodes.all, wires, sid);
        // Over another connection, and without a cookie.
        auto other = w.client();
        other.send(get(path_of(sid)));
        auto n = nodes.all[home]->accept();
        CHECK(n.take_until("\r\n\r\n").find("sid=" + sid) != std::string::npos);
        n.send(ok("6", "Connection: close\r\n"));
        CHECK(other.answer().body == "6");
    }
    CHECK(w.server().count().by_sid == 6);
    CHECK(w.server().count().handshakes == 6);
}

TEST_CASE("a script in JSONP, or an id that comes in pieces, is learnt as well") {
    nodes_behind nodes(2);
    proxy_world w(nodes.urls());
    auto c = w.client();
    c.send(get("/socket.io/?EIO=3&transport=polling&j=0"));
    std::size_t home = 0;
    REQUIRE(wait_until([&] {
        home = nodes.all[0]->nobody_waits() ? 1 : 0;
        return !nodes.all[home]->nobody_waits();
    }));
    auto n = nodes.all[home]->accept();
    n.take_until("\r\n\r\n");
    std::string const body = R"(___eio[0]("96:0{\"sid\":\"in-a-script\",\"upgrades\":[]}");)";
    n.send_slowly(ok(body, "Connection: close\r\n"), 7);
    CHECK(c.answer().body == body);
    c.send(get(path_of("in-a-script")));
    CHECK(nodes.all[home]->accept().take_until("\r\n\r\n").find("in-a-script") !=
          std::string::npos);
}

TEST_CASE("the cookie brings a client back to its node, the sid wins over it") {
    nodes_behind nodes(3);
    proxy_world w(nodes.urls());
    std::vector<raw_client> wires;
    std::map<std::size_t, std::string> cookies;
    std::map<std::size_t, std::string> sids;
    for (int i = 0; i < 40 && cookies.size() < 2; ++i) {
        raw_client c(w.port, {.from = "127.0.0." + std::to_string(i + 2)});
        std::string cookie;
        auto const sid = "s" + std::to_string(i);
        auto const home = open_session(c, nodes.all, wires, sid, {}, &cookie);
        cookies.emplace(home, cookie);
        sids.emplace(home, sid);
    }
    REQUIRE(cookies.size() >= 2);
    for (auto const& [home, cookie] : cookies) {
        auto c = w.client();
        CHECK(open_session(c, nodes.all, wires, "again", "Cookie: a=b; " + cookie + "\r\n") ==
              home);
    }
    auto const& [first, its_sid] = *sids.begin();
    auto const& other_cookie = cookies.rbegin()->second;
    auto c = w.client();
    c.send(get(path_of(its_sid), "Cookie: " + other_cookie + "\r\n"));
    CHECK(nodes.all[first]->accept().take_until("\r\n\r\n").find(its_sid) != std::string::npos);
    CHECK(w.server().count().by_cookie == cookies.size());
}

TEST_CASE("a node that does not know a session any more makes us forget it") {
    nodes_behind nodes(1);
    proxy_world w(nodes.urls());
    std::vector<raw_client> wires;
    auto c = w.client();
    open_session(c, nodes.all, wires, "short");
    CHECK(w.server().sids().size() == 1);
    c.send(get(path_of("short")));
    auto n = nodes.all[0]->accept();
    n.take_until("\r\n\r\n");
    std::string const body = R"({"code":1,"message":"Session ID unknown"})";
    n.send("HTTP/1.1 400 Bad Request\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body);
    CHECK(c.answer().body == body);
    CHECK(wait_until([&] { return w.server().sids().size() == 0; }));
}

TEST_CASE("a session that was there before the proxy is learnt from its node's answer") {
    struct row {
        std::string request, status;
        std::size_t known, polling;
    };
    std::string const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    auto const path = path_of("before");
    auto const r = GENERATE_COPY(
        row{get(path), ok("6"), 1, 1}, row{post(path, "4hello"), ok("ok"), 1, 1},
        row{get("/socket.io/?EIO=4&transport=websocket&sid=before", upgrade), switching, 1, 0},
        // What tells nothing of a session.
        row{get(path), "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 0, 0},
        row{get("/socket.io/socket.io.js?transport=polling&sid=before"), ok("6"), 0, 0},
        row{get("/socket.io/?EIO=4&sid=before"), ok("6"), 0, 0},
        row{get(path_of(std::string(129, 's'))), ok("6"), 0, 0}, row{get(path), ok("1"), 0, 0},
        row{post(path, "1"), ok("ok"), 0, 0});
    nodes_behind nodes(1);
    auto const rules = GENERATE("sid,cookie,hash", "hash");
    proxy_world w(nodes.urls(),
                  [&](proxy::settings& s) { s.affinity = *proxy::parse_affinity(rules); });
    auto c = w.client();
    c.send(r.request);
    auto n = nodes.all[0]->accept();
    n.take_until("\r\n\r\n");
    n.send(r.status);
    c.take_until("\r\n\r\n");
    // Until it is over, and what follows from it.
    if (r.status != switching)
        REQUIRE(w.await([](auto const& count) { return count.upstream_busy == 0; }));
    INFO(r.request);
    CHECK(w.server().sids().size() == r.known);
    auto const& count = *w.server().pool().status().at(0).at->count;
    CHECK(count.polling_sessions == r.polling);
}

TEST_CASE("what a session asks for beside its websocket does not count it twice") {
    nodes_behind nodes(1);
    proxy_world w(nodes.urls());
    auto poll = w.client();
    poll.send(get(path_of("before")));
    auto waits = nodes.all[0]->accept();
    waits.take_until("\r\n\r\n");
    ws_peer ws(w.port, "/socket.io/?EIO=4&transport=websocket&sid=before");
    auto n = nodes.all[0]->accept();
    n.take_until("\r\n\r\n");
    n.send(switching);
    CHECK(ws.accepted().status == 101);
    waits.send(ok("6")); // as nodes do when a probe has come
    CHECK(poll.answer().body == "6");
    auto const& count = *w.server().pool().status().at(0).at->count;
    CHECK(count.sessions() == 1);
}

TEST_CASE("a session that says goodbye is counted no more") {
    struct row {
        std::string request, answer;
    };
    auto const path = path_of("abc");
    auto const r = GENERATE_COPY(
        row{"POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1", "ok"},
        row{"POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n1:1", "ok"},
        row{get(path), "1"}, row{get(path), "1:1"});
    nodes_behind nodes(1);
    proxy_world w(nodes.urls());
    std::vector<raw_client> wires;
    auto c = w.client();
    open_session(c, nodes.all, wires, "abc");
    CHECK(w.server().sids().size() == 1);
    c.send(r.request);
    auto n = nodes.all[0]->accept();
    n.take_until("\r\n\r\n");
    n.send(ok(r.answer, "Connection: close\r\n"));
    CHECK(c.answer().body == r.answer);
    CHECK(wait_until([&] { return w.server().sids().size() == 0; }));
}

TEST_CASE("real servers behind it: every session ends where it began") {
    engine_world one, two, three;
    std::vector<std::string> urls;
    for (auto const* const e : {&one, &two, &three})
        urls.push_back("http://127.0.0.1:" + std::to_string(e->port));
    proxy_world w(
        urls, [](proxy::settings& s) { s.engine_path = "/engine.io/"; }, 2);
    for (int i = 0; i < 12; ++i) {
        auto const kind = i % 2 ? wire::websocket : wire::polling;
        engine_peer p(kind, w.port);
        REQUIRE(p.status == (i % 2 ? 101 : 200));
        REQUIRE(!p.sid().empty());
        for (int k = 0; k < 5; ++k) {
            p.send("4message " + std::to_string(k));
            CHECK(p.next_text() == "4message " + std::to_string(k));
        }
    }
    CHECK(w.rejected(proxy::reject::session_gone) == 0);
}

TEST_CASE("a polling session becomes a websocket on its own node") {
    engine_world one, two;
    std::vector<std::string> urls;
    for (auto const* const e : {&one, &two})
        urls.push_back("http://127.0.0.1:" + std::to_string(e->port));
    proxy_world w(urls, [](proxy::settings& s) { s.engine_path = "/engine.io/"; });
    for (int i = 0; i < 6; ++i) {
        polling_peer p(w.port);
        REQUIRE(p.open().status == 200);
        ws_peer ws(w.port, "/engine.io/?EIO=4&transport=websocket&sid=" + p.sid);
        REQUIRE(ws.accepted().status == 101);
        ws.text("2probe");
        CHECK(ws.next_text() == "3probe");
        ws.text("5");
        ws.text("4hello");
        CHECK(ws.next_text() == "4hello");
    }
    CHECK(wait_until([&] {
        std::uint32_t polling = 0;
        for (auto const& u : w.server().pool().status())
            polling += u.at->count->polling_sessions;
        return polling == 0;
    }));
}
