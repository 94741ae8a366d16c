#include <mad/fleet/detail/deadlines.hpp>
#include <mad/fleet/mutes.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace mad::fleet;

namespace {

// 1'764'000'000'000 is Monday, 24 November 2025, 16:00 UTC.
constexpr std::int64_t minute = 60'000, hour = 60 * minute, day = 24 * hour;
constexpr std::int64_t monday = 1'764'000'000'000 - 16 * hour;

} // namespace

TEST_CASE("times of the week as people write them") {
    struct row {
        char const* text;
        int days; ///< -1: it is none
        unsigned from, minutes;
    };
    auto const r = GENERATE(values<row>({
        {"sat,sun", 0x60, 0, 1440},
        {"mon-fri", 0x1f, 0, 1440},
        {"fri-mon", 0x71, 0, 1440},
        {"wed", 0x04, 0, 1440},
        {"mon,wed-thu", 0x0d, 0, 1440},
        {"22:00-06:00", 0x7f, 1320, 480},
        {"00:00-24:00", 0x7f, 0, 1440},
        {"mon-fri 22:00-06:00", 0x1f, 1320, 480},
        {" sun  02:30-03:45 ", 0x40, 150, 75},
        {"", -1, 0, 0},
        {"someday", -1, 0, 0},
        {"Sat", -1, 0, 0},
        {"sat,", -1, 0, 0},
        {"22:00", -1, 0, 0},
        {"22:00-25:00", -1, 0, 0},
        {"22:60-23:00", -1, 0, 0},
        {"24:00-01:00", -1, 0, 0},
        {"6:00-7:00", -1, 0, 0},
        {"06:00-06:00", -1, 0, 0},
        {"22:00-06:00 sat", -1, 0, 0},
        {"sat sun", -1, 0, 0},
    }));
    CAPTURE(r.text);
    auto const w = parse_weekly(r.text);
    REQUIRE(w.has_value() == (r.days >= 0));
    if (w) {
        CHECK(int(w->days) == r.days);
        CHECK(w->from == r.from);
        CHECK(w->minutes == r.minutes);
    }
}

TEST_CASE("when a mute holds") {
    struct row {
        char const* weekly;
        std::optional<std::int64_t> from, until;
        int offset;
        std::int64_t at; ///< after Monday, 00:00 UTC
        bool active;
    };
    auto const r = GENERATE(values<row>({
        {"", {}, {}, 0, 0, true},
        {"", monday + 5, {}, 0, 4, false},
        {"", monday + 5, {}, 0, 5, true},
        {"", {}, monday + 5, 0, 4, true},
        {"", {}, monday + 5, 0, 5, false},
        {"sat,sun", {}, {}, 0, 5 * day - 1, false},
        {"sat,sun", {}, {}, 0, 5 * day, true},
        {"sat,sun", {}, {}, 0, 7 * day - 1, true},
        {"sat,sun", {}, {}, 0, 7 * day, false},
        {"22:00-06:00", {}, {}, 0, 22 * hour - 1, false},
        {"22:00-06:00", {}, {}, 0, 22 * hour, true},
        {"22:00-06:00", {}, {}, 0, 30 * hour - 1, true},
        {"22:00-06:00", {}, {}, 0, 30 * hour, false},
        {"sun 22:00-06:00", {}, {}, 0, 5 * hour, true}, // of the week before
        {"mon 22:00-06:00", {}, {}, 0, 5 * hour, false},
        {"mon 09:00-10:00", {}, {}, 120, 7 * hour, true},
        {"mon 09:00-10:00", {}, {}, 120, 9 * hour, false},
        {"mon 00:00-01:00", {}, {}, 60, -30 * minute, true},
        {"mon 09:00-10:00", monday + day, {}, 0, 9 * hour, false},
    }));
    CAPTURE(r.weekly, r.at);
    mute m;
    m.from_ms = r.from;
    m.until_ms = r.until;
    m.utc_offset = r.offset;
    if (*r.weekly)
        m.weekly.push_back(*parse_weekly(r.weekly));
    CHECK(m.active(monday + r.at) == r.active);
}

TEST_CASE("a mute never changes before it says that it may") {
    auto const* const weekly =
        GENERATE("", "sat,sun", "22:00-06:00", "mon-fri 08:15-08:30", "sun 23:00-23:30");
    mute m;
    m.from_ms = monday + 3 * hour;
    m.until_ms = monday + 9 * day;
    m.utc_offset = -90;
    if (*weekly)
        m.weekly = {*parse_weekly(weekly), *parse_weekly("tue 12:00-12:01")};
    auto next = m.next_change(monday - day);
    for (auto t = monday - day; t < monday + 10 * day; t += minute) {
        if (m.active(t) != m.active(t - 1)) {
            CAPTURE(weekly, t);
            auto const said = m.next_change(t - 1);
            REQUIRE(said);
            CHECK(*said == t);
        }
        next = m.next_change(t);
        if (next)
            REQUIRE(*next > t);
    }
    CHECK_FALSE(next);
}

TEST_CASE("deadlines come in order, one of each") {
    using mad::fleet::detail::deadlines;
    deadlines d;
    std::map<std::uint32_t, mad::time_point> model;
    std::mt19937 random(11);
    for (int i = 0; i < 20'000; ++i) {
        auto const which = static_cast<std::uint32_t>(random() % 50);
        auto const at = mad::time_point(mad::milliseconds(random() % 1'000));
        if (random() % 3 == 0) {
            d.clear(which);
            model.erase(which);
        } else {
            d.set(which, at);
            auto const [it, added] = model.emplace(which, at);
            if (!added)
                it->second = std::min(it->second, at);
        }
        REQUIRE(d.size() == model.size());
        REQUIRE(d.first().has_value() == !model.empty());
        if (!model.empty()) {
            auto least = model.begin()->second;
            for (auto const& [w, t] : model)
                least = std::min(least, t);
            REQUIRE(d.first()->at == least);
            REQUIRE(model.at(d.first()->which) == least);
        }
    }
}
