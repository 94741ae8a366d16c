#include <mad/host/proc_stat.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad::host;

namespace {

proc_stat parsed(std::string_view text, bool usable = true) {
    proc_stat out;
    CHECK(parse_proc_stat(text, out) == usable);
    return out;
}

std::uint64_t sum(cpu_ticks const& t) {
    return t.user + t.nice + t.system + t.idle + t.iowait + t.irq + t.softirq + t.steal;
}

} // namespace

TEST_CASE("a whole /proc/stat of today") {
    auto const s = parsed("cpu  6490 3 2920 181392 627 5 62 14 100 1\n"
                          "cpu0 2057 1 891 92773 42 2 13 2 60 1\n"
                          "cpu1 4433 2 2029 88619 585 3 49 12 40 0\n"
                          "intr 235779 0 0 1 2 3\n"
                          "ctxt 481549\n"
                          "btime 1763135787\n"
                          "processes 4711\n"
                          "procs_running 3\n"
                          "procs_blocked 1\n"
                          "softirq 9 1 2 3\n");
    REQUIRE(s.all);
    CHECK(s.all->user == 6490);
    CHECK(s.all->nice == 3);
    CHECK(s.all->system == 2920);
    CHECK(s.all->idle == 181392);
    CHECK(s.all->iowait == 627);
    CHECK(s.all->irq == 5);
    CHECK(s.all->softirq == 62);
    CHECK(s.all->steal == 14);
    REQUIRE(s.cores.size() == 2);
    CHECK(s.cores[1].number == 1);
    CHECK(s.cores[1].ticks.steal == 12);
    CHECK(s.boot_s == 1763135787u);
    CHECK(s.procs_running == 3u);
    CHECK(s.procs_blocked == 1u);
}

TEST_CASE("older kernels have fewer columns and guest columns are not counted twice") {
    struct row {
        char const* what;
        std::string_view columns;
        std::uint64_t sum;
    };
    auto const r = GENERATE(values<row>({
        {"2.4: user nice system idle", "10 20 30 40", 100},
        {"2.5.41: iowait", "10 20 30 40 1", 101},
        {"2.6.0: irq and softirq", "10 20 30 40 1 2 3", 106},
        {"2.6.11: steal", "10 20 30 40 1 2 3 4", 110},
        {"2.6.24: guest", "10 20 30 40 1 2 3 4 9", 110},
        {"2.6.33: guest_nice", "10 20 30 40 1 2 3 4 9 9", 110},
        {"some day: one more", "10 20 30 40 1 2 3 4 9 9 77", 110},
    }));
    CAPTURE(r.what);
    auto const s = parsed("cpu  " + std::string(r.columns) + "\n");
    REQUIRE(s.all);
    CHECK(sum(*s.all) == r.sum);
}

TEST_CASE("numbers with holes, out of order, doubled or beyond reason") {
    auto const s = parsed("cpu 1 1 1 1\n"
                          "cpu12 4 0 0 4\n"
                          "cpu0 1 0 0 1\n"
                          "cpu5 3 0 0 3\n"
                          "cpu5 9 9 9 9\n"
                          "cpu8192 1 1 1 1\n"
                          "cpu4294967296 1 1 1 1\n"
                          "cpux 1 1 1 1\n"
                          "cpu7 1 1\n"
                          "cpufreq 3\n");
    REQUIRE(s.cores.size() == 3);
    CHECK(s.cores[0].number == 0);
    CHECK(s.cores[1].number == 5);
    CHECK(s.cores[2].number == 12);
}

TEST_CASE("a text without CPU lines is refused and leaves nothing behind") {
    proc_stat out;
    REQUIRE(parse_proc_stat("cpu 1 2 3 4\ncpu0 1 2 3 4\nbtime 5\nprocs_running 1\n", out));
    auto const text = GENERATE(as<std::string_view>{}, "", "\n\n", "cpu\n", "cpu 1 2 3\n",
                               "cpu a b c d\n", "intr 1 2 3\nctxt 9\n", "cp");
    CAPTURE(text);
    CHECK_FALSE(parse_proc_stat(text, out));
    CHECK_FALSE(out.all);
    CHECK(out.cores.empty());
    CHECK_FALSE(out.boot_s);
    CHECK_FALSE(out.procs_running);
}

TEST_CASE("the aggregate line may be missing while the cores are there") {
    auto const s = parsed("cpu0 1 2 3 4\n");
    CHECK_FALSE(s.all);
    CHECK(s.cores.size() == 1);
}

TEST_CASE("an interrupt line of hundreds of kilobytes is passed over") {
    std::string text = "cpu 1 2 3 4\nintr 7";
    for (int i = 0; i < 100'000; ++i)
        text += " 0";
    text += "\nprocs_running 8\nprocs_blocked 2";
    auto const s = parsed(text);
    CHECK(s.procs_running == 8u);
    CHECK(s.procs_blocked == 2u);
}
