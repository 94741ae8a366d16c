#include <mad/host/tick_grid.hpp>

#include <catch2/catch.hpp>

#include <set>

using namespace mad;
using host::tick_grid;
using namespace std::chrono_literals;

namespace {

time_point at(duration since) {
    return time_point(1000s + since);
}

} // namespace

TEST_CASE("deadlines stay on their grid, however late the work is") {
    struct row {
        duration now;
        duration next;
        std::uint64_t left_out;
    };
    // The first is due at 0, one each 2500 ms.
    row const rows[] = {
        {0ms, 2500ms, 0},        {1ms, 2500ms, 0},    {2499ms, 2500ms, 0}, {2500ms, 5000ms, 1},
        {2501ms, 5000ms, 1},     {4999ms, 5000ms, 1}, {5000ms, 7500ms, 2}, {7600ms, 10'000ms, 3},
        {1h, 1h + 2500ms, 1440}, {-1ms, 2500ms, 0},
    };
    for (auto const& r : rows) {
        CAPTURE(r.now.count());
        tick_grid grid(at(0ms), 2500ms);
        CHECK(grid.advance(at(r.now)) == r.left_out);
        CHECK(grid.due() == at(r.next));
    }
}

TEST_CASE("small delays do not add up") {
    tick_grid grid(at(0ms), 1000ms);
    for (int i = 0; i < 10'000; ++i)
        CHECK(grid.advance(grid.due() + 900ms) == 0);
    CHECK(grid.due() == at(10'000 * 1000ms));
}

TEST_CASE("a grid begins at random within one interval, never at once") {
    std::set<time_point> seen;
    for (int i = 0; i < 200; ++i) {
        auto const first = tick_grid::at_random(at(0ms), 2500ms).due();
        CHECK(first > at(0ms));
        CHECK(first <= at(2500ms));
        seen.insert(first);
    }
    CHECK(seen.size() > 190);
    CHECK(*seen.begin() < at(1250ms));
    CHECK(*seen.rbegin() > at(1250ms));
}
