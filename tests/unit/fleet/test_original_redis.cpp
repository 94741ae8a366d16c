#include <mad/fleet/original.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <vector>

using namespace mad::fleet;

namespace {

/// A broadcast as socket.io-redis 5.2 writes it: `[uid, {type: 2, data, nsp: "/"}, {rooms: [],
/// flags: {}}]`.
std::string broadcast(std::string const& uid, std::string const& data) {
    auto const text = [](std::string const& s) { return char(0xa0 + s.size()) + s; };
    return "\x93" + text(uid) + "\x83" + text("type") + "\x02" + text("data") + data + text("nsp") +
           text("/") + "\x82" + text("rooms") + "\x90" + text("flags") + "\x80";
}

std::string const update_x = "\x92\xb1web_client_update\x82\xa2id\xa1x\xa6health\x80";
std::string const gone_x = "\x92\xb5web_client_disconnect\xa1x";

} // namespace

TEST_CASE("what the original tells consoles is read") {
    original_dialect d;
    CHECK(d.channel() == "socket.io#/#");
    auto const update = d.read(broadcast("abcdef", update_x));
    REQUIRE(update);
    CHECK(update->is_update);
    CHECK(update->text == R"({"id":"x","health":{}})");
    auto const gone = d.read(broadcast("abcdef", gone_x));
    REQUIRE(gone);
    CHECK_FALSE(gone->is_update);
    CHECK(gone->text == "x");
}

TEST_CASE("all else on that channel is for others") {
    original_dialect d;
    CHECK_FALSE(d.read(broadcast("abcdef", "\x92\xa5hello\x01")));
    CHECK_FALSE(d.read(broadcast("abcdef", "\x91\xb1web_client_update")));
    CHECK_FALSE(d.read(""));
    CHECK_FALSE(d.read("\x93"));
    CHECK_FALSE(d.read(std::string(10'000, '\x91')));
}

TEST_CASE("the original is told in its own words, which nodes of ours pass over") {
    original_dialect d;
    auto const update = d.update(R"({"id":"x","health":{}})");
    CHECK(update == broadcast("mad-fleet", update_x));
    CHECK(d.gone("x") == broadcast("mad-fleet", gone_x));
    CHECK_FALSE(d.read(update));
    CHECK_FALSE(d.read(d.gone("x")));
}

namespace {

/// Keeps handlers, so that a test may call them.
class listening_bus final : public mad::sync::bus {
  public:
    void send(mad::redis::command) override {}
    void exec(mad::redis::command, reply_handler) override {}
    void exec_blocking(std::size_t, mad::redis::command, reply_handler) override {}
    void transaction(mad::redis::pipeline, batch_handler) override {}
    std::uint64_t subscribe(mad::sync::subscription, std::string name, message_handler h) override {
        handlers[name] = std::move(h);
        return handlers.size();
    }
    void unsubscribe(std::uint64_t) override { handlers.clear(); }
    bool is_up() const override { return true; }
    void after(mad::milliseconds, std::function<void()>) override {}

    std::map<std::string, message_handler> handlers;
};

} // namespace

TEST_CASE("the adapter does not hear what is for consoles, and hears all else") {
    auto const inner = std::make_shared<listening_bus>();
    auto const bus = without_console_events(inner);
    std::vector<std::string> heard;
    auto const hear = [&](std::string_view channel, std::string_view) {
        heard.emplace_back(channel);
    };
    using mad::sync::subscription;
    bus->subscribe(subscription::pattern, "socket.io#/#*", hear);
    bus->subscribe(subscription::pattern, "socket.io#/chat#*", hear);
    auto const& root = inner->handlers.at("socket.io#/#*");
    root("socket.io#/#", broadcast("abcdef", update_x));
    root("socket.io#/#", broadcast("mad-fleet", gone_x));
    CHECK(heard.empty());
    root("socket.io#/#", broadcast("abcdef", "\x92\xa5hello\x01"));
    root("socket.io#/#", "nonsense");
    root("socket.io#/#room#", broadcast("abcdef", update_x));
    inner->handlers.at("socket.io#/chat#*")("socket.io#/chat#", broadcast("abcdef", update_x));
    CHECK(heard == std::vector<std::string>{"socket.io#/#", "socket.io#/#", "socket.io#/#room#",
                                            "socket.io#/chat#"});
    bus->unsubscribe(1);
    CHECK(inner->handlers.empty());
}
