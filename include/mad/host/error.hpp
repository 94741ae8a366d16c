#ifndef MAD_HOST_ERROR_HPP
#define MAD_HOST_ERROR_HPP

#include <mad/core/error.hpp>

#include <cstdint>
#include <type_traits>

namespace mad::inline MAD_ABI::host {

/// What goes wrong while a host is looked at, beside what the system itself answers (those are
/// error codes of the system category).
enum class error : std::uint8_t {
    none = 0,
    file_too_large, ///< a proc or sys file is over `max_file_bytes`: not one of the kernel's
    bad_client_id,  ///< a configured id is empty, over 128 bytes or holds control characters
};

error_category const& category();

inline error_code make_error_code(error e) {
    return {static_cast<int>(e), category()};
}

} // namespace mad::inline MAD_ABI::host

template <>
struct boost::system::is_error_code_enum<mad::host::error> : std::true_type {};

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/error.ipp>
#endif

#endif
