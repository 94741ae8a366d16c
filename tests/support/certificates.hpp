#ifndef MAD_TESTS_SUPPORT_CERTIFICATES_HPP
#define MAD_TESTS_SUPPORT_CERTIFICATES_HPP

#include <support/temp_folder.hpp>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace mad_test {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* p) const {
        Free(p);
    }
};
using key_handle = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using cert_handle = std::unique_ptr<X509, freed_by<X509_free>>;

/// What a certificate says. Times are seconds from now.
struct cert_wish {
    std::string common_name = "mad test";
    std::vector<std::string> names = {}; ///< `DNS:a.example` or `IP:127.0.0.1`
    long valid_from = -3600, valid_to = 3600;
    bool authority = false;
};

inline void demand(bool ok, char const* what) {
    if (!ok)
        throw std::runtime_error(std::string("making a certificate: ") + what);
}

inline key_handle make_key() {
    key_handle k(EVP_EC_gen("P-256"));
    demand(k != nullptr, "key");
    return k;
}

/// A certificate for `key`, signed by `issuer_key`; without an issuer it signs itself.
inline cert_handle make_cert(cert_wish const& w, EVP_PKEY* key, X509* issuer = nullptr,
                             EVP_PKEY* issuer_key = nullptr) {
    cert_handle c(X509_new());
    demand(c != nullptr, "memory");
    static long serial = 1;
    X509_set_version(c.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(c.get()), w.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(c.get()), w.valid_to);
    X509_set_pubkey(c.get(), key);
    auto* const name = X509_get_subject_name(c.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<unsigned char const*>(w.common_name.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(c.get(), issuer ? X509_get_subject_name(issuer) : name);

    auto const extend = [&](int what, std::string const& value) {
        X509V3_CTX ctx;
        X509V3_set_ctx_nodb(&ctx);
        X509V3_set_ctx(&ctx, issuer ? issuer : c.get(), c.get(), nullptr, nullptr, 0);
        auto* const e = X509V3_EXT_conf_nid(nullptr, &ctx, what, value.c_str());
        demand(e != nullptr, "extension");
        X509_add_ext(c.get(), e, -1);
        X509_EXTENSION_free(e);
    };
    extend(NID_basic_constraints, w.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(NID_subject_key_identifier, "hash");
    std::string all;
    for (auto const& n : w.names)
        all += (all.empty() ? "" : ",") + n;
    if (!all.empty())
        extend(NID_subject_alt_name, all);
    demand(X509_sign(c.get(), issuer_key ? issuer_key : key, EVP_sha256()) > 0, "signature");
    return c;
}

template <class Write>
void write_pem(std::string const& file, Write&& write) {
    std::unique_ptr<FILE, freed_by<fclose>> f(fopen(file.c_str(), "we"));
    demand(f != nullptr, file.c_str());
    demand(write(f.get()) == 1, file.c_str());
}

inline void write_key(std::string const& file, EVP_PKEY* k, char const* passphrase = nullptr) {
    write_pem(file, [&](FILE* f) {
        return PEM_write_PrivateKey(f, k, passphrase ? EVP_aes_128_cbc() : nullptr, nullptr, 0,
                                    nullptr, const_cast<char*>(passphrase));
    });
}

inline void write_certs(std::string const& file, std::vector<X509*> const& all) {
    write_pem(file, [&](FILE* f) {
        for (auto* const c : all)
            if (PEM_write_X509(f, c) != 1)
                return 0;
        return 1;
    });
}

/// An authority of our own in a folder of its own, and certificates that it signs; all gone with
/// it.
class authority {
  public:
    explicit authority(std::string name = "mad test authority")
        : key_(make_key()) {
        cert_wish w;
        w.common_name = std::move(name);
        w.authority = true;
        cert_ = make_cert(w, key_.get());
        write_certs(ca_file(), {cert_.get()});
    }

    struct files {
        std::string cert, key;
    };

    std::string ca_file() const { return folder_.file("ca.pem"); }
    std::string file(std::string const& name) const { return folder_.file(name); }

    /// `<base>.pem` and `<base>.key`, signed by this authority.
    files issue(std::string const& base, cert_wish const& w) {
        auto const key = make_key();
        auto const cert = make_cert(w, key.get(), cert_.get(), key_.get());
        return write(base, cert.get(), key.get());
    }

    /// The same, but it vouches for itself.
    files self_signed(std::string const& base, cert_wish const& w) {
        auto const key = make_key();
        auto const cert = make_cert(w, key.get());
        return write(base, cert.get(), key.get());
    }

  private:
    files write(std::string const& base, X509* cert, EVP_PKEY* key) {
        files f{file(base + ".pem"), file(base + ".key")};
        write_certs(f.cert, {cert});
        write_key(f.key, key);
        return f;
    }

    temp_folder folder_;
    key_handle key_;
    cert_handle cert_;
};

} // namespace mad_test

#endif
