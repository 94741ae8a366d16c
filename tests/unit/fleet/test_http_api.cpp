#include <mad/core/json_scan.hpp>
#include <mad/fleet/detail/http_operation.hpp>

#include <catch2/catch.hpp>

#include "http_api_world.hpp"

using namespace mad_test;
using mad::fleet::http_admission;
using mad::fleet::http_api_settings;
using mad::fleet::http_role;
using mad::fleet::detail::http_operations;

namespace {

http_api_settings with_role(http_role role, int status = 200) {
    http_api_settings s;
    s.admit = [role, status](mad::net::http::request const&, http_role) {
        http_admission a;
        if (status != 200)
            a.refusal = mad::fleet::detail::http_error(status, "no");
        a.caller.role = role;
        a.caller.name = "somebody";
        return a;
    };
    return s;
}

/// A path of that template.
std::string path_of(std::string_view tmpl) {
    std::string out = "/api/v1/";
    auto const open = tmpl.find('{');
    if (open == tmpl.npos)
        return out.append(tmpl);
    return out.append(tmpl.substr(0, open)).append("x").append(tmpl.substr(tmpl.find('}') + 1));
}

} // namespace

TEST_CASE("what is not there is 404, what cannot be done 405 with what can") {
    http_api_world w;
    for (char const* path :
         {"/api/v1/", "/api/v1/none", "/api/v1/clients/", "/api/v1/clients/a/b",
          "/api/v1/clients/a/history/", "/api/v1/clients//history", "/api/v1/Clients"}) {
        CAPTURE(path);
        auto const r = w.get(path);
        CHECK(r.status == 404);
        CHECK(r.error() == "not_found");
        CHECK(r.header("Content-Type") == "application/json");
        CHECK(r.header("Cache-Control") == "no-store");
    }
    struct row {
        char const *method, *path, *allow;
    };
    for (auto const& [method, path, allow] :
         std::vector<row>{{"POST", "/api/v1/clients", "GET, HEAD, OPTIONS"},
                          {"PUT", "/api/v1/clients/a", "GET, HEAD, DELETE, OPTIONS"},
                          {"TRACE", "/api/v1/mutes", "GET, HEAD, POST, OPTIONS"},
                          {"GET", "/api/v1/links", "POST, OPTIONS"},
                          {"BREW", "/api/v1/rules/a", "PUT, DELETE, OPTIONS"}}) {
        CAPTURE(method, path);
        auto const r = w.ask(method, path);
        CHECK(r.status == 405);
        CHECK(r.header("Allow") == allow);
        CHECK(r.error() == "method_not_allowed");
    }
}

TEST_CASE("an operation is done by whoever has its role, and by nobody else") {
    for (auto const& o : http_operations()) {
        for (auto const role :
             {http_role::nobody, http_role::agent, http_role::viewer, http_role::admin}) {
            CAPTURE(o.id, mad::fleet::to_string(role));
            http_api_world w(with_role(role));
            auto const r = o.body.empty() ? w.ask(o.method, path_of(o.path))
                                          : w.send(o.method, path_of(o.path), "{}");
            if (o.least == http_role::nobody || role >= o.least) {
                CHECK(r.status != 401);
                CHECK(r.status != 403);
            } else {
                CHECK(r.status == 403);
                CHECK(r.error() == "forbidden");
            }
        }
        http_api_world w(with_role(http_role::nobody, 401));
        auto const r = w.ask(o.method, path_of(o.path));
        CHECK((r.status == 401) == (o.least != http_role::nobody));
        CHECK((r.header("WWW-Authenticate") == "Bearer") == (r.status == 401));
    }
}

TEST_CASE("who asks is told who that is") {
    auto s = with_role(http_role::viewer);
    auto const admit = s.admit;
    s.admit = [admit](mad::net::http::request const& r, http_role least) {
        CHECK(least == http_role::agent);
        auto a = admit(r, least);
        a.caller.expires_ms = 1'764'000'000'000;
        return a;
    };
    http_api_world w(std::move(s));
    auto const r = w.get("/api/v1/session");
    CHECK(r.body == R"({"name":"somebody","role":"viewer","anonymous":false,)"
                    R"("expires":1764000000000,"filter":""})");
    CHECK(r.header("Cache-Control") == "no-store");
    CHECK(r.header("ETag").empty());
    CHECK(http_api_world().get("/api/v1/session").body ==
          R"({"name":"","role":"admin","anonymous":true,"expires":null,"filter":""})");
}

TEST_CASE("an answer that is known already is not sent again") {
    http_api_world w;
    w.fleet->add("a");
    auto const first = w.get("/api/v1/clients");
    auto const tag = first.header("ETag");
    REQUIRE(tag.size() > 10);
    CHECK(tag.front() == '"');
    CHECK(first.header("Cache-Control") == "private, no-cache");
    for (auto const& known : {tag, "W/" + tag, "\"x\", " + tag, std::string("*"), tag + ",\"y\""}) {
        CAPTURE(known);
        auto const same = w.get("/api/v1/clients", {{"If-None-Match", known}});
        CHECK(same.status == 304);
        CHECK(same.body.empty());
        CHECK(same.header("ETag") == tag);
    }
    CHECK(w.get("/api/v1/clients", {{"If-None-Match", "\"x\""}}).status == 200);
    CHECK(w.get("/api/v1/clients?format=csv", {{"If-None-Match", tag}}).status == 200);
    w.fleet->hosts.front().seen_ms += 1;
    auto const changed = w.get("/api/v1/clients", {{"If-None-Match", tag}});
    CHECK(changed.status == 200);
    CHECK(changed.header("ETag") != tag);
}

TEST_CASE("tags differ wherever bytes do") {
    using mad::fleet::detail::tag_of;
    std::string const text(40, 'a');
    std::set<std::string> all{tag_of("")};
    for (std::size_t n = 1; n <= text.size(); ++n) {
        CHECK(all.insert(tag_of(text.substr(0, n))).second);
        for (int bit = 0; bit < 8; ++bit) {
            auto other = text.substr(0, n);
            other[n - 1] = static_cast<char>(other[n - 1] ^ (1 << bit));
            CHECK(all.insert(tag_of(other)).second);
        }
    }
    CHECK(tag_of(std::string(3, '\0')) != tag_of(std::string(4, '\0')));
    CHECK(tag_of(text) == tag_of(text));
}

TEST_CASE("a type that is not to be had is 406, and the better liked one is given") {
    http_api_world w;
    w.fleet->add("a");
    struct row {
        char const* accept;
        char const* type; // empty: 406
    };
    for (auto const& [accept, type] :
         std::vector<row>{{"*/*", "application/json"},
                          {"", "application/json"},
                          {"application/*", "application/json"},
                          {"APPLICATION/JSON", "application/json"},
                          {"text/csv", "text/csv"},
                          {"text/*", "text/csv"},
                          {"text/csv;q=0.5, application/json;q=0.4", "text/csv"},
                          {"text/csv;q=0.4, */*;q=0.5", "application/json"},
                          {"application/json;q=0, */*", "text/csv"},
                          {"application/json; charset=utf-8", "application/json"},
                          {"text/html", ""},
                          {"application/json;q=0", ""},
                          {"*/*;q=0.000", ""},
                          {"json", ""},
                          {",,;q=1", ""}}) {
        CAPTURE(accept);
        auto const r = w.get("/api/v1/clients", {{"Accept", accept}});
        CHECK(r.status == (*type ? 200 : 406));
        if (*type) {
            CHECK(r.header("Content-Type").starts_with(type));
            CHECK(r.header("Vary") == "Accept");
        } else {
            CHECK(r.error() == "not_acceptable");
        }
    }
    CHECK(w.get("/api/v1/summary", {{"Accept", "text/csv"}}).status == 406);
    CHECK(w.get("/api/v1/metrics", {{"Accept", "text/plain"}}).status == 406);
    CHECK(w.get("/api/v1/metrics", {{"Accept", "application/openmetrics-text;version=1.0.0,"
                                               "text/plain;q=0.5,*/*;q=0.1"}})
              .status == 200);
}

TEST_CASE("parameters are what the document says, or 400 says what they should be") {
    http_api_world w;
    w.fleet->add("a");
    for (char const* target : {"clients?limit=0",
                               "clients?limit=10001",
                               "clients?limit=",
                               "clients?limit=1e3",
                               "clients?limit=-1",
                               "clients?limit=99999999999999999999",
                               "clients?limit=+1",
                               "clients?limit=1&limit=2",
                               "clients?sort=",
                               "clients?sort=tags",
                               "clients?sort=--id",
                               "clients?fields=",
                               "clients?fields=id,id",
                               "clients?fields=id,",
                               "clients?fields=socket",
                               "clients?format=xml",
                               "clients?query=a&other=b",
                               "clients?query=%FF",
                               "states?limit=1001",
                               "states?id=",
                               "summary?group=",
                               "summary?grouped=a",
                               "rules?a=b",
                               "metrics?hosts=some",
                               "session?x",
                               "clients/a?fields=id"}) {
        CAPTURE(target);
        auto const r = w.get(std::string("/api/v1/") + target);
        CHECK(r.status == 400);
        CHECK(r.error() == "bad_request");
        CHECK(r.message().find(": ") != std::string::npos);
    }
    for (char const* query : {"query=%22", "query=state:odd", "cpu>", "query=tag:"}) {
        CAPTURE(query);
        auto const r = w.get(std::string("/api/v1/clients?") + query);
        CHECK(r.status == 422);
        CHECK(r.message().starts_with("query: position "));
    }
}

TEST_CASE("a body must be JSON of a reasonable size") {
    http_api_world w;
    CHECK(w.ask("POST", "/api/v1/mutes", {{"Content-Type", "text/plain"}}, "{}").status == 415);
    CHECK(w.ask("POST", "/api/v1/mutes", {}, "{}").status == 415);
    CHECK(w.ask("POST", "/api/v1/mutes", {{"Content-Type", "Application/JSON ; charset=utf-8"}},
                "{\"for\":60}")
              .status == 201);
    auto const large = w.send("POST", "/api/v1/mutes", std::string(16 * 1024 + 1, ' '));
    CHECK(large.status == 413);
    CHECK(large.error() == "too_large");
    for (char const* body : {" ", "[]", "1", "null", "{", "{\"for\":60}}", "{\"for\":1e999}",
                             "{\"for\":60,\"x\":[[[[[[]]]]]]}", "\"\\ud800\""}) {
        CAPTURE(body);
        CHECK(w.send("POST", "/api/v1/mutes", body).status == 400);
    }
    CHECK(w.fleet->all_mutes.size() == 1);
}

TEST_CASE("pages of other origins may not change anything, and read where they are listed") {
    http_api_settings s;
    s.cors.origins = {"https://status.example"};
    http_api_world w(std::move(s));
    w.fleet->add("a");
    auto const ours = w.get("/api/v1/clients", {{"Origin", "https://status.example"}});
    CHECK(ours.header("Access-Control-Allow-Origin") == "https://status.example");
    CHECK(ours.header("Access-Control-Expose-Headers") == "ETag, Link, Location");
    auto const other = w.get("/api/v1/clients", {{"Origin", "https://evil.example"}});
    CHECK(other.header("Access-Control-Allow-Origin").empty());
    CHECK(w.get("/api/v1/none", {{"Origin", "https://status.example"}})
              .header("Access-Control-Allow-Origin") == "https://status.example");

    CHECK(w.ask("DELETE", "/api/v1/rules/a", {{"Origin", "https://evil.example"}}).status == 403);
    CHECK(w.ask("DELETE", "/api/v1/rules/a", {{"Origin", "https://status.example"}}).status == 404);
    CHECK(w.ask("DELETE", "/api/v1/rules/a", {{"Origin", "http://127.0.0.1:3000"}}).status == 404);
    CHECK(w.ask("DELETE", "/api/v1/rules/a", {{"Origin", "null"}}).status == 403);

    auto const asked = w.ask("OPTIONS", "/api/v1/mutes",
                             {{"Origin", "https://status.example"},
                              {"Access-Control-Request-Method", "POST"},
                              {"Access-Control-Request-Headers", "content-type"}});
    CHECK(asked.status == 204);
    CHECK(asked.header("Access-Control-Allow-Headers") == "content-type");
    CHECK(asked.header("Allow") == "GET, HEAD, POST, OPTIONS");
    auto const none = http_api_world().ask("OPTIONS", "/api/v1/mutes");
    CHECK(none.status == 204);
    CHECK(none.fields.find("Access-Control") == none.fields.npos);
}

TEST_CASE("every answer says that its type is not to be guessed") {
    http_api_world w;
    for (char const* target : {"clients", "none", "clients?limit=0", "openapi.json", "metrics"}) {
        CAPTURE(target);
        CHECK(w.get(std::string("/api/v1/") + target).header("X-Content-Type-Options") ==
              "nosniff");
    }
}

TEST_CASE("the document describes what is dispatched, and all that it refers to is there") {
    for (bool const tokens : {false, true}) {
        http_api_settings s;
        s.tokens = tokens;
        http_api_world w(std::move(s));
        auto const r = w.get("/api/v1/openapi.json");
        REQUIRE(r.status == 200);
        CHECK(r.header("Cache-Control") == "no-cache");
        auto const doc = r.value();
        CHECK(doc["openapi"] == "3.1.0");
        CHECK(doc["security"].size() == (tokens ? 1 : 2));
        std::size_t described = 0;
        for (auto const& [path, methods] : doc["paths"].items())
            described += methods.size();
        CHECK(described == http_operations().size());
        std::set<std::string> ids;
        for (auto const& o : http_operations()) {
            CAPTURE(o.id);
            std::string method(o.method);
            for (char& c : method)
                c = static_cast<char>(c + ('a' - 'A'));
            auto const& it = doc["paths"]["/" + std::string(o.path)][method];
            CHECK(it["operationId"] == o.id);
            CHECK(ids.insert(std::string(o.id)).second);
            CHECK(it["responses"].contains(std::to_string(o.status)));
            CHECK(it["parameters"].size() == o.parameters.size() + (o.has_id() ? 1 : 0));
            CHECK((o.now == nullptr) != (o.later == nullptr));
        }
        for (auto at = r.body.find("\"$ref\":\"#"); at != r.body.npos;
             at = r.body.find("\"$ref\":\"#", at + 1)) {
            auto const from = at + 9;
            auto const pointer = r.body.substr(from, r.body.find('"', from) - from);
            CAPTURE(pointer);
            CHECK(doc.contains(json::json_pointer(pointer)));
        }
    }
}
