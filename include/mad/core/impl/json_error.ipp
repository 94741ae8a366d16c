#ifndef MAD_CORE_IMPL_JSON_ERROR_IPP
#define MAD_CORE_IMPL_JSON_ERROR_IPP

#include <mad/core/detail/named_category.hpp>
#include <mad/core/json_error.hpp>

namespace mad::inline MAD_ABI {

namespace detail {

inline std::string_view describe_json_error(int value) {
    switch (static_cast<json_error>(value)) {
    case json_error::none:
        return "no error";
    case json_error::syntax:
        return "not JSON";
    case json_error::bad_utf8:
        return "JSON text is not UTF-8";
    case json_error::lone_surrogate:
        return "surrogate escape without its partner";
    case json_error::number_range:
        return "number out of range";
    case json_error::too_deep:
        return "JSON nested too deep";
    case json_error::too_many_members:
        return "JSON object with too many members";
    case json_error::too_many_elements:
        return "JSON array with too many elements";
    case json_error::wrong_kind:
        return "another kind of JSON value expected";
    }
    return "unknown JSON error";
}

} // namespace detail

MAD_DECL error_category const& json_category() {
    static mad::detail::named_category const it("mad.json", &detail::describe_json_error);
    return it;
}

} // namespace mad::inline MAD_ABI

#endif
