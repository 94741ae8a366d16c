#ifndef MAD_CORE_JSON_SCAN_HPP
#define MAD_CORE_JSON_SCAN_HPP

#include <mad/core/error.hpp>
#include <mad/core/json_error.hpp>
#include <mad/core/json_limits.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

namespace mad::inline MAD_ABI {

/// The one JSON value that `text` holds, checked to its end in one pass over the bytes without
/// building anything. Takes what nlohmann::json::parse takes (RFC 8259, strict UTF-8, numbers that
/// a double can hold), with two exceptions: a byte order mark in front and a NUL byte behind, which
/// that one skips, are errors here as they are for JavaScript.
result<json_span> scan_json(std::string_view text, json_limits const& = {});

namespace detail {

/// A callback without ownership or allocation: called while the scan runs.
struct json_visitor {
    void* context;
    void (*call)(void* context, std::string_view key, json_span value);
};

result<std::size_t> scan_array(std::string_view, json_limits const&, json_visitor);
result<std::size_t> scan_object(std::string_view, json_limits const&, json_visitor);

} // namespace detail

/// Checks `text` as `scan_json` does and gives the number of elements of the array it holds; the
/// first `elements.size()` of them are written to `elements`. `json_error::wrong_kind` when it is
/// not an array.
result<std::size_t> scan_array(std::string_view text, json_limits const&,
                               std::span<json_span> elements);

/// The same, calling `fn(json_span element)` for each. An error may still follow calls: act on what
/// they gave only when the result has a value.
template <class Fn>
result<std::size_t> for_each_element(std::string_view text, json_limits const& limits, Fn&& fn) {
    using function = std::remove_reference_t<Fn>;
    return detail::scan_array(
        text, limits,
        {const_cast<void*>(static_cast<void const*>(std::addressof(fn))),
         [](void* f, std::string_view, json_span v) { (*static_cast<function*>(f))(v); }});
}

/// Checks `text` and gives the number of members of the object it holds, calling
/// `fn(std::string_view key, json_span value)` for each: the key as written, without its quotes and
/// with its escapes (`json_unescape` undoes them). Repeated keys come repeatedly; the last one is
/// what others see. An error may still follow calls.
template <class Fn>
result<std::size_t> scan_object(std::string_view text, json_limits const& limits, Fn&& fn) {
    using function = std::remove_reference_t<Fn>;
    return detail::scan_object(
        text, limits,
        {const_cast<void*>(static_cast<void const*>(std::addressof(fn))),
         [](void* f, std::string_view k, json_span v) { (*static_cast<function*>(f))(k, v); }});
}

} // namespace mad::inline MAD_ABI

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/core/impl/json_scan.ipp>
#endif

#endif
