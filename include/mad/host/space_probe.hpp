#ifndef MAD_HOST_SPACE_PROBE_HPP
#define MAD_HOST_SPACE_PROBE_HPP

#include <mad/core/clock.hpp>
#include <mad/host/mounts.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mad::inline MAD_ABI::host {

/// Fills in the space of the filesystem at `path` and gives 0, or gives the errno. May be called on
/// a helper thread, never on two threads at once for the same path.
using statvfs_function = std::function<int(char const* path, fs_space& out)>;

/// statvfs(3).
int system_statvfs(char const* path, fs_space& out);

/// Asks filesystems that may hang, all in one helper thread, so that a dead server never holds the
/// caller. The thread starts with the first question; while one call hangs no other is made and no
/// second thread is started. `poll` never waits: answers are of the poll before.
class space_probe {
  public:
    enum class state : std::uint8_t {
        pending, ///< not answered yet
        ready,
        failed, ///< the call gave an error
        stuck,  ///< the call is under way for longer than the limit
        waiting ///< its turn does not come because another is stuck
    };

    struct answer {
        state is = state::pending;
        fs_space space;
        int error = 0; // errno, when failed
    };

    space_probe(statvfs_function call, milliseconds limit);

    /// Leaves a thread whose call does not return within 50 ms to itself; it ends when it returns,
    /// so what the function needs must be its own.
    ~space_probe();

    space_probe(space_probe const&) = delete;
    space_probe& operator=(space_probe const&) = delete;

    /// What to ask from now on. Answers to paths that were asked before are kept.
    void watch(std::vector<std::string> paths);

    /// Takes in the answers there are, and asks all paths anew unless the last round still runs.
    /// False when no thread can be started.
    bool poll(time_point now);

    /// By position in `watch`.
    answer const& look(std::size_t i) const { return watched_[i].last; }

  private:
    struct watched {
        std::string path;
        answer last;
    };
    struct shared;

    void collect(time_point now);
    bool ask(time_point now);
    bool start_thread();
    watched* find(std::string_view path);

    milliseconds limit_;
    std::vector<watched> watched_;
    std::shared_ptr<shared> shared_;
    std::thread thread_;

    // The call that was under way when last looked, and since when it is known to be.
    std::size_t seen_call_ = 0;
    time_point seen_since_{};
};

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/space_probe.ipp>
#endif

#endif
