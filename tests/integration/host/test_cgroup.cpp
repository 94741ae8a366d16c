#include <mad/host/cgroup.hpp>
#include <mad/host/sampler.hpp>

#include <support/child_process.hpp>
#include <support/skip.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <unistd.h>

using namespace mad;
using host::cgroup_version;
namespace fs = std::filesystem;

namespace {

std::string slurp(fs::path const& p) {
    std::ifstream in(p);
    return {std::istreambuf_iterator<char>(in), {}};
}

bool put(fs::path const& p, std::string const& text) {
    std::ofstream out(p);
    return static_cast<bool>(out << text << std::flush);
}

/// A control group made for a test, below our own, with limits of memory and CPU time. Goes with
/// the object, when no process is in it any more.
class made_group {
  public:
    made_group() {
        auto const groups = slurp("/proc/self/cgroup"), mounts = slurp("/proc/self/mountinfo");
        std::vector<host::mount_entry> entries;
        host::parse_mountinfo(mounts, entries);
        auto const memory = host::find_cgroup(groups, entries, "memory");
        auto const cpu = host::find_cgroup(groups, entries, "cpu");
        auto const usage = host::find_cgroup(groups, entries, "cpuacct");
        if (!memory || !cpu) {
            missing = "no control groups are mounted";
            return;
        }
        memory_dir = make(*memory);
        cpu_dir = make(*cpu);
        if (usage)
            make(*usage);
        v2_memory_ = memory->version == cgroup_version::v2;
        v2_cpu_ = cpu->version == cgroup_version::v2;
        if (missing.empty() && !limit(64, 20))
            missing = "limits of a new group cannot be set";
    }
    ~made_group() {
        std::error_code ignored;
        for (auto const& d : made_)
            fs::remove(d, ignored); // rmdir: its files are the kernel's
    }
    made_group(made_group const&) = delete;
    made_group& operator=(made_group const&) = delete;

    bool join() const {
        bool ok = true;
        for (auto const& d : made_)
            ok = put(d / "cgroup.procs", std::to_string(::getpid())) && ok;
        return ok;
    }

    /// Memory in MiB, CPU time in percent of one.
    bool limit(unsigned mib, unsigned pct) const {
        auto const bytes = std::to_string(std::uint64_t{mib} << 20);
        auto const quota = std::to_string(pct * 1000);
        bool const memory =
            put(memory_dir / (v2_memory_ ? "memory.max" : "memory.limit_in_bytes"), bytes);
        if (v2_cpu_)
            return memory && put(cpu_dir / "cpu.max", quota + " 100000");
        return memory && put(cpu_dir / "cpu.cfs_period_us", "100000") &&
               put(cpu_dir / "cpu.cfs_quota_us", quota);
    }

    std::string missing; // why there is no group
    fs::path memory_dir, cpu_dir;

  private:
    fs::path make(host::cgroup_place const& place) {
        fs::path const parent = place.top + place.path;
        auto const dir = parent / ("mad-test-" + std::to_string(::getpid()));
        std::error_code ec;
        if (place.version == cgroup_version::v2) // refused where processes are in the group
            put(parent / "cgroup.subtree_control", "+cpu +memory");
        if (fs::create_directory(dir, ec))
            made_.push_back(dir);
        if (ec)
            missing = "no group can be made below " + parent.string() + ": " + ec.message();
        return dir;
    }

    std::vector<fs::path> made_;
    bool v2_memory_ = false, v2_cpu_ = false;
};

std::string line_of(host::sample const& s) {
    std::ostringstream out;
    out << (s.scope == host::scope::cgroup ? "cgroup" : "host") << ' '
        << (s.memory ? s.memory->total >> 20 : 0) << ' ' << s.usable_cpus.value_or(-1) << ' '
        << s.failed.has(host::source::cgroup) << "; ";
    return out.str();
}

void spin(std::chrono::milliseconds time) {
    auto const end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end)
        ;
}

/// What a process in the group sees: its limits, that it is held back, and other limits.
std::string look_from_within(made_group const& group) {
    if (!group.join())
        return "cannot join";
    host::sampler_settings settings;
    settings.view = host::scope_choice::cgroup;
    host::sampler s(settings);
    auto out = line_of(s.take());
    // A busy loop uses a whole CPU where a fifth is allowed.
    bool held_back = false, sane = true;
    for (int i = 0; i < 20 && !held_back; ++i) {
        spin(std::chrono::milliseconds(300));
        auto const& cpu = s.take().cpu;
        held_back = cpu && cpu->throttled && *cpu->throttled > 0 && cpu->pct > 50;
        sane = sane && (!cpu || (cpu->pct >= 0 && cpu->pct <= 100));
    }
    out += held_back ? "held back" : "never held back";
    out += sane ? "; " : ", and not sane; ";
    if (!group.limit(128, 100))
        return out + "cannot change";
    spin(std::chrono::milliseconds(150));
    return out + line_of(s.take());
}

} // namespace

TEST_CASE("a real control group: limits, a busy loop held back, and limits that change") {
    made_group const group;
    if (!group.missing.empty())
        return mad_test::skipped(group.missing);
    std::string told;
    {
        mad_test::child_process child([&](int out) {
            auto const text = look_from_within(group) + '\n';
            if (::write(out, text.data(), text.size()) < 0)
                ::_exit(1);
        });
        told = child.line();
    }
    CHECK(told == "cgroup 64 0.2 0; held back; cgroup 128 1 0; ");
}
