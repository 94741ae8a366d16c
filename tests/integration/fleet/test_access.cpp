#include "fleet_world.hpp"

#include <mad/core/sha256.hpp>
#include <mad/fleet/agent.hpp>
#include <mad/fleet/gate.hpp>

#include <support/temp_folder.hpp>

#include <fstream>

#include <sys/stat.h>

using namespace mad_test;
using mad::fleet::open_to;
using mad::fleet::role;

namespace {

constexpr char agent_token[] = "agent-token-0123456789";
constexpr char viewer_token[] = "viewer-token-0123456789";
constexpr char admin_token[] = "admin-token-0123456789";
constexpr char prod_token[] = "prod-token-0123456789";
constexpr char wrong_token[] = "wrong-token-0123456789";

mad::fleet::access_rules rules() {
    mad::fleet::access_rules out;
    auto const add = [&](char const* name, role r, char const* text) {
        mad::fleet::access_token t;
        t.name = name;
        t.role = r;
        t.sha256 = mad::sha256(text);
        out.tokens.push_back(t);
    };
    add("agents", role::agent, agent_token);
    add("wall", role::viewer, viewer_token);
    add("ops", role::admin, admin_token);
    add("prod", role::agent, prod_token);
    out.tokens.back().ids = {"web-*"};
    out.tokens.back().tags = {"prod", "role:*"};
    out.link_key = "a key for links, long enough 0123";
    return out;
}

mad::fleet::api_settings guarded(open_to open = open_to::nobody) {
    mad::fleet::api_settings s;
    s.access.access.rules = rules();
    s.access.access.open = open;
    s.sockets.engine.handshake.allow_eio3 = true;
    return s;
}

std::string bearer(std::string const& token) {
    return token.empty() ? std::string() : "Authorization: Bearer " + token + "\r\n";
}

std::string auth(std::string const& token) {
    return token.empty() ? std::string() : R"({"token":")" + token + R"("})";
}

/// How a peer shows its token.
enum class way { in_connect, in_header, old_header };

char const* name_of(way w) {
    return w == way::in_connect ? "connect" : w == way::in_header ? "header" : "revision 3";
}

/// What becomes of a peer with that token: `in`, or the text of the refusal.
std::string entered(fleet_world& w, wire kind, way how, std::string const& token) {
    if (how == way::in_connect) {
        sio_peer p(sio_peer::unjoined, kind, w.port);
        auto const answer = p.ask_to_join("/", auth(token));
        return answer.starts_with("0{") ? "in" : answer.substr(1);
    }
    bool const old = how == way::old_header;
    engine_peer p(kind, w.port, "/socket.io/", bearer(token), old ? "EIO=3" : "EIO=4");
    if (p.status != (kind == wire::websocket ? 101 : 200))
        return std::to_string(p.status) + p.open_packet;
    if (!old)
        p.send("40");
    auto const answer = p.next_text();
    return answer.starts_with("40") ? "in" : answer;
}

/// A peer that is in.
sio_peer peer_with(fleet_world& w, std::string const& token, wire kind = wire::websocket) {
    sio_peer p(sio_peer::unjoined, kind, w.port);
    auto const answer = p.ask_to_join("/", auth(token));
    if (!answer.starts_with("0{"))
        throw std::runtime_error("not in: " + answer);
    return p;
}

std::string error_text(char const* what) {
    return std::string(R"([{"error":")") + what + R"("}])";
}

json error_of(http_answer const& a) {
    return json::parse(a.body)["error"]["code"];
}

} // namespace

TEST_CASE("who shows a good token is in, by every way, and others hear why not") {
    fleet_world w(guarded());
    auto const kind = both();
    auto const how = GENERATE(way::in_connect, way::in_header, way::old_header);
    CAPTURE(name_of(kind), name_of(how));
    for (auto const* const good : {agent_token, viewer_token, admin_token, prod_token})
        CHECK(entered(w, kind, how, good) == "in");
    auto const wrong = entered(w, kind, how, wrong_token);
    auto const none = entered(w, kind, how, "");
    auto const refused = [&](std::string const& why) {
        return "403" + (kind == wire::websocket ? why : R"({"code":4,"message":")" + why + "\"}");
    };
    if (how == way::in_connect) {
        CHECK(wrong == R"({"message":"this node does not know the token","data":{"code":)"
                       R"("token_unknown"}})");
        CHECK(none == R"({"message":"a token is needed","data":{"code":"token_needed"}})");
    } else {
        CHECK(wrong == refused("this node does not know the token"));
    }
    if (how == way::old_header)
        CHECK(none == refused("a token is needed"));
    CHECK(w.log().count("fleet.access.refused") >= 1);
}

TEST_CASE("a token in a URL is none, and none is ever logged or answered") {
    fleet_world w(guarded());
    auto const kind = both();
    for (auto const* const revision : {"EIO=4", "EIO=3"}) {
        auto const query = std::string(revision) + "&token=" + viewer_token;
        engine_peer p(kind, w.port, "/socket.io/", {}, query);
        if (std::string(revision) == "EIO=3") {
            CHECK(p.status == 403);
            continue;
        }
        p.send("40");
        CHECK(p.next_text().starts_with("44"));
    }
    std::string said;
    for (auto const how : {way::in_connect, way::in_header, way::old_header})
        for (auto const* const t : {agent_token, viewer_token, wrong_token})
            said += entered(w, kind, how, t);
    for (auto const* const t : {agent_token, wrong_token, admin_token})
        for (auto const* const path : {"/metrics", "/health", "/nothing"})
            said += w.get(path, "node.example", bearer(t)).body;
    auto viewer = peer_with(w, viewer_token, kind);
    viewer.send(R"(2["web_connected"])");
    said += viewer.next();
    w.stop();
    for (auto const* const t : {agent_token, viewer_token, wrong_token, admin_token}) {
        CHECK_FALSE(w.log().has(t));
        CHECK(said.find(t) == said.npos);
    }
}

TEST_CASE("each role does what is its own, and hears why not of the rest") {
    fleet_world w(guarded());
    auto const kind = both();
    struct row {
        char const* token;
        bool writes, reads;
    };
    auto const r = GENERATE(values<row>(
        {{agent_token, true, false}, {viewer_token, false, true}, {admin_token, true, true}}));
    CAPTURE(name_of(kind), r.token);
    auto const told = [](std::string answer) { return answer; };
    auto const answer = [&](std::string const& event) {
        auto p = peer_with(w, r.token, kind);
        p.send("21" + event);
        for (;;) {
            auto const next = p.next();
            if (next.empty() || next.starts_with("31"))
                return told(next.empty() ? next : next.substr(2));
            if (next.starts_with(R"(2["load_clients")"))
                return std::string("the list");
        }
    };
    auto const good = std::string("[true]");
    for (auto const* const event : {"client_connected", "client_healthcheck"})
        CHECK(answer("[\"" + std::string(event) + "\"," + sample("a", 1) + "]") ==
              (r.writes ? good : error_text("this token may only read")));
    CHECK(answer(R"(["client_disconnected",{"id":"a"}])") ==
          (r.writes ? good : error_text("this token may only read")));
    CHECK(answer(R"(["web_connected"])") ==
          (r.reads ? "the list" : error_text("this token may only send health records")));
}

TEST_CASE("an agent hears nothing of others, also before it says anything") {
    fleet_world w(guarded());
    auto quiet = peer_with(w, agent_token);
    auto wall = peer_with(w, viewer_token);
    auto other = peer_with(w, agent_token);
    CHECK(other.ask(R"(["client_connected",)" + sample("a", 1) + "]") == "[true]");
    CHECK(wall.next().starts_with(R"(2["web_client_update",{"id":"a")"));
    CHECK(other.ask(R"(["client_disconnected",{"id":"a"}])") == "[true]");
    CHECK(wall.next() == R"(2["web_client_disconnect","a"])");
    // The first thing that it hears is its answer.
    CHECK(quiet.ask(R"(["client_connected",)" + sample("b", 1) + "]") == "[true]");
}

TEST_CASE("a token for some agents is good for no other") {
    fleet_world w(guarded());
    auto const kind = both();
    auto const told = [&](std::vector<std::string> const& messages) {
        auto p = peer_with(w, prod_token, kind);
        std::string out;
        for (auto const& m : messages)
            out += p.ask(R"(["client_healthcheck",)" + m + "]") == "[true]" ? '+' : '-';
        return out;
    };
    auto const with = [](std::string const& id, std::string const& tags) {
        return sample(id, 1, R"(,"info":{"host":"h","tags":)" + tags + "}");
    };
    CHECK(told({with("web-1", R"(["prod"])")}) == "+");
    CHECK(told({with("web-1", R"(["role:x","prod"])"), sample("web-1", 2)}) == "++");
    CHECK(told({with("db-1", R"(["prod"])")}) == "-");
    CHECK(told({with("web-1", R"(["staging"])")}) == "-");
    CHECK(told({with("web-1", R"(["prod","staging"])")}) == "-");
    CHECK(told({with("web-1", "[]")}) == "-");
    CHECK(told({sample("web-1", 1)}) == "-"); // says no tags at all
    CHECK(told({with("web-1", R"(["prod"])"), with("web-1", R"(["staging"])")}) == "+-");
    CHECK(told({with("web-1", R"(["prod"])"), with("db-1", R"(["prod"])")}) == "+-");
    CHECK(told({with("web-1", R"(["prod"])"), sample("web-2", 1)}) == "+-");
    CHECK(told({with("web-1", R"(["\u0070rod"])")}) == "+");
}

TEST_CASE("a socketID that a peer sends is never passed on") {
    fleet_world w(guarded());
    auto wall = peer_with(w, viewer_token);
    auto a = peer_with(w, agent_token);
    CHECK(a.ask(R"(["client_connected",)" + sample("a", 1, R"(,"socketID":"mine")") + "]") ==
          "[true]");
    auto const update = wall.next();
    CHECK(update.find("mine") == update.npos);
    CHECK(update.find(R"("socketID":")") != update.npos);
}

TEST_CASE("a node that is open to agents takes those without a token, and shows them nothing") {
    fleet_world w(guarded(open_to::agents));
    auto const kind = both();
    bool const old = GENERATE(false, true);
    auto const come = [&] {
        return old ? sio_peer(sio_peer::old, kind, w.port) : sio_peer(kind, w.port);
    };
    auto a = come();
    if (old)
        CHECK(a.next() == "0");
    CHECK(a.ask(R"(["client_healthcheck",)" + sample("a", 1) + "]") == "[true]");
    auto b = come();
    if (old)
        CHECK(b.next() == "0");
    CHECK(b.ask(R"(["web_connected"])") == error_text("this token may only send health records"));
    CHECK(entered(w, kind, old ? way::old_header : way::in_connect, wrong_token) != "in");
    CHECK(entered(w, kind, old ? way::old_header : way::in_connect, viewer_token) == "in");
}

TEST_CASE("sessions end when their token is withdrawn, changed or expires, others stay") {
    fleet_world w(guarded());
    auto const kind = both();
    CAPTURE(name_of(kind));
    auto agent = peer_with(w, agent_token, kind);
    auto wall = peer_with(w, viewer_token, kind);
    auto ops = peer_with(w, admin_token, kind);
    CHECK(agent.ask(R"(["client_connected",)" + sample("a", 1) + "]") == "[true]");
    CHECK(wall.next().starts_with(R"(2["web_client_update")"));

    auto next = rules();
    next.tokens.erase(next.tokens.begin());
    w.api().set_access(next);
    CHECK(agent.ends());
    CHECK(wall.next() == R"(2["web_client_disconnect","a"])");
    CHECK(entered(w, kind, way::in_connect, agent_token) != "in");
    CHECK(wall.ask(R"(["client_disconnected",{"id":"a"}])") ==
          error_text("this token may only read"));

    next.tokens[0].role = role::agent; // of the wall
    w.api().set_access(next);
    CHECK(wall.ends());
    ops.send(R"(21["client_connected",)" + sample("b", 1) + "]");
    auto answer = ops.next();
    while (answer.starts_with("2["))
        answer = ops.next();
    CHECK(answer == "31[true]");
    CHECK(w.log().count("fleet.access.ended") == 2);
}

TEST_CASE("a session ends with the time of its token") {
    auto s = guarded();
    auto const soon = mad::system_clock::instance().wall_ms() + 1'500;
    s.access.access.rules->tokens[1].expires_ms = soon;
    fleet_world w(std::move(s));
    auto wall = peer_with(w, viewer_token);
    auto agent = peer_with(w, agent_token);
    REQUIRE(wait_until([&] { return w.log().count("fleet.access.ended") == 1; }));
    CHECK(wall.ends());
    CHECK(mad::system_clock::instance().wall_ms() >= soon);
    CHECK(entered(w, wire::websocket, way::in_connect, viewer_token) ==
          R"({"message":"the token has expired","data":{"code":"token_expired"}})");
    CHECK(agent.ask(R"(["client_connected",)" + sample("a", 1) + "]") == "[true]");
}

TEST_CASE("metrics are for viewers and for who is on this machine, the rest is open") {
    fleet_world w(guarded());
    struct row {
        char const *host, *fields;
        int status;
    };
    auto const far = std::string("X-Forwarded-For: 192.0.2.7\r\n");
    auto s = guarded();
    (void)s.sockets.engine.trust.add("loopback");
    fleet_world proxied(std::move(s));
    CHECK(w.get("/metrics").status == 200);
    CHECK(w.get("/metrics", "node.example").status == 401);
    CHECK(w.get("/metrics", "node.example", bearer(viewer_token)).status == 200);
    CHECK(w.get("/metrics", "node.example", bearer(admin_token)).status == 200);
    auto const agent = w.get("/metrics", "node.example", bearer(agent_token));
    CHECK(agent.status == 403);
    CHECK(error_of(agent) == "may_not_read");
    auto const wrong = w.get("/metrics", "node.example", bearer(wrong_token));
    CHECK(wrong.status == 401);
    CHECK(wrong.header("www-authenticate") == "Bearer realm=\"mad\"");
    CHECK(error_of(wrong) == "token_unknown");
    CHECK(proxied.get("/metrics").status == 200);
    CHECK(proxied.get("/metrics", "127.0.0.1", far).status == 401);
    CHECK(proxied.get("/metrics", "127.0.0.1", far + bearer(viewer_token)).status == 200);
    for (auto const* const path : {"/health", "/ready"})
        CHECK(proxied.get(path, "node.example", far).status == 200);
}

TEST_CASE("a node without tokens tells its numbers to this machine alone") {
    fleet_world w;
    CHECK(w.get("/metrics").status == 200);
    CHECK(w.get("/metrics", "evil.example").status == 403);
    mad::fleet::api_settings s;
    s.anonymous = true;
    fleet_world open(std::move(s));
    CHECK(open.get("/metrics", "node.example").status == 200);
}

TEST_CASE("wrong tokens from one address are looked at only so often") {
    auto s = guarded();
    (void)s.sockets.engine.trust.add("loopback"); // loopback itself is exempt
    s.access.attempts = {0, 0.001, 5};
    fleet_world w(std::move(s));
    auto const ask = [&](std::string const& token, std::string const& from) {
        return w.get("/metrics", "node.example",
                     "X-Forwarded-For: " + from + "\r\n" + bearer(token));
    };
    for (int i = 0; i < 5; ++i)
        CHECK(ask(wrong_token, "192.0.2.7").status == 401);
    auto const busy = ask(wrong_token, "192.0.2.7");
    CHECK(busy.status == 429);
    CHECK(busy.header("retry-after") == "10");
    CHECK(error_of(busy) == "too_many_attempts");
    CHECK(ask(viewer_token, "192.0.2.7").status == 429); // nothing can be learned
    CHECK(ask("", "192.0.2.7").status == 401);
    CHECK(ask(viewer_token, "192.0.2.8").status == 200);
    engine_peer p(wire::polling, w.port, "/socket.io/",
                  "X-Forwarded-For: 192.0.2.7\r\n" + bearer(viewer_token));
    CHECK(p.status == 403);
    CHECK(w.log().count("fleet.access.refused") >= 5);
}

TEST_CASE("a proxy that is believed names people, and only that one") {
    auto const trusted = GENERATE(true, false);
    auto s = guarded();
    (void)s.sockets.engine.trust.add("loopback");
    s.access.identity_header = "X-Forwarded-User";
    s.access.identity_role_header = "X-Forwarded-Groups";
    (void)s.access.identity_trust.add(trusted ? "loopback" : "192.0.2.1");
    fleet_world w(std::move(s));
    auto const kind = both();
    std::string const ann = "X-Forwarded-User: ann\r\nX-Forwarded-For: 192.0.2.9\r\n";
    auto const can = [&](std::string const& fields, std::string const& event) {
        engine_peer p(kind, w.port, "/socket.io/", fields, "EIO=4");
        p.send("40");
        if (!p.next_text().starts_with("40{"))
            return std::string("out");
        p.send("421" + event);
        auto const answer = p.next_text();
        return answer.starts_with(R"(42["load_clients")") ? "list" : answer.substr(3);
    };
    CHECK(can(ann, R"(["web_connected"])") == (trusted ? "list" : "out"));
    CHECK(w.get("/metrics", "node.example", ann).status == (trusted ? 200 : 401));
    CHECK(can(ann + "X-Forwarded-User: root\r\n", R"(["web_connected"])") == "out");
    CHECK(can("X-Forwarded-Groups: admin\r\n", R"(["web_connected"])") == "out");
    auto const record = R"(["client_connected",)" + sample("a", 1) + "]";
    CHECK(can(ann, record) == (trusted ? error_text("this token may only read") : "out"));
    CHECK(can(ann + "X-Forwarded-Groups: staff,admin\r\n", record) == (trusted ? "[true]" : "out"));
}

TEST_CASE("an agent with a good token is in; one without tries again, and comes in once it is") {
    fleet_world w(guarded());
    temp_folder folder;
    captured_log log;
    auto const write = [&](std::string const& token) {
        folder.write("token", token + "\n");
        REQUIRE(::chmod(folder.file("token").c_str(), 0600) == 0);
    };
    write(wrong_token);
    mad::fleet::agent_settings s;
    s.api_url = w.api().url();
    s.id = "host-1";
    s.token_file = folder.file("token");
    s.interval = std::chrono::seconds(1);
    s.refused_delay = s.refused_delay_max = 20ms;
    s.log = log.handle();
    mad::fleet::agent agent(std::move(s));
    agent.start();
    REQUIRE(wait_until([&] { return log.count("fleet.agent.refused") == 1; }));
    CHECK(log.has("this node does not know the token"));
    write(agent_token);
    REQUIRE(w.await_agents(1));

    // Withdrawn: it goes, is refused, and comes back with the next one.
    auto next = rules();
    next.tokens[0].sha256 = mad::sha256("next-token-0123456789");
    w.api().set_access(next);
    REQUIRE(w.await_agents(0));
    write("next-token-0123456789");
    REQUIRE(wait_until([&] { return w.api().counters().agents == 1; }, 20s));
    agent.stop(1s);
    for (auto const* const t : {wrong_token, agent_token, "next-token-0123456789"}) {
        CHECK_FALSE(log.has(t));
        CHECK_FALSE(w.log().has(t));
    }
}

TEST_CASE("the HTTP API asks who it is, and an admin's link shows what it says") {
    fleet_world w(guarded());
    for (auto const* const id : {"web-1", "db-1"}) {
        auto p = peer_with(w, agent_token);
        CHECK(p.ask(R"(["client_connected",)" + sample(id, 1) + "]") == "[true]");
        p.ask(R"(["client_disconnected",{"id":")" + std::string(id) + R"("}])");
    }
    auto const ask = [&](std::string const& path, std::string const& token) {
        return w.get("/api/v1/" + path, "node.example", bearer(token));
    };
    CHECK(ask("session", "").status == 401);
    CHECK(error_of(ask("session", wrong_token)) == "token_unknown");
    auto const ops = json::parse(ask("session", admin_token).body);
    CHECK(ops["name"] == "ops");
    CHECK(ops["role"] == "admin");
    CHECK(ops["anonymous"] == false);
    CHECK(json::parse(ask("session", viewer_token).body)["role"] == "viewer");
    CHECK(ask("clients", agent_token).status == 403);
    CHECK(ask("clients", "").status == 401);
    CHECK(ask("clients", viewer_token).status == 200);
    CHECK(ask("openapi.json", "").status == 200);

    auto const link = [&](std::string const& token) {
        std::string const body = R"({"role":"viewer","expires_in":600,"filter":"web"})";
        return raw_client(w.port).ask(
            "POST /api/v1/links HTTP/1.1\r\nHost: node.example\r\n" + bearer(token) +
            "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + body);
    };
    CHECK(link("").status == 401);
    CHECK(link(viewer_token).status == 403);
    CHECK(link(agent_token).status == 403);
    auto const made = link(admin_token);
    REQUIRE(made.status / 100 == 2);
    auto const token = json::parse(made.body)["token"].get<std::string>();
    auto const seen = json::parse(ask("session", token).body);
    CHECK(seen["role"] == "viewer");
    CHECK(seen["filter"] == "web");
    CHECK(link(token).status == 403);
    CHECK(ask("clients/db-1", token).status == 404);
    auto page = peer_with(w, token); // of the original: it would be shown everything
    CHECK(page.ask(R"(["web_connected"])") ==
          error_text("this token may only send health records"));
    CHECK_FALSE(w.log().has(token));
}
