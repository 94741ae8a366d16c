#include <mad/host/cpu_meter.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad::host;
using namespace std::chrono_literals;

namespace {

/// Feeds a meter with texts, 2.5 s apart.
struct feed {
    cpu_meter meter{100};
    mad::time_point at{1000s};
    proc_stat now;
    sample out;

    sample& operator()(std::string_view text, mad::duration later = 2500ms) {
        at += later;
        out.cpu.reset();
        out.cores.clear();
        REQUIRE(parse_proc_stat(text, now));
        meter.update(now, at, out);
        return out;
    }
};

} // namespace

TEST_CASE("the first reading is a baseline, the second gives shares") {
    feed f;
    f("cpu 1000 0 500 8000 100 10 20 5 0 0\n");
    CHECK_FALSE(f.out.cpu);
    CHECK(f.out.cores.empty());
    // 100 ticks: 40 user, 5 nice, 10 system, 30 idle, 5 iowait, 1 irq, 2 softirq, 7 steal
    f("cpu 1040 5 510 8030 105 11 22 12 0 0\n");
    REQUIRE(f.out.cpu);
    CHECK(f.out.cpu->pct == Approx(65));
    CHECK(f.out.cpu->user == Approx(45));
    CHECK(f.out.cpu->system == Approx(13));
    CHECK(f.out.cpu->iowait == Approx(5));
    CHECK(f.out.cpu->steal == Approx(7));
}

TEST_CASE("guests run inside user time and are not added to it") {
    feed f;
    f("cpu 0 0 0 0 0 0 0 0 0 0\n");
    f("cpu 50 0 0 50 0 0 0 0 50 0\n");
    CHECK(f.out.cpu->pct == Approx(50));
    CHECK(f.out.cpu->user == Approx(50));
}

TEST_CASE("four columns are enough") {
    feed f;
    f("cpu 0 0 0 0\n");
    f("cpu 10 10 20 60\n");
    CHECK(f.out.cpu->pct == Approx(40));
    CHECK(f.out.cpu->steal == 0);
}

TEST_CASE("idle and waiting times that go back a little count as none") {
    feed f;
    f("cpu 100 0 0 1000 500 0 0 0\ncpu0 100 0 0 1000 500 0 0 0\n");
    f("cpu 150 0 0 1050 498 0 0 0\ncpu0 150 0 0 1050 400 0 0 0\n");
    CHECK(f.out.cpu->pct == Approx(50));
    CHECK(f.out.cpu->iowait == 0);
    CHECK(f.out.cores[0] == 50.0);
    // The lower value is the baseline from now on.
    f("cpu 150 0 0 1098 500 0 0 0\ncpu0 150 0 0 1098 402 0 0 0\n");
    CHECK(f.out.cpu->iowait == Approx(4));
    CHECK(f.out.cpu->pct == Approx(0).margin(1e-9));
}

TEST_CASE("a CPU whose times fall by more than 3 s was plugged out and in") {
    feed f;
    f("cpu 900 0 0 9000\ncpu0 500 0 0 5000\ncpu1 400 0 0 4000\n");
    f("cpu 950 0 0 9050\ncpu0 550 0 0 5050\ncpu1 10 0 0 3000\n");
    REQUIRE(f.out.cores.size() == 2);
    CHECK(f.out.cores[0] == 50.0);
    CHECK_FALSE(f.out.cores[1]);
    f("cpu 990 0 0 9060\ncpu0 590 0 0 5060\ncpu1 20 0 0 3030\n");
    CHECK(f.out.cores[1] == 25.0);
    // 3 s exactly is still a correction.
    f("cpu 990 0 0 9160\ncpu0 590 0 0 5160\ncpu1 60 0 0 2730\n");
    CHECK(f.out.cores[1] == 100.0);
}

TEST_CASE("the whole may fall too, and is unknown for one tick") {
    feed f;
    f("cpu 5000 0 0 9000\n");
    f("cpu 100 0 0 9500\n");
    CHECK_FALSE(f.out.cpu);
    f("cpu 150 0 0 9550\n");
    CHECK(f.out.cpu->pct == Approx(50));
}

TEST_CASE("CPUs keep their numbers when others come and go") {
    feed f;
    f("cpu0 0 0 0 0\ncpu2 0 0 0 0\ncpu5 0 0 0 0\n");
    f("cpu0 10 0 0 90\ncpu2 20 0 0 80\ncpu5 50 0 0 50\n");
    CHECK(f.out.cores == std::vector<std::optional<double>>{10.0, {}, 20.0, {}, {}, 50.0});
    CHECK_FALSE(f.out.cpu);
    // 2 leaves, 1 comes: unknown for its first tick.
    f("cpu0 20 0 0 180\ncpu1 7000 0 0 8000\ncpu5 100 0 0 100\n");
    CHECK(f.out.cores == std::vector<std::optional<double>>{10.0, {}, {}, {}, {}, 50.0});
    // 2 is back with any value: a baseline first. 5 is gone, so the list is shorter.
    f("cpu0 30 0 0 270\ncpu1 7075 0 0 8025\ncpu2 1000 0 0 1000\n");
    CHECK(f.out.cores == std::vector<std::optional<double>>{10.0, 75.0, {}});
}

TEST_CASE("no time passed for a CPU: nothing is known of it") {
    feed f;
    f("cpu 1 2 3 4\ncpu0 1 2 3 4\n");
    f("cpu 1 2 3 4\ncpu0 1 2 3 4\n");
    CHECK_FALSE(f.out.cpu);
    REQUIRE(f.out.cores.size() == 1);
    CHECK_FALSE(f.out.cores[0]);
}

TEST_CASE("a reading that comes too soon leaves the baseline alone") {
    feed f;
    f("cpu 0 0 0 0\n");
    f("cpu 5 0 0 0\n", 50ms);
    CHECK_FALSE(f.out.cpu);
    f("cpu 10 0 0 10\n", 50ms);
    CHECK(f.out.cpu->pct == Approx(50));
}

TEST_CASE("after a reset the next reading is a baseline again") {
    feed f;
    f("cpu 0 0 0 0\ncpu0 0 0 0 0\n");
    f.meter.reset();
    f("cpu 50 0 0 50\ncpu0 50 0 0 50\n");
    CHECK_FALSE(f.out.cpu);
    CHECK(f.out.cores.empty());
    f("cpu 75 0 0 125\ncpu0 75 0 0 125\n");
    CHECK(f.out.cpu->pct == Approx(25));
    CHECK(f.out.cores[0] == 25.0);
}

TEST_CASE("counters at the end of their range give shares, not nonsense") {
    feed f;
    f("cpu 0 0 0 0 0 0 0 0\n");
    f("cpu 18446744073709551615 18446744073709551615 0 18446744073709551615 0 0 0 0\n");
    REQUIRE(f.out.cpu);
    CHECK(f.out.cpu->pct == Approx(200 / 3.0));
}
