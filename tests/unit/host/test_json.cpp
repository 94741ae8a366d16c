#include <mad/host/json.hpp>

#include <mad/core/json.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <string>

using namespace mad::host;

namespace {

std::string health(sample const& s) {
    std::string out;
    append_health_json(out, s);
    return out;
}

/// An ordinary host of four cores.
sample ordinary() {
    sample s;
    s.storage = 37.4;
    s.network = 1.843792;
    s.cpu = cpu_use{12.34, 8.06, 3.24, 0.6, 0.44};
    s.cores = {10.4, 14.4, 11.6, 13.0};
    s.load = load_averages{0.42, 0.51, 0.47};
    s.memory = memory_use{16777216000, 12450000000, 25.79, 2147483648, 0};
    s.filesystems.push_back({std::string_view("/"), std::string_view("ext4"),
                             space_use{51200000000, 32051200000, 37.4, 4.1}, false, false, false});
    s.io = disk_rates{102400.4, 409599.6, 12.0, 40.04, 3.1, 0.1, 0.5, 2.25};
    s.net = nic_rates{184320.0, 46180.0, 0.0, 0.4};
    s.nics.push_back({std::string_view("eth0"), nic_rates{184320.0, 46180.0, 0.0, 0.4}, 1000.0});
    s.uptime_s = 864213.99;
    s.tasks = task_counts{2, 211, 0};
    s.agent = {0.0234, 1835008};
    return s;
}

} // namespace

TEST_CASE("an ordinary host, byte for byte and within a kilobyte") {
    auto const text = health(ordinary());
    CHECK(
        text ==
        R"({"storage":37.4,"network":1.844,)"
        R"("cpu":{"pct":12.3,"user":8.1,"sys":3.2,"iowait":0.6,"steal":0.4,"cores":[10,14,12,13]},)"
        R"("load":[0.42,0.51,0.47],)"
        R"("mem":{"total":16777216000,"avail":12450000000,"pct":25.8,"swap_total":2147483648,"swap_used":0},)"
        R"("disk":[{"m":"/","fs":"ext4","size":51200000000,"avail":32051200000,"pct":37.4,"ipct":4.1,"ro":false}],)"
        R"("io":{"rd":102400,"wr":409600,"rops":12,"wops":40,"util":3.1,"queue":0.1,"r_await_ms":0.5,"w_await_ms":2.25},)"
        R"("net":{"rx":184320,"tx":46180,"err":0,"drop":0.4,"ifs":[{"n":"eth0","rx":184320,"tx":46180,"speed":1000}]},)"
        R"("up":864213,"procs":{"run":2,"total":211,"blocked":0},)"
        R"("agent":{"cpu":0.02,"rss":1835008},"err":[]})");
    CHECK(text.size() <= 900);
}

TEST_CASE("what is unknown is absent, but for the two original fields") {
    CHECK(health({}) == R"({"storage":0.0,"network":0,"err":[]})");
    sample s;
    s.failed.add(source::storage);
    s.failed.add(source::cpu);
    CHECK(health(s) == R"({"storage":0.0,"network":0,"err":["cpu","storage"]})");
    s = {};
    s.io = disk_rates{};
    s.io->util = 0.0;
    s.net = nic_rates{};
    s.net->rx = 1.0;
    s.nics.push_back({std::string_view("eth1"), {}, {}});
    s.filesystems.push_back(
        {std::string_view("/nfs"), std::string_view("nfs4"), {}, false, true, true});
    s.tasks = task_counts{{}, 5, {}};
    s.agent.rss = 1;
    s.memory = memory_use{10, 5, 50, {}, {}};
    CHECK(health(s) == R"({"storage":0.0,"network":0,"mem":{"total":10,"avail":5,"pct":50.0},)"
                       R"("disk":[{"m":"/nfs","fs":"nfs4","ro":false,"net":true,"stuck":true}],)"
                       R"("io":{"util":0.0},"net":{"rx":1,"ifs":[{"n":"eth1"}]},)"
                       R"("procs":{"total":5},"agent":{"rss":1},"err":[]})");
}

TEST_CASE("each failing source has its name") {
    sample s;
    for (unsigned i = 0; i < static_cast<unsigned>(source::count_); ++i)
        s.failed.add(static_cast<source>(i));
    CHECK(health(s).ends_with(
        R"("err":["cpu","load","mem","disk","io","net","up","agent","storage","psi","temp",)"
        R"("cgroup"]})"));
    CHECK(to_string(source::count_) == "unknown");
}

TEST_CASE("numbers are rounded, and never in a form a locale or a float would give") {
    struct row {
        double network;
        std::string_view text;
    };
    auto const r = GENERATE(values<row>({
        {0, "0"},
        {0.0004, "0"},
        {0.0005, "0.001"},
        {0.1, "0.1"},
        {0.12, "0.12"},
        {1.005, "1.005"},
        {1.9996, "2"},
        {999.9994, "999.999"},
        {123456789.5, "123456789.5"},
        {3.2e6, "3200000"},
        {1e300, "9000000000000000"},
        {-1, "0"},
        {std::nan(""), "0"},
    }));
    CAPTURE(r.network);
    sample s;
    s.network = r.network;
    CHECK(health(s) == R"({"storage":0.0,"network":)" + std::string(r.text) + R"(,"err":[]})");
}

TEST_CASE("storage always shows its decimal") {
    struct row {
        double storage;
        std::string_view text;
    };
    auto const r = GENERATE(values<row>({
        {0.04, "0.0"},
        {0.05, "0.1"},
        {37.44, "37.4"},
        {85, "85.0"},
        {99.96, "100.0"},
        {100, "100.0"},
    }));
    sample s;
    s.storage = r.storage;
    CHECK(health(s) == R"({"storage":)" + std::string(r.text) + R"(,"network":0,"err":[]})");
}

TEST_CASE("cores by number with gaps, and without the aggregate none") {
    sample s;
    s.cpu = cpu_use{};
    s.cores = {0.4, {}, 99.6, {}};
    CHECK(health(s).find(R"("cores":[0,null,100,null])") != std::string::npos);
    s.cores.assign(64, 1.0);
    CHECK(mad::json::parse(health(s))["cpu"]["cores"].size() == 64);
    s.cores.clear();
    CHECK(health(s).find("cores") == std::string::npos);
    s.cpu.reset();
    s.cores.assign(4, 1.0);
    CHECK(health(s).find("cores") == std::string::npos);
}

TEST_CASE("more than 64 cores become a summary with the ten busiest") {
    sample s;
    s.cpu = cpu_use{};
    for (int i = 0; i < 128; ++i)
        s.cores.emplace_back(i % 2 == 0 ? i / 2.0 : 0.0);
    s.cores[3].reset();
    s.cores[77] = 100.0;
    s.cores[5] = 62.0; // as busy as 124, but earlier
    auto const cores = mad::json::parse(health(s))["cpu"]["cores"];
    CHECK(cores["n"] == 127);
    CHECK(cores["min"] == 0);
    CHECK(cores["max"] == 100);
    CHECK(cores["mean"] == 17); // (0 + 1 + … + 63 + 100 + 62) / 127
    CHECK(cores["top"].dump() == "[[77,100],[126,63],[5,62],[124,62],[122,61],[120,60],[118,59],["
                                 "116,58],[114,57],[112,56]]");
}

TEST_CASE("few cores with numbers far apart are listed up to twice as many places") {
    // Processors of 8 threads of which one is switched on.
    sample s;
    s.cpu = cpu_use{};
    s.cores.resize(121);
    for (std::size_t n = 0; n < s.cores.size(); n += 8)
        s.cores[n] = 7.0;
    auto const cores = mad::json::parse(health(s))["cpu"]["cores"];
    REQUIRE(cores.size() == 121);
    CHECK(cores[120] == 7);
    CHECK(cores[119].is_null());
    s.cores.resize(129);
    CHECK(health(s).find(R"("cores":{"n":16,"min":7,"mean":7,"max":7,"top":[[0,7],[8,7],)") !=
          std::string::npos);
    s.cores.assign(129, std::nullopt);
    CHECK(health(s).find(R"("cores":{"n":0})") != std::string::npos);
    s.cores.assign(65, 1.0);
    CHECK(health(s).find(R"("cores":{"n":65,)") != std::string::npos);
}

TEST_CASE("an uptime beyond reason is a number all the same") {
    sample s;
    s.uptime_s = 1e300;
    CHECK(health(s).find(R"("up":1000000000000000,)") != std::string::npos);
}

TEST_CASE("mountpoints are any bytes, the message is JSON all the same") {
    sample s;
    for (std::string_view m :
         {"/a \"b\"\\c", "/tab\tline\n", "/bad\xff\xc3", "/caf\xc3\xa9", "/\x7f\x01"})
        s.filesystems.push_back({m, std::string_view("ext4"), {}, false, false, false});
    auto const parsed = mad::json::parse(health(s));
    REQUIRE(parsed["disk"].size() == 5);
    CHECK(parsed["disk"][0]["m"] == "/a \"b\"\\c");
    CHECK(parsed["disk"][1]["m"] == "/tab\tline\n");
    CHECK(parsed["disk"][3]["m"] == "/caf\xc3\xa9");
}

TEST_CASE("temperatures: the first is the one to watch, and may be below zero") {
    struct row {
        double celsius;
        std::string_view text;
    };
    auto const r = GENERATE(values<row>({
        {54, "54.0"},
        {54.04, "54.0"},
        {54.06, "54.1"},
        {0, "0.0"},
        {-0.04, "0.0"},
        {-0.05, "-0.1"},
        {-5.15, "-5.2"},
        {-39.99, "-40.0"},
        {149.999, "150.0"},
    }));
    CAPTURE(r.celsius);
    sample s;
    s.temperatures.push_back({std::string_view("coretemp Package id 0"), r.celsius, 100.0});
    s.temperatures.push_back({std::string_view("odd \"one\""), 12.5, {}});
    std::string const t(r.text);
    CHECK(health(s) == R"({"storage":0.0,"network":0,"temp":{"max":)" + t +
                           R"(,"name":"coretemp Package id 0","crit":100},)"
                           R"("temps":[{"n":"coretemp Package id 0","c":)" +
                           t + R"(,"crit":100},{"n":"odd \"one\"","c":12.5}],"err":[]})");
}

TEST_CASE("at most 32 sensors are listed, the others counted") {
    sample s;
    for (int i = 0; i < 40; ++i)
        s.temperatures.push_back({std::string_view("t" + std::to_string(i)), 40, 84.85});
    auto const parsed = mad::json::parse(health(s));
    CHECK(parsed["temps"].size() == 32);
    CHECK(parsed["temps"][31]["n"] == "t31");
    CHECK(parsed["temps"][31]["crit"] == 84.9);
    CHECK(parsed["temps_more"] == 8);
    CHECK(parsed["temp"]["name"] == "t0");
    s.temperatures.resize(32);
    CHECK_FALSE(mad::json::parse(health(s)).contains("temps_more"));
}

TEST_CASE("at most 32 filesystems and interfaces are listed, the others counted") {
    sample s;
    s.net = nic_rates{1, 1, 0, 0};
    for (int i = 0; i < 40; ++i) {
        s.filesystems.push_back({std::string_view("/m" + std::to_string(i)),
                                 std::string_view("ext4"), space_use{1000, 500, 50, 1}, false,
                                 false, false});
        s.nics.push_back({std::string_view("eth" + std::to_string(i)), {}, {}});
    }
    auto const parsed = mad::json::parse(health(s));
    CHECK(parsed["disk"].size() == 32);
    CHECK(parsed["disk"][31]["m"] == "/m31");
    CHECK(parsed["disk_more"] == 8);
    CHECK(parsed["net"]["ifs"].size() == 32);
    CHECK(parsed["net"]["ifs_more"] == 8);
    s.filesystems.resize(32);
    s.nics.resize(32);
    auto const all = mad::json::parse(health(s));
    CHECK(all["disk"].size() == 32);
    CHECK_FALSE(all.contains("disk_more"));
    CHECK_FALSE(all["net"].contains("ifs_more"));
}

TEST_CASE("the worst host there is keeps to its room") {
    sample s = ordinary();
    s.cores.assign(64, 100.0);
    s.filesystems.clear();
    s.nics.clear();
    std::string const mount(255, '\x01'); // each becomes six characters
    for (int i = 0; i < 200; ++i) {
        s.filesystems.push_back({std::string_view(mount),
                                 std::string_view("fuse.a-rather-long-type"),
                                 space_use{UINT64_MAX, UINT64_MAX, 100, 100}, true, true, true});
        s.nics.push_back(
            {std::string_view("abcdefghijklmno"), nic_rates{5e10, 5e10, 1e9, 1e9}, 4e9});
    }
    s.net = nic_rates{1e13, 1e13, 1e9, 1e9};
    s.network = 1e9;
    for (int i = 0; i < 256; ++i)
        s.temperatures.push_back({std::string_view(mount).substr(0, 63), -39.9, 149.9});
    auto const text = health(s);
    CHECK(text.size() <= max_health_bytes);
    auto const parsed = mad::json::parse(text);
    CHECK(parsed["disk"].size() + parsed["disk_more"].get<std::size_t>() == 200);
    CHECK(parsed["disk"].size() >= 1);
    CHECK(parsed["temps"].size() + parsed["temps_more"].get<std::size_t>() == 256);
    CHECK(parsed["temp"]["max"] == -39.9);
    CHECK(parsed.contains("err"));
}

TEST_CASE("text is appended, what stood there stays") {
    std::string out = R"({"health":)";
    append_health_json(out, {});
    CHECK(out == R"({"health":{"storage":0.0,"network":0,"err":[]})");
}

TEST_CASE("info tells who the host is") {
    identity who;
    who.host = "web-042";
    who.os = "Debian 12";
    who.kernel = "6.1.0";
    who.arch = "x86_64";
    who.cpus = 4;
    who.memory = 16777216000;
    who.boot_s = 1763135787;
    std::string const tags[] = {"prod", "role:web \"1\""};
    std::string out;
    append_info_json(out, who, {"1.0.0", "eu-west-3", tags});
    CHECK(out == R"({"host":"web-042","os":"Debian 12","kernel":"6.1.0",)"
                 R"("arch":"x86_64","cpus":4,"mem":16777216000,"agent":"1.0.0","scope":"host",)"
                 R"("boot":1763135787,"region":"eu-west-3","tags":["prod","role:web \"1\""]})");
}

TEST_CASE("info leaves out what is unknown") {
    std::string out;
    append_info_json(out, {});
    CHECK(out == R"({"agent":")" MAD_VERSION R"(","scope":"host"})");
}
