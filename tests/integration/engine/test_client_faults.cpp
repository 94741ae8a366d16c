#include "scripted_world.hpp"

#include <mad/net/http/client_error.hpp>

#include <catch2/catch.hpp>

using namespace mad;
using namespace mad_test;
using engine::close_reason;
using engine::transport_kind;

namespace {

constexpr char const* usual_open =
    R"(0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000})";

} // namespace

TEST_CASE("a polling handshake that is none is an error") {
    struct row {
        char const* what;
        std::string answer;
        close_reason reason;
        error_code why;
    };
    auto const r = GENERATE(
        row{"404", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            close_reason::transport_error, engine::error::transport_failed},
        row{"a page", answer_of("<html>"), close_reason::parse_error, engine::error::bad_packet},
        row{"nothing", answer_of(""), close_reason::parse_error, engine::error::bad_packet},
        row{"a message", answer_of("4hello"), close_reason::parse_error, engine::error::bad_open},
        row{"no JSON", answer_of("0{"), close_reason::parse_error, engine::error::bad_open},
        row{"no sid", answer_of(R"(0{"pingInterval":1,"pingTimeout":1})"),
            close_reason::parse_error, engine::error::bad_open},
        row{"revision 3", answer_of("97:" + std::string(usual_open)), close_reason::parse_error,
            engine::error::bad_packet},
        row{"not HTTP", "hello\r\n\r\n", close_reason::transport_error,
            net::http::client_error::bad_response});
    CAPTURE(r.what);
    scripted_world w({{{r.answer}}});
    w.run(only(transport_kind::polling));
    CHECK_FALSE(w.told.opened);
    CHECK(w.told.finished);
    CHECK(w.told.reason == r.reason);
    CHECK(w.told.why == r.why);
}

TEST_CASE("a websocket handshake that is none is an error") {
    auto const answer = GENERATE(
        as<std::string>(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
    CAPTURE(answer);
    scripted_world w({{{answer}}});
    w.run(only(transport_kind::websocket));
    CHECK_FALSE(w.told.opened);
    CHECK(w.told.reason == close_reason::transport_error);
    CHECK(w.told.why == engine::error::transport_failed);
}

TEST_CASE("a server that says nothing runs into the timeout") {
    auto const kind = GENERATE(transport_kind::polling, transport_kind::websocket);
    CAPTURE(to_string(kind));
    scripted_world w(std::vector<scripted_server::script>(1));
    w.run(only(kind), [](engine::client_settings& s) { s.timeout = milliseconds(30); });
    CHECK_FALSE(w.told.opened);
    CHECK(w.told.reason == close_reason::transport_error);
    CHECK((w.told.why == engine::error::timeout || w.told.why == net::http::client_error::timeout));
}

TEST_CASE("silence for an interval and a timeout is the end") {
    auto const open = R"(0{"sid":"abc","upgrades":[],"pingInterval":20,"pingTimeout":30})";
    scripted_world w({{{answer_of(open)}}});
    std::chrono::steady_clock::time_point opened;
    w.told.when_open = [&] { opened = std::chrono::steady_clock::now(); };
    w.run(only(transport_kind::polling));
    CHECK(w.told.opened);
    CHECK(w.told.reason == close_reason::ping_timeout);
    CHECK(std::chrono::steady_clock::now() - opened >= milliseconds(50));
}

TEST_CASE("what a polling server may do wrong ends the session, and says why") {
    struct row {
        char const* what;
        scripted_server::step step;
        close_reason reason;
    };
    auto const r = GENERATE(row{"400",
                                {"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"},
                                close_reason::transport_error},
                            row{"cut",
                                {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n4h", true},
                                close_reason::transport_error},
                            row{"bad packet", {answer_of("4ok\x1ex")}, close_reason::parse_error},
                            row{"close packet",
                                {answer_of("4ok\x1e"
                                           "1\x1e"
                                           "4late")},
                                close_reason::transport_close});
    CAPTURE(r.what);
    scripted_world w({{{answer_of(usual_open)}, r.step}, {{answer_of("ok")}}});
    w.run(only(transport_kind::polling));
    CHECK(w.told.opened);
    CHECK(w.told.finished);
    CHECK(w.told.reason == r.reason);
    if (std::string(r.step.answer).find("4ok") != std::string::npos)
        CHECK(w.told.messages == std::vector<std::string>{"ok"});
}

TEST_CASE("a refused upgrade leaves the session on polling") {
    auto const open =
        R"(0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000})";
    // Connections come in this order: GETs, the websocket, the first POST.
    scripted_world w({{{answer_of(open)}, {answer_of("4after", "X: y\r\n")}},
                      {{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"}},
                      {{answer_of("ok")}, {answer_of("ok")}}});
    w.told.when_message = [&](std::string) {
        CHECK(w.client->kind() == transport_kind::polling);
        w.client->close();
    };
    w.run(either_way());
    CHECK(w.told.messages == std::vector<std::string>{"after"});
    CHECK(w.told.reason == close_reason::forced_close);
}

TEST_CASE("a goodbye that nobody hears is not waited for long") {
    // GETs are answered once, POSTs never.
    scripted_world w({{{answer_of(usual_open)}}, {}});
    w.told.when_open = [&] {
        w.client->send_text("x");
        w.client->close();
    };
    auto const start = std::chrono::steady_clock::now();
    w.run(only(transport_kind::polling));
    CHECK(w.told.finished);
    CHECK(std::chrono::steady_clock::now() - start >= milliseconds(200));
    CHECK(std::chrono::steady_clock::now() - start < seconds(5));
}
