#include <mad/core/json.hpp>
#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>
#include <mad/core/utf8.hpp>

#include <catch2/catch.hpp>

#include <support/json_maker.hpp>
#include <support/print_result.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

using namespace mad;

namespace {

std::string as_json(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

template <class Number>
std::string number(Number n) {
    std::string out;
    append_json_number(out, n);
    return out;
}

std::string unescaped(std::string_view raw) {
    std::string out;
    json_unescape(raw, out);
    return out;
}

} // namespace

TEST_CASE("text is written as a JSON string") {
    struct row {
        std::string text, json;
    };
    auto const r = GENERATE(values<row>({
        {"", "\"\""},
        {"hello", "\"hello\""},
        {"a\"b\\c/d", R"("a\"b\\c/d")"},
        {"\b\f\n\r\t", R"("\b\f\n\r\t")"},
        {std::string("\0\x01\x1f\x7f", 4), "\"\\u0000\\u0001\\u001f\x7f\""},
        {"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""},
        {"\xe2\x80\xa8", "\"\xe2\x80\xa8\""},
        {"exactly8\"exactly8", R"("exactly8\"exactly8")"},
    }));
    CAPTURE(r.text);
    CHECK(as_json(r.text) == r.json);
    CHECK(unescaped(as_json(r.text)) == r.text);
    CHECK(json::parse(r.json) == r.text);
}

TEST_CASE("what is not UTF-8 becomes U+FFFD, one for each maximal wrong piece") {
    struct row {
        std::string text;
        int replacements;
    };
    auto const r = GENERATE(values<row>({
        {"a\xff z", 1},
        {"\x80\x80", 2},
        {"\xc3", 1},
        {"\xe2\x82", 1},
        {"\xf0\x9f\x98", 1},
        {"\xf0\x9f\x98x", 1},
        {"\xe2\x82\xe2\x82\xac", 1},
        {"\xed\xa0\x80", 3},
        {"\xc0\xaf", 2},
        {"\xf4\x90\x80\x80", 4},
    }));
    auto const out = as_json(r.text);
    CAPTURE(r.text, out);
    int n = 0;
    for (auto i = out.find("\xef\xbf\xbd"); i != out.npos; i = out.find("\xef\xbf\xbd", i + 3))
        ++n;
    CHECK(n == r.replacements);
    CHECK(scan_json(out));
}

TEST_CASE("numbers are written short, and JavaScript's way where JSON has no word") {
    CHECK(number(0) == "0");
    CHECK(number(-17) == "-17");
    CHECK(number(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
    CHECK(number(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
    CHECK(number(std::uint8_t(200)) == "200");
    CHECK(number(1.0) == "1");
    CHECK(number(1.5) == "1.5");
    CHECK(number(-0.0) == "0");
    CHECK(number(0.1) == "0.1");
    CHECK(number(1e21) == "1e+21");
    CHECK(number(1e300) == "1e+300");
    CHECK(number(5e-324) == "5e-324");
    CHECK(number(std::nan("")) == "null");
    CHECK(number(std::numeric_limits<double>::infinity()) == "null");
    CHECK(number(-std::numeric_limits<double>::infinity()) == "null");
}

TEST_CASE("every number written is JSON and gives the same number back") {
    std::mt19937_64 random(3);
    for (int i = 0; i < 5000; ++i) {
        auto const bits = random();
        double value;
        std::memcpy(&value, &bits, sizeof value);
        if (!std::isfinite(value))
            continue;
        auto const text = number(value);
        CAPTURE(text);
        REQUIRE(scan_json(text));
        CHECK(json::parse(text).get<double>() == value);
    }
}

TEST_CASE("escapes are undone, with and without the quotes") {
    struct row {
        std::string raw, text;
    };
    auto const r = GENERATE(values<row>({
        {R"("")", ""},
        {"", ""},
        {"plain", "plain"},
        {R"("a\"\\\/\b\f\n\r\t")", "a\"\\/\b\f\n\r\t"},
        {R"(\u0041\u00e9\u20AC)", "A\xc3\xa9\xe2\x82\xac"},
        {R"("\ud83d\ude00!")", "\xf0\x9f\x98\x80!"},
        {R"("\ud83d")", "\xef\xbf\xbd"},
        {R"("\ude00x")", "\xef\xbf\xbdx"},
        {R"("\ud83d\ud83d\ude00")", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {R"("\u0000")", std::string(1, '\0')},
    }));
    CAPTURE(r.raw);
    CHECK(unescaped(r.raw) == r.text);
    CHECK(json_unescaped_size(r.raw) == r.text.size());
    CHECK(json_string_equals(r.raw, r.text));
    CHECK_FALSE(json_string_equals(r.raw, r.text + "x"));
}

TEST_CASE("text that no scan took is not read beyond its end") {
    for (std::string_view raw :
         {"\"", "\\", "a\\", "\\u", "\\u12", "\\ud83d\\", "\\ud83d\\ud", "\\q"})
        CHECK(unescaped(std::string(raw)).size() <= 4);
    std::string broken = "\"\\ud83d\\";
    replace_lone_surrogates(broken);
    CHECK(broken == "\"\\ufffd\\");
}

TEST_CASE("lone surrogates are replaced in place, pairs and doubled backslashes are not") {
    struct row {
        std::string before, after;
    };
    auto const r = GENERATE(values<row>({
        {R"(["\ud800"])", R"(["\ufffd"])"},
        {R"(["\udfff\ud800"])", R"(["\ufffd\ufffd"])"},
        {R"(["\ud83d\ude00"])", R"(["\ud83d\ude00"])"},
        {R"(["\\ud800"])", R"(["\\ud800"])"},
        {R"(["\\\ud800"])", R"(["\\\ufffd"])"},
        {R"(["\ud800\ud83d\ude00\n"])", R"(["\ufffd\ud83d\ude00\n"])"},
        {R"({"\uDC00":1})", R"({"\ufffd":1})"},
        {R"([1])", R"([1])"},
    }));
    auto text = r.before;
    replace_lone_surrogates(text);
    CHECK(text == r.after);
}

TEST_CASE("random bytes written as a string give back the bytes, or their replacement") {
    mad_test::json_maker make(11);
    for (int i = 0; i < 3000; ++i) {
        std::string bytes;
        for (auto n = make.below(24); n > 0; --n)
            bytes += static_cast<char>(make.below(make.below(2) ? 256 : 128));
        auto const out = as_json(bytes);
        CAPTURE(bytes, out);
        REQUIRE(scan_json(out));
        if (is_utf8(bytes))
            CHECK(unescaped(out) == bytes);
        else
            CHECK(json::parse(out).get<std::string>() ==
                  json::parse(json(bytes).dump(-1, ' ', false, json::error_handler_t::replace))
                      .get<std::string>());
    }
}
