#include <mad/host/proc_misc.hpp>

#include <catch2/catch.hpp>

using namespace mad::host;

TEST_CASE("load averages and tasks") {
    auto const l = parse_loadavg("0.42 0.51 12.07 2/211 31337\n");
    REQUIRE(l);
    CHECK(l->load.one == 0.42);
    CHECK(l->load.five == 0.51);
    CHECK(l->load.fifteen == 12.07);
    CHECK(l->running == 2u);
    CHECK(l->total == 211u);
}

TEST_CASE("load averages without usable tasks still count") {
    auto const text = GENERATE(as<std::string_view>{}, "1.00 2.00 3.00", "1.00 2.00 3.00 x y\n",
                               "1.00 2.00 3.00 /");
    CAPTURE(text);
    auto const l = parse_loadavg(text);
    REQUIRE(l);
    CHECK(l->load.fifteen == 3);
    CHECK_FALSE(l->running);
    CHECK_FALSE(l->total);
}

TEST_CASE("what is no load average is refused") {
    auto const text =
        GENERATE(as<std::string_view>{}, "", "\n", "1.0 2.0\n", "1.0 -2.0 3.0 1/2 3\n",
                 "nan 1.0 1.0 1/2 3\n", "1,0 2,0 3,0 1/2 3\n");
    CAPTURE(text);
    CHECK_FALSE(parse_loadavg(text));
}

TEST_CASE("uptime is the first number") {
    CHECK(parse_uptime("864213.12 1600000.00\n") == 864213.12);
    CHECK(parse_uptime("7\n") == 7.0);
    CHECK_FALSE(parse_uptime(""));
    CHECK_FALSE(parse_uptime("up 3 days\n"));
}

TEST_CASE("resident pages are the second number") {
    CHECK(parse_statm_resident("2048 448 300 20 0 100 0\n") == 448u);
    CHECK_FALSE(parse_statm_resident("2048"));
    CHECK_FALSE(parse_statm_resident(""));
}

TEST_CASE("os-release values come without their quoting") {
    struct row {
        std::string_view text, value;
    };
    auto const r = GENERATE(values<row>({
        {"NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n",
         "Debian GNU/Linux 12 (bookworm)"},
        {"PRETTY_NAME='Alpine Linux v3.20'", "Alpine Linux v3.20"},
        {"PRETTY_NAME=Void\n", "Void"},
        {"PRETTY_NAME=\"a \\\"b\\\" \\$c \\\\ d\"\n", "a \"b\" $c \\ d"},
        {"PRETTY_NAME='a \\b'\n", "a \\b"},
        {"PRETTY_NAME=\"open\n", "open"},
        {"PRETTY_NAME=\"end\\", "end\\"},
        {"PRETTY_NAME=\"windows line\"\r\n", "windows line"},
        {"PRETTY_NAME=\n", ""},
        {"PRETTY_NAME\n", ""},
        {"XPRETTY_NAME=a\n#PRETTY_NAME=b\n", ""},
        {"", ""},
    }));
    CAPTURE(r.text);
    CHECK(os_release_value(r.text, "PRETTY_NAME") == r.value);
}
