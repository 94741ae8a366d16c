#include "scripted_world.hpp"

#include <catch2/catch.hpp>

using namespace mad;
using namespace mad_test;
using engine::close_reason;
using engine::revision;
using engine::transport_kind;

namespace {

engine::server_settings of_both() {
    engine::server_settings s;
    s.handshake.allow_eio3 = true;
    return s;
}

engine::client_settings old(client_world const& w, std::vector<transport_kind> kinds,
                            bool b64 = false) {
    auto s = w.settings(std::move(kinds));
    s.rev = revision::eio3;
    s.b64 = b64;
    return s;
}

constexpr char const* usual_open =
    R"(0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000})";

std::string counted(std::string_view packet) {
    return std::to_string(packet.size()) + ':' + std::string(packet);
}

/// A client of revision 3 over polling: GETs come over the first connection, POSTs over the second.
void run_old(scripted_world& w) {
    w.run(only(transport_kind::polling),
          [](engine::client_settings& s) { s.rev = revision::eio3; });
}

} // namespace

TEST_CASE("text and bytes go both ways with revision 3, over each wire") {
    auto const kinds = GENERATE(only(transport_kind::polling), only(transport_kind::websocket));
    auto const b64 = GENERATE(false, true);
    CAPTURE(to_string(kinds.front()), b64);
    client_world w(of_both());
    engine::client c(w.home(), old(w, kinds, b64));
    std::string const bytes("\0\xff\x1e\x04", 4);
    w.told.when_open = [&] {
        CHECK(c.send_text("hello"));
        CHECK(c.send_binary(bytes));
        CHECK(c.send_text("\xe2\x82\xac\xf0\x9f\x98\x80"));
        CHECK(c.send_binary(""));
        CHECK(c.send_text(""));
    };
    w.told.when_message = [&](std::string) {
        if (w.told.messages.size() == 5)
            c.close();
    };
    w.run(c);
    std::vector<std::string> const wanted{"hello", "b:" + bytes, "\xe2\x82\xac\xf0\x9f\x98\x80",
                                          "b:", ""};
    CHECK(w.told.messages == wanted);
    CHECK(w.log.messages[1] == bytes);
    CHECK(w.log.closed == std::vector{close_reason::transport_close});
}

TEST_CASE("nothing is lost or reordered over an upgrade of revision 3") {
    client_world w(of_both());
    engine::client c(w.home(), old(w, either_way()));
    constexpr std::size_t most = 1000;
    std::size_t sent = 0;
    auto const send = [&] {
        if (sent == most)
            return;
        auto const text = std::to_string(sent++);
        sent % 3 ? c.send_text(text) : c.send_binary(text);
    };
    w.told.when_open = [&] {
        for (int i = 0; i < 20; ++i)
            send();
    };
    bool upgraded = false;
    w.told.when_message = [&](std::string) {
        upgraded = upgraded || c.kind() == transport_kind::websocket;
        send();
        if (w.told.messages.size() == most)
            c.close();
    };
    w.run(c);
    REQUIRE(w.told.messages.size() == most);
    for (std::size_t i = 0; i < most; ++i)
        REQUIRE(w.told.messages[i] == ((i + 1) % 3 ? "" : "b:") + std::to_string(i));
    CHECK(upgraded);
}

TEST_CASE("with revision 3 it is the client that pings, and so keeps its session") {
    auto const kind = GENERATE(transport_kind::polling, transport_kind::websocket);
    CAPTURE(to_string(kind));
    auto s = of_both();
    s.ping_interval = milliseconds(20);
    s.ping_timeout = milliseconds(1000);
    client_world w(s);
    engine::client c(w.home(), old(w, only(kind)));
    struct counting final : engine::client_events {
        explicit counting(engine::client& x)
            : c(x) {}
        void on_open() override {}
        void on_message(std::string_view, bool) override {}
        void on_ping() override {
            if (++pings == 5)
                c.close();
        }
        void on_close(engine::close_reason r, error_code) override { reason = r; }
        void on_finished() override { then(); }
        engine::client& c;
        std::size_t pings = 0;
        engine::close_reason reason{};
        std::function<void()> then;
    } told(c);
    told.then = [&] { w.http->close(); };
    c.open(told);
    w.ctx.run();
    CHECK(told.pings == 5);
    CHECK(c.pings() == 5);
    CHECK(told.reason == close_reason::forced_close);
}

TEST_CASE("a ping that is not answered in time is the end") {
    scripted_world w({{{answer_of(counted(
                          R"(0{"sid":"abc","upgrades":[],"pingInterval":30,"pingTimeout":20})"))}},
                      {{answer_of("ok")}}});
    std::chrono::steady_clock::time_point opened;
    w.told.when_open = [&] { opened = std::chrono::steady_clock::now(); };
    run_old(w);
    CHECK(w.told.opened);
    CHECK(w.told.reason == close_reason::ping_timeout);
    CHECK(std::chrono::steady_clock::now() - opened >= milliseconds(50));
    REQUIRE(w.server.requests().size() >= 2); // the handshake, the ping
    CHECK(w.server.requests()[1].ends_with("\r\n\r\n1:2"));
}

TEST_CASE("a body of revision 3 is text until there are bytes in it") {
    struct row {
        std::string text;
        bool bytes;
        std::string_view type;
        std::string body;
    };
    auto const r =
        GENERATE(row{"\xe2\x82\xac", false, "text/plain;charset=UTF-8", "2:4\xe2\x82\xac"},
                 row{"\xf0\x9f\x98\x80", false, "text/plain;charset=UTF-8", "3:4\xf0\x9f\x98\x80"},
                 row{"\xe2\x82\xac", true, "application/octet-stream",
                     std::string("\x00\x04\xff"
                                 "4\xe2\x82\xac"
                                 "\x01\x05\xff\x04\x01\x02\x03\x04",
                                 15)});
    scripted_world w({{{answer_of(counted(usual_open) + "2:40")}}, {{answer_of("ok")}}});
    w.told.when_message = [&](std::string first) {
        CHECK(first == "0"); // behind the open packet, in the same body
        w.client->send_text(r.text);
        if (r.bytes)
            w.client->send_binary("\x01\x02\x03\x04");
        w.client->close();
    };
    run_old(w);
    REQUIRE(w.server.requests().size() >= 2); // the handshake, the POST
    auto const& post = w.server.requests()[1];
    CHECK(post.find("EIO=3&transport=polling") != post.npos);
    CHECK(post.find("Content-Type: " + std::string(r.type) + "\r\n") != post.npos);
    CHECK(post.substr(post.find("\r\n\r\n") + 4) == r.body);
}

TEST_CASE("answers of revision 3 are read by their type") {
    struct row {
        std::string body;
        std::string_view type;
        std::vector<std::string> messages;
        close_reason reason;
    };
    auto const r =
        GENERATE(row{"6:4hello10:b4AQIDBA==1:1",
                     "text/plain; charset=UTF-8",
                     {"hello", "b:\x01\x02\x03\x04"},
                     close_reason::transport_close},
                 row{std::string("\x00\x04\xff"
                                 "4\xe2\x82\xac"
                                 "\x01\x05\xff\x04\x01\x02\x03\x04"
                                 "\x00\x01\xff"
                                 "1",
                                 19),
                     "application/octet-stream",
                     {"\xe2\x82\xac", "b:\x01\x02\x03\x04"},
                     close_reason::transport_close},
                 row{"4hello", "text/plain; charset=UTF-8", {}, close_reason::parse_error});
    auto const field = "Content-Type: " + std::string(r.type) + "\r\n";
    scripted_world w(
        {{{answer_of(counted(usual_open))}, {answer_of(r.body, field)}}, {{answer_of("ok")}}});
    run_old(w);
    CHECK(w.told.messages == r.messages);
    CHECK(w.told.reason == r.reason);
}
