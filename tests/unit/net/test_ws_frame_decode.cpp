// What RFC 6455 allows: messages, fragments, control frames between them.
#include "test_ws_frame_support.hpp"

#include <catch2/catch.hpp>

#include <numeric>

using namespace mad_test;

namespace {

using events = std::vector<event>;

std::string pattern(std::size_t n) {
    std::string out(n, '\0');
    std::iota(out.begin(), out.end(), 'a');
    return out;
}

} // namespace

TEST_CASE("the examples of RFC 6455 section 5.7 are read") {
    struct row {
        std::string_view name, bytes;
        ws_role role;
        events expected;
    };
    for (auto const& r : std::vector<row>{
             {"an unmasked text",
              "81 05 48 65 6c 6c 6f",
              ws_role::client,
              {{ws_opcode::text, "Hello"}}},
             {"a masked text",
              "81 85 37 fa 21 3d 7f 9f 4d 51 58",
              ws_role::server,
              {{ws_opcode::text, "Hello"}}},
             {"a fragmented unmasked text",
              "01 03 48 65 6c  80 02 6c 6f",
              ws_role::client,
              {{ws_opcode::text, "Hello"}}},
             {"an unmasked ping",
              "89 05 48 65 6c 6c 6f",
              ws_role::client,
              {{ws_opcode::ping, "Hello"}}},
             {"a masked pong",
              "8a 85 37 fa 21 3d 7f 9f 4d 51 58",
              ws_role::server,
              {{ws_opcode::pong, "Hello"}}},
         }) {
        INFO(r.name);
        CHECK(decode(r.role, unhex(r.bytes)) == outcome{r.expected, {}});
    }
    auto const medium = pattern(256), large = pattern(65536);
    CHECK(decode(ws_role::client, unhex("82 7e 01 00") + medium).events ==
          events{{ws_opcode::binary, medium}});
    CHECK(decode(ws_role::client, unhex("82 7f 00 00 00 00 00 01 00 00") + large).events ==
          events{{ws_opcode::binary, large}});
}

TEST_CASE("messages of every form of length are read, on both sides") {
    for (std::size_t n :
         {0u,   1u,   2u,   3u,   4u,   7u,     8u,     9u,     63u,    64u,       65u,
          124u, 125u, 126u, 127u, 128u, 65534u, 65535u, 65536u, 65537u, 1'000'000u}) {
        auto const data = pattern(n);
        for (auto role : {ws_role::server, ws_role::client}) {
            INFO(n);
            auto const stream = frame_for(role, ws_opcode::binary, data);
            CHECK(stream.size() == ws_header_size(n, role == ws_role::server) + n);
            CHECK(decode(role, stream) == outcome{{{ws_opcode::binary, data}}, {}});
            CHECK(decode(role, ws_limits{},
                         {std::string_view(stream).substr(0, n / 2),
                          std::string_view(stream).substr(n / 2)}) ==
                  outcome{{{ws_opcode::binary, data}}, {}});
        }
    }
}

TEST_CASE("every mask is undone, zero too") {
    for (std::uint32_t mask : {0u, 1u, 0x01000000u, 0xffffffffu, 0x80402010u, 0xdeadbeefu})
        CHECK(decode(ws_role::server, client_frame(ws_opcode::binary, pattern(300), true, mask))
                  .events == events{{ws_opcode::binary, pattern(300)}});
}

TEST_CASE("fragments become one message, empty ones among them, each with its own mask") {
    auto const c = ws_opcode::continuation;
    struct row {
        std::string_view name;
        std::string stream;
        event expected;
    };
    for (auto const& r : std::vector<row>{
             {"two",
              client_frame(ws_opcode::text, "ab", false, 1) + client_frame(c, "cd", true, 2),
              {ws_opcode::text, "abcd"}},
             {"three of binary",
              client_frame(ws_opcode::binary, "a\xff", false, 3) +
                  client_frame(c, "\xfe", false, 4) + client_frame(c, "d", true, 5),
              {ws_opcode::binary, "a\xff\xfe"
                                  "d"}},
             {"all empty",
              client_frame(ws_opcode::text, "", false) + client_frame(c, "", false) +
                  client_frame(c, ""),
              {ws_opcode::text, ""}},
             {"empty first",
              client_frame(ws_opcode::text, "", false) + client_frame(c, "ab"),
              {ws_opcode::text, "ab"}},
             {"empty last",
              client_frame(ws_opcode::text, "ab", false) + client_frame(c, ""),
              {ws_opcode::text, "ab"}},
             {"empty between",
              client_frame(ws_opcode::text, "a", false) + client_frame(c, "", false) +
                  client_frame(c, "b"),
              {ws_opcode::text, "ab"}},
             {"a character across three",
              client_frame(ws_opcode::text, "\xf0", false) + client_frame(c, "\x9f\x98", false) +
                  client_frame(c, "\x80"),
              {ws_opcode::text, "\xf0\x9f\x98\x80"}},
         }) {
        INFO(r.name);
        // Twice, so that one message leaves nothing behind for the next.
        CHECK(decode(ws_role::server, r.stream + r.stream) ==
              outcome{{r.expected, r.expected}, {}});
    }
}

TEST_CASE("control frames may come between fragments, and are delivered at once") {
    auto const c = ws_opcode::continuation;
    auto const stream = client_frame(ws_opcode::text, "a", false) +
                        client_frame(ws_opcode::ping, "p1") + client_frame(ws_opcode::pong, "") +
                        client_frame(c, "b", false) + client_frame(ws_opcode::ping, pattern(125)) +
                        client_frame(c, "c") + client_frame(ws_opcode::ping, "p3");
    CHECK(decode(ws_role::server, stream) == outcome{{{ws_opcode::ping, "p1"},
                                                      {ws_opcode::pong, ""},
                                                      {ws_opcode::ping, pattern(125)},
                                                      {ws_opcode::text, "abc"},
                                                      {ws_opcode::ping, "p3"}},
                                                     {}});
}

TEST_CASE("a text in pieces is kept while a ping comes in pieces between them") {
    ws_limits const limits;
    ws_decoder decoder(ws_role::server, limits);
    outcome seen;
    auto const ping = client_frame(ws_opcode::ping, "ping payload");
    CHECK(feed(decoder, client_frame(ws_opcode::text, "first ", false), seen));
    for (char const byte : ping)
        CHECK(feed(decoder, {&byte, 1}, seen));
    CHECK(seen.events == events{{ws_opcode::ping, "ping payload"}});
    CHECK_FALSE(decoder.idle());
    CHECK(feed(decoder, client_frame(ws_opcode::continuation, "second"), seen));
    CHECK(seen.events ==
          events{{ws_opcode::ping, "ping payload"}, {ws_opcode::text, "first second"}});
    CHECK(decoder.idle());
}

TEST_CASE("binary data need not be UTF-8, nor pings and pongs") {
    for (auto type : {ws_opcode::binary, ws_opcode::ping, ws_opcode::pong})
        CHECK(decode(ws_role::server, client_frame(type, "\xff\xc0\x80")) ==
              outcome{{{type, "\xff\xc0\x80"}}, {}});
}

TEST_CASE("the state of one text's characters does not reach the next message") {
    auto const stream = client_frame(ws_opcode::binary, "\xe2\x82") +
                        client_frame(ws_opcode::text, "\xe2\x82\xac") +
                        client_frame(ws_opcode::binary, "\xf0", false) +
                        client_frame(ws_opcode::continuation, "\xff") +
                        client_frame(ws_opcode::text, "ok");
    CHECK_FALSE(decode(ws_role::server, stream).error);
    CHECK(decode(ws_role::server, stream).events.size() == 4);
}

TEST_CASE("a close frame gives its code and reason") {
    struct row {
        std::string payload;
        std::uint16_t code;
        std::string_view reason;
    };
    std::vector<row> rows{{"", 1005, ""},
                          {unhex("03e8"), 1000, ""},
                          {unhex("03e9") + "going away", 1001, "going away"},
                          {unhex("0f9f") + "\xe2\x82\xac", 3999, "\xe2\x82\xac"}};
    for (unsigned code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                          3000, 3999, 4000, 4999}) {
        auto const wire = std::string{static_cast<char>(code >> 8), static_cast<char>(code & 255)};
        rows.push_back({wire, static_cast<std::uint16_t>(code), ""});
        rows.push_back({wire + std::string(123, 'r'), static_cast<std::uint16_t>(code),
                        "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"
                        "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"});
    }
    for (auto const& r : rows) {
        INFO(r.code << " " << r.reason);
        for (auto role : {ws_role::server, ws_role::client})
            CHECK(decode(role, frame_for(role, ws_opcode::close, r.payload)) ==
                  outcome{{{ws_opcode::close, std::string(r.reason), r.code}}, {}});
    }
}

TEST_CASE("what follows a close frame is taken and ignored") {
    ws_limits const limits;
    ws_decoder decoder(ws_role::server, limits);
    outcome seen;
    auto const stream = client_frame(ws_opcode::text, "open", false) +
                        client_frame(ws_opcode::close, unhex("03e8")) +
                        client_frame(ws_opcode::text, "late") + unhex("ff ff ff");
    CHECK(feed(decoder, stream, seen));
    CHECK(feed(decoder, client_frame(ws_opcode::text, "later"), seen));
    CHECK(seen == outcome{{{ws_opcode::close, "", 1000}}, {}});
}

TEST_CASE("limits are met exactly") {
    ws_limits const limits{.max_message_bytes = 10, .max_fragments = 3};
    auto const c = ws_opcode::continuation;
    auto const whole = client_frame(ws_opcode::text, "0123456789");
    auto const three = client_frame(ws_opcode::text, "01234", false) + client_frame(c, "", false) +
                       client_frame(c, "56789");
    auto const stream = whole + three + client_frame(ws_opcode::ping, pattern(125)) + three;
    auto const seen = decode(ws_role::server, limits, {stream});
    CHECK_FALSE(seen.error);
    CHECK(seen.events.size() == 4);

    ws_limits const none{.max_message_bytes = 0, .max_fragments = 1};
    CHECK(decode(ws_role::server, none, {client_frame(ws_opcode::text, "")}).events.size() == 1);
    CHECK(decode(ws_role::server, none, {client_frame(ws_opcode::text, "x")}).error ==
          ws_error::message_too_big);
}

TEST_CASE("a limit that shrinks while a message is under way is still a limit") {
    ws_limits limits{.max_message_bytes = 100};
    ws_decoder decoder(ws_role::server, limits);
    outcome seen;
    CHECK(feed(decoder, client_frame(ws_opcode::binary, pattern(50), false), seen));
    limits.max_message_bytes = 10;
    CHECK_FALSE(feed(decoder, client_frame(ws_opcode::continuation, ""), seen));
    CHECK(seen.error == ws_error::message_too_big);
}

TEST_CASE("no more fragments than 4096 by default, and so many are fine") {
    std::string stream = client_frame(ws_opcode::text, "x", false);
    for (int i = 2; i < 4096; ++i)
        stream += client_frame(ws_opcode::continuation, "x", false);
    auto const last = client_frame(ws_opcode::continuation, "x");
    CHECK(decode(ws_role::server, stream + last).events ==
          events{{ws_opcode::text, std::string(4096, 'x')}});
    stream += client_frame(ws_opcode::continuation, "x", false);
    CHECK(decode(ws_role::server, stream + last).error == ws_error::too_many_fragments);
}
