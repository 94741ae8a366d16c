#ifndef MAD_NET_TLS_ENGINE_HPP
#define MAD_NET_TLS_ENGINE_HPP

#include <mad/net/cipher.hpp>
#include <mad/net/tls_error.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// OpenSSL's names, so that this header needs none of its headers.
struct ssl_st;
struct ssl_ctx_st;
struct bio_st;

namespace mad::inline MAD_ABI::net {

namespace detail {

struct tls_deleter {
    void operator()(ssl_st*) const;
    void operator()(ssl_ctx_st*) const;
};

using tls_handle = std::unique_ptr<ssl_st, tls_deleter>;
using tls_context_handle = std::unique_ptr<ssl_ctx_st, tls_deleter>;

} // namespace detail

/// One TLS connection over OpenSSL with no socket inside, either side. TLS 1.2 and 1.3 only, no
/// renegotiation, no compression. Idle, it holds no buffer of its own and none of OpenSSL's. Lives
/// and is used on one shard.
class tls_engine final : public cipher {
  public:
    /// Most ciphertext that `write` lets pile up, in bytes (one record of 16 KB may come on top):
    /// from there on it takes nothing until `wrote` was called.
    static constexpr std::size_t max_owed_bytes = 128 * 1024;

    /// For `tls_server_context` and `tls_client_context`. `keep` stays alive as long as the engine.
    tls_engine(detail::tls_handle ssl, bool server, std::shared_ptr<void const> keep);
    tls_engine(tls_engine const&) = delete;
    tls_engine& operator=(tls_engine const&) = delete;
    ~tls_engine() override;

    void put(std::string_view ciphertext) override;
    /// The error is a `tls_error`. The alert that tells the peer is then owed to the wire.
    result<std::size_t> read(std::span<char> plaintext) override;
    result<std::size_t> write(std::string_view plaintext) override;
    bool ready() const override;
    bool ended() const override { return ended_; }
    void end() override;
    std::string failure() const override;
    std::string_view owed() const override { return std::string_view(out_).substr(out_at_); }
    void wrote(std::size_t n) override;

    /// The protocol agreed on (`http/1.1`); empty when the peer did not ask, or is not yet heard.
    std::string_view alpn() const;
    /// `TLSv1.3` or `TLSv1.2`.
    std::string_view version() const;

  private:
    struct wire; // the BIO that OpenSSL reads from and writes to: our two strings

    error_code fail(int ssl_error);

    detail::tls_handle ssl_;
    std::shared_ptr<void const> keep_;
    std::string in_, out_; // ciphertext; both empty and unallocated when idle
    std::size_t in_at_ = 0, out_at_ = 0;
    unsigned long reason_ = 0; // OpenSSL's word for the failure
    tls_error error_ = tls_error::none;
    bool ended_ = false, end_said_ = false;
};

/// A certificate and its key, both PEM files. The certificate file may hold the chain behind it.
struct tls_identity {
    std::string cert_file, key_file;
};

/// What a secure listener needs: hand it to a server, and a freshly loaded one on reload.
/// Connections keep the certificate that they began with.
class tls_server_context final : public cipher_factory,
                                 public std::enable_shared_from_this<tls_server_context> {
  public:
    /// Reads the files once. A client that asks for a name (SNI) gets the first identity whose
    /// certificate has it, else the first of all. The failure names the file.
    static tls_result<std::shared_ptr<tls_server_context>> load(std::vector<tls_identity>);
    static tls_result<std::shared_ptr<tls_server_context>> load(std::string cert_file,
                                                                std::string key_file);

    std::unique_ptr<cipher> accept() override;

  private:
    tls_server_context() = default;
    static int on_name(ssl_st*, int*, void* self);

    std::vector<detail::tls_context_handle> contexts_;
};

struct tls_client_settings {
    /// PEM file of the authorities to trust. Empty: `SSL_CERT_FILE` of the environment, else the
    /// first bundle that Debian, Ubuntu, Alpine, Fedora, RHEL, SUSE or FreeBSD keep: an OpenSSL
    /// that is linked statically knows of none.
    std::string ca_file;
    /// Off: any certificate will do. Then nobody knows who listens in.
    bool verify = true;
    /// Protocols to offer (ALPN); empty for peers that are not HTTP.
    std::vector<std::string> alpn{"http/1.1"};
};

/// Makes the client's side of secure connections. Any thread may use it.
class tls_client_context final : public std::enable_shared_from_this<tls_client_context> {
  public:
    static tls_result<std::shared_ptr<tls_client_context>> load(tls_client_settings = {});

    /// An engine that has its first message ready to be written. `host` is a name or an address
    /// (`[::1]` too), which the peer's certificate must have; a name is also sent (SNI). Throws
    /// std::invalid_argument when it is empty and certificates are verified.
    std::unique_ptr<cipher> connect(std::string host) const;

  private:
    tls_client_context() = default;

    detail::tls_context_handle context_;
    bool verify_ = true;
};

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/tls_context.ipp>
#include <mad/net/impl/tls_engine.ipp>
#endif

#endif
