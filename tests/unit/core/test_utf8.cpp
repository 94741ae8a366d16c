#include <mad/core/utf8.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mad;

namespace {

/// A code point in the form of RFC 3629, also where it would be forbidden (surrogates, too large).
std::string encoded(unsigned c) {
    auto const at = [](unsigned v) { return static_cast<char>(v); };
    if (c < 0x80)
        return {at(c)};
    if (c < 0x800)
        return {at(0xc0 | c >> 6), at(0x80 | (c & 63))};
    if (c < 0x10000)
        return {at(0xe0 | c >> 12), at(0x80 | (c >> 6 & 63)), at(0x80 | (c & 63))};
    return {at(0xf0 | c >> 18), at(0x80 | (c >> 12 & 63)), at(0x80 | (c >> 6 & 63)),
            at(0x80 | (c & 63))};
}

/// Verdict when the text comes in two pieces.
bool is_utf8_split(std::string_view s, std::size_t at) {
    utf8_checker c;
    return c.feed(s.substr(0, at)) && c.feed(s.substr(at)) && c.complete();
}

struct bad_row {
    std::string_view text;
    /// How many bytes can still be the beginning of something valid. All of them: it is cut short.
    std::size_t good_bytes;
};

/// RFC 3629 section 4, each bound from outside.
std::vector<bad_row> const bad_rows{
    {"\x80", 0},
    {"\xbf", 0},
    {"a\x80", 1},
    {"\xc0\x80", 0},
    {"\xc0\xaf", 0},
    {"\xc1\xbf", 0},
    {"\xc2", 1},
    {"\xc2\x7f", 1},
    {"\xc2\xc0", 1},
    {"\xc2\xc2\x80", 1},
    {"\xdf", 1},
    {"\xe0\x80\x80", 1},
    {"\xe0\x9f\xbf", 1},
    {"\xe0\xa0", 2},
    {"\xe0\xa0\x7f", 2},
    {"\xe0\xa0\xc0", 2},
    {"\xe1\x80", 2},
    {"\xec\xc0\x80", 1},
    {"\xed\xa0\x80", 1},
    {"\xed\xad\xbf", 1},
    {"\xed\xbf\xbf", 1},
    {"\xef\xbf", 2},
    {"\xf0\x80\x80\x80", 1},
    {"\xf0\x8f\xbf\xbf", 1},
    {"\xf0\x90", 2},
    {"\xf0\x90\x80", 3},
    {"\xf0\x90\x80\x41", 3},
    {"\xf0\x90\xc0\x80", 2},
    {"\xf4\x90\x80\x80", 1},
    {"\xf4\xbf\xbf\xbf", 1},
    {"\xf5\x80\x80\x80", 0},
    {"\xf8\x88\x80\x80\x80", 0},
    {"\xfc\x84\x80\x80\x80\x80", 0},
    {"\xfe", 0},
    {"\xff", 0},
    {"Hello\xc2\xb5\xc3\x9f\xc3\xb6\xed\xa0\x80 and more than a word", 12},
    {"eight byeight by\xff", 16},
    {"eight byeight by\xe2\x82", 18},
    {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80"
     "edited",
     12},
};

} // namespace

TEST_CASE("every code point but the surrogates is UTF-8, and nothing above U+10FFFF") {
    for (unsigned c = 0; c < 0x112000; ++c) {
        bool const valid = c < 0x110000 && (c < 0xd800 || c > 0xdfff);
        auto const text = encoded(c);
        if (is_utf8(text) != valid || utf8_sequence_length(text) != (valid ? text.size() : 0)) {
            INFO("code point " << c);
            FAIL();
        }
    }
}

TEST_CASE("a sequence in a longer form than needed is refused") {
    for (unsigned c = 0; c < 0x80; ++c)
        REQUIRE_FALSE(is_utf8(
            std::string{static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 63))}));
    for (unsigned c = 0; c < 0x800; ++c)
        REQUIRE_FALSE(is_utf8(std::string{'\xe0', static_cast<char>(0x80 | c >> 6),
                                          static_cast<char>(0x80 | (c & 63))}));
    for (unsigned c = 0; c < 0x10000; c += 7)
        REQUIRE_FALSE(is_utf8(std::string{'\xf0', static_cast<char>(0x80 | c >> 12),
                                          static_cast<char>(0x80 | (c >> 6 & 63)),
                                          static_cast<char>(0x80 | (c & 63))}));
}

TEST_CASE("what is not UTF-8 is refused at its first wrong byte") {
    for (auto const& r : bad_rows) {
        INFO(r.text);
        CHECK_FALSE(is_utf8(r.text));
        utf8_checker c;
        CHECK(c.feed(r.text.substr(0, r.good_bytes)));
        if (r.good_bytes == r.text.size())
            CHECK_FALSE(c.complete());
        else
            CHECK_FALSE(c.feed(r.text.substr(r.good_bytes, 1)));
    }
}

TEST_CASE("the verdict is the same wherever the text is split") {
    std::vector<std::string_view> texts{"", "plain ASCII of more than eight bytes", "aé€😀",
                                        "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80",
                                        "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"};
    for (auto const text : texts)
        CHECK(is_utf8(text));
    for (auto const& r : bad_rows)
        texts.push_back(r.text);
    for (auto const text : texts) {
        for (std::size_t at = 0; at <= text.size(); ++at) {
            INFO(text << " split at " << at);
            REQUIRE(is_utf8_split(text, at) == is_utf8(text));
        }
    }
}

TEST_CASE("text that comes byte by byte is complete only between characters") {
    std::string const text = "aé€😀b";
    std::string const complete = "110100100011"; // before each byte, and after the last
    utf8_checker c;
    std::string seen;
    for (char const byte : text) {
        seen += c.complete() ? '1' : '0';
        REQUIRE(c.feed({&byte, 1}));
    }
    seen += c.complete() ? '1' : '0';
    CHECK(seen == complete);
}

TEST_CASE("a wrong byte is found at every place of a long text") {
    for (std::size_t n = 1; n < 40; ++n) {
        for (std::size_t at = 0; at < n; ++at) {
            std::string text(n, 'x');
            text[at] = '\xff';
            REQUIRE_FALSE(is_utf8(text));
        }
    }
}

TEST_CASE("utf8_sequence_length looks at the front alone") {
    CHECK(utf8_sequence_length("") == 0);
    CHECK(utf8_sequence_length("a\xff") == 1);
    CHECK(utf8_sequence_length("é\xff") == 2);
    CHECK(utf8_sequence_length("€\xff") == 3);
    CHECK(utf8_sequence_length("😀\xff") == 4);
    for (auto const& r : bad_rows)
        if (r.good_bytes == 0)
            CHECK(utf8_sequence_length(r.text) == 0);
    CHECK(utf8_sequence_length("\xf0\x9f\x98") == 0);
}
