#include <mad/core/json.hpp>
#include <mad/core/json_text.hpp>
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

/// Gives the members to the writer as a file would.
template <class Writer>
void write(Writer& w, std::string const& members, field_problems& problems) {
    mad::json const all = mad::json::parse(members);
    for (mad::json::const_iterator it = all.begin(); it != all.end(); ++it) {
        std::string const key = it.key();
        mad::json const& v = it.value();
        field_value value;
        if (v.is_boolean())
            value = v.get<bool>();
        else if (v.is_number())
            value = v.get<double>();
        else if (v.is_string())
            value = v.get<std::string>();
        else
            value = v.get<std::vector<std::string>>();
        if (auto const why = w.set(key, value))
            problems.push_back({key, *why});
    }
}

/// In short: `cpu: cpu 85/95 for 60000 @tag:db`.
std::string show(rule const& r) {
    auto const number = [](std::optional<double> v) {
        std::string out;
        if (v)
            mad::append_json_number(out, *v);
        return v ? out : "-";
    };
    return r.name + ": " + std::string(to_string(r.what)) + (r.below ? " below " : " ") +
           number(r.warn) + "/" + number(r.crit) + " for " + std::to_string(r.hold.count()) +
           (r.clear_by ? " clear " + number(r.clear_by) : "") +
           (r.own_limit ? " own " + number(r.own_limit) : "") +
           (r.match.all() ? "" : " @" + r.match.text) + (r.enabled ? "" : " off");
}

std::string show(mute const& m) {
    auto const time = [](std::optional<std::int64_t> v) { return v ? std::to_string(*v) : "-"; };
    return time(m.from_ms) + ".." + time(m.until_ms) + " " + std::to_string(m.weekly.size()) + " " +
           std::to_string(m.utc_offset) + " @" + m.match.text + " " + m.reason;
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
        {"cpu", "{}", "cpu: cpu 85/95 for 60000"},
        {"cpu", R"({"warn":90,"match":"tag:db","for":"2m"})", "cpu: cpu 90/95 for 120000 @tag:db"},
        {"cpu", R"({"enabled":false})", "cpu: cpu 85/95 for 60000 off"},
        {"cpu", R"({"crit":false,"for":1.5})", "cpu: cpu 85/- for 1500"},
        {"network", R"({"warn":800})", "network: network 800/- for 0"},
        {"full", R"({"metric":"storage","crit":90,"clear":70})",
         "full: storage -/90 for 0 clear 20"},
        {"idle", R"({"metric":"cpu","below":true,"warn":5,"crit":2,"clear":8})",
         "idle: cpu below 5/2 for 0 clear 3"},
        {"temp", R"({"warn":70})", "temp: temp 70/95 for 0 own 10"},
        {"full", R"({"warn":90})", "metric: is missing"},
        {"a b", R"({"metric":"cpu","warn":90})",
         "name: must be 1 to 64 letters, digits, '_', '-' or '.', not the last two in front"},
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
        {"cpu", R"({"match":"cpu>80"})", "match: may look at id, name, tags, region and os only"},
        {"cpu", R"({"match":"state:ok"})", "match: may look at id, name, tags, region and os only"},
        {"cpu", R"({"match":7})", "match: must be a search in quotes, as \"tag"},
    }));
    CAPTURE(r.name, r.json);
    field_problems problems;
    rule_writer w(base_rule(r.name, rule_set::presets()));
    if (auto const why = w.set("name", std::string(r.name)))
        problems.push_back({"name", *why});
    write(w, r.json, problems);
    auto const got = problems.empty() ? w.finish(problems) : rule();
    CHECK((problems.empty() ? show(got) : words(problems)) == r.out);
}

TEST_CASE("mutes as people write them") {
    struct row {
        char const* json;
        char const* out;
    };
    auto const r = GENERATE(values<row>({
        {R"({"match":"tag:db","for":"2h","reason":"disks"})", "-..7200005 0 0 @tag:db disks"},
        {R"({"from":"1970-01-02","for":60})", "86400000..86460000 0 0 @ "},
        {R"({"weekly":["sat,sun","mon-fri 22:00-06:00"],"utc_offset":"-03:30"})", "-..- 2 -210 @ "},
        {R"({"weekly":"22:00-06:00","until":9})", "-..9 1 0 @ "},
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
    mute_writer w("x");
    write(w, r.json, problems);
    auto const got = problems.empty() ? w.finish(5, problems) : mute();
    CHECK((problems.empty() ? show(got) : words(problems)) == r.out);
}
