#include <mad/host/meminfo.hpp>

#include <catch2/catch.hpp>

using namespace mad::host;

namespace {

constexpr std::uint64_t kib = 1024;

meminfo parsed(std::string_view text) {
    meminfo m;
    CHECK(parse_meminfo(text, m));
    return m;
}

} // namespace

TEST_CASE("memory of a kernel that tells what is available") {
    auto const m = parsed("MemTotal:       16384000 kB\n"
                          "MemFree:         1000000 kB\n"
                          "MemAvailable:   12288000 kB\n"
                          "Buffers:          200000 kB\n"
                          "Cached:          5000000 kB\n"
                          "SwapCached:            7 kB\n"
                          "SwapTotal:       2097152 kB\n"
                          "SwapFree:        2000000 kB\n"
                          "Shmem:             30000 kB\n"
                          "SReclaimable:     400000 kB\n"
                          "HugePages_Total:       0\n"
                          "NewInSomeKernel: 1 kB\n");
    auto const use = memory_of(m);
    REQUIRE(use);
    CHECK(use->total == 16384000 * kib);
    CHECK(use->available == 12288000 * kib);
    CHECK(use->pct == Approx(25.0));
    CHECK(use->swap_total == 2097152 * kib);
    CHECK(use->swap_used == 97152 * kib);
}

TEST_CASE("a kernel before 3.14 lets it be worked out") {
    auto const use = memory_of(parsed("MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\n"
                                      "Cached: 300 kB\nSReclaimable: 40 kB\nShmem: 90 kB\n"));
    REQUIRE(use);
    CHECK(use->available == 400 * kib);
    CHECK(use->pct == Approx(60.0));
}

TEST_CASE("2.6 kernels without Shmem and SReclaimable, and numbers of different moments") {
    CHECK(memory_of(parsed("MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 300 kB\n"))
              ->available == 450 * kib);
    // More shared than there is loose: nothing available, not a huge number.
    CHECK(memory_of(parsed("MemTotal: 1000 kB\nMemFree: 10 kB\nShmem: 90 kB\n"))->available == 0);
    // More available than there is.
    auto const over = memory_of(parsed("MemTotal: 1000 kB\nMemAvailable: 2000 kB\n"));
    CHECK(over->available == 1000 * kib);
    CHECK(over->pct == 0);
    // More swap free than there is.
    CHECK(memory_of(parsed("MemTotal: 1 kB\nMemFree: 1 kB\nSwapTotal: 5 kB\nSwapFree: 6 kB\n"))
              ->swap_used == 0u);
}

TEST_CASE("no swap is a measured nothing, an untold one is absent") {
    auto const none =
        memory_of(parsed("MemTotal: 8 kB\nMemFree: 8 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"));
    CHECK(none->swap_total == 0u);
    CHECK(none->swap_used == 0u);
    auto const untold = memory_of(parsed("MemTotal: 8 kB\nMemFree: 8 kB\n"));
    CHECK_FALSE(untold->swap_total);
    CHECK_FALSE(untold->swap_used);
}

TEST_CASE("what cannot be told is not made up") {
    meminfo m;
    CHECK_FALSE(parse_meminfo("", m));
    CHECK_FALSE(parse_meminfo("MemFree: 1 kB\n", m));
    CHECK_FALSE(parse_meminfo("MemTotal: many kB\n", m));
    CHECK_FALSE(memory_of(parsed("MemTotal: 0 kB\nMemFree: 0 kB\n")));
    CHECK_FALSE(memory_of(parsed("MemTotal: 10 kB\nCached: 5 kB\n")));
}

TEST_CASE("the cache of ZFS is given back down to its least size") {
    auto const arc = parse_arcstats("13 1 0x01 123 33456 8400000000 900000000000\n"
                                    "name                            type data\n"
                                    "hits                            4    100\n"
                                    "c                               4    900000\n"
                                    "c_min                           4    102400\n"
                                    "c_max                           4    800000\n"
                                    "size                            4    512000\n"
                                    "compressed_size                 4    1\n");
    REQUIRE(arc);
    CHECK(arc->size == 512000);
    CHECK(arc->least == 102400);
    auto const m = parsed("MemTotal: 1000 kB\nMemAvailable: 200 kB\n");
    CHECK(memory_of(m, arc)->available == 600 * kib);
    CHECK(memory_of(m, arc)->pct == Approx(40.0));
    CHECK(memory_of(m, arc_size{UINT64_MAX, 0})->available == 1000 * kib);
    CHECK(memory_of(m, arc_size{5, 10})->available == 200 * kib);
    CHECK_FALSE(parse_arcstats("size 4 1\n"));
    CHECK_FALSE(parse_arcstats("size 4\nc_min 4 1\n"));
    CHECK_FALSE(parse_arcstats(""));
}
