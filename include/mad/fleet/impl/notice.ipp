#ifndef MAD_FLEET_IMPL_NOTICE_IPP
#define MAD_FLEET_IMPL_NOTICE_IPP

#include <mad/core/ids.hpp>
#include <mad/core/json_text.hpp>
#include <mad/core/sha256.hpp>
#include <mad/fleet/notice.hpp>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// `crit cpu`: the state in front, the rule behind.
inline std::string_view state_word(std::string_view told) {
    return told.empty() ? "ok" : told.substr(0, told.find(' '));
}

} // namespace detail

MAD_DECL std::optional<std::string> notice_of(host const& h) {
    if (h.is(host_flag::muted) || h.state == host_state::stale)
        return std::nullopt;
    if (h.is(host_flag::flapping))
        return "flapping";
    switch (h.state) {
    case host_state::warn:
    case host_state::crit:
        return std::string(to_string(h.state)) + " " + h.rule;
    case host_state::offline:
        return h.reason == "left" ? std::string() : "offline";
    default:
        return std::string();
    }
}

MAD_DECL bool is_quiet(host const& h, std::string_view told, std::string_view now) {
    return now.empty() && !told.empty() && h.state == host_state::offline;
}

MAD_DECL told_row read_told(std::string_view row) {
    auto const end = row.find('\n');
    return {row.substr(0, end), end == row.npos ? std::string_view() : row.substr(end + 1)};
}

MAD_DECL std::string write_told(told_row r) {
    std::string out(r.words);
    if (!r.notice.empty())
        out.append("\n").append(r.notice);
    return out;
}

MAD_DECL verdict verdict_of_notice(std::string_view told) {
    verdict v;
    auto const level = host_state_of(detail::state_word(told));
    if (!level || (*level != host_state::warn && *level != host_state::crit))
        return v;
    v.level = *level;
    auto const space = told.find(' ');
    if (space != told.npos)
        v.rule = told.substr(space + 1);
    return v;
}

MAD_DECL notice make_notice(host const& h, std::string_view told, std::string_view now,
                            std::string_view node, std::int64_t wall_ms) {
    notice n;
    n.id = random_id(12);
    n.host = h.id;
    n.name = h.facts.name;
    n.region = h.facts.region;
    n.tags = h.facts.tags;
    n.from = detail::state_word(told);
    n.to = detail::state_word(now);
    n.node = node;
    n.rule = h.rule;
    n.value = h.value;
    n.limit = h.limit;
    n.since_ms = h.since_ms;
    n.at_ms = wall_ms;
    return n;
}

MAD_DECL std::string notice_json(notice const& n) {
    std::string out;
    auto const text = [&out](std::string_view name, std::string_view value) {
        out.append(out.empty() ? "{\"" : ",\"").append(name).append("\":");
        append_json_string(out, value);
    };
    auto const number = [&out](std::string_view name, auto value) {
        out.append(",\"").append(name).append("\":");
        append_json_number(out, value);
    };
    text("id", n.id);
    text("host", n.host);
    text("name", n.name);
    text("from", n.from);
    text("to", n.to);
    if (!n.rule.empty()) {
        text("rule", n.rule);
        number("value", n.value);
        number("limit", n.limit);
    }
    number("since", n.since_ms);
    number("at", n.at_ms);
    out += ",\"tags\":[";
    for (std::size_t i = 0; i < n.tags.size(); ++i) {
        out += i ? "," : "";
        append_json_string(out, n.tags[i]);
    }
    out += ']';
    text("region", n.region);
    text("node", n.node);
    return out += '}';
}

MAD_DECL std::string sign_notice(std::string_view secret, std::string_view timestamp,
                                 std::string_view body) {
    std::string text(timestamp);
    text.append(".").append(body);
    std::string out = "sha256=";
    for (auto const byte : hmac_sha256(secret, text)) {
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
