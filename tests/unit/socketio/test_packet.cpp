#include <mad/core/json_text.hpp>
#include <mad/socketio/packet.hpp>

#include <catch2/catch.hpp>

#include <support/print_result.hpp>

#include <limits>
#include <random>
#include <string>

using namespace mad;
using namespace std::string_literals;
using socketio::error;
using socketio::packet_limits;
using socketio::packet_type;
using socketio::packet_view;
using socketio::parse_packet;

namespace {

using id_type = std::optional<std::uint64_t>;

std::string repeat(std::string_view piece, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i)
        out += piece;
    return out;
}

std::string arguments(std::size_t n) {
    return "[\"x\"" + repeat(",1", n) + "]";
}

} // namespace

TEST_CASE("packets are taken apart as the recordings show") {
    struct row {
        std::string text;
        packet_type type;
        std::uint32_t attachments;
        std::string nsp;
        id_type id;
        std::string payload;
    };
    using enum packet_type;
    auto const r = GENERATE(values<row>({
        {"0", connect, 0, "/", {}, ""},
        {R"(0{"token":"abc"})", connect, 0, "/", {}, R"({"token":"abc"})"},
        {"0{}", connect, 0, "/", {}, "{}"},
        {"0/custom", connect, 0, "/custom", {}, ""},
        {"0/custom,", connect, 0, "/custom", {}, ""},
        {R"(0/custom,{"t":1})", connect, 0, "/custom", {}, R"({"t":1})"},
        {"0/custom?a=1,", connect, 0, "/custom?a=1", {}, ""},
        {"0/nope", connect, 0, "/nope", {}, ""},
        {"0/\xc3\xbc\xc3\xb1/x,", connect, 0, "/\xc3\xbc\xc3\xb1/x", {}, ""},
        {"0/", connect, 0, "/", {}, ""},
        {"1", disconnect, 0, "/", {}, ""},
        {"1/admin,", disconnect, 0, "/admin", {}, ""},
        {R"(2["hello",1])", event, 0, "/", {}, R"(["hello",1])"},
        {R"(212["hello"])", event, 0, "/", 12, R"(["hello"])"},
        {R"(2/admin,13["x"])", event, 0, "/admin", 13, R"(["x"])"},
        {R"(20["x"])", event, 0, "/", 0, R"(["x"])"},
        {"2", event, 0, "/", {}, ""},
        {"2/admin,", event, 0, "/admin", {}, ""},
        {"2[1,2]", event, 0, "/", {}, "[1,2]"},
        {R"(2["error","x"])", event, 0, "/", {}, R"(["error","x"])"},
        {R"(2["connection"])", event, 0, "/", {}, R"(["connection"])"},
        {R"(2[""])", event, 0, "/", {}, R"([""])"},
        {R"(2 1["echo",1])", event, 0, "/", 1, R"(["echo",1])"},
        {R"(2 ["echo",1])", event, 0, "/", 0, R"(["echo",1])"},
        {"2\t\n7\r [\"x\"]", event, 0, "/", 7, "[\"x\"]"},
        {R"(2[ "x" , 1 ] )", event, 0, "/", {}, R"([ "x" , 1 ] )"},
        {R"(2["echo",{"_placeholder":true,"num":0}])",
         event,
         0,
         "/",
         {},
         R"(["echo",{"_placeholder":true,"num":0}])"},
        {R"(29007199254740991["ack-me",1])", event, 0, "/", 9007199254740991, R"(["ack-me",1])"},
        {R"(218446744073709551615["x"])", event, 0, "/", 18446744073709551615u, R"(["x"])"},
        {R"(2007["ack-me",1])", event, 0, "/", 7, R"(["ack-me",1])"},
        {R"(2["\ud800"])", event, 0, "/", {}, R"(["\ud800"])"},
        {R"(3/admin,13["ok"])", ack, 0, "/admin", 13, R"(["ok"])"},
        {"30[]", ack, 0, "/", 0, "[]"},
        {R"(399["x"])", ack, 0, "/", 99, R"(["x"])"},
        {R"(3["x"])", ack, 0, "/", {}, R"(["x"])"},
        {"3", ack, 0, "/", {}, ""},
        {"3[null]", ack, 0, "/", {}, "[null]"},
        {R"(3["connect"])", ack, 0, "/", {}, R"(["connect"])"},
        {R"(4{"message":"x"})", connect_error, 0, "/", {}, R"({"message":"x"})"},
        {R"(4/nope,"Invalid namespace")", connect_error, 0, "/nope", {}, R"("Invalid namespace")"},
        {"4", connect_error, 0, "/", {}, ""},
        {R"(52-/admin,7["up",{"_placeholder":true,"num":0},{"k":{"_placeholder":true,"num":1}}])",
         binary_event, 2, "/admin", 7,
         R"(["up",{"_placeholder":true,"num":0},{"k":{"_placeholder":true,"num":1}}])"},
        {R"(510-["echo"])", binary_event, 10, "/", {}, R"(["echo"])"},
        {R"(51-["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}])",
         binary_event,
         1,
         "/",
         {},
         R"(["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}])"},
        {"51-", binary_event, 1, "/", {}, ""},
        {R"(61-15[{"_placeholder":true,"num":0}])", binary_ack, 1, "/", 15,
         R"([{"_placeholder":true,"num":0}])"},
    }));
    auto const p = parse_packet(r.text);
    CAPTURE(r.text);
    REQUIRE(p);
    CHECK(p->type == r.type);
    CHECK(p->attachments == r.attachments);
    CHECK(p->nsp == r.nsp);
    CHECK(p->id == r.id);
    CHECK(p->payload == r.payload);
}

TEST_CASE(
    "what the reference closes the connection for is refused (CVE-2023-32695, CVE-2026-69185)") {
    struct row {
        std::string text;
        error_code why;
    };
    auto const r = GENERATE(values<row>({
        {"", error::bad_type},
        {"7", error::bad_type},
        {"abc", error::bad_type},
        {" 2[\"x\"]", error::bad_type},
        {"-1", error::bad_type},
        {"0[]", error::bad_payload},
        {"0\"x\"", error::bad_payload},
        {"0null", error::bad_payload},
        {"0true", error::bad_payload},
        {"1{}", error::bad_payload},
        {"1[]", error::bad_payload},
        {"2{}", error::bad_payload},
        {"2[]", error::bad_payload},
        {"2\"x\"", error::bad_payload},
        {"2null", error::bad_payload},
        {"2[null]", error::bad_payload},
        {"2[true]", error::bad_payload},
        {"2[[\"x\"]]", error::bad_payload},
        {"2[{}]", error::bad_payload},
        {"31{}", error::bad_payload},
        {"3\"x\"", error::bad_payload},
        {"4[]", error::bad_payload},
        {"4null", error::bad_payload},
        {"47", error::none},
        {"2[\"connect\"]", error::reserved_event},
        {"2[\"connect_error\"]", error::reserved_event},
        {"2[\"disconnect\"]", error::reserved_event},
        {"2[\"disconnecting\"]", error::reserved_event},
        {"2[\"newListener\"]", error::reserved_event},
        {"2[\"removeListener\"]", error::reserved_event},
        {"2[\"\\u0063onnect\"]", error::reserved_event},
        {"51-[\"connect\"]", error::reserved_event},
        {"2abc[\"x\"]", json_error::syntax},
        {"2[\"x\"", json_error::syntax},
        {"2[\"x\"]zzz", json_error::syntax},
        {"2[\"x\",]", json_error::syntax},
        {"2/admin[\"x\"]", error::none},
        {"2-1[\"x\"]", json_error::syntax},
        {"2\xc2\xa0[\"x\"]", json_error::syntax},
        {"2[\"\xff\"]", json_error::bad_utf8},
        {"2[1e999]", json_error::number_range},
        {"2 1 2[\"x\"]", error::bad_id},
        {"218446744073709551616[\"x\"]", error::bad_id},
        {"2" + std::string(400, '9') + "[\"x\"]", error::bad_id},
        {"5[\"echo\"]", error::bad_attachments},
        {"5", error::bad_attachments},
        {"51", error::bad_attachments},
        {"5-[\"echo\"]", error::bad_attachments},
        {"50-[\"echo\"]", error::bad_attachments},
        {"5-1-[\"echo\"]", error::bad_attachments},
        {"5+1-[\"echo\"]", error::bad_attachments},
        {"5 1-[\"echo\"]", error::bad_attachments},
        {"51e1-[\"echo\"]", error::bad_attachments},
        {"51.0-[\"echo\"]", error::bad_attachments},
        // CVE-2020-36049, CVE-2026-33151: a count without bound.
        {"511-[\"echo\"]", error::too_many_attachments},
        {"5" + std::string(400, '9') + "-[\"echo\"]", error::too_many_attachments},
        {"60-[]", error::bad_attachments},
    }));
    auto const p = parse_packet(r.text);
    CAPTURE(r.text);
    if (r.why)
        CHECK(p.error() == r.why);
    else
        CHECK(p);
}

TEST_CASE("placeholders of a binary packet must name an attachment (CVE-2022-2421)") {
    struct row {
        char const* payload;
        bool good;
    };
    auto const r = GENERATE(values<row>({
        {R"({"_placeholder":true,"num":0})", true},
        {R"({"_placeholder":true,"num":1})", true},
        {R"({"num":1.0,"_placeholder":true})", true},
        {R"({"_placeholder":true,"num":-0})", true},
        {R"({"_placeholder":true,"num":2})", false},
        {R"({"_placeholder":true,"num":-1})", false},
        {R"({"_placeholder":true,"num":0.5})", false},
        {R"({"_placeholder":true,"num":"0"})", false},
        {R"({"_placeholder":true,"num":null})", false},
        {R"({"_placeholder":true,"num":[0]})", false},
        {R"({"_placeholder":true})", false},
        {R"({"_placeholder":true,"num":1e308})", false},
        {R"({"a":[{"b":{"_placeholder":true,"num":7}}]})", false},
        {R"({"_\u0070laceholder":true,"num":7})", false},
        {R"({"_placeholder":true,"num":7,"num":1})", true},
        {R"({"_placeholder":true,"num":1,"num":7})", false},
        {R"({"_placeholder":true,"_placeholder":false})", true},
        {R"({"_placeholder":false,"num":7})", true},
        {R"({"_placeholder":1,"num":7})", true},
        {R"({"_placeholder":"true","num":7})", true},
        {R"("_placeholder")", true},
        {R"([["num",7]])", true},
    }));
    CAPTURE(r.payload);
    auto const p = parse_packet("52-[\"x\","s + r.payload + "]");
    if (r.good)
        CHECK(p);
    else
        CHECK(p.error() == error::bad_placeholder);
    // In a plain event the same is ordinary data.
    CHECK(parse_packet("2[\"x\","s + r.payload + "]"));
}

TEST_CASE("names longer than the limit are refused, by what they stand for") {
    auto const event = [](std::string const& name) { return "2[\"" + name + "\"]"; };
    CHECK(parse_packet(event(std::string(256, 'n'))));
    CHECK(parse_packet(event(std::string(257, 'n'))).error() == error::name_too_long);
    CHECK(parse_packet(event(repeat("\\u0041", 256))));
    CHECK(parse_packet(event(repeat("\\u0041", 257))).error() == error::name_too_long);
    CHECK(parse_packet(event(repeat("\\u20ac", 85))));
    CHECK(parse_packet(event(repeat("\\u20ac", 86))).error() == error::name_too_long);
    CHECK(parse_packet(event(std::string(900'000, 'n'))).error() == error::name_too_long);
    CHECK(parse_packet("2[" + std::string(256, '1') + "]"));
    CHECK(parse_packet("2[" + std::string(257, '1') + "]").error() == error::name_too_long);

    auto const nsp = [](char type, std::size_t n) {
        return type + ("/" + std::string(n - 1, 'n')) + ",";
    };
    for (char type : {'1', '2', '3', '4'}) {
        CHECK(parse_packet(nsp(type, 256)));
        CHECK(parse_packet(nsp(type, 257)).error() == error::name_too_long);
    }
    CHECK(parse_packet(nsp('0', 257)).value().nsp.size() == 257);
}

TEST_CASE("limits on arguments, members and depth hold before a value exists") {
    CHECK(parse_packet("2" + arguments(64)));
    CHECK(parse_packet("2" + arguments(65)).error() == json_error::too_many_elements);
    CHECK(parse_packet("31[1" + repeat(",1", 63) + "]"));
    CHECK(parse_packet("31[1" + repeat(",1", 64) + "]").error() == json_error::too_many_elements);
    CHECK(parse_packet("2" + arguments(100'000)).error() == json_error::too_many_elements);

    auto const deep = [](std::size_t n) {
        return "2[\"x\"," + repeat("[", n) + repeat("]", n) + "]";
    };
    CHECK(parse_packet(deep(63)));
    CHECK(parse_packet(deep(64)).error() == json_error::too_deep);
    CHECK(parse_packet(deep(20'000)).error() == json_error::too_deep);

    auto const wide = [](std::size_t n) {
        return "2[\"x\",{\"k\":1" + repeat(",\"k\":1", n - 1) + "}]";
    };
    CHECK(parse_packet(wide(4096)));
    CHECK(parse_packet(wide(4097)).error() == json_error::too_many_members);
    CHECK(parse_packet("0{\"k\":1" + repeat(",\"k\":1", 4096) + "}").error() ==
          json_error::too_many_members);

    packet_limits tight;
    tight.max_attachments = 1;
    tight.json.max_elements = 0;
    CHECK(parse_packet("2[\"x\"]", tight));
    CHECK(parse_packet("2[\"x\",1]", tight).error() == json_error::too_many_elements);
    CHECK(parse_packet("52-[\"x\"]", tight).error() == error::too_many_attachments);
    packet_limits open;
    open.json = json_limits::trusted();
    CHECK(parse_packet("2" + arguments(100'000), open));
}

TEST_CASE("a header of spaces or digits only costs one pass (CVE-2021-32640)") {
    auto const spaces = "2" + std::string(1'000'000, ' ');
    CHECK(parse_packet(spaces).value().id == id_type(0));
    CHECK(parse_packet(spaces + "[").error() == json_error::syntax);
    CHECK(parse_packet("5" + std::string(1'000'000, '0') + "-").error() == error::bad_attachments);
    CHECK(parse_packet("2" + std::string(1'000'000, '0') + "[1]").value().id == id_type(0));
}

TEST_CASE("the name of an event is read from its bytes") {
    struct row {
        std::string text;
        std::string raw, name;
        bool is_number;
    };
    auto const r = GENERATE(values<row>({
        {R"(2["hello",1])", "hello", "hello", false},
        {R"(2[ "a b" ])", "a b", "a b", false},
        {R"(2["a\"]b"])", R"(a\"]b)", "a\"]b", false},
        {R"(2["\\"])", R"(\\)", "\\", false},
        {R"(2["\u00e9\ud83d"])", R"(\u00e9\ud83d)", "\xc3\xa9\xef\xbf\xbd", false},
        {R"(2[""])", "", "", false},
        {R"(2[1,2])", "1", "1", true},
        {"2[ -1.5e3\n]", "-1.5e3", "-1.5e3", true},
        {R"(2)", "", "", false},
        {R"(51-/a,1["up"])", "up", "up", false},
    }));
    auto const p = parse_packet(r.text);
    REQUIRE(p);
    auto const name = event_name(*p);
    CAPTURE(r.text);
    CHECK(name.raw == r.raw);
    CHECK(name.is_number == r.is_number);
    CHECK(name.escaped == (r.raw != r.name));
    CHECK(name.text() == r.name);
    std::string scratch = "left over";
    CHECK(name.read(scratch) == r.name);
}

TEST_CASE("reserved names are known") {
    for (auto name : {"connect", "connect_error", "disconnect", "disconnecting", "newListener",
                      "removeListener"})
        CHECK(socketio::is_reserved_event(name));
    for (auto name : {"", "error", "connection", "Connect", "connect ", "message"})
        CHECK_FALSE(socketio::is_reserved_event(name));
}

TEST_CASE("a header is written as peers expect it") {
    struct row {
        packet_type type;
        std::uint32_t attachments;
        char const* nsp;
        id_type id;
        char const* header;
    };
    using enum packet_type;
    auto const r = GENERATE(values<row>({
        {connect, 0, "/", {}, "0"},
        {connect, 0, "/chat", {}, "0/chat,"},
        {disconnect, 0, "/admin", {}, "1/admin,"},
        {event, 0, "/", 12, "212"},
        {event, 0, "/admin", 13, "2/admin,13"},
        {ack, 0, "/", 0, "30"},
        {connect_error, 0, "/nope", {}, "4/nope,"},
        {binary_event, 2, "/admin", 7, "52-/admin,7"},
        {binary_ack, 1, "/", 15, "61-15"},
        {ack, 0, "/", 18446744073709551615u, "318446744073709551615"},
    }));
    std::string out = "4";
    append_header(out, r.type, r.attachments, r.nsp, r.id);
    CHECK(out == "4"s + r.header);
}

TEST_CASE("random headers survive writing and reading") {
    std::mt19937_64 random(17);
    for (int i = 0; i < 5000; ++i) {
        auto const type = static_cast<packet_type>(random() % 7);
        bool const binary = type == packet_type::binary_event || type == packet_type::binary_ack;
        auto const attachments = static_cast<std::uint32_t>(binary ? 1 + random() % 10 : 0);
        auto const nsp = random() % 2 ? "/"s : "/n" + std::to_string(random() % 1000);
        id_type const id = random() % 2 ? id_type(random() >> random() % 64) : id_type();
        char const* const payloads[] = {"", "", R"(["x",1])", "[]", R"({"m":1})", "", R"([2])"};
        std::string const payload =
            packet_view{type, 0, "/", {}, ""}.is_event() ? R"(["x"])" : payloads[int(type)];
        std::string text;
        append_header(text, type, attachments, nsp, id);
        text += payload;
        auto const p = parse_packet(text);
        CAPTURE(text);
        REQUIRE(p);
        CHECK(p->type == type);
        CHECK(p->attachments == attachments);
        CHECK(p->nsp == nsp);
        CHECK(p->id == id);
        CHECK(p->payload == payload);
    }
}
