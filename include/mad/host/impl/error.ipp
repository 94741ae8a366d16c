#ifndef MAD_HOST_IMPL_ERROR_IPP
#define MAD_HOST_IMPL_ERROR_IPP

#include <mad/core/detail/named_category.hpp>
#include <mad/host/error.hpp>

#include <string_view>

namespace mad::inline MAD_ABI::host {

namespace detail {

inline std::string_view describe_error(int value) {
    switch (static_cast<error>(value)) {
    case error::none:
        return "no error";
    case error::file_too_large:
        return "a proc or sys file is larger than any the kernel writes";
    case error::bad_client_id:
        return "a client id has 1 to 128 bytes and no control characters";
    }
    return "unknown host error";
}

} // namespace detail

MAD_DECL error_category const& category() {
    static mad::detail::named_category const it("mad.host", &detail::describe_error);
    return it;
}

} // namespace mad::inline MAD_ABI::host

#endif
