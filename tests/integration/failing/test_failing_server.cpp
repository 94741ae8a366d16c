#include "failing_world.hpp"

#include <support/hand_server.hpp>

using namespace mad_test;
using namespace mad_test::hand;

namespace {

bool heard(server_world const& w, unsigned who, std::string_view text) {
    auto const* const p = w.at_if(who);
    return p && p->received.find(text) != std::string::npos;
}

void say(server_world& w, unsigned who, std::string const& text) {
    w.send(who, w.filled(who, text));
    w.turn();
}

/// Another peer, who comes later, is served as if nothing had been.
bool serves(server_world& w) {
    say(w, 3, get("/socket.io/?EIO=4&transport=polling"));
    return heard(w, 3, "HTTP/1.1 200 OK\r\n") && heard(w, 3, "0{\"sid\":\"");
}

/// Runs the scene, and looks whether the server is as it was.
template <class Talk>
void with_server(std::size_t at_least, Talk talk) {
    with_each_failure(at_least, [&](auto spoil_now) {
        server_world w;
        spoil_now();
        outcome o;
        o.done = talk(w);
        w.advance(mad::seconds(1)); // a listener that had no memory tries again
        stop_spoiling();
        auto const still = serves(w);
        o.wrong = w.finish();
        if (!still)
            o.wrong += "another peer is not served; ";
        return o;
    });
}

} // namespace

TEST_CASE("a websocket session survives or ends whole, whichever operation fails") {
    with_server(10, [](server_world& w) {
        say(w, 0, "GET /socket.io/?EIO=4&transport=websocket" + upgrade_fields);
        say(w, 0, masked(1, "40") + masked(1, R"(421["echo",{"a":1}])"));
        w.act(2); // asks everybody
        w.act(0);
        say(w, 0, masked(1, R"(430["fine"])") + masked(1, R"(42["ask"])"));
        say(w, 0, masked(1, R"(42["slow",1])"));
        w.advance(mad::seconds(26)); // a ping
        say(w, 0, masked(1, "3"));
        say(w, 0, masked(8, ""));
        return w.echoes() == 1 && heard(w, 0, R"(431[{"a":1}])") && heard(w, 0, "question");
    });
}

TEST_CASE("a polling session survives or ends whole, whichever operation fails") {
    with_server(10, [](server_world& w) {
        std::string const path = "/socket.io/?EIO=4&transport=polling", own = path + "&sid=$0";
        say(w, 0, get(path));
        say(w, 0, post(own, "40"));
        say(w, 0, get(own));
        say(w, 0, get(own)); // hangs
        say(w, 1, post(own, R"(421["echo",{"a":1}])"));
        w.act(0);
        say(w, 0, get(own));
        say(w, 0,
            post(own, R"(42["ask"])"
                      "\x1e"
                      R"(42["slow",1])"));
        say(w, 1, get(own));
        say(w, 0, post(own, "1"));
        return w.echoes() == 1 && heard(w, 0, R"(431[{"a":1}])") && heard(w, 0, "news");
    });
}

TEST_CASE("an upgrade comes about or not, whichever operation fails") {
    with_server(10, [](server_world& w) {
        std::string const path = "/socket.io/?EIO=4&transport=polling";
        say(w, 0, get(path));
        say(w, 0, post(path + "&sid=$0", "40"));
        say(w, 0, get(path + "&sid=$0"));
        say(w, 0, get(path + "&sid=$0")); // hangs until the upgrade
        say(w, 1, "GET /socket.io/?EIO=4&transport=websocket&sid=$0" + upgrade_fields);
        say(w, 1, masked(1, "2probe"));
        w.act(0);
        say(w, 1, masked(1, "5"));
        say(w, 1, masked(1, R"(421["echo",{"a":1}])"));
        w.act(0);
        w.half_close(1);
        w.turn();
        return w.echoes() == 1 && heard(w, 1, "3probe") && heard(w, 1, R"(431[{"a":1}])");
    });
}
