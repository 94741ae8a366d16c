#include <mad/core/json.hpp>
#include <mad/fleet/history.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace mad;
using namespace mad::fleet;

namespace {

constexpr std::int64_t begin_ms = 1'764'000'000'000; // a whole minute
constexpr float unknown = std::numeric_limits<float>::quiet_NaN();

reading six(float cpu, float network = 1, std::uint32_t interval_ms = 2'500) {
    reading r;
    r.interval_ms = interval_ms;
    r.modern = true;
    r.set(metric::storage, 37.4);
    r.set(metric::network, network);
    r.set(metric::cpu, cpu);
    r.set(metric::mem, 25.8);
    r.set(metric::load, 0.42);
    return r; // psi stays unknown
}

history filled(std::int64_t from, int samples, float cpu = 10) {
    history h;
    for (int i = 0; i < samples; ++i)
        h.add(from + i * 2'500, six(cpu));
    return h;
}

json as_json(history const& h, history_window w = history_window::all) {
    return json::parse(h.json(w));
}

} // namespace

TEST_CASE("numbers in 16 bits are right to a fortieth of a percent") {
    CHECK(std::isnan(unpack_number(pack_number(unknown))));
    CHECK(unpack_number(pack_number(0)) == 0);
    CHECK(unpack_number(pack_number(-1)) == 0);
    CHECK(unpack_number(pack_number(1e9f)) > 2e6f);
    for (float v = 0.001f; v < 2e6f; v *= 1.0137f) {
        INFO(v);
        CHECK(unpack_number(pack_number(v)) == Approx(v).epsilon(0.00025));
    }
    for (int tenths = 0; tenths <= 1'000; ++tenths) {
        INFO(tenths);
        auto const back = unpack_number(pack_number(static_cast<float>(tenths) / 10));
        CHECK(std::lround(back * 10) == tenths);
    }
    for (unsigned p = 0; p < 0xffff; ++p) // every pattern but the gap is a number of its own
        if (pack_number(unpack_number(static_cast<std::uint16_t>(p))) != p)
            FAIL(p);
}

TEST_CASE("a history gives what was measured, in the order of its columns") {
    history h;
    CHECK(h.empty());
    CHECK(as_json(h)["native"].empty());
    h.add(begin_ms, six(12.3f, 1.844f));
    h.add(begin_ms + 2'500, six(50, 240.5f));
    auto const j = as_json(h);
    CHECK(j["interval_ms"] == 2'500);
    CHECK(j["t0"] == begin_ms);
    CHECK(j["cols"].dump() == R"(["storage","network","cpu","mem","load","psi"])");
    CHECK(j["native"].size() == 2);
    CHECK(j["native"][0][0] == 37.4);
    CHECK(j["native"][0][1].get<double>() == Approx(1.844).epsilon(0.0003));
    CHECK(j["native"][0][2] == 12.3);
    CHECK(j["native"][0][4] == 0.42);
    CHECK(j["native"][0][5].is_null());
    CHECK(j["native"][1][2] == 50.0);
    CHECK(j["minutes"]["mean"].empty());
}

TEST_CASE("samples that did not come are gaps, and late ones are not") {
    history h;
    std::int64_t const at[] = {0, 2'430, 5'120, 7'500, 15'080, 17'400}; // none at 10 s and 12.5 s
    for (auto const t : at)
        h.add(begin_ms + t, six(static_cast<float>(t) / 1'000));
    auto const native = as_json(h)["native"];
    REQUIRE(native.size() == 8);
    CHECK(native[3][2] == 7.5);
    CHECK(native[4][2].is_null());
    CHECK(native[5][0].is_null());
    CHECK(native[6][2] == 15.1);
    h.add(begin_ms + 17'000, six(99)); // older than the last
    CHECK(as_json(h)["native"].size() == 8);
    h.add(begin_ms + 18'000, six(99)); // too early for a place of its own
    CHECK(as_json(h)["native"].size() == 8);
    CHECK(as_json(h)["native"][7][2] == 99.0);
    h.add(begin_ms + 2 * history::native_ms, six(1));
    CHECK(as_json(h)["native"].size() == 1);
}

TEST_CASE("fifteen minutes and six hours are kept, in about 13 KB") {
    auto const few = filled(begin_ms, 10);
    CHECK(few.memory() < 1'000);
    auto const h = filled(begin_ms, 7 * 60 * 24); // seven hours
    auto const j = as_json(h);
    CHECK(j["native"].size() == 360);
    auto const last = begin_ms + (7 * 60 * 24 - 1) * 2'500;
    CHECK(j["t0"] == last - 359 * 2'500);
    CHECK(j["minutes"]["mean"].size() == 360);
    CHECK(j["minutes"]["t0"] == begin_ms + 59 * 60'000);
    CHECK(h.memory() < 13'500);
    CHECK(as_json(h, history_window::quarter_hour)["minutes"]["mean"].empty());
    CHECK(as_json(h, history_window::six_hours)["native"].empty());
}

TEST_CASE("a minute has the mean of its samples and the greatest") {
    history h;
    for (int i = 0; i < 24; ++i)
        h.add(begin_ms + i * 2'500, six(i == 5 ? 90.f : 10.f));
    for (int i = 0; i < 24; ++i) // two minutes later: one is missing
        h.add(begin_ms + 120'000 + i * 2'500, six(20));
    h.add(begin_ms + 180'000, six(20));
    auto const m = as_json(h)["minutes"];
    CHECK(m["t0"] == begin_ms);
    REQUIRE(m["mean"].size() == 3);
    CHECK(m["mean"][0][2] == 13.3);
    CHECK(m["max"][0][2] == 90.0);
    CHECK(m["mean"][0][5].is_null());
    CHECK(m["mean"][1][2].is_null());
    CHECK(m["max"][1][2].is_null());
    CHECK(m["mean"][2][2] == 20.0);
}

TEST_CASE("another interval begins the native part anew and leaves the minutes") {
    auto h = filled(begin_ms, 50);
    h.add(begin_ms + 130'000, six(5, 1, 10'000));
    auto const j = as_json(h);
    CHECK(j["interval_ms"] == 10'000);
    CHECK(j["native"].size() == 1);
    CHECK(j["minutes"]["mean"].size() == 2);
}

TEST_CASE("a history as lines") {
    history h;
    h.add(begin_ms, six(12.3f));
    h.add(begin_ms + 5'000, six(13.1f));
    CHECK(h.csv() == "time_ms,storage,network,cpu,mem,load,psi\n"
                     "1764000000000,37.4,1,12.3,25.8,0.42,\n"
                     "1764000002500,,,,,,\n"
                     "1764000005000,37.4,1,13.1,25.8,0.42,\n");
    h.add(begin_ms + 60'000, six(13));
    CHECK(h.csv(history_window::six_hours) ==
          "time_ms,storage_mean,storage_max,network_mean,network_max,cpu_mean,cpu_max,mem_mean,"
          "mem_max,load_mean,load_max,psi_mean,psi_max\n"
          "1764000000000,37.4,37.4,1,1,12.7,13.1,25.8,25.8,0.42,0.42,,\n");
}

TEST_CASE("a node takes what was before its own start from another") {
    auto const long_one = filled(begin_ms, 200, 10);
    auto const at = begin_ms + 200 * 2'500;
    auto h = filled(at, 100, 20);
    auto const before = as_json(h);
    REQUIRE(h.merge(long_one.pack()));
    auto const j = as_json(h);
    REQUIRE(j["native"].size() == 300);
    CHECK(j["t0"] == begin_ms);
    CHECK(j["native"][0][2] == 10.0);
    CHECK(j["native"][199][2] == 10.0);
    CHECK(j["native"][200][2] == 20.0);
    CHECK(j["native"][299] == before["native"][99]);
    CHECK(j["minutes"]["t0"] == begin_ms);
    CHECK(j["minutes"]["mean"][0][2] == 10.0);
    h.add(at + 100 * 2'500, six(30));
    CHECK(as_json(h)["native"].size() == 301);
    CHECK(as_json(h)["native"][300][2] == 30.0);

    history fresh;
    REQUIRE(fresh.merge(long_one.pack()));
    CHECK(as_json(fresh) == as_json(long_one));
}

TEST_CASE("a merge fills gaps and never changes what was measured here") {
    history h;
    h.add(begin_ms, six(20));
    h.add(begin_ms + 10'000, six(20));
    REQUIRE(h.merge(filled(begin_ms, 8, 10).pack()));
    auto const native = as_json(h)["native"];
    REQUIRE(native.size() == 5);
    float const expected[] = {20, 10, 10, 10, 20};
    for (std::size_t i = 0; i < 5; ++i)
        CHECK(native[i][2] == expected[i]);
}

TEST_CASE("a merge never makes a history longer than it may be") {
    auto h = filled(begin_ms + history::native_ms, 10);
    REQUIRE(h.merge(filled(begin_ms, 360).pack()));
    CHECK(as_json(h)["native"].size() == 360);
    h.add(begin_ms + history::native_ms + 25'000, six(1));
    CHECK(as_json(h)["native"].size() == 360);
    CHECK(as_json(h)["native"][359][2] == 1.0);
}

TEST_CASE("what is no packed history is refused and changes nothing") {
    auto h = filled(begin_ms, 30);
    auto const before = h.json();
    auto const good = filled(begin_ms - 60'000, 30).pack();
    CHECK_FALSE(h.merge(""));
    CHECK_FALSE(h.merge("\2"));
    for (std::size_t n = 0; n < good.size(); ++n)
        CHECK_FALSE(h.merge(std::string_view(good).substr(0, n)));
    CHECK_FALSE(h.merge(good + "x"));
    CHECK(h.json() == before);
}
