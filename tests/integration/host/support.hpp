#ifndef MAD_TESTS_INTEGRATION_HOST_SUPPORT_HPP
#define MAD_TESTS_INTEGRATION_HOST_SUPPORT_HPP

#include <mad/core/clock.hpp>
#include <mad/host/sampler.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace host_faults {

namespace fs = std::filesystem;
using namespace mad;
using namespace std::chrono_literals;

/// A clock that stands still until it is told: ticks need no waiting.
class hand_clock final : public mad::clock {
  public:
    time_point now() const override { return time_point(duration(ns_.load())); }
    std::int64_t wall_ms() const override { return 1'700'000'000'000; }
    void advance(duration d) { ns_ += d.count(); }

  private:
    std::atomic<duration::rep> ns_{std::chrono::nanoseconds(1000s).count()};
};

/// What a child came to: lines it said, or why it could not be tried here.
struct outcome {
    std::vector<std::string> said;
    std::string skipped;
};

/// Thrown in a child: there is no right, no device or no program for this here.
struct not_here {
    std::string why;
};

inline void need(bool ok, std::string const& what) {
    if (!ok)
        throw not_here{what};
}

/// Runs `f(said)` in a process of its own, with namespaces of its own that go with it. Ends it
/// after a minute whatever it does; it takes its children along.
template <class F>
outcome in_child(F&& f) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    auto const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int s : {SIGALRM, SIGTERM, SIGSEGV, SIGABRT})
            ::signal(s, SIG_DFL);
        ::alarm(60);
        outcome o;
        try {
            f(o.said);
        } catch (not_here const& e) {
            o.skipped = e.why;
        } catch (std::exception const& e) {
            o.said.push_back(std::string("exception: ") + e.what());
        }
        std::string text = o.skipped.empty() ? "" : "!" + o.skipped + "\n";
        for (auto const& line : o.said)
            text += line + "\n";
        bool const whole =
            ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
        ::_exit(whole ? 0 : 1);
    }
    ::close(ends[1]);
    outcome o;
    std::string text;
    char part[4096];
    for (ssize_t n; (n = ::read(ends[0], part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    for (std::size_t at = 0; at < text.size();) {
        auto const end = text.find('\n', at);
        auto const line = text.substr(at, end - at);
        if (line.starts_with('!'))
            o.skipped = line.substr(1);
        else
            o.said.push_back(line);
        at = end + 1;
    }
    INFO("a child ended badly, status " << status);
    CHECK(status == 0);
    return o;
}

/// A mount namespace of one's own.
inline void leave_mounts() {
    need(::unshare(CLONE_NEWNS) == 0, "no right to make a mount namespace");
    need(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mounts stay shared");
}

/// A directory of its own.
struct folder {
    folder() {
        auto pattern = (fs::temp_directory_path() / "mad-fault-XXXXXX").string();
        need(::mkdtemp(pattern.data()) != nullptr, "no temporary directory");
        path = pattern;
    }
    ~folder() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    folder(folder const&) = delete;
    folder& operator=(folder const&) = delete;

    std::string path;
};

inline std::size_t entries_of(char const* directory) {
    std::size_t n = 0;
    for (auto const& e : fs::directory_iterator(directory))
        n += e.path().empty() ? 0 : 1;
    return n;
}

inline host::sampler_settings settings_with(hand_clock& clock) {
    host::sampler_settings s;
    s.time = &clock;
    s.boot_time = [&clock] { return clock.now().time_since_epoch(); };
    return s;
}

} // namespace host_faults

#endif
