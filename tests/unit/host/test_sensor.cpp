#include <mad/host/sensor.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace mad::host;

TEST_CASE("what a sensor's file says, and when it is not believed") {
    struct row {
        std::string_view chip, text;
        std::optional<double> celsius;
    };
    auto const r = GENERATE(values<row>({
        {"coretemp", "54000\n", 54.0},
        {"coretemp", "54000", 54.0},
        {"k10temp", "45875\n", 45.875},
        {"nvme", "-5150\n", -5.15},
        {"nvme", "-39999\n", -39.999},
        {"nvme", "-40000\n", std::nullopt}, // nothing connected
        {"nvme", "-273150\n", std::nullopt},
        {"nvme", "149999\n", 149.999},
        {"nvme", "150000\n", std::nullopt},
        {"nct6775", "2147483647\n", std::nullopt},
        {"nvme", "9223372036854775808\n", std::nullopt},
        {"sensor", "0\n", 0.0}, // a cold room
        {"acpitz", "0\n", std::nullopt},
        {"nct6798", "0\n", std::nullopt},
        {"it8728", "0\n", std::nullopt},
        {"w83627ehf", "0\n", std::nullopt},
        {"acpitz", "27800\n", 27.8},
        {"acpitz", "-1000\n", -1.0},
        {"coretemp", "", std::nullopt},
        {"coretemp", "\n", std::nullopt},
        {"coretemp", "N/A\n", std::nullopt},
        {"coretemp", "54.0\n", std::nullopt},
        {"coretemp", "54000x\n", std::nullopt},
    }));
    CAPTURE(r.chip, r.text);
    CHECK(sensor_celsius(r.chip, r.text) == r.celsius);
}

TEST_CASE("limits that nobody set are none") {
    struct row {
        std::string_view text;
        std::optional<double> limit;
    };
    auto const r = GENERATE(values<row>({
        {"100000\n", 100.0},
        {"84850\n", 84.85},
        {"0\n", std::nullopt},
        {"-273150\n", std::nullopt},
        {"150000\n", std::nullopt},
        {"65261850\n", std::nullopt}, // NVMe disks without one
        {"", std::nullopt},
    }));
    CAPTURE(r.text);
    CHECK(sensor_limit(r.text) == r.limit);
}

TEST_CASE("the sensor closest to its limit is the most urgent") {
    std::vector<temperature> all{
        {std::string_view("cool"), 30, 100.0},   // 70 to go
        {std::string_view("bare b"), 60, {}},    // 35 to the assumed one
        {std::string_view("bare a"), 60, {}},    // the same: by name
        {std::string_view("disk"), 58, 70.0},    // 12, though others are hotter
        {std::string_view("hot"), 85, 105.0},    // 20
        {std::string_view("beyond"), 101, 90.0}, // 11 too far
        {std::string_view("frost"), -20, {}},
    };
    std::sort(all.begin(), all.end(), is_more_urgent);
    std::string order;
    for (auto const& t : all)
        order.append(t.name.view()) += ' ';
    CHECK(order == "beyond disk hot bare a bare b cool frost ");
}

TEST_CASE("only drivetemp wakes disks") {
    CHECK(is_disk_sensor("drivetemp"));
    CHECK_FALSE(is_disk_sensor("nvme"));
    CHECK_FALSE(is_disk_sensor(""));
}
