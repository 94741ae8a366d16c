#ifndef MAD_NET_IMPL_TLS_ERROR_IPP
#define MAD_NET_IMPL_TLS_ERROR_IPP

#include <mad/core/detail/named_category.hpp>
#include <mad/net/tls_error.hpp>

#include <string_view>

namespace mad::inline MAD_ABI::net {

namespace detail {

inline std::string_view describe_tls_error(int e) {
    switch (static_cast<tls_error>(e)) {
    case tls_error::none:
        return "no error";
    case tls_error::file_unreadable:
        return "file cannot be read";
    case tls_error::bad_certificate:
        return "not a usable certificate";
    case tls_error::bad_key:
        return "not a usable private key";
    case tls_error::key_mismatch:
        return "key and certificate do not belong together";
    case tls_error::no_ca_bundle:
        return "no trusted authorities found";
    case tls_error::no_memory:
        return "out of memory";
    case tls_error::handshake_failed:
        return "TLS handshake failed";
    case tls_error::untrusted:
        return "certificate is not trusted";
    case tls_error::wrong_name:
        return "certificate is for another name";
    case tls_error::protocol:
        return "broken TLS record";
    case tls_error::owed_too_much:
        return "peer does not read what it asks for";
    case tls_error::closed:
        return "TLS was ended here";
    }
    return "unknown error";
}

} // namespace detail

MAD_DECL error_category const& tls_category() {
    static mad::detail::named_category const it("mad.tls", &detail::describe_tls_error);
    return it;
}

} // namespace mad::inline MAD_ABI::net

#endif
