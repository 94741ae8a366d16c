#include <mad/core/detail/json_skip.hpp>
#include <mad/core/json.hpp>
#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>

#include <catch2/catch.hpp>

#include <support/json_maker.hpp>
#include <support/print_result.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

using namespace mad;

namespace {

json_limits generous() {
    json_limits l;
    l.max_depth = 512;
    l.max_members = l.max_elements = 1'000'000;
    return l;
}

json_error outcome(std::string_view text, json_limits const& limits = {}) {
    auto const r = scan_json(text, limits);
    return r ? json_error::none : static_cast<json_error>(r.error().value());
}

std::string repeat(std::string_view piece, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i)
        out += piece;
    return out;
}

bool nlohmann_takes(std::string const& text) {
    return json::accept(text);
}

} // namespace

TEST_CASE("a value is found with its kind, without the space around it") {
    struct row {
        char const* text;
        json_kind kind;
        char const* value;
    };
    auto const r = GENERATE(values<row>({
        {"null", json_kind::null, "null"},
        {" true\n", json_kind::boolean, "true"},
        {"false", json_kind::boolean, "false"},
        {"\t-12.5e3\r", json_kind::number, "-12.5e3"},
        {"\"a b\" ", json_kind::string, "\"a b\""},
        {" [ ] ", json_kind::array, "[ ]"},
        {"{ }", json_kind::object, "{ }"},
    }));
    auto const found = scan_json(r.text);
    REQUIRE(found);
    CHECK(found->kind == r.kind);
    CHECK(found->text == r.value);
}

TEST_CASE("what RFC 8259 does not allow is refused, as nlohmann::json does") {
    auto const text = GENERATE(values<std::string>({
        "",          " ",           "nul",
        "nulls",     "True",        "tru",
        "+1",        "01",          "-",
        "-a",        "1.",          ".5",
        "1e",        "1e+",         "1.e5",
        "0x10",      "1 2",         "--1",
        "Infinity",  "NaN",         "\"",
        "\"a",       "\"\\",        "\"\\x\"",
        "\"\\u12\"", "\"\\u12g4\"", "\"\\u\"",
        "\"a\nb\"",  "\"\x01\"",    "'a'",
        "[",         "]",           "[1",
        "[1,",       "[1,]",        "[,1]",
        "[1 2]",     "{",           "}",
        "{\"a\"}",   "{\"a\":}",    "{\"a\":1,}",
        "{a:1}",     "{1:1}",       "{\"a\":1 \"b\":2}",
        "{\"a\",1}", "[1}",         "{\"a\":1]",
        "[]]",       "[1]x",        "// c\n1",
        "[1,/**/2]", "\"\\U0041\"",
    }));
    CAPTURE(text);
    CHECK(outcome(text) == json_error::syntax);
    CHECK_FALSE(nlohmann_takes(text));
}

TEST_CASE("strings must be UTF-8") {
    struct row {
        std::string text;
        bool good;
    };
    auto const r = GENERATE(values<row>({
        {"\"\xc2\x80\"", true},
        {"\"\xdf\xbf\"", true},
        {"\"\xe0\xa0\x80\"", true},
        {"\"\xed\x9f\xbf\"", true},
        {"\"\xef\xbf\xbf\"", true},
        {"\"\xf0\x90\x80\x80\"", true},
        {"\"\xf4\x8f\xbf\xbf\"", true},
        {"\"\xe2\x80\xa8\"", true},
        {"\"\x80\"", false},
        {"\"\xc0\xaf\"", false},
        {"\"\xc1\xbf\"", false},
        {"\"\xe0\x9f\xbf\"", false},
        {"\"\xed\xa0\x80\"", false},
        {"\"\xf0\x8f\xbf\xbf\"", false},
        {"\"\xf4\x90\x80\x80\"", false},
        {"\"\xf5\x80\x80\x80\"", false},
        {"\"\xff\"", false},
        {"\"\xc3\"", false},
        {"\"\xe2\x82\"", false},
        {"\"\xf0\x9f\x98\"", false},
        {"\"abcdefg\xc3", false},
        {"{\"\xff\":1}", false},
    }));
    CAPTURE(r.text);
    CHECK(outcome(r.text) == (r.good ? json_error::none : json_error::bad_utf8));
    CHECK(nlohmann_takes(r.text) == r.good);
}

TEST_CASE("numbers that no double can hold are refused") {
    struct row {
        std::string text;
        bool good;
    };
    auto const r = GENERATE(values<row>({
        {"1e308", true},
        {"1e309", false},
        {"-1e309", false},
        {"1e999", false},
        {"1e99999999999999999999999", false},
        {"1e-99999999999999999999999", true},
        {"0e99999999999999999999999", true},
        {"-0.000e999", true},
        {"1.7976931348623157e308", true},
        {"1.7976931348623158e308", true},
        {"1.7976931348623159e308", false},
        {"17976931348623157" + std::string(292, '0'), true},
        {"17976931348623159" + std::string(292, '0'), false},
        {std::string(308, '9'), true},
        {std::string(309, '9'), false},
        {std::string(5000, '9'), false},
        {std::string(5000, '9') + "e-4800", true},
        {std::string(5000, '9') + "e-4600", false},
        {"0." + std::string(400, '0') + "1e700", true},
        {"0." + std::string(400, '0') + "1e750", false},
        {"0." + std::string(1000, '0') + "1e310", true},
    }));
    CAPTURE(r.text);
    CHECK(outcome(r.text) == (r.good ? json_error::none : json_error::number_range));
    CHECK(nlohmann_takes(r.text) == r.good);
}

TEST_CASE("lone surrogate escapes pass only where they are wanted") {
    struct row {
        char const* text;
        bool paired;
    };
    auto const r = GENERATE(values<row>({
        {R"("\ud83d\ude00")", true},
        {R"("\uD83D\uDE00")", true},
        {R"("\ud83d")", false},
        {R"("\ude00")", false},
        {R"("\ud83dx")", false},
        {R"("\ud83d\n")", false},
        {R"("\ud83d\u0041")", false},
        {R"("\ud83d\ud83d\ude00")", false},
        {R"("\ude00\ud83d")", false},
        {R"({"\udc00":1})", false},
    }));
    json_limits lenient;
    lenient.lone_surrogates = true;
    CAPTURE(r.text);
    CHECK(outcome(r.text) == (r.paired ? json_error::none : json_error::lone_surrogate));
    CHECK(nlohmann_takes(r.text) == r.paired);
    CHECK(outcome(r.text, lenient) == json_error::none);

    // What passes that way can be parsed by anybody once it is repaired.
    std::string repaired = r.text;
    replace_lone_surrogates(repaired);
    CHECK(nlohmann_takes(repaired));
    CHECK((repaired == r.text) == r.paired);
}

TEST_CASE("a half escape stays an error where lone surrogates pass") {
    json_limits lenient;
    lenient.lone_surrogates = true;
    for (std::string const text : {R"("\ud83d\u12")", R"("\ud83d\)", R"("\ud83")", R"("\ud83d\u")"})
        CHECK(outcome(text, lenient) == json_error::syntax);
}

TEST_CASE("a byte order mark and a NUL byte behind are errors, unlike in nlohmann::json") {
    std::string const marked = "\xef\xbb\xbf[1]", ended("[1]\0", 4), inside("[1\0]", 4);
    CHECK(outcome(marked) == json_error::syntax);
    CHECK(outcome(ended) == json_error::syntax);
    CHECK(outcome(inside) == json_error::syntax);
}

TEST_CASE("nesting is limited, and what counts is the deepest place") {
    json_limits limits;
    CHECK(outcome(repeat("[", 64) + repeat("]", 64), limits) == json_error::none);
    CHECK(outcome(repeat("[", 65) + repeat("]", 65), limits) == json_error::too_deep);
    CHECK(outcome(repeat("{\"a\":", 64) + "1" + repeat("}", 64), limits) == json_error::none);
    CHECK(outcome(repeat("{\"a\":", 65) + "1" + repeat("}", 65), limits) == json_error::too_deep);
    CHECK(outcome("[[],[[]]]", {.max_depth = 2}) == json_error::too_deep);
    CHECK(outcome("[[],[]]", {.max_depth = 2}) == json_error::none);
    CHECK(outcome("1", {.max_depth = 0}) == json_error::none);
    CHECK(outcome("[]", {.max_depth = 0}) == json_error::too_deep);
    CHECK(outcome("\"" + repeat("[", 100) + "\"", limits) == json_error::none);
    CHECK(outcome(repeat("[", 400'000), limits) == json_error::too_deep);
    // The scan recurses, so no limit can go beyond 512.
    auto trusted = json_limits::trusted();
    CHECK(outcome(repeat("[", 512) + repeat("]", 512), trusted) == json_error::none);
    CHECK(outcome(repeat("[", 513) + repeat("]", 513), trusted) == json_error::too_deep);
}

TEST_CASE("members are limited in every object, elements only in the outermost array") {
    auto const object = [](std::size_t n) {
        std::string out = "{";
        for (std::size_t i = 0; i < n; ++i)
            out.append(i ? "," : "").append("\"k").append(std::to_string(i)).append("\":0");
        return out + "}";
    };
    CHECK(outcome(object(4096)) == json_error::none);
    CHECK(outcome(object(4097)) == json_error::too_many_members);
    CHECK(outcome("[[" + object(4097) + "]]") == json_error::too_many_members);
    CHECK(outcome("[" + object(3) + "," + object(3) + "]", {.max_members = 3}) == json_error::none);

    auto const array = [](std::size_t n) { return "[1" + repeat(",1", n - 1) + "]"; };
    CHECK(outcome(array(64)) == json_error::none);
    CHECK(outcome(array(65)) == json_error::too_many_elements);
    CHECK(outcome("[" + array(1000) + "]") == json_error::none);
    CHECK(outcome("{\"a\":" + array(1000) + "}") == json_error::none);
}

TEST_CASE("a string is read right at every length around a machine word") {
    for (std::size_t n = 0; n < 40; ++n)
        for (std::string const middle : {"", "\xc3\xa9", "\\n", "\\ud83d\\ude00"}) {
            auto const plain = std::string(n, 'x') + middle + std::string(n % 7, 'y');
            auto const found = scan_json("[\"" + plain + "\"]");
            CAPTURE(plain);
            CHECK(found);
            CHECK(outcome("\"" + plain) == json_error::syntax);
            CHECK(outcome("\"" + plain + "\x1f\"") == json_error::syntax);
            CHECK(outcome("\"" + plain + "\x80\"") == json_error::bad_utf8);
        }
}

TEST_CASE("the elements of an array are given as they stand") {
    std::array<json_span, 3> found;
    auto const n = scan_array(R"( [ "a,]" , {"b":[1,2]} ,null,4] )", {}, found);
    REQUIRE(n);
    CHECK(*n == 4);
    CHECK(found[0].text == "\"a,]\"");
    CHECK(found[0].kind == json_kind::string);
    CHECK(found[1].text == R"({"b":[1,2]})");
    CHECK(found[1].kind == json_kind::object);
    CHECK(found[2].text == "null");

    CHECK(scan_array("[]", {}, found).value() == 0);
    CHECK(scan_array("{}", {}, found).error() == json_error::wrong_kind);
    CHECK(scan_array("[1,2", {}, found).error() == json_error::syntax);
}

TEST_CASE("the members of an object are given as they stand, repeated ones too") {
    std::vector<std::pair<std::string, std::string>> found;
    auto const note = [&](std::string_view key, json_span value) {
        found.emplace_back(key, value.text);
    };
    auto const n = scan_object(R"({"id" : "x","h\n":{"id":[1]}, "id":2})", {}, note);
    REQUIRE(n);
    CHECK(*n == 3);
    CHECK(found == std::vector<std::pair<std::string, std::string>>{
                       {"id", "\"x\""}, {"h\\n", R"({"id":[1]})"}, {"id", "2"}});

    CHECK(scan_object("{}", {}, note).value() == 0);
    CHECK(scan_object("[]", {}, note).error() == json_error::wrong_kind);
    CHECK(scan_object("{\"a\":1,}", {}, note).error() == json_error::syntax);
}

TEST_CASE("the callback may be a const function object or a function") {
    struct counter {
        std::size_t* n;
        void operator()(json_span) const { ++*n; }
    };
    std::size_t n = 0;
    counter const count{&n};
    CHECK(for_each_element("[1,2,3]", {}, count).value() == 3);
    CHECK(n == 3);
}

TEST_CASE("random JSON is taken, and taken apart, as nlohmann::json does") {
    mad_test::json_maker make(20261122);
    for (int i = 0; i < 4000; ++i) {
        auto const text = make.document();
        CAPTURE(text);
        auto const found = scan_json(text, generous());
        REQUIRE(found);
        auto const value = json::parse(text);
        CHECK(json::parse(found->text) == value);
        if (value.is_array()) {
            std::vector<json_span> elements(value.size());
            REQUIRE(scan_array(text, generous(), elements).value() == value.size());
            for (std::size_t e = 0; e < elements.size(); ++e)
                CHECK(json::parse(elements[e].text) == value[e]);
        }
        if (value.is_object()) {
            json rebuilt = json::object();
            auto const add = [&](std::string_view key, json_span member) {
                std::string name;
                json_unescape(key, name);
                rebuilt[name] = json::parse(member.text);
            };
            REQUIRE(scan_object(text, generous(), add));
            CHECK(rebuilt == value);
        }
    }
}

TEST_CASE("damaged JSON is taken and refused as nlohmann::json does") {
    mad_test::json_maker make(7);
    int refused = 0, taken = 0;
    for (int i = 0; i < 30000; ++i) {
        auto const text = make.damaged(make.document());
        // The two exceptions: what nlohmann skips in front and behind.
        if (text.find('\0') != text.npos || text.compare(0, 3, "\xef\xbb\xbf") == 0)
            continue;
        CAPTURE(text);
        bool const good = nlohmann_takes(text);
        (good ? taken : refused)++;
        if (scan_json(text, generous()).has_value() != good)
            FAIL_CHECK("only one of the two takes it");
    }
    CHECK(refused > 1000);
    CHECK(taken > 1000);
}

TEST_CASE("a second look finds the elements that the first found") {
    using found = std::vector<std::pair<std::string_view, json_kind>>;
    mad_test::json_maker make(11);
    std::size_t elements = 0;
    for (int i = 0; i < 5000; ++i) {
        std::string text = " [ ";
        for (int n = i % 4; n > 0; --n)
            text += make.document() + (n > 1 ? "\t, " : "");
        text += " ]\n";
        CAPTURE(text);
        found first, second;
        REQUIRE(for_each_element(text, generous(),
                                 [&](json_span e) { first.emplace_back(e.text, e.kind); }));
        detail::for_each_known_element(text,
                                       [&](json_span e) { second.emplace_back(e.text, e.kind); });
        CHECK(first == second);
        elements += first.size();
    }
    CHECK(elements > 5000);
}

TEST_CASE("a second look at what no scan took stays within the text") {
    mad_test::json_maker make(13);
    for (int i = 0; i < 5000; ++i) {
        auto const damaged = make.damaged("[" + make.document() + "," + make.document() + "]");
        // A block of its own size, so that the sanitizers see every byte read too many.
        std::vector<char> const text(damaged.begin(), damaged.end());
        std::string_view const whole(text.data(), text.size());
        detail::for_each_known_element(whole, [&](json_span e) {
            CHECK(!e.text.empty());
            CHECK(e.text.data() >= whole.data());
            CHECK(e.text.data() + e.text.size() <= whole.data() + whole.size());
        });
    }
}

TEST_CASE("errors have a category and a text each") {
    for (int e = 1; e <= static_cast<int>(json_error::wrong_kind); ++e) {
        error_code const ec = static_cast<json_error>(e);
        CHECK(ec.failed());
        CHECK(ec.category().name() == std::string("mad.json"));
        CHECK(ec.message() != error_code(static_cast<json_error>(e - 1)).message());
    }
    CHECK_FALSE(error_code(json_error::none).failed());
}
