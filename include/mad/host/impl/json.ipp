#ifndef MAD_HOST_IMPL_JSON_IPP
#define MAD_HOST_IMPL_JSON_IPP

#include <mad/core/json_text.hpp>
#include <mad/host/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>

namespace mad::inline MAD_ABI::host {

namespace detail {

enum class zeros : bool { trimmed, kept };

/// `v`, not negative, rounded to so many decimals. It is scaled to a whole number and split there,
/// so neither the locale nor the binary fraction shows.
inline void put_fixed(std::string& out, double v, unsigned decimals, zeros tail = zeros::trimmed) {
    std::uint64_t scale = 1;
    for (unsigned i = 0; i < decimals; ++i)
        scale *= 10;
    auto const scaled = v * static_cast<double>(scale);
    auto const whole = scaled > 0 ? static_cast<std::uint64_t>(std::llround(std::min(scaled, 9e18)))
                                  : std::uint64_t{0};
    append_json_number(out, whole / scale);
    auto rest = whole % scale;
    if (decimals == 0 || (rest == 0 && tail == zeros::trimmed))
        return;
    out += '.';
    for (scale /= 10; scale > 0; scale /= 10) {
        out += static_cast<char>('0' + rest / scale);
        rest %= scale;
        if (rest == 0 && tail == zeros::trimmed)
            return;
    }
}

/// The same for what may be negative.
inline void put_signed(std::string& out, double v, unsigned decimals) {
    auto const before = out.size();
    put_fixed(out, std::abs(v), decimals, zeros::kept);
    // What rounds to zero has no sign.
    if (v < 0 && out.find_first_of("123456789", before) != out.npos)
        out.insert(before, 1, '-');
}

/// More than a machine ever runs, and a whole number of 64 bits.
inline constexpr double most_seconds = 1e15;

/// Writes the members of one object or the elements of one array, commas between.
class json_list {
  public:
    json_list(std::string& out, char open, char close)
        : out_(out)
        , close_(close) {
        out_ += open;
    }
    ~json_list() { out_ += close_; }
    json_list(json_list const&) = delete;
    json_list& operator=(json_list const&) = delete;

    /// Where the next element goes.
    std::string& next() {
        if (!first_)
            out_ += ',';
        first_ = false;
        return out_;
    }

    /// Where the value of the next member goes. `name` needs no escapes.
    std::string& key(char const* name) {
        next() += '"';
        return (out_ += name) += "\":";
    }

    void whole(char const* name, std::uint64_t v) { append_json_number(key(name), v); }
    void whole(char const* name, std::optional<double> const& v) {
        if (v)
            put_fixed(key(name), *v, 0);
    }
    void fixed(char const* name, std::optional<double> const& v, unsigned decimals) {
        if (v)
            put_fixed(key(name), *v, decimals);
    }
    void pct(char const* name, std::optional<double> const& v) {
        if (v)
            put_fixed(key(name), *v, 1, zeros::kept);
    }
    void text(char const* name, std::string_view v) { append_json_string(key(name), v); }
    void yes_no(char const* name, bool v) { key(name) += v ? "true" : "false"; }

  private:
    std::string& out_;
    char close_;
    bool first_ = true;
};

class json_object : public json_list {
  public:
    explicit json_object(std::string& out)
        : json_list(out, '{', '}') {}
};

class json_array : public json_list {
  public:
    explicit json_array(std::string& out)
        : json_list(out, '[', ']') {}
};

using core_list = std::vector<std::optional<double>>;

inline void put_all_cores(std::string& out, core_list const& cores) {
    json_array a(out);
    for (auto const& c : cores) {
        if (c)
            put_fixed(a.next(), *c, 0);
        else
            a.next() += "null";
    }
}

/// Extremes, mean and the ten busiest.
inline void put_core_summary(std::string& out, core_list const& cores) {
    struct busy {
        std::size_t number;
        double pct;
    };
    std::array<busy, 10> top{};
    std::size_t tops = 0, known = 0;
    double least = 100, most = 0, sum = 0;
    for (std::size_t n = 0; n < cores.size(); ++n) {
        if (!cores[n])
            continue;
        double const pct = *cores[n];
        ++known;
        sum += pct;
        least = std::min(least, pct);
        most = std::max(most, pct);
        std::size_t at = tops < top.size() ? tops++ : top.size();
        for (; at > 0 && top[at - 1].pct < pct; --at)
            if (at < top.size())
                top[at] = top[at - 1];
        if (at < top.size())
            top[at] = {n, pct};
    }
    json_object o(out);
    o.whole("n", known);
    if (known == 0)
        return;
    o.whole("min", std::optional(least));
    o.whole("mean", std::optional(sum / static_cast<double>(known)));
    o.whole("max", std::optional(most));
    json_array a(o.key("top"));
    for (std::size_t i = 0; i < tops; ++i) {
        json_array pair(a.next());
        append_json_number(pair.next(), top[i].number);
        put_fixed(pair.next(), top[i].pct, 0);
    }
}

inline void put_cpu(json_object& o, sample const& s) {
    if (!s.cpu)
        return;
    json_object c(o.key("cpu"));
    c.pct("pct", s.cpu->pct);
    c.pct("user", s.cpu->user);
    c.pct("sys", s.cpu->system);
    c.pct("iowait", s.cpu->iowait);
    c.pct("steal", s.cpu->steal);
    c.pct("throttled", s.cpu->throttled);
    if (s.scope == scope::cgroup)
        c.fixed("usable", s.usable_cpus, 2);
    if (s.cores.empty())
        return;
    auto& out = c.key("cores");
    auto const known = std::count_if(s.cores.begin(), s.cores.end(),
                                     [](auto const& core) { return core.has_value(); });
    if (static_cast<std::size_t>(known) <= max_cores_listed &&
        s.cores.size() <= 2 * max_cores_listed)
        put_all_cores(out, s.cores);
    else
        put_core_summary(out, s.cores);
}

inline void put_load(json_object& o, sample const& s) {
    if (!s.load)
        return;
    json_array a(o.key("load"));
    for (double v : {s.load->one, s.load->five, s.load->fifteen})
        put_fixed(a.next(), v, 2);
}

inline void put_memory(json_object& o, sample const& s) {
    if (!s.memory)
        return;
    json_object m(o.key("mem"));
    m.whole("total", s.memory->total);
    m.whole("avail", s.memory->available);
    m.pct("pct", s.memory->pct);
    if (s.memory->swap_total)
        m.whole("swap_total", *s.memory->swap_total);
    if (s.memory->swap_used)
        m.whole("swap_used", *s.memory->swap_used);
}

using pressure_part = std::optional<double> pressure::*;

/// `[some,full]` of each resource, the second where there is one.
inline void put_pressure(json_object& o, char const* name, pressures const& all, pressure_part some,
                         pressure_part full) {
    struct row {
        char const* name;
        std::optional<pressure> const& of;
    };
    row const rows[] = {{"cpu", all.cpu}, {"mem", all.memory}, {"io", all.io}};
    auto const known = [&](row const& r) { return r.of && ((*r.of).*some || (*r.of).*full); };
    if (std::none_of(std::begin(rows), std::end(rows), known))
        return;
    json_object p(o.key(name));
    for (auto const& r : rows) {
        if (!known(r))
            continue;
        json_array a(p.key(r.name));
        if (auto const& v = (*r.of).*some)
            put_fixed(a.next(), *v, 1, zeros::kept);
        else
            a.next() += "null";
        if (auto const& v = (*r.of).*full)
            put_fixed(a.next(), *v, 1, zeros::kept);
    }
}

inline void put_filesystem(std::string& out, filesystem const& f) {
    json_object o(out);
    o.text("m", f.mount);
    o.text("fs", f.type);
    if (f.space) {
        o.whole("size", f.space->size);
        o.whole("avail", f.space->available);
        o.pct("pct", f.space->pct);
        o.pct("ipct", f.space->inode_pct);
    }
    o.yes_no("ro", f.read_only);
    if (f.network)
        o.yes_no("net", true);
    if (f.stuck)
        o.yes_no("stuck", true);
}

inline void put_filesystems(std::string const& out, json_object& o, sample const& s,
                            std::size_t start) {
    if (s.filesystems.empty())
        return;
    // What follows the list takes less than 5 KB, one entry of it less than 2 KB.
    constexpr std::size_t room = max_health_bytes - 7168;
    std::size_t listed = 0;
    {
        json_array a(o.key("disk"));
        for (auto const& f : s.filesystems) {
            if (listed == max_listed || out.size() - start > room)
                break;
            put_filesystem(a.next(), f);
            ++listed;
        }
    }
    if (listed < s.filesystems.size())
        o.whole("disk_more", s.filesystems.size() - listed);
}

inline void put_io(json_object& o, sample const& s) {
    if (!s.io)
        return;
    json_object d(o.key("io"));
    d.whole("rd", s.io->read);
    d.whole("wr", s.io->written);
    d.fixed("rops", s.io->reads, 1);
    d.fixed("wops", s.io->writes, 1);
    d.pct("util", s.io->util);
    d.fixed("queue", s.io->queue, 2);
    d.fixed("r_await_ms", s.io->read_wait_ms, 2);
    d.fixed("w_await_ms", s.io->write_wait_ms, 2);
}

inline void put_net(json_object& o, sample const& s) {
    if (!s.net)
        return;
    json_object n(o.key("net"));
    n.whole("rx", s.net->rx);
    n.whole("tx", s.net->tx);
    n.fixed("err", s.net->errors, 2);
    n.fixed("drop", s.net->dropped, 2);
    auto const listed = std::min(s.nics.size(), max_listed);
    {
        json_array a(n.key("ifs"));
        for (std::size_t i = 0; i < listed; ++i) {
            auto const& nic = s.nics[i];
            json_object e(a.next());
            e.text("n", nic.name);
            e.whole("rx", nic.rates.rx);
            e.whole("tx", nic.rates.tx);
            e.whole("speed", nic.speed_mbit);
        }
    }
    if (listed < s.nics.size())
        n.whole("ifs_more", s.nics.size() - listed);
}

inline void put_temperatures(std::string const& out, json_object& o, sample const& s,
                             std::size_t start) {
    if (s.temperatures.empty())
        return;
    {
        json_object t(o.key("temp"));
        auto const& first = s.temperatures.front();
        put_signed(t.key("max"), first.celsius, 1);
        t.text("name", first.name);
        t.fixed("crit", first.critical, 1);
    }
    // What follows takes less than 512 bytes, as does one entry.
    constexpr std::size_t room = max_health_bytes - 1024;
    std::size_t listed = 0;
    {
        json_array a(o.key("temps"));
        for (auto const& t : s.temperatures) {
            if (listed == max_listed || out.size() - start > room)
                break;
            json_object e(a.next());
            e.text("n", t.name);
            put_signed(e.key("c"), t.celsius, 1);
            e.fixed("crit", t.critical, 1);
            ++listed;
        }
    }
    if (listed < s.temperatures.size())
        o.whole("temps_more", s.temperatures.size() - listed);
}

inline void put_tasks(json_object& o, sample const& s) {
    if (!s.tasks)
        return;
    json_object p(o.key("procs"));
    if (s.tasks->running)
        p.whole("run", *s.tasks->running);
    if (s.tasks->total)
        p.whole("total", *s.tasks->total);
    if (s.tasks->blocked)
        p.whole("blocked", *s.tasks->blocked);
}

inline void put_own_cost(json_object& o, sample const& s) {
    if (!s.agent.cpu_pct && !s.agent.rss)
        return;
    json_object a(o.key("agent"));
    a.fixed("cpu", s.agent.cpu_pct, 2);
    if (s.agent.rss)
        a.whole("rss", *s.agent.rss);
}

inline void put_failed(json_object& o, sample const& s) {
    json_array a(o.key("err"));
    for (unsigned i = 0; i < static_cast<unsigned>(source::count_); ++i)
        if (auto const which = static_cast<source>(i); s.failed.has(which))
            append_json_string(a.next(), to_string(which));
}

} // namespace detail

MAD_DECL void append_health_json(std::string& out, sample const& s) {
    auto const start = out.size();
    detail::json_object o(out);
    o.pct("storage", s.storage);
    o.fixed("network", s.network, 3);
    detail::put_cpu(o, s);
    detail::put_load(o, s);
    detail::put_memory(o, s);
    detail::put_pressure(o, "psi", s.psi, &pressure::some, &pressure::full);
    detail::put_pressure(o, "psi60", s.psi, &pressure::some_60s, &pressure::full_60s);
    detail::put_filesystems(out, o, s, start);
    detail::put_io(o, s);
    detail::put_net(o, s);
    detail::put_temperatures(out, o, s, start);
    if (s.uptime_s)
        o.whole("up", static_cast<std::uint64_t>(std::min(*s.uptime_s, detail::most_seconds)));
    detail::put_tasks(o, s);
    detail::put_own_cost(o, s);
    detail::put_failed(o, s);
}

MAD_DECL void append_info_json(std::string& out, identity const& who, info_labels const& labels) {
    detail::json_object o(out);
    auto const text = [&](char const* name, std::string_view v) {
        if (!v.empty())
            o.text(name, v);
    };
    text("host", who.host);
    text("os", who.os);
    text("kernel", who.kernel);
    text("arch", who.arch);
    if (who.cpus)
        o.whole("cpus", *who.cpus);
    if (who.memory)
        o.whole("mem", *who.memory);
    text("agent", labels.agent);
    text("scope", who.scope);
    if (who.boot_s)
        o.whole("boot", *who.boot_s);
    text("region", labels.region);
    if (!labels.tags.empty()) {
        detail::json_array a(o.key("tags"));
        for (auto const& t : labels.tags)
            append_json_string(a.next(), t);
    }
    if (!who.caps)
        return;
    detail::json_object c(o.key("caps"));
    c.yes_no("psi", who.caps->psi);
    c.yes_no("temp", who.caps->temperatures);
}

} // namespace mad::inline MAD_ABI::host

#endif
