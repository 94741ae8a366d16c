#ifndef MAD_NET_TLS_ERROR_HPP
#define MAD_NET_TLS_ERROR_HPP

#include <mad/core/error.hpp>

#include <boost/throw_exception.hpp>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <system_error>
#include <type_traits>

namespace mad::inline MAD_ABI::net {

/// What goes wrong with TLS: the first group while files are loaded, the second on a connection.
enum class tls_error : std::uint8_t {
    none = 0,
    file_unreadable, ///< a file is missing or may not be read: check the path and its rights
    bad_certificate, ///< not a certificate in PEM, or one that OpenSSL finds too weak
    bad_key,         ///< not a private key in PEM, or one that needs a passphrase
    key_mismatch,    ///< the key belongs to another certificate
    no_ca_bundle,    ///< no file of trusted authorities was found: name one
    no_memory,       ///< OpenSSL could not set itself up

    handshake_failed, ///< the peer speaks no TLS, an old version, or gave up
    untrusted,        ///< the peer's certificate has expired or comes from nobody we trust
    wrong_name,       ///< the peer's certificate is for another name
    protocol,         ///< broken or forged records after the handshake
    owed_too_much,    ///< the peer makes us answer and does not read
    closed,           ///< written after `end()`
};

error_category const& tls_category();

inline error_code make_error_code(tls_error e) {
    return {static_cast<int>(e), tls_category()};
}

/// Why certificates could not be loaded.
struct tls_failure {
    error_code code;
    std::string message; ///< one line: the file, and what is wrong with it

    friend bool operator==(tls_failure const&, tls_failure const&) = default;

    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& os,
                                                        tls_failure const& f) {
        return os << f.message;
    }
};

/// A value, or why it could not be loaded. `value()` on a failure throws std::system_error.
template <class T>
using tls_result = boost::system::result<T, tls_failure>;

[[noreturn]] inline void throw_exception_from_error(tls_failure const& f,
                                                    boost::source_location const&) {
    throw std::system_error(f.code, f.message);
}

} // namespace mad::inline MAD_ABI::net

template <>
struct boost::system::is_error_code_enum<mad::net::tls_error> : std::true_type {};

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/tls_error.ipp>
#endif

#endif
