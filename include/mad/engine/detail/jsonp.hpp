#ifndef MAD_ENGINE_DETAIL_JSONP_HPP
#define MAD_ENGINE_DETAIL_JSONP_HPP

#include <mad/core/json_text.hpp>
#include <mad/core/query.hpp>

#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::engine::detail {

/// What `j` may name: its digits, at most ten of them.
inline std::string jsonp_index(std::string_view j) {
    std::string digits;
    for (char const c : j)
        if (c >= '0' && c <= '9' && digits.size() < 10)
            digits += c;
    return digits;
}

/// A polling body as a script: `___eio[2]("...");`.
inline std::string jsonp_script(std::string_view index, std::string_view body) {
    std::string text, out;
    append_json_string(text, body);
    out.reserve(text.size() + 24);
    out.append("___eio[").append(index).append("](");
    // Two characters that may stand in JSON but not in older scripts.
    for (std::string_view rest = text; !rest.empty();) {
        auto const at = rest.find("\xe2\x80");
        auto const end = at == rest.npos || at + 2 >= rest.size() ? rest.npos : at;
        out += rest.substr(0, end);
        if (end == rest.npos)
            break;
        char const last = rest[at + 2];
        if (last == '\xa8' || last == '\xa9')
            out += last == '\xa8' ? "\\u2028" : "\\u2029";
        else
            out += rest.substr(at, 3);
        rest.remove_prefix(at + 3);
    }
    return out += ");";
}

/// The polling body in a form (`d=...`). Pages write a newline as backslash n, and a backslash n of
/// their own with two backslashes, because forms do not keep newlines as they are.
inline std::string jsonp_body(std::string_view form) {
    auto const d = query_view(form).get("d");
    std::string out;
    if (!d)
        return out;
    out.reserve(d->size());
    for (std::string_view rest = *d; !rest.empty();) {
        auto const at = rest.find('\\');
        out += rest.substr(0, at);
        if (at == rest.npos)
            break;
        rest.remove_prefix(at);
        if (rest.starts_with("\\\\n")) {
            out += "\\n";
            rest.remove_prefix(3);
        } else if (rest.starts_with("\\n")) {
            out += '\n';
            rest.remove_prefix(2);
        } else {
            out += '\\';
            rest.remove_prefix(1);
        }
    }
    return out;
}

} // namespace mad::inline MAD_ABI::engine::detail

#endif
