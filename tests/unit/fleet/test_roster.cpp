#include "virtual_fleet.hpp"

#include <catch2/catch.hpp>

#include <random>

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
    CHECK(f.of("a").since_ms == f.wall());
}

TEST_CASE("what happens after a connection is gone") {
    struct row {
        char const* what;
        gone_reason why;
        std::chrono::milliseconds before_back; ///< negative: it does not come back
        char const* told;
    };
    auto const r = GENERATE(values<row>({
        {"a clean leave is seen at once", gone_reason::left, -1ms, "ok>offline(left)"},
        {"back within the grace nobody sees it", gone_reason::closed, 4'999ms, ""},
        {"back at its end", gone_reason::closed, 5'000ms, "ok>offline(closed) offline>ok"},
        {"not back", gone_reason::closed, -1ms, "ok>offline(closed)"},
        {"its node is gone", gone_reason::node, -1ms, "ok>offline(node)"},
        {"its node is gone and another has it", gone_reason::node, 3s, ""},
    }));
    CAPTURE(r.what);
    virtual_fleet f;
    f.sample("a", R"("storage":10)");
    f.pass(6s); // its next sample is late, and would be stale within the grace
    f.sample("b", "");
    auto const at = f.wall();
    f.gone("a", r.why);
    CHECK(f.state("a") == (r.why == gone_reason::left ? "offline" : "ok"));
    if (r.before_back >= 0ms) {
        f.pass(r.before_back);
        f.sample("a", R"("storage":10)");
    } else {
        f.pass(5s);
        CHECK(f.of("a").since_ms == at);
    }
    CHECK(f.told() == r.told);
    f.pass(2s);
    CHECK(f.told() == "");
}

TEST_CASE("words that come late or twice change nothing") {
    virtual_fleet f;
    f.gone("nobody", gone_reason::left);
    CHECK(f.all.size() == 0);
    f.sample("a", "");
    f.gone("a", gone_reason::closed);
    f.pass(3s);
    f.gone("a", gone_reason::node);
    f.pass(2s);
    CHECK(f.told() == "ok>offline(closed)");
    f.gone("a", gone_reason::left);
    CHECK(f.of("a").reason == "closed");
    // A leave within the grace is one.
    f.sample("b", "");
    f.gone("b", gone_reason::closed);
    f.gone("b", gone_reason::left);
    CHECK(f.told() == "ok>offline(left)");
}

TEST_CASE("an offline host is listed for a day, with what was last known") {
    virtual_fleet f;
    f.infos["a"] = R"({"host":"alpha","tags":["prod"]})";
    auto const record = f.sample("a", R"("storage":42)");
    f.sample("b", "");
    f.gone("a", gone_reason::left);
    f.pass(24h - 1ms);
    REQUIRE(f.state("a") == "offline");
    CHECK(f.of("a").record == record);
    CHECK(f.of("a").now.get(metric::storage) == 42.0);
    CHECK(f.of("a").facts.name == "alpha");
    f.pass(1ms);
    CHECK(f.state("a") == "none");
    CHECK(f.removed == std::vector<std::string>{"a"});
    CHECK(f.state("b") == "offline"); // silent half a minute later
    CHECK(f.all.remove("b"));
    CHECK_FALSE(f.all.remove("b"));
    CHECK(f.all.size() == 0);
}

TEST_CASE("a host that comes back is not removed") {
    virtual_fleet f;
    f.sample("a", "");
    f.gone("a", gone_reason::left);
    f.pass(24h - 1s);
    f.sample("a", "");
    f.pass(5s);
    CHECK(f.state("a") == "ok");
    f.gone("a", gone_reason::left);
    f.pass(24h - 1ms);
    CHECK(f.state("a") == "offline");
}

TEST_CASE("offline hosts that need not be listed go at once; of too many the oldest goes") {
    roster_settings s;
    s.offline_keep = 0ms;
    virtual_fleet f(std::move(s));
    f.sample("a", "");
    f.gone("a", gone_reason::left);
    f.pass(1s);
    CHECK(f.told() == "ok>offline(left)");
    CHECK(f.all.size() == 0);

    roster_settings few;
    few.max_offline = 2;
    virtual_fleet g(std::move(few));
    for (auto const* const id : {"a", "b", "c", "d"})
        g.sample(id, "");
    for (auto const* const id : {"b", "a", "d"})
        g.gone(id, gone_reason::left);
    CHECK(g.removed == std::vector<std::string>{"b"});
    CHECK(g.state("c") == "ok");
}

TEST_CASE("what others keep of an offline host is listed until its day is over") {
    virtual_fleet f;
    auto const since = f.wall() - 60'000;
    std::string const record =
        R"({"id":"a","v":2,"health":{"storage":97},"info":{"host":"x","tags":["t"]},)"
        R"("state":{"s":"crit","rule":"storage","value":97,"limit":95,"since":5}})";
    f.all.keep("a", record, since, since - 500, "left", f.now, f.wall());
    CHECK(f.state("a") == "offline");
    CHECK(f.of("a").since_ms == since);
    CHECK(f.of("a").seen_ms == since - 500);
    CHECK(f.of("a").reason == "left");
    CHECK(f.of("a").facts.tags == std::vector<std::string>{"t"});
    CHECK(f.of("a").rule.empty());
    CHECK(f.told().empty()); // it did not turn just now

    SECTION("it goes when its day is over") {
        f.pass(24h - 60s - 1ms);
        CHECK(f.state("a") == "offline");
        f.pass(1ms);
        CHECK(f.state("a") == "none");
    }
    SECTION("back it goes on where it was") {
        f.sample("a", R"("storage":97)");
        CHECK(f.told() == "offline>crit(storage)");
        CHECK(f.of("a").since_ms == 5);
    }
    SECTION("a host that is connected is not taken offline") {
        f.sample("b", "");
        f.all.keep("b", "{}", since, since, "left", f.now, f.wall());
        CHECK(f.state("b") == "ok");
    }
    SECTION("one in its grace is") {
        f.sample("b", "");
        f.gone("b", gone_reason::closed);
        f.all.keep("b", "{}", f.wall(), f.wall(), "left", f.now, f.wall());
        CHECK(f.told() == "ok>offline(left)");
        CHECK(f.of("b").record != "{}");
    }
    SECTION("a better reason replaces another") {
        f.all.keep("a", record, since + 1, since, "closed", f.now, f.wall());
        CHECK(f.of("a").reason == "closed");
        CHECK(f.of("a").since_ms == since + 1);
    }
    SECTION("one whose day was over long ago goes with the next look") {
        f.all.keep("c", "{}", 1, 1, "left", f.now, f.wall());
        f.pass(1s);
        CHECK(f.state("c") == "none");
    }
}

TEST_CASE("two agents with one id take turns, one that was restarted does not") {
    struct row {
        char const* what;
        std::vector<char const*>
            runs; ///< of samples 2.5 s apart; `-`: half a minute of nothing new
        bool dup;
    };
    auto const r = GENERATE(values<row>({
        {"one", {"A", "A", "A"}, false},
        {"restarted", {"A", "B", "B"}, false},
        {"restarted twice", {"A", "B", "C"}, false},
        {"back again", {"A", "B", "A"}, true},
        {"back again within a minute", {"A", "B", "-", "A"}, true},
        {"back after more than one", {"A", "B", "-", "-", "A"}, false},
    }));
    CAPTURE(r.what);
    bool const old = GENERATE(false, true); // those have no runs, but connections
    virtual_fleet f;
    for (std::string const run : r.runs) {
        if (run == "-") {
            f.pass(30s, "a", "");
            continue;
        }
        (old ? f.sockets : f.runs)["a"] = run;
        f.sample("a", "", old ? "" : R"("v":2,)");
        f.pass(2'500ms);
    }
    CHECK(f.of("a").is(host_flag::dup) == r.dup);
    if (r.dup) { // seen for a minute after the last turn
        f.pass(55s, "a", "");
        CHECK(f.of("a").is(host_flag::dup));
        auto const changes = f.changes;
        f.pass(2'500ms);
        CHECK_FALSE(f.of("a").is(host_flag::dup));
        CHECK(f.changes == changes + 1);
    }
    CHECK(f.told().empty());
}

namespace {

/// Leaves and comes `n` times, a change each ten seconds.
void toggle(virtual_fleet& f, int n) {
    for (int i = 0; i < n; ++i) {
        if (i % 2 == 0)
            f.gone("a", gone_reason::left);
        else
            f.sample("a", "");
        f.pass(5s);
        if (i % 2 == 1)
            f.sample("a", "");
        f.pass(5s);
    }
}

} // namespace

TEST_CASE("more than six changes in five minutes are flapping, until five are quiet") {
    virtual_fleet f;
    f.sample("a", "");
    toggle(f, 6);
    CHECK_FALSE(f.of("a").is(host_flag::flapping));
    CHECK(f.told().find('!') == std::string::npos);
    f.gone("a", gone_reason::left);
    CHECK(f.of("a").is(host_flag::flapping));
    CHECK(f.told() == "ok>offline(left)!");
    toggle(f, 0);
    f.pass(4min);
    f.sample("a", ""); // one more: the quiet begins anew
    CHECK(f.told() == "offline>ok");
    f.pass(5min - 1ms, "a", "");
    CHECK(f.of("a").is(host_flag::flapping));
    CHECK(f.told() == "");
    f.pass(1ms);
    CHECK_FALSE(f.of("a").is(host_flag::flapping));
    CHECK(f.told() == "calm:ok");
}

TEST_CASE("seven changes in more than five minutes are not flapping") {
    virtual_fleet f;
    f.sample("a", "");
    for (int i = 0; i < 20; ++i) {
        f.gone("a", gone_reason::left);
        f.pass(50'001ms);
        f.pass(50'001ms, "a", "");
    }
    CHECK_FALSE(f.of("a").is(host_flag::flapping));
    CHECK(f.told().find('!') == std::string::npos);
}

TEST_CASE("time in which the process stood still is nobody's silence") {
    virtual_fleet f;
    f.sample("a", R"("cpu":{"pct":90})");
    f.pass(2'500ms);
    f.sample("a", R"("cpu":{"pct":90})");
    f.sample("b", "");
    f.gone("b", gone_reason::closed);
    f.pass(1s);
    bool const sample_first = GENERATE(false, true);
    f.now += 1h; // nothing was called
    if (sample_first)
        f.sample("c", "");
    f.next = f.now;
    f.pass(0s);
    CHECK(f.told() == "");
    // What was left then is left now: a is silent for 1 s, b gone for 1 s (and at most one more,
    // until which the next look was due).
    f.pass(2'999ms);
    CHECK(f.told() == "");
    f.pass(1'001ms);
    CHECK(f.told() == "ok>offline(closed)");
    f.pass(1'499ms);
    CHECK(f.told() == "");
    f.pass(1ms);
    CHECK(f.told() == "ok>stale");
}

TEST_CASE("a look that is late by less than two seconds is still one in time") {
    virtual_fleet f;
    f.sample("a", "");
    f.pass(5s);
    f.now += 2'999ms;
    f.next = f.now;
    f.pass(0s);
    CHECK(f.told() == "ok>stale");
}

TEST_CASE("hosts of other nodes are judged there, their silence here") {
    virtual_fleet owner, other;
    auto const record = owner.sample("a", R"("storage":97)");
    other.now += 10min; // its clocks are its own
    other.theirs("a", record);
    CHECK(other.told().empty()); // it did not turn just now
    CHECK(other.state("a") == "crit");
    CHECK_FALSE(other.of("a").own);
    CHECK(other.of("a").rule == "storage");
    CHECK(other.of("a").value == 97);
    CHECK(other.of("a").limit == 95);
    CHECK(other.of("a").since_ms == owner.wall());
    owner.pass(2'500ms);
    owner.sample("a", R"("storage":10)");
    owner.pass(2'500ms);
    other.theirs("a", owner.sample("a", R"("storage":10)"));
    CHECK(other.told() == "crit>ok");
    other.pass(7'500ms);
    CHECK(other.told() == "ok>stale");
}

TEST_CASE("a node that takes an agent over in the middle of an alert goes on from there") {
    virtual_fleet first, second;
    auto const record = first.sample("a", R"("storage":97)");
    second.theirs("a", record);
    first.pass(2'500ms);
    first.gone("a", gone_reason::closed);
    second.pass(5'500ms);
    second.sample("a", R"("storage":92)"); // neither over the limit nor good
    CHECK(second.state("a") == "crit");
    CHECK(second.of("a").since_ms == first.wall_start);
    second.pass(2'500ms);
    second.sample("a", R"("storage":10)");
    second.pass(2'500ms);
    second.sample("a", R"("storage":10)");
    CHECK(second.told() == "crit>ok");
    CHECK(second.of("a").own);
}

TEST_CASE("a filesystem that turned read-only is known to the node that takes over") {
    virtual_fleet first, second;
    std::string const disks = R"("disk":[{"m":"/cd","ro":true},{"m":"/","ro":)";
    first.sample("a", disks + "false}]");
    first.pass(2'500ms);
    second.theirs("a", first.sample("a", disks + "true}]"));
    CHECK(second.state("a") == "crit");
    second.sample("a", disks + "true}]");
    CHECK(second.of("a").value == 1);
    second.pass(10s, "a", disks + "true}]");
    CHECK(second.told().empty());
    second.pass(5s, "a", disks + "false}]");
    CHECK(second.told() == "crit>ok");
}

TEST_CASE("a node that was restarted in the middle of an alert asks what people were told") {
    struct row {
        char const* what;
        verdict known;
        char const* health;
        char const* told;
        char const* state;
    };
    auto const say = [](host_state level, char const* rule) {
        verdict v;
        v.level = level;
        v.rule = rule;
        return v;
    };
    auto const r = GENERATE_COPY(values<row>({
        {"still so", say(host_state::crit, "storage"), R"("storage":97)", "", "crit"},
        {"nearly good", say(host_state::crit, "storage"), R"("storage":91)", "", "crit"},
        {"better", say(host_state::crit, "storage"), R"("storage":87)", "crit>warn(storage)",
         "warn"},
        {"over", say(host_state::crit, "storage"), R"("storage":10)", "crit>ok", "ok"},
        {"worse", say(host_state::warn, "storage"), R"("storage":97)", "warn>crit(storage)",
         "crit"},
        {"of a rule that is no more", say(host_state::warn, "gone"), R"("storage":10)", "warn>ok",
         "ok"},
        {"read-only", say(host_state::crit, "read_only"), R"("disk":[{"m":"/","ro":true}])", "",
         "crit"},
        {"nothing known", {}, R"("storage":10)", "", "ok"},
        {"nothing known, bad", {}, R"("storage":97)", "ok>crit(storage)", "crit"},
    }));
    CAPTURE(r.what);
    roster_settings s;
    s.recall = [&](std::string_view) { return r.known; };
    virtual_fleet f(std::move(s));
    f.sample("a", r.health);
    f.pass(2'500ms);
    f.sample("a", r.health);
    CHECK(f.told() == r.told);
    CHECK(f.state("a") == r.state);
}

TEST_CASE("while others cannot be heard their hosts are stale, not offline") {
    virtual_fleet f;
    f.theirs("a", R"({"id":"a","v":2,"health":{}})");
    f.sample("b", "");
    f.all.hears_others(false, f.now);
    f.pass(10min, "b", "");
    CHECK(f.told() == "ok>stale");
    f.all.hears_others(true, f.now);
    f.pass(29'999ms, "b", "");
    CHECK(f.told() == "");
    f.pass(1ms);
    CHECK(f.told() == "stale>offline(silent)");
}

TEST_CASE("what was heard since others can be heard again keeps its time") {
    virtual_fleet f;
    f.all.hears_others(false, f.now);
    f.pass(300ms);
    f.theirs("a", R"({"id":"a","v":2,"health":{}})");
    f.pass(700ms);
    f.all.hears_others(true, f.now);
    f.pass(6'799ms);
    CHECK(f.told() == "");
    f.pass(1ms);
    CHECK(f.told() == "ok>stale");
}

TEST_CASE("a mute that begins and ends in the middle of an alert") {
    mute m;
    m.from_ms = virtual_fleet::wall_start + 20'000;
    m.until_ms = virtual_fleet::wall_start + 60'000;
    m.match.fn = [](std::string_view id, host_facts const&) { return id == "a"; };
    roster_settings s;
    s.mutes = {m};
    virtual_fleet f(std::move(s));
    f.sample("a", R"("storage":97)");
    f.sample("b", "");
    CHECK(f.told() == "ok>crit(storage)");
    f.pass(19'999ms, "a", R"("storage":97)");
    CHECK_FALSE(f.of("a").is(host_flag::muted));
    f.pass(1ms);
    CHECK(f.of("a").is(host_flag::muted));
    CHECK_FALSE(f.of("b").is(host_flag::muted));
    f.told();
    f.pass(10s, "a", R"("storage":10)");
    CHECK(f.told() == "crit>ok# stale>offline(silent)");
    f.pass(10s, "a", R"("storage":97)");
    CHECK(f.told() == "ok>crit(storage)#");
    f.pass(19'999ms, "a", R"("storage":97)");
    CHECK(f.told() == "");
    f.pass(1ms);
    CHECK(f.told() == "unmuted:crit(storage)");
    CHECK_FALSE(f.of("a").is(host_flag::muted));
}

TEST_CASE("mutes come and go by hand, also for hosts that are new") {
    virtual_fleet f;
    f.sample("a", "");
    mute m;
    m.match.fn = [](std::string_view, host_facts const& h) { return h.has_tag("db"); };
    f.all.set_mutes({m}, f.now, f.wall());
    CHECK(f.told() == "");
    f.infos["b"] = R"({"tags":["db"]})";
    f.sample("b", "");
    CHECK(f.of("b").is(host_flag::muted));
    CHECK_FALSE(f.of("a").is(host_flag::muted));
    f.infos["a"] = f.infos["b"];
    f.sample("a", "");
    CHECK(f.of("a").is(host_flag::muted));
    f.all.set_mutes({m, m}, f.now, f.wall()); // another list, the same to all
    CHECK(f.told() == "");
    f.all.set_mutes({}, f.now, f.wall());
    CHECK(f.told() == "unmuted:ok unmuted:ok");
}

TEST_CASE("counts and indexes follow the hosts") {
    virtual_fleet f;
    std::mt19937 random(7);
    std::array<char const*, 3> const health{R"("storage":1)", R"("storage":90)", R"("storage":99)"};
    for (int i = 0; i < 4'000; ++i) {
        auto const id = std::to_string(random() % 40);
        switch (random() % 8) {
        case 0:
            f.gone(id, static_cast<gone_reason>(random() % 3));
            break;
        case 1:
            f.all.remove(id);
            break;
        case 2:
            f.pass(std::chrono::milliseconds(random() % 4'000));
            break;
        case 3:
            f.all.keep(id, "{}", f.wall(), f.wall(), "left", f.now, f.wall());
            break;
        default:
            f.sample(id, health[random() % 3]);
        }
        std::array<std::size_t, host_state_count> counts{};
        std::size_t n = 0;
        f.all.each([&](host const& h) {
            ++counts[static_cast<std::size_t>(h.state)];
            ++n;
            CHECK(f.all.at(h.index) == &h);
            CHECK(f.all.find(h.id) == &h);
            CHECK(h.rule.empty() == (h.state != host_state::warn && h.state != host_state::crit));
        });
        REQUIRE(counts == f.all.counts());
        REQUIRE(n == f.all.size());
        REQUIRE(f.all.index_end() <= 40);
    }
}
