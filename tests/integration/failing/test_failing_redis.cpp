#include "failing_world.hpp"

#include <support/hand_redis.hpp>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

using namespace mad_test;
using namespace mad_test::hand;

namespace {

/// The next whole command of a text, which loses it; empty: there is none yet.
std::vector<std::string> next_command(std::string& text) {
    std::vector<std::string> words;
    std::size_t at = 0;
    auto const line = [&]() -> std::string {
        auto const end = text.find("\r\n", at);
        if (end == text.npos)
            return {};
        auto const l = text.substr(at, end - at);
        at = end + 2;
        return l;
    };
    auto const head = line();
    if (!head.starts_with('*'))
        return {};
    for (int n = std::atoi(head.c_str() + 1); n > 0; --n) {
        auto const length = line();
        if (!length.starts_with('$'))
            return {};
        auto const size = static_cast<std::size_t>(std::atoi(length.c_str() + 1));
        if (text.size() < at + size + 2)
            return {};
        words.push_back(text.substr(at, size));
        at += size + 2;
    }
    text.erase(0, at);
    return words;
}

std::string answer_to(std::vector<std::string> const& words) {
    auto const& name = words.front();
    if (name == "HELLO")
        return "*4\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n";
    if (name == "SUBSCRIBE")
        return "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
               "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n";
    if (name == "GET")
        return "$5\r\nvalue\r\n";
    if (name == "HSET" || name == "PUBLISH")
        return ":1\r\n";
    if (name == "MULTI")
        return "+OK\r\n";
    if (name == "INCR")
        return "+QUEUED\r\n";
    if (name == "EXEC")
        return "*2\r\n:1\r\n:2\r\n";
    if (name == "EVALSHA")
        return "-NOSCRIPT no such script\r\n";
    if (name == "EVAL")
        return ":1\r\n";
    return "+PONG\r\n";
}

void serve(redis_world& w) {
    for (int round = 0; round < 6; ++round) {
        for (auto& c : w.calls())
            for (auto words = next_command(c.received); !words.empty();
                 words = next_command(c.received))
                c.send(answer_to(words));
        w.turn();
    }
}

} // namespace

TEST_CASE("every command is answered once and the subscriber returns, whichever operation fails") {
    with_each_failure(10, [](auto spoil_now) {
        redis_world w(redis::parse_url("redis://127.0.0.1").value());
        spoil_now();
        serve(w);
        for (unsigned what : {0u, 1u, 2u, 3u, 4u}) // each in a turn of its own
            w.act(what), w.turn(), serve(w);
        for (unsigned what : {0u, 1u, 2u}) // all in one
            w.act(what);
        w.turn();
        serve(w);
        if (w.calls().size() > 1)
            w.close(1); // the subscriber's
        for (int i = 0; i < 20; ++i) {
            w.advance(mad::milliseconds(500));
            serve(w);
        }
        w.act(1);
        w.turn();
        serve(w);
        outcome o;
        o.done = w.answered() == 9 && w.resubscribed() == 2 && w.heard() == 2;
        // Whatever has failed, both are there again by now.
        bool const back = w.resubscribed() >= 1 && w.answered() >= 1;
        o.wrong = w.finish();
        if (!back)
            o.wrong += "they have not come back; ";
        return o;
    });
}
