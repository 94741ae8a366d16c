#ifndef MAD_FLEET_IMPL_HTTP_OPERATIONS_IPP
#define MAD_FLEET_IMPL_HTTP_OPERATIONS_IPP

#include <mad/core/json_text.hpp>
#include <mad/core/query.hpp>
#include <mad/fleet/detail/http_operation.hpp>
#include <mad/fleet/detail/http_schemas.hpp>

#include <algorithm>
#include <array>

namespace mad::inline MAD_ABI::fleet::detail {

inline constexpr http_parameter search_parameter{
    "query", R"({"type":"string","maxLength":1024})",
    "A search, as in the console: `tag:prod cpu>80 -state:ok`."};

inline constexpr std::array clients_parameters{
    search_parameter,
    http_parameter{
        "sort",
        R"({"type":"string","default":"id","enum":["id","-id","state","-state","name","-name","region","-region","storage","-storage","network","-network","cpu","-cpu","mem","-mem","load","-load","psi","-psi","up","-up","seen","-seen","since","-since"]})",
        "The column to sort by; a minus sign turns it round. Unknown values come last, equal ones "
        "by id. The worst state is the greatest."},
    http_parameter{"limit", R"({"type":"integer","minimum":1,"maximum":10000,"default":100})",
                   "Most hosts in this answer."},
    http_parameter{"cursor", R"({"type":"string","maxLength":1024})",
                   "`next` of the page before; hosts that come and go meanwhile move nobody else."},
    http_parameter{
        "fields",
        R"({"type":"array","minItems":1,"uniqueItems":true,"items":{"type":"string","enum":["id","state","flags","name","region","tags","storage","network","cpu","mem","load","psi","up","seen","rule","value","limit","since","v"]}})",
        "Which columns; all by default."},
    http_parameter{"format", R"({"type":"string","enum":["json","csv"]})",
                   "Instead of the `Accept` field."}};

inline constexpr std::array history_parameters{
    http_parameter{"window", R"({"type":"string","enum":["15m","6h"],"default":"15m"})",
                   "15 minutes of samples, or 6 hours of minutes."},
    http_parameter{"format", R"({"type":"string","enum":["json","csv"]})",
                   "Instead of the `Accept` field."}};

inline constexpr std::array summary_parameters{
    search_parameter,
    http_parameter{
        "group", R"({"type":"string","minLength":1,"maxLength":64})",
        "A key of tags (`role` of `role:web`), or `region`: counts for each value too."}};

inline constexpr std::array states_parameters{
    http_parameter{"id", R"({"type":"string","minLength":1,"maxLength":128})",
                   "Of that host only."},
    http_parameter{"limit", R"({"type":"integer","minimum":1,"maximum":1000,"default":100})",
                   "Most changes in this answer."}};

inline constexpr std::array metrics_parameters{
    http_parameter{"hosts", R"({"type":"string","enum":["all","own"],"default":"all"})",
                   "`own`: those connected to this node, for who scrapes every node."}};

// method, path, id, summary, role, parameters, body, status, answer, csv, 409, 503, now, later
inline constexpr std::array<http_operation, 16> operation_table{{
    {"GET", "clients", "listClients", "The hosts, one row each.", http_role::viewer,
     clients_parameters, "", 200, "ClientList", true, false, false, &answer_clients, nullptr},
    {"GET",
     "clients/{id}",
     "getClient",
     "One host, with its whole record.",
     http_role::viewer,
     {},
     "",
     200,
     "ClientDetail",
     false,
     false,
     false,
     &answer_client,
     nullptr},
    {"DELETE",
     "clients/{id}",
     "forgetClient",
     "Forgets a host that is offline.",
     http_role::admin,
     {},
     "",
     204,
     "",
     false,
     true,
     true,
     &forget_client,
     nullptr},
    {"GET", "clients/{id}/history", "getHistory", "What a host's numbers were.", http_role::viewer,
     history_parameters, "", 200, "History", true, false, false, nullptr, &answer_history},
    {"GET", "summary", "getSummary", "How many hosts are in which state.", http_role::viewer,
     summary_parameters, "", 200, "Summary", false, false, false, &answer_summary, nullptr},
    {"GET", "states", "listStates", "The last changes of state, the newest first.",
     http_role::viewer, states_parameters, "", 200, "TransitionList", false, false, false,
     &answer_states, nullptr},
    {"GET", "metrics", "getMetrics", "Gauges of the hosts, as OpenMetrics text.", http_role::viewer,
     metrics_parameters, "", 200, "Metrics", false, false, false, &answer_metrics, nullptr},
    {"GET",
     "rules",
     "listRules",
     "The rules that judge hosts, in their order.",
     http_role::viewer,
     {},
     "",
     200,
     "RuleList",
     false,
     false,
     false,
     &answer_rules,
     nullptr},
    {"PUT",
     "rules/{name}",
     "putRule",
     "Puts a rule in place of all others of its name.",
     http_role::admin,
     {},
     "Rule",
     200,
     "Rule",
     false,
     false,
     true,
     &put_rule,
     nullptr},
    {"DELETE",
     "rules/{name}",
     "deleteRule",
     "Takes such a rule back.",
     http_role::admin,
     {},
     "",
     204,
     "",
     false,
     false,
     true,
     &delete_rule,
     nullptr},
    {"GET",
     "mutes",
     "listMutes",
     "When nobody is notified of which hosts.",
     http_role::viewer,
     {},
     "",
     200,
     "MuteList",
     false,
     false,
     false,
     &answer_mutes,
     nullptr},
    {"POST",
     "mutes",
     "addMute",
     "Mutes hosts for a time.",
     http_role::admin,
     {},
     "Mute",
     201,
     "Mute",
     false,
     true,
     true,
     &post_mute,
     nullptr},
    {"DELETE",
     "mutes/{id}",
     "deleteMute",
     "Ends a mute.",
     http_role::admin,
     {},
     "",
     204,
     "",
     false,
     false,
     true,
     &delete_mute,
     nullptr},
    {"POST",
     "links",
     "makeLink",
     "A token that only shows, and expires.",
     http_role::admin,
     {},
     "LinkWish",
     201,
     "Link",
     false,
     true,
     false,
     &post_link,
     nullptr},
    {"GET",
     "session",
     "getSession",
     "Who asks, and what they may do.",
     http_role::agent,
     {},
     "",
     200,
     "Session",
     false,
     false,
     false,
     &answer_session,
     nullptr},
    {"GET",
     "openapi.json",
     "getDocument",
     "This document.",
     http_role::nobody,
     {},
     "",
     200,
     "Document",
     false,
     false,
     false,
     &answer_document,
     nullptr},
}};

MAD_DECL std::span<http_operation const> http_operations() {
    return operation_table;
}

/// Whether a path is one of that template; `id` gets what stands for `{…}`, decoded.
inline bool fits(std::string_view path, std::string_view tmpl, std::string& id) {
    for (;;) {
        auto const slash = std::min(path.find('/'), path.size());
        auto const end = std::min(tmpl.find('/'), tmpl.size());
        auto const segment = path.substr(0, slash);
        if (tmpl.starts_with('{')) {
            if (segment.empty())
                return false;
            id = percent_decode(segment, false);
        } else if (segment != tmpl.substr(0, end)) {
            return false;
        }
        bool const over = slash == path.size();
        if (over || end == tmpl.size())
            return over && end == tmpl.size();
        path.remove_prefix(slash + 1);
        tmpl.remove_prefix(end + 1);
    }
}

MAD_DECL http_operation const* find_operation(std::string_view method, std::string_view path,
                                              std::string& id, std::string& allow) {
    http_operation const* found = nullptr;
    for (auto const& o : operation_table) {
        if (!fits(path, o.path, id))
            continue;
        allow.append(allow.empty() ? "" : ", ").append(o.is_get() ? "GET, HEAD" : o.method);
        if (method == o.method || (method == "HEAD" && o.is_get()))
            found = &o;
    }
    if (!allow.empty())
        allow += ", OPTIONS";
    return found;
}

MAD_DECL std::string_view type_of(http_operation const& o, bool csv) {
    if (csv)
        return "text/csv; charset=utf-8; header=present";
    return o.answer == "Metrics" ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                 : "application/json";
}

inline void append_reference(std::string& out, std::string_view kind, std::string_view name) {
    out.append(R"({"$ref":"#/components/)").append(kind).append("/").append(name).append("\"}");
}

inline void append_content(std::string& out, std::string_view type, std::string_view schema) {
    append_json_string(out, type.substr(0, type.find(';')));
    append_reference(out += ":{\"schema\":", "schemas", schema);
    out += '}';
}

inline void append_parameters(std::string& out, http_operation const& o) {
    out += ",\"parameters\":[";
    if (o.has_id()) {
        auto const open = o.path.find('{');
        append_json_string(out += "{\"name\":",
                           o.path.substr(open + 1, o.path.find('}') - open - 1));
        out += ",\"in\":\"path\",\"required\":true,\"schema\":";
        out += o.path.starts_with("rules") ? rule_name_schema : id_schema;
        out += '}';
    }
    for (auto const& p : o.parameters) {
        if (out.back() != '[')
            out += ',';
        append_json_string(out += "{\"name\":", p.name);
        append_json_string(out += ",\"in\":\"query\",\"description\":", p.description);
        out.append(",\"schema\":").append(p.schema);
        if (p.schema.starts_with(R"({"type":"array")"))
            out += R"(,"style":"form","explode":false)";
        out += '}';
    }
    out += ']';
}

inline void append_responses(std::string& out, http_operation const& o) {
    out += ",\"responses\":{\"";
    append_json_number(out, o.status);
    append_json_string(out += "\":{\"description\":", o.summary);
    if (o.is_get())
        out += R"(,"headers":{"ETag":{"$ref":"#/components/headers/ETag"}})";
    else if (o.id == "addMute")
        out += R"(,"headers":{"Location":{"$ref":"#/components/headers/Location"}})";
    if (!o.answer.empty()) {
        append_content(out += ",\"content\":{", type_of(o, false), o.answer);
        if (o.csv)
            append_content(out += ',', type_of(o, true), "Csv");
        out += '}';
    }
    out += '}';
    auto const add = [&](int status, bool when) {
        if (!when)
            return;
        append_json_number(out += ",\"", status);
        append_reference(out += "\":", "responses",
                         status == 304 ? std::string_view("unchanged") : error_code_of(status));
    };
    bool const searches = !o.parameters.empty() && o.parameters.front().name == "query";
    add(304, o.is_get());
    add(400, true);
    add(401, o.least != http_role::nobody);
    add(403, o.least != http_role::nobody);
    add(404, o.has_id());
    add(406, true);
    add(409, o.conflicts);
    add(413, !o.body.empty());
    if (!o.parameters.empty())
        out += R"(,"414":{"description":"The URL is over 8 KB."})";
    add(415, !o.body.empty());
    add(422, !o.body.empty() || searches);
    add(429, o.least != http_role::nobody);
    add(503, o.may_fail);
    out += '}';
}

MAD_DECL std::string openapi_document(http_api_settings const& s) {
    std::string out = R"({"openapi":"3.1.0","info":{"title":"mad fleet","version":)";
    append_json_string(out, s.version);
    out += R"(,"description":"The hosts of a fleet and how they are.",)"
           R"("license":{"name":"see the LICENSE file of mad"}},)"
           R"("servers":[{"url":"/api/v1"}],"security":)";
    out += s.tokens ? R"([{"token":[]}])" : R"([{},{"token":[]}])";
    out += ",\"paths\":{";
    std::string_view path;
    for (auto const& o : operation_table) {
        if (o.path != path) {
            if (!path.empty())
                out += "},";
            path = o.path;
            out.append("\"/").append(path).append("\":{");
        } else {
            out += ',';
        }
        out += '"';
        for (char const c : o.method)
            out += static_cast<char>(c + ('a' - 'A'));
        append_json_string(out += "\":{\"operationId\":", o.id);
        append_json_string(out += ",\"summary\":", o.summary);
        append_json_string(out += ",\"x-least-role\":", to_string(o.least));
        if (o.least == http_role::nobody)
            out += ",\"security\":[]";
        append_parameters(out, o);
        if (!o.body.empty()) {
            append_content(out += ",\"requestBody\":{\"required\":true,\"content\":{",
                           "application/json", o.body);
            out += "}}";
        }
        append_responses(out, o);
        out += '}';
    }
    out += "}},\"components\":{";
    out.append(component_texts);
    out += ",\"responses\":{\"unchanged\":{\"description\":\"As `If-None-Match` has it.\"}";
    for (int const status : {400, 401, 403, 404, 406, 409, 413, 415, 422, 429, 503}) {
        append_json_string(out += ',', error_code_of(status));
        append_json_string(out += ":{\"description\":", net::http::reason_phrase(status));
        append_content(out += ",\"content\":{", "application/json", "Error");
        out += "}}";
    }
    return out += "}}}";
}

} // namespace mad::inline MAD_ABI::fleet::detail

#endif
