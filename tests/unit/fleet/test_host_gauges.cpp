#include <mad/fleet/host_gauges.hpp>

#include <catch2/catch.hpp>

#include <support/fake_fleet.hpp>

using mad::fleet::host_gauge_settings;
using mad::fleet::host_state;
using mad::fleet::judge_label_keys;
using mad::fleet::metric;
using mad_test::fake_fleet;

namespace {

std::string gauges(fake_fleet const& f, host_gauge_settings const& s = {},
                   mad::fleet::gauge_hosts which = mad::fleet::gauge_hosts::all) {
    std::string out;
    append_host_gauges(out, f, s, which);
    return out;
}

bool has(std::string const& text, std::string_view line) {
    return ("\n" + text).find("\n" + std::string(line) + "\n") != std::string::npos;
}

} // namespace

TEST_CASE("gauges of hosts have base units and the labels that were chosen") {
    fake_fleet f;
    auto& a = f.add("web-1", host_state::crit);
    a.facts.tags = {"role:web", "prod", "rack:4"};
    a.facts.region = "eu";
    a.now.set(metric::cpu, 97.1);
    a.now.set(metric::network, 1.5);
    a.now.set(metric::uptime, 100);
    auto& odd = f.add("a\"b\\c\nd");
    odd.now.set(metric::cpu, 1);
    a.now.set(metric::psi_io, 50);
    auto const text = gauges(f, {{"role", "region"}, 20'000});
    CHECK(has(text, R"(mad_host_pressure_ratio{id="web-1",role="web",region="eu",)"
                    R"(resource="io",tasks="full"} 0.5)"));
    CHECK(text.find("TYPE mad_host_pressure_ratio") == text.rfind("TYPE mad_host_pressure_ratio"));
    CHECK(has(text, R"(mad_host_state{id="web-1",role="web",region="eu"} 2)"));
    CHECK(has(text, R"(mad_host_cpu_busy_ratio{id="web-1",role="web",region="eu"} 0.971)"));
    CHECK(has(text,
              R"(mad_host_network_bytes_per_second{id="web-1",role="web",region="eu"} 187500)"));
    CHECK(has(text, R"(mad_host_uptime_seconds{id="web-1",role="web",region="eu"} 100)"));
    CHECK(has(text, R"(mad_host_cpu_busy_ratio{id="a\"b\\c\nd"} 0.01)"));
    CHECK(text.find("mad_host_memory_used_ratio{") == text.npos); // nobody knows it
    CHECK(has(text, "mad_host_left_out 0"));
    CHECK(has(text, "# UNIT mad_host_cpu_busy_ratio ratio"));
}

TEST_CASE("hosts that are stale or offline have no gauges, old agents none with units") {
    fake_fleet f;
    for (auto const s : {host_state::ok, host_state::warn, host_state::crit, host_state::stale,
                         host_state::offline})
        f.add(std::string(to_string(s)), s).now.set(metric::cpu, 1);
    auto& old = f.add("old");
    old.now.modern = false;
    old.now.set(metric::storage, 5);
    auto const text = gauges(f);
    for (char const* id : {"ok", "warn", "crit"})
        CHECK(has(text, "mad_host_cpu_busy_ratio{id=\"" + std::string(id) + "\"} 0.01"));
    for (char const* id : {"stale", "offline"})
        CHECK(text.find(std::string("id=\"") + id) == text.npos);
    CHECK(has(text, R"(mad_host_state{id="old"} 0)"));
    CHECK(text.find("mad_host_storage_used_ratio{") == text.npos);

    std::string counts;
    append_fleet_gauges(counts, f);
    CHECK(has(counts, R"(mad_fleet_hosts{state="ok"} 2)"));
    CHECK(has(counts, R"(mad_fleet_hosts{state="offline"} 1)"));
}

TEST_CASE("no more hosts have gauges than may, and those left out are counted") {
    fake_fleet f;
    for (int i = 0; i < 5; ++i)
        f.add("h" + std::to_string(i)).own = i < 2;
    auto const text = gauges(f, {{}, 3});
    CHECK(text.find("h2\"") != text.npos);
    CHECK(text.find("h3\"") == text.npos);
    CHECK(has(text, "mad_host_left_out 2"));
    auto const own = gauges(f, {}, mad::fleet::gauge_hosts::own);
    CHECK(own.find("h1\"") != own.npos);
    CHECK(own.find("h2\"") == own.npos);
}

TEST_CASE("keys of tags become labels when they can be names") {
    CHECK(judge_label_keys({}).empty());
    CHECK(judge_label_keys({"role", "rack_2", "region"}).empty());
    for (auto const& keys :
         std::vector<std::vector<std::string>>{{"id"},
                                               {""},
                                               {"2nd"},
                                               {"_x"},
                                               {"a-b"},
                                               {"a b"},
                                               {"r\xc3\xb6le"},
                                               {"a", "a"},
                                               {"a", "b", "c", "d", "e", "f", "g", "h", "i"}}) {
        CAPTURE(keys.front());
        CHECK_FALSE(judge_label_keys(keys).empty());
    }
}
