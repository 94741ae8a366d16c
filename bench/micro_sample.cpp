// A sample of this machine: microseconds of CPU time (system calls included) and heap allocations
// of the whole and of each source, one table, the median of 9 rounds and how far apart they were.

#include <mad/host.hpp>
#include <mad/host/file_reader.hpp>
#include <mad/host/space_meter.hpp>
#include <mad/host/sysfs.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <string>
#include <utility>

#include <sys/utsname.h>

namespace {

thread_local std::size_t allocations = 0;

} // namespace

[[gnu::noinline]] void* operator new(std::size_t n) {
    ++allocations;
    if (void* p = std::malloc(n == 0 ? 1 : n))
        return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}

namespace {

using namespace mad;

/// Moves on by an interval at each look, so that every sample has rates and the rare work (lists
/// read again each minute) falls due as often as in life.
class quick_clock final : public mad::clock {
  public:
    time_point now() const override {
        return time_point(seconds(1000)) + ticks_ * milliseconds(2500);
    }
    std::int64_t wall_ms() const override { return 0; }
    void tick() { ++ticks_; }

  private:
    int ticks_ = 0;
};

/// Keeps the compiler from leaving work out.
std::size_t sink = 0;

template <class Work>
void row(char const* name, Work work) {
    auto const cpu_us = [] {
        std::timespec t{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
    };
    auto const time_of = [&](std::size_t n) {
        auto const start = cpu_us();
        for (std::size_t i = 0; i < n; ++i)
            sink += work();
        return cpu_us() - start;
    };
    std::size_t n = 16;
    while (time_of(n) < 20e3)
        n *= 2;
    auto const before = allocations;
    std::array<double, 9> us;
    for (auto& t : us)
        t = time_of(n) / static_cast<double>(n);
    auto const allocated = static_cast<double>(allocations - before) / static_cast<double>(9 * n);
    std::sort(us.begin(), us.end());
    std::printf("%-40s %10.2f %10.2f %10zu %12.4f\n", name, us[us.size() / 2],
                us.back() - us.front(), 9 * n, allocated);
}

/// One file read and parsed.
template <class Parse>
void file_row(char const* name, char const* path, host::read_buffer& buffer, Parse parse) {
    host::file_reader file(path);
    if (!file.read(buffer)) {
        std::printf("%-40s cannot be read here\n", name);
        return;
    }
    row(name, [&] {
        auto const text = file.read(buffer);
        parse(*text);
        return text->size();
    });
}

} // namespace

int main() {
    struct ::utsname names {};
    ::uname(&names);
    auto const who = host::read_identity();
    std::printf("host: one sample of this machine, %u CPUs, Linux %s %s\n", who.cpus.value_or(0),
                names.release, names.machine);
    std::printf("%-40s %10s %10s %10s %12s\n", "", "us", "spread", "samples", "allocations");

    quick_clock time;
    host::sampler_settings settings;
    settings.time = &time;
    settings.boot_time = [&] { return time.now().time_since_epoch(); };
    host::sampler sampler(settings);
    std::string json;
    row("sample", [&] {
        time.tick();
        return sampler.take().nics.size();
    });
    row("sample and its JSON", [&] {
        time.tick();
        json.clear();
        host::append_health_json(json, sampler.take());
        return json.size();
    });
    row("JSON alone", [&] {
        json.clear();
        host::append_health_json(json, sampler.last());
        return json.size();
    });
    std::printf("%-40s %10zu bytes\n", "size of the JSON", json.size());

    host::read_buffer buffer;
    host::proc_stat stat;
    host::meminfo memory;
    std::vector<host::disk_stats> disks;
    std::vector<host::nic_stats> nics;
    std::vector<host::mount_entry> mounts;
    file_row("/proc/stat", "/proc/stat", buffer, [&](auto t) { parse_proc_stat(t, stat); });
    file_row("/proc/loadavg", "/proc/loadavg", buffer, [](auto t) { host::parse_loadavg(t); });
    file_row("/proc/meminfo", "/proc/meminfo", buffer, [&](auto t) { parse_meminfo(t, memory); });
    file_row("/proc/diskstats", "/proc/diskstats", buffer,
             [&](auto t) { parse_diskstats(t, disks); });
    file_row("/proc/net/dev", "/proc/net/dev", buffer, [&](auto t) { parse_net_dev(t, nics); });
    file_row("/proc/uptime", "/proc/uptime", buffer, [](auto t) { host::parse_uptime(t); });
    file_row("/proc/self/statm", "/proc/self/statm", buffer,
             [](auto t) { host::parse_statm_resident(t); });
    file_row("/proc/self/mountinfo", "/proc/self/mountinfo", buffer,
             [&](auto t) { parse_mountinfo(t, mounts); });

    host::space_meter space({{}, false, host::system_statvfs, milliseconds(1000)});
    host::sample out;
    row("filesystems (poll, statvfs)", [&] {
        time.tick();
        out.filesystems.clear();
        space.update(time.now(), buffer, out);
        return out.filesystems.size();
    });
    host::system_nics source({});
    row("number of an interface (sysfs)", [&] { return source.index("lo"); });
    return sink == 0;
}
