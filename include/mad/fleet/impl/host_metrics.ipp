#ifndef MAD_FLEET_IMPL_HOST_METRICS_IPP
#define MAD_FLEET_IMPL_HOST_METRICS_IPP

#include <mad/core/json_text.hpp>
#include <mad/fleet/host_metrics.hpp>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// One after another, families of gauges and counters. A family without a value is left out.
class host_metrics_writer {
  public:
    using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    explicit host_metrics_writer(std::string& out)
        : out_(out) {}

    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        type_ = type;
        help_ = help;
        begun_ = false;
    }

    template <class Value>
    void add(Value value, labels with = {}) {
        if (!std::exchange(begun_, true)) {
            out_.append("# TYPE ").append(name_).append(" ").append(type_);
            out_.append("\n# HELP ").append(name_).append(" ").append(help_).append("\n");
        }
        out_.append(name_);
        if (type_ == "counter")
            out_.append("_total");
        else if (type_ == "info")
            out_.append("_info");
        char before = '{';
        for (auto const& [name, text] : with) {
            out_ += std::exchange(before, ',');
            out_.append(name).append("=\"");
            escape(text);
            out_ += '"';
        }
        if (with.size() > 0)
            out_ += '}';
        out_ += ' ';
        append_json_number(out_, value);
        out_ += '\n';
    }

    template <class Value>
    void add(std::optional<Value> const& value, labels with = {}) {
        if (value)
            add(*value, with);
    }

    template <class Value>
    void one(std::string_view name, std::string_view help, Value const& value) {
        family(name, "gauge", help);
        add(value);
    }

  private:
    void escape(std::string_view text) {
        // As a JSON string first: it turns what is not UTF-8 into what is.
        scratch_.clear();
        append_json_string(scratch_, text);
        raw_.clear();
        json_unescape(scratch_, raw_);
        for (char const c : raw_) {
            if (c == '\\' || c == '"')
                out_ += '\\';
            if (c == '\n')
                out_ += "\\n";
            else
                out_ += c;
        }
    }

    std::string& out_;
    std::string_view name_, type_, help_;
    std::string scratch_, raw_;
    bool begun_ = false;
};

/// Percent as a ratio, without the digits that only the division made.
inline double ratio(double percent) {
    return std::round(percent * 1e6) / 1e8;
}

inline std::optional<double> ratio(std::optional<double> const& percent) {
    return percent ? std::optional(ratio(*percent)) : std::nullopt;
}

inline std::optional<double> in_seconds(std::optional<double> const& ms) {
    return ms ? std::optional(*ms / 1000.0) : std::nullopt;
}

inline void append_cpu_metrics(host_metrics_writer& w, mad::host::sample const& s) {
    if (s.cpu) {
        w.one("mad_host_cpu_busy_ratio", "Share of CPU time that was used.", ratio(s.cpu->pct));
        w.family("mad_host_cpu_ratio", "gauge", "Share of CPU time by what it went to.");
        w.add(ratio(s.cpu->user), {{"mode", "user"}});
        w.add(ratio(s.cpu->system), {{"mode", "system"}});
        w.add(ratio(s.cpu->iowait), {{"mode", "iowait"}});
        w.add(ratio(s.cpu->steal), {{"mode", "steal"}});
    }
    w.family("mad_host_cpu_core_busy_ratio", "gauge", "The same of each CPU.");
    for (std::size_t i = 0; i < s.cores.size(); ++i)
        w.add(ratio(s.cores[i]), {{"cpu", std::to_string(i)}});
    if (s.load) {
        w.one("mad_host_load1", "Runnable and blocked tasks, average of 1 minute.", s.load->one);
        w.one("mad_host_load5", "The same of 5 minutes.", s.load->five);
        w.one("mad_host_load15", "The same of 15 minutes.", s.load->fifteen);
    }
    w.family("mad_host_pressure_ratio", "gauge",
             "Share of time in which some tasks, or all, waited for a resource.");
    auto const waiting = [&](std::string_view what, std::optional<mad::host::pressure> const& p) {
        if (!p)
            return;
        w.add(ratio(p->some), {{"resource", what}, {"tasks", "some"}});
        w.add(ratio(p->full), {{"resource", what}, {"tasks", "full"}});
    };
    waiting("cpu", s.psi.cpu);
    waiting("memory", s.psi.memory);
    waiting("io", s.psi.io);
}

inline void append_memory_metrics(host_metrics_writer& w, mad::host::sample const& s) {
    if (!s.memory)
        return;
    w.one("mad_host_memory_size_bytes", "Memory.", s.memory->total);
    w.one("mad_host_memory_available_bytes", "Memory that programs could still get.",
          s.memory->available);
    w.one("mad_host_memory_used_ratio", "Share that is not available.", ratio(s.memory->pct));
    w.one("mad_host_swap_size_bytes", "Swap space.", s.memory->swap_total);
    w.one("mad_host_swap_used_bytes", "Swap space in use.", s.memory->swap_used);
}

/// One family over a list: `value` gives what an entry has of it, `label` its name.
template <class List, class Name, class Value>
void append_each(host_metrics_writer& w, List const& all, std::string_view label, Name name,
                 std::string_view family, std::string_view help, Value value) {
    w.family(family, "gauge", help);
    for (auto const& one : all)
        w.add(value(one), {{label, name(one)}});
}

inline void append_space_metrics(host_metrics_writer& w, mad::host::sample const& s) {
    w.one("mad_host_storage_used_ratio", "Share in use of the fullest local filesystem.",
          ratio(s.storage));
    auto const each = [&](std::string_view name, std::string_view help, auto value) {
        w.family(name, "gauge", help);
        for (auto const& f : s.filesystems)
            w.add(value(f), {{"mount", f.mount.view()}, {"type", f.type.view()}});
    };
    using filesystem = mad::host::filesystem const&;
    auto const of_space = [](auto member) {
        return [member](filesystem f) {
            using value = std::decay_t<decltype((*f.space).*member)>;
            return f.space ? std::optional<value>((*f.space).*member) : std::nullopt;
        };
    };
    each("mad_host_filesystem_size_bytes", "Size.", of_space(&mad::host::space_use::size));
    each("mad_host_filesystem_available_bytes", "What an ordinary user can still write.",
         of_space(&mad::host::space_use::available));
    each("mad_host_filesystem_used_ratio", "Share in use, as df counts.",
         [](filesystem f) { return f.space ? std::optional(ratio(f.space->pct)) : std::nullopt; });
    each("mad_host_filesystem_inodes_used_ratio", "Share of the inodes in use.",
         [](filesystem f) { return f.space ? ratio(f.space->inode_pct) : std::nullopt; });
    each("mad_host_filesystem_read_only", "1: nothing can be written.",
         [](filesystem f) { return f.read_only ? 1 : 0; });
    each("mad_host_filesystem_stuck", "1: a network filesystem that does not answer.",
         [](filesystem f) { return f.stuck ? 1 : 0; });
}

inline void append_disk_metrics(host_metrics_writer& w, mad::host::sample const& s) {
    using disk = mad::host::disk const&;
    auto const each = [&](std::string_view name, std::string_view help, auto value) {
        append_each(
            w, s.disks, "disk", [](disk d) { return d.name.view(); }, name, help, value);
    };
    each("mad_host_disk_read_bytes_per_second", "Read.", [](disk d) { return d.rates.read; });
    each("mad_host_disk_written_bytes_per_second", "Written.",
         [](disk d) { return d.rates.written; });
    each("mad_host_disk_reads_per_second", "Finished reads.", [](disk d) { return d.rates.reads; });
    each("mad_host_disk_writes_per_second", "Finished writes.",
         [](disk d) { return d.rates.writes; });
    each("mad_host_disk_busy_ratio", "Share of time with at least one request under way.",
         [](disk d) { return ratio(d.rates.util); });
    each("mad_host_disk_queue", "Requests under way, on average.",
         [](disk d) { return d.rates.queue; });
    each("mad_host_disk_read_wait_seconds", "Mean time of a read.",
         [](disk d) { return in_seconds(d.rates.read_wait_ms); });
    each("mad_host_disk_write_wait_seconds", "Mean time of a write.",
         [](disk d) { return in_seconds(d.rates.write_wait_ms); });
}

inline void append_nic_metrics(host_metrics_writer& w, mad::host::sample const& s) {
    using nic = mad::host::nic const&;
    w.one("mad_host_network_bytes_per_second", "Traffic of all counted interfaces, both ways.",
          s.network * 125'000.0);
    auto const each = [&](std::string_view name, std::string_view help, auto value) {
        append_each(
            w, s.nics, "interface", [](nic n) { return n.name.view(); }, name, help, value);
    };
    each("mad_host_network_received_bytes_per_second", "Received.",
         [](nic n) { return n.rates.rx; });
    each("mad_host_network_sent_bytes_per_second", "Sent.", [](nic n) { return n.rates.tx; });
    each("mad_host_network_errors_per_second", "Packets with an error, both ways.",
         [](nic n) { return n.rates.errors; });
    each("mad_host_network_dropped_per_second", "Packets dropped, both ways.",
         [](nic n) { return n.rates.dropped; });
    each("mad_host_network_speed_bytes_per_second", "Speed of the link.", [](nic n) {
        return n.speed_mbit ? std::optional(*n.speed_mbit * 125'000.0) : std::nullopt;
    });
}

/// Of sensors with one name the first, which is the hottest: two lines must not have the same
/// labels.
inline void append_temperature_metrics(host_metrics_writer& w, mad::host::sample const& s) {
    auto const& all = s.temperatures;
    auto const each = [&](std::string_view name, std::string_view help, auto value) {
        w.family(name, "gauge", help);
        for (auto it = all.begin(); it != all.end(); ++it)
            if (std::none_of(all.begin(), it, [&](auto const& t) { return t.name == it->name; }))
                w.add(value(*it), {{"sensor", it->name.view()}});
    };
    each("mad_host_temperature_celsius", "Temperature.", [](auto const& t) { return t.celsius; });
    each("mad_host_temperature_critical_celsius", "Where it becomes dangerous.",
         [](auto const& t) { return t.critical; });
}

} // namespace detail

MAD_DECL void append_host_metrics(std::string& out, mad::host::sample const& s,
                                  mad::host::identity const& who, std::string_view id) {
    detail::host_metrics_writer w(out);
    w.family("mad_host", "info", "What does not change while the host runs.");
    w.add(1, {{"id", id},
              {"host", who.host},
              {"os", who.os},
              {"kernel", who.kernel},
              {"arch", who.arch}});
    w.one("mad_host_sample_timestamp_seconds", "When the sample was taken.",
          static_cast<double>(s.wall_ms) / 1000.0);
    detail::append_cpu_metrics(w, s);
    detail::append_memory_metrics(w, s);
    detail::append_space_metrics(w, s);
    detail::append_disk_metrics(w, s);
    detail::append_nic_metrics(w, s);
    detail::append_temperature_metrics(w, s);
    w.one("mad_host_uptime_seconds", "Since the start of the host.", s.uptime_s);
    if (s.tasks) {
        w.one("mad_host_tasks", "Tasks, threads one each.", s.tasks->total);
        w.one("mad_host_tasks_running", "Tasks that run or could.", s.tasks->running);
        w.one("mad_host_tasks_blocked", "Tasks that wait for a device.", s.tasks->blocked);
    }
    w.family("mad_host_source_failed", "gauge", "1 for each source that could not be read.");
    for (unsigned i = 0; i < static_cast<unsigned>(mad::host::source::count_); ++i)
        if (auto const one = static_cast<mad::host::source>(i); s.failed.has(one))
            w.add(1, {{"source", mad::host::to_string(one)}});
}

MAD_DECL void append_agent_metrics(std::string& out, agent_numbers const& n,
                                   mad::host::own_cost const& cost) {
    detail::host_metrics_writer w(out);
    w.family("mad_agent", "info", "The agent.");
    w.add(1, {{"version", MAD_VERSION}});
    w.one("mad_agent_connected", "1: a node has let it in.", n.connected ? 1 : 0);
    auto const counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
        w.family(name, "counter", help);
        w.add(value);
    };
    counter("mad_agent_samples", "Samples taken.", n.samples);
    counter("mad_agent_messages", "Messages given to the connection.", n.messages);
    counter("mad_agent_connections", "Connections made.", n.connections);
    counter("mad_agent_refusals", "Times that a node refused it.", n.refusals);
    w.one("mad_agent_cpu_ratio", "Share of one CPU that the agent used.",
          detail::ratio(cost.cpu_pct));
    w.one("mad_agent_resident_bytes", "Memory that the agent holds.", cost.rss);
}

} // namespace mad::inline MAD_ABI::fleet

#endif
