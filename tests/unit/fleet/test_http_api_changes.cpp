#include <mad/fleet/rule_json.hpp>

#include <catch2/catch.hpp>

#include "http_api_world.hpp"

using namespace mad_test;
using mad::fleet::parse_mute;
using mad::fleet::parse_rule;
using mad::fleet::read_mute;

TEST_CASE("a rule is put in place of others, listed, and taken back") {
    http_api_world w;
    auto const put = w.send("PUT", "/api/v1/rules/cpu",
                            R"({"metric":"cpu","warn":70,"for":30.5,"match":"tag:prod"})");
    CHECK(put.status == 200);
    CHECK(put.body == R"({"name":"cpu","metric":"cpu","below":false,"warn":70,"for":30.5,)"
                      R"("match":"tag:prod","enabled":true,"source":"override"})");
    REQUIRE(w.fleet->overrides.size() == 1);
    auto const& r = w.fleet->overrides.front();
    CHECK(r.hold == mad::milliseconds(30'500));
    CHECK(!r.crit);
    mad::fleet::host_facts f;
    CHECK_FALSE(r.match("a", f));
    f.tags = {"prod"};
    CHECK(r.match("a", f));

    auto const all = w.get("/api/v1/rules").value()["rules"];
    CHECK(all.front()["source"] == "preset");
    CHECK(all.back() == put.value());
    // What was read can be written back.
    CHECK(w.send("PUT", "/api/v1/rules/cpu", put.body).body == put.body);
    for (auto const& rule : all) {
        auto const name = rule["name"].get<std::string>();
        CAPTURE(name);
        CHECK(parse_rule(name, rule.dump()).has_value());
    }
    CHECK(w.ask("DELETE", "/api/v1/rules/cpu").status == 204);
    CHECK(w.ask("DELETE", "/api/v1/rules/cpu").status == 404);
    w.fleet->broken = true;
    auto const away = w.send("PUT", "/api/v1/rules/cpu", R"({"metric":"cpu","warn":70})");
    CHECK(away.status == 503);
    CHECK(away.header("Retry-After") == "5");
}

TEST_CASE("what is no rule is refused with the member that is wrong") {
    http_api_world w;
    struct row {
        int status;
        char const *body, *member;
    };
    for (auto const& [status, body, member] :
         std::vector<row>{{400, R"({})", "metric"},
                          {400, R"({"metric":"cpus","warn":1})", "metric"},
                          {400, R"({"metric":1,"warn":1})", "metric"},
                          {400, R"({"metric":"cpu"})", "warn"},
                          {400, R"({"metric":"cpu","warn":"1"})", "warn"},
                          {400, R"({"metric":"cpu","warn":1e16})", "warn"},
                          {400, R"({"metric":"cpu","warn":null})", "warn"},
                          {400, R"({"metric":"cpu","warn":1,"for":-1})", "for"},
                          {400, R"({"metric":"cpu","warn":1,"for":86401})", "for"},
                          {400, R"({"metric":"cpu","warn":1,"below":1})", "below"},
                          {400, R"({"metric":"cpu","warn":1,"enabled":"no"})", "enabled"},
                          {400, R"({"metric":"cpu","warn":1,"clear_by":-1})", "clear_by"},
                          {400, R"({"metric":"cpu","warn":1,"match":7})", "match"},
                          {400, R"({"metric":"cpu","warn":1,"matches":""})", "matches"},
                          {422, R"({"metric":"cpu","warn":1,"match":"state:odd"})", "match"},
                          {422, R"({"metric":"cpu","warn":1,"match":"cpu>80"})", "match"},
                          {422, R"({"metric":"cpu","warn":1,"match":"-flag:dup"})", "match"},
                          {422, R"({"metric":"cpu","warn":9,"crit":8})", "crit"},
                          {422, R"({"metric":"cpu","warn":8,"crit":9,"below":true})", "crit"},
                          {422, R"({"metric":"cpu","warn":8,"own_limit":9})", "own_limit"},
                          {422, R"({"metric":"cpu","warn":8,"name":"other"})", "name"}}) {
        CAPTURE(body);
        auto const r = w.send("PUT", "/api/v1/rules/cpu", body);
        CHECK(r.status == status);
        CHECK(r.message().starts_with(std::string(member) + ": "));
    }
    for (char const* name : {".x", "-x", "a%20b", "%C3%A9", "a%2Fb"}) {
        CAPTURE(name);
        CHECK(w.send("PUT", std::string("/api/v1/rules/") + name, R"({"metric":"cpu","warn":1})")
                  .status == 400);
    }
    CHECK(w.send("PUT", "/api/v1/rules/" + std::string(65, 'a'), R"({"metric":"cpu","warn":1})")
              .status == 400);
    CHECK(w.fleet->overrides.empty());
}

TEST_CASE("hosts are muted for a time, and no longer") {
    http_api_world w;
    auto const r =
        w.send("POST", "/api/v1/mutes", R"({"match":"role:db","for":3600,"reason":"new disks"})");
    REQUIRE(r.status == 201);
    auto const mute = r.value();
    auto const id = mute["id"].get<std::string>();
    CHECK(r.header("Location") == "/api/v1/mutes/" + id);
    CHECK(r.header("Cache-Control") == "no-store");
    CHECK(mute["until"] == w.fleet->now_ms + 3'600'000);
    CHECK(mute["active"] == true);
    CHECK(mute["reason"] == "new disks");
    CHECK_FALSE(mute.contains("for"));
    CHECK(w.get("/api/v1/mutes").value()["mutes"][0] == mute);
    w.fleet->now_ms += 3'600'000;
    CHECK(w.get("/api/v1/mutes").value()["mutes"][0]["active"] == false);
    CHECK(w.ask("DELETE", "/api/v1/mutes/" + id).status == 204);
    CHECK(w.ask("DELETE", "/api/v1/mutes/" + id).status == 404);
}

TEST_CASE("what is no mute is refused with the member that is wrong") {
    http_api_world w;
    struct row {
        int status;
        char const *body, *member;
    };
    for (auto const& [status, body, member] :
         std::vector<row>{{400, R"({"match":"a"})", "until"},
                          {400, R"({"for":0})", "for"},
                          {400, R"({"for":31622401})", "for"},
                          {400, R"({"for":60,"until":1864000000000})", "for"},
                          {400, R"({"until":1.5})", "until"},
                          {400, R"({"until":-1})", "until"},
                          {400, R"({"for":60,"weekly":[]})", "weekly"},
                          {400, R"({"for":60,"weekly":"sat"})", "weekly"},
                          {400, R"({"for":60,"weekly":[1]})", "weekly"},
                          {400, R"({"for":60,"utc_offset":841})", "utc_offset"},
                          {400, R"({"for":60,"other":1})", "other"},
                          {422, R"({"for":60,"weekly":["sunday"]})", "weekly"},
                          {422, R"({"until":1764000003000})", "until"},
                          {422, R"({"for":1,"from":253402300798999})", "for"},
                          {422, R"({"from":1864000000001,"until":1864000000000})", "until"},
                          {422, R"({"for":60,"match":"cpu>1"})", "match"}}) {
        CAPTURE(body);
        auto const r = w.send("POST", "/api/v1/mutes", body);
        CHECK(r.status == status);
        CHECK(r.message().starts_with(std::string(member) + ": "));
    }
    CHECK(w.send("POST", "/api/v1/mutes", R"({"for":60,"reason":")" + std::string(501, 'a') + "\"}")
              .status == 400);
    CHECK(w.fleet->all_mutes.empty());
    w.fleet->all_mutes.resize(1'000);
    CHECK(w.send("POST", "/api/v1/mutes", R"({"for":60})").status == 409);
}

TEST_CASE("a mute that was written is read back as it was") {
    for (char const* body :
         {R"({"for":60})", R"({"weekly":["22:00-06:00"]})", R"({"weekly":["sat,sun"]})",
          R"({"weekly":["mon-fri 00:00-24:00"],"utc_offset":-90})",
          R"({"weekly":["mon 22:00-24:00","00:00-24:00"],"until":1864000000000})",
          R"({"from":1864000000000,"for":60,"reason":"a \"b\"","match":"tag:prod -id:x"})"}) {
        CAPTURE(body);
        auto const first = parse_mute("m", body, 1'764'000'000'000);
        REQUIRE(first.has_value());
        std::string once = "{", twice = "{";
        append_mute_members(once, *first);
        auto const second = read_mute("m", once + "}");
        REQUIRE(second.has_value());
        append_mute_members(twice, *second);
        CHECK(once == twice);
        REQUIRE(first->weekly.size() == second->weekly.size());
        for (std::size_t i = 0; i < first->weekly.size(); ++i) {
            CHECK(first->weekly[i].days == second->weekly[i].days);
            CHECK(first->weekly[i].from == second->weekly[i].from);
            CHECK(first->weekly[i].minutes == second->weekly[i].minutes);
        }
    }
}

TEST_CASE("a link shows what it is asked to, until it expires") {
    http_api_world w;
    auto const r = w.send("POST", "/api/v1/links",
                          R"({"role":"viewer","expires_in":3600,"filter":"role:web"})");
    CHECK(r.status == 201);
    CHECK(r.value()["expires"] == w.fleet->now_ms + 3'600'000);
    CHECK(r.value()["token"].get<std::string>().starts_with("link-"));
    CHECK(r.header("Cache-Control") == "no-store");
    REQUIRE(w.fleet->wishes.size() == 1);
    CHECK(w.fleet->wishes.front().filter == "role:web");
    CHECK(w.send("POST", "/api/v1/links", R"({"role":"admin","expires_in":3600})").status == 400);
    CHECK(w.send("POST", "/api/v1/links", R"({"expires_in":59})").status == 400);
    CHECK(w.send("POST", "/api/v1/links", R"({})").status == 400);
    CHECK(w.send("POST", "/api/v1/links", R"({"expires_in":60,"filter":"tag:"})").status == 422);
    w.fleet->link_key = false;
    CHECK(w.send("POST", "/api/v1/links", R"({"expires_in":60})").status == 409);
}

TEST_CASE("the last changes of state come first, and the oldest are forgotten") {
    http_api_world w;
    w.fleet->log = mad::fleet::transition_log(3);
    CHECK(w.get("/api/v1/states").body == R"({"states":[]})");
    for (int i = 0; i < 5; ++i) {
        mad::fleet::transition t;
        t.id = i % 2 ? "odd" : "even";
        t.to = mad::fleet::host_state::crit;
        t.rule = "cpu";
        t.value = 97.1f;
        t.limit = 95;
        t.since_ms = 100 + i;
        w.fleet->log.add(1'000 + i, t);
    }
    auto const all = w.get("/api/v1/states").value()["states"];
    REQUIRE(all.size() == 3);
    CHECK(all[0].dump() == R"({"at":1004,"id":"even","from":"ok","to":"crit","rule":"cpu",)"
                           R"("value":97.1,"limit":95,"since":104,"flapping":false})");
    CHECK(all[2]["at"] == 1'002);
    CHECK(w.get("/api/v1/states?limit=2").value()["states"].size() == 2);
    CHECK(w.get("/api/v1/states?id=odd").value()["states"].size() == 1);
}
