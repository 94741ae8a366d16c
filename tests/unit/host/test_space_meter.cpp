#include "support.hpp"

#include <mad/host/space_meter.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

using namespace host_test;
using mad::host::source;
using mad::host::space_meter;

namespace {

struct bench {
    explicit bench(bool network = false)
        : meter([&] {
            space_meter::settings s;
            s.where = files.roots();
            s.network = network;
            s.statvfs = [kept = answers](char const* path, host::fs_space& to) {
                ++kept->calls;
                return kept->disks(path, to);
            };
            return s;
        }()) {}

    void mounts(std::string const& text) { files.put("proc/self/mountinfo", text); }

    host::sample& take(duration later = 2500ms) {
        at += later;
        out.filesystems.clear();
        out.storage = 0;
        out.failed.clear();
        meter.update(at, buffer, out);
        return out;
    }

    /// What is shown, as `mountpoint=percent`.
    std::string shown(duration later = 2500ms) {
        std::string s;
        for (auto const& f : take(later).filesystems) {
            s.append(s.empty() ? "" : " ").append(f.mount.view());
            if (f.space)
                s += "=" + std::to_string(static_cast<int>(f.space->pct));
            if (f.read_only)
                s += ",ro";
            if (f.network)
                s += ",net";
            if (f.stuck)
                s += ",stuck";
        }
        return s;
    }

    struct table {
        fake_disks disks;
        std::atomic<int> calls{0};
    };

    tree files;
    std::shared_ptr<table> answers = std::make_shared<table>(); // a helper may outlive us
    fake_disks& disks = answers->disks;
    std::atomic<int>& calls = answers->calls;
    host::read_buffer buffer;
    time_point at{1000s};
    host::sample out;
    space_meter meter;
};

std::string const root_line = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n";

} // namespace

TEST_CASE("filesystems come fullest first, storage is the fullest") {
    bench b;
    b.mounts(root_line + "2 1 8:2 / /home rw - ext4 /dev/sda2 rw\n3 1 8:3 / /srv rw - xfs c rw\n");
    b.disks.spaces = {{"/", space(30)}, {"/home/", space(90)}, {"/srv/", space(60)}};
    CHECK(b.shown() == "/home=90 /srv=60 /=30");
    CHECK(b.out.storage == Approx(90));
    CHECK(b.out.filesystems[0].type == "ext4");
    CHECK(b.out.filesystems[0].space->size == 1'000'000'000);
    CHECK(*b.out.filesystems[0].space->inode_pct == Approx(10));
    CHECK(b.out.failed.empty());
}

TEST_CASE("numbers are fresh at each reading while the list is kept") {
    bench b;
    b.mounts(root_line);
    b.disks.spaces = {{"/", space(30)}};
    CHECK(b.shown() == "/=30");
    b.disks.spaces = {{"/", space(31)}};
    CHECK(b.shown() == "/=31");
    // The list is read again within a minute, and only then: this is no file of the kernel.
    b.mounts(root_line + "2 1 8:2 / /home rw - ext4 /dev/sda2 rw\n");
    b.disks.spaces["/home/"] = space(90);
    CHECK(b.shown() == "/=31");
    b.take(60s);
    CHECK(b.shown() == "/home=90 /=31");
}

TEST_CASE("a file mounted on a file is passed over for the next of its device") {
    bench b;
    b.mounts("1 0 0:90 / / rw - overlay overlay rw\n"
             "2 1 8:1 /c/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
             "3 1 8:1 /c/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw\n"
             "4 1 8:1 /vol /some/volume/here rw - ext4 /dev/sda1 rw\n"
             "5 1 8:2 /f /etc/file rw - ext4 /dev/sda2 rw\n");
    b.disks.spaces = {{"/", space(20)}, {"/some/volume/here/", space(40)}};
    b.disks.errors = {
        {"/etc/hosts/", ENOTDIR}, {"/etc/resolv.conf/", ENOTDIR}, {"/etc/file/", ENOTDIR}};
    CHECK(b.shown() == "/some/volume/here=40 /=20");
    CHECK(b.out.filesystems[1].type == "overlay");
    CHECK(b.out.storage == Approx(40));
    auto const calls = b.calls.load();
    b.take();
    CHECK(b.calls == calls + 2); // files are not asked again
}

TEST_CASE("a mount that cannot be measured is left out, the others stay") {
    bench b;
    b.mounts(root_line + "2 1 8:2 / /private rw - ext4 b rw\n3 1 8:3 / /empty rw - ext4 c rw\n");
    b.disks.spaces = {{"/", space(30)}, {"/empty/", {}}};
    b.disks.errors = {{"/private/", EACCES}};
    CHECK(b.shown() == "/=30");
    CHECK(b.out.failed.empty());
}

TEST_CASE("read-only is told by the list or by the filesystem, at once when it flips") {
    bench b;
    b.mounts(root_line +
             "2 1 8:2 / /ro ro - ext4 b rw\n3 1 8:3 / /err rw - ext4 c rw,emergency_ro\n");
    b.disks.spaces = {{"/", space(30)}, {"/ro/", space(20)}, {"/err/", space(10)}};
    CHECK(b.shown() == "/=30 /ro=20,ro /err=10,ro");
    b.disks.spaces["/"] = space(30, true);
    CHECK(b.shown() == "/=30,ro /ro=20,ro /err=10,ro");
    b.disks.spaces["/"] = space(30, false);
    CHECK(b.shown() == "/=30 /ro=20,ro /err=10,ro");
}

TEST_CASE("without an eligible filesystem the root is asked for storage") {
    bench b;
    b.mounts("1 0 0:20 / / rw - tmpfs root rw\n");
    b.disks.spaces = {{"/", space(35)}};
    CHECK(b.shown().empty());
    CHECK(b.out.storage == Approx(35));
    CHECK(b.out.failed.empty());
    b.disks.errors = {{"/", EIO}};
    b.take();
    CHECK(b.out.storage == 0);
    CHECK(b.out.failed.has(source::storage));
    CHECK_FALSE(b.out.failed.has(source::disk));
}

TEST_CASE("a list that cannot be read fails the source, and is tried again each time") {
    bench b;
    b.disks.spaces = {{"/", space(35)}};
    b.take();
    CHECK(b.out.failed.has(source::disk));
    CHECK(b.out.storage == Approx(35));
    b.mounts("no list of mounts\n");
    b.take();
    CHECK(b.out.failed.has(source::disk));
    b.mounts(root_line);
    CHECK(b.shown() == "/=35");
    CHECK(b.out.failed.empty());
    // Once known, mounts stay known while the file makes no sense.
    b.mounts("");
    b.take(60s);
    CHECK(b.out.failed.has(source::disk));
    CHECK(b.shown() == "/=35");
}

TEST_CASE("network filesystems are shown but never count for storage") {
    bench b(true);
    b.mounts(root_line + "2 1 0:50 / /nfs rw - nfs4 server:/x rw\n");
    b.disks.spaces = {{"/", space(30)}, {"/nfs/", space(99)}};
    b.take();
    // The helper needs a moment of real time; the clock stands still meanwhile.
    auto const until = std::chrono::steady_clock::now() + 10s;
    while (b.out.filesystems.size() < 2 && std::chrono::steady_clock::now() < until) {
        b.take(0ms);
        std::this_thread::yield();
    }
    auto const s = b.shown(0ms);
    CHECK(s == "/nfs=99,net /=30");
    CHECK(b.out.storage == Approx(30));
}

TEST_CASE("network filesystems are not even asked by default") {
    bench b;
    b.mounts(root_line + "2 1 0:50 / /nfs rw - nfs4 server:/x rw\n");
    b.disks.spaces = {{"/", space(30)}, {"/nfs/", space(99)}};
    CHECK(b.shown() == "/=30");
    CHECK(b.calls == 1);
}

TEST_CASE("a dead server holds nobody: its mount is stuck, local ones go on") {
    struct gate {
        std::mutex mutex;
        std::condition_variable wake;
        bool open = false, reached = false;
    };
    auto const g = std::make_shared<gate>();
    tree files;
    files.put("proc/self/mountinfo", root_line + "2 1 0:50 / /dead rw - nfs s:/x rw\n"
                                                 "3 1 0:51 / /more rw - cifs //s/y rw\n");
    space_meter::settings s;
    s.where = files.roots();
    s.network = true;
    s.statvfs_limit = 1000ms;
    s.statvfs = [g](std::string const& path, host::fs_space& out) {
        if (path == "/dead/") {
            std::unique_lock lock(g->mutex);
            g->reached = true;
            g->wake.notify_all();
            g->wake.wait(lock, [&] { return g->open; });
        }
        out = space(50);
        return 0;
    };
    space_meter meter(s);
    host::read_buffer buffer;
    host::sample out;
    time_point at{1000s};
    auto const take = [&](duration later) {
        at += later;
        out.filesystems.clear();
        meter.update(at, buffer, out);
        std::string text;
        for (auto const& f : out.filesystems)
            text += std::string(f.mount.view()) + (f.space ? "=" : "") + (f.stuck ? "!" : "") + " ";
        return text;
    };
    CHECK(take(0s) == "/= ");
    {
        std::unique_lock lock(g->mutex);
        REQUIRE(g->wake.wait_for(lock, 10s, [&] { return g->reached; }));
    }
    CHECK(take(500ms) == "/= ");
    CHECK(take(501ms) == "/dead! /= /more ");
    for (int i = 0; i < 10; ++i)
        CHECK(take(2500ms) == "/dead! /= /more ");
    {
        std::lock_guard const lock(g->mutex);
        g->open = true;
        g->wake.notify_all();
    }
    auto const until = std::chrono::steady_clock::now() + 10s;
    auto text = take(0s);
    for (; text.find("/more=") == text.npos && std::chrono::steady_clock::now() < until;
         text = take(0s))
        std::this_thread::yield();
    CHECK(text.find("/dead= ") != text.npos);
    CHECK(text.find('!') == text.npos);
    CHECK(out.storage == Approx(50));
}

TEST_CASE(
    "who asks: disks this thread, all that may hang the helper, the root of a diskless one too") {
    struct row {
        char const* what;
        std::string mounts, path, shown;
    };
    auto const r = GENERATE(values<row>({
        {"a disk", root_line, "/", "/=20"},
        {"a type that nobody knows", "1 0 0:40 / / rw - vboxsf share rw\n", "/", "/=20"},
        {"a disk below a server's directory",
         "1 0 0:20 / / rw - tmpfs none rw\n2 1 0:50 / /srv rw - nfs4 s:/x rw\n"
         "3 2 8:2 / /srv/disk rw - xfs /dev/sda2 rw\n",
         "/srv/disk/", "/srv/disk=20"},
        {"no disk at all", "1 0 0:50 / / rw - nfs s:/root rw\n", "/", ""},
    }));
    CAPTURE(r.what);
    bool const here = r.mounts == root_line;
    auto const mine = std::this_thread::get_id();
    auto const asked_here = std::make_shared<std::atomic<int>>(0);
    auto const asked_elsewhere = std::make_shared<std::atomic<int>>(0);
    tree files;
    files.put("proc/self/mountinfo", r.mounts);
    space_meter::settings s;
    s.where = files.roots();
    s.statvfs = [=](std::string const& path, host::fs_space& to) {
        if (path != r.path)
            return ENOENT;
        ++*(std::this_thread::get_id() == mine ? asked_here : asked_elsewhere);
        to = space(20);
        return 0;
    };
    space_meter meter(s);
    host::read_buffer buffer;
    host::sample out;
    auto const take = [&] {
        out.filesystems.clear();
        out.storage = 0;
        out.failed.clear();
        meter.update(time_point(1000s), buffer, out);
    };
    take();
    if (!here && r.shown.empty())
        CHECK(out.failed.has(source::storage)); // not answered yet
    auto const until = std::chrono::steady_clock::now() + 10s;
    while (out.storage == 0 && std::chrono::steady_clock::now() < until) {
        std::this_thread::yield();
        take();
    }
    CHECK(out.storage == Approx(20));
    CHECK(out.failed.empty());
    std::string shown;
    for (auto const& f : out.filesystems)
        shown += std::string(f.mount.view()) + "=20";
    CHECK(shown == r.shown);
    CHECK((*asked_here > 0) == here);
    CHECK((*asked_elsewhere > 0) == !here);
}

TEST_CASE("a host seen from a container: process 1's mounts, asked below the root given") {
    tree files;
    files.put("proc/1/mountinfo", root_line + "2 1 8:2 / /home rw - ext4 b rw\n");
    std::vector<std::string> asked;
    space_meter::settings s;
    s.where = files.roots();
    s.where.root = "/host";
    s.statvfs = [&](char const* path, host::fs_space& out) {
        asked.emplace_back(path);
        out = space(50, true); // as it is mounted for us, not for the host
        return 0;
    };
    space_meter meter(s);
    host::read_buffer buffer;
    host::sample out;
    meter.update(time_point(1000s), buffer, out);
    CHECK(asked == std::vector<std::string>{"/host/", "/host/home/"});
    REQUIRE(out.filesystems.size() == 2);
    CHECK_FALSE(out.filesystems[0].read_only);
    CHECK((out.filesystems[0].mount == "/" || out.filesystems[1].mount == "/"));
}

TEST_CASE("the kernel's own list is noticed to change") {
    // Needs no mount: the first reading is due, and none later while nothing changes.
    space_meter::settings s;
    s.statvfs = [](char const*, host::fs_space& out) {
        out = space(1);
        return 0;
    };
    space_meter meter(s);
    host::read_buffer buffer;
    host::sample out;
    for (int i = 0; i < 3; ++i) {
        out.filesystems.clear();
        meter.update(time_point(1000s + i * 1s), buffer, out);
        CHECK(out.failed.empty());
    }
}
