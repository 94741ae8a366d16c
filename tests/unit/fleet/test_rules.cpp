#include "virtual_fleet.hpp"

#include <catch2/catch.hpp>

using namespace mad::fleet;
using mad_test::virtual_fleet;
using namespace std::chrono_literals;

namespace {

/// Samples each 2.5 s by a script: `90 80*3 ?` is one of 90, three of 80, one without the value,
/// `.` time without a sample. Gives the changes with the second in which they came.
std::string run(virtual_fleet& f, std::string const& key, std::string const& script) {
    std::istringstream words(script);
    std::string word, out;
    auto const begin = f.now;
    while (words >> word) {
        auto const star = word.find('*');
        auto const value = word.substr(0, star);
        for (int n = star == word.npos ? 1 : std::stoi(word.substr(star + 1)); n > 0; --n) {
            if (value == ".")
                f.pass(2'500ms);
            else
                f.sample("a", value == "?" ? "" : "\"" + key + "\":" + value);
            if (auto const told = f.told(); !told.empty()) {
                std::ostringstream at;
                at << std::chrono::duration<double>(f.now - begin).count();
                out += (out.empty() ? "" : " ") + at.str() + ":" + told;
            }
            if (value != ".")
                f.pass(2'500ms);
        }
    }
    return out;
}

rule_set only(rule r) {
    rule_set s;
    s.rules.push_back(std::move(r));
    return s;
}

rule storage(std::optional<double> warn, std::optional<double> crit, std::chrono::seconds hold,
             std::optional<double> clear_by = {}) {
    rule r;
    r.name = "s";
    r.what = metric::storage;
    r.warn = warn;
    r.crit = crit;
    r.hold = hold;
    r.clear_by = clear_by;
    return r;
}

} // namespace

TEST_CASE("when a threshold is crossed, and when it is over") {
    struct row {
        char const* what;
        rule r;
        char const* script;
        char const* changes;
    };
    auto const it = GENERATE(values<row>({
        {"at the limit is over it", storage(85, 95, 0s), "84.9 85", "2.5:ok>warn(s)"},
        {"a limit that floats cannot say", storage(84.2, 95, 0s), "84.1 84.2", "2.5:ok>warn(s)"},
        {"straight to critical", storage(85, 95, 0s), "50 95", "2.5:ok>crit(s)"},
        {"step by step", storage(85, 95, 0s), "86 96", "0:ok>warn(s) 2.5:warn>crit(s)"},
        {"two good samples clear", storage(85, 95, 0s), "90 79 79 79", "0:ok>warn(s) 5:warn>ok"},
        {"one good sample does not", storage(85, 95, 0s), "90 79 81 79 81", "0:ok>warn(s)"},
        {"between limit and clear level nothing happens", storage(85, 95, 0s), "90 82*50",
         "0:ok>warn(s)"},
        {"at the clear level it is not good yet", storage(85, 95, 0s), "90 80*9", "0:ok>warn(s)"},
        {"from critical to the warning in between", storage(85, 95, 0s), "97 89 89 79 79",
         "0:ok>crit(s) 5:crit>warn(s) 10:warn>ok"},
        {"from critical to where the warning holds on", storage(85, 95, 0s), "97 82 82",
         "0:ok>crit(s) 5:crit>warn(s)"},
        {"from critical to ok", storage(85, 95, 0s), "97 10 10", "0:ok>crit(s) 5:crit>ok"},
        {"the worse of two good samples decides", storage(85, 95, 0s), "97 10 88 10 10",
         "0:ok>crit(s) 5:crit>warn(s) 10:warn>ok"},
        {"critical holds on at 90.0", storage(85, 95, 0s), "97 90*9", "0:ok>crit(s)"},
        {"for: a minute without a break", storage(85, 95, 60s), "90*30", "60:ok>warn(s)"},
        {"for: a break begins it anew", storage(85, 95, 60s), "90*20 84 90*24 90",
         "112.5:ok>warn(s)"},
        {"for: the warning first, then the critical", storage(85, 95, 60s), "90*13 97*25",
         "60:ok>warn(s) 92.5:warn>crit(s)"},
        {"for: critical values are warnings too", storage(85, 95, 10s), "90 97 90 97 90 97",
         "10:ok>warn(s)"},
        {"for: does not delay the end", storage(85, 95, 60s), "90*25 10 10",
         "60:ok>warn(s) 65:warn>ok"},
        {"for: a silence begins it anew", storage(85, 95, 60s), "90*20 .*3 90*10",
         "55:ok>stale 57.5:stale>ok"},
        {"only a warning", storage(85, {}, 0s), "99 10 10", "0:ok>warn(s) 5:warn>ok"},
        {"only a critical", storage({}, 95, 0s), "90 96 88 88", "2.5:ok>crit(s) 7.5:crit>ok"},
        {"clear level of one's own", storage(85, 95, 0s, 20), "90 66*4 64 64",
         "0:ok>warn(s) 15:warn>ok"},
        {"no hysteresis", storage(85, 95, 0s, 0), "85 84.9 84.9", "0:ok>warn(s) 5:warn>ok"},
        {"a small limit has a way back", storage(5, 15, 0s), "6 3*3 2 2",
         "0:ok>warn(s) 12.5:warn>ok"},
        {"unknown is neither good nor bad", storage(85, 95, 0s), "90 10 ? 10 10",
         "0:ok>warn(s) 7.5:warn>ok"},
        {"unknown for a minute is over", storage(85, 95, 0s), "90 ?*30",
         "0:ok>warn(s) 62.5:warn>ok"},
        {"unknown does not break what is on its way", storage(85, 95, 10s), "90 90 ? 90 90",
         "10:ok>warn(s)"},
        {"never known", storage(85, 95, 0s), "?*5", ""},
        {"no limits at all", storage({}, {}, 0s), "100*3", ""},
    }));
    CAPTURE(it.what);
    roster_settings s;
    s.rules = only(it.r);
    virtual_fleet f(std::move(s));
    CHECK(run(f, "storage", it.script) == it.changes);
}

TEST_CASE("low values may be the bad ones") {
    auto r = storage(10, 5, 0s);
    r.below = true;
    roster_settings s;
    s.rules = only(r);
    virtual_fleet f(std::move(s));
    CHECK(run(f, "storage", "11 10 5 10.5 10.5 15 15.1 15.1") ==
          "2.5:ok>warn(s) 5:warn>crit(s) 10:crit>warn(s) 17.5:warn>ok");
}

namespace {

struct preset_row {
    char const* name;
    char const* warn; ///< members of `health`
    char const* crit;
    int seconds; ///< until then nothing
    double warn_limit, crit_limit;
};

} // namespace

TEST_CASE("presets judge what nobody has said anything about") {
    auto const r = GENERATE(values<preset_row>({
        {"storage", R"("storage":85)", R"("storage":95)", 0, 85, 95},
        {"inodes", R"("disk":[{"m":"/","ipct":85}])", R"("disk":[{"m":"/","ipct":95}])", 0, 85, 95},
        {"cpu", R"("cpu":{"pct":85})", R"("cpu":{"pct":95})", 60, 85, 95},
        {"steal", R"("cpu":{"steal":10})", R"("cpu":{"steal":25})", 60, 10, 25},
        {"mem", R"("mem":{"pct":85})", R"("mem":{"pct":95})", 30, 85, 95},
        {"swap", R"("mem":{"swap_total":100,"swap_used":50})",
         R"("mem":{"swap_total":100,"swap_used":80})", 60, 50, 80},
        {"psi_mem", R"("psi":{"mem":[99,5]})", R"("psi":{"mem":[99,15]})", 30, 5, 15},
        {"psi_io", R"("psi":{"io":[99,20]})", R"("psi":{"io":[99,50]})", 30, 20, 50},
        {"psi_cpu", R"("psi":{"cpu":[40]})", R"("psi":{"cpu":[70]})", 60, 40, 70},
        {"load", R"("cpu":{"usable":2},"load":[4,0,0])", R"("cpu":{"usable":2},"load":[8,0,0])", 60,
         2, 4},
        {"temp", R"("temp":{"max":80})", R"("temp":{"max":95})", 0, 80, 95},
        {"temp", R"("temp":{"max":60,"crit":70})", R"("temp":{"max":70,"crit":70})", 0, 60, 70},
    }));
    CAPTURE(r.name, r.warn);
    for (bool const crit : {false, true}) {
        virtual_fleet f;
        auto const health = crit ? r.crit : r.warn;
        f.sample("a", health);
        if (r.seconds > 0) {
            f.pass(std::chrono::seconds(r.seconds) - 2'500ms, "a", health);
            CHECK(f.state("a") == "ok");
            f.pass(2'500ms, "a", health);
        }
        CHECK(f.state("a") == (crit ? "crit" : "warn"));
        CHECK(f.of("a").rule == r.name);
        CHECK(f.of("a").limit == (crit ? r.crit_limit : r.warn_limit));
        CHECK(f.of("a").since_ms == f.wall());
        // And none of them judges an agent whose units are unknown.
        f.sample("old", health, "");
        f.pass(90s, "a", health);
        CHECK(f.of("old").judged.level == host_state::ok);
    }
}

TEST_CASE("a sensor that is hot by our measure and cool by its own is fine") {
    virtual_fleet f;
    f.sample("a", R"("temp":{"max":97,"crit":110})");
    CHECK(f.state("a") == "ok");
}

TEST_CASE("a clock that is more than five seconds off is a warning") {
    struct row {
        std::int64_t off_ms;
        char const* state;
    };
    auto const r = GENERATE(
        values<row>({{0, "ok"}, {5'000, "ok"}, {5'001, "warn"}, {-5'000, "ok"}, {-5'001, "warn"}}));
    CAPTURE(r.off_ms);
    virtual_fleet f;
    f.sample("a", "", "\"v\":2,\"ts\":" + std::to_string(f.wall() + r.off_ms) + ",");
    CHECK(f.state("a") == r.state);
}

TEST_CASE("a filesystem that turns read-only is critical, one that always was is not") {
    struct row {
        char const* what;
        std::vector<char const*> samples;
        char const* told;
    };
    auto const r = GENERATE(values<row>({
        {"always was", {R"({"m":"/cd","ro":true})", R"({"m":"/cd","ro":true})"}, ""},
        {"turns", {R"({"m":"/","ro":false})", R"({"m":"/","ro":true})"}, "ok>crit(read_only)"},
        {"and is writable again",
         {R"({"m":"/","ro":false})", R"({"m":"/","ro":true})", R"({"m":"/","ro":false})",
          R"({"m":"/","ro":false})"},
         "ok>crit(read_only) crit>ok"},
        {"and goes",
         {R"({"m":"/","ro":false},{"m":"/x","ro":false})",
          R"({"m":"/","ro":false},{"m":"/x","ro":true})", R"({"m":"/","ro":false})",
          R"({"m":"/","ro":false})"},
         "ok>crit(read_only) crit>ok"},
        {"comes read-only",
         {R"({"m":"/","ro":false})", R"({"m":"/","ro":false},{"m":"/cd","ro":true})"},
         ""},
        {"turns while the list was missing",
         {R"({"m":"/","ro":false})", "", R"({"m":"/","ro":true})"},
         "ok>crit(read_only)"},
        {"a remote one",
         {R"({"m":"/n","ro":false,"net":true})", R"({"m":"/n","ro":true,"net":true})"},
         ""},
    }));
    CAPTURE(r.what);
    virtual_fleet f;
    for (std::string const mounts : r.samples) {
        f.sample("a", mounts.empty() ? "" : "\"disk\":[" + mounts + "]");
        f.pass(2'500ms);
    }
    CHECK(f.told() == r.told);
}

TEST_CASE("the worst rule gives the state, the first of equals its name") {
    virtual_fleet f;
    f.sample("a", R"("storage":90)");
    f.pass(2'500ms);
    f.sample("a", R"("storage":90,"temp":{"max":85})");
    CHECK(f.of("a").rule == "storage");
    f.pass(2'500ms);
    f.sample("a", R"("storage":91.5,"temp":{"max":96})");
    CHECK(f.of("a").rule == "temp");
    CHECK(f.of("a").value == 96);
    CHECK(f.state("a") == "crit");
    auto const since = f.of("a").since_ms;
    f.pass(2'500ms);
    f.sample("a", R"("storage":97,"temp":{"max":85})");
    CHECK(f.of("a").rule == "temp"); // still: one good sample
    f.pass(2'500ms);
    f.sample("a", R"("storage":97,"temp":{"max":85})");
    CHECK(f.of("a").rule == "storage");
    CHECK(f.of("a").value == 97);
    CHECK(f.of("a").since_ms == since); // the state is the same
    CHECK(f.told() == "ok>warn(storage) warn>crit(temp)");
}

TEST_CASE("the last rule of a name that matches a host counts for it") {
    auto const tagged = [](std::string tag) {
        return host_match{"tag:" + tag,
                          [tag](std::string_view, host_facts const& h) { return h.has_tag(tag); }};
    };
    roster_settings s;
    s.rules = only(storage(85, 95, 0s));
    s.rules.rules.push_back(storage(50, 60, 0s));
    s.rules.rules.back().match = tagged("small");
    s.rules.rules.push_back(storage({}, {}, 0s));
    s.rules.rules.back().match = tagged("scratch");
    s.rules.rules.back().enabled = false;
    virtual_fleet f(std::move(s));
    f.infos["b"] = R"({"tags":["small"]})";
    f.infos["c"] = R"({"tags":["small","scratch"]})";
    for (auto const* const id : {"a", "b", "c"})
        f.sample(id, R"("storage":55)");
    CHECK(f.state("a") == "ok");
    CHECK(f.state("b") == "warn");
    CHECK(f.state("c") == "ok");
    f.infos["b"] = R"({"tags":["small","scratch"]})"; // it may learn new tags
    f.sample("b", R"("storage":55)");
    CHECK(f.state("b") == "ok");
    f.infos["b"] = "{}";
    f.sample("b", R"("storage":96)");
    CHECK(f.state("b") == "crit");
}

TEST_CASE("rules change in the middle of an alert") {
    struct row {
        char const* what;
        rule_set rules;
        char const* at_once;
        char const* after; ///< two more samples of 90
    };
    auto const other = [] {
        auto r = storage(85, 95, 0s);
        r.name = "t";
        return r;
    }();
    auto const off = [] {
        auto r = storage(85, 95, 0s);
        r.enabled = false;
        return r;
    }();
    auto const it = GENERATE_COPY(values<row>({
        {"the same", only(storage(85, 95, 0s)), "", ""},
        {"a later `for` does not take it back", only(storage(85, 95, 600s)), "", ""},
        {"higher limits", only(storage(96, 99, 0s)), "", "warn>ok"},
        {"lower limits", only(storage(50, 60, 0s)), "", "warn>crit(s)"},
        {"none", {}, "warn>ok", ""},
        {"switched off", only(off), "warn>ok", ""},
        {"another name", only(other), "warn>ok", "ok>warn(t)"},
    }));
    CAPTURE(it.what);
    roster_settings s;
    s.rules = only(storage(85, 95, 0s));
    virtual_fleet f(std::move(s));
    f.sample("a", R"("storage":90)");
    CHECK(f.told() == "ok>warn(s)");
    f.pass(1s);
    f.all.set_rules(it.rules, f.now, f.wall());
    CHECK(f.told() == it.at_once);
    f.pass(5s, "a", R"("storage":90)");
    CHECK(f.told() == it.after);
}

TEST_CASE("what is on its way to an alert goes on under the same rule written anew") {
    roster_settings s;
    s.rules = only(storage(85, 95, 60s));
    virtual_fleet f(std::move(s));
    f.sample("a", R"("storage":90)");
    f.pass(30s, "a", R"("storage":90)");
    f.all.set_rules(only(storage(86, 95, 60s)), f.now, f.wall());
    f.pass(27'500ms, "a", R"("storage":90)");
    CHECK(f.told().empty());
    f.pass(2'500ms, "a", R"("storage":90)");
    CHECK(f.told() == "ok>warn(s)");
}
