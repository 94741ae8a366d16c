#include "support.hpp"

#include <mad/host/cgroup.hpp>

using namespace host_test;
using host::cgroup_version;

namespace {

constexpr std::string_view v2_mount =
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr std::string_view v1_mounts =
    "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n";
constexpr std::string_view hybrid_mounts =
    "31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
    "32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
constexpr std::string_view bound_mount =
    "32 30 0:28 /docker/8c1f /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";

} // namespace

TEST_CASE("the group of a process is found in each arrangement of hierarchies") {
    struct row {
        char const* what;
        std::string groups;
        std::string mounts;
        std::string controller;
        std::optional<cgroup_version> version;
        std::string top, path;
    };
    auto const v1 = cgroup_version::v1, v2 = cgroup_version::v2;
    auto const r = GENERATE_REF(values<row>({
        {"v2", "0::/user.slice/a.scope\n", std::string(v2_mount), "memory", v2, "/sys/fs/cgroup",
         "/user.slice/a.scope"},
        {"v2, namespace", "0::/\n", std::string(v2_mount), "cpu", v2, "/sys/fs/cgroup", ""},
        {"v1", "4:memory:/docker/8c1f\n3:cpu,cpuacct:/docker/8c1f\n", std::string(v1_mounts), "cpu",
         v1, "/sys/fs/cgroup/cpu,cpuacct", "/docker/8c1f"},
        {"v1, second name", "4:memory:/x\n3:cpu,cpuacct:/y\n", std::string(v1_mounts), "cpuacct",
         v1, "/sys/fs/cgroup/cpu,cpuacct", "/y"},
        {"v1, its own path mounted", "4:memory:/docker/8c1f\n", std::string(bound_mount), "memory",
         v1, "/sys/fs/cgroup/memory", ""},
        {"v1, below what is mounted", "4:memory:/docker/8c1f/in\n", std::string(bound_mount),
         "memory", v1, "/sys/fs/cgroup/memory", "/in"},
        {"v1, another path mounted", "4:memory:/docker/8c1fa\n", std::string(bound_mount), "memory",
         v1, "/sys/fs/cgroup/memory", ""},
        {"v1, namespace over a mount from outside", "4:memory:/\n", std::string(bound_mount),
         "memory", v1, "/sys/fs/cgroup/memory", ""},
        {"hybrid", "4:memory:/m\n1:cpu:/c\n0::/u\n", std::string(hybrid_mounts), "memory", v1,
         "/sys/fs/cgroup/memory", "/m"},
        {"hybrid, no v1 hierarchy for it", "4:memory:/m\n0::/u\n", std::string(hybrid_mounts),
         "pids", v2, "/sys/fs/cgroup/unified", "/u"},
        {"hybrid, a v2 line whose mount is not there",
         "0::/u\n",
         std::string(v1_mounts),
         "memory",
         {},
         "",
         ""},
        {"the mount of a parent namespace", "0::/../../init.scope\n",
         "30 23 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "cpu", v2, "/sys/fs/cgroup",
         "/init.scope"},
        {"outside of what is seen", "0::/../other\n", std::string(v2_mount), "cpu", v2,
         "/sys/fs/cgroup", ""},
        {"colons in a name", "0::/a:b:c\n", std::string(v2_mount), "cpu", v2, "/sys/fs/cgroup",
         "/a:b:c"},
        {"blanks in a mount", "0::/a\n", "30 23 0:26 / /sys/fs/my\\040group rw - cgroup2 none rw\n",
         "cpu", v2, "/sys/fs/my group", "/a"},
        {"nothing mounted", "0::/a\n", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n", "cpu", {}, "", ""},
        {"no groups", "", std::string(v2_mount), "cpu", {}, "", ""},
        {"rubbish", "0:/a\n::\nx", std::string(v2_mount), "cpu", {}, "", ""},
    }));
    CAPTURE(r.what);
    std::vector<host::mount_entry> mounts;
    host::parse_mountinfo(r.mounts, mounts);
    auto const found = host::find_cgroup(r.groups, mounts, r.controller);
    REQUIRE(found.has_value() == r.version.has_value());
    if (!found)
        return;
    CHECK(found->version == *r.version);
    CHECK(found->top == r.top);
    CHECK(found->path == r.path);
}

TEST_CASE("limits of memory are a number or none") {
    struct row {
        std::string text;
        bool ok;
        std::optional<std::uint64_t> limit;
    };
    auto const r = GENERATE(values<row>({
        {"max\n", true, {}},
        {"67108864\n", true, 67108864u},
        {"9223372036854771712\n", true, 9223372036854771712u},
        {"0\n", true, 0u},
        {"", false, {}},
        {"-1\n", false, {}},
        {"maximum\n", false, {}},
        {"99999999999999999999\n", false, {}},
    }));
    CAPTURE(r.text);
    std::optional<std::uint64_t> limit;
    CHECK(host::parse_cgroup_limit(r.text, limit) == r.ok);
    CHECK(limit == r.limit);
}

TEST_CASE("quotas are CPUs, parts of one too") {
    struct row {
        std::string quota, period; // v2 when there is no period
        bool ok;
        std::optional<double> cpus;
    };
    auto const r = GENERATE(values<row>({
        {"max 100000\n", "", true, {}},
        {"50000 100000\n", "", true, 0.5},
        {"250000 100000\n", "", true, 2.5},
        {"1000 1000000\n", "", true, 0.001},
        {"0 100000\n", "", false, {}},
        {"50000 0\n", "", false, {}},
        {"50000\n", "", false, {}},
        {"-1 100000\n", "", false, {}},
        {"", "", false, {}},
        {"-1\n", "100000\n", true, {}},
        {"50000\n", "100000\n", true, 0.5},
        {"50000\n", "0\n", false, {}},
        {"50000\n", "x\n", false, {}},
        {"0\n", "100000\n", false, {}},
        {"\xfe\n", "100000\n", false, {}},
    }));
    CAPTURE(r.quota, r.period);
    std::optional<double> cpus = 7.0;
    auto const ok = r.period.empty() ? host::parse_cpu_max(r.quota, cpus)
                                     : host::parse_cfs_quota(r.quota, r.period, cpus);
    CHECK(ok == r.ok);
    CHECK(cpus == r.cpus);
}

TEST_CASE("values are found by the whole of their key") {
    auto const text = "file 1\ninactive_file 4096\nbad x\ntotal_inactive_file 8192\nlast 5";
    CHECK(host::cgroup_stat_value(text, "inactive_file") == 4096u);
    CHECK(host::cgroup_stat_value(text, "total_inactive_file") == 8192u);
    CHECK(host::cgroup_stat_value(text, "last") == 5u);
    CHECK_FALSE(host::cgroup_stat_value(text, "bad"));
    CHECK_FALSE(host::cgroup_stat_value(text, "inactive"));
}

TEST_CASE("a path tells whether an engine made it") {
    auto const engine =
        GENERATE(as<std::string>{}, "/docker/8c1f", "/system.slice/docker-8c1f.scope",
                 "/kubepods.slice/kubepods-burstable.slice/x", "/machine.slice/libpod-12.scope",
                 "/lxc.payload.web/init.scope", "/lxc/web", "/ecs/task/1", "/crio-12.scope");
    CAPTURE(engine);
    CHECK(host::names_container_engine(engine));
    CHECK(host::names_container_engine("0::" + engine));
    auto const other =
        GENERATE(as<std::string>{}, "/", "/system.slice/docker.service",
                 "/system.slice/mad-agent.service", "/user.slice/docker-notes.service",
                 "/init.scope", "/dockers", "/system.slice/lxcfs.service", "");
    CAPTURE(other);
    CHECK_FALSE(host::names_container_engine(other));
}

TEST_CASE("the environment of process 1 tells whether an engine started it") {
    using namespace std::string_view_literals;
    CHECK(host::environ_names_container("PATH=/bin\0container=podman\0"sv));
    CHECK(host::environ_names_container("container=lxc"sv));
    CHECK_FALSE(host::environ_names_container("container=\0X=container=1\0"sv));
    CHECK_FALSE(host::environ_names_container("mycontainer=1\0"sv));
    CHECK_FALSE(host::environ_names_container(""sv));
}
