// Rates: whatever two readings hold and however far apart they are, what comes out is finite, not
// negative, within its range, and valid JSON of bounded size. Byte 0 chooses the meter, bytes 1 to
// 3 steer time and roles; the readings follow, parted by byte 0xff.
#include "fuzz_support.hpp"

#include <mad/core/json.hpp>
#include <mad/host/cpu_meter.hpp>
#include <mad/host/disk_meter.hpp>
#include <mad/host/json.hpp>
#include <mad/host/net_meter.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace {

using namespace mad::host;

/// Facts that depend on nothing but a name and the input.
class odd_nics final : public nic_source {
  public:
    explicit odd_nics(unsigned steer)
        : steer_(steer) {}

    nic_facts facts(std::string_view name) override {
        return {(bits(name) & 1) != 0, bits(name) & 2 ? 1u : 772u, (bits(name) & 4) != 0,
                bits(name) & 8 ? std::string_view("eth0") : std::string_view()};
    }
    unsigned index(std::string_view name) override { return bits(name) & 16 ? ++index_ / 3 : 0; }
    std::optional<double> speed_mbit(std::string_view name) override {
        return bits(name) & 32 ? std::optional(1000.0) : std::nullopt;
    }
    void refresh_routes() override {}
    bool leads_out(std::string_view name) override { return bits(name) & 64; }

  private:
    unsigned bits(std::string_view name) const {
        return steer_ ^ static_cast<unsigned>(name.size() * 37);
    }

    unsigned steer_, index_ = 0;
};

bool is_percent(double p) {
    return p >= 0 && p <= 100;
}

void check(sample const& s) {
    if (s.cpu)
        for (double p : {s.cpu->pct, s.cpu->user, s.cpu->system, s.cpu->iowait, s.cpu->steal})
            FUZZ_CHECK(is_percent(p));
    for (auto const& c : s.cores)
        FUZZ_CHECK(!c || is_percent(*c));
    FUZZ_CHECK(!s.io || !s.io->read || *s.io->read <= max_disk_rate * 1000);
    for (auto const& d : s.disks) {
        FUZZ_CHECK(!d.rates.read || (*d.rates.read >= 0 && *d.rates.read <= max_disk_rate));
        FUZZ_CHECK(!d.rates.util || is_percent(*d.rates.util));
        FUZZ_CHECK(!d.rates.queue || (*d.rates.queue >= 0 && std::isfinite(*d.rates.queue)));
    }
    for (auto const& n : s.nics)
        FUZZ_CHECK(!n.rates.rx || (*n.rates.rx >= 0 && *n.rates.rx <= max_nic_rate));
    FUZZ_CHECK(std::isfinite(s.network) && s.network >= 0);

    static std::string text;
    text.clear();
    append_health_json(text, s);
    FUZZ_CHECK(text.size() <= max_health_bytes);
    FUZZ_CHECK(mad::json::accept(text));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const which = in.byte() % 3;
    auto const pace = in.byte();
    auto const steer = in.byte() | in.byte() << 8u;

    cpu_meter cpu(100);
    disk_meter disks([&](std::string_view name) {
        return static_cast<disk_role>((name.size() + static_cast<unsigned>(steer)) % 3);
    });
    odd_nics source(static_cast<unsigned>(steer));
    net_meter nics({}, source);
    proc_stat stat;
    std::vector<disk_stats> disk_lines;
    std::vector<nic_stats> nic_lines;
    mad::time_point at{mad::seconds(1000)};

    auto rest = in.rest();
    for (unsigned round = 0; round < 16 && !rest.empty(); ++round) {
        auto const end = rest.find('\xff');
        auto const text = rest.substr(0, end);
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
        sample out;
        if (which == 0 && parse_proc_stat(text, stat))
            cpu.update(stat, at, out);
        if (which == 1) {
            parse_diskstats(text, disk_lines);
            disks.update(disk_lines, at, out);
        }
        if (which == 2) {
            parse_net_dev(text, nic_lines);
            nics.update(nic_lines, at, out);
        }
        check(out);
        at += mad::milliseconds(pace * 50 * (round % 3));
    }
    return 0;
}
