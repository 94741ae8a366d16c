#include <mad/core/base64.hpp>
#include <mad/fleet/host_row.hpp>
#include <utility>

#include <catch2/catch.hpp>

#include "http_api_world.hpp"

#include <set>

using namespace mad_test;
using mad::fleet::host_state;
using mad::fleet::metric;
using strings = std::vector<std::string>;

namespace {

/// Five hosts of three kinds.
void fill(fake_fleet& f) {
    auto& a = f.add("web-1");
    a.facts.name = "alpha";
    a.facts.region = "eu-west";
    a.facts.tags = {"prod", "role:web"};
    a.now.set(metric::cpu, 12.5);
    a.now.set(metric::storage, 37.4);
    a.now.set(metric::uptime, 864'213);
    auto& b = f.add("web-2", host_state::crit);
    b.facts.tags = {"role:web"};
    b.now.set(metric::cpu, 97.1);
    b.rule = "cpu";
    b.value = 97.1f;
    b.limit = 95;
    b.flags = mad::fleet::host_flag::muted;
    auto& c = f.add("db-1", host_state::warn);
    c.facts.region = "us-east";
    c.facts.tags = {"prod", "role:db"};
    c.now.set(metric::cpu, 88);
    auto& d = f.add("old", host_state::stale);
    d.now.modern = false;
    auto& e = f.add("gone", host_state::offline);
    e.reason = "left";
    e.now.set(metric::cpu, 12.5);
}

} // namespace

TEST_CASE("a row says what is known of a host, and null for what is not") {
    http_api_world w;
    fill(*w.fleet);
    auto const r = w.get("/api/v1/clients?query=id:web-1");
    CHECK(r.status == 200);
    CHECK(r.header("Content-Type") == "application/json");
    CHECK(r.body ==
          R"({"clients":[{"id":"web-1","state":"ok","flags":0,"name":"alpha","region":"eu-west",)"
          R"("tags":["prod","role:web"],"storage":37.4,"network":null,"cpu":12.5,"mem":null,)"
          R"("load":null,"psi":null,"up":864213,"seen":1764000002500,"rule":null,"value":null,)"
          R"("limit":null,"since":1764000000000,"v":2}],"total":1,"next":null})");
    auto const crit = w.get("/api/v1/clients?query=state:crit").value()["clients"][0];
    CHECK(crit["rule"] == "cpu");
    CHECK(crit["value"].dump() == "97.1");
    CHECK(crit["flags"] == 2);
    CHECK(w.get("/api/v1/clients?query=id:old").value()["clients"][0]["v"] == 1);
}

TEST_CASE("a list is what a search finds, also as the whole query") {
    http_api_world w;
    fill(*w.fleet);
    struct row {
        char const* query;
        strings found;
    };
    for (auto const& [query, found] : std::vector<row>{
             {"", {"db-1", "gone", "old", "web-1", "web-2"}},
             {"?query=", {"db-1", "gone", "old", "web-1", "web-2"}},
             {"?query=role:web", {"web-1", "web-2"}},
             {"?query=role:web+state:crit", {"web-2"}},
             {"?role:web%20state:ok", {"web-1"}},
             {"?cpu>=88", {"db-1", "web-2"}},
             {"?cpu%3E%3D88", {"db-1", "web-2"}},
             {"?-region:*", {"gone", "old", "web-2"}},
             {"?query=nothing-like-that", {}},
         }) {
        CAPTURE(query);
        auto const r = w.get(std::string("/api/v1/clients") + query);
        CHECK(r.status == 200);
        CHECK(ids_of(r) == found);
        CHECK(r.value()["total"] == found.size());
    }
}

TEST_CASE("a list is sorted by a column, unknown values last, equal ones by id") {
    http_api_world w;
    fill(*w.fleet);
    struct row {
        char const* sort;
        strings order;
    };
    for (auto const& [sort, order] : std::vector<row>{
             {"id", {"db-1", "gone", "old", "web-1", "web-2"}},
             {"-id", {"web-2", "web-1", "old", "gone", "db-1"}},
             {"cpu", {"gone", "web-1", "db-1", "web-2", "old"}},
             {"-cpu", {"web-2", "db-1", "gone", "web-1", "old"}},
             {"-state", {"web-2", "gone", "old", "db-1", "web-1"}},
             {"region", {"web-1", "db-1", "gone", "old", "web-2"}},
             {"-region", {"db-1", "web-1", "gone", "old", "web-2"}},
             {"name", {"web-1", "db-1", "gone", "old", "web-2"}},
         }) {
        CAPTURE(sort);
        auto const all = w.get(std::string("/api/v1/clients?sort=") + sort);
        CHECK(ids_of(all) == order);

        // Page by page it is the same list.
        strings pages;
        std::string next;
        do {
            auto const r = w.get(std::string("/api/v1/clients?limit=2&sort=") + sort + next);
            for (auto const& id : ids_of(r))
                pages.push_back(id);
            CHECK(r.value()["total"] == 5);
            auto const cursor = r.value()["next"];
            CHECK(r.header("Link").empty() == cursor.is_null());
            next = cursor.is_null() ? "" : "&cursor=" + cursor.get<std::string>();
        } while (!next.empty() && pages.size() < 20);
        CHECK(pages == order);
    }
}

TEST_CASE("a page begins where the last one ended, whoever has come and gone since") {
    http_api_world w;
    for (char const c : std::string("abcdef"))
        w.fleet->add(std::string(1, c));
    auto const first = w.get("/api/v1/clients?limit=3");
    CHECK(ids_of(first) == strings{"a", "b", "c"});
    w.fleet->hosts.pop_front();                       // a
    w.fleet->hosts.erase(w.fleet->hosts.begin() + 1); // c, at which the cursor points
    w.fleet->add("aa");
    w.fleet->add("ca");
    auto const cursor = first.value()["next"].get<std::string>();
    CHECK(ids_of(w.get("/api/v1/clients?cursor=" + cursor)) == strings{"ca", "d", "e", "f"});
    CHECK(first.header("Link") == "</api/v1/clients?limit=3&cursor=" + cursor + ">; rel=\"next\"");
}

TEST_CASE("a cursor of another list is refused") {
    http_api_world w;
    fill(*w.fleet);
    auto const cursor = w.get("/api/v1/clients?limit=2").value()["next"].get<std::string>();
    auto const made = [](std::string_view text) {
        std::string out;
        mad::append_base64url(out, text);
        return out;
    };
    std::string mark;
    REQUIRE(mad::base64_decode(cursor, mark));
    mark = mark.substr(1, mark.find(',') - 1);
    for (auto const& query : strings{
             "sort=cpu&cursor=" + cursor, "query=web&cursor=" + cursor, "cursor=%2A",
             "cursor=", "cursor=AAAA", "cursor=" + made("[]"), "cursor=" + made("{}"),
             "cursor=" + made("[" + mark + ",\"a\",1]"), "cursor=" + made("[" + mark + ",1,\"a\"]"),
             "cursor=" + made("[" + mark + ",[[[[]]]],\"a\"]"),
             "cursor=" + made("[1,\"a\",\"a\"]")}) {
        CAPTURE(query);
        auto const r = w.get("/api/v1/clients?" + query);
        CHECK(r.status == 422);
        CHECK(r.error() == "invalid");
    }
    CHECK(w.get("/api/v1/clients?cursor=" + made("[" + mark + ",\"a\",\"a\"]")).status == 200);
}

TEST_CASE("fields choose the columns") {
    http_api_world w;
    fill(*w.fleet);
    CHECK(w.get("/api/v1/clients?query=id:web-2&fields=id,cpu").body ==
          R"({"clients":[{"id":"web-2","cpu":97.1}],"total":1,"next":null})");
    CHECK(w.get("/api/v1/clients?query=id:web-2&fields=cpu%2Cid").body ==
          R"({"clients":[{"id":"web-2","cpu":97.1}],"total":1,"next":null})");
}

TEST_CASE("a list as CSV guards spreadsheets against formulas") {
    http_api_world w;
    auto& a = w.fleet->add("=1+1");
    a.facts.name = "quo\"te, comma";
    a.facts.tags = {"@sum", "role:web"};
    a.now.set(metric::load, -0.5);
    auto& b = w.fleet->add("plain");
    b.facts.name = "two\r\nlines";
    auto const r = w.get("/api/v1/clients?format=csv&fields=id,name,tags,load");
    CHECK(r.status == 200);
    CHECK(r.header("Content-Type") == "text/csv; charset=utf-8; header=present");
    CHECK(r.header("Content-Disposition").find("attachment") == 0);
    CHECK(r.body == "id,name,tags,load\r\n"
                    "\"'=1+1\",\"quo\"\"te, comma\",\"'@sum role:web\",-0.5\r\n"
                    "plain,\"two\r\nlines\",,\r\n");
    CHECK(w.get("/api/v1/clients", {{"Accept", "text/csv"}}).body.starts_with("id,state,"));
    CHECK(w.get("/api/v1/clients?format=json", {{"Accept", "text/csv"}}).body.starts_with("{"));
}

TEST_CASE("one host comes with its record, by its id however that is written") {
    http_api_world w;
    fill(*w.fleet);
    auto& odd = w.fleet->add("a/b c%\xc3\xa9");
    odd.record = R"({"id":"x","health":{"storage":1}})";
    auto const r = w.get("/api/v1/clients/a%2Fb%20c%25%C3%A9");
    CHECK(r.status == 200);
    CHECK(r.value()["id"] == odd.id);
    CHECK(r.value()["record"]["health"]["storage"] == 1);
    CHECK(r.value()["reason"].is_null());
    CHECK(w.get("/api/v1/clients/gone").value()["reason"] == "left");
    for (char const* path : {"none", "a", "a%2fb", "%00", "%ff", "web-1%20", "%zz"}) {
        CAPTURE(path);
        auto const no = w.get(std::string("/api/v1/clients/") + path);
        CHECK(no.status == 404);
        CHECK(no.error() == "not_found");
    }
}

TEST_CASE("only what is offline can be forgotten") {
    http_api_world w;
    fill(*w.fleet);
    CHECK(w.ask("DELETE", "/api/v1/clients/web-1").status == 409);
    CHECK(w.ask("DELETE", "/api/v1/clients/none").status == 404);
    auto const r = w.ask("DELETE", "/api/v1/clients/gone");
    CHECK(r.status == 204);
    CHECK(r.body.empty());
    CHECK(w.get("/api/v1/clients/gone").status == 404);
}

TEST_CASE("a history is answered when it is there") {
    http_api_world w;
    fill(*w.fleet);
    CHECK(w.get("/api/v1/clients/web-1/history").value()["window"] == "15m");
    CHECK(w.get("/api/v1/clients/web-1/history?window=6h").value()["window"] == "6h");
    auto const csv = w.get("/api/v1/clients/web-1/history?format=csv");
    CHECK(csv.header("Content-Type") == "text/csv; charset=utf-8; header=present");
    CHECK(csv.header("Content-Disposition") == "attachment; filename=\"history-web-1.csv\"");
    CHECK(w.get("/api/v1/clients/none/history").status == 404);
    CHECK(w.get("/api/v1/clients/web-1/history?window=1h").status == 400);

    w.fleet->slow = true;
    http_api_world::connection later;
    {
        http_api_world::connection gone;
        w.begin(later, "GET", "/api/v1/clients/web-1/history");
        w.begin(gone, "GET", "/api/v1/clients/web-2/history");
        w.run();
    }
    CHECK(http_api_world::take(later).status == 0);
    REQUIRE(w.fleet->waiting.size() == 2);
    for (auto const& answer : std::exchange(w.fleet->waiting, {}))
        answer();
    w.run();
    CHECK(http_api_world::take(later).value()["id"] == "web-1");
}

TEST_CASE("a summary counts by state, and by what tags say") {
    http_api_world w;
    fill(*w.fleet);
    auto const all = w.get("/api/v1/summary").value();
    CHECK(all.dump() == R"({"total":5,"worst":"crit","states":{"ok":1,"warn":1,"crit":1,"stale":1,)"
                        R"("offline":1},"flags":{"dup":0,"muted":1,"flapping":0}})");
    auto const groups = w.get("/api/v1/summary?group=role").value()["groups"];
    REQUIRE(groups.size() == 3);
    CHECK(groups[0]["name"] == "db");
    CHECK(groups[0]["worst"] == "warn");
    CHECK(groups[1]["name"] == "web");
    CHECK(groups[1]["total"] == 2);
    CHECK(groups[2]["name"].is_null());
    CHECK(w.get("/api/v1/summary?group=region").value()["groups"].size() == 3);
    CHECK(w.get("/api/v1/summary?query=state:ok").value()["total"] == 1);
    for (int i = 0; i < 1'200; ++i)
        w.fleet->add("h" + std::to_string(i)).facts.tags = {"role:r" + std::to_string(i)};
    CHECK(w.get("/api/v1/summary?group=role").value()["groups"].size() == 1'001);
}

TEST_CASE("whoever may see some hosts only sees no others anywhere") {
    mad::fleet::http_api_settings s;
    s.admit = [](mad::net::http::request const&, mad::fleet::http_role) {
        mad::fleet::http_admission a;
        a.caller.role = mad::fleet::http_role::viewer;
        a.caller.filter = "role:web";
        return a;
    };
    http_api_world w(std::move(s));
    fill(*w.fleet);
    for (char const* id : {"db-1", "web-1"}) {
        mad::fleet::transition t;
        t.id = id;
        w.fleet->log.add(1, t);
    }
    CHECK(ids_of(w.get("/api/v1/clients")) == strings{"web-1", "web-2"});
    CHECK(ids_of(w.get("/api/v1/clients?query=state:warn")).empty());
    CHECK(w.get("/api/v1/clients/db-1").status == 404);
    CHECK(w.get("/api/v1/clients/web-1").status == 200);
    CHECK(w.get("/api/v1/clients/db-1/history").status == 404);
    CHECK(w.get("/api/v1/summary").value()["total"] == 2);
    CHECK(w.get("/api/v1/states").value()["states"].size() == 1);
    auto const metrics = w.get("/api/v1/metrics").body;
    CHECK(metrics.find("db-1") == metrics.npos);
    CHECK(metrics.find("web-1") != metrics.npos);
    CHECK(metrics.find("mad_fleet_hosts") == metrics.npos);
}

TEST_CASE("ten thousand rows come in one answer") {
    http_api_world w;
    for (int i = 0; i < 10'000; ++i) {
        auto& h = w.fleet->add("host-" + std::to_string(i));
        h.facts.name = "web.example";
        h.facts.tags = {"prod", "role:web"};
        for (auto const m : {metric::cpu, metric::mem, metric::load, metric::storage})
            h.now.set(m, i % 1'000 / 10.0);
    }
    auto const r = w.get("/api/v1/clients?limit=10000&sort=-cpu");
    CHECK(r.status == 200);
    auto const all = ids_of(r);
    CHECK(all.size() == 10'000);
    CHECK(std::set<std::string>(all.begin(), all.end()).size() == 10'000);
    CHECK(r.value()["next"].is_null());
}
