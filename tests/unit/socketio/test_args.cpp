#include <mad/core/json.hpp>
#include <mad/socketio/args.hpp>

#include <catch2/catch.hpp>

#include <support/json_maker.hpp>
#include <support/print_result.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <string>

using namespace mad;
using namespace std::string_literals;
using socketio::arg_view;
using socketio::attachment_list;
using socketio::error;
using socketio::packet;
using socketio::packet_type;
using socketio::raw_json;

namespace {

std::string const placeholder0 = R"({"_placeholder":true,"num":0})";
std::string const placeholder1 = R"({"_placeholder":true,"num":1})";

arg_view view_of(std::string_view text, std::span<std::string const> attachments = {}) {
    return arg_view(scan_json(text, json_limits::trusted()).value(), attachments);
}

template <class... Ts>
std::string written(Ts const&... args) {
    std::string out;
    attachment_list attachments;
    socketio::append_args(out, attachments, args...);
    CHECK(attachments.empty());
    return out;
}

} // namespace

TEST_CASE("a value is written with its bytes as placeholders, in the order of the text") {
    json const args = {
        "up",
        json::binary({1, 2}),
        json::object({{"z", json::binary({})}, {"a", json::array({json::binary({3})})}}),
        1.0,
        1.5,
        nullptr};
    std::string out;
    attachment_list attachments;
    socketio::encode_args(args, out, attachments);
    CHECK(out == "[\"up\"," + placeholder0 + ",{\"z\":" + placeholder1 +
                     R"(,"a":[{"_placeholder":true,"num":2}]},1,1.5,null])");
    CHECK(attachments == attachment_list{"\1\2", "", "\3"});
    CHECK(socketio::count_binary(args) == 3);
    CHECK(socketio::decode_args(out, attachments).value() == args);
}

TEST_CASE("text that is not UTF-8 is replaced instead of thrown over") {
    std::string out;
    attachment_list none;
    socketio::encode_args(json::array({"\xff"}), out, none);
    CHECK(out == "[\"\xef\xbf\xbd\"]");
}

TEST_CASE("counting and writing agree on a value that is too deep") {
    json deep = json::binary({1});
    for (int i = 0; i < 600; ++i) {
        json outer = json::array();
        outer.push_back(std::move(deep));
        outer.push_back(json::binary({2}));
        deep = std::move(outer);
    }
    std::string out;
    attachment_list attachments;
    socketio::encode_args(deep, out, attachments);
    CHECK(attachments.size() == socketio::count_binary(deep));
    CHECK(attachments.size() == 512);
    CHECK(json::accept(out));
}

TEST_CASE("placeholders become bytes, the same one twice too") {
    attachment_list const data{"\1", "\2\3"};
    auto const args = socketio::decode_args(
        "[\"x\"," + placeholder1 + "," + placeholder1 + ",{\"k\":[" + placeholder0 + "]}]", data);
    REQUIRE(args);
    CHECK(*args == json::array({"x", json::binary({2, 3}), json::binary({2, 3}),
                                json::object({{"k", json::array({json::binary({1})})}})}));
}

TEST_CASE("in a plain event a placeholder is ordinary data") {
    auto const args = socketio::decode_args("[\"x\"," + placeholder0 + "]", {});
    REQUIRE(args);
    CHECK((*args)[1] == json::object({{"_placeholder", true}, {"num", 0}}));
}

TEST_CASE("placeholders that name no attachment are refused") {
    auto const num = GENERATE(values<std::string>(
        {"1", "-1", "0.5", "\"0\"", "null", "true", "1e300", "[0]", "18446744073709551615"}));
    attachment_list const data{"x"};
    CHECK(socketio::decode_args("[{\"_placeholder\":true,\"num\":" + num + "}]", data).error() ==
          error::bad_placeholder);
    CHECK(socketio::decode_args("[{\"_placeholder\":true}]", data).error() ==
          error::bad_placeholder);
}

TEST_CASE("text that is not JSON, or nests too deep to be safe, is refused") {
    CHECK(socketio::decode_args("[", {}).error() == error::bad_payload);
    CHECK(socketio::decode_args("", {}).error() == error::bad_payload);
    CHECK(socketio::decode_args(std::string(100'000, '['), {}).error() == error::bad_payload);
    CHECK(socketio::decode_args(std::string(600, '[') + std::string(600, ']'), {}).error() ==
          error::bad_payload);
}

TEST_CASE("lone surrogates of JavaScript arrive as U+FFFD") {
    CHECK(socketio::decode_args(R"(["\ud800"])", {}).value() == json::array({"\xef\xbf\xbd"}));
    CHECK(view_of(R"("a\ude00")").as<std::string>().value() == "a\xef\xbf\xbd");
    CHECK(view_of(R"("\ud800")").as<json>().value() == "\xef\xbf\xbd");
    CHECK(view_of(R"("\ud800")").as<raw_json>().value().text == R"("\ud800")");
}

TEST_CASE("arguments are converted by their kind and nothing else") {
    CHECK(view_of("true").as<bool>().value());
    CHECK_FALSE(view_of("false").as<bool>().value());
    CHECK(view_of("7").as<int>().value() == 7);
    CHECK(view_of("-7").as<std::int64_t>().value() == -7);
    CHECK(view_of("1.5").as<double>().value() == 1.5);
    CHECK(view_of("3").as<double>().value() == 3.0);
    CHECK(view_of("1e-400").as<double>().value() == 0.0);
    CHECK(view_of(R"("a\n\u00e9")").as<std::string>().value() == "a\n\xc3\xa9");
    CHECK(view_of(R"({"a":[1]})").as<json>().value() == json({{"a", {1}}}));
    CHECK(view_of(R"( {"a": 1} )").as<raw_json>().value().text == R"({"a": 1})");

    for (std::string_view text : {"1", "\"true\"", "null", "[true]", "{}"})
        CHECK(view_of(text).as<bool>().error() == error::bad_argument);
    for (std::string_view text : {"\"1\"", "true", "null", "[1]", "1.5", "1e-400"})
        CHECK(view_of(text).as<int>().error() == error::bad_argument);
    for (std::string_view text : {"\"1\"", "true", "null"})
        CHECK(view_of(text).as<double>().error() == error::bad_argument);
    for (std::string_view text : {"1", "true", "null", "[]", "{}"})
        CHECK(view_of(text).as<std::string>().error() == error::bad_argument);
}

TEST_CASE("integers are taken when they are whole and fit") {
    CHECK(view_of("255").as<std::uint8_t>().value() == 255);
    CHECK(view_of("256").as<std::uint8_t>().error() == error::bad_argument);
    CHECK(view_of("-1").as<std::uint8_t>().error() == error::bad_argument);
    CHECK(view_of("-128").as<std::int8_t>().value() == -128);
    CHECK(view_of("-129").as<std::int8_t>().error() == error::bad_argument);
    CHECK(view_of("1.0").as<int>().value() == 1);
    CHECK(view_of("1e3").as<int>().value() == 1000);
    CHECK(view_of("-0").as<unsigned>().value() == 0);
    CHECK(view_of("-0.0").as<int>().value() == 0);
    CHECK(view_of("18446744073709551615").as<std::uint64_t>().value() == 18446744073709551615u);
    CHECK(view_of("18446744073709551616").as<std::uint64_t>().error() == error::bad_argument);
    CHECK(view_of("-9223372036854775808").as<std::int64_t>().value() ==
          std::numeric_limits<std::int64_t>::min());
    CHECK(view_of("9223372036854775808").as<std::int64_t>().error() == error::bad_argument);
    CHECK(view_of("1e15").as<std::int64_t>().value() == 1'000'000'000'000'000);
    CHECK(view_of("1e20").as<std::uint64_t>().error() == error::bad_argument);
    CHECK(view_of("1e308").as<std::int64_t>().error() == error::bad_argument);
}

TEST_CASE("a missing argument is nothing to an optional and an error to all else") {
    arg_view const none;
    CHECK(none.missing());
    CHECK_FALSE(none.as<std::optional<int>>().value());
    CHECK_FALSE(view_of("null").as<std::optional<int>>().value());
    CHECK(view_of("7").as<std::optional<int>>().value() == 7);
    CHECK(view_of("\"7\"").as<std::optional<int>>().error() == error::bad_argument);
    CHECK(none.as<bool>().error() == error::missing_argument);
    CHECK(none.as<int>().error() == error::missing_argument);
    CHECK(none.as<double>().error() == error::missing_argument);
    CHECK(none.as<std::string>().error() == error::missing_argument);
    CHECK(none.as<bytes>().error() == error::missing_argument);
    CHECK(none.as<json>().error() == error::missing_argument);
    CHECK(none.as<raw_json>().error() == error::missing_argument);
    CHECK(none.as<std::vector<int>>().error() == error::missing_argument);
}

TEST_CASE("lists are converted element by element") {
    CHECK(view_of("[1, 2,3]").as<std::vector<int>>().value() == std::vector<int>{1, 2, 3});
    CHECK(view_of("[]").as<std::vector<std::string>>().value().empty());
    CHECK(view_of("[true,false]").as<std::vector<bool>>().value() ==
          std::vector<bool>{true, false});
    CHECK(view_of("[[1],[],[2,3]]").as<std::vector<std::vector<int>>>().value() ==
          std::vector<std::vector<int>>{{1}, {}, {2, 3}});
    CHECK(view_of("[1,null]").as<std::vector<std::optional<int>>>().value() ==
          std::vector<std::optional<int>>{1, std::nullopt});
    CHECK(view_of("[1,\"2\",3]").as<std::vector<int>>().error() == error::bad_argument);
    CHECK(view_of("{}").as<std::vector<int>>().error() == error::bad_argument);
}

TEST_CASE("bytes come from the attachments of the packet") {
    attachment_list const data{"\1\xff", ""};
    CHECK(view_of(placeholder0, data).as<bytes>().value() == bytes{1, 255});
    CHECK(view_of(placeholder1, data).as<bytes>().value().empty());
    CHECK(view_of(placeholder1, data).attachment() == &data[1]);
    CHECK(view_of("[" + placeholder0 + "]", data).as<std::vector<bytes>>().value().front() ==
          bytes{1, 255});
    CHECK(view_of("{\"k\":" + placeholder0 + "}", data).as<json>().value() ==
          json::object({{"k", json::binary({1, 255})}}));
    for (std::string const& text : {"{}"s, "\"x\""s, "null"s, R"({"_placeholder":false,"num":0})"s,
                                    R"({"_placeholder":true,"num":2})"s})
        CHECK(view_of(text, data).as<bytes>().error() == error::bad_argument);
    CHECK(view_of(placeholder0).as<bytes>().error() == error::bad_argument);
    CHECK_FALSE(view_of(placeholder0).attachment());
}

TEST_CASE("a packet's arguments are split, without the event's name") {
    std::array<arg_view, 3> args;
    packet const event(socketio::parse_packet(R"(2["name",1, "two" ])").value());
    CHECK(socketio::split_args(event, args) == 2);
    CHECK(args[0].raw() == "1");
    CHECK(args[1].raw() == "\"two\"");
    CHECK(args[2].missing());

    packet const ack(socketio::parse_packet("31[1,2,3,4]").value());
    CHECK(socketio::split_args(ack, args) == 4);
    CHECK(args[2].raw() == "3");

    packet const empty(socketio::parse_packet("31").value());
    CHECK(socketio::split_args(empty, args) == 0);
    CHECK(args[0].missing());
}

TEST_CASE("the arguments of a binary packet know its attachments") {
    socketio::packet_limits const limits;
    socketio::decoder d(limits);
    REQUIRE(d.feed_text("51-[\"up\"," + placeholder0 + "]"));
    auto const p = d.feed_binary("\7");
    REQUIRE(p.value());
    std::array<arg_view, 1> args;
    CHECK(socketio::split_args(**p, args) == 1);
    CHECK(args[0].as<bytes>().value() == bytes{7});
}

TEST_CASE("typed arguments are written without a tree") {
    CHECK(written() == "[]");
    CHECK(written("hello") == R"(["hello"])");
    CHECK(written("x", 1, -2, 3u, true, false, nullptr) == R"(["x",1,-2,3,true,false,null])");
    CHECK(written(1.0, 1.5, 2.5f, std::nan("")) == "[1,1.5,2.5,null]");
    CHECK(written("a\"b\n"s, std::string_view("\xc3\xa9"), "\xff") ==
          "[\"a\\\"b\\n\",\"\xc3\xa9\",\"\xef\xbf\xbd\"]");
    CHECK(written(json({{"b", 1}, {"a", {1, 2}}}), raw_json{R"({"r": 1})"}) ==
          R"([{"b":1,"a":[1,2]},{"r": 1}])");
    CHECK(written(std::optional<int>(), std::optional<std::string>("x")) == R"([null,"x"])");
    CHECK(written(std::vector<int>{1, 2}, std::vector<std::string>{},
                  std::vector<std::vector<bool>>{{true}, {}}) == "[[1,2],[],[[true],[]]]");
    CHECK(written(std::uint8_t(7), std::int64_t(-1), std::uint64_t(18446744073709551615u)) ==
          "[7,-1,18446744073709551615]");
}

TEST_CASE("bytes among the arguments make the packet binary") {
    std::string out;
    attachment_list attachments;
    std::array<std::uint8_t, 1> const fixed{9};
    socketio::append_packet(out, attachments, packet_type::event, "/admin", 7, "up", bytes{1, 2},
                            json::object({{"k", json::binary({3})}}), std::optional<bytes>(),
                            std::vector<bytes>{{4}}, fixed);
    CHECK(out == R"(54-/admin,7["up",{"_placeholder":true,"num":0},)"
                 R"({"k":{"_placeholder":true,"num":1}},null,[{"_placeholder":true,"num":2}],)"
                 R"({"_placeholder":true,"num":3}])");
    CHECK(attachments == attachment_list{"\1\2", "\3", "\4", "\x9"});

    out.clear();
    attachments.clear();
    socketio::append_packet(out, attachments, packet_type::ack, "/", 15, bytes{});
    CHECK(out == "61-15[" + placeholder0 + "]");
}

TEST_CASE("packets without bytes are written as recorded") {
    std::string out;
    attachment_list attachments;
    auto const packet_of = [&](auto const&... args) {
        out.clear();
        socketio::append_packet(out, attachments, args...);
        return out;
    };
    std::optional<std::uint64_t> const no_id;
    CHECK(packet_of(packet_type::event, "/", no_id, "echo",
                    "h\xc3\xa9llo \xe2\x82\xac\xf0\x9f\x98\x80", 1,
                    json({{"a", {true, nullptr}}})) ==
          "2[\"echo\",\"h\xc3\xa9llo \xe2\x82\xac\xf0\x9f\x98\x80\",1,{\"a\":[true,null]}]");
    CHECK(packet_of(packet_type::event, "/", 0u, "ack-me", 1, "two") == R"(20["ack-me",1,"two"])");
    CHECK(packet_of(packet_type::ack, "/", 0u, 1, "two") == R"(30[1,"two"])");
    CHECK(packet_of(packet_type::ack, "/", 0u) == "30[]");
    CHECK(packet_of(packet_type::event, "/chat", no_id, "welcome", "chat") ==
          R"(2/chat,["welcome","chat"])");
    CHECK(attachments.empty());
}

TEST_CASE("random arguments survive a packet, bytes inside them too") {
    mad_test::json_maker make(31);
    socketio::packet_limits limits;
    limits.max_attachments = 1000;
    for (int i = 0; i < 1500; ++i) {
        auto value = json::parse(make.document());
        // Some leaves become bytes.
        auto const plant = [&](auto const& self, json& v) -> void {
            if (v.is_structured())
                for (auto& inner : v)
                    self(self, inner);
            else if (v.is_boolean())
                v = json::binary({std::uint8_t(make.below(256)), 0});
        };
        plant(plant, value);
        std::string text;
        attachment_list attachments;
        socketio::append_packet(text, attachments, packet_type::event, "/", {}, "x", value);
        socketio::decoder d(limits);
        auto p = d.feed_text(text);
        CAPTURE(text);
        REQUIRE(p);
        for (auto const& a : attachments) {
            p = d.feed_binary(a);
            REQUIRE(p);
        }
        REQUIRE(*p);
        std::array<arg_view, 1> args;
        REQUIRE(socketio::split_args(**p, args) == 1);
        CHECK(args[0].as<json>().value() == value);
    }
}

TEST_CASE("typed arguments survive writing and reading") {
    std::string out;
    attachment_list attachments;
    std::vector<std::optional<std::string>> const list{"a\n", std::nullopt, "\xe2\x82\xac"};
    socketio::append_args(out, attachments, true, -5, 0.1, "s", list, bytes{0, 255});
    std::array<json_span, 6> e;
    REQUIRE(scan_array(out, {}, e).value() == 6);
    auto const at = [&](int i) { return arg_view(e[static_cast<std::size_t>(i)], attachments); };
    CHECK(at(0).as<bool>().value());
    CHECK(at(1).as<short>().value() == -5);
    CHECK(at(2).as<double>().value() == 0.1);
    CHECK(at(3).as<std::string>().value() == "s");
    CHECK(at(4).as<std::vector<std::optional<std::string>>>().value() == list);
    CHECK(at(5).as<bytes>().value() == bytes{0, 255});
}
