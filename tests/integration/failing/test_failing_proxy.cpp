#include "failing_world.hpp"

#include <support/hand_proxy.hpp>

using namespace mad_test;
using namespace mad_test::hand;

namespace {

std::string const open_answer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 58\r\n\r\n"
    R"(0{"sid":"abcdefghijklmnopqrst","upgrades":["websocket"]}  )";
std::string const switching =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
std::string const large(40'000, 'x');

/// Nodes answer what they are asked, over whichever connection it comes.
void answer(proxy_world& w) {
    for (int round = 0; round < 4; ++round) {
        for (auto& n : w.nodes()) {
            if (n.received.empty())
                continue;
            auto const asked = std::exchange(n.received, {});
            if (asked.find("websocket") != asked.npos && asked.starts_with("GET "))
                n.send(switching + std::string("\x81\x7e\x9c\x40", 4) + large);
            else if (asked.starts_with("POST "))
                n.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
            else if (asked.starts_with("GET "))
                n.send(open_answer);
        }
        w.turn();
    }
}

void say(proxy_world& w, unsigned who, std::string const& text) {
    w.send(who, text);
    w.turn();
    answer(w);
}

bool heard(proxy_world const& w, unsigned who, std::string_view text) {
    return w.client(who) && w.client(who)->received.find(text) != std::string::npos;
}

template <class Talk>
void with_proxy(std::size_t at_least, Talk talk) {
    with_each_failure(at_least, [&](auto spoil_now) {
        proxy_world w;
        spoil_now();
        outcome o;
        o.done = talk(w);
        w.advance(mad::seconds(30)); // upstreams may have to come up again
        w.advance(mad::seconds(30));
        stop_spoiling(); // whoever comes later is served as if nothing had been
        say(w, 3, get("/socket.io/?EIO=4&transport=polling"));
        auto const still = heard(w, 3, "HTTP/1.1 200 OK\r\n");
        std::string const got = w.client(3) ? w.client(3)->received : "not there";
        o.wrong = w.finish();
        if (!still)
            o.wrong += "another client is not served: " + got;
        return o;
    });
}

} // namespace

TEST_CASE("a proxied poll is answered or ended, whichever operation fails") {
    std::string const path = "/socket.io/?EIO=4&transport=polling";
    with_proxy(10, [&](proxy_world& w) {
        say(w, 0, get(path));
        say(w, 0, get(path + "&sid=abcdefghijklmnopqrst"));
        say(w, 0, post(path + "&sid=abcdefghijklmnopqrst", std::string(3000, 'b')));
        say(w, 1, get("/nothing"));
        return heard(w, 0, "abcdefghijklmnopqrst") && heard(w, 0, "ok") && heard(w, 1, " 404 ");
    });
}

TEST_CASE("a tunnel carries everything or ends, whichever operation fails") {
    with_proxy(10, [&](proxy_world& w) {
        say(w, 0, "GET /socket.io/?EIO=4&transport=websocket" + upgrade_fields);
        w.send(0, masked(1, "40") + masked(2, std::string(20'000, 'y')));
        w.turn();
        for (auto& n : w.nodes())
            n.send(std::string("\x81\x7e\x9c\x40", 4) + large);
        w.turn();
        auto const all = w.client(0) && w.client(0)->received.size() > 2 * large.size();
        w.half_close(0);
        w.turn();
        w.advance(mad::seconds(10));
        return all;
    });
}
