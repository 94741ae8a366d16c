#include "../host/support.hpp"

#include <mad/core/json.hpp>
#include <mad/fleet/agent.hpp>

using namespace host_test;

TEST_CASE("info comes when it is asked for, and by itself when it has changed") {
    tree files;
    hand_clock clock;
    files.put("proc/stat", "cpu 1 0 0 1\ncpu0 1 0 0 1\nbtime 5\n")
        .put("proc/meminfo", "MemTotal: 1000000 kB\nMemAvailable: 500000 kB\n")
        .put("proc/self/cgroup", "0::/kubepods/pod\n")
        .put("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
        .put("sys/fs/cgroup/kubepods/pod/memory.max", "104857600\n")
        .put("sys/fs/cgroup/kubepods/pod/memory.current", "1000000\n");
    fleet::agent_settings settings;
    settings.host.where = files.roots();
    settings.host.time = &clock;
    settings.host.boot_time = [&] { return clock.now().time_since_epoch(); };
    settings.host.statvfs = [](char const*, host::fs_space& out) {
        out = space(50);
        return 0;
    };
    fleet::agent_messages messages(settings, "a");
    auto const next = [&](bool with_info) {
        clock.advance(2500ms);
        auto const text = json::parse(messages.next(with_info));
        CHECK(text.contains("info") == messages.had_info());
        return text;
    };
    messages.baseline();
    auto const greeting = next(true);
    CHECK(greeting["info"]["scope"] == "cgroup");
    CHECK(greeting["info"]["mem"] == 104857600);
    CHECK(greeting["info"]["caps"] == json{{"psi", false}, {"temp", false}});
    CHECK_FALSE(next(false).contains("info"));

    files.put("sys/fs/cgroup/kubepods/pod/memory.max", "209715200\n");
    CHECK(next(false)["info"]["mem"] == 209715200);
    CHECK_FALSE(next(false).contains("info"));
    // A file that fails for a moment is no news.
    files.put("sys/fs/cgroup/kubepods/pod/memory.max", "rubbish\n");
    CHECK_FALSE(next(false).contains("info"));
}
