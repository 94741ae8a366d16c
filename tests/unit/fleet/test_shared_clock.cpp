#include <mad/fleet/shared_clock.hpp>

#include <catch2/catch.hpp>

using namespace std::chrono_literals;

static mad::time_point const start = mad::time_point{} + 100s; // 100,000 ms

TEST_CASE("a shared clock is unknown before the first look") {
    mad::fleet::shared_clock c;
    CHECK_FALSE(c.known());
    CHECK(c.at(start) == 0);
}

TEST_CASE("half the way there and back is taken off") {
    mad::fleet::shared_clock c;
    c.look(start, start + 20ms, 5'000'010);
    CHECK(c.known());
    CHECK(c.at(start) == 5'000'000);
    CHECK(c.at(start + 7s) == 5'007'000);
    CHECK(c.at(start - 1s) == 4'999'000);
}

TEST_CASE("a slow answer does not spoil what is known") {
    mad::fleet::shared_clock c;
    c.look(start, start + 2ms, 5'000'001);
    c.look(start + 1s, start + 5s, 5'001'000); // in truth it was read at once
    CHECK(c.at(start) == 5'000'000);
}

TEST_CASE("a slow answer that proves another clock counts") {
    mad::fleet::shared_clock c;
    c.look(start, start + 2ms, 5'000'001);
    c.look(start + 1s, start + 2s, 9'000'000);
    CHECK(c.at(start + 1500ms) == 9'000'000);
}

TEST_CASE("a quick answer always counts") {
    mad::fleet::shared_clock c;
    c.look(start, start + 4ms, 5'000'002);
    c.look(start + 10s, start + 10s + 2ms, 5'010'006);
    CHECK(c.at(start) == 5'000'005);
}
