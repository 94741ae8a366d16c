#include "support.hpp"

#include <mad/host/sysfs.hpp>

using namespace host_test;
using mad::host::disk_role;
using mad::host::disk_role_in;
using mad::host::sysfs;
using mad::host::system_nics;

TEST_CASE("lines, existence, entries and links") {
    tree t;
    t.put("a/speed", "1000\nmore\n")
        .put("a/empty", "")
        .put("a/d/inner", "")
        .link("a/up", "../x/top");
    fs::create_directories(t.path("a/bare"));
    sysfs s(t.path());
    CHECK(s.line({"/a/", "speed"}) == "1000");
    CHECK(s.line({"/a/empty"}).empty());
    CHECK(s.line({"/a/none"}).empty());
    CHECK(s.exists({"/a"}));
    CHECK_FALSE(s.exists({"/b"}));
    CHECK(s.has_entries({"/a/d"}));
    CHECK_FALSE(s.has_entries({"/a/bare"}));
    CHECK_FALSE(s.has_entries({"/a/speed"}));
    CHECK_FALSE(s.has_entries({"/none"}));
    CHECK(s.link_name({"/a/up"}) == "top");
    CHECK(s.link_name({"/a/speed"}).empty());
}

TEST_CASE("a directory with many entries, dots last or first") {
    tree t;
    for (int i = 0; i < 100; ++i)
        t.put("many/a-rather-long-name-of-a-member-" + std::to_string(i), "");
    CHECK(sysfs(t.path()).has_entries({"/many"}));
}

TEST_CASE("which disks count") {
    tree t;
    auto const whole = [&](std::string const& name) { t.put("block/" + name + "/size", "100\n"); };
    for (auto name : {"sda", "vda", "nvme0n1", "mmcblk0", "xvda", "loop0", "ram0", "zram0", "fd0",
                      "sr0", "cciss!c0d0", "srv", "nbd0"})
        whole(name);
    t.put("block/sda/sda1/size", "50\n");
    t.put("block/dm-0/slaves/sda1", "").put("block/md0/slaves/sdb", "");
    fs::create_directories(t.path("block/dm-1/slaves"));
    t.put("block/nvme0c0n1/hidden", "1\n").put("block/nvme0n2/hidden", "0\n");
    sysfs s(t.path());

    struct row {
        std::string_view name;
        disk_role role;
    };
    for (auto const& r : std::initializer_list<row>{
             {"sda", disk_role::counted},       {"sda1", disk_role::ignored},
             {"vda", disk_role::counted},       {"nvme0n1", disk_role::counted},
             {"nvme0n1p1", disk_role::ignored}, {"nvme0n2", disk_role::counted},
             {"nvme0c0n1", disk_role::ignored}, {"mmcblk0", disk_role::counted},
             {"xvda", disk_role::counted},      {"loop0", disk_role::ignored},
             {"ram0", disk_role::ignored},      {"zram0", disk_role::ignored},
             {"fd0", disk_role::ignored},       {"sr0", disk_role::ignored},
             {"srv", disk_role::counted},       {"nbd0", disk_role::counted},
             {"dm-0", disk_role::listed},       {"dm-1", disk_role::counted},
             {"md0", disk_role::listed},        {"cciss/c0d0", disk_role::counted},
             {"gone", disk_role::ignored},
         }) {
        CAPTURE(r.name);
        CHECK(disk_role_in(s, r.name) == r.role);
    }
}

TEST_CASE("what sysfs tells of interfaces") {
    tree t;
    t.put("sys/class/net/eth0/type", "1\n")
        .put("sys/class/net/eth0/flags", "0x1003\n")
        .put("sys/class/net/eth0/ifindex", "2\n")
        .put("sys/class/net/eth0/speed", "25000\n")
        .put("sys/class/net/eth0/device/vendor", "0x8086\n")
        .link("sys/class/net/eth0/master", "../bond0")
        .put("sys/class/net/lo/type", "772\n")
        .put("sys/class/net/lo/flags", "0x9\n");
    system_nics nics(t.roots());
    auto const eth0 = nics.facts("eth0");
    CHECK(eth0.hardware);
    CHECK(eth0.type == 1u);
    CHECK_FALSE(eth0.loopback);
    CHECK(eth0.master == "bond0");
    CHECK(nics.index("eth0") == 2);
    CHECK(nics.speed_mbit("eth0") == 25000.0);

    auto const lo = nics.facts("lo");
    CHECK_FALSE(lo.hardware);
    CHECK(lo.loopback);
    CHECK(lo.type == 772u);

    auto const none = nics.facts("none");
    CHECK_FALSE(none.hardware);
    CHECK_FALSE(none.type);
    CHECK(none.master.empty());
    CHECK(nics.index("none") == 0);
}

TEST_CASE("speeds that are none") {
    auto const text = GENERATE(as<std::string>{}, "-1\n", "0\n", "4294967295\n", "", "fast\n");
    CAPTURE(text);
    tree t;
    t.put("sys/class/net/eth0/speed", text);
    system_nics nics(t.roots());
    CHECK_FALSE(nics.speed_mbit("eth0"));
    CHECK_FALSE(nics.speed_mbit("other"));
}

TEST_CASE("what leads out is up and owns a default route of either kind") {
    tree t;
    t.put("proc/net/route", "Iface\tDestination\n"
                            "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
                            "eth1\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
                            "eth3\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")
        .put("sys/class/net/eth0/flags", "0x1003\n")
        .put("sys/class/net/eth1/flags", "0x1002\n")
        .put("sys/class/net/eth2/flags", "0x1003\n");
    system_nics nics(t.roots());
    CHECK_FALSE(nics.leads_out("eth0")); // the routes were not read yet
    nics.refresh_routes();
    CHECK(nics.leads_out("eth0"));
    CHECK_FALSE(nics.leads_out("eth1")); // down
    CHECK_FALSE(nics.leads_out("eth2")); // no route
    CHECK(nics.leads_out("eth3"));       // flags untold

    std::string const zeros(32, '0');
    t.put("proc/net/ipv6_route",
          zeros + " 00 " + zeros + " 00 " + zeros + " 00000400 00000001 00000000 00000003 eth2\n");
    nics.refresh_routes();
    CHECK(nics.leads_out("eth2"));
    t.put("proc/net/route", "");
    nics.refresh_routes();
    CHECK_FALSE(nics.leads_out("eth0"));
}

TEST_CASE("watching a host from a container reads the network of process 1") {
    mad::host::roots where{"/host/proc", "/host/sys", "/host"};
    CHECK(mad::host::net_directory(where) == "/host/proc/1/net");
    where.root.clear();
    CHECK(mad::host::net_directory(where) == "/host/proc/net");
}
