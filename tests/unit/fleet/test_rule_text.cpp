#include <mad/fleet/rule_text.hpp>

#include <catch2/catch.hpp>

using namespace mad::fleet;

namespace {

std::string words(field_problems const& all) {
    std::string out;
    for (auto const& p : all)
        out +=
            (out.empty() ? "" : "; ") + p.field + ": " + p.message.substr(0, p.message.find(':'));
    return out;
}

} // namespace

TEST_CASE("times as people write them") {
    struct row {
        char const* text;
        std::optional<std::int64_t> ms;
    };
    auto const r = GENERATE(values<row>({
        {"1970-01-01", 0},
        {"1970-01-01T00:00:00Z", 0},
        {"2025-11-24T16:00:00Z", 1'764'000'000'000},
        {"2025-11-24T16:00Z", 1'764'000'000'000},
        {"2025-11-24 17:00:00.25+01:00", 1'764'000'000'250},
        {"2025-11-24t13:30:00-02:30", 1'764'000'000'000},
        {"2024-02-29", 1'709'164'800'000},
        {"2000-02-29", 951'782'400'000},
        {"1969-12-31T23:59:59Z", -1'000},
        {"2023-02-29", {}},
        {"2100-02-29", {}},
        {"2025-13-01", {}},
        {"2025-11-31", {}},
        {"2025-11-24T16:00:00", {}},
        {"2025-11-24T24:00:00Z", {}},
        {"2025-11-24T16:00:00+15:00", {}},
        {"2025-11-24T16:00:00.Z", {}},
        {"tomorrow", {}},
        {"", {}},
    }));
    CAPTURE(r.text);
    CHECK(parse_time(r.text) == r.ms);
}

TEST_CASE("rules as people write them, over those that there are") {
    struct row {
        char const* name;
        char const* json;
        char const* out; ///< or what is wrong
    };
    auto const r = GENERATE(values<row>({
        {"cpu", "{}",
         R"({"name":"cpu","metric":"cpu","warn":85,"crit":95,"for":60,"match":"","enabled":true})"},
        {"cpu", R"({"warn":90,"match":"tag:db","for":"2m"})",
         R"({"name":"cpu","metric":"cpu","warn":90,"crit":95,"for":120,"match":"tag:db","enabled":true})"},
        {"cpu", R"({"enabled":false})",
         R"({"name":"cpu","metric":"cpu","warn":85,"crit":95,"for":60,"match":"","enabled":false})"},
        {"cpu", R"({"crit":false,"for":1.5,"name":"ignored"})",
         R"({"name":"cpu","metric":"cpu","warn":85,"crit":null,"for":1.5,"match":"","enabled":true})"},
        {"network", R"({"warn":800})",
         R"({"name":"network","metric":"network","warn":800,"crit":null,"for":0,"match":"","enabled":true})"},
        {"full", R"({"metric":"storage","crit":90,"clear":70})",
         R"({"name":"full","metric":"storage","warn":null,"crit":90,"for":0,"clear_by":20,"match":"","enabled":true})"},
        {"idle", R"({"metric":"cpu","below":true,"warn":5,"crit":2,"clear":8})",
         R"({"name":"idle","metric":"cpu","warn":5,"crit":2,"for":0,"clear_by":3,"below":true,"match":"","enabled":true})"},
        {"temp", R"({"warn":70})",
         R"({"name":"temp","metric":"temp","warn":70,"crit":95,"for":0,"own_limit":10,"match":"","enabled":true})"},
        {"full", R"({"warn":90})", "metric: is missing"},
        {"a b", R"({"metric":"cpu","warn":90})",
         "name: must be 1 to 64 letters, digits, '_', '-' or '.'"},
        {"cpu", R"({"warn":"high","for":"long","limit":3})",
         "warn: must be a number, or false for none; for: must be a duration up to 24h, as "
         "\"60s\"; "
         "limit: unknown; there are name metric match warn crit below for clear clear_by own_limit "
         "enabled"},
        {"cpu", R"({"metric":"speed"})",
         "metric: must be one of storage network cpu mem load psi swap "
         "steal inodes temp load_per_cpu psi_cpu psi_mem psi_io temp_left read_only turned_ro "
         "clock "
         "uptime"},
        {"cpu", R"({"warn":96})", "crit: must not be below warn, which comes first (below = true"},
        {"cpu", R"({"below":true})", "crit: must not be above warn, which comes first"},
        {"cpu", R"({"clear":90})", "clear: must be below the limit that it ends"},
        {"cpu", R"({"clear_by":-1})", "clear_by: must be a number that is not negative"},
        {"cpu", R"({"own_limit":3})", "own_limit: is for metric = \"temp\" alone"},
        {"cpu", R"({"warn":false,"crit":false})", "warn: is missing, and so is crit"},
        {"cpu", R"({"match":"cpu>80"})", "match: must not depend on samples"},
        {"cpu", R"({"match":"state:ok"})", "match: must not depend on samples"},
        {"cpu", R"({"match":7})", "match: must be a search in quotes, as \"tag"},
        {"cpu", R"({"warn":{}})",
         "warn: must be a text, a number, true or false, or a list of texts"},
        {"cpu", R"([1])", ": must be a JSON object"},
        {"cpu", R"({"warn":)", ": must be a JSON object"},
    }));
    CAPTURE(r.name, r.json);
    field_problems problems;
    auto const got = parse_rule(r.name, r.json, rule_set::presets(), problems);
    CHECK(got.has_value() == problems.empty());
    CHECK((got ? to_json(*got) : words(problems)) == r.out);
    if (got) { // what is shown can be written
        auto const again = parse_rule(r.name, to_json(*got), {}, problems);
        REQUIRE(again);
        CHECK(to_json(*again) == to_json(*got));
    }
}

TEST_CASE("matches of rules find hosts") {
    host_match m;
    REQUIRE_FALSE(parse_match("tag:db -region:eu*", m));
    host_facts f;
    f.tags = {"db"};
    f.region = "us-1";
    CHECK(m("x", f));
    f.region = "eu-1";
    CHECK_FALSE(m("x", f));
    REQUIRE_FALSE(parse_match("", m));
    CHECK(m.all());
    CHECK(parse_match("\"open", m));
    CHECK(parse_match("flag:muted", m));
}

TEST_CASE("mutes as people write them") {
    struct row {
        char const* json;
        char const* out;
    };
    auto const r = GENERATE(values<row>({
        {R"({"match":"tag:db","for":"2h","reason":"disks"})",
         R"({"id":"x","match":"tag:db","from":null,"until":7200005,"weekly":[],"utc_offset":"+00:00","reason":"disks","active":true})"},
        {R"({"from":"1970-01-02","for":60})",
         R"({"id":"x","match":"","from":86400000,"until":86460000,"weekly":[],"utc_offset":"+00:00","reason":"","active":false})"},
        {R"({"weekly":["sat,sun","mon-fri 22:00-06:00"],"utc_offset":"-03:30"})",
         R"({"id":"x","match":"","from":null,"until":null,"weekly":["sat,sun","mon,tue,wed,thu,fri 22:00-06:00"],"utc_offset":"-03:30","reason":"","active":false})"},
        {R"({"weekly":"22:00-06:00","until":9})",
         R"({"id":"x","match":"","from":null,"until":9,"weekly":["22:00-06:00"],"utc_offset":"+00:00","reason":"","active":true})"},
        {R"({"until":"soon","weekly":"often","utc_offset":"CET","for":0,"who":1})",
         "until: must be a time, as 2025-12-24T22; weekly: 'often' must be days, times or both, as "
         "\"sat,sun\", \"22; utc_offset: must be from \"-12; for: must be a duration, as \"2h\"; "
         "who: unknown; there are match from until for weekly utc_offset reason"},
        {R"({"until":9,"for":"1s"})", "for: is there, and so is until"},
        {R"({"from":9,"until":9})", "until: must be after from"},
        {R"({"reason":3})", "reason: must be a text of at most 500 bytes"},
    }));
    CAPTURE(r.json);
    field_problems problems;
    auto const got = parse_mute("x", r.json, 5, problems);
    CHECK(got.has_value() == problems.empty());
    CHECK((got ? to_json(*got, 5) : words(problems)) == r.out);
}

TEST_CASE("changes come last and so count; a wrong one is left out") {
    auto const all =
        with_changes(rule_set::presets(), {{"cpu", R"({"warn":50})"},
                                           {"mem", R"({"warn":"?"})"},
                                           {"net", R"({"metric":"network","crit":5})"}});
    rule_book const book(all);
    auto const& plan = book.plan("a", {});
    auto const find = [&](std::string_view name) {
        for (auto const* const r : plan.rules)
            if (r->name == name)
                return r;
        return static_cast<rule const*>(nullptr);
    };
    REQUIRE(find("cpu"));
    CHECK(find("cpu")->warn == 50.0);
    CHECK(find("cpu")->crit == 95.0);
    CHECK(find("mem")->warn == 85.0);
    REQUIRE(find("net"));
    CHECK(plan.rules.size() == rule_set::presets().rules.size() + 1);
}
