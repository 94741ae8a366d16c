#include <mad/host/scan.hpp>
#include <mad/host/short_text.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mad::host;

TEST_CASE("lines and words are taken off one by one, the last line needs no newline") {
    std::string_view text = "a  b\tc\n\n  d ";
    auto line = next_line(text);
    CHECK(next_word(line) == "a");
    CHECK(next_word(line) == "b");
    CHECK(next_word(line) == "c");
    CHECK(next_word(line).empty());
    CHECK(next_line(text).empty());
    line = next_line(text);
    CHECK(next_word(line) == "d");
    CHECK(next_word(line).empty());
    CHECK(text.empty());
    CHECK(next_line(text).empty());
}

TEST_CASE("fields between single blanks may be empty") {
    std::string_view line = "ext4  rw";
    CHECK(next_field(line) == "ext4");
    CHECK(next_field(line).empty());
    CHECK(next_field(line) == "rw");
    CHECK(next_field(line).empty());
}

TEST_CASE("a number is all of a word, and fits") {
    struct row {
        std::string_view word;
        std::optional<std::uint64_t> value;
    };
    auto const r = GENERATE(values<row>({
        {"0", 0},
        {"007", 7},
        {"18446744073709551615", UINT64_MAX},
        {"18446744073709551616", std::nullopt},
        {"", std::nullopt},
        {"-1", std::nullopt},
        {"+1", std::nullopt},
        {"1x", std::nullopt},
        {"0x1", std::nullopt},
        {" 1", std::nullopt},
        {"1.5", std::nullopt},
    }));
    CAPTURE(r.word);
    CHECK(number_of(r.word) == r.value);
}

TEST_CASE("numbers of other bases and sizes") {
    CHECK(number_of("ff", 16) == 255u);
    CHECK(number_of<unsigned>("1003", 16) == 0x1003u);
    CHECK_FALSE(number_of<unsigned>("4294967296"));
    CHECK_FALSE(number_of("0x10", 16));
}

TEST_CASE("a fraction is finite, not negative and never in exponent form") {
    struct row {
        std::string_view word;
        std::optional<double> value;
    };
    auto const r = GENERATE(values<row>({
        {"0.42", 0.42},
        {"864213.12", 864213.12},
        {"3", 3.0},
        {"0,42", std::nullopt}, // whatever the locale says
        {"-0.1", std::nullopt},
        {"-0.0", std::nullopt},
        {"inf", std::nullopt},
        {"nan", std::nullopt},
        {"1e3", std::nullopt},
        {"", std::nullopt},
        {"1.5x", std::nullopt},
    }));
    CAPTURE(r.word);
    CHECK(fraction_of(r.word) == r.value);
}

TEST_CASE("sums, differences and products stop at the ends of the range") {
    CHECK(minus(5, 3) == 2);
    CHECK(minus(3, 5) == 0);
    CHECK(plus(1, 2) == 3);
    CHECK(plus(UINT64_MAX, 1) == UINT64_MAX);
    CHECK(times(3, 4) == 12);
    CHECK(times(UINT64_MAX / 2, 3) == UINT64_MAX);
    CHECK(times(UINT64_MAX, 0) == 0);
}

TEST_CASE("a short text keeps what fits and never half a character") {
    using five = short_text<5>;
    CHECK(five("abc").view() == "abc");
    CHECK(five("abcde").view() == "abcde");
    CHECK(five("abcdef").view() == "abcde");
    CHECK(five("abcd\xc3\xa9").view() == "abcd");
    CHECK(five("abc\xc3\xa9").view() == "abc\xc3\xa9");
    CHECK(five("ab\xe2\x82\xac\xe2\x82\xac").view() == "ab\xe2\x82\xac");
    CHECK(five("").empty());
    CHECK(five("x") == "x");
    CHECK_FALSE(five("x") == five("y"));
    // Bytes that are no text at all are cut somewhere, and stay inside.
    CHECK(five("\x80\x80\x80\x80\x80\x80\x80").empty());
}
