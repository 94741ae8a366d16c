#include "support.hpp"

#include <mad/host/json.hpp>
#include <mad/host/sampler.hpp>
#include <mad/host/scan.hpp>

#include <algorithm>
#include <cstdlib>

using namespace host_test;
using mad::host::sample;
using mad::host::sampler;
using mad::host::sampler_settings;
using mad::host::source;

namespace {

/// A machine made of files, with a clock of its own.
struct machine {
    tree files;
    hand_clock clock;
    duration slept{}, worked{};
    fake_disks disks;

    sampler_settings settings() {
        sampler_settings s;
        s.where = files.roots();
        s.time = &clock;
        s.statvfs = [this](char const* path, host::fs_space& out) { return disks(path, out); };
        s.boot_time = [this] { return clock.now().time_since_epoch() + slept; };
        s.process_time = [this] { return worked; };
        s.ticks_per_s = 100;
        s.page_bytes = 4096;
        return s;
    }

    /// The table of a stored tree: a path, then its numbers or `errno` and one.
    void read_disks(std::string text) {
        std::string_view rest = text;
        while (!rest.empty()) {
            auto line = host::next_line(rest);
            auto const path = host::unescape_mount(host::next_word(line));
            if (path.empty() || path[0] == '#')
                continue;
            if (auto rest_of_line = line; host::next_word(rest_of_line) == "errno") {
                disks.errors[path] = static_cast<int>(host::next_number(rest_of_line).value());
                continue;
            }
            auto const next = [&] { return host::next_number(line).value(); };
            host::fs_space s;
            for (auto* field :
                 {&s.fragment_bytes, &s.blocks, &s.free, &s.available, &s.files, &s.files_free})
                *field = next();
            s.read_only = next() != 0;
            disks.spaces[path] = s;
        }
    }

    /// A small machine with one of each: CPU, disk, interface.
    void put_small(std::uint64_t steps) {
        auto const n = [&](std::uint64_t per_step) { return std::to_string(steps * per_step); };
        files.put("proc/stat", "cpu " + n(50) + " 0 0 " + n(200) + "\ncpu0 " + n(50) + " 0 0 " +
                                   n(200) + "\nbtime 1\nprocs_running 1\nprocs_blocked 2\n");
        files.put("proc/diskstats", "8 0 sda " + n(10) + " 0 " + n(1000) + " 0 0 0 0 0 0 " + n(25) +
                                        " " + n(25) + "\n");
        files.put("proc/net/dev",
                  "|\n|\neth0: " + n(250'000) + " 0 0 0 0 0 0 0 " + n(62'500) + " 0 0 0 0 0 0 0\n");
    }

    void put_rest() {
        files.put("proc/loadavg", "0.5 0.5 0.5 1/10 5\n")
            .put("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n")
            .put("proc/uptime", "77.5 70\n")
            .put("proc/self/statm", "100 50 1 1 1 1 1\n")
            .put("proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n")
            .put("sys/block/sda/size", "1\n")
            .put("sys/class/net/eth0/type", "1\n")
            .put("sys/class/net/eth0/device/vendor", "1\n");
        disks.spaces["/"] = space(40);
    }
};

std::string health(sample const& s) {
    std::string out;
    host::append_health_json(out, s);
    return out;
}

/// Stored texts are broken into lines to be read; a message is not.
std::string without_newlines(std::string s) {
    std::erase(s, '\n');
    return s;
}

} // namespace

TEST_CASE("stored machines of several kernels come out as worked out apart") {
    // The expected texts were computed from the stored counters by other code than ours.
    auto const name = GENERATE(as<std::string>{}, "linux-2.6.18-i686", "linux-2.6.32-raid",
                               "linux-3.10-bonded", "linux-4.19-armv7", "linux-5.15-lxc",
                               "linux-5.15-storage", "linux-6.1-kvm", "linux-6.1-raspberry",
                               "linux-6.6-laptop", "linux-6.8-container", "linux-6.12-128-cores");
    CAPTURE(name);
    auto const stored = data_dir() / name;
    machine m;
    m.files.lay(stored / "before");
    m.read_disks(slurp(stored / "statvfs"));
    sampler s(m.settings());
    auto const& first = s.take();
    CHECK_FALSE(first.cpu);
    CHECK_FALSE(first.io);
    CHECK_FALSE(first.net);
    CHECK(first.network == 0);
    CHECK(first.memory);
    CHECK(first.storage > 0);

    if (fs::exists(stored / "after"))
        m.files.lay(stored / "after");
    m.clock.advance(2500ms);
    m.worked += 1ms;
    CHECK(health(s.take()) == without_newlines(slurp(stored / "health.json")));
}

TEST_CASE("rates follow at every interval") {
    machine m;
    m.put_small(0);
    m.put_rest();
    sampler s(m.settings());
    CHECK(s.last().wall_ms == 0);
    s.take();
    for (std::uint64_t i = 1; i <= 100; ++i) {
        m.put_small(i);
        m.clock.advance(2500ms);
        m.clock.set_wall(1'700'000'000'000 + static_cast<std::int64_t>(i));
        auto const& now = s.take();
        REQUIRE(now.cpu);
        CHECK(now.cpu->pct == Approx(20));
        CHECK(now.cores == std::vector<std::optional<double>>{20.0});
        REQUIRE(now.io);
        CHECK(*now.io->reads == Approx(4));
        REQUIRE(now.net);
        CHECK(*now.net->rx == Approx(100'000));
        CHECK(now.network == Approx(1.0));
        CHECK(now.storage == Approx(40));
        CHECK(now.uptime_s == 77.5);
        CHECK(now.tasks->running == 1u);
        CHECK(now.tasks->total == 10u);
        CHECK(now.tasks->blocked == 2u);
        CHECK(now.wall_ms == 1'700'000'000'000 + static_cast<std::int64_t>(i));
        CHECK(now.failed.empty());
        CHECK(&now == &s.last());
    }
}

TEST_CASE("wall time that steps changes no rate") {
    machine m;
    m.put_small(0);
    m.put_rest();
    sampler s(m.settings());
    s.take();
    std::uint64_t steps = 0;
    for (std::int64_t wall : {std::int64_t{0}, std::int64_t{9'000'000'000'000}, std::int64_t{-5}}) {
        m.put_small(++steps);
        m.clock.set_wall(wall);
        m.clock.advance(2500ms);
        CHECK(s.take().network == Approx(1.0));
        CHECK(s.last().wall_ms == wall);
    }
}

TEST_CASE("a machine that slept has no rates until the next sample") {
    machine m;
    m.put_small(0);
    m.put_rest();
    sampler s(m.settings());
    s.take();
    m.put_small(1);
    m.clock.advance(2500ms);
    m.slept += 5000ms; // two intervals: could be anything
    CHECK(s.take().network == Approx(1.0));

    m.put_small(1000);
    m.clock.advance(2500ms);
    m.slept += 5001ms;
    auto const& woken = s.take();
    CHECK(woken.network == 0);
    CHECK_FALSE(woken.cpu);
    CHECK(woken.cores.empty());
    CHECK_FALSE(woken.io);
    CHECK_FALSE(woken.net);
    CHECK_FALSE(woken.agent.cpu_pct);
    CHECK(woken.memory);
    CHECK(woken.failed.empty());

    m.put_small(1001);
    m.clock.advance(2500ms);
    CHECK(s.take().network == Approx(1.0));
    // The clock of the boot falling behind is no sleep.
    m.put_small(1002);
    m.clock.advance(2500ms);
    m.slept -= 1h;
    CHECK(s.take().network == Approx(1.0));
}

TEST_CASE("samples in quick succession have gauges but no rates, and lose no baseline") {
    machine m;
    m.put_small(0);
    m.put_rest();
    sampler s(m.settings());
    s.take();
    for (int i = 0; i < 4; ++i) {
        m.clock.advance(20ms);
        auto const& now = s.take();
        CHECK_FALSE(now.cpu);
        CHECK_FALSE(now.net);
        CHECK_FALSE(now.agent.cpu_pct);
        CHECK(now.memory);
        CHECK(now.agent.rss == 50u * 4096);
    }
    m.put_small(1);
    m.clock.advance(2420ms);
    m.worked += 5ms;
    CHECK(s.take().network == Approx(1.0));
    CHECK(*s.last().agent.cpu_pct == Approx(0.2));
}

TEST_CASE("one source that cannot be read stops no other, and begins with a baseline when it can") {
    struct row {
        std::string file;
        source failed;
    };
    auto const r = GENERATE(values<row>({
        {"proc/stat", source::cpu},
        {"proc/loadavg", source::load},
        {"proc/meminfo", source::mem},
        {"proc/net/dev", source::net},
        {"proc/uptime", source::up},
        {"proc/self/statm", source::agent},
        {"proc/self/mountinfo", source::disk},
    }));
    CAPTURE(r.file);
    machine m;
    m.put_small(0);
    m.put_rest();
    auto const good = slurp(m.files.path(r.file));
    m.files.put(r.file, "");
    sampler s(m.settings());
    s.take();
    m.put_small(1);
    m.files.put(r.file, "rubbish\n");
    m.clock.advance(2500ms);
    auto const& now = s.take();
    for (unsigned i = 0; i < static_cast<unsigned>(source::count_); ++i)
        CHECK(now.failed.has(static_cast<source>(i)) == (static_cast<source>(i) == r.failed));
    CHECK(now.cpu.has_value() == (r.failed != source::cpu));
    CHECK(now.load.has_value() == (r.failed != source::load));
    CHECK(now.memory.has_value() == (r.failed != source::mem));
    CHECK(now.net.has_value() == (r.failed != source::net));
    CHECK(now.uptime_s.has_value() == (r.failed != source::up));
    CHECK(now.agent.rss.has_value() == (r.failed != source::agent));
    CHECK(now.filesystems.empty() == (r.failed == source::disk));
    CHECK(now.io.has_value());
    CHECK(now.storage == Approx(40));
    CHECK(health(now).find(R"("err":[")" + std::string(to_string(r.failed)) + R"("])") !=
          std::string::npos);

    m.files.put(r.file, good);
    m.clock.advance(2500ms);
    CHECK(s.take().failed.empty());
    if (r.failed == source::cpu)
        CHECK_FALSE(s.last().cpu);
    if (r.failed == source::net)
        CHECK_FALSE(s.last().net);
}

TEST_CASE("each file that is missing takes its own part away and nothing else") {
    struct row {
        std::string file;
        std::optional<source> failed;
        std::string key; // of the part that goes
    };
    auto const r = GENERATE(values<row>({
        {"proc/stat", source::cpu, "cpu"},
        {"proc/loadavg", source::load, "load"},
        {"proc/meminfo", source::mem, "mem"},
        {"proc/diskstats", source::io, "io"},
        {"proc/net/dev", source::net, "net"},
        {"proc/uptime", source::up, "up"},
        {"proc/self/mountinfo", source::disk, "disk"},
        {"proc/self/statm", source::agent, ""},
        {"sys/class/hwmon", {}, "temp"}, // many machines have none
        {"sys/block", {}, "io"},
    }));
    CAPTURE(r.file);
    machine m;
    auto const stored = data_dir() / "linux-2.6.32-raid";
    m.files.lay(stored / "before");
    m.read_disks(slurp(stored / "statvfs"));
    m.files.drop(r.file);
    sampler s(m.settings());
    s.take();
    m.files.lay(stored / "after").drop(r.file);
    m.clock.advance(2500ms);
    auto const text = health(s.take());
    CAPTURE(text);
    for (std::string key : {"cpu", "load", "mem", "disk", "io", "net", "temp", "up"}) {
        CAPTURE(key);
        bool const there = text.find(",\"" + key + "\":") != std::string::npos;
        CHECK(there == (key != r.key));
    }
    CHECK((text.find("\"rss\":") != std::string::npos) == (r.file != "proc/self/statm"));
    auto const err =
        r.failed ? "\"err\":[\"" + std::string(to_string(*r.failed)) + "\"]" : "\"err\":[]";
    CHECK(text.ends_with(err + "}"));
}

TEST_CASE("a reading that failed loses no baseline: the next rate is over both intervals") {
    machine m;
    m.put_small(0);
    m.put_rest();
    sampler s(m.settings());
    s.take();
    for (auto file : {"proc/stat", "proc/net/dev"})
        m.files.put(file, "");
    m.clock.advance(2500ms);
    auto const& lost = s.take();
    CHECK_FALSE(lost.cpu);
    CHECK_FALSE(lost.net);
    CHECK(lost.network == 0);
    m.put_small(2);
    m.clock.advance(2500ms);
    auto const& next = s.take();
    CHECK(next.cpu->pct == Approx(20));
    CHECK(*next.net->rx == Approx(100'000));
    CHECK(next.network == Approx(1.0));
}

TEST_CASE("a machine without any file has the two original fields and every error") {
    machine m;
    sampler s(m.settings());
    s.take();
    m.clock.advance(2500ms);
    CHECK(health(s.take()) ==
          R"({"storage":0.0,"network":0,"agent":{"cpu":0},)"
          R"("err":["cpu","load","mem","disk","io","net","up","agent","storage"]})");
}

TEST_CASE("the cache of ZFS is looked for again within a minute when it is missing") {
    machine m;
    m.put_small(0);
    m.put_rest();
    sampler s(m.settings());
    CHECK(s.take().memory->pct == Approx(75));
    m.files.put("proc/spl/kstat/zfs/arcstats", "c_min 4 0\nsize 4 512000\n");
    m.clock.advance(2500ms);
    CHECK(s.take().memory->pct == Approx(75));
    m.clock.advance(60s);
    CHECK(s.take().memory->pct == Approx(25));
    m.files.put("proc/spl/kstat/zfs/arcstats", "c_min 4 0\nsize 4 256000\n");
    m.clock.advance(2500ms);
    CHECK(s.take().memory->pct == Approx(50));
}

TEST_CASE("the user's choice of interfaces reaches the meter") {
    machine m;
    m.put_small(0);
    m.put_rest();
    auto settings = m.settings();
    settings.nics.never = {"eth*"};
    sampler s(settings);
    s.take();
    m.put_small(1);
    m.clock.advance(2500ms);
    CHECK_FALSE(s.take().net);
}

TEST_CASE("a sampler may move") {
    machine m;
    m.put_small(0);
    m.put_rest();
    sampler a(m.settings());
    a.take();
    sampler b(std::move(a));
    m.put_small(1);
    m.clock.advance(2500ms);
    CHECK(b.take().network == Approx(1.0));
    sampler c;
    c = std::move(b);
    m.put_small(2);
    m.clock.advance(2500ms);
    CHECK(c.take().network == Approx(1.0));
}
