#ifndef MAD_NET_IMPL_TLS_ENGINE_IPP
#define MAD_NET_IMPL_TLS_ENGINE_IPP

#include <mad/net/tls_engine.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace mad::inline MAD_ABI::net {

namespace detail {

MAD_DECL void tls_deleter::operator()(ssl_st* p) const {
    SSL_free(p);
}
MAD_DECL void tls_deleter::operator()(ssl_ctx_st* p) const {
    SSL_CTX_free(p);
}

} // namespace detail

/// A BIO over the two strings of an engine. OpenSSL's memory BIO would keep the largest buffer that
/// it ever needed; here both are given back as soon as they are empty.
struct tls_engine::wire {
    /// A peer that makes OpenSSL answer (key updates) and never reads is ended here.
    static constexpr std::size_t most_owed = 2 * max_owed_bytes;

    static tls_engine& of(BIO* b) { return *static_cast<tls_engine*>(BIO_get_data(b)); }

    static int read(BIO* b, char* to, std::size_t size, std::size_t* n) {
        auto& e = of(b);
        BIO_clear_retry_flags(b);
        *n = std::min(size, e.in_.size() - e.in_at_);
        if (*n == 0) {
            BIO_set_retry_read(b);
            return 0;
        }
        std::memcpy(to, e.in_.data() + e.in_at_, *n);
        e.in_at_ += *n;
        if (e.in_at_ == e.in_.size()) {
            std::string().swap(e.in_);
            e.in_at_ = 0;
        }
        return 1;
    }

    static int write(BIO* b, char const* from, std::size_t size, std::size_t* n) {
        auto& e = of(b);
        BIO_clear_retry_flags(b);
        if (e.owed().size() > most_owed) {
            e.error_ = tls_error::owed_too_much;
            return 0;
        }
        try {
            e.out_.append(from, size);
        } catch (std::bad_alloc const&) { // not through C code
            e.error_ = tls_error::no_memory;
            return 0;
        }
        *n = size;
        return 1;
    }

    static long control(BIO*, int what, long, void*) { return what == BIO_CTRL_FLUSH ? 1 : 0; }

    static BIO_METHOD const* method() {
        static BIO_METHOD* const it = [] {
            auto* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mad wire");
            if (!m)
                throw std::bad_alloc();
            BIO_meth_set_read_ex(m, &wire::read);
            BIO_meth_set_write_ex(m, &wire::write);
            BIO_meth_set_ctrl(m, &wire::control);
            return m;
        }();
        return it;
    }
};

MAD_DECL tls_engine::tls_engine(detail::tls_handle ssl, bool server,
                                std::shared_ptr<void const> keep)
    : ssl_(std::move(ssl))
    , keep_(std::move(keep)) {
    auto* const b = BIO_new(wire::method());
    if (!b)
        throw std::bad_alloc();
    BIO_set_data(b, this);
    BIO_set_init(b, 1);
    SSL_set_bio(ssl_.get(), b, b); // which frees it
    if (server) {
        SSL_set_accept_state(ssl_.get());
    } else {
        SSL_set_connect_state(ssl_.get());
        ERR_clear_error();
        if (int const r = SSL_do_handshake(ssl_.get()); r != 1)
            fail(SSL_get_error(ssl_.get(), r));
    }
}

MAD_DECL tls_engine::~tls_engine() = default;

MAD_DECL void tls_engine::put(std::string_view ciphertext) {
    if (in_at_ > 0) {
        in_.erase(0, in_at_);
        in_at_ = 0;
    }
    in_.append(ciphertext);
}

MAD_DECL result<std::size_t> tls_engine::read(std::span<char> plaintext) {
    if (error_ != tls_error::none)
        return make_error_code(error_);
    // Errors of others on this thread would be taken for ours.
    ERR_clear_error();
    std::size_t total = 0;
    while (total < plaintext.size() && !ended_) {
        std::size_t n = 0;
        int const r =
            SSL_read_ex(ssl_.get(), plaintext.data() + total, plaintext.size() - total, &n);
        if (r == 1) {
            total += n;
            continue;
        }
        int const why = SSL_get_error(ssl_.get(), r);
        if (why == SSL_ERROR_ZERO_RETURN) {
            ended_ = true;
        } else if (auto const e = fail(why)) {
            if (total == 0)
                return e;
            break; // what came before is good; the next call says it
        } else {
            break;
        }
    }
    return total;
}

MAD_DECL result<std::size_t> tls_engine::write(std::string_view plaintext) {
    if (error_ != tls_error::none)
        return make_error_code(error_);
    if (end_said_)
        return make_error_code(tls_error::closed);
    if (!ready() || plaintext.empty() || owed().size() >= max_owed_bytes)
        return std::size_t{0};
    ERR_clear_error();
    std::size_t n = 0;
    int const r =
        SSL_write_ex(ssl_.get(), plaintext.data(),
                     std::min<std::size_t>(plaintext.size(), SSL3_RT_MAX_PLAIN_LENGTH), &n);
    if (r == 1)
        return n;
    if (auto const e = fail(SSL_get_error(ssl_.get(), r)))
        return e;
    return std::size_t{0};
}

MAD_DECL bool tls_engine::ready() const {
    return SSL_is_init_finished(ssl_.get()) == 1;
}

MAD_DECL void tls_engine::end() {
    // OpenSSL takes it ill inside a handshake; there the closed connection says it all.
    if (error_ != tls_error::none || end_said_ || !ready())
        return;
    end_said_ = true;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

MAD_DECL void tls_engine::wrote(std::size_t n) {
    out_at_ += n;
    if (out_at_ >= out_.size()) {
        std::string().swap(out_);
        out_at_ = 0;
    }
}

/// No error: the wire is waited for.
MAD_DECL error_code tls_engine::fail(int ssl_error) {
    bool const waits = ssl_error == SSL_ERROR_WANT_READ || ssl_error == SSL_ERROR_WANT_WRITE;
    if (waits && error_ == tls_error::none)
        return {};
    reason_ = ERR_peek_error();
    ERR_clear_error();
    if (error_ == tls_error::none) {
        auto* const s = ssl_.get();
        auto const judged = SSL_get_verify_result(s);
        // A failed connection counts as not ready, so ask for what ends a handshake.
        if (SSL_get_finished(s, nullptr, 0) > 0 && SSL_get_peer_finished(s, nullptr, 0) > 0)
            error_ = tls_error::protocol;
        else if (!(SSL_get_verify_mode(s) & SSL_VERIFY_PEER) || judged == X509_V_OK)
            error_ = tls_error::handshake_failed;
        else if (judged == X509_V_ERR_HOSTNAME_MISMATCH || judged == X509_V_ERR_IP_ADDRESS_MISMATCH)
            error_ = tls_error::wrong_name;
        else
            error_ = tls_error::untrusted;
    }
    std::string().swap(in_);
    in_at_ = 0;
    return make_error_code(error_);
}

MAD_DECL std::string tls_engine::failure() const {
    if (error_ == tls_error::none)
        return {};
    auto text = make_error_code(error_).message();
    if (error_ == tls_error::untrusted || error_ == tls_error::wrong_name)
        text.append(": ").append(X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get())));
    else if (char const* const why = ERR_reason_error_string(reason_))
        text.append(": ").append(why);
    return text;
}

MAD_DECL std::string_view tls_engine::alpn() const {
    unsigned char const* p = nullptr;
    unsigned n = 0;
    SSL_get0_alpn_selected(ssl_.get(), &p, &n);
    return {reinterpret_cast<char const*>(p), n};
}

MAD_DECL std::string_view tls_engine::version() const {
    return SSL_get_version(ssl_.get());
}

} // namespace mad::inline MAD_ABI::net

#endif
