#include <mad/host/proc_net.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad::host;

namespace {

constexpr std::string_view heading =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n";

std::vector<nic_stats> parsed(std::string text) {
    static std::string kept; // the views point here
    kept = std::string(heading) + text;
    std::vector<nic_stats> out;
    CHECK(parse_net_dev(kept, out));
    return out;
}

} // namespace

TEST_CASE("names may touch the first number and hold colons") {
    struct row {
        std::string_view start, name;
    };
    auto const r = GENERATE(values<row>({
        {"    lo: 10", "lo"},
        {"  eth0:10", "eth0"},
        {"eth0:1234567890123456789", "eth0"},
        {"eth0:1:10", "eth0:1"},
        {"br-0123456789ab: 10", "br-0123456789ab"},
        {"enp3s0.100:10", "enp3s0.100"},
    }));
    CAPTURE(r.start);
    auto const n = parsed(std::string(r.start) + " 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
    REQUIRE(n.size() == 1);
    CHECK(n[0].name == r.name);
    CHECK(n[0].rx.packets == 2);
    CHECK(n[0].rx.errors == 3);
    CHECK(n[0].rx.dropped == 4);
    CHECK(n[0].tx.bytes == 9);
    CHECK(n[0].tx.packets == 10);
    CHECK(n[0].tx.errors == 11);
    CHECK(n[0].tx.dropped == 12);
}

TEST_CASE("an interface list in order, wrong lines left out") {
    auto const n =
        parsed("    lo:    3193      29    0    0    0     0          0         0     3193 "
               "     29    0    0    0     0       0          0\n"
               "no colon here 1 2 3\n"
               ": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
               "short: 1 2 3\n"
               "  odd: 1 2 three 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
               "  eth0: 341272840    6814    0    0    0     0          0         0   "
               "356608    4394    0    0    0     0       0          0\n");
    REQUIRE(n.size() == 2);
    CHECK(n[0].name == "lo");
    CHECK(n[1].rx.bytes == 341272840);
    CHECK(n[1].tx.bytes == 356608);
}

TEST_CASE("a namespace without interfaces is a table, any other text is not") {
    CHECK(parsed("").empty());
    std::vector<nic_stats> out;
    CHECK_FALSE(parse_net_dev("", out));
    CHECK_FALSE(parse_net_dev("eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", out));
}

TEST_CASE("who owns an IPv4 default route") {
    constexpr std::string_view routes =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
        "eth1\t000010AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
        "half\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"
        "down\t00000000\t0101A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n"
        "no\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n"
        "wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
        "cut\t00000000\n";
    CHECK(owns_default_route_v4(routes, "eth0"));
    CHECK(owns_default_route_v4(routes, "wlan0"));
    for (auto name : {"eth1", "half", "down", "no", "cut", "eth", "Iface", ""}) {
        CAPTURE(name);
        CHECK_FALSE(owns_default_route_v4(routes, name));
    }
    CHECK_FALSE(owns_default_route_v4("", "eth0"));
}

TEST_CASE("who owns an IPv6 default route") {
    constexpr std::string_view zeros = "00000000000000000000000000000000";
    auto const row = [&](std::string_view length, std::string_view flags, std::string_view name) {
        return std::string(zeros) + " " + std::string(length) + " " + std::string(zeros) + " 00 " +
               "fe800000000000000000000000000001 00000400 00000001 00000000 " + std::string(flags) +
               "     " + std::string(name) + "\n";
    };
    auto const routes = row("00", "00000003", "eth0") + row("40", "00000001", "eth1") +
                        row("00", "00200200", "lo") + row("00", "00000201", "blackhole") +
                        "fd000000000000000000000000000000 00 " + std::string(zeros) + " 00 " +
                        std::string(zeros) + " 00000100 00000001 00000000 00000001 eth2\n";
    CHECK(owns_default_route_v6(routes, "eth0"));
    for (auto name : {"eth1", "lo", "blackhole", "eth2", ""}) {
        CAPTURE(name);
        CHECK_FALSE(owns_default_route_v6(routes, name));
    }
}

TEST_CASE("patterns with stars") {
    struct row {
        std::string_view pattern, name;
        bool fit;
    };
    auto const r = GENERATE(values<row>({
        {"eth0", "eth0", true},
        {"eth0", "eth01", false},
        {"eth*", "eth0", true},
        {"eth*", "eth", true},
        {"eth*", "veth0", false},
        {"*", "anything", true},
        {"*", "", true},
        {"", "", true},
        {"", "x", false},
        {"*th*", "veth0", true},
        {"e*0", "eth0.10", true},
        {"e*0", "eth0.11", false},
        {"**0", "eth0", true},
        {"en*s*", "enp3s0", true},
        {"en*s*f", "enp3s0", false},
        {"a*b*c", "aXbXbXc", true},
        {"[e]th0", "eth0", false},
    }));
    CAPTURE(r.pattern, r.name);
    CHECK(fits(r.pattern, r.name) == r.fit);
}
