#ifndef MAD_NET_HTTP_IMPL_CLIENT_ERROR_IPP
#define MAD_NET_HTTP_IMPL_CLIENT_ERROR_IPP

#include <mad/core/detail/named_category.hpp>
#include <mad/net/http/client_error.hpp>

namespace mad::inline MAD_ABI::net::http {

namespace detail {

inline std::string_view client_error_text(int value) {
    switch (static_cast<client_error>(value)) {
    case client_error::none:
        return "no error";
    case client_error::bad_url:
        return "not a usable URL";
    case client_error::bad_response:
        return "malformed answer";
    case client_error::head_too_large:
        return "head of the answer too large";
    case client_error::body_too_large:
        return "body of the answer too large";
    case client_error::ended:
        return "connection ended before the answer";
    case client_error::timeout:
        return "no answer in time";
    case client_error::proxy_denied:
        return "the proxy wants other credentials";
    case client_error::proxy_refused:
        return "the proxy did not open the way";
    }
    return "unknown HTTP client error";
}

} // namespace detail

MAD_DECL error_category const& client_category() {
    static mad::detail::named_category const it("mad.net.http.client", &detail::client_error_text);
    return it;
}

} // namespace mad::inline MAD_ABI::net::http

#endif
