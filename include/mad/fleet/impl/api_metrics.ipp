#ifndef MAD_FLEET_IMPL_API_METRICS_IPP
#define MAD_FLEET_IMPL_API_METRICS_IPP

#include <mad/core/json_text.hpp>
#include <mad/fleet/api.hpp>
#include <mad/fleet/detail/hub.hpp>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline void metric_head(std::string& out, std::string_view name, std::string_view type,
                        std::string_view help) {
    out.append("# TYPE ").append(name).append(" ").append(type).append("\n# HELP ");
    out.append(name).append(" ").append(help).append("\n");
}

/// One of a counter's values: `mad_x_total{label="of"} 3`.
inline void counted(std::string& out, std::string_view name, std::string_view label,
                    std::string_view of, std::uint64_t value) {
    out.append(name).append("_total{").append(label).append("=\"").append(of);
    append_json_number(out += "\"} ", value);
    out += '\n';
}

} // namespace detail

/// What sessions came to, and what was refused at each door.
MAD_DECL void api::append_refusals(std::string& out) const {
    auto const& sessions = io_.engine().counters();
    auto const& http = io_.http().counters();
    detail::metric_head(out, "mad_sessions_opened", "counter", "Engine.IO sessions opened.");
    append_json_number(out += "mad_sessions_opened_total ", sessions.opened.load());
    out += '\n';
    detail::metric_head(out, "mad_sessions_closed", "counter", "Engine.IO sessions, by their end.");
    for (std::size_t i = 0; i < sessions.closed.size(); ++i)
        detail::counted(out, "mad_sessions_closed", "reason",
                        log_name(static_cast<engine::close_reason>(i)), sessions.closed[i].load());
    detail::metric_head(out, "mad_requests_refused", "counter",
                        "Requests to the engine that were refused, by the reason.");
    for (std::size_t i = 1; i < sessions.refused.size(); ++i)
        if (auto const n = sessions.refused[i].load(); n > 0)
            detail::counted(out, "mad_requests_refused", "reason",
                            log_name(static_cast<engine::error>(i)), n);
    detail::counted(out, "mad_requests_refused", "reason", "address",
                    sessions.refused_addresses.load());
    detail::metric_head(out, "mad_connections_refused", "counter",
                        "Connections that were refused, by the limit.");
    detail::counted(out, "mad_connections_refused", "limit", "max_connections",
                    http.over_limit.load());
    detail::counted(out, "mad_connections_refused", "limit", "address", http.over_address.load());
    detail::metric_head(out, "mad_http_refused", "counter",
                        "Requests that could not be read or took too long, by their answer.");
    for (std::size_t i = 0; i < http.requests.size(); ++i)
        if (auto const n = http.requests[i].load(); n > 0)
            detail::counted(out, "mad_http_refused", "status",
                            std::to_string(net::http::counters::first_status + static_cast<int>(i)),
                            n);
}

MAD_DECL std::string api::metrics() const {
    std::string out;
    auto const add = [&](std::string_view name, std::string_view type, std::string_view help,
                         auto value) {
        detail::metric_head(out, name, type, help);
        out.append(name).append(type == "counter" ? "_total " : " ");
        append_json_number(out, value);
        out += '\n';
    };
    add("mad_connections", "gauge", "Open connections.", io_.connections());
    add("mad_sessions", "gauge", "Engine.IO sessions.", io_.sessions());
    append_refusals(out);
    add("mad_agents", "gauge", "Agents connected to this node.", counters_.own_agents.load());
    add("mad_fleet_agents", "gauge", "Agents that this node shows.", counters_.agents.load());
    add("mad_agent_updates", "counter", "Health records taken.", counters_.updates.load());
    add("mad_agent_refusals", "counter", "Health records refused.", counters_.refused.load());
    add("mad_consoles_served", "counter", "Lists sent to consoles.",
        counters_.consoles_served.load());
    out += "# TYPE mad_fleet_hosts gauge\n# HELP mad_fleet_hosts Hosts listed, by their state.\n";
    for (std::size_t i = 0; i < host_state_count; ++i) {
        out.append("mad_fleet_hosts{state=\"").append(to_string(static_cast<host_state>(i)));
        append_json_number(out += "\"} ", counters_.hosts[i].load());
        out += '\n';
    }
    add("mad_notices_sent", "counter", "Notices that the webhook has taken.",
        counters_.notices_sent.load());
    add("mad_notices_failed", "counter", "Attempts to deliver a notice that failed.",
        counters_.notices_failed.load());
    add("mad_notices_given_up", "counter", "Notices that could not be delivered.",
        counters_.notices_given_up.load());
    add("mad_notices_taken_over", "counter", "Notices that another node had left behind.",
        counters_.notices_taken_over.load());
    add("mad_notices_waiting", "gauge", "Notices that are still to be delivered.",
        counters_.notices_waiting.load());
    auto const shared = hub_->state();
    for (auto const& [name, value] : shared.gauges)
        add("mad_redis_" + std::string(name), "gauge", "How this node shares its records.", value);
    for (auto const& [name, value] : shared.counters)
        add("mad_redis_" + std::string(name), "counter", "How this node shares its records.",
            value);
    return out += "# EOF\n";
}

} // namespace mad::inline MAD_ABI::fleet

#endif
