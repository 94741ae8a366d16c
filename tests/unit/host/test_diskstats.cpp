#include <mad/host/diskstats.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad::host;

TEST_CASE("disk lines of every length since 2.6") {
    struct row {
        char const* what;
        std::string_view line;
        bool taken;
    };
    auto const r = GENERATE(values<row>({
        {"11 counters", "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n", true},
        {"15 with discards, 4.18", " 8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n", true},
        {"17 with flushes, 5.5", " 8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", true},
        {"more, some day", " 8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19\n", true},
        {"a partition of 2.6.18", "   8       1 sda1 100 200 300 400\n", false},
        {"one counter short", " 8 0 sda 1 2 3 4 5 6 7 8 9 10\n", false},
        {"no name", " 8 0\n", false},
        {"no numbers", " x y sda 1 2 3 4 5 6 7 8 9 10 11\n", false},
        {"a negative one", " 8 0 sda 1 2 3 4 5 6 7 8 -1 10 11\n", false},
        {"empty", "\n", false},
    }));
    CAPTURE(r.what);
    std::vector<disk_stats> out;
    parse_diskstats(r.line, out);
    REQUIRE(out.size() == (r.taken ? 1 : 0));
    if (!r.taken)
        return;
    auto const& d = out[0];
    CHECK(d.major == 8);
    CHECK(d.minor == 0);
    CHECK(d.name == "sda");
    CHECK(d.reads == 1);
    CHECK(d.reads_merged == 2);
    CHECK(d.sectors_read == 3);
    CHECK(d.read_ms == 4);
    CHECK(d.writes == 5);
    CHECK(d.writes_merged == 6);
    CHECK(d.sectors_written == 7);
    CHECK(d.write_ms == 8);
    CHECK(d.in_flight == 9);
    CHECK(d.busy_ms == 10);
    CHECK(d.weighted_ms == 11);
}

TEST_CASE("a list is filled anew each time, in the order of the file") {
    std::vector<disk_stats> out;
    parse_diskstats(" 8 0 sda 1 1 1 1 1 1 1 1 1 1 1\n 259 0 nvme0n1 2 2 2 2 2 2 2 2 2 2 2\n", out);
    REQUIRE(out.size() == 2);
    CHECK(out[1].name == "nvme0n1");
    CHECK(out[1].major == 259);
    parse_diskstats(" 104 0 cciss/c0d0 3 3 3 3 3 3 3 3 3 3 3", out);
    REQUIRE(out.size() == 1);
    CHECK(out[0].name == "cciss/c0d0");
    parse_diskstats("", out);
    CHECK(out.empty());
}
