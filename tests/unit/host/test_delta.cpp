#include <mad/host/delta.hpp>

#include <catch2/catch.hpp>

#include <limits>

using namespace mad::host;
using namespace std::chrono_literals;

namespace {
constexpr std::uint64_t top = beyond_32_bits - 1;
}

TEST_CASE("what a counter gives between two readings") {
    struct row {
        char const* what;
        std::uint64_t before, now, wrap_limit;
        std::optional<std::uint64_t> step;
    };
    auto const r = GENERATE(values<row>({
        {"on it goes", 100, 150, 0, 50},
        {"stands still", 100, 100, 0, 0},
        {"all 64 bits", 1, UINT64_MAX, 0, UINT64_MAX - 1},
        {"reset", 150, 100, 0, std::nullopt},
        {"reset to zero", UINT64_MAX, 0, UINT64_MAX, std::nullopt},
        {"wraps at 32 bits", top - 9, 10, 1000, 20},
        {"wraps exactly", top, 0, 1, 1},
        {"a wrap of a counter never taken for 32 bits", top - 9, 10, 0, std::nullopt},
        {"a wrap that would be too much", top - 9, 10, 19, std::nullopt},
        {"a wrap that is just plausible", top - 9, 10, 20, 20},
        {"a fall from below three quarters", beyond_32_bits / 4 * 3, 0, UINT64_MAX, std::nullopt},
        {"a fall from above three quarters", beyond_32_bits / 4 * 3 + 1, 0, UINT64_MAX,
         beyond_32_bits / 4 - 1},
        {"a fall from beyond 32 bits", beyond_32_bits, 5, UINT64_MAX, std::nullopt},
    }));
    CAPTURE(r.what);
    counter c(r.before);
    CHECK(c.step(r.now, r.wrap_limit) == r.step);
    CHECK(c.value() == r.now);
    // Whatever it was, the new value is the baseline.
    CHECK(c.step(r.now, r.wrap_limit) == 0u);
}

TEST_CASE("a counter that was once beyond 32 bits is never taken for a 32-bit one") {
    counter c(5);
    CHECK(c.step(beyond_32_bits + 5, 1000) == beyond_32_bits);
    CHECK_FALSE(c.step(top - 2, 1000)); // reset
    CHECK_FALSE(c.step(3, 1000));       // looks like a wrap
}

TEST_CASE("a rate is finite, not negative, and below its ceiling") {
    struct row {
        double amount;
        mad::duration elapsed;
        double ceiling;
        std::optional<double> rate;
    };
    auto const r = GENERATE(values<row>({
        {1000, 2500ms, 1e9, 400.0},
        {0, 1s, 1e9, 0.0},
        {1000, 0ms, 1e9, std::nullopt},
        {1000, -5ms, 1e9, std::nullopt},
        {1000, 1s, 1000, 1000.0},
        {1001, 1s, 1000, std::nullopt},
        {-1, 1s, 1000, std::nullopt},
        {std::numeric_limits<double>::infinity(), 1s, 1e300, std::nullopt},
        {std::numeric_limits<double>::quiet_NaN(), 1s, 1e300, std::nullopt},
    }));
    CAPTURE(r.amount, r.elapsed.count());
    CHECK(rate(r.amount, r.elapsed, r.ceiling) == r.rate);
}

TEST_CASE("percents stay within 0 and 100") {
    CHECK(percent(1, 4) == 25);
    CHECK(percent(5, 4) == 100);
    CHECK(percent(-1, 4) == 0);
    CHECK(percent(1, 0) == 0);
    CHECK(percent(0, 0) == 0);
}

TEST_CASE("sums of what is known") {
    std::optional<double> total;
    add_to(total, std::nullopt);
    CHECK_FALSE(total);
    add_to(total, 2.0);
    add_to(total, std::nullopt);
    add_to(total, 0.5);
    CHECK(total == 2.5);
}

TEST_CASE("the most a counter may have gone") {
    CHECK(most_in(1000, 2500ms) == 2500);
    CHECK(most_in(1000, 0ms) == 0);
    CHECK(most_in(1000, -1s) == 0);
    CHECK(most_in(1e30, 1s) == 0); // no bound at all is no help
}

TEST_CASE("a window opens after 100 ms and keeps its baseline until then") {
    rate_window w;
    mad::time_point const t0{1000s};
    auto s = w.next(t0);
    CHECK(s.advance);
    CHECK_FALSE(s.elapsed);

    for (auto early : {0ms, 1ms, 50ms, 99ms}) {
        s = w.next(t0 + early);
        CHECK_FALSE(s.advance);
        CHECK_FALSE(s.elapsed);
    }
    s = w.next(t0 + 100ms);
    CHECK(s.advance);
    CHECK(s.elapsed == mad::duration(100ms));
    s = w.next(t0 + 2600ms);
    CHECK(s.elapsed == mad::duration(2500ms));

    w.reset();
    CHECK_FALSE(w.next(t0 + 9s).elapsed);
    CHECK(w.next(t0 + 10s).elapsed == mad::duration(1s));

    // A clock that goes back gives a new baseline, not a rate.
    s = w.next(t0);
    CHECK(s.advance);
    CHECK_FALSE(s.elapsed);
    CHECK(w.next(t0 + 1s).elapsed == mad::duration(1s));
}
