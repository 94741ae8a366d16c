#include "support.hpp"

#include <mad/host/space_probe.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <csignal>

using namespace host_test;
using mad::host::fs_space;
using mad::host::space_probe;
using state = mad::host::space_probe::state;

namespace {

/// Filesystems of which some hang until they are let go. Shared with helpers that outlive a test.
class servers {
  public:
    mad::host::statvfs_function function() const {
        return [me = state_](char const* path, fs_space& out) { return me->call(path, out); };
    }

    void hang(std::string path) {
        std::lock_guard const lock(state_->mutex);
        state_->hanging = std::move(path);
    }

    void let_go() {
        std::lock_guard const lock(state_->mutex);
        state_->hanging.clear();
        state_->wake.notify_all();
    }

    /// Waits, at most 10 s, until a call hangs.
    bool hangs() {
        std::unique_lock lock(state_->mutex);
        return state_->wake.wait_for(lock, 10s, [&] { return state_->waiting; });
    }

    int calls(std::string const& path) const {
        std::lock_guard const lock(state_->mutex);
        auto const c = state_->calls.find(path);
        return c == state_->calls.end() ? 0 : c->second;
    }

    std::vector<std::thread::id> threads() const {
        std::lock_guard const lock(state_->mutex);
        return state_->threads;
    }

  private:
    struct shared {
        std::mutex mutex;
        std::condition_variable wake;
        std::string hanging;
        bool waiting = false;
        std::map<std::string, int> calls;
        std::vector<std::thread::id> threads;

        int call(std::string const& path, fs_space& out) {
            std::unique_lock lock(mutex);
            ++calls[path];
            threads.push_back(std::this_thread::get_id());
            if (path == hanging) {
                waiting = true;
                wake.notify_all();
                wake.wait(lock, [&] { return path != hanging; });
                waiting = false;
            }
            if (path == "/bad/")
                return EACCES;
            if (path == "/throws/")
                throw std::runtime_error("no");
            out = space(static_cast<unsigned>(calls[path]));
            return 0;
        }
    };
    std::shared_ptr<shared> state_ = std::make_shared<shared>();
};

/// Polls without moving time until position `i` is in `wanted`; the helper needs a moment.
bool becomes(space_probe& p, mad::time_point at, std::size_t i, state wanted) {
    auto const until = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < until) {
        p.poll(at);
        if (p.look(i).is == wanted)
            return true;
        std::this_thread::yield();
    }
    return false;
}

mad::time_point const t0{1000s};

} // namespace

TEST_CASE("answers come from one helper, never from the caller") {
    servers s;
    space_probe p(s.function(), 1000ms);
    CHECK(p.poll(t0)); // nothing to ask: no thread
    CHECK(s.threads().empty());
    p.watch({"/a/", "/bad/", "/throws/"});
    CHECK(p.look(0).is == state::pending);
    REQUIRE(becomes(p, t0, 2, state::failed));
    CHECK(p.look(0).is == state::ready);
    CHECK(p.look(0).space.blocks == 1000);
    CHECK(p.look(1).is == state::failed);
    CHECK(p.look(1).error == EACCES);
    CHECK(p.look(2).error == EIO);
    auto const threads = s.threads();
    REQUIRE_FALSE(threads.empty());
    for (auto id : threads) {
        CHECK(id == threads.front());
        CHECK(id != std::this_thread::get_id());
    }
}

TEST_CASE("a mount that hangs is stuck after the limit, others wait, and all comes back") {
    servers s;
    space_probe p(s.function(), 1000ms);
    p.watch({"/a/", "/dead/", "/z/"});
    REQUIRE(becomes(p, t0, 2, state::ready));

    s.hang("/dead/");
    // A round may be under way that began before; the next hangs.
    auto const before = s.calls("/dead/");
    auto const until = std::chrono::steady_clock::now() + 10s;
    while (s.calls("/dead/") <= before && std::chrono::steady_clock::now() < until) {
        p.poll(t0);
        std::this_thread::yield();
    }
    REQUIRE(s.hangs());
    p.poll(t0); // sees which call is under way
    CHECK(p.look(1).is == state::ready);
    p.poll(t0 + 1000ms);
    CHECK(p.look(1).is == state::ready);
    p.poll(t0 + 1001ms);
    CHECK(p.look(0).is == state::ready);
    CHECK(p.look(1).is == state::stuck);
    CHECK(p.look(2).is == state::waiting);

    // However often it is asked: no second call, no second thread.
    auto const calls = s.calls("/dead/");
    for (int i = 2; i < 50; ++i)
        CHECK(p.poll(t0 + i * 2500ms));
    CHECK(s.calls("/dead/") == calls);

    s.let_go();
    REQUIRE(becomes(p, t0 + 200s, 1, state::ready));
    REQUIRE(becomes(p, t0 + 200s, 2, state::ready));
    auto const threads = s.threads();
    for (auto id : threads)
        CHECK(id == threads.front());
}

TEST_CASE("a list that changes keeps known answers, and a hang goes on") {
    servers s;
    space_probe p(s.function(), 1000ms);
    p.watch({"/a/", "/b/"});
    REQUIRE(becomes(p, t0, 1, state::ready));
    s.hang("/dead/");
    p.watch({"/new/", "/dead/", "/b/"});
    CHECK(p.look(0).is == state::pending);
    CHECK(p.look(2).is == state::ready);
    auto const until = std::chrono::steady_clock::now() + 10s;
    while (s.calls("/dead/") == 0 && std::chrono::steady_clock::now() < until) {
        p.poll(t0);
        std::this_thread::yield();
    }
    REQUIRE(s.hangs());
    p.poll(t0);
    p.poll(t0 + 2s);
    CHECK(p.look(1).is == state::stuck);
    // The dead one is unmounted by force, another comes: it has to wait for the helper.
    p.watch({"/b/", "/later/"});
    p.poll(t0 + 4s);
    CHECK(p.look(0).is == state::waiting);
    CHECK(p.look(1).is == state::waiting);
    s.let_go();
    CHECK(becomes(p, t0 + 6s, 1, state::ready));
    CHECK(becomes(p, t0 + 6s, 0, state::ready));
}

TEST_CASE("a probe may end while its helper hangs") {
    servers s;
    s.hang("/dead/");
    {
        space_probe p(s.function(), 1000ms);
        p.watch({"/dead/"});
        p.poll(t0);
        REQUIRE(s.hangs());
    }
    s.let_go(); // the helper finds that nobody is there any more
    SUCCEED();
}

TEST_CASE("the helper takes no signals") {
    struct seen {
        std::mutex mutex;
        std::condition_variable done;
        std::optional<bool> blocked;
    };
    auto const s = std::make_shared<seen>();
    space_probe p(
        [s](char const*, fs_space&) {
            sigset_t now;
            pthread_sigmask(SIG_BLOCK, nullptr, &now);
            std::lock_guard const lock(s->mutex);
            s->blocked = sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGHUP) == 1;
            s->done.notify_all();
            return 0;
        },
        1000ms);
    p.watch({"/a/"});
    p.poll(t0);
    {
        std::unique_lock lock(s->mutex);
        REQUIRE(s->done.wait_for(lock, 10s, [&] { return s->blocked.has_value(); }));
        CHECK(*s->blocked);
    }
    sigset_t mine;
    pthread_sigmask(SIG_BLOCK, nullptr, &mine);
    CHECK(sigismember(&mine, SIGTERM) == 0);
}

TEST_CASE("the system's own function fills all fields") {
    fs_space s;
    REQUIRE(mad::host::system_statvfs("/", s) == 0);
    CHECK(s.fragment_bytes > 0);
    CHECK(s.blocks > 0);
    CHECK(s.free <= s.blocks);
    CHECK(mad::host::system_statvfs("/proc/self/stat/", s) == ENOTDIR);
    CHECK(mad::host::system_statvfs("/does/not/exist/", s) == ENOENT);
    REQUIRE(mad::host::system_statvfs("/proc/", s) == 0);
}
