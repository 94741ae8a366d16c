#include "support.hpp"

#include <mad/host/sensor_meter.hpp>

#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace host_test;
using mad::host::sensor_meter;
using mad::host::source;

namespace {

/// Two chips as they look on a laptop.
struct board {
    tree files;
    host::sample out;
    time_point at{1000s};
    sensor_meter meter;

    explicit board(bool disks = false)
        : meter(files.path("sys"), disks) {}

    board& chip(std::string const& number, std::string const& name, std::string const& device) {
        auto const dir = "sys/class/hwmon/hwmon" + number;
        files.put(dir + "/name", name + "\n");
        if (!device.empty())
            files.link(dir + "/device", "../../../devices/" + device);
        return *this;
    }

    board& value(std::string const& number, std::string const& file, std::string const& text) {
        files.put("sys/class/hwmon/hwmon" + number + "/" + file, text + "\n");
        return *this;
    }

    /// All sensors, as `name=celsius/limit`.
    std::string shown(duration later = 10s) {
        at += later;
        out.temperatures.clear();
        out.failed.clear();
        meter.update(at, out);
        std::string s;
        for (auto const& t : out.temperatures) {
            char text[160];
            std::snprintf(text, sizeof text, "%.*s=%g", static_cast<int>(t.name.view().size()),
                          t.name.view().data(), t.celsius);
            s.append(s.empty() ? "" : ", ").append(text);
            if (t.critical) {
                std::snprintf(text, sizeof text, "/%g", *t.critical);
                s += text;
            }
        }
        return s;
    }
};

std::size_t open_descriptors() {
    std::size_t n = 0;
    for (auto const& e : fs::directory_iterator("/proc/self/fd"))
        n += e.path().empty() ? 0 : 1;
    return n;
}

} // namespace

TEST_CASE("sensors have the name of their chip and label, and the maker's limit") {
    board b;
    b.chip("0", "coretemp", "coretemp.0")
        .value("0", "temp1_input", "54000")
        .value("0", "temp1_label", "Package id 0")
        .value("0", "temp1_max", "80000")
        .value("0", "temp1_crit", "100000")
        .value("0", "temp12_input", "51000")
        .value("0", "temp12_label", "Core 8")
        .value("0", "temp12_crit", "100000");
    b.chip("1", "nvme", "nvme0")
        .value("1", "temp1_input", "41850")
        .value("1", "temp1_label", "Composite")
        .value("1", "temp1_max", "81850") // no crit: max stands for it
        .value("1", "temp3_input", "35000")
        .value("1", "temp3_crit", "65261850")
        .value("1", "temp3_max", "65261850");
    b.chip("2", "it8728", "it87.2608")
        .value("2", "in0_input", "1200")
        .value("2", "fan1_input", "0");
    CHECK(b.shown() == "nvme Composite=41.85/81.85, coretemp Package id 0=54/100, "
                       "coretemp Core 8=51/100, nvme temp3=35");
    CHECK_FALSE(b.out.failed.has(source::temp));
}

TEST_CASE("faulty, impossible and lying inputs are left out") {
    board b;
    b.chip("0", "nct6775", "nct6775.656");
    for (auto const* n : {"1", "2", "3", "4", "5", "6"})
        b.value("0", std::string("temp") + n + "_input", "40000");
    b.value("0", "temp1_fault", "0").value("0", "temp2_fault", "1");
    b.value("0", "temp3_input", "0").value("0", "temp4_input", "-62000");
    b.value("0", "temp5_input", "rubbish").value("0", "temp_input", "1").value("0", "tempx", "2");
    CHECK(b.shown() == "nct6775 temp1=40, nct6775 temp6=40");
    b.value("0", "temp2_fault", "0").value("0", "temp1_fault", "1");
    CHECK(b.shown() == "nct6775 temp2=40, nct6775 temp6=40");
    CHECK(b.out.failed.empty());
}

TEST_CASE("disks are asked only on wish") {
    bool const wanted = GENERATE(false, true);
    board b(wanted);
    b.chip("0", "drivetemp", "0:0:0:0").value("0", "temp1_input", "30000");
    b.chip("1", "nvme", "nvme0").value("1", "temp1_input", "20000");
    CHECK(b.shown() == (wanted ? "drivetemp temp1=30, nvme temp1=20" : "nvme temp1=20"));
}

TEST_CASE("chips of one name are told apart by their device, not by their number") {
    board b;
    b.chip("3", "nvme", "nvme0")
        .value("3", "temp1_input", "40000")
        .value("3", "temp1_label", "Composite");
    b.chip("7", "nvme", "nvme1")
        .value("7", "temp1_input", "50000")
        .value("7", "temp1_label", "Composite");
    b.chip("9", "k10temp", "0000:00:18.3")
        .value("9", "temp1_input", "60000")
        .value("9", "temp1_label", "Tctl");
    auto const want = "k10temp Tctl=60, nvme Composite nvme1=50, nvme Composite nvme0=40";
    CHECK(b.shown() == want);
    // Another boot: other numbers.
    b.files.drop("sys/class/hwmon");
    b.chip("0", "nvme", "nvme1")
        .value("0", "temp1_input", "50000")
        .value("0", "temp1_label", "Composite");
    b.chip("1", "k10temp", "0000:00:18.3")
        .value("1", "temp1_input", "60000")
        .value("1", "temp1_label", "Tctl");
    b.chip("2", "nvme", "nvme0")
        .value("2", "temp1_input", "40000")
        .value("2", "temp1_label", "Composite");
    CHECK(b.shown() == want);
}

TEST_CASE("sensors are read each 10 s and kept in between") {
    board b;
    b.chip("0", "coretemp", "coretemp.0").value("0", "temp1_input", "40000");
    CHECK(b.shown() == "coretemp temp1=40");
    b.value("0", "temp1_input", "41000");
    for (int i = 0; i < 3; ++i)
        CHECK(b.shown(2500ms) == "coretemp temp1=40");
    CHECK(b.shown(2500ms) == "coretemp temp1=41");
    b.value("0", "temp1_input", "42000");
    b.meter.reset(); // the machine slept
    CHECK(b.shown(2500ms) == "coretemp temp1=42");
}

TEST_CASE("chips that come are found within a minute, one that goes at the next reading") {
    board b;
    CHECK(b.shown() == "");
    CHECK(b.out.failed.empty());
    b.chip("0", "nvme", "nvme0").value("0", "temp1_input", "40000");
    CHECK(b.shown(10s) == "");
    CHECK(b.shown(50s) == "nvme temp1=40");
    // Under the same number another chip: the old one's directory is gone.
    b.files.drop("sys/class/hwmon/hwmon0");
    b.chip("0", "jc42", "0-0018").value("0", "temp1_input", "30000");
    CHECK(b.shown(2500ms) == "nvme temp1=40");
    CHECK(b.shown(7500ms) == "jc42 temp1=30");
    b.files.drop("sys/class/hwmon/hwmon0");
    CHECK(b.shown() == "");
    CHECK(b.out.failed.empty());
}

TEST_CASE("a sensor that has no answer ready is asked once and left out, without waiting") {
    board b;
    b.chip("0", "iwlwifi_1", "phy0");
    auto const file = b.files.path("sys/class/hwmon/hwmon0/temp1_input");
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    int const writer = ::open(file.c_str(), O_RDWR | O_NONBLOCK);
    REQUIRE(writer >= 0);
    CHECK(b.shown() == ""); // EAGAIN
    CHECK(b.out.failed.empty());
    CHECK(::write(writer, "35000\n", 6) == 6);
    CHECK(b.shown() == "iwlwifi_1 temp1=35");
    CHECK(b.shown() == "");
    ::close(writer);
    CHECK(b.shown() == "");
}

TEST_CASE("sensors that cannot be read at all are a failing source") {
    board b;
    b.chip("0", "nct6775", "nct6775.656");
    b.files.put("sys/class/hwmon/hwmon0/temp1_input/no", "a directory cannot be read\n");
    CHECK(b.shown() == "");
    CHECK(b.out.failed.has(source::temp));
    CHECK(b.shown(2500ms) == ""); // in between it still is
    CHECK(b.out.failed.has(source::temp));
    b.value("0", "temp2_input", "20000");
    CHECK(b.shown(60s) == "nct6775 temp2=20");
    CHECK_FALSE(b.out.failed.has(source::temp));
}

TEST_CASE("old kernels keep the files with the device") {
    board b;
    b.files.put("sys/class/hwmon/hwmon0/device/name", "coretemp\n")
        .put("sys/class/hwmon/hwmon0/device/temp1_input", "44000\n")
        .put("sys/class/hwmon/hwmon0/device/temp1_label", "Core 0\n")
        .put("sys/class/hwmon/hwmon0/device/temp1_crit", "100000\n");
    CHECK(b.shown() == "coretemp Core 0=44/100");
}

TEST_CASE("without hwmon the thermal zones are taken") {
    board b;
    b.files.put("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
        .put("sys/class/thermal/thermal_zone0/temp", "48312\n")
        .put("sys/class/thermal/thermal_zone0/trip_point_0_type", "passive\n")
        .put("sys/class/thermal/thermal_zone0/trip_point_0_temp", "80000\n")
        .put("sys/class/thermal/thermal_zone0/trip_point_1_type", "critical\n")
        .put("sys/class/thermal/thermal_zone0/trip_point_1_temp", "110000\n")
        .put("sys/class/thermal/thermal_zone1/type", "gpu-thermal\n")
        .put("sys/class/thermal/thermal_zone1/temp", "45000\n")
        .put("sys/class/thermal/thermal_zone2/type", "acpitz\n")
        .put("sys/class/thermal/thermal_zone2/temp", "0\n")
        .put("sys/class/thermal/cooling_device0/type", "fan\n");
    // A chip without temperatures is no reason to do without the zones.
    b.chip("0", "rpi_volt", "soc").value("0", "in0_lcrit_alarm", "0");
    CHECK(b.shown() == "gpu-thermal=45, cpu-thermal=48.312/110");
    // Zones of one kind have nothing but their number.
    b.files.put("sys/class/thermal/thermal_zone1/type", "cpu-thermal\n");
    CHECK(b.shown(60s) == "cpu-thermal thermal_zone1=45, cpu-thermal thermal_zone0=48.312/110");
    b.chip("1", "coretemp", "coretemp.0").value("1", "temp1_input", "50000");
    CHECK(b.shown(60s) == "coretemp temp1=50");
}

TEST_CASE("a limit is asked for again with the chips") {
    board b;
    b.chip("0", "coretemp", "x")
        .value("0", "temp1_input", "50000")
        .value("0", "temp1_crit", "90000");
    CHECK(b.shown() == "coretemp temp1=50/90");
    b.value("0", "temp1_crit", "95000");
    CHECK(b.shown() == "coretemp temp1=50/90");
    CHECK(b.shown(60s) == "coretemp temp1=50/95");
}

TEST_CASE(
    "one descriptor a chip is held, whatever happens, and no sensor beyond the most is read") {
    board b;
    for (int c = 0; c < 10; ++c) {
        auto const n = std::to_string(c);
        b.chip(n, "chip" + n, "device" + n);
        for (int i = 1; i <= 40; ++i)
            b.value(n, "temp" + std::to_string(i) + "_input", "20000");
    }
    auto const before = open_descriptors();
    b.shown();
    CHECK(b.out.temperatures.size() == host::max_sensors);
    auto const held = open_descriptors() - before;
    CHECK(held <= 10);
    for (int i = 0; i < 50; ++i)
        b.shown(30s);
    CHECK(open_descriptors() - before == held);
}
