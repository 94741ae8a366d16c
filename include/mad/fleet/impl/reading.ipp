#ifndef MAD_FLEET_IMPL_READING_IPP
#define MAD_FLEET_IMPL_READING_IPP

#include <mad/core/json_text.hpp>
#include <mad/fleet/detail/json_walk.hpp>
#include <mad/fleet/reading.hpp>

#include <algorithm>
#include <cmath>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline constexpr std::array<std::string_view, metric_count> metric_names{
    "storage",   "network",   "cpu",       "mem",          "load",    "psi",     "swap",
    "steal",     "inodes",    "temp",      "load_per_cpu", "psi_cpu", "psi_mem", "psi_io",
    "temp_left", "read_only", "turned_ro", "clock",        "uptime"};

/// FNV-1a, of which 31 bits are kept.
inline std::uint32_t name_hash(std::string_view s) {
    std::uint32_t h = 2'166'136'261u;
    for (char const c : s)
        h = (h ^ static_cast<unsigned char>(c)) * 16'777'619u;
    return h & 0x7fff'ffffu;
}

/// One pass over a record. What depends on several members is worked out at the end.
class health_reader {
  public:
    reading read(std::string_view record, std::int64_t wall_ms) {
        json_walk w(record);
        w.members([&](std::string_view key) {
            if (key == "health")
                health(w);
            else if (key == "info")
                w.members([&](std::string_view k) {
                    if (k == "cpus")
                        cpus_ = w.number();
                });
            else if (key == "v")
                out_.modern = w.number() == 2.0;
            else if (key == "ts")
                ts_ = w.number();
            else if (key == "interval_ms")
                interval(w.number());
            else if (key == "state")
                state_ = w.skip();
        });
        finish(wall_ms);
        return out_;
    }

    /// What the node that judges says, as JSON; empty: nothing.
    std::string_view state() const { return state_; }

  private:
    void put(metric m, std::optional<double> v) {
        if (v)
            out_.set(m, *v);
    }

    // What no agent of ours says does not make a host live for ever.
    void interval(std::optional<double> ms) {
        if (ms)
            out_.interval_ms = static_cast<std::uint32_t>(std::clamp(*ms, 1'000.0, 60'000.0));
    }

    void health(json_walk& w) {
        w.members([&](std::string_view key) {
            if (key == "storage")
                put(metric::storage, w.number());
            else if (key == "network")
                put(metric::network, w.number());
            else if (key == "cpu")
                cpu(w);
            else if (key == "load")
                w.elements([&](std::size_t i) {
                    if (i == 0)
                        put(metric::load, w.number());
                });
            else if (key == "mem")
                memory(w);
            else if (key == "psi")
                pressure(w);
            else if (key == "disk")
                disks(w);
            else if (key == "temp")
                temperature(w);
            else if (key == "up")
                put(metric::uptime, w.number());
        });
    }

    void cpu(json_walk& w) {
        w.members([&](std::string_view key) {
            if (key == "pct")
                put(metric::cpu, w.number());
            else if (key == "steal")
                put(metric::steal, w.number());
            else if (key == "usable")
                usable_ = w.number();
        });
    }

    void memory(json_walk& w) {
        std::optional<double> total, used;
        w.members([&](std::string_view key) {
            if (key == "pct")
                put(metric::mem, w.number());
            else if (key == "swap_total")
                total = w.number();
            else if (key == "swap_used")
                used = w.number();
        });
        if (total && used && *total > 0)
            out_.set(metric::swap, std::clamp(100 * *used / *total, 0.0, 100.0));
    }

    void pressure(json_walk& w) {
        w.members([&](std::string_view key) {
            std::optional<double> some, full;
            w.elements([&](std::size_t i) {
                if (i == 0)
                    some = w.number();
                else if (i == 1)
                    full = w.number();
            });
            if (key == "cpu") {
                put(metric::psi_cpu, some);
                worst_psi(some);
            } else if (key == "mem") {
                put(metric::psi_mem, full);
                worst_psi(full ? full : some);
            } else if (key == "io") {
                put(metric::psi_io, full);
                worst_psi(full ? full : some);
            }
        });
    }

    void worst_psi(std::optional<double> v) {
        if (v && !(out_.raw(metric::psi) >= *v)) // also when unknown
            out_.set(metric::psi, *v);
    }

    void disks(json_walk& w) {
        std::size_t read_only = 0;
        w.elements([&](std::size_t) {
            std::string_view mount;
            std::optional<double> inodes;
            bool ro = false, remote = false;
            w.members([&](std::string_view key) {
                if (key == "m")
                    mount = w.text().value_or("");
                else if (key == "ipct")
                    inodes = w.number();
                else if (key == "ro")
                    ro = w.yes();
                else if (key == "net")
                    remote = w.yes();
            });
            if (remote)
                return;
            if (inodes && !(out_.raw(metric::inodes) >= *inodes))
                out_.set(metric::inodes, *inodes);
            read_only += ro;
            auto& m = out_.mounts;
            if (m.size < mount_set::most)
                m.all[m.size++] = {name_hash(mount), ro};
        });
        out_.set(metric::read_only, static_cast<double>(read_only));
    }

    void temperature(json_walk& w) {
        std::optional<double> max, limit;
        w.members([&](std::string_view key) {
            if (key == "max")
                max = w.number();
            else if (key == "crit")
                limit = w.number();
        });
        put(metric::temp, max);
        if (max && limit)
            out_.set(metric::temp_left, *limit - *max);
    }

    void finish(std::int64_t wall_ms) {
        if (ts_)
            out_.set(metric::clock, std::abs(*ts_ - static_cast<double>(wall_ms)) / 1'000);
        auto const cpus = usable_ ? usable_ : cpus_;
        if (auto const load = out_.get(metric::load); load && cpus && *cpus > 0)
            out_.set(metric::load_per_cpu, *load / *cpus);
    }

    reading out_;
    std::optional<double> usable_, cpus_, ts_;
    std::string_view state_;
};

inline std::string unescaped(std::optional<std::string_view> raw) {
    std::string out;
    if (raw)
        json_unescape(*raw, out);
    return out;
}

} // namespace detail

MAD_DECL std::string_view to_string(metric m) {
    auto const i = static_cast<std::size_t>(m);
    return i < metric_count ? detail::metric_names[i] : std::string_view("unknown");
}

MAD_DECL std::optional<metric> metric_of(std::string_view name) {
    auto const& all = detail::metric_names;
    auto const it = std::find(all.begin(), all.end(), name);
    if (it == all.end())
        return std::nullopt;
    return static_cast<metric>(it - all.begin());
}

MAD_DECL reading read_health(std::string_view record, std::int64_t wall_ms) {
    return detail::health_reader().read(record, wall_ms);
}

MAD_DECL reading read_health(std::string_view record, std::int64_t wall_ms,
                             std::string_view& state) {
    detail::health_reader reader;
    auto const out = reader.read(record, wall_ms);
    state = reader.state();
    return out;
}

MAD_DECL bool host_facts::has_tag(std::string_view tag) const {
    return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

MAD_DECL host_facts read_facts(std::string_view info) {
    host_facts out;
    detail::json_walk w(info);
    w.members([&](std::string_view key) {
        auto const text = [&](std::string& into) { into = detail::unescaped(w.text()); };
        if (key == "host")
            text(out.name);
        else if (key == "region")
            text(out.region);
        else if (key == "os")
            text(out.os);
        else if (key == "arch")
            text(out.arch);
        else if (key == "kernel")
            text(out.kernel);
        else if (key == "agent")
            text(out.agent);
        else if (key == "cpus")
            out.cpus = static_cast<unsigned>(std::clamp(w.number().value_or(0), 0.0, 1e6));
        else if (key == "tags")
            w.elements([&](std::size_t) {
                if (auto tag = detail::unescaped(w.text()); !tag.empty())
                    out.tags.push_back(std::move(tag));
            });
    });
    out.synthetic = out.has_tag("synthetic");
    return out;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
