#include "support.hpp"

#include <mad/host/identity.hpp>
#include <mad/host/json.hpp>
#include <mad/host/sampler.hpp>

using namespace host_test;
using host::scope;
using host::scope_choice;
using host::source;

namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t machine_memory = 1000 * mib;

/// A machine of four CPUs whose process 1 is the one that is watched.
struct machine {
    tree files;
    hand_clock clock;
    unsigned affinity = 4;
    std::uint64_t steps = 0;

    machine() {
        files
            .put("proc/meminfo", "MemTotal: 1024000 kB\nMemAvailable: 512000 kB\n"
                                 "SwapTotal: 204800 kB\nSwapFree: 204800 kB\n")
            .put("proc/self/cgroup", "0::/not-this-one\n")
            .put("root/x", "");
        step();
    }

    /// CPUs of the machine are busy for one quarter.
    void step(duration time = 2500ms) {
        ++steps;
        auto const busy = std::to_string(steps * 250), idle = std::to_string(steps * 750);
        std::string text = "cpu " + busy + " 0 0 " + idle + "\n";
        for (auto cpu : {"cpu0", "cpu1", "cpu2", "cpu3"})
            text += std::string(cpu) + " " + std::to_string(steps * 62) + " 0 0 " +
                    std::to_string(steps * 188) + "\n";
        files.put("proc/stat", text);
        clock.advance(time);
    }

    host::sampler_settings settings(scope_choice view) {
        host::sampler_settings s;
        s.where = files.roots();
        s.where.root = files.path("root");
        s.view = view;
        s.time = &clock;
        s.statvfs = [](char const*, host::fs_space& out) {
            out = space(50);
            return 0;
        };
        s.boot_time = [this] { return clock.now().time_since_epoch(); };
        s.affinity = [this] { return affinity; };
        s.ticks_per_s = 100;
        return s;
    }

    machine& v2(std::string const& path = "/system.slice/docker-8c1f.scope") {
        files.put("proc/1/cgroup", "0::" + path + "\n")
            .put("proc/1/mountinfo",
                 "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n");
        dir = "sys/fs/cgroup" + (path == "/" ? std::string() : path);
        return *this;
    }
    machine& v1(std::string const& path = "/docker/8c1f", bool unified = false) {
        files
            .put("proc/1/cgroup", "5:cpu,cpuacct:" + path + "\n4:memory:" + path + "\n" +
                                      (unified ? "0::/elsewhere\n" : ""))
            .put("proc/1/mountinfo",
                 std::string("31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup "
                             "rw,cpu,cpuacct\n"
                             "32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n") +
                     (unified ? "33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 x rw\n" : ""));
        cpu_dir = "sys/fs/cgroup/cpu,cpuacct" + path;
        dir = "sys/fs/cgroup/memory" + path;
        return *this;
    }

    machine& put_v2(std::string const& at, std::string const& memory_max,
                    std::string const& cpu_max) {
        files.put(at + "/memory.max", memory_max + "\n").put(at + "/cpu.max", cpu_max + "\n");
        return *this;
    }
    /// What the group uses: memory, its idle file cache, CPU and throttled time in us.
    machine& use_v2(std::string const& at, std::uint64_t bytes, std::uint64_t cache,
                    std::uint64_t cpu_us, std::uint64_t throttled_us) {
        auto const n = [](std::uint64_t v) { return std::to_string(v); };
        files.put(at + "/memory.current", n(bytes) + "\n")
            .put(at + "/memory.stat", "anon 1\ninactive_file " + n(cache) + "\n")
            .put(at + "/cpu.stat", "usage_usec " + n(cpu_us) + "\nuser_usec 1\nnr_throttled 1\n" +
                                       "throttled_usec " + n(throttled_us) + "\n");
        return *this;
    }

    std::string dir, cpu_dir;
};

std::string health(host::sample const& s) {
    std::string out;
    host::append_health_json(out, s);
    return out;
}

} // namespace

TEST_CASE("a container with limits in v2 is shown as what it may use") {
    machine m;
    m.v2().put_v2(m.dir, "104857600", "50000 100000");
    m.use_v2(m.dir, 60 * mib, 10 * mib, 1'000'000, 0);
    host::sampler s(m.settings(scope_choice::automatic));
    auto const& first = s.take();
    CHECK(first.scope == scope::cgroup);
    CHECK(first.usable_cpus == 0.5);
    CHECK_FALSE(first.cpu);
    CHECK(first.memory->total == 100 * mib);
    CHECK(first.memory->available == 50 * mib);
    CHECK(first.memory->pct == Approx(50));

    // 0.3 s of CPU in 2.5 s, where half a CPU is 1.25 s; held back for 0.5 s.
    m.step();
    m.use_v2(m.dir, 200 * mib, 10 * mib, 1'300'000, 500'000);
    auto const& next = s.take();
    REQUIRE(next.cpu);
    CHECK(next.cpu->pct == Approx(24));
    CHECK(*next.cpu->throttled == Approx(20));
    CHECK(next.cpu->user == Approx(25));
    CHECK(next.memory->available == 0);
    CHECK(next.memory->pct == Approx(100));
    CHECK_FALSE(next.memory->swap_total);
    CHECK_FALSE(next.failed.has(source::cgroup));
    CHECK(health(next).find(R"("throttled":20.0,"usable":0.5,)") != std::string::npos);

    // More than the quota is the quota.
    m.step();
    m.use_v2(m.dir, 60 * mib, 90 * mib, 9'000'000, 9'000'000);
    CHECK(s.take().cpu->pct == Approx(100));
    CHECK(*s.last().cpu->throttled == Approx(100));
    CHECK(s.last().memory->available == 100 * mib);
}

TEST_CASE("the same container in v1 and in a hybrid") {
    auto const unified = GENERATE(false, true);
    CAPTURE(unified);
    machine m;
    m.v1("/docker/8c1f", unified);
    auto const use = [&](std::string ns, std::string throttled_ns) {
        m.files.put(m.dir + "/memory.limit_in_bytes", "104857600\n")
            .put(m.dir + "/memory.usage_in_bytes", "62914560\n")
            .put(m.dir + "/memory.stat", "inactive_file 1\ntotal_inactive_file 10485760\n")
            .put(m.dir + "/memory.memsw.limit_in_bytes", "157286400\n")
            .put(m.dir + "/memory.memsw.usage_in_bytes", "73400320\n")
            .put(m.cpu_dir + "/cpu.cfs_quota_us", "50000\n")
            .put(m.cpu_dir + "/cpu.cfs_period_us", "100000\n")
            .put(m.cpu_dir + "/cpuacct.usage", ns + "\n")
            .put(m.cpu_dir + "/cpu.stat",
                 "nr_periods 1\nnr_throttled 1\nthrottled_time " + throttled_ns + "\n");
        for (auto top : {"sys/fs/cgroup/memory", "sys/fs/cgroup/memory/docker"})
            m.files.put(std::string(top) + "/memory.limit_in_bytes", "9223372036854771712\n");
        m.files.put("sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "-1\n")
            .put("sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n");
    };
    use("1000000000", "0");
    host::sampler s(m.settings(scope_choice::automatic));
    s.take();
    m.step();
    use("1300000000", "500000000");
    auto const& next = s.take();
    CHECK(next.scope == scope::cgroup);
    CHECK(next.usable_cpus == 0.5);
    CHECK(next.cpu->pct == Approx(24));
    CHECK(*next.cpu->throttled == Approx(20));
    CHECK(next.memory->total == 100 * mib);
    CHECK(next.memory->available == 50 * mib);
    CHECK(next.memory->swap_total == 50 * mib);
    CHECK(next.memory->swap_used == 10 * mib);
    CHECK_FALSE(next.failed.has(source::cgroup));
}

TEST_CASE("v1 counts CPU time in a hierarchy of its own where it is mounted so") {
    machine m;
    m.files.put("proc/1/cgroup", "5:cpuacct:/acct\n4:cpu:/docker/8c1f\n")
        .put("proc/1/mountinfo", "31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
                                 "32 30 0:28 / /sys/fs/cgroup/cpuacct rw - cgroup x rw,cpuacct\n")
        .put("sys/fs/cgroup/cpu/docker/8c1f/cpu.cfs_quota_us", "100000\n")
        .put("sys/fs/cgroup/cpu/docker/8c1f/cpu.cfs_period_us", "100000\n")
        .put("sys/fs/cgroup/cpuacct/acct/cpuacct.usage", "0\n");
    host::sampler s(m.settings(scope_choice::automatic));
    s.take();
    m.step();
    m.files.put("sys/fs/cgroup/cpuacct/acct/cpuacct.usage", "250000000\n");
    CHECK(s.take().cpu->pct == Approx(10));
    // No group counts memory: it stays the machine's.
    CHECK(s.last().memory->total == machine_memory);
    CHECK_FALSE(s.last().cpu->throttled);
    CHECK_FALSE(s.last().failed.has(source::cgroup));
}

TEST_CASE("the smallest limit on the way up holds, with the use of the group that has it") {
    machine m;
    m.v2("/kubepods/pod/ctr");
    m.put_v2("sys/fs/cgroup/kubepods/pod/ctr", "max", "200000 100000");
    m.put_v2("sys/fs/cgroup/kubepods/pod", "104857600", "100000 100000");
    m.put_v2("sys/fs/cgroup/kubepods", "524288000", "max 100000");
    m.use_v2("sys/fs/cgroup/kubepods/pod/ctr", 1 * mib, 0, 0, 0);
    m.use_v2("sys/fs/cgroup/kubepods/pod", 80 * mib, 5 * mib, 0, 0);
    host::sampler s(m.settings(scope_choice::automatic));
    CHECK(s.take().memory->total == 100 * mib);
    CHECK(s.last().memory->available == 25 * mib);
    CHECK(s.last().usable_cpus == 1.0);
    m.step();
    m.use_v2("sys/fs/cgroup/kubepods/pod/ctr", 1 * mib, 0, 250'000, 0);
    m.use_v2("sys/fs/cgroup/kubepods/pod", 80 * mib, 5 * mib, 500'000, 0);
    CHECK(s.take().cpu->pct == Approx(20));
}

TEST_CASE("inside a cgroup namespace the group is the top of what is mounted") {
    machine m;
    m.v2("/").put_v2(m.dir, "104857600", "max 100000");
    m.use_v2(m.dir, 25 * mib, 0, 0, 0);
    m.files.put("root/.dockerenv", "");
    host::sampler s(m.settings(scope_choice::automatic));
    CHECK(s.take().scope == scope::cgroup);
    CHECK(s.last().memory->pct == Approx(25));
    // Without a quota the share is of all CPUs, and nothing is throttled.
    m.step();
    m.use_v2(m.dir, 25 * mib, 0, 5'000'000, 0);
    CHECK(s.take().cpu->pct == Approx(50));
    CHECK_FALSE(s.last().cpu->throttled);
    CHECK(s.last().usable_cpus == 4.0);
}

TEST_CASE("what does not limit is no limit") {
    auto const memory = GENERATE(as<std::string>{}, "max", "9223372036854771712",
                                 "18446744073709551615", "1048576000", "2000000000");
    CAPTURE(memory);
    machine m;
    m.v2().put_v2(m.dir, memory, "max 100000");
    m.use_v2(m.dir, 25 * mib, 0, 0, 0);
    host::sampler s(m.settings(scope_choice::automatic));
    CHECK(s.take().scope == scope::host);
    CHECK(s.last().memory->total == machine_memory);
    CHECK(s.last().usable_cpus == 4.0);
    CHECK(s.last().failed.has(source::cgroup) == false);
}

TEST_CASE("CPUs are the smaller of quota and affinity") {
    struct row {
        std::string quota;
        unsigned affinity;
        double usable;
    };
    auto const r = GENERATE(values<row>({
        {"50000 100000", 4, 0.5},
        {"300000 100000", 4, 3},
        {"300000 100000", 2, 2},
        {"900000 100000", 4, 4},
        {"900000 100000", 0, 4}, // unknown: those online
        {"1000 1000000", 4, 0.001},
    }));
    CAPTURE(r.quota, r.affinity);
    machine m;
    m.affinity = r.affinity;
    m.v2().put_v2(m.dir, "max", r.quota);
    m.use_v2(m.dir, 25 * mib, 0, 0, 0);
    host::sampler s(m.settings(scope_choice::automatic));
    CHECK(*s.take().usable_cpus == Approx(r.usable));
    CHECK(s.last().scope == scope::cgroup);
    // The limit of CPUs is no limit of memory: what the group uses of the machine's.
    CHECK(s.last().memory->total == machine_memory);
    CHECK(s.last().memory->pct == Approx(2.5));
}

TEST_CASE("a limit alone, or a container alone, changes no numbers") {
    struct row {
        char const* what;
        std::string path, limit;
        scope_choice view;
        scope shown;
        char const* marker; // a file in the root
    };
    auto const r = GENERATE(values<row>({
        {"a limited service of a host", "/system.slice/mad.service", "104857600",
         scope_choice::automatic, scope::host, "x"},
        {"docker", "/", "104857600", scope_choice::automatic, scope::cgroup, ".dockerenv"},
        {"podman", "/", "104857600", scope_choice::automatic, scope::cgroup, "run/.containerenv"},
        {"nspawn", "/", "104857600", scope_choice::automatic, scope::cgroup,
         "run/systemd/container"},
        {"its path", "/kubepods/x", "104857600", scope_choice::automatic, scope::cgroup, "x"},
        {"no limit", "/kubepods/x", "max", scope_choice::automatic, scope::host, ".dockerenv"},
        {"host asked for", "/kubepods/x", "104857600", scope_choice::host, scope::host,
         ".dockerenv"},
        {"group asked for", "/system.slice/mad.service", "104857600", scope_choice::cgroup,
         scope::cgroup, "x"},
    }));
    CAPTURE(r.what);
    machine m;
    m.v2(r.path).put_v2(m.dir, r.limit, "max 100000");
    m.use_v2(m.dir, 25 * mib, 0, 0, 0);
    m.files.put(std::string("root/") + r.marker, "");
    host::sampler s(m.settings(r.view));
    CHECK(s.take().scope == r.shown);
    CHECK(s.last().memory->total == (r.shown == scope::cgroup ? 100 * mib : machine_memory));
    CHECK_FALSE(s.last().failed.has(source::cgroup));
}

TEST_CASE("the environment of process 1 makes a container too") {
    machine m;
    m.v2("/").put_v2(m.dir, "104857600", "max 100000");
    m.use_v2(m.dir, 25 * mib, 0, 0, 0);
    m.files.put("proc/1/environ", std::string_view("A=b\0container=lxc\0", 18));
    CHECK(host::sampler(m.settings(scope_choice::automatic)).take().scope == scope::cgroup);
}

TEST_CASE("without a root of its own the process is this one, not process 1") {
    machine m;
    m.v2("/kubepods/x").put_v2(m.dir, "104857600", "max 100000");
    m.use_v2(m.dir, 25 * mib, 0, 0, 0);
    m.files.put("proc/self/cgroup", "0::/kubepods/x\n")
        .put("proc/self/mountinfo", slurp(m.files.path("proc/1/mountinfo")))
        .drop("proc/1");
    auto settings = m.settings(scope_choice::automatic);
    settings.where.root.clear();
    CHECK(host::sampler(settings).take().scope == scope::cgroup);
}

TEST_CASE("a group asked for that has no limit shows its use of the machine") {
    machine m;
    m.v2("/system.slice/mad.service").put_v2(m.dir, "max", "max 100000");
    m.use_v2(m.dir, 120 * mib, 20 * mib, 0, 0);
    host::sampler s(m.settings(scope_choice::cgroup));
    s.take();
    m.step();
    m.use_v2(m.dir, 120 * mib, 20 * mib, 1'000'000, 0);
    CHECK(s.take().scope == scope::cgroup);
    CHECK(s.last().memory->total == machine_memory);
    CHECK(s.last().memory->pct == Approx(10));
    CHECK(s.last().cpu->pct == Approx(10));
    CHECK(s.last().usable_cpus == 4.0);
    CHECK(s.last().failed.has(source::cgroup) == false);
}

TEST_CASE("a group asked for where there is none leaves the host's view, and says so") {
    machine m;
    host::sampler s(m.settings(scope_choice::cgroup));
    CHECK(s.take().scope == scope::host);
    CHECK(s.last().failed.has(source::cgroup));
    CHECK(s.last().memory->total == machine_memory);
    host::sampler quiet(m.settings(scope_choice::automatic));
    CHECK_FALSE(quiet.take().failed.has(source::cgroup));
}

TEST_CASE("limits that change while running show at once, new ones within a minute") {
    machine m;
    m.v2().put_v2(m.dir, "max", "max 100000");
    m.use_v2(m.dir, 50 * mib, 0, 0, 0);
    host::sampler s(m.settings(scope_choice::automatic));
    CHECK(s.take().scope == scope::host);
    m.put_v2(m.dir, "104857600", "max 100000");
    m.step();
    CHECK(s.take().scope == scope::host);
    m.step(60s);
    CHECK(s.take().scope == scope::cgroup);
    CHECK(s.last().memory->pct == Approx(50));
    m.put_v2(m.dir, "209715200", "200000 100000");
    m.step();
    CHECK(s.take().memory->pct == Approx(25));
    CHECK(s.last().usable_cpus == 2.0);
    m.put_v2(m.dir, "max", "max 100000");
    m.step();
    CHECK(s.take().scope == scope::host);
    CHECK(s.last().memory->total == machine_memory);
    CHECK(s.last().cpu);
}

TEST_CASE("use that falls, and another group that limits, have no rate for once") {
    machine m;
    m.v2("/kubepods/pod").put_v2(m.dir, "max", "100000 100000");
    m.use_v2(m.dir, 50 * mib, 0, 5'000'000, 5'000'000);
    m.put_v2("sys/fs/cgroup/kubepods", "max", "max 100000");
    m.use_v2("sys/fs/cgroup/kubepods", 50 * mib, 0, 90'000'000, 0);
    host::sampler s(m.settings(scope_choice::automatic));
    s.take();
    m.step();
    m.use_v2(m.dir, 50 * mib, 0, 1'000, 1'000);
    CHECK_FALSE(s.take().cpu);
    m.step();
    m.use_v2(m.dir, 50 * mib, 0, 251'000, 1'000);
    CHECK(s.take().cpu->pct == Approx(10));
    CHECK(*s.last().cpu->throttled == Approx(0));
    // The group above now has the smaller quota.
    m.put_v2("sys/fs/cgroup/kubepods", "max", "50000 100000");
    m.step();
    CHECK_FALSE(s.take().cpu);
    CHECK(s.last().usable_cpus == 0.5);
    m.step();
    m.use_v2("sys/fs/cgroup/kubepods", 50 * mib, 0, 90'250'000, 0);
    CHECK(s.take().cpu->pct == Approx(20));
}

TEST_CASE("files of a group that fail leave out what they tell, and nothing else") {
    struct row {
        char const* file;
        bool has_memory, has_cpu;
    };
    auto const r = GENERATE(values<row>({
        {"memory.max", false, true},
        {"memory.current", false, true},
        {"cpu.max", true, false},
        {"cpu.stat", true, false},
    }));
    auto const vanish = GENERATE(false, true);
    CAPTURE(r.file, vanish);
    machine m;
    m.v2().put_v2(m.dir, "104857600", "50000 100000");
    m.use_v2(m.dir, 50 * mib, 0, 0, 0);
    host::sampler s(m.settings(scope_choice::automatic));
    s.take();
    m.step();
    CHECK(s.take().cpu);
    auto const path = m.dir + "/" + r.file;
    auto const good = slurp(m.files.path(path));
    m.step();
    m.files.put(path, vanish ? "" : "\xff\xfe rubbish \x01\n");
    auto const& spoilt = s.take();
    CHECK(spoilt.scope == scope::cgroup);
    CHECK(spoilt.failed.has(source::cgroup));
    CHECK(spoilt.memory.has_value() == r.has_memory);
    CHECK(spoilt.cpu.has_value() == r.has_cpu);
    CHECK(health(spoilt).find(R"("err":["disk","io","net")") == std::string::npos);
    m.step();
    m.files.put(path, good);
    CHECK_FALSE(s.take().failed.has(source::cgroup));
    CHECK(s.last().memory->pct == Approx(50));
    m.step();
    CHECK(s.take().cpu);
}

TEST_CASE("a process that was moved is found in its new group") {
    machine m;
    m.v2("/kubepods/a").put_v2(m.dir, "104857600", "max 100000");
    m.use_v2(m.dir, 50 * mib, 0, 0, 0);
    host::sampler s(m.settings(scope_choice::automatic));
    CHECK(s.take().memory->total == 100 * mib);
    m.v2("/kubepods/b").put_v2(m.dir, "209715200", "max 100000");
    m.use_v2(m.dir, 50 * mib, 0, 0, 0);
    m.step(60s);
    CHECK(s.take().memory->total == 200 * mib);
    m.v2("/no-container").put_v2(m.dir, "209715200", "max 100000");
    m.step(60s);
    CHECK(s.take().scope == scope::host);
    CHECK(s.last().memory->total == machine_memory);
    CHECK_FALSE(s.last().failed.has(source::cgroup));
}

TEST_CASE("swap of a group is bounded by the machine's") {
    struct row {
        std::string max, current;
        std::optional<std::uint64_t> total, used;
    };
    auto const r = GENERATE(values<row>({
        {"max", "10485760", 200 * mib, 10 * mib},
        {"104857600", "10485760", 100 * mib, 10 * mib},
        {"0", "0", 0u, 0u},
        {"999999999999", "5", 200 * mib, 5u},
        {"", "5", {}, {}},
    }));
    CAPTURE(r.max);
    machine m;
    m.v2().put_v2(m.dir, "104857600", "max 100000");
    m.use_v2(m.dir, 50 * mib, 0, 0, 0);
    if (!r.max.empty())
        m.files.put(m.dir + "/memory.swap.max", r.max + "\n");
    m.files.put(m.dir + "/memory.swap.current", r.current + "\n");
    host::sampler s(m.settings(scope_choice::automatic));
    CHECK(s.take().memory->swap_total == r.total);
    CHECK(s.last().memory->swap_used == r.used);
}

TEST_CASE("pressure is the group's where it has any, else the machine's") {
    machine m;
    m.v2().put_v2(m.dir, "104857600", "max 100000");
    m.use_v2(m.dir, 50 * mib, 0, 0, 0);
    m.files.put("proc/pressure/cpu", "some avg10=0 avg60=90 avg300=0 total=1\n");
    host::sampler s(m.settings(scope_choice::automatic));
    CHECK(s.take().psi.cpu->some_60s == 90);
    m.files.put(m.dir + "/cpu.pressure", "some avg10=0 avg60=10 avg300=0 total=1\n"
                                         "full avg10=0 avg60=5 avg300=0 total=1\n");
    m.step(60s);
    CHECK(s.take().psi.cpu->some_60s == 10);
    CHECK(s.last().psi.cpu->full_60s == 5);
    host::sampler all(m.settings(scope_choice::host));
    CHECK(all.take().psi.cpu->some_60s == 90);
}

TEST_CASE("identity follows the view of the samples") {
    machine m;
    m.v2().put_v2(m.dir, "104857600", "150000 100000");
    m.use_v2(m.dir, 50 * mib, 0, 0, 0);
    auto const settings = m.settings(scope_choice::automatic);
    auto who = host::read_identity(settings.where);
    CHECK(who.scope == "host");
    CHECK(who.cpus == 4u);
    host::sampler s(settings);
    CHECK(host::follow(who, s.take()));
    CHECK(who.scope == "cgroup");
    CHECK(who.cpus == 2u); // one and a half
    CHECK(who.memory == 100 * mib);
    CHECK(who.caps == host::capabilities{false, false});
    m.step();
    CHECK_FALSE(host::follow(who, s.take()));
    m.put_v2(m.dir, "209715200", "150000 100000");
    m.step();
    CHECK(host::follow(who, s.take()));
    CHECK(who.memory == 200 * mib);
    // What fails is no news.
    m.files.put(m.dir + "/memory.max", "rubbish\n");
    m.step();
    CHECK_FALSE(host::follow(who, s.take()));
    m.files.put("proc/pressure/io", "some avg60=1 total=1\n");
    m.files.put(m.dir + "/memory.max", "209715200\n");
    m.step(60s);
    CHECK(host::follow(who, s.take()));
    CHECK(who.caps->psi);
    std::string info;
    host::append_info_json(info, who);
    CHECK(info.find(R"("scope":"cgroup")") != std::string::npos);
    CHECK(info.find(R"("caps":{"psi":true,"temp":false}})") != std::string::npos);
    m.files.put("proc/pressure/io", "rubbish");
    m.step();
    CHECK_FALSE(host::follow(who, s.take()));
}
