#ifndef MAD_PROXY_IMPL_METRICS_IPP
#define MAD_PROXY_IMPL_METRICS_IPP

#include <mad/core/json_text.hpp>
#include <mad/proxy/error.hpp>
#include <mad/proxy/metrics.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <type_traits>

#include <dirent.h>
#include <sys/stat.h>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

/// Series of single upstreams end there: what reads them must not grow with a mistake.
inline constexpr std::size_t most_shown = 1'000;

inline constexpr std::array all_states{upstream_state::unknown,    upstream_state::up,
                                       upstream_state::slow_start, upstream_state::not_ready,
                                       upstream_state::draining,   upstream_state::drained,
                                       upstream_state::down,       upstream_state::held};

template <class T>
auto read(std::atomic<T> const& a) {
    return a.load(std::memory_order_relaxed);
}

/// Writes families of metrics one after another. Names of upstreams need no escaping: their letters
/// are letters of labels.
class metrics_writer {
  public:
    explicit metrics_writer(std::string& out)
        : out_(out) {}

    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        total_ = type == "counter";
        out_.append("# TYPE mad_proxy_").append(name).append(" ").append(type);
        out_.append("\n# HELP mad_proxy_").append(name).append(" ").append(help).append("\n");
    }

    template <class Value>
    void add(Value value, std::string_view labels = {}, std::string_view suffix = {}) {
        out_.append("mad_proxy_").append(name_).append(total_ ? "_total" : suffix);
        if (!labels.empty())
            out_.append("{").append(labels).append("}");
        out_.append(" ");
        append_json_number(out_, value);
        out_.append("\n");
    }

    template <class Value>
    void one(std::string_view name, std::string_view type, std::string_view help, Value value) {
        family(name, type, help);
        add(value);
    }

  private:
    std::string& out_;
    std::string_view name_;
    bool total_ = false;
};

inline std::string label(std::string_view name, std::string_view value) {
    return std::string(name).append("=\"").append(value).append("\"");
}

inline double in_seconds(milliseconds t) {
    return static_cast<double>(t.count()) / 1000.0;
}

inline std::uint64_t answers_of(first_byte_snapshot const& f) {
    std::uint64_t all = 0;
    for (auto const n : f.buckets)
        all += n;
    return all;
}

/// Upper end of the bucket in which that part of all lies; nothing without any, or beyond all ends.
inline std::optional<double> quantile(first_byte_snapshot const& f, double part) {
    auto const all = answers_of(f);
    auto left = part * static_cast<double>(all);
    for (std::size_t i = 0; all > 0 && i < first_byte_buckets.size(); ++i) {
        left -= static_cast<double>(f.buckets[i]);
        if (left <= 0)
            return static_cast<double>(first_byte_buckets[i].count());
    }
    return std::nullopt;
}

/// `"name":value` and a comma in front where one is needed.
class members {
  public:
    explicit members(std::string& out)
        : out_(out) {
        out_ += '{';
    }

    std::string& at(std::string_view name) {
        if (out_.back() != '{')
            out_ += ',';
        append_json_string(out_, name);
        return out_ += ':';
    }
    template <class Value>
    void add(std::string_view name, Value const& value) {
        at(name);
        if constexpr (std::is_same_v<Value, bool>)
            out_ += value ? "true" : "false";
        else if constexpr (std::is_arithmetic_v<Value>)
            append_json_number(out_, value);
        else
            append_json_string(out_, value);
    }
    void add_or_null(std::string_view name, std::optional<double> value) {
        at(name);
        if (value)
            append_json_number(out_, *value);
        else
            out_ += "null";
    }
    void end() { out_ += '}'; }

  private:
    std::string& out_;
};

inline void append_times(std::string& out, first_byte_snapshot const& f) {
    auto const all = answers_of(f);
    members m(out);
    m.add("count", all);
    m.add_or_null("mean_ms",
                  all ? std::optional(static_cast<double>(f.sum_ms) / static_cast<double>(all))
                      : std::nullopt);
    m.add_or_null("p50_ms", quantile(f, 0.5));
    m.add_or_null("p99_ms", quantile(f, 0.99));
    m.end();
}

inline std::uint64_t sessions_of(overview const& o) {
    std::uint64_t n = 0;
    for (auto const& u : o.upstreams)
        n += u.at->count->sessions();
    return n;
}

} // namespace detail

MAD_DECL std::string_view to_string(answer_kind k) {
    switch (k) {
    case answer_kind::request:
        break;
    case answer_kind::handshake:
        return "handshake";
    case answer_kind::poll:
        return "poll";
    }
    return "request";
}

MAD_DECL std::size_t open_descriptors() {
    // Newer systems tell the number as the size of the folder; else it is counted.
    struct stat s {};
    if (::stat("/proc/self/fd", &s) == 0 && s.st_size > 0)
        return static_cast<std::size_t>(s.st_size);
    auto* const folder = ::opendir("/proc/self/fd");
    if (!folder)
        return 0;
    std::size_t n = 0;
    while (::readdir(folder))
        ++n;
    ::closedir(folder);
    return n > 3 ? n - 3 : 0; // `.`, `..` and the folder itself
}

MAD_DECL std::string metrics_text(overview const& o) {
    using detail::label;
    std::string out;
    detail::metrics_writer w(out);
    auto const& c = o.count;

    w.one("uptime_seconds", "gauge", "Since the start.", detail::in_seconds(o.uptime));
    w.one("clients", "gauge", "Open connections of clients that are no tunnels.", c.clients);
    w.one("tunnels", "gauge", "Open websockets.", c.tunnels);
    w.one("known_sessions", "gauge", "Sessions whose upstream is known by their id.",
          o.known_sessions);
    w.one("connections_accepted", "counter", "Connections of clients.", c.accepted);
    w.one("requests", "counter", "Requests that were whole and allowed.", c.requests);
    w.one("handshakes", "counter", "Sessions that were opened.", c.handshakes);
    w.one("upgrades", "counter", "Tunnels that were opened.", c.upgrades);
    w.family("routed", "counter", "Requests by the rule that chose their upstream.");
    w.add(c.by_sid, "rule=\"sid\"");
    w.add(c.by_cookie, "rule=\"cookie\"");
    w.add(c.by_hash, "rule=\"hash\"");
    w.one("retries", "counter", "Requests sent on to another upstream after a failure.", c.retries);
    w.one("unknown_sid_answers", "counter", "Requests for sessions whose upstream is gone.",
          c.session_gone);
    w.one("shed", "counter", "Sessions that were asked to go elsewhere.", c.shed);
    w.family("rejects", "counter", "Requests that the proxy answered itself, by reason.");
    for (std::size_t i = 1; i < c.rejects.size(); ++i)
        w.add(c.rejects[i], label("reason", to_string(static_cast<reject>(i))));
    w.one("received_bytes", "counter", "From clients.", c.bytes_in);
    w.one("sent_bytes", "counter", "To clients.", c.bytes_out);

    w.family("first_byte_seconds", "histogram",
             "From a request to the first byte of its answer; polls wait on purpose.");
    for (std::size_t kind = 0; kind < answer_kinds; ++kind) {
        auto const of = label("kind", to_string(static_cast<answer_kind>(kind)));
        auto const& f = c.first_byte[kind];
        std::uint64_t so_far = 0;
        for (std::size_t i = 0; i < f.buckets.size(); ++i) {
            so_far += f.buckets[i];
            std::string end = "+Inf";
            if (i < first_byte_buckets.size()) {
                end.clear();
                append_json_number(end, detail::in_seconds(first_byte_buckets[i]));
                if (end.find('.') == end.npos)
                    end += ".0"; // as the format wants its ends
            }
            w.add(so_far, of + "," + label("le", end), "_bucket");
        }
        w.add(so_far, of, "_count");
        w.add(static_cast<double>(f.sum_ms) / 1000.0, of, "_sum");
    }

    w.one("upstream_connects", "counter", "Connections made to upstreams.", c.connects);
    w.one("upstream_connect_failures", "counter", "Connections to upstreams that failed.",
          c.connect_failures);
    w.one("upstream_connections_reused", "counter", "Requests over a connection that was kept.",
          c.reused);
    w.family("upstream_connections", "gauge", "Open connections to upstreams, tunnels excepted.");
    w.add(c.upstream_idle, "use=\"idle\"");
    w.add(c.upstream_busy, "use=\"busy\"");
    w.one("open_descriptors", "gauge", "Open file descriptors.", o.open_descriptors);
    w.one("max_descriptors", "gauge", "Descriptors that may be open.", o.max_descriptors);

    w.one("upstreams", "gauge", "Upstreams in the pool.", o.upstreams.size());
    w.one("panic", "gauge", "1: none is fit for new sessions, so all are taken.", o.panic ? 1 : 0);
    std::vector<std::string> names;
    for (auto const& u : o.upstreams) {
        if (names.size() == detail::most_shown)
            break;
        names.push_back(label("upstream", u.at->to.name));
    }
    auto const each = [&](std::string_view name, std::string_view type, std::string_view help,
                          auto&& value) {
        w.family(name, type, help);
        for (std::size_t i = 0; i < names.size(); ++i)
            w.add(value(o.upstreams[i], *o.upstreams[i].at->count), names[i]);
    };
    w.family("upstream_state", "gauge", "1 for the state that it is in.");
    for (std::size_t i = 0; i < names.size(); ++i)
        for (auto const s : detail::all_states)
            w.add(o.upstreams[i].at->state == s ? 1 : 0,
                  names[i] + "," + label("state", to_string(s)));
    w.family("upstream_sessions", "gauge", "Sessions now.");
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto const& n = *o.upstreams[i].at->count;
        // Read while others count: never under zero.
        auto const all = detail::read(n.tunnels);
        w.add(all - std::min(all, detail::read(n.other_tunnels)),
              names[i] + ",transport=\"websocket\"");
        w.add(detail::read(n.polling_sessions), names[i] + ",transport=\"polling\"");
    }
    w.family("upstream_routed", "counter", "Requests by the rule that chose it.");
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto const& n = *o.upstreams[i].at->count;
        w.add(detail::read(n.by_sid), names[i] + ",rule=\"sid\"");
        w.add(detail::read(n.by_cookie), names[i] + ",rule=\"cookie\"");
        w.add(detail::read(n.by_hash), names[i] + ",rule=\"hash\"");
    }
    using status = upstream_status const&;
    using counts = upstream_counters const&;
    each("upstream_share", "gauge", "Its part of new sessions now.",
         [](status u, counts) { return u.at->share; });
    each("upstream_state_changes", "counter", "States it has had.",
         [](status u, counts) { return u.changes; });
    each("upstream_requests_open", "gauge", "Requests under way, waiting polls included.",
         [](status, counts n) { return detail::read(n.requests_open); });
    each("upstream_requests", "counter", "Requests.",
         [](status, counts n) { return detail::read(n.requests); });
    each("upstream_handshakes", "counter", "Sessions that it opened.",
         [](status, counts n) { return detail::read(n.handshakes); });
    each("upstream_unknown_sid_answers", "counter",
         "Requests for its sessions while it did not serve.",
         [](status, counts n) { return detail::read(n.sessions_gone); });
    each("upstream_retries", "counter", "Handshakes that went on to another one.",
         [](status, counts n) { return detail::read(n.retries); });
    each("upstream_connect_errors", "counter", "Connects that failed.",
         [](status, counts n) { return detail::read(n.connect_failures); });
    each("upstream_bad_answers", "counter", "Answers that could not be relied on.",
         [](status, counts n) { return detail::read(n.bad_answers); });
    each("upstream_late_answers", "counter", "Answers that did not come in time.",
         [](status, counts n) { return detail::read(n.late_answers); });
    each("upstream_sent_bytes", "counter", "From clients to it.",
         [](status, counts n) { return detail::read(n.bytes_in); });
    each("upstream_received_bytes", "counter", "From it to clients.",
         [](status, counts n) { return detail::read(n.bytes_out); });
    return out += "# EOF\n";
}

MAD_DECL void append_upstream(std::string& out, upstream_status const& u, time_point now) {
    auto const& t = *u.at;
    auto const& n = *t.count;
    detail::members m(out);
    m.add("name", t.to.name);
    m.add("url", t.to.url());
    m.add("state", to_string(t.state));
    m.add("why", u.why);
    m.add("since_ms", std::max<std::int64_t>(
                          0, std::chrono::duration_cast<milliseconds>(now - u.since).count()));
    m.add("changes", u.changes);
    m.add("weight", t.to.weight);
    m.add("share", t.share);
    m.add("serves", t.serves);
    m.add("leaving", u.leaving);
    m.add("shedding", u.shedding);
    m.add_or_null("tag", t.to.node_tag ? std::optional<double>(*t.to.node_tag) : std::nullopt);
    m.add("sessions", n.sessions());
    m.add("tunnels", detail::read(n.tunnels));
    m.add("polling_sessions", detail::read(n.polling_sessions));
    m.add("requests_open", detail::read(n.requests_open));
    m.add("requests", detail::read(n.requests));
    m.add("handshakes", detail::read(n.handshakes));
    m.add("by_sid", detail::read(n.by_sid));
    m.add("by_cookie", detail::read(n.by_cookie));
    m.add("by_hash", detail::read(n.by_hash));
    m.add("sessions_gone", detail::read(n.sessions_gone));
    m.add("retries", detail::read(n.retries));
    m.add("connects", detail::read(n.connects));
    m.add("connect_failures", detail::read(n.connect_failures));
    m.add("bad_answers", detail::read(n.bad_answers));
    m.add("late_answers", detail::read(n.late_answers));
    m.add("bytes_in", detail::read(n.bytes_in));
    m.add("bytes_out", detail::read(n.bytes_out));
    m.end();
}

MAD_DECL std::string upstreams_json(overview const& o) {
    auto const& c = o.count;
    std::string out;
    detail::members m(out);
    m.at("upstreams") += '[';
    for (auto const& u : o.upstreams) {
        if (out.back() != '[')
            out += ',';
        append_upstream(out, u, o.now);
    }
    out += ']';
    m.add("panic", o.panic);
    m.add("version", std::string_view(o.version));
    m.add("uptime_ms", o.uptime.count());
    m.add("clients", c.clients);
    m.add("tunnels", c.tunnels);
    m.add("sessions", detail::sessions_of(o));
    m.add("accepted", c.accepted);
    m.add("requests", c.requests);
    m.add("handshakes", c.handshakes);
    m.add("upgrades", c.upgrades);
    m.add("by_sid", c.by_sid);
    m.add("by_cookie", c.by_cookie);
    m.add("by_hash", c.by_hash);
    m.add("retries", c.retries);
    m.add("session_gone", c.session_gone);
    m.add("shed", c.shed);
    m.add("bytes_in", c.bytes_in);
    m.add("bytes_out", c.bytes_out);
    m.at("rejects");
    {
        detail::members r(out);
        for (std::size_t i = 1; i < c.rejects.size(); ++i)
            if (c.rejects[i] > 0)
                r.add(to_string(static_cast<reject>(i)), c.rejects[i]);
        r.end();
    }
    first_byte_snapshot at_once;
    for (auto const kind : {answer_kind::request, answer_kind::handshake}) {
        auto const& f = c.first_byte[static_cast<std::size_t>(kind)];
        for (std::size_t i = 0; i < f.buckets.size(); ++i)
            at_once.buckets[i] += f.buckets[i];
        at_once.sum_ms += f.sum_ms;
    }
    detail::append_times(m.at("first_byte"), at_once);
    detail::append_times(m.at("first_byte_polls"),
                         c.first_byte[static_cast<std::size_t>(answer_kind::poll)]);
    m.end();
    return out;
}

MAD_DECL bool is_ready(overview const& o) {
    return !o.panic && std::any_of(o.upstreams.begin(), o.upstreams.end(),
                                   [](upstream_status const& u) { return u.at->takes(); });
}

MAD_DECL std::string ready_json(overview const& o) {
    std::string out;
    detail::members m(out);
    m.add("ready", is_ready(o));
    if (!is_ready(o))
        m.add("reason", std::string_view("upstreams"));
    m.add("version", std::string_view(o.version));
    m.end();
    return out;
}

MAD_DECL std::string health_json(overview const& o) {
    auto const up = std::count_if(o.upstreams.begin(), o.upstreams.end(),
                                  [](upstream_status const& u) { return u.at->takes(); });
    std::string out;
    detail::members m(out);
    m.add("healthy", true);
    m.add("version", std::string_view(o.version));
    m.add("uptime_s", o.uptime.count() / 1000);
    m.add("upstreams", o.upstreams.size());
    m.add("up", up);
    m.add("sessions", detail::sessions_of(o));
    m.add("panic", o.panic);
    m.end();
    return out;
}

} // namespace mad::inline MAD_ABI::proxy

#endif
