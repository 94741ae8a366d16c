#include "client_world.hpp"

#include <boost/asio/post.hpp>

#include <catch2/catch.hpp>

using namespace mad;
using namespace mad_test;
using engine::close_reason;
using engine::transport_kind;

namespace {

auto each_transport() {
    return GENERATE(transport_kind::polling, transport_kind::websocket);
}

/// Calls `fn` when `done` has come true, looking every millisecond.
struct when {
    when(boost::asio::io_context& ctx, std::function<bool()> d, std::function<void()> f)
        : timer(ctx)
        , done(std::move(d))
        , fn(std::move(f)) {
        look();
    }
    void look() {
        timer.expires_after(milliseconds(1));
        timer.async_wait([this](error_code ec) {
            if (ec)
                return;
            done() || ++looks > 10'000 ? fn() : look();
        });
    }
    boost::asio::steady_timer timer;
    std::function<bool()> done;
    std::function<void()> fn;
    int looks = 0;
};

} // namespace

TEST_CASE("messages go both ways, and a leave is heard as one") {
    auto const kind = each_transport();
    CAPTURE(to_string(kind));
    client_world w;
    engine::client c(w.home(), w.settings(only(kind)));
    w.told.when_open = [&] {
        CHECK(c.is_open());
        CHECK(c.kind() == kind);
        CHECK(c.sid().size() == 20);
        CHECK(c.send_text("hello"));
        CHECK(c.send_binary(std::string_view("\0\xff\x1e", 3)));
        CHECK(c.send_text("\xe2\x82\xac"));
        CHECK(c.send_text(""));
    };
    w.told.when_message = [&](std::string) {
        if (w.told.messages.size() == 4)
            c.close();
    };
    w.run(c);
    std::vector<std::string> const wanted{"hello", "b:" + std::string("\0\xff\x1e", 3),
                                          "\xe2\x82\xac", ""};
    CHECK(w.told.messages == wanted);
    CHECK(w.told.reason == close_reason::forced_close);
    CHECK_FALSE(w.told.why);
    CHECK(w.told.finished);
    CHECK(c.finished());
    CHECK_FALSE(c.send_text("late"));
    CHECK(w.log.closed == std::vector{close_reason::transport_close});
}

TEST_CASE("what is queued goes out before the goodbye") {
    auto const kind = each_transport();
    CAPTURE(to_string(kind));
    client_world w;
    engine::client c(w.home(), w.settings(only(kind)));
    w.told.when_open = [&] {
        for (int i = 0; i < 100; ++i)
            c.send_text(std::to_string(i));
        c.close();
        CHECK(w.told.closed); // at once
    };
    w.run(c);
    REQUIRE(w.log.messages.size() == 100);
    for (int i = 0; i < 100; ++i)
        CHECK(w.log.messages[static_cast<std::size_t>(i)] == std::to_string(i));
    CHECK(w.log.closed == std::vector{close_reason::transport_close});
}

TEST_CASE("nothing is lost or reordered over an upgrade") {
    client_world w;
    engine::client c(w.home(), w.settings(either_way()));
    constexpr std::size_t most = 2000;
    std::size_t sent = 0;
    bool upgraded = false;
    // Each echo sends another one, so that messages are under way at every step.
    auto const send = [&] {
        if (sent < most)
            c.send_text(std::to_string(sent++));
    };
    w.told.when_open = [&] {
        for (int i = 0; i < 20; ++i)
            send();
    };
    w.told.when_message = [&](std::string) {
        upgraded = upgraded || c.kind() == transport_kind::websocket;
        send();
        if (w.told.messages.size() == most)
            c.close();
    };
    w.run(c);
    REQUIRE(w.told.messages.size() == most);
    for (std::size_t i = 0; i < most; ++i)
        REQUIRE(w.told.messages[i] == std::to_string(i));
    CHECK(upgraded);
    CHECK(w.log.closed == std::vector{close_reason::transport_close});
}

TEST_CASE("no upgrade where either side does not want one") {
    struct row {
        bool client, server, offered;
    };
    auto const r = GENERATE(row{false, true, true}, row{true, false, true}, row{true, true, false});
    engine::server_settings s;
    s.allow_upgrades = r.server;
    client_world w(s);
    auto settings = w.settings(r.offered ? either_way() : only(transport_kind::polling));
    settings.upgrade = r.client;
    engine::client c(w.home(), settings);
    w.told.when_open = [&] { c.send_text("x"); };
    w.told.when_message = [&](std::string) {
        CHECK_FALSE(c.upgrading());
        c.close();
    };
    w.run(c);
    CHECK(c.kind() == transport_kind::polling);
    CHECK(w.http->connections() == 0);
}

TEST_CASE("the server's pings keep a silent session alive") {
    auto const kind = each_transport();
    CAPTURE(to_string(kind));
    engine::server_settings s;
    s.ping_interval = milliseconds(20);
    s.ping_timeout = milliseconds(1000);
    client_world w(s);
    engine::client c(w.home(), w.settings(only(kind)));
    std::optional<when> seen;
    w.told.when_open = [&] {
        seen.emplace(
            w.ctx, [&] { return c.pings() >= 5 || w.told.closed; }, [&] { c.close(); });
    };
    w.run(c);
    CHECK(c.pings() >= 5);
    CHECK(w.told.reason == close_reason::forced_close);
}

TEST_CASE("a session that the server ends is over with its last words heard") {
    auto const kind = each_transport();
    CAPTURE(to_string(kind));
    client_world w;
    engine::client c(w.home(), w.settings(only(kind)));
    w.told.when_open = [&] { c.send_text("first"); };
    w.told.when_message = [&](std::string m) {
        if (m != "first")
            return;
        w.log.open.front()->send_text("last words");
        w.log.open.front()->close();
    };
    w.run(c);
    CHECK(w.told.messages == std::vector<std::string>{"first", "last words"});
    CHECK(w.told.reason == close_reason::transport_close);
    CHECK_FALSE(w.told.why);
}

TEST_CASE("a message over the server's limit ends the session") {
    auto const kind = each_transport();
    CAPTURE(to_string(kind));
    engine::server_settings s;
    s.max_payload = 1000;
    client_world w(s);
    engine::client c(w.home(), w.settings(only(kind)));
    w.told.when_open = [&] { c.send_text(std::string(1000, 'x')); };
    w.run(c);
    if (kind == transport_kind::polling)
        CHECK(w.told.why == engine::error::payload_too_large);
    CHECK(w.told.closed);
    CHECK(w.told.messages.empty());
}

TEST_CASE("many messages are split over bodies that the server takes") {
    engine::server_settings s;
    s.max_payload = 1000;
    client_world w(s);
    engine::client c(w.home(), w.settings(only(transport_kind::polling)));
    w.told.when_open = [&] {
        for (int i = 0; i < 50; ++i)
            i % 2 ? c.send_text(std::string(300, 'x')) : c.send_binary(std::string(300, 'y'));
    };
    w.told.when_message = [&](std::string) {
        if (w.told.messages.size() == 50)
            c.close();
    };
    w.run(c);
    CHECK(w.told.messages.size() == 50);
    CHECK(w.told.reason == close_reason::forced_close);
}

TEST_CASE("a message over our own limit ends the session") {
    auto const kind = each_transport();
    CAPTURE(to_string(kind));
    client_world w;
    auto settings = w.settings(only(kind));
    settings.max_payload = 1000;
    engine::client c(w.home(), settings);
    w.told.when_open = [&] { c.send_text(std::string(2000, 'x')); };
    w.run(c);
    CHECK(w.told.messages.empty());
    CHECK(w.told.reason == close_reason::transport_error);
}

TEST_CASE("a queue that is full ends the session as a slow consumer") {
    auto const kind = each_transport();
    CAPTURE(to_string(kind));
    client_world w;
    auto settings = w.settings(only(kind));
    settings.outbox = {10'000, 100};
    engine::client c(w.home(), settings);
    bool refused = false;
    w.told.when_open = [&] {
        // More than the kernel takes while nobody reads.
        for (int i = 0; i < 50'000 && !refused; ++i)
            refused = !c.send_text(std::string(1000, 'x'));
    };
    w.run(c);
    CHECK(refused);
    CHECK(w.told.reason == close_reason::slow_consumer);
    CHECK(w.told.why == engine::error::queue_full);
}

TEST_CASE("a paused client hears nothing until it goes on, and then everything in order") {
    auto const kind = each_transport();
    CAPTURE(to_string(kind));
    client_world w;
    engine::client c(w.home(), w.settings(only(kind)));
    std::optional<when> later;
    std::size_t while_paused = 0;
    w.told.when_open = [&] {
        for (int i = 0; i < 20; ++i)
            c.send_text(std::to_string(i));
    };
    w.told.when_message = [&](std::string m) {
        if (m == "3") {
            c.pause();
            while_paused = w.told.messages.size();
            later.emplace(
                w.ctx, [&] { return w.log.messages.size() == 20; },
                [&] {
                    CHECK(w.told.messages.size() == while_paused);
                    c.resume();
                });
        }
        if (w.told.messages.size() == 20)
            c.close();
    };
    w.run(c);
    REQUIRE(w.told.messages.size() == 20);
    for (int i = 0; i < 20; ++i)
        CHECK(w.told.messages[static_cast<std::size_t>(i)] == std::to_string(i));
}

TEST_CASE("a client may be destroyed at any time, and nobody is called") {
    enum class moment { opening, open, upgrading, leaving };
    auto const m = GENERATE(moment::opening, moment::open, moment::upgrading, moment::leaving);
    auto const kinds = m == moment::upgrading ? either_way() : only(each_transport());
    CAPTURE(static_cast<int>(m), to_string(kinds.front()));
    engine::server_settings impatient;
    impatient.goodbye_timeout = milliseconds(10);
    client_world w(impatient);
    auto c = std::make_unique<engine::client>(w.home(), w.settings(kinds));
    std::optional<when> later;
    auto const destroy = [&] {
        w.home().reap(std::move(c));
        // Over polling the server cannot know yet.
        later.emplace(
            w.ctx, [] { return true; },
            [&] {
                w.server.close();
                w.http->close();
            });
    };
    w.told.when_open = [&] {
        if (m == moment::upgrading)
            boost::asio::post(w.ctx, [&] {
                CHECK(c->upgrading());
                destroy();
            });
        else if (m == moment::open)
            destroy();
        else if (m == moment::leaving) {
            c->close();
            destroy();
        }
    };
    c->open(w.told);
    if (m == moment::opening)
        destroy();
    w.ctx.run();
    CHECK_FALSE(c);
    CHECK(w.told.opened == (m != moment::opening));
    CHECK(w.told.closed == (m == moment::leaving));
}

TEST_CASE("a transport that the server does not have is an error, or the next one's turn") {
    engine::server_settings s;
    s.handshake.polling = false;
    client_world w(s);
    auto settings = w.settings(either_way());
    settings.try_all_transports = GENERATE(false, true);
    engine::client c(w.home(), settings);
    w.told.when_open = [&] { c.close(); };
    w.run(c);
    CHECK(w.told.opened == settings.try_all_transports);
    CHECK(c.kind() ==
          (settings.try_all_transports ? transport_kind::websocket : transport_kind::polling));
    if (!settings.try_all_transports)
        CHECK(w.told.why == engine::error::transport_failed);
}
