#include "client_world.hpp"

using namespace mad_test;

namespace {

story listen(client_world& w, std::string transports) {
    w.io.on("say", [](sio::socket s, std::string event) { s.emit(event, event); });
    auto& c = *co_await w.join(w.settings(transports));
    std::string seen;
    auto const note = [&seen](std::string text) { return [&seen, text] { seen += text + ' '; }; };
    c.socket.on("x", note("x"));
    c.socket.once("x", note("once"));
    c.socket.prepend("x", note("first"));
    auto const gone = c.socket.on("x", note("gone"));
    c.socket.off(gone);
    auto const any = c.socket.on_any(
        [&seen](std::string event, sio::arguments) { seen += "any-" + event + ' '; });
    c.socket.prepend_any([&seen](std::string, sio::arguments) { seen += "any "; });
    inbox<std::string> ended(w.ctx);
    c.socket.on("end", [&ended] { ended.push("end"); });
    auto const say = [&c](std::string event) { c.socket.emit("say", event); };

    say("x");
    say("y");
    say("end");
    co_await ended.next();
    CHECK(seen == "any any-x first x once any any-y any any-end ");
    seen.clear();
    c.socket.off(any);
    say("x");
    say("end");
    co_await ended.next();
    CHECK(seen == "any first x any ");
    seen.clear();
    c.socket.off_any();
    c.socket.off("x");
    say("x");
    say("end");
    co_await ended.next();
    CHECK(seen.empty());
    // Only those that nobody else took.
    auto const y = co_await c.events.next();
    auto const x = co_await c.events.next();
    auto const wanted_y = json::array({"y", "y"}), wanted_x = json::array({"x", "x"});
    CHECK(y == wanted_y);
    CHECK(x == wanted_x);
}

} // namespace

TEST_CASE(
    "a client's listeners may be meant once, stand first, see everything, and be taken back") {
    auto const* const transports = GENERATE("websocket", "polling", "both");
    client_world w;
    w.play(listen(w, transports));
}
