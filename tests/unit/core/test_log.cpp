#include <mad/core/log.hpp>

#include <catch2/catch.hpp>

using namespace mad;

TEST_CASE("a text line has time, level, name and fields") {
    auto const line =
        format_log_line({log_level::info, "engine.session.opened", {{"sid", "abc123"}, {"rev", 4}}},
                        log_format::as_text, 1767323045006);
    CHECK(line == "2026-01-02T03:04:05.006Z info engine.session.opened sid=abc123 rev=4");
}

TEST_CASE("bytes that could forge a line or drive a terminal are escaped") {
    auto const line = format_log_line({log_level::warn, "x", {{"a", "1\n2\x1b[31m\xff \"q\""}}},
                                      log_format::as_text, 0);
    CHECK(line == "1970-01-01T00:00:00.000Z warn x a=\"1\\x0a2\\x1b[31m\\xff \\\"q\\\"\"");
}

TEST_CASE("a JSON line stays JSON when it is cut") {
    std::string const big(2000, 'x');
    auto const line = format_log_line(
        {log_level::error, "y", {{"n", 1.5}, {"big", big}, {"z", true}}}, log_format::as_json, 0);
    CHECK(line ==
          R"({"ts":"1970-01-01T00:00:00.000Z","level":"error","event":"y","n":1.5,"cut":true})");
    CHECK(line.size() <= max_log_line_bytes);
}

TEST_CASE("a logger without a sink discards, and levels are named") {
    logger const none;
    CHECK_FALSE(none.wants(log_level::error));
    CHECK(log_level_of("warn") == log_level::warn);
    CHECK_FALSE(log_level_of("loud"));
}
