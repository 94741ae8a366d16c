#ifndef MAD_CORE_IMPL_JSON_TEXT_IPP
#define MAD_CORE_IMPL_JSON_TEXT_IPP

#include <mad/core/detail/json_bytes.hpp>
#include <mad/core/json_text.hpp>

#include <algorithm>
#include <cmath>

namespace mad::inline MAD_ABI {

namespace detail {

inline constexpr std::string_view utf8_replacement = "\xef\xbf\xbd";

/// Length of the wrong bytes at the front of `s` that count as one (Unicode, "maximal subpart").
inline std::size_t wrong_utf8_length(std::string_view s) {
    utf8_checker checker;
    std::size_t n = 0;
    while (n < s.size() && checker.feed(s.substr(n, 1)))
        ++n;
    return std::max<std::size_t>(n, 1);
}

inline void append_json_escape(std::string& out, char c) {
    constexpr std::string_view from = "\"\\\b\f\n\r\t", to = "\"\\bfnrt";
    out += '\\';
    if (auto const i = from.find(c); i != from.npos) {
        out += to[i];
        return;
    }
    constexpr char hex[] = "0123456789abcdef";
    out += "u00";
    out += hex[static_cast<unsigned char>(c) >> 4];
    out += hex[c & 15];
}

/// `cp` is a Unicode scalar value.
inline void append_utf8(std::string& out, int cp) {
    auto const tail = [&](int shift) { out += static_cast<char>(0x80 | (cp >> shift & 0x3f)); };
    if (cp < 0x80) {
        out += static_cast<char>(cp);
    } else if (cp < 0x800) {
        out += static_cast<char>(0xc0 | cp >> 6);
        tail(0);
    } else if (cp < 0x10000) {
        out += static_cast<char>(0xe0 | cp >> 12);
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xf0 | cp >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

inline std::string_view without_quotes(std::string_view raw) {
    return raw.size() >= 2 && raw.front() == '"' ? raw.substr(1, raw.size() - 2) : raw;
}

/// Appends what the escape at p stands for and gives the place behind it. An escape that no scan
/// would accept is skipped: the text decides, nothing is read beyond it.
inline char const* append_unescaped(std::string& out, char const* p, char const* end) {
    constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
    if (end - p < 2)
        return end;
    if (auto const i = from.find(p[1]); i != from.npos) {
        out += to[i];
        return p + 2;
    }
    int const unit = json_unicode_escape(p, end);
    if (unit < 0)
        return p + 2;
    p += 6;
    if (is_high_surrogate(unit)) {
        int const low = json_unicode_escape(p, end);
        if (is_low_surrogate(low)) {
            append_utf8(out, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
            return p + 6;
        }
    }
    if (is_high_surrogate(unit) || is_low_surrogate(unit))
        out += utf8_replacement;
    else
        append_utf8(out, unit);
    return p;
}

} // namespace detail

MAD_DECL void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    char const* p = text.data();
    char const* const end = p + text.size();
    for (;;) {
        char const* const stop = detail::skip_utf8(detail::skip_plain_text(p, end), end);
        out.append(p, stop);
        p = stop;
        if (p == end)
            break;
        auto const c = static_cast<unsigned char>(*p);
        if (c >= 0x80) {
            out += detail::utf8_replacement;
            p += detail::wrong_utf8_length({p, static_cast<std::size_t>(end - p)});
        } else if (c < 0x20 || c == '"' || c == '\\') {
            detail::append_json_escape(out, *p++);
        }
    }
    out += '"';
}

MAD_DECL void append_json_number(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    char digits[32];
    // -0 + 0 is 0.
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value + 0.0).ptr);
}

MAD_DECL void json_unescape(std::string_view raw, std::string& out) {
    raw = detail::without_quotes(raw);
    char const* p = raw.data();
    char const* const end = p + raw.size();
    while (p != end) {
        auto const* const stop =
            static_cast<char const*>(std::memchr(p, '\\', static_cast<std::size_t>(end - p)));
        out.append(p, stop ? stop : end);
        p = stop ? detail::append_unescaped(out, stop, end) : end;
    }
}

MAD_DECL std::size_t json_unescaped_size(std::string_view raw) {
    raw = detail::without_quotes(raw);
    if (raw.find('\\') == raw.npos)
        return raw.size();
    std::string text;
    json_unescape(raw, text);
    return text.size();
}

MAD_DECL bool json_string_equals(std::string_view raw, std::string_view text) {
    raw = detail::without_quotes(raw);
    // An escape is at most six times as long as what it stands for.
    if (raw.size() < text.size() || raw.size() > text.size() * 6)
        return false;
    if (raw.find('\\') == raw.npos)
        return raw == text;
    std::string unescaped;
    json_unescape(raw, unescaped);
    return unescaped == text;
}

MAD_DECL void replace_lone_surrogates(std::string& json_text) {
    char* p = json_text.data();
    char* const end = p + json_text.size();
    while (p != end) {
        p = static_cast<char*>(std::memchr(p, '\\', static_cast<std::size_t>(end - p)));
        if (!p || end - p < 2)
            return;
        int const unit = detail::json_unicode_escape(p, end);
        if (unit < 0) {
            p += 2;
        } else if (detail::is_high_surrogate(unit) &&
                   detail::is_low_surrogate(detail::json_unicode_escape(p + 6, end))) {
            p += 12;
        } else {
            if (detail::is_high_surrogate(unit) || detail::is_low_surrogate(unit))
                std::copy_n("fffd", 4, p + 2);
            p += 6;
        }
    }
}

} // namespace mad::inline MAD_ABI

#endif
