#ifndef MAD_PROXY_DETAIL_SPLICE_PIPE_HPP
#define MAD_PROXY_DETAIL_SPLICE_PIPE_HPP

#include <mad/config.hpp>

#include <cerrno>
#include <cstddef>
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
