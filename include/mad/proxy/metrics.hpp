#ifndef MAD_PROXY_METRICS_HPP
#define MAD_PROXY_METRICS_HPP

#include <mad/core/clock.hpp>
#include <mad/proxy/counters.hpp>
#include <mad/proxy/pool.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::proxy {

/// Everything that can be seen of a proxy at one time.
struct overview {
    std::string version = MAD_VERSION;
    std::vector<upstream_status> upstreams;
    bool panic = false; ///< none is fit for new sessions, so all are taken
    counters_snapshot count;
    time_point now{};
    milliseconds uptime{0};
    std::size_t known_sessions = 0;   ///< entries of the session table
    std::size_t open_descriptors = 0; ///< of the process; 0: not known
    std::size_t max_descriptors = 0;
};

/// `request`.
std::string_view to_string(answer_kind);

/// Descriptors that this process has open. 0: the system does not tell.
std::size_t open_descriptors();

/// The text of `GET /metrics` (OpenMetrics 1.0): names begin with `mad_proxy_`, labels are names of
/// upstreams, states, rules and reasons. Only the first 1,000 upstreams are shown one by one.
std::string metrics_text(overview const&);

/// One upstream as JSON:
///
/// | member | is |
/// | --- | --- |
/// | `name`, `url` | `node-1`, `http://10.0.0.5:3000` |
/// | `state` | `unknown`, `up`, `slow_start`, `not_ready`, `draining`, `drained`, `down` or `held`
/// | | `why` | of that state, in words; empty: nothing to say | | `since_ms`, `changes` | how long
/// it has been in that state; how many states it had | | `weight`, `share` | as wanted (1 to 1000);
/// its part of new sessions now, 0: none | | `serves`, `leaving`, `shedding` | requests of its
/// sessions go there; it goes when drained; it gives sessions away | | `tag` | of a mad node: what
/// its sids carry; else null | | `sessions`, `tunnels`, `polling_sessions`, `requests_open` | now;
/// sessions are tunnels and polling ones | | `requests`, `handshakes`, `by_sid`, `by_cookie`,
/// `by_hash` | since the start: requests; sessions opened; which rule chose it | | `sessions_gone`,
/// `retries` | answered with code 1 for it; handshakes that went on to another | | `connects`,
/// `connect_failures`, `bad_answers`, `late_answers` | connections made, and what went wrong | |
/// `bytes_in`, `bytes_out` | from clients to it, from it to clients |
void append_upstream(std::string& out, upstream_status const&, time_point now);

/// All of them, and the sums, as `GET /upstreams` gives them:
///
/// | member | is |
/// | --- | --- |
/// | `upstreams` | array, as above |
/// | `panic` | true: none is fit, so all are taken |
/// | `version`, `uptime_ms` | of the proxy |
/// | `clients`, `tunnels`, `sessions` | open now: connections that are no tunnels, tunnels,
/// sessions | | `accepted`, `requests`, `handshakes`, `upgrades`, `by_sid`, `by_cookie`, `by_hash`,
/// `retries`, `session_gone`, `shed`, `bytes_in`, `bytes_out` | since the start | | `rejects` |
/// object: requests that the proxy answered itself, by reason; those with none are left out | |
/// `first_byte` | `{"count","mean_ms","p50_ms","p99_ms"}` of answers, polls excepted; quantiles are
/// upper ends of buckets, null without any | | `first_byte_polls` | the same of polls, which wait
/// on purpose |
std::string upstreams_json(overview const&);

/// `{"healthy":true,"version","uptime_s","upstreams","up","sessions","panic"}`; `up` counts those
/// that take new sessions.
std::string health_json(overview const&);

/// Whether somebody new can be served, and that as `/ready` says it.
bool is_ready(overview const&);
std::string ready_json(overview const&);

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/metrics.ipp>
#endif

#endif
