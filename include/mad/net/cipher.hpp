#ifndef MAD_NET_CIPHER_HPP
#define MAD_NET_CIPHER_HPP

#include <mad/core/error.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::net {

/// Encryption of one connection with no socket inside: ciphertext in, ciphertext out. A `stream`
/// holds one when its connection is secure. `tls_engine.hpp` has the one over OpenSSL; who does not
/// include it needs no OpenSSL.
class cipher {
  public:
    virtual ~cipher() = default;

    /// Takes what came from the wire.
    virtual void put(std::string_view ciphertext) = 0;

    /// Gives plaintext, as much as there is and fits: the number of bytes, 0 when more ciphertext
    /// is needed. An error is final.
    virtual result<std::size_t> read(std::span<char> plaintext) = 0;

    /// Encrypts: the number of plaintext bytes taken, at most one record of 16 KB; 0 while the
    /// handshake is not done, and while so much is owed that the wire must take some first.
    virtual result<std::size_t> write(std::string_view plaintext) = 0;

    /// True when the handshake is done.
    virtual bool ready() const = 0;

    /// True when the peer said that it ends (close_notify).
    virtual bool ended() const = 0;

    /// Says that we end.
    virtual void end() = 0;

    /// Why `read` or `write` failed, in words for a log; empty while nothing has.
    virtual std::string failure() const { return {}; }

    /// Ciphertext owed to the wire, and how much of it has been written.
    virtual std::string_view owed() const = 0;
    virtual void wrote(std::size_t n) = 0;
};

/// Makes a cipher for each connection of a listener. Shared by shards, replaced whole on reload.
class cipher_factory {
  public:
    virtual ~cipher_factory() = default;
    virtual std::unique_ptr<cipher> accept() = 0;
};

} // namespace mad::inline MAD_ABI::net

#endif
