#include "fleet_world.hpp"

#include <map>

using namespace mad_test;

namespace {

/// A sample with the processor busy as said.
std::string busy(std::string const& id, int cpu, int n, std::string const& more = {}) {
    return "{\"id\":\"" + id +
           "\",\"health\":{\"storage\":40,\"network\":1,\"cpu\":{\"pct\":" + std::to_string(cpu) +
           "}},\"v\":2,\"run\":\"r\",\"seq\":" + std::to_string(n) + ",\"interval_ms\":2500" +
           more + "}";
}

/// A page of version 2.
class feed_peer {
  public:
    explicit feed_peer(fleet_world& w, wire k = wire::websocket)
        : peer(k, w.port) {}

    /// Sends an event; the answer, once it comes. Events on the way are taken.
    json ask(std::string const& event, std::string const& argument) {
        auto const number = std::to_string(++asked_);
        peer.send("2" + number + "[\"" + event + "\"," + argument + "]");
        for (;;) {
            auto const p = peer.next();
            if (p.starts_with("3" + number + "["))
                return json::parse(p.substr(1 + number.size()))[0];
            take(p);
        }
    }
    void take(std::string const& p) {
        if (!p.starts_with("2["))
            throw std::runtime_error("no event: [" + p + "]");
        auto const e = json::parse(p.substr(1));
        events.push_back(e[0].get<std::string>());
        last = e.size() > 1 ? e[1] : json();
        if (events.back() != "fleet_snapshot" && events.back() != "fleet_delta")
            return;
        if (events.back() == "fleet_delta")
            for (auto const& id : last["gone"])
                rows.erase(id.get<std::string>());
        for (auto const& row : last["rows"])
            rows[row[0].get<std::string>()] = row;
        cursor = last["cursor"].get<std::string>();
    }
    void await(std::string const& event) {
        do
            take(peer.next());
        while (events.back() != event);
    }
    /// Until the host is shown with that much.
    void await_cpu(std::string const& id, int cpu) {
        while (!rows.contains(id) || rows[id][8] != cpu)
            take(peer.next());
    }

    sio_peer peer;
    std::map<std::string, json> rows;
    std::vector<std::string> events;
    json last;
    std::string cursor;

  private:
    int asked_ = 0;
};

} // namespace

TEST_CASE("a page of version 2 gets rows, and then what changes of them") {
    auto const threads = GENERATE(1u, 2u);
    fleet_world w({}, threads);
    auto const kind = both();
    CAPTURE(name_of(kind), threads);
    agent_peer a(w, kind);
    CHECK(a.connected(busy("a", 10, 1, R"(,"info":{"host":"h","tags":["x"]})")) == "[true]");
    feed_peer c(w, kind);
    CHECK(c.ask("web_connected", R"({"v":2})") == json({{"v", 2}, {"hz", 4}}));
    if (c.rows.empty())
        c.await("fleet_snapshot");
    REQUIRE(c.rows.contains("a"));
    CHECK(c.rows["a"][1] == "ok");
    CHECK(c.rows["a"][3] == "h");
    CHECK(c.rows["a"][8] == 10);
    a.check(busy("a", 55, 2));
    c.await_cpu("a", 55);
    CHECK(c.events.back() == "fleet_delta");

    console_peer old(w, kind); // beside one of the original's
    CHECK(old.list().size() == 1);
    a.check(busy("a", 66, 3));
    CHECK(old.told() == "update a 40");
    c.await_cpu("a", 66);
    for (auto const& e : c.events)
        CHECK((e == "fleet_snapshot" || e == "fleet_delta"));

    CHECK(a.ask("client_disconnected", R"({"id":"a"})") == "[true]");
    c.await("client_state");
    CHECK(c.last["to"] == "offline");
    c.await("fleet_delta");
    CHECK(c.rows["a"][1] == "offline");
    CHECK(old.told() == "disconnect a");
}

TEST_CASE("a page that comes back with its cursor gets what it missed") {
    fleet_world w({}, 2);
    agent_peer a(w), b(w);
    a.connected(busy("a", 10, 1));
    b.connected(busy("b", 10, 1));
    std::string cursor;
    std::map<std::string, json> rows;
    {
        feed_peer c(w);
        c.ask("web_connected", R"({"v":2})");
        while (c.rows.size() < 2)
            c.take(c.peer.next());
        cursor = c.cursor;
    }
    b.check(busy("b", 70, 2));
    feed_peer c(w);
    c.peer.send(R"(2["web_connected",{"v":2,"cursor":")" + cursor + R"("}])");
    c.await("fleet_delta");
    CHECK(c.events.size() == 1);
    CHECK(c.last["resumed"] == true);
    CHECK(c.rows.size() == 1);
    CHECK(c.rows["b"][8] == 70);
}

TEST_CASE("a watched host is told in full, with what was before") {
    fleet_world w({}, 2);
    agent_peer a(w);
    a.connected(busy("a", 10, 1));
    feed_peer c(w);
    CHECK(c.ask("client_watch", R"({"id":"a"})")["error"].is_string());
    c.ask("web_connected", R"({"v":2})");
    CHECK(c.ask("client_watch", R"({"id":"zz"})")["error"].is_string());
    CHECK(c.ask("client_watch", "5")["error"].is_string());
    auto const answer = c.ask("client_watch", R"({"id":"a"})");
    CHECK(answer["history"]["native"].size() == 1);
    CHECK(answer["history"]["native"][0][2] == 10);
    a.check(busy("a", 10, 2));
    do
        c.await("web_client_update");
    while (c.last["seq"] != 2);
    CHECK(c.last["health"]["cpu"]["pct"] == 10);
    CHECK(c.ask("client_unwatch", R"({"id":"a"})") == true);
}

TEST_CASE("a page may turn from one version to the other") {
    fleet_world w;
    agent_peer a(w);
    a.connected(busy("a", 10, 1));
    feed_peer c(w);
    c.ask("web_connected", R"({"v":2})");
    c.peer.send(R"(2["web_connected"])");
    c.await("load_clients");
    a.check(busy("a", 90, 2));
    c.await("web_client_update");
    c.ask("web_connected", R"({"v":2})");
    while (!c.rows.contains("a") || c.rows["a"][8] != 90)
        c.take(c.peer.next());
    CHECK(w.api().counters().consoles_served == 3);
}

TEST_CASE("a page that reads nothing gets the latest in the end, and not all that was before") {
    fleet_world w;
    agent_peer a(w);
    a.connected(busy("a", 1, 1));
    feed_peer slow(w, wire::polling), fast(w);
    slow.ask("web_connected", R"({"v":2})");
    slow.ask("client_watch", R"({"id":"a"})");
    fast.ask("web_connected", R"({"v":2})");
    auto const events = slow.events.size();
    std::string const large = ",\"x\":\"" + std::string(14'000, 'x') + "\"";
    constexpr int last = 90; // more than 512 KiB of records
    for (int i = 2; i <= last; ++i)
        a.check(busy("a", i, i, large));
    fast.await_cpu("a", last);
    slow.await_cpu("a", last);
    auto const got = slow.events.size() - events;
    CHECK(got > 30);
    CHECK(got < 60);
    a.check(busy("a", 5, last + 1)); // and goes on
    slow.await_cpu("a", 5);
}
