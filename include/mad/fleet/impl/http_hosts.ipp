#ifndef MAD_FLEET_IMPL_HTTP_HOSTS_IPP
#define MAD_FLEET_IMPL_HTTP_HOSTS_IPP

#include <mad/core/base64.hpp>
#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/core/json_text.hpp>
#include <mad/core/query.hpp>
#include <mad/fleet/detail/http_operation.hpp>
#include <mad/fleet/host_row.hpp>

#include <algorithm>
#include <charconv>
#include <map>

namespace mad::inline MAD_ABI::fleet::detail {

/// A number that a parameter's schema has allowed.
inline std::size_t number_or(http_task const& t, std::string_view name, std::size_t otherwise) {
    auto const* const text = t.parameter(name);
    if (text)
        std::from_chars(text->data(), text->data() + text->size(), otherwise);
    return otherwise;
}

/// What a list is sorted by. Unknown values come last, whichever the direction; among equal ones
/// the id decides, so that each host has one place.
struct host_order {
    host_column by = host_column::id;
    bool down = false;

    bool by_text() const {
        return by == host_column::id || by == host_column::name || by == host_column::region;
    }
};

struct host_place {
    host const* it = nullptr; ///< null: one that is told by a cursor
    std::string_view text, id;
    double number = 0;
    bool unknown = false;
};

inline host_place place_of(host const& h, host_order o) {
    host_place p;
    p.it = &h;
    p.id = h.id;
    if (o.by_text()) {
        p.text = o.by == host_column::id     ? h.id
                 : o.by == host_column::name ? h.facts.name
                                             : h.facts.region;
        p.unknown = p.text.empty();
    } else {
        auto const v = host_number(h, o.by);
        p.number = v.value_or(0);
        p.unknown = !v;
    }
    return p;
}

inline bool comes_before(host_place const& a, host_place const& b, host_order o) {
    if (a.unknown != b.unknown)
        return b.unknown;
    if (o.by_text()) {
        if (int const c = a.text.compare(b.text))
            return o.down ? c > 0 : c < 0;
    } else if (a.number != b.number) {
        return o.down ? a.number > b.number : a.number < b.number;
    }
    return a.id < b.id;
}

/// `-cpu`
inline host_order order_of(std::string_view text) {
    host_order o;
    o.down = text.starts_with('-');
    o.by = host_column_of(text.substr(o.down)).value_or(host_column::id);
    return o;
}

/// Which list a cursor belongs to.
inline std::uint32_t list_mark(std::string_view sort, std::string_view query) {
    std::uint32_t sum = 2'166'136'261;
    for (auto const text : {sort, std::string_view("\n"), query})
        for (char const c : text)
            sum = (sum ^ static_cast<unsigned char>(c)) * 16'777'619;
    return sum;
}

inline std::string cursor_behind(host_place const& p, host_order o, std::uint32_t mark) {
    std::string text = "[";
    append_json_number(text, mark);
    text += ',';
    if (p.unknown)
        text += "null";
    else if (o.by_text())
        append_json_string(text, p.text);
    else
        append_json_number(text, p.number);
    append_json_string(text += ',', p.id);
    text += ']';
    std::string out;
    append_base64url(out, text);
    return out;
}

/// False: it is none of that list. The place has views into `keep`.
inline bool read_cursor(std::string_view cursor, host_order o, std::uint32_t mark, json& keep,
                        host_place& out) {
    std::string text;
    if (!base64_decode(cursor, text))
        return false;
    json_limits limits;
    limits.max_depth = 1;
    auto parsed = parse_json(text, limits);
    if (!parsed || !parsed->is_array() || parsed->size() != 3)
        return false;
    keep = std::move(*parsed);
    auto const& value = keep[1];
    if (!keep[0].is_number_unsigned() || keep[0].get<std::uint64_t>() != mark ||
        !keep[2].is_string() ||
        !(value.is_null() || (o.by_text() ? value.is_string() : value.is_number())))
        return false;
    out.id = keep[2].get_ref<json::string_t const&>();
    out.unknown = value.is_null();
    if (value.is_string())
        out.text = value.get_ref<json::string_t const&>();
    else if (value.is_number())
        out.number = value.get<double>();
    return true;
}

inline host_columns columns_of(std::string const* fields) {
    if (!fields)
        return all_host_columns;
    host_columns out = 0;
    for (std::string_view rest = *fields; !rest.empty();) {
        auto const comma = std::min(rest.find(','), rest.size());
        if (auto const c = host_column_of(rest.substr(0, comma)))
            out |= bit_of(*c);
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return out;
}

/// Where the next page is, with everything else as it was asked for.
inline std::string next_target(http_task const& t, std::string_view cursor) {
    std::string out = "</api/v1/clients?";
    for (auto const& [key, value] : t.parameters)
        if (key != "cursor")
            out.append(key).append("=").append(percent_encode(value)).append("&");
    return out.append("cursor=").append(cursor).append(">; rel=\"next\"");
}

/// The search of a request, or the answer that says what is wrong with it.
inline boost::system::result<search, net::http::response> search_of(http_task const& t) {
    auto const* const text = t.parameter("query");
    auto parsed = parse_search(text ? std::string_view(*text) : std::string_view());
    if (!parsed)
        return http_error(422, "query: " + parsed.error().message());
    return std::move(*parsed);
}

MAD_DECL net::http::response answer_clients(http_task const& t) {
    auto const wanted = search_of(t);
    if (!wanted)
        return wanted.error();
    auto const seen = sight_of(t.caller);
    auto const* const sort = t.parameter("sort");
    auto const order = order_of(sort ? *sort : "id");
    auto const limit = number_or(t, "limit", 100);
    auto const mark = list_mark(sort ? *sort : "id", wanted->text());

    json keep;
    host_place behind;
    auto const* const cursor = t.parameter("cursor");
    if (cursor && !read_cursor(*cursor, order, mark, keep, behind))
        return http_error(422, "cursor: it belongs to another list: begin anew without one");

    std::vector<host_place> found;
    found.reserve(t.view->size());
    std::size_t total = 0;
    bool const all = wanted->empty() && t.caller.filter.empty();
    t.view->each([&](host const& h) {
        if (!all && !(wanted->matches(subject_of(h)) && seen(h)))
            return;
        ++total;
        auto const p = place_of(h, order);
        if (!cursor || comes_before(behind, p, order))
            found.push_back(p);
    });
    auto const before = [&](auto const& a, auto const& b) { return comes_before(a, b, order); };
    auto const shown = std::min(limit, found.size());
    auto const end = found.begin() + static_cast<std::ptrdiff_t>(shown);
    if (shown < found.size())
        std::nth_element(found.begin(), end, found.end(), before);
    std::sort(found.begin(), end, before);

    std::string next;
    if (shown < found.size())
        next = cursor_behind(found[shown - 1], order, mark);
    auto const columns = columns_of(t.parameter("fields"));

    net::http::response r;
    r.body.reserve(256 + shown * 400);
    if (t.csv) {
        append_csv_head(r.body, columns);
        for (auto it = found.begin(); it != end; ++it)
            append_csv_row(r.body, *it->it, columns);
        r.set("Content-Disposition", "attachment; filename=\"clients.csv\"");
    } else {
        r.body += "{\"clients\":[";
        for (auto it = found.begin(); it != end; ++it) {
            if (it != found.begin())
                r.body += ',';
            append_host_json(r.body, *it->it, columns);
        }
        append_json_number(r.body += "],\"total\":", total);
        r.body += ",\"next\":";
        if (next.empty())
            r.body += "null";
        else
            append_json_string(r.body, next);
        r.body += '}';
    }
    if (!next.empty())
        r.set("Link", next_target(t, next));
    return r;
}

/// Null when there is none that the caller may see.
inline host const* seen_host(http_task const& t) {
    auto const* const h = t.view->find(t.id);
    return h && sight_of(t.caller)(*h) ? h : nullptr;
}

inline net::http::response no_such_host() {
    return http_error(404, "there is no host of that id");
}

MAD_DECL net::http::response answer_client(http_task const& t) {
    auto const* const h = seen_host(t);
    if (!h)
        return no_such_host();
    std::string more = ",\"reason\":";
    if (h->reason.empty())
        more += "null";
    else
        append_json_string(more, h->reason);
    more.append(",\"record\":").append(h->record.empty() ? "{}" : h->record);
    net::http::response r;
    append_host_json(r.body, *h, all_host_columns, more);
    return r;
}

/// An id as part of a file's name.
inline std::string file_name_of(std::string_view id) {
    std::string out;
    for (char const c : id.substr(0, 64)) {
        bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_';
        out += plain ? c : '_';
    }
    return out;
}

MAD_DECL void answer_history(http_task const& t, http_reply reply) {
    if (!seen_host(t))
        return reply(no_such_host());
    auto const* const window = t.parameter("window");
    bool const csv = t.csv;
    t.view->history(
        t.id, window && *window == "6h" ? history_span::hours_6 : history_span::minutes_15,
        csv ? history_format::csv : history_format::json,
        [reply = std::move(reply), csv, name = file_name_of(t.id)](std::string text) {
            net::http::response r;
            r.body = std::move(text);
            if (csv)
                r.set("Content-Disposition", "attachment; filename=\"history-" + name + ".csv\"");
            reply(std::move(r));
        });
}

MAD_DECL net::http::response forget_client(http_task const& t) {
    if (!seen_host(t))
        return no_such_host();
    auto const outcome = t.view->forget(t.id);
    if (outcome == change_outcome::refused)
        return http_error(409, "the host is not offline: only what is offline can be forgotten");
    return outcome_answer(outcome, "host of that id");
}

/// Hosts by state.
struct host_tally {
    std::array<std::size_t, host_state_count> states{};
    host_state worst = host_state::ok;
    std::size_t total = 0;

    void add(host const& h) {
        ++total;
        ++states[static_cast<std::size_t>(h.state)];
        if (severity(h.state) > severity(worst))
            worst = h.state;
    }

    void append(std::string& out) const {
        append_json_number(out += "\"total\":", total);
        append_json_string(out += ",\"worst\":", to_string(worst));
        out += ",\"states\":{";
        for (std::size_t i = 0; i < states.size(); ++i) {
            if (i)
                out += ',';
            append_json_string(out, to_string(static_cast<host_state>(i)));
            append_json_number(out += ':', states[i]);
        }
        out += '}';
    }
};

/// What a host has behind `key:` among its tags, or its region. Empty: it has none.
inline std::string_view group_of(host const& h, std::string_view key) {
    for (std::string_view const tag : h.facts.tags)
        if (tag.size() > key.size() + 1 && tag[key.size()] == ':' && tag.starts_with(key))
            return tag.substr(key.size() + 1);
    return key == "region" ? std::string_view(h.facts.region) : std::string_view();
}

MAD_DECL net::http::response answer_summary(http_task const& t) {
    auto const wanted = search_of(t);
    if (!wanted)
        return wanted.error();
    auto const seen = sight_of(t.caller);
    auto const* const key = t.parameter("group");
    constexpr std::size_t most_groups = 1'000;
    host_tally all, others;
    std::array<std::size_t, 3> flags{};
    std::map<std::string_view, host_tally> groups;
    t.view->each([&](host const& h) {
        if (!(wanted->empty() || wanted->matches(subject_of(h))) || !seen(h))
            return;
        all.add(h);
        flags[0] += h.is(host_flag::dup);
        flags[1] += h.is(host_flag::muted);
        flags[2] += h.is(host_flag::flapping);
        if (!key)
            return;
        auto const group = group_of(h, *key);
        auto const it = groups.find(group);
        if (it != groups.end())
            it->second.add(h);
        else if (!group.empty() && groups.size() < most_groups)
            groups[group].add(h);
        else
            others.add(h);
    });
    net::http::response r;
    all.append(r.body += '{');
    append_json_number(r.body += ",\"flags\":{\"dup\":", flags[0]);
    append_json_number(r.body += ",\"muted\":", flags[1]);
    append_json_number(r.body += ",\"flapping\":", flags[2]);
    r.body += '}';
    if (key) {
        r.body += ",\"groups\":[";
        for (auto const& [name, tally] : groups) {
            if (r.body.back() != '[')
                r.body += ',';
            append_json_string(r.body += "{\"name\":", name);
            tally.append(r.body += ',');
            r.body += '}';
        }
        if (others.total) {
            if (r.body.back() != '[')
                r.body += ',';
            others.append(r.body += "{\"name\":null,");
            r.body += '}';
        }
        r.body += ']';
    }
    r.body += '}';
    return r;
}

MAD_DECL net::http::response answer_states(http_task const& t) {
    auto const* const id = t.parameter("id");
    auto const seen = sight_of(t.caller);
    auto left = number_or(t, "limit", 100);
    net::http::response r;
    r.body = "{\"states\":[";
    t.view->transitions([&](logged_transition const& l) {
        if (id && l.what.id != *id)
            return true;
        if (!t.caller.filter.empty()) {
            auto const* const h = t.view->find(l.what.id);
            if (!h || !seen(*h))
                return true;
        }
        auto& out = r.body;
        if (out.back() != '[')
            out += ',';
        append_json_number(out += "{\"at\":", l.at_ms);
        append_json_string(out += ",\"id\":", l.what.id);
        append_json_string(out += ",\"from\":", to_string(l.what.from));
        append_json_string(out += ",\"to\":", to_string(l.what.to));
        out += ",\"rule\":";
        if (l.what.rule.empty()) {
            out += "null,\"value\":null,\"limit\":null";
        } else {
            append_json_string(out, l.what.rule);
            append_short(out += ",\"value\":", l.what.value);
            append_short(out += ",\"limit\":", l.what.limit);
        }
        append_json_number(out += ",\"since\":", l.what.since_ms);
        out += l.what.flapping_began ? ",\"flapping\":true}" : ",\"flapping\":false}";
        return --left > 0;
    });
    r.body += "]}";
    return r;
}

MAD_DECL net::http::response answer_metrics(http_task const& t) {
    auto const* const hosts = t.parameter("hosts");
    net::http::response r;
    // Counts tell of hosts that a link does not show.
    if (t.caller.filter.empty())
        append_fleet_gauges(r.body, *t.view);
    append_host_gauges(r.body, *t.view, t.settings->gauges,
                       hosts && *hosts == "own" ? gauge_hosts::own : gauge_hosts::all,
                       t.caller.filter.empty() ? nullptr : sight_of(t.caller));
    r.body += "# EOF\n";
    return r;
}

} // namespace mad::inline MAD_ABI::fleet::detail

#endif
