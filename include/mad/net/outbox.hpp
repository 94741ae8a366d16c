#ifndef MAD_NET_OUTBOX_HPP
#define MAD_NET_OUTBOX_HPP

#include <mad/net/stream.hpp>
#include <mad/net/wire_block.hpp>

#include <span>
#include <vector>

namespace mad::inline MAD_ABI::net {

struct outbox_limits {
    /// Bytes (headers included) and blocks that may wait for one peer. Defaults:
    /// a reader with a zero window must cost a bounded amount.
    std::size_t max_bytes = 4 * 1024 * 1024;
    std::size_t max_blocks = 10'000;
};

/// What waits to be written to one peer. Bounded: `try_push` says no, and the caller picks what
/// that means (drop, wait, or close as a slow consumer). Holds references, copies nothing until the
/// moment of the write, where small neighbours are gathered into one buffer.
class outbox {
  public:
    bool try_push(wire_block b, outbox_limits const& limits) {
        if (bytes_ + b.frame().size() > limits.max_bytes || size() >= limits.max_blocks)
            return false;
        push(std::move(b));
        return true;
    }

    /// Pushes past the limits: for the last words of a connection (close frame, error answer).
    void push(wire_block b) {
        bytes_ += b.frame().size();
        blocks_.push_back(std::move(b));
    }

    bool empty() const { return blocks_.empty(); }
    std::size_t size() const { return blocks_.size() - first_; }
    std::size_t bytes() const { return bytes_; }

    /// One gathered write after the other until all is gone or the wire is full. `scratch` gathers
    /// small blocks. `ok`: drained; `blocked`: wait for writability; `failed`.
    io_status write_to(stream&, std::span<char> scratch);

    void clear();

  private:
    void consume(std::size_t n);

    std::vector<wire_block> blocks_;
    std::size_t first_ = 0;  // blocks before it are written
    std::size_t offset_ = 0; // bytes of blocks_[first_] that are written
    std::size_t bytes_ = 0;
};

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/outbox.ipp>
#endif

#endif
