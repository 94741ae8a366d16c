#include <mad/fleet/host_metrics.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace host = mad::host;
using namespace std::string_view_literals;

namespace {

std::string metrics_of(host::sample const& s, std::string const& id = "a") {
    std::string out;
    host::identity who;
    who.host = "web-1";
    mad::fleet::append_host_metrics(out, s, who, id);
    return out;
}

bool has_line(std::string const& text, std::string const& line) {
    return text.find("\n" + line + "\n") != text.npos;
}

} // namespace

TEST_CASE("shares are ratios and rates are bytes") {
    host::sample s;
    s.wall_ms = 1'764'000'000'123;
    s.storage = 37.4;
    s.network = 8;
    s.cpu = host::cpu_use{12.3, 8.1, 3.2, 0.6, 0.4};
    s.cores = {10.0, std::nullopt, 14.0};
    s.memory = host::memory_use{1000, 750, 25, 0, 0};
    s.psi.memory = host::pressure{1.5, 0.0, {}, {}};
    s.uptime_s = 60.5;
    s.nics.push_back({"eth0"sv, {1000.0, 500.0, 0.0, {}}, 1000.0});
    auto const text = metrics_of(s);
    for (auto const* const line :
         {R"(mad_host_info{id="a",host="web-1",os="",kernel="",arch=""} 1)",
          "mad_host_sample_timestamp_seconds 1764000000.123", "mad_host_storage_used_ratio 0.374",
          "mad_host_network_bytes_per_second 1e+06", "mad_host_cpu_busy_ratio 0.123",
          R"(mad_host_cpu_ratio{mode="steal"} 0.004)",
          R"(mad_host_cpu_core_busy_ratio{cpu="2"} 0.14)", "mad_host_memory_used_ratio 0.25",
          "mad_host_uptime_seconds 60.5",
          R"(mad_host_pressure_ratio{resource="memory",tasks="some"} 0.015)",
          R"(mad_host_pressure_ratio{resource="memory",tasks="full"} 0)",
          R"(mad_host_network_received_bytes_per_second{interface="eth0"} 1000)",
          R"(mad_host_network_speed_bytes_per_second{interface="eth0"} 1.25e+08)"}) {
        CAPTURE(text, line);
        CHECK(has_line(text, line));
    }
    CHECK(text.find("cpu=\"1\"") == text.npos);
}

TEST_CASE("what is unknown has neither a line nor a family") {
    auto const text = metrics_of({});
    for (auto const* const name : {"cpu", "memory", "swap", "pressure", "filesystem", "disk",
                                   "temperature", "uptime", "tasks", "received", "load"}) {
        CAPTURE(name, text);
        CHECK(text.find("TYPE mad_host_" + std::string(name)) == text.npos);
    }
    CHECK(text.find("null") == text.npos);
}

TEST_CASE("names from the host cannot break a line, nor give two lines the same labels") {
    host::sample s;
    s.filesystems.push_back({"/a\"b\\c\nd"sv, "ext4"sv, host::space_use{10, 5, 50, {}}, true});
    s.temperatures = {
        {"nvme Composite"sv, 50, 80.0}, {"nvme Composite"sv, 40, {}}, {"cpu"sv, -3, {}}};
    auto const text = metrics_of(s, "x\xff\n\"");
    CHECK(has_line(text, R"(mad_host_filesystem_used_ratio{mount="/a\"b\\c\nd",type="ext4"} 0.5)"));
    CHECK(has_line(text, R"(mad_host_filesystem_read_only{mount="/a\"b\\c\nd",type="ext4"} 1)"));
    CHECK(text.find("{id=\"x\xef\xbf\xbd\\n\\\"\",") != text.npos);
    CHECK(has_line(text, R"(mad_host_temperature_celsius{sensor="nvme Composite"} 50)"));
    CHECK(has_line(text, R"(mad_host_temperature_celsius{sensor="cpu"} -3)"));
    CHECK(text.find("} 40") == text.npos);
}

TEST_CASE("an agent counts what it did") {
    std::string out;
    mad::fleet::append_agent_metrics(out, {true, 7, 5, 2, 1}, {0.5, 1024});
    for (auto const* const line :
         {"mad_agent_connected 1", "mad_agent_samples_total 7", "mad_agent_messages_total 5",
          "mad_agent_connections_total 2", "mad_agent_refusals_total 1",
          "mad_agent_cpu_ratio 0.005", "mad_agent_resident_bytes 1024"}) {
        CAPTURE(out, line);
        CHECK(has_line(out, line));
    }
}
