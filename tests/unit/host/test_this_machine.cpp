#include "support.hpp"

#include <mad/core/json.hpp>
#include <mad/host.hpp>

#include <cmath>

#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

using namespace host_test;

namespace {

/// Every number in a message, wherever it stands.
void check_numbers(mad::json const& j) {
    if (j.is_structured()) {
        for (auto const& part : j)
            check_numbers(part);
    } else if (j.is_number()) {
        CHECK(std::isfinite(j.get<double>()));
        CHECK(j.get<double>() >= 0);
    }
}

void check_percent(mad::json const& j) {
    REQUIRE(j.is_number());
    CHECK(j.get<double>() >= 0);
    CHECK(j.get<double>() <= 100);
}

/// Two samples of this machine 2.5 s apart by their clock, without the wait: some work in between.
mad::json sample_of_this_machine() {
    hand_clock clock;
    host::sampler_settings settings;
    settings.time = &clock;
    host::sampler s(settings);
    s.take();
    clock.advance(2500ms);
    // A tick of the kernel's clock must pass for shares of CPU time to exist.
    auto const until = std::chrono::steady_clock::now() + 60ms;
    while (std::chrono::steady_clock::now() < until)
        ;
    std::string text;
    host::append_health_json(text, s.take());
    CAPTURE(text);
    return mad::json::parse(text);
}

} // namespace

TEST_CASE("a sample of the machine that runs this is whole and plausible") {
    auto const h = sample_of_this_machine();
    INFO(h.dump());
    check_numbers(h);
    check_percent(h["storage"]);
    CHECK(h["network"].is_number());
    CHECK(h["err"].is_array());

    if (h.contains("cpu")) {
        auto const& cpu = h["cpu"];
        for (auto const* key : {"pct", "user", "sys", "iowait", "steal"})
            check_percent(cpu[key]);
        CHECK(cpu["user"].get<double>() + cpu["sys"].get<double>() + cpu["steal"].get<double>() ==
              Approx(cpu["pct"].get<double>()).margin(0.21));
        CHECK(cpu["pct"].get<double>() + cpu["iowait"].get<double>() <= 100.11);
        if (cpu["cores"].is_array())
            CHECK(cpu["cores"].size() >= 1);
    }
    REQUIRE(h.contains("load"));
    CHECK(h["load"].size() == 3);

    REQUIRE(h.contains("mem"));
    auto const total = h["mem"]["total"].get<std::uint64_t>();
    CHECK(h["mem"]["avail"].get<std::uint64_t>() <= total);
    check_percent(h["mem"]["pct"]);
    if (h["mem"].contains("swap_total"))
        CHECK(h["mem"]["swap_used"] <= h["mem"]["swap_total"]);

    double fullest = -1;
    if (h.contains("disk"))
        for (auto const& d : h["disk"]) {
            check_percent(d["pct"]);
            CHECK(d["avail"].get<std::uint64_t>() <= d["size"].get<std::uint64_t>());
            if (!d.contains("net"))
                fullest = std::max(fullest, d["pct"].get<double>());
        }
    if (fullest >= 0)
        CHECK(h["storage"].get<double>() == Approx(fullest));

    if (h.contains("io") && h["io"].contains("util"))
        check_percent(h["io"]["util"]);
    if (h.contains("net")) {
        auto const& net = h["net"];
        double rx = 0, tx = 0;
        for (auto const& i : net["ifs"]) {
            rx += i.value("rx", 0.0);
            tx += i.value("tx", 0.0);
        }
        CHECK(net.value("rx", 0.0) == Approx(rx).margin(1.0 * net["ifs"].size()));
        CHECK(net.value("tx", 0.0) == Approx(tx).margin(1.0 * net["ifs"].size()));
        CHECK(h["network"].get<double>() == Approx((rx + tx) * 8 / 1e6).margin(0.01));
    }

    REQUIRE(h.contains("up"));
    REQUIRE(h.contains("procs"));
    CHECK(h["procs"]["total"].get<int>() >= 1);
    REQUIRE(h.contains("agent"));
    CHECK(h["agent"]["rss"].get<std::uint64_t>() > 100'000);
    CHECK(h["agent"]["rss"].get<std::uint64_t>() < total);
}

TEST_CASE("a sample agrees with what the system tells by other ways") {
    struct ::sysinfo info {};
    REQUIRE(::sysinfo(&info) == 0);
    host::sampler s;
    auto const& now = s.take();
    REQUIRE(now.memory);
    // A container may show its own limits in procfs; otherwise both are the kernel's number.
    CHECK(now.memory->total <= std::uint64_t{info.totalram} * info.mem_unit);
    REQUIRE(now.uptime_s);
    CHECK(*now.uptime_s <= static_cast<double>(info.uptime) + 2);

    host::fs_space root;
    REQUIRE(host::system_statvfs("/", root) == 0);
    for (auto const& f : now.filesystems)
        if (f.mount == "/") {
            REQUIRE(f.space);
            CHECK(f.space->size == root.blocks * root.fragment_bytes);
        }

    auto const who = host::read_identity();
    struct ::utsname names {};
    REQUIRE(::uname(&names) == 0);
    CHECK(who.kernel == names.release);
    CHECK(who.arch == names.machine);
    CHECK(who.host == names.nodename);
    REQUIRE(who.cpus);
    CHECK(*who.cpus <= static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_CONF)));
    CHECK(who.memory == now.memory->total);
}

TEST_CASE("this machine's info is JSON and names a client") {
    std::string text;
    host::append_info_json(text, host::read_identity());
    auto const info = mad::json::parse(text);
    CHECK(info["scope"] == "host");
    CHECK_FALSE(info["host"].get<std::string>().empty());
    CHECK(info["agent"] == MAD_VERSION);
    auto const id = host::find_client_id({});
    REQUIRE(id.has_value());
    CHECK(host::is_client_id(id->value));
}
