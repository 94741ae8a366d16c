#include <mad/core/duration.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>

using mad::format_duration;
using mad::milliseconds;
using mad::parse_duration;

TEST_CASE("durations are read with their unit") {
    struct row {
        char const* text;
        std::int64_t ms;
    };
    auto const r = GENERATE(values<row>({
        {"300ms", 300},
        {"25s", 25'000},
        {"1.5m", 90'000},
        {"24h", 86'400'000},
        {"0", 0},
        {"0s", 0},
        {"0.0", 0},
        {"0.25s", 250},
        {"0.4ms", 0},
        {"0.5ms", 1},
        {"007s", 7'000},
        {".5s", 500},
        {"5.s", 5'000},
        {"10000h", 36'000'000'000},
    }));
    auto const d = parse_duration(r.text);
    CAPTURE(r.text);
    REQUIRE(d);
    CHECK(d->count() == r.ms);
}

TEST_CASE("what is no duration is nothing") {
    auto const* const text = GENERATE(
        "", " ", "s", "ms", "25", "1", "25 s", " 25s", "25s ", "25S", "25sec", "25us", "25d", "-1s",
        "-0.5s", "+1s", "1e3s", "0x10s", "1_000ms", "1,5s", "nan", "nans", "inf", "infs",
        "infinitys", "10001h", "99999999999999999999999s", "1s1s", "1m30s", "s1", "--1s", "1\0s");
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
}

TEST_CASE("a zero byte inside is not skipped") {
    CHECK_FALSE(parse_duration(std::string_view("1\0s", 3)));
    CHECK_FALSE(parse_duration(std::string_view("1s\0", 3)));
}

TEST_CASE("durations are written the shortest way") {
    struct row {
        std::int64_t ms;
        char const* text;
    };
    auto const r = GENERATE(values<row>({
        {0, "0s"},
        {1, "1ms"},
        {300, "300ms"},
        {1'000, "1s"},
        {1'500, "1500ms"},
        {25'000, "25s"},
        {60'000, "1m"},
        {90'000, "90s"},
        {3'600'000, "1h"},
        {5'400'000, "90m"},
        {86'400'000, "24h"},
    }));
    CAPTURE(r.ms);
    CHECK(format_duration(milliseconds(r.ms)) == r.text);
}

TEST_CASE("what was written is read as the same") {
    for (std::int64_t ms :
         {0, 1, 999, 1'000, 1'001, 59'999, 60'000, 3'599'999, 3'600'000, 7'200'000, 86'399'999}) {
        CAPTURE(ms);
        CHECK(parse_duration(format_duration(milliseconds(ms))) == milliseconds(ms));
    }
}
