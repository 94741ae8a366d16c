#ifndef MAD_CORE_DETAIL_JSON_SKIP_HPP
#define MAD_CORE_DETAIL_JSON_SKIP_HPP

#include <mad/core/detail/json_bytes.hpp>
#include <mad/core/json_limits.hpp>

#include <cstddef>
#include <string_view>

namespace mad::inline MAD_ABI::detail {

// A second look at text that a scan has taken before. Nothing is checked again, but whatever the
// text is, nothing behind its end is read.

inline char const* skip_json_space(char const* p, char const* end) {
    while (p != end && is_json_space(*p))
        ++p;
    return p;
}

/// Behind the string whose opening quote is at p.
inline char const* skip_json_string(char const* p, char const* end) {
    ++p;
    while ((p = skip_plain_text(p, end)) != end) {
        if (*p == '"')
            return p + 1;
        p += *p == '\\' && end - p > 1 ? 2 : 1;
    }
    return end;
}

/// Behind the value that begins at p.
inline char const* skip_json_value(char const* p, char const* end) {
    std::size_t depth = 0;
    while (p != end) {
        switch (*p) {
        case '"':
            p = skip_json_string(p, end);
            if (depth == 0)
                return p;
            continue;
        case '[':
        case '{':
            ++depth;
            break;
        case ']':
        case '}':
            if (depth <= 1)
                return depth == 0 ? p : p + 1;
            --depth;
            break;
        case ',':
        case ' ':
        case '\n':
        case '\r':
        case '\t':
            if (depth == 0)
                return p;
            break;
        default:
            break;
        }
        ++p;
    }
    return end;
}

inline json_kind json_kind_at(char c) {
    switch (c) {
    case '"':
        return json_kind::string;
    case '[':
        return json_kind::array;
    case '{':
        return json_kind::object;
    case 't':
    case 'f':
        return json_kind::boolean;
    case 'n':
        return json_kind::null;
    default:
        return json_kind::number;
    }
}

/// Calls `fn(json_span)` for each element of the array that `text` is.
template <class Fn>
void for_each_known_element(std::string_view text, Fn&& fn) {
    char const* p = text.data();
    char const* const end = p + text.size();
    p = skip_json_space(p, end);
    if (p == end || *p != '[')
        return;
    p = skip_json_space(p + 1, end);
    while (p != end && *p != ']') {
        char const* const begin = p;
        p = skip_json_value(p, end);
        if (p == begin)
            return; // no scan took this
        fn(json_span{{begin, static_cast<std::size_t>(p - begin)}, json_kind_at(*begin)});
        p = skip_json_space(p, end);
        if (p != end && *p == ',')
            p = skip_json_space(p + 1, end);
    }
}

} // namespace mad::inline MAD_ABI::detail

#endif
