#ifndef MAD_FLEET_IMPL_HTTP_CHANGES_IPP
#define MAD_FLEET_IMPL_HTTP_CHANGES_IPP

#include <mad/core/ids.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/detail/http_operation.hpp>
#include <mad/fleet/detail/member_reader.hpp>
#include <mad/fleet/rule_json.hpp>
#include <mad/fleet/search.hpp>

namespace mad::inline MAD_ABI::fleet::detail {

inline net::http::response problem_answer(rule_problem const& p) {
    return http_error(p.shape ? 400 : 422, p.message);
}

inline void append_listed_rule(std::string& out, rule const& r, std::string_view source) {
    append_rule_members(out += '{', r);
    append_member(out, "source", source);
    out += '}';
}

MAD_DECL net::http::response answer_rules(http_task const& t) {
    net::http::response r;
    r.body = "{\"rules\":[";
    t.view->rules([&](listed_rule const& l) {
        if (r.body.back() != '[')
            r.body += ',';
        append_listed_rule(r.body, *l.rule, l.source);
    });
    r.body += "]}";
    return r;
}

MAD_DECL net::http::response put_rule(http_task const& t) {
    if (!is_rule_name(t.id))
        return http_error(400, "a rule's name has 1 to 64 letters, digits, _ . and -, the first "
                               "of them no . or -");
    auto const judged = parse_rule(t.id, t.body);
    if (!judged)
        return problem_answer(judged.error());
    std::string text = "{";
    append_rule_members(text, *judged);
    text += '}';
    if (auto const o = t.view->put_rule(t.id, text); o != change_outcome::done)
        return outcome_answer(o, "rule of that name");
    net::http::response r;
    append_listed_rule(r.body, *judged, "override");
    return r;
}

MAD_DECL net::http::response delete_rule(http_task const& t) {
    return outcome_answer(t.view->erase_rule(t.id), "override of that name");
}

inline void append_mute(std::string& out, mute const& m, std::int64_t wall_ms) {
    append_mute_members(out += '{', m);
    out += m.active(wall_ms) ? ",\"active\":true}" : ",\"active\":false}";
}

MAD_DECL net::http::response answer_mutes(http_task const& t) {
    net::http::response r;
    r.body = "{\"mutes\":[";
    auto const now = t.view->wall_ms();
    for (auto const& m : t.view->mutes()) {
        if (r.body.back() != '[')
            r.body += ',';
        append_mute(r.body, m, now);
    }
    r.body += "]}";
    return r;
}

MAD_DECL net::http::response post_mute(http_task const& t) {
    constexpr std::size_t most = 1'000;
    auto const judged = parse_mute(random_id(9), t.body, t.view->wall_ms());
    if (!judged)
        return problem_answer(judged.error());
    if (t.view->mutes().size() >= most)
        return http_error(409, "there are 1,000 mutes: delete some");
    std::string text = "{";
    append_mute_members(text, *judged);
    text += '}';
    if (auto const o = t.view->put_mute(judged->id, text); o != change_outcome::done)
        return outcome_answer(o, "mute of that id");
    net::http::response r;
    append_mute(r.body, *judged, t.view->wall_ms());
    return r;
}

MAD_DECL net::http::response delete_mute(http_task const& t) {
    return outcome_answer(t.view->erase_mute(t.id), "mute of that id");
}

MAD_DECL net::http::response post_link(http_task const& t) {
    constexpr std::array<std::string_view, 3> known{"role", "expires_in", "filter"};
    member_reader in(t.body, known);
    if (auto const role = in.text("role", 16); !in.bad() && in.has("role") && role != "viewer")
        in.fail("role", "must be viewer");
    auto const length = in.number("expires_in", 60, 366 * day_s);
    if (!in.bad() && !length)
        in.fail("expires_in", "must be there: seconds, 60 to 31622400");
    link_wish w;
    w.filter = in.text("filter", search::max_text);
    if (auto const s = parse_search(w.filter); !s)
        in.make_no_sense("filter", s.error().message());
    if (in.bad())
        return problem_answer(in.problem());
    w.name = t.caller.name;
    w.expires_ms = t.view->wall_ms() + static_cast<std::int64_t>(*length * 1'000);
    auto const token = t.view->make_link(w);
    if (token.empty())
        return http_error(409,
                          "there is no key to sign links with: give one in the file of tokens");
    net::http::response r;
    append_json_string(r.body += "{\"token\":", token);
    append_json_number(r.body += ",\"expires\":", w.expires_ms);
    append_member(r.body, "role", std::string_view("viewer"));
    append_member(r.body, "filter", std::string_view(w.filter));
    r.body += '}';
    return r;
}

MAD_DECL net::http::response answer_session(http_task const& t) {
    net::http::response r;
    append_json_string(r.body += "{\"name\":", t.caller.name);
    append_member(r.body, "role", to_string(t.caller.role));
    r.body += t.caller.anonymous ? ",\"anonymous\":true" : ",\"anonymous\":false";
    r.body += ",\"expires\":";
    if (t.caller.expires_ms)
        append_json_number(r.body, *t.caller.expires_ms);
    else
        r.body += "null";
    append_member(r.body, "filter", std::string_view(t.caller.filter));
    r.body += '}';
    return r;
}

MAD_DECL net::http::response answer_document(http_task const& t) {
    net::http::response r;
    r.body = *t.document;
    return r;
}

} // namespace mad::inline MAD_ABI::fleet::detail

#endif
