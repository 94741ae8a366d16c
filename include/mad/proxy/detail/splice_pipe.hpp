#ifndef MAD_PROXY_DETAIL_SPLICE_PIPE_HPP
#define MAD_PROXY_DETAIL_SPLICE_PIPE_HPP

#include <mad/config.hpp>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <span>

#include <fcntl.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::proxy::detail {

/// Bytes from one socket to another without a copy of ours: what a tunnel uses while one side sends
/// more than a buffer at a time. One a shard; empty between two calls.
class splice_pipe {
  public:
    splice_pipe() = default;
    splice_pipe(splice_pipe const&) = delete;
    splice_pipe& operator=(splice_pipe const&) = delete;
    ~splice_pipe() {
        for (int const fd : ends_)
            if (fd >= 0)
                ::close(fd);
    }

    struct outcome {
        std::size_t moved = 0; ///< taken from the one
        std::size_t rest = 0;  ///< of it, what the other did not take: in `scratch` now
        bool broken = false;
    };

    /// At most `scratch.size()` bytes.
    outcome move(int from, int to, std::size_t most, std::span<char> scratch) {
        no_sigpipe quiet;
        outcome o;
        if (!open())
            return o;
        auto const n = ::splice(from, nullptr, ends_[1], nullptr,
                                most < scratch.size() ? most : scratch.size(),
                                SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        if (n <= 0) // the end, or an error: whoever reads next sees it
            return o;
        o.moved = o.rest = static_cast<std::size_t>(n);
        while (o.rest > 0) {
            auto const m =
                ::splice(ends_[0], nullptr, to, nullptr, o.rest, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
            if (m > 0) {
                o.rest -= static_cast<std::size_t>(m);
                continue;
            }
            o.broken = m == 0 || (errno != EAGAIN && errno != EINTR);
            quiet.raised = m < 0 && errno == EPIPE;
            break;
        }
        for (std::size_t at = 0; at < o.rest;) {
            auto const m = ::read(ends_[0], scratch.data() + at, o.rest - at);
            if (m <= 0) {
                o.broken = true;
                break;
            }
            at += static_cast<std::size_t>(m);
        }
        return o;
    }

  private:
    /// `splice` knows no MSG_NOSIGNAL: a peer that has gone may not end whoever has not blocked
    /// SIGPIPE.
    class no_sigpipe {
      public:
        no_sigpipe() {
            ::sigemptyset(&pipe_);
            ::sigaddset(&pipe_, SIGPIPE);
            ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
        }
        ~no_sigpipe() {
            if (::sigismember(&before_, SIGPIPE) == 1)
                return;
            if (timespec const at_once{}; raised)
                ::sigtimedwait(&pipe_, nullptr, &at_once);
            ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        }
        no_sigpipe(no_sigpipe const&) = delete;
        no_sigpipe& operator=(no_sigpipe const&) = delete;

        bool raised = false;

      private:
        sigset_t pipe_{}, before_{};
    };

    bool open() {
        if (ends_[0] >= 0)
            return true;
        if (::pipe2(ends_, O_NONBLOCK | O_CLOEXEC) != 0)
            return false;
        // A part of a packet takes a place: the usual 16 would hold little. Less does as well.
        ::fcntl(ends_[0], F_SETPIPE_SZ, 1024 * 1024);
        return true;
    }

    int ends_[2] = {-1, -1};
};

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
