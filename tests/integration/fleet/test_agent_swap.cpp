#include "fleet_world.hpp"

#include <mad/fleet/agent.hpp>
#include <support/temp_folder.hpp>

#include <algorithm>

using namespace mad_test;

namespace {

/// A console of either version that keeps what it is told.
class witness {
  public:
    witness(fleet_world& w, std::string const& greeting)
        : peer_(wire::websocket, w.port) {
        peer_.send(greeting);
    }
    /// Reads until that is told.
    void await(std::string const& wanted) {
        do {
            auto const p = peer_.next();
            REQUIRE_FALSE(p.empty());
            take(p);
        } while (told.back() != wanted);
    }
    strings told;

  private:
    void take(std::string const& p) {
        auto const e = json::parse(p.substr(p.find('[')));
        if (e[0] == "web_client_update")
            told.push_back("update " + e[1]["info"]["agent"].get<std::string>());
        else if (e[0] == "web_client_disconnect")
            told.push_back("disconnect");
        else if (e[0] == "client_state")
            told.push_back(e[1]["to"].get<std::string>());
        else if (e[0] == "fleet_delta" && !e[1]["gone"].empty())
            told.push_back("gone");
        else
            told.push_back(e[0].is_string() ? e[0].get<std::string>() : e.dump());
    }
    sio_peer peer_;
};

struct swap_world {
    mad::fleet::agent_settings settings(std::string const& instance) {
        mad::fleet::agent_settings s;
        s.api_url = "http://127.0.0.1:" + std::to_string(node.port);
        s.id = "host-1";
        s.interval = 1s;
        s.version = instance;
        s.websocket = false;
        s.instance_name = instance;
        s.instance_folder = folder.file("");
        s.log = log.handle();
        return s;
    }
    /// It has said more than it had.
    static bool speaks(mad::fleet::agent const& a, std::uint64_t more = 2) {
        auto const wanted = a.sent() + more;
        return wait_until([&] { return a.sent() >= wanted; });
    }
    /// Nobody was shown that the host is away: a page of the original is told at once, by the
    /// record of the new connection, what it is to put in the place of the old one.
    void check_never_away() const {
        CAPTURE(old.told, page.told);
        for (std::size_t i = 0; i < old.told.size(); ++i)
            if (old.told[i] == "disconnect") {
                REQUIRE(i + 1 < old.told.size());
                CHECK(old.told[i + 1].starts_with("update "));
            }
        CHECK(std::count(page.told.begin(), page.told.end(), "offline") == 0);
        CHECK(std::count(page.told.begin(), page.told.end(), "gone") == 0);
    }

    fleet_world node;
    temp_folder folder;
    captured_log log;
    witness old{node, R"(2["web_connected"])"}, page{node, R"(20["web_connected",{"v":2}])"};
};

} // namespace

TEST_CASE_METHOD(swap_world, "an agent is replaced by its next release, and is never away") {
    mad::fleet::agent blue(settings("9"));
    blue.start();
    old.await("update 9");
    mad::fleet::agent green(settings("10"));
    green.start();
    old.await("update 10");
    CHECK(log.count("fleet.agent.replaced") == 1);
    // From here on one of them speaks.
    auto const said = blue.sent();
    CHECK(speaks(green));
    CHECK(blue.sent() == said);
    CHECK(blue.connected());

    SECTION("the old one ends, in silence") {
        blue.stop(5s);
        CHECK(blue.sent() == said);
        CHECK(speaks(green));
        old.await("update 10");
    }
    SECTION("the new one is taken back: the old one speaks before it goes") {
        green.stop(5s);
        CHECK(log.count("fleet.agent.speaks_again") == 1);
        CHECK(speaks(blue));
        old.await("update 9");
    }
    SECTION("the new one dies: the old one speaks at once") {
        green.stop(0ms);
        CHECK(speaks(blue));
        CHECK(node.await_agents(1));
        // Its node may hear of the end before it hears the other: a page of the original takes the
        // host out for that moment, those of today do not.
        old.told.clear();
        old.await("update 9");
    }
    check_never_away();
    CHECK(node.api().counters().agents == 1);
    // Who is left, and leaves, says so.
    blue.stop(5s);
    green.stop(5s);
    page.await("offline");
    old.await("disconnect");
    CHECK(node.await_agents(0));
}

TEST_CASE_METHOD(swap_world, "a next release that does not get through replaces nobody") {
    mad::fleet::agent blue(settings("9"));
    blue.start();
    old.await("update 9");
    auto lost = settings("10");
    lost.api_url = "http://127.0.0.1:1";
    mad::fleet::agent green(lost);
    green.start();
    CHECK(speaks(blue));
    CHECK(log.count("fleet.agent.replaced") == 0);
    green.stop(5s);
    CHECK(speaks(blue));
    check_never_away();
    blue.stop(5s);
    page.await("offline");
}

TEST_CASE_METHOD(swap_world, "an instance without a folder for its socket does not start") {
    auto s = settings("9");
    s.instance_folder = folder.file("nothing");
    mad::fleet::agent a(s);
    CHECK_THROWS_WITH(a.start(), Catch::Contains("the socket of instance 9"));
}
