#ifndef MAD_NET_SIGNALS_HPP
#define MAD_NET_SIGNALS_HPP

#include <mad/config.hpp>

#include <initializer_list>

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

namespace mad::inline MAD_ABI::net {

/// Signals that a program waits for instead of being interrupted. Make one first thing in `main`,
/// before any thread: threads inherit what is blocked.
class signal_wait {
  public:
    explicit signal_wait(std::initializer_list<int> which) {
        sigemptyset(&set_);
        for (int const s : which)
            sigaddset(&set_, s);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        // A write to a connection that is gone must be an error, not the end.
        ::signal(SIGPIPE, SIG_IGN);
    }

    /// Waits for the next one and gives its number.
    int next() const {
        int got = 0;
        while (sigwait(&set_, &got) != 0) {
        }
        return got;
    }

    /// The same, at most so many milliseconds; 0 when none came.
    int next_within(long ms) const {
        timespec const t{ms / 1000, (ms % 1000) * 1'000'000};
        int const got = sigtimedwait(&set_, nullptr, &t);
        return got > 0 ? got : 0;
    }

    /// A non-blocking descriptor (signalfd(2)) that is readable when one has come, for a loop that
    /// waits for other things too. Whoever asks closes it; -1: none to be had.
    int descriptor() const { return ::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK); }

  private:
    sigset_t set_;
};

} // namespace mad::inline MAD_ABI::net

#endif
