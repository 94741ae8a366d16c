#include "support.hpp"

#include <mad/host/json.hpp>
#include <mad/host/sample_feed.hpp>
#include <mad/host/sampler.hpp>

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdlib>
#include <new>

// The sanitizers bring an allocator of their own, which is more useful there than a count.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

thread_local bool counting = false;
thread_local std::size_t allocations = 0;

void* counted(std::size_t n) {
    if (counting)
        ++allocations;
    if (void* p = std::malloc(n == 0 ? 1 : n))
        return p;
    throw std::bad_alloc();
}

} // namespace

[[gnu::noinline]] void* operator new(std::size_t n) {
    return counted(n);
}
[[gnu::noinline]] void* operator new[](std::size_t n) {
    return counted(n);
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete[](void* p) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete[](void* p, std::size_t) noexcept {
    std::free(p);
}

using namespace host_test;

namespace {

/// Allocations of this thread while `f` runs.
template <class F>
std::size_t allocations_in(F&& f) {
    allocations = 0;
    counting = true;
    f();
    counting = false;
    return allocations;
}

} // namespace

TEST_CASE("the counter counts") {
    CHECK(allocations_in([] { delete new int(1); }) == 1);
    CHECK(allocations_in([] {}) == 0);
}

TEST_CASE("a sample of a stored machine allocates nothing once its lists have their size") {
    auto const name = GENERATE(as<std::string>{}, "linux-2.6.18-i686", "linux-2.6.32-raid",
                               "linux-3.10-bonded", "linux-4.19-armv7", "linux-5.15-lxc",
                               "linux-5.15-storage", "linux-6.1-kvm", "linux-6.1-raspberry",
                               "linux-6.6-laptop", "linux-6.8-container", "linux-6.12-128-cores");
    CAPTURE(name);
    tree files;
    files.lay(data_dir() / name / "before");
    hand_clock clock;
    host::sampler_settings settings;
    settings.where = files.roots();
    settings.time = &clock;
    settings.statvfs = [](char const*, host::fs_space& out) {
        out = space(50);
        return 0;
    };
    settings.boot_time = [&] { return clock.now().time_since_epoch(); };
    host::sampler s(settings);
    std::string json;
    auto const tick = [&] {
        json.clear();
        host::append_health_json(json, s.take());
        clock.advance(2500ms);
    };
    for (int warm = 0; warm < 3; ++warm)
        tick();
    if (fs::exists(data_dir() / name / "after"))
        files.lay(data_dir() / name / "after");
    // What comes new has its baseline in the first, and its line in the second.
    tick();
    tick();
    // Over a minute, so that everything that is looked at now and then is looked at.
    CHECK(allocations_in([&] {
              for (int i = 0; i < 60; ++i)
                  tick();
          }) == 0);
    CHECK(json.size() > 100);
}

TEST_CASE("the view of a control group allocates nothing, nor does a limit that changes") {
    auto const v2 = GENERATE(true, false);
    CAPTURE(v2);
    tree files;
    files.lay(data_dir() / "linux-6.1-kvm" / "before");
    std::string const dir = v2 ? "sys/fs/cgroup/kubepods/pod" : "sys/fs/cgroup/memory/docker/8c1f";
    auto const limit = dir + (v2 ? "/memory.max" : "/memory.limit_in_bytes");
    if (v2)
        files.put("proc/self/cgroup", "0::/kubepods/pod\n")
            .put(dir + "/memory.current", "1000000\n")
            .put(dir + "/cpu.max", "50000 100000\n")
            .put(dir + "/cpu.stat", "usage_usec 1\nthrottled_usec 1\n")
            .put(dir + "/cpu.pressure", "some avg60=1 total=1\n");
    else
        files.put("proc/self/cgroup", "4:memory:/docker/8c1f\n")
            .put(dir + "/memory.usage_in_bytes", "1000000\n");
    files.put("proc/pressure/io", "some avg60=1 total=1\n").put(limit, "100000000\n");
    files.put("proc/self/mountinfo",
              slurp(files.path("proc/self/mountinfo")) +
                  (v2 ? "90 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
                      : "90 23 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"));
    hand_clock clock;
    host::sampler_settings settings;
    settings.where = files.roots();
    settings.time = &clock;
    settings.statvfs = [](char const*, host::fs_space& out) {
        out = space(50);
        return 0;
    };
    settings.boot_time = [&] { return clock.now().time_since_epoch(); };
    host::sampler s(settings);
    std::string json;
    auto const tick = [&] {
        json.clear();
        host::append_health_json(json, s.take());
        clock.advance(2500ms);
    };
    for (int warm = 0; warm < 4; ++warm)
        tick();
    files.put(limit, "200000000\n");
    CHECK(allocations_in([&] {
              for (int i = 0; i < 60; ++i)
                  tick();
          }) == 0);
    CHECK(s.last().scope == host::scope::cgroup);
    CHECK(s.last().memory->total == 200'000'000);
    CHECK_FALSE(s.last().failed.has(host::source::cgroup));
}

TEST_CASE("a sample of this machine allocates nothing either") {
    hand_clock clock;
    host::sampler_settings settings;
    settings.time = &clock;
    settings.boot_time = [&] { return clock.now().time_since_epoch(); };
    host::sampler s(settings);
    std::string json;
    json.reserve(host::max_health_bytes);
    auto const tick = [&] {
        json.clear();
        host::append_health_json(json, s.take());
        clock.advance(2500ms);
    };
    for (int warm = 0; warm < 3; ++warm)
        tick();
    // Something of the machine may change just now (a mount, a device): then once more.
    std::size_t least = 1;
    for (int attempt = 0; attempt < 5 && least > 0; ++attempt)
        least = allocations_in([&] {
            for (int i = 0; i < 30; ++i)
                tick();
        });
    CHECK(least == 0);
}

TEST_CASE("a feed's ticks allocate nothing") {
    boost::asio::io_context ioc;
    host::sampler_settings settings;
    settings.interval = host::sample_feed::min_interval;
    int count = 0;
    host::sample_feed feed(ioc.get_executor(), settings, [&](host::sample const&) { ++count; });
    feed.start();
    auto const run_until = [&](int samples) {
        while (count < samples && ioc.run_one_for(10s) != 0) {
        }
    };
    run_until(3);
    std::size_t least = 1;
    for (int attempt = 0; attempt < 5 && least > 0; ++attempt)
        least = allocations_in([&] { run_until(count + 3); });
    CHECK(least == 0);
    CHECK(count >= 6);
}

#endif
