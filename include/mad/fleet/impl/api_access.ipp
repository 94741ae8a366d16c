#ifndef MAD_FLEET_IMPL_API_ACCESS_IPP
#define MAD_FLEET_IMPL_API_ACCESS_IPP

#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/api.hpp>
#include <mad/fleet/gate.hpp>

// What an API node asks its gate.

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// The tags that the information on a host says.
inline std::vector<std::string> tags_of(std::string_view info) {
    std::vector<std::string> out;
    (void)scan_object(info, json_limits::trusted(), [&](std::string_view key, json_span v) {
        if (!json_string_equals(key, "tags") || v.kind != json_kind::array)
            return;
        out.clear(); // of repeated members the last one counts
        (void)for_each_element(v.text, json_limits::trusted(), [&](json_span t) {
            if (t.kind == json_kind::string)
                json_unescape(t.text.substr(1, t.text.size() - 2), out.emplace_back());
        });
    });
    return out;
}

} // namespace detail

MAD_DECL std::shared_ptr<gate> api::make_gate() const {
    auto s = settings_.access;
    if (settings_.anonymous)
        s.access.open = open_to::everybody;
    return std::make_shared<gate>(std::move(s), settings_.sockets.engine, settings_.log);
}

MAD_DECL void api::guard_sockets() {
    io_.of("/").use([at = gate_](socketio::socket const& s, socketio::next next) {
        next(at->refuse_connect(s));
    });
}

/// Whether it may be told of all hosts. Who may see some of them only asks for these as pages of
/// today do.
MAD_DECL bool api::may_watch(socketio::socket const& s) const {
    return !gate_->refuses(s, right::read) && gate_->filter_of(s).empty();
}

/// `same`: the id of this connection, which has been judged; what it says of its host is judged
/// each time.
MAD_DECL error_code api::refuses_agent(socketio::socket const& s, record_view const& r,
                                       bool same) const {
    if (same && !s.data().contains("by_tags"))
        return {};
    auto const tags = r.info.empty() ? std::vector<std::string>() : detail::tags_of(r.info);
    if (auto const why = gate_->refuses(s, agent_claim{r.id, tags}))
        return why;
    if (!same && gate_->asks_tags(s))
        s.data()["by_tags"] = true;
    return {};
}

} // namespace mad::inline MAD_ABI::fleet

#endif
