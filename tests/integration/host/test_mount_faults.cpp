#include "support.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <linux/fuse.h>
#include <linux/loop.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <thread>

using namespace host_faults;

namespace {

/// The least filesystem in user space: a root directory, and statfs that can be told to hang
/// (command `h`) and to answer again (`a`). Says one byte to `told` for each call it holds back.
class small_fuse {
  public:
    small_fuse(int fuse, int commands, int told)
        : fuse_(fuse)
        , commands_(commands)
        , told_(told) {}

    void run() {
        for (;;) {
            pollfd p[] = {{fuse_, POLLIN, 0}, {commands_, POLLIN, 0}};
            if (::poll(p, 2, 30'000) <= 0)
                return;
            if (p[1].revents && !obey())
                return;
            if (p[0].revents && !serve())
                return;
        }
    }

  private:
    bool obey() {
        char c = 0;
        if (::read(commands_, &c, 1) != 1)
            return false;
        hang_ = c == 'h';
        for (auto id : held_)
            answer_statfs(id);
        held_.clear();
        return true;
    }

    bool serve() {
        auto const n = ::read(fuse_, buffer_.data(), buffer_.size());
        if (n < 0)
            return errno == EINTR || errno == EAGAIN || errno == ENOENT;
        fuse_in_header in;
        std::memcpy(&in, buffer_.data(), sizeof in);
        switch (in.opcode) {
        case FUSE_INIT: {
            fuse_init_out o{};
            o.major = 7;
            o.minor = 26;
            o.max_write = 4096;
            reply(in.unique, &o, sizeof o);
            break;
        }
        case FUSE_GETATTR: {
            fuse_attr_out o{};
            o.attr_valid = 3600;
            o.attr.ino = 1;
            o.attr.mode = 040755;
            o.attr.nlink = 2;
            reply(in.unique, &o, sizeof o);
            break;
        }
        case FUSE_STATFS:
            if (!hang_) {
                answer_statfs(in.unique);
            } else {
                held_.push_back(in.unique);
                if (::write(told_, "h", 1) != 1)
                    return false;
            }
            break;
        case FUSE_FORGET:
        case FUSE_BATCH_FORGET:
        case FUSE_INTERRUPT:
            break;
        default:
            fail(in.unique, -ENOSYS);
        }
        return true;
    }

    void answer_statfs(std::uint64_t id) {
        fuse_statfs_out o{};
        o.st.bsize = o.st.frsize = 4096;
        o.st.blocks = 1000;
        o.st.bfree = o.st.bavail = 250;
        o.st.files = 100;
        o.st.ffree = 50;
        o.st.namelen = 255;
        reply(id, &o, sizeof o);
    }

    void reply(std::uint64_t id, void const* data, std::size_t size) {
        std::array<char, 512> out;
        fuse_out_header h{};
        h.len = static_cast<std::uint32_t>(sizeof h + size);
        h.unique = id;
        std::memcpy(out.data(), &h, sizeof h);
        std::memcpy(out.data() + sizeof h, data, size);
        [[maybe_unused]] auto const n = ::write(fuse_, out.data(), h.len);
    }

    void fail(std::uint64_t id, int error) {
        fuse_out_header h{sizeof h, error, id};
        [[maybe_unused]] auto const n = ::write(fuse_, &h, sizeof h);
    }

    int fuse_, commands_, told_;
    bool hang_ = false;
    std::vector<std::uint64_t> held_;
    alignas(std::uint64_t) std::array<char, FUSE_MIN_READ_BUFFER + 65'536> buffer_;
};

std::string shown(host::sample const& s, std::string const& mount) {
    for (auto const& f : s.filesystems)
        if (f.mount == mount) {
            if (f.stuck)
                return f.space ? "stuck with numbers" : "stuck";
            auto text = f.space ? std::to_string(static_cast<int>(f.space->pct)) : "no numbers";
            return text + (f.read_only ? " ro" : " rw");
        }
    return "absent";
}

void hang_and_recover(std::vector<std::string>& said) {
    leave_mounts();
    folder at;
    int const fuse = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
    need(fuse >= 0, "no /dev/fuse");
    auto const options =
        "fd=" + std::to_string(fuse) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
    need(::mount("mad-test", at.path.c_str(), "fuse.glusterfs", MS_NOSUID | MS_NODEV,
                 options.c_str()) == 0,
         "no right to mount");
    int commands[2], told[2];
    need(::pipe2(commands, O_CLOEXEC) == 0 && ::pipe2(told, O_CLOEXEC) == 0, "no pipes");
    // A process of its own holds the filesystem: when it ends, so does every call that waits for
    // it, which in this one could not even be killed.
    auto const server = ::fork();
    need(server >= 0, "no process to be had");
    if (server == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::alarm(50);
        ::close(commands[1]);
        auto const it = std::make_unique<small_fuse>(fuse, commands[0], told[1]);
        it->run();
        ::_exit(0);
    }
    ::close(fuse);
    ::close(commands[0]);

    // A sanitizer has threads of its own, the last from the first of ours on.
    std::thread([] {}).join();
    auto const others = entries_of("/proc/self/task") - 1;
    std::size_t most_threads = 0;
    {
        hand_clock clock;
        auto settings = settings_with(clock);
        settings.network_mounts = true;
        host::sampler s(std::move(settings));
        auto const take = [&](duration later) -> host::sample const& {
            clock.advance(later);
            auto const& now = s.take();
            most_threads = std::max(most_threads, entries_of("/proc/self/task"));
            return now;
        };
        auto const until_shown = [&](std::string const& wanted) {
            auto const end = std::chrono::steady_clock::now() + 15s;
            std::string last;
            while (std::chrono::steady_clock::now() < end) {
                last = shown(take(1ms), at.path);
                if (last == wanted)
                    break;
                ::sched_yield();
            }
            return last;
        };
        said.push_back(until_shown("75 rw"));
        [[maybe_unused]] auto n = ::write(commands[1], "h", 1);
        auto const end = std::chrono::steady_clock::now() + 15s;
        for (pollfd p{told[0], POLLIN, 0}; std::chrono::steady_clock::now() < end;) {
            take(1ms);
            if (::poll(&p, 1, 0) > 0)
                break;
            ::sched_yield();
        }
        take(2500ms);
        for (int i = 0; i < 5; ++i) {
            auto const& now = take(2500ms);
            bool const rest = now.memory && now.load && now.uptime_s && now.tasks;
            said.push_back(shown(now, at.path) + (rest ? ", the rest is there" : "") +
                           (now.failed.has(host::source::disk) ? ", disk failed" : ""));
        }
        n = ::write(commands[1], "a", 1);
        said.push_back(until_shown("75 rw"));
    }
    said.push_back("threads " + std::to_string(most_threads - others));
    ::close(commands[1]); // the server ends
    ::umount2(at.path.c_str(), MNT_DETACH);
    int status = 0;
    ::waitpid(server, &status, 0);
}

/// A small ext4 in a file. The loop device goes with the mount.
void mount_image(std::string const& dir, std::string const& image) {
    { std::ofstream make(image); }
    need(::truncate(image.c_str(), 8 << 20) == 0, "no file");
    auto const command = "PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q -F " + image + " 2>/dev/null";
    need(std::system(command.c_str()) == 0, "no mkfs.ext4");
    int const control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    need(control >= 0, "no loop devices");
    auto const number = ::ioctl(control, LOOP_CTL_GET_FREE);
    ::close(control);
    auto const device = "/dev/loop" + std::to_string(number);
    int const loop = ::open(device.c_str(), O_RDWR | O_CLOEXEC);
    int const file = ::open(image.c_str(), O_RDWR | O_CLOEXEC);
    need(loop >= 0 && file >= 0, "no loop device");
    need(::ioctl(loop, LOOP_SET_FD, file) == 0, "the loop device is taken");
    loop_info64 info{};
    info.lo_flags = LO_FLAGS_AUTOCLEAR;
    ::ioctl(loop, LOOP_SET_STATUS64, &info);
    bool const mounted = ::mount(device.c_str(), dir.c_str(), "ext4", 0, nullptr) == 0;
    ::close(file);
    ::close(loop);
    need(mounted, "no right to mount");
}

void flip_read_only(std::vector<std::string>& said) {
    leave_mounts();
    folder top;
    auto const at = top.path + "/disk";
    fs::create_directory(at);
    hand_clock clock;
    host::sampler s(settings_with(clock));
    auto const say = [&] {
        clock.advance(2500ms);
        auto const text = shown(s.take(), at);
        said.push_back(text == "absent" ? text : text.substr(text.find(' ') + 1));
    };
    say();
    mount_image(at, top.path + "/image");
    say();
    ::mount(nullptr, at.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
    say();
    ::mount(nullptr, at.c_str(), nullptr, MS_REMOUNT, nullptr);
    say();
    ::umount2(at.c_str(), MNT_DETACH);
    say();
}

} // namespace

TEST_CASE("a filesystem that hangs is shown as stuck, all else goes on, and it comes back") {
    auto const o = in_child(hang_and_recover);
    if (!o.skipped.empty()) {
        WARN("left out: " << o.skipped);
        return;
    }
    std::vector<std::string> want{"75 rw"};
    want.insert(want.end(), 5, "stuck, the rest is there");
    want.insert(want.end(), {"75 rw", "threads 2"});
    CHECK(o.said == want);
}

TEST_CASE("a disk that comes, turns read-only and back, and goes is noticed at the next sample") {
    auto const o = in_child(flip_read_only);
    if (!o.skipped.empty()) {
        WARN("left out: " << o.skipped);
        return;
    }
    CHECK(o.said == std::vector<std::string>{"absent", "rw", "ro", "rw", "absent"});
}
