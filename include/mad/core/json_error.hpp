#ifndef MAD_CORE_JSON_ERROR_HPP
#define MAD_CORE_JSON_ERROR_HPP

#include <mad/core/error.hpp>

#include <cstdint>
#include <type_traits>

namespace mad::inline MAD_ABI {

/// Why a text is not taken as JSON. All of these are the sender's doing.
enum class json_error : std::uint8_t {
    none = 0,
    syntax,            ///< not RFC 8259, or something stands behind the value
    bad_utf8,          ///< a string that is not UTF-8 (RFC 3629)
    lone_surrogate,    ///< `\ud800` to `\udfff` without its partner, where those are not wanted
    number_range,      ///< a number that no double can hold, such as `1e999`
    too_deep,          ///< nested deeper than `json_limits::max_depth`
    too_many_members,  ///< an object with more than `json_limits::max_members`
    too_many_elements, ///< the outermost array is longer than `json_limits::max_elements`
    wrong_kind,        ///< valid, but not the array or object that was asked for
};

error_category const& json_category();

inline error_code make_error_code(json_error e) {
    return {static_cast<int>(e), json_category()};
}

} // namespace mad::inline MAD_ABI

template <>
struct boost::system::is_error_code_enum<mad::json_error> : std::true_type {};

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/core/impl/json_error.ipp>
#endif

#endif
