#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>

#include <catch2/catch.hpp>

#include <support/json_maker.hpp>
#include <support/print_result.hpp>

#include <limits>
#include <string>

using namespace mad;

namespace {

std::string printed(json const& value) {
    std::string out;
    append_json(out, value);
    return out;
}

} // namespace

TEST_CASE("text is judged before a value exists") {
    CHECK(parse_json("[1,{\"b\":2,\"a\":[]}]")->dump() == R"([1,{"b":2,"a":[]}])");
    CHECK(parse_json("[1").error() == json_error::syntax);
    CHECK(parse_json("[1e999]").error() == json_error::number_range);
    CHECK(parse_json(std::string(65, '[') + std::string(65, ']')).error() == json_error::too_deep);
    CHECK(parse_json("\"\\ud800\"").error() == json_error::lone_surrogate);
}

TEST_CASE("lone surrogates become U+FFFD where they may pass") {
    json_limits lenient;
    lenient.lone_surrogates = true;
    CHECK(parse_json(R"(["\ud800","\ud83d\ude00"])", lenient).value() ==
          json({"\xef\xbf\xbd", "\xf0\x9f\x98\x80"}));
    CHECK(parse_json(R"({"\udc00":1})", lenient).value() == json({{"\xef\xbf\xbd", 1}}));
}

TEST_CASE("of repeated keys the last one counts") {
    CHECK(parse_json(R"({"a":1,"b":2,"a":3})").value() == json({{"a", 3}, {"b", 2}}));
}

TEST_CASE("values are printed compactly, keys in their order") {
    CHECK(printed(json()) == "null");
    CHECK(printed(json::array()) == "[]");
    CHECK(printed(json::object()) == "{}");
    CHECK(printed({{"z", 1}, {"a", {1, 2.0, 2.5, -0.0, true, nullptr, "x\n"}}}) ==
          R"({"z":1,"a":[1,2,2.5,0,true,null,"x\n"]})");
    CHECK(printed(18446744073709551615u) == "18446744073709551615");
    CHECK(printed(-1) == "-1");
    CHECK(printed(std::numeric_limits<double>::quiet_NaN()) == "null");
    CHECK(printed(json("\xff")) == "\"\xef\xbf\xbd\"");
    CHECK(printed(json({{"\xff", 1}})) == "{\"\xef\xbf\xbd\":1}");
    CHECK(printed(json::binary({1, 2})) == "null");
    CHECK(printed(json::parse("[1", nullptr, false)) == "null");
}

TEST_CASE("a value that is too deep is cut instead of ending the process") {
    json deep = 1;
    for (int i = 0; i < 2000; ++i) {
        json outer = json::array();
        outer.push_back(std::move(deep));
        deep = std::move(outer);
    }
    CHECK(printed(deep) == std::string(512, '[') + "null" + std::string(512, ']'));
}

TEST_CASE("random values survive printing and parsing") {
    mad_test::json_maker make(99);
    json_limits limits;
    limits.max_elements = 1000;
    for (int i = 0; i < 3000; ++i) {
        auto const text = make.document();
        CAPTURE(text);
        auto const value = parse_json(text, limits);
        REQUIRE(value);
        CHECK(value->dump() == json::parse(text).dump());
        auto const again = parse_json(printed(*value), limits);
        REQUIRE(again);
        CHECK(printed(*again) == printed(*value));
        CHECK(*again == *value);
    }
}
