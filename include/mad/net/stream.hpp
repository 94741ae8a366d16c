#ifndef MAD_NET_STREAM_HPP
#define MAD_NET_STREAM_HPP

#include <mad/core/error.hpp>
#include <mad/net/cipher.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <sys/uio.h>

namespace mad::inline MAD_ABI::net {

enum class io_status : std::uint8_t {
    ok,      ///< `bytes` of progress
    blocked, ///< try again when the descriptor is ready
    ended,   ///< the peer ended its direction in order
    failed,  ///< reset, or broken encryption
};

struct io_outcome {
    io_status status;
    std::size_t bytes = 0;
};

/// One established TCP or unix connection, plain or encrypted: a non-blocking descriptor and, when
/// secure, a cipher. Reads and writes never wait. Owns the descriptor.
class stream {
  public:
    stream() = default;
    /// `lease` is let go when the descriptor is closed, whoever holds the stream then: that is how
    /// a listener counts what it let in.
    explicit stream(int fd, std::unique_ptr<cipher> c = nullptr,
                    std::shared_ptr<void const> lease = nullptr)
        : fd_(fd)
        , cipher_(std::move(c))
        , lease_(std::move(lease)) {}
    stream(stream&& o) noexcept
        : fd_(std::exchange(o.fd_, -1))
        , cipher_(std::move(o.cipher_))
        , lease_(std::move(o.lease_)) {}
    stream& operator=(stream&& o) noexcept {
        std::swap(fd_, o.fd_);
        std::swap(cipher_, o.cipher_);
        std::swap(lease_, o.lease_);
        return *this;
    }
    ~stream() { close(); }

    /// The same connection, from now on encrypted.
    stream with(std::unique_ptr<cipher> c) && {
        cipher_ = std::move(c);
        return std::move(*this);
    }

    bool is_open() const { return fd_ >= 0; }
    bool secure() const { return cipher_ != nullptr; }

    /// False while a handshake is under way: then nothing can be written, however writable the
    /// descriptor is, and readability is what to wait for.
    bool established() const { return !cipher_ || cipher_->ready(); }

    /// Why encryption failed, in words for a log; empty when it did not.
    std::string failure() const { return cipher_ ? cipher_->failure() : std::string{}; }

    int fd() const { return fd_; }

    /// Reads what is there, at most `into.size()` bytes of plaintext. `scratch` is where ciphertext
    /// lands first; it may not overlap `into`. A secure stream that filled `into` must be read
    /// again: what it holds back, the descriptor does not announce. With 32 KB or more in `into`
    /// that never happens.
    io_outcome read(std::span<char> into, std::span<char> scratch);

    /// Writes as much as goes without waiting. With a cipher, `bytes` counts plaintext taken; what
    /// the wire did not take stays with the cipher: see `owes`.
    io_outcome write(std::span<iovec const> parts);

    /// True when bytes (or the peer's end) have arrived that nobody has read yet.
    bool has_input() const;

    /// True while encrypted bytes wait for the wire to be writable; how many.
    bool owes() const { return owed_bytes() > 0; }
    std::size_t owed_bytes() const { return cipher_ ? cipher_->owed().size() : 0; }

    /// Bytes that we wrote and the peer has not acknowledged: shrinks while a slow reader reads.
    std::size_t in_flight() const;

    /// Writes encrypted bytes that are owed (handshake messages included).
    io_outcome flush();

    /// Ends our direction; the peer's may go on.
    void shutdown_send();

    void close();

    /// Gives the descriptor away, open; for a plain stream.
    int release() {
        lease_.reset();
        return std::exchange(fd_, -1);
    }

  private:
    int fd_ = -1;
    std::unique_ptr<cipher> cipher_;
    std::shared_ptr<void const> lease_;
};

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/stream.ipp>
#endif

#endif
