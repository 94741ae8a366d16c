#include "virtual_fleet.hpp"

#include <catch2/catch.hpp>

using namespace mad::fleet;
using mad_test::virtual_fleet;
using namespace std::chrono_literals;

TEST_CASE("a silent host is stale after three samples, offline after twelve, to the millisecond") {
    struct row {
        unsigned interval;
        std::chrono::milliseconds stale, offline;
    };
    auto const r = GENERATE(values<row>({
        {1'000, 7'500ms, 30s},
        {2'500, 7'500ms, 30s},
        {5'000, 15s, 60s},
        {60'000, 180s, 720s},
    }));
    CAPTURE(r.interval);
    virtual_fleet f;
    f.interval = r.interval;
    f.sample("a", R"("storage":10)");
    f.pass(r.stale - 1ms);
    CHECK(f.state("a") == "ok");
    f.pass(1ms);
    CHECK(f.state("a") == "stale");
    CHECK(f.of("a").since_ms == f.wall());
    f.pass(r.offline - r.stale - 1ms);
    CHECK(f.state("a") == "stale");
    f.pass(1ms);
    CHECK(f.state("a") == "offline");
    CHECK(f.of("a").reason == "silent");
    CHECK(f.told() == "ok>stale stale>offline(silent)");
    f.sample("a", R"("storage":10)");
    CHECK(f.told() == "offline>ok");
    CHECK(f.of("a").reason.empty());
}
