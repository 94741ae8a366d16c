#include <mad/core/json.hpp>
#include <mad/socketio/detail/listener_table.hpp>
#include <mad/socketio/socket.hpp>

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <vector>

using namespace mad;
namespace sio = mad::socketio;
using kind = sio::detail::listener_kind;

namespace {

/// An event that nobody looks at.
struct any_event final : sio::event_context {
    sio::socket const& who() const override { return whom; }
    sio::packet const& what() const override { return p; }
    std::string_view name() const override { return {}; }
    sio::ack reply() override { return {}; }
    void mismatch(mad::error_code) override {}
    void start(boost::asio::awaitable<void>) override {}
    sio::socket whom;
    sio::packet p{sio::packet_view{}};
};

/// A table whose listeners write their names down.
struct world {
    sio::listener_id add(std::string event, std::string text, kind k = kind::event,
                         bool once = false, bool front = false, std::function<void()> then = {}) {
        auto const how = sio::detail::registered(k, once, front);
        table.add(
            std::move(event),
            [this, text = std::move(text), then = std::move(then)](sio::event_context&) {
                seen += text;
                if (then)
                    then();
            },
            how);
        return how.id;
    }

    /// What an event calls, in order.
    std::string run(std::string_view event, kind k = kind::event) {
        seen.clear();
        any_event e;
        auto const call = [&](sio::listener const& fn) { fn(e); };
        auto const any = k == kind::event ? table.run(event, call) : table.run(k, call);
        CHECK(any == !seen.empty());
        return seen;
    }

    sio::detail::listener_table table;
    std::string seen;
};

} // namespace

TEST_CASE("listeners are called in order of registration, prepended ones first") {
    world w;
    w.add("x", "a");
    w.add("y", "-");
    w.add("x", "b");
    w.add("x", "c", kind::event, false, true);
    w.add("x", "d", kind::event, false, true);
    CHECK(w.run("x") == "dcab");
    CHECK(w.run("y") == "-");
    CHECK(w.run("z").empty());
}

TEST_CASE("a listener that is meant once is gone before it is called") {
    world w;
    w.add("x", "a");
    w.add("x", "b", kind::event, true, false, [&] {
        if (w.seen.size() < 4)
            w.table.run("x", [&](sio::listener const&) { w.seen += '.'; });
    });
    w.add("x", "c", kind::event, true, true);
    CHECK(w.run("x") == "cab.");
    CHECK(w.run("x") == "a");
}

TEST_CASE("kinds do not meet") {
    world w;
    w.add("", "any", kind::any);
    w.add("", "out", kind::outgoing);
    w.add("", "rest", kind::unhandled);
    w.add("", "empty name");
    CHECK(w.run("") == "empty name");
    CHECK(w.run({}, kind::any) == "any");
    CHECK(w.run({}, kind::outgoing) == "out");
    CHECK(w.run({}, kind::unhandled) == "rest");
    CHECK(w.table.has(kind::outgoing));
    w.table.remove(kind::outgoing);
    CHECK_FALSE(w.table.has(kind::outgoing));
    CHECK(w.run({}, kind::any) == "any");
    w.table.remove(kind::event);
    CHECK(w.run("").empty());
    CHECK(w.run({}, kind::unhandled) == "rest");
}

TEST_CASE("one registration is taken back by its id, and no other") {
    world w;
    w.add("x", "a");
    auto const b = w.add("x", "b");
    w.add("x", "c");
    auto const any = w.add("", "any", kind::any);
    CHECK(b);
    CHECK_FALSE(b == any);
    w.table.remove(b);
    w.table.remove(sio::listener_id{});
    w.table.remove(b);
    CHECK(w.run("x") == "ac");
    w.table.remove(any);
    CHECK(w.run({}, kind::any).empty());
    w.table.remove("x");
    CHECK(w.table.empty());
}

TEST_CASE("a table may change while it runs") {
    struct row {
        char const* what;
        std::function<void(world&)> change;
        char const *now, *later;
    };
    sio::listener_id last;
    auto const r = GENERATE_REF(values<row>({
        {"one is added", [](world& w) { w.add("x", "n"); }, "abc", "abcn"},
        {"one is prepended", [](world& w) { w.add("x", "n", kind::event, false, true); }, "abc",
         "nabc"},
        {"all go", [](world& w) { w.table.remove("x"); }, "a", ""},
        {"the table is cleared", [](world& w) { w.table.clear(); }, "a", ""},
        {"the last goes", [&](world& w) { w.table.remove(last); }, "ab", "ab"},
        {"many are added",
         [](world& w) {
             for (int i = 0; i < 100; ++i)
                 w.add("y", "-", kind::event, false, true);
         },
         "abc", "abc"},
    }));
    CAPTURE(r.what);
    world w;
    bool done = false;
    w.add("x", "a", kind::event, false, false, [&] {
        if (!std::exchange(done, true))
            r.change(w);
    });
    w.add("x", "b");
    last = w.add("x", "c");
    CHECK(w.run("x") == r.now);
    CHECK(w.run("x") == r.later);
}
