#ifndef MAD_NET_IMPL_TLS_CONTEXT_IPP
#define MAD_NET_IMPL_TLS_CONTEXT_IPP

#include <mad/net/tls_engine.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::net {

namespace detail {

inline tls_failure tls_failed(tls_error e, std::string_view what) {
    tls_failure f{make_error_code(e), std::string(what)};
    if (!f.message.empty())
        f.message += ": ";
    f.message += f.code.message();
    if (auto const why = ERR_peek_last_error())
        if (char const* const text = ERR_reason_error_string(why))
            f.message.append(" (").append(text).append(")");
    ERR_clear_error();
    return f;
}

/// Whether the file can be read at all, asked first: the system says why in better words.
inline tls_failure tls_readable(std::string const& file) {
    int const fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    char c;
    if (fd >= 0 && ::read(fd, &c, 1) >= 0) {
        ::close(fd);
        return {};
    }
    tls_failure f{make_error_code(tls_error::file_unreadable), file + ": " + std::strerror(errno)};
    if (fd >= 0)
        ::close(fd);
    return f;
}

inline tls_context_handle tls_new_context(bool server) {
    ERR_clear_error();
    tls_context_handle c(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
    if (!c)
        return c;
    auto* const p = c.get();
    SSL_CTX_set_min_proto_version(p, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(p, TLS1_3_VERSION);
    SSL_CTX_set_options(p, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // Buffers go when a connection is idle. Writes may be repeated from another address.
    SSL_CTX_set_mode(p, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // For 1.2: forward secrecy and an AEAD, nothing else.
    SSL_CTX_set_cipher_list(p, "ECDHE+AESGCM:ECDHE+CHACHA20");
    // Tickets hold the state at the client's; a cache here would grow with every connection.
    SSL_CTX_set_session_cache_mode(p, SSL_SESS_CACHE_OFF);
    // Nobody types a passphrase at a server.
    SSL_CTX_set_default_passwd_cb(p, [](char*, int, int, void*) { return 0; });
    return c;
}

/// Picks `http/1.1`; who offers only other protocols is told so (RFC 7301 section 3.2).
inline int tls_select_alpn(ssl_st*, unsigned char const** out, unsigned char* out_size,
                           unsigned char const* in, unsigned in_size, void*) {
    constexpr std::string_view ours = "http/1.1";
    for (unsigned at = 0; at < in_size; at += 1u + in[at]) {
        if (in[at] == ours.size() && at + 1u + ours.size() <= in_size &&
            std::memcmp(in + at + 1, ours.data(), ours.size()) == 0) {
            *out = in + at + 1;
            *out_size = in[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// The file of trusted authorities; empty when there is none.
inline std::string tls_default_bundle() {
    if (char const* const named = std::getenv("SSL_CERT_FILE"); named && *named)
        return named;
    constexpr std::array bundles{
        "/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Alpine, Arch
        "/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // newer RHEL
        "/etc/ssl/ca-bundle.pem",                            // SUSE
        "/var/lib/ca-certificates/ca-bundle.pem",            // newer SUSE
        "/etc/ssl/cert.pem",                                 // Alpine, FreeBSD
    };
    for (auto const* const file : bundles)
        if (::access(file, R_OK) == 0)
            return file;
    return {};
}

} // namespace detail

MAD_DECL tls_result<std::shared_ptr<tls_server_context>>
tls_server_context::load(std::string cert_file, std::string key_file) {
    std::vector<tls_identity> one;
    one.push_back({std::move(cert_file), std::move(key_file)});
    return load(std::move(one));
}

MAD_DECL tls_result<std::shared_ptr<tls_server_context>>
tls_server_context::load(std::vector<tls_identity> identities) {
    std::shared_ptr<tls_server_context> self(new tls_server_context);
    for (auto const& i : identities) {
        auto c = detail::tls_new_context(true);
        if (!c)
            return detail::tls_failed(tls_error::no_memory, {});
        for (auto const& file : {i.cert_file, i.key_file})
            if (auto f = detail::tls_readable(file); f.code)
                return f;
        if (SSL_CTX_use_certificate_chain_file(c.get(), i.cert_file.c_str()) != 1)
            return detail::tls_failed(tls_error::bad_certificate, i.cert_file);
        if (SSL_CTX_use_PrivateKey_file(c.get(), i.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
            bool const other =
                ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
                ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH;
            return detail::tls_failed(other ? tls_error::key_mismatch : tls_error::bad_key,
                                      i.key_file);
        }
        SSL_CTX_set_alpn_select_cb(c.get(), &detail::tls_select_alpn, nullptr);
        self->contexts_.push_back(std::move(c));
    }
    if (self->contexts_.empty())
        return detail::tls_failed(tls_error::bad_certificate, "no certificate is named");
    if (self->contexts_.size() > 1) {
        auto* const first = self->contexts_.front().get();
        SSL_CTX_set_tlsext_servername_callback(first, &tls_server_context::on_name);
        SSL_CTX_set_tlsext_servername_arg(first, self.get());
    }
    return self;
}

MAD_DECL int tls_server_context::on_name(ssl_st* ssl, int*, void* p) {
    auto const& self = *static_cast<tls_server_context const*>(p);
    char const* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (!name)
        return SSL_TLSEXT_ERR_NOACK;
    for (auto const& c : self.contexts_) {
        auto* const cert = SSL_CTX_get0_certificate(c.get());
        if (X509_check_host(cert, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1) {
            SSL_set_SSL_CTX(ssl, c.get());
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

MAD_DECL std::unique_ptr<cipher> tls_server_context::accept() {
    detail::tls_handle ssl(SSL_new(contexts_.front().get()));
    if (!ssl)
        throw std::bad_alloc();
    // Only the choice by name looks back here.
    std::shared_ptr<void const> keep;
    if (contexts_.size() > 1)
        keep = shared_from_this();
    return std::make_unique<tls_engine>(std::move(ssl), true, std::move(keep));
}

MAD_DECL tls_result<std::shared_ptr<tls_client_context>>
tls_client_context::load(tls_client_settings s) {
    std::shared_ptr<tls_client_context> self(new tls_client_context);
    self->verify_ = s.verify;
    self->context_ = detail::tls_new_context(false);
    auto* const c = self->context_.get();
    if (!c)
        return detail::tls_failed(tls_error::no_memory, {});
    if (s.verify) {
        auto const file = s.ca_file.empty() ? detail::tls_default_bundle() : s.ca_file;
        if (file.empty())
            return detail::tls_failed(tls_error::no_ca_bundle,
                                      "set SSL_CERT_FILE or install ca-certificates");
        if (auto f = detail::tls_readable(file); f.code)
            return f;
        if (SSL_CTX_load_verify_file(c, file.c_str()) != 1)
            return detail::tls_failed(tls_error::bad_certificate, file);
        SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
    }
    std::string offer;
    for (auto const& name : s.alpn) {
        offer += static_cast<char>(name.size());
        offer += name;
    }
    if (!offer.empty())
        SSL_CTX_set_alpn_protos(c, reinterpret_cast<unsigned char const*>(offer.data()),
                                static_cast<unsigned>(offer.size()));
    return self;
}

MAD_DECL std::unique_ptr<cipher> tls_client_context::connect(std::string host) const {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    if (!host.empty() && host.back() == '.')
        host.pop_back(); // `example.org.`: certificates and SNI have it without
    // OpenSSL takes an empty name for "any name will do".
    if (verify_ && (host.empty() || host.find('\0') != host.npos))
        throw std::invalid_argument("tls: no host name to check the certificate against");
    detail::tls_handle ssl(SSL_new(context_.get()));
    if (!ssl)
        throw std::bad_alloc();
    auto* const param = SSL_get0_param(ssl.get());
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool const is_address = X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1;
    if (!is_address && X509_VERIFY_PARAM_set1_host(param, host.data(), host.size()) != 1)
        throw std::bad_alloc();
    if (!is_address)
        SSL_set_tlsext_host_name(ssl.get(), host.c_str());
    ERR_clear_error();
    return std::make_unique<tls_engine>(std::move(ssl), false, shared_from_this());
}

} // namespace mad::inline MAD_ABI::net

#endif
