#ifndef MAD_FLEET_IMPL_HOST_STATE_IPP
#define MAD_FLEET_IMPL_HOST_STATE_IPP

#include <mad/core/json_text.hpp>
#include <mad/fleet/detail/json_walk.hpp>
#include <mad/fleet/host_state.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline constexpr std::array<std::string_view, host_state_count> state_words{"ok", "warn", "crit",
                                                                            "stale", "offline"};

} // namespace detail

MAD_DECL std::string_view to_string(host_state s) {
    return detail::state_words[static_cast<std::size_t>(s)];
}

MAD_DECL std::optional<host_state> host_state_of(std::string_view word) {
    auto const& all = detail::state_words;
    auto const it = std::find(all.begin(), all.end(), word);
    if (it == all.end())
        return std::nullopt;
    return static_cast<host_state>(it - all.begin());
}

MAD_DECL int severity(host_state s) {
    switch (s) {
    case host_state::ok:
        return 0;
    case host_state::warn:
        return 1;
    case host_state::stale:
        return 2;
    case host_state::offline:
        return 3;
    case host_state::crit:
        return 4;
    }
    return 0;
}

MAD_DECL std::string state_json(verdict const& v) {
    std::string out;
    if (!v.bad())
        return out;
    out.append("{\"s\":\"").append(to_string(v.level)).append("\",\"rule\":");
    append_json_string(out, v.rule);
    out += ",\"value\":";
    append_json_number(out, v.value);
    out += ",\"limit\":";
    append_json_number(out, v.limit);
    out += ",\"since\":";
    append_json_number(out, v.since_ms);
    if (!v.turned.empty()) {
        out += ",\"ro\":";
        char sep = '[';
        for (auto const m : v.turned) {
            out += std::exchange(sep, ',');
            append_json_number(out, m);
        }
        out += ']';
    }
    return out += '}';
}

MAD_DECL verdict parse_state(std::string_view state) {
    verdict out;
    detail::json_walk w(state);
    w.members([&](std::string_view key) {
        if (key == "s") {
            auto const s = host_state_of(w.text().value_or(""));
            if (s == host_state::warn || s == host_state::crit)
                out.level = *s;
        } else if (key == "rule") {
            json_unescape(w.text().value_or(""), out.rule);
        } else if (key == "value") {
            out.value = w.number().value_or(0);
        } else if (key == "limit") {
            out.limit = w.number().value_or(0);
        } else if (key == "since") {
            constexpr double most = 9e15;
            out.since_ms = static_cast<std::int64_t>(std::clamp(w.number().value_or(0), 0.0, most));
        } else if (key == "ro") {
            w.elements([&](std::size_t i) {
                auto const m = w.number();
                if (m && *m >= 0 && *m < 2'147'483'648.0 && i < 32)
                    out.turned.push_back(static_cast<std::uint32_t>(*m));
            });
        }
    });
    if (!out.bad())
        out = {};
    return out;
}

MAD_DECL verdict read_state(std::string_view record) {
    std::string_view state;
    detail::json_walk w(record);
    w.members([&](std::string_view key) {
        if (key == "state")
            state = w.skip();
    });
    return parse_state(state);
}

MAD_DECL void add_state(std::string& record, std::string_view state) {
    if (state.empty() || record.size() < 2 || record.back() != '}')
        return;
    record.pop_back();
    if (record.back() != '{')
        record += ',';
    record.append("\"state\":").append(state).append("}");
}

} // namespace mad::inline MAD_ABI::fleet

#endif
