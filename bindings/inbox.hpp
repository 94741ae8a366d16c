#ifndef MAD_BINDINGS_INBOX_HPP
#define MAD_BINDINGS_INBOX_HPP

#include "gil.hpp"

#include <mad/core/error.hpp>

#include <pybind11/pybind11.h>

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace mad::inline MAD_ABI::net {
class shard;
}

namespace mad_python {

/// How much Python has been given and has not dealt with. When it is too much, the handlers of the
/// native side stay unfinished, so that at last the peers are not read.
class gate {
  public:
    /// Most events, and most bytes of them that Python has not taken yet.
    static constexpr std::size_t most_events = 1024, most_bytes = 16 * 1024 * 1024;

    // From any thread.
    void entered(std::size_t bytes);
    void taken(std::size_t bytes);
    void handled(std::size_t events);
    bool full() const;

    /// Ends when there is room again.
    static boost::asio::awaitable<void> wait(std::shared_ptr<gate>);
    /// For good: nobody waits any more.
    void open();

  private:
    bool crowded(std::size_t share) const; // under the lock
    void let_in();

    mutable std::mutex mutex_;
    std::size_t events_ = 0, bytes_ = 0;
    bool open_ = false;
    std::vector<std::function<void(mad::result<bool>)>> waiting_;
};

/// What native threads tell Python: filled without Python's lock, emptied in batches. One wake-up
/// brings everything that has come since the last one.
class inbox {
  public:
    /// Says what happened in Python's objects; called with the lock held, once.
    using letter = std::function<pybind11::object()>;

    inbox();
    ~inbox();
    inbox(inbox const&) = delete;
    inbox& operator=(inbox const&) = delete;

    /// From any thread, at any time. Never waits for Python.
    void post(letter);

    /// What has come, as a list; waits for something without the lock, at most `seconds`. Empty
    /// when nothing came, None when nothing will come any more.
    pybind11::object take(double seconds);
    /// The same without waiting.
    pybind11::object drain();

    /// Nothing is taken in from here on; who waits is woken.
    void close();

    /// Readable while something is there, or it is closed: for a loop.
    int fileno();

  private:
    /// Letters of one batch: others get the lock in between.
    static constexpr std::size_t most_at_once = 512;

    void signal(); // under the lock
    pybind11::object unpack(std::deque<letter>, bool ended);
    bool elsewhere() const;

    std::mutex mutex_;
    std::condition_variable came_;
    std::deque<letter> letters_;
    int event_ = -1; // once a loop has asked for it
    bool signalled_ = false, closed_ = false;
    ::pid_t owner_; // a child made by fork() must not touch the lock
};

/// What Python asks of a shard, in order, many with one wake-up.
class errands : public std::enable_shared_from_this<errands> {
  public:
    explicit errands(mad::net::shard& home)
        : home_(home) {}

    /// `fn` must touch no Python object.
    void submit(std::function<void()> fn);

  private:
    void run();

    mad::net::shard& home_;
    std::mutex mutex_;
    std::vector<std::function<void()>> list_;
    bool posted_ = false;
};

/// An outcome that a thread of Python waits for without the lock, though not deaf to signals.
template <class T>
class awaited {
  public:
    void set(T value) {
        {
            std::lock_guard const lock(mutex_);
            if (!value_)
                value_ = std::move(value);
        }
        came_.notify_all();
    }

    /// Nothing when the time is over; < 0: there is no limit. Throws what a signal handler raised.
    std::optional<T> wait(double seconds) {
        using clock = std::chrono::steady_clock;
        bool const limited = seconds >= 0;
        auto const end =
            clock::now() + std::chrono::duration_cast<clock::duration>(
                               std::chrono::duration<double>(limited ? std::min(seconds, 1e9) : 0));
        for (;;) {
            {
                unlocked const waiting;
                std::unique_lock lock(mutex_);
                auto until = clock::now() + std::chrono::milliseconds(100);
                if (limited)
                    until = std::min(until, end);
                if (came_.wait_until(lock, until, [this] { return value_.has_value(); }))
                    return std::move(value_);
            }
            if (PyErr_CheckSignals() != 0)
                throw pybind11::error_already_set();
            if (limited && clock::now() >= end)
                return std::nullopt;
        }
    }

  private:
    std::mutex mutex_;
    std::condition_variable came_;
    std::optional<T> value_;
};

} // namespace mad_python

#endif
