#ifndef MAD_CORE_IMPL_LOG_IPP
#define MAD_CORE_IMPL_LOG_IPP

#include <mad/core/clock.hpp>
#include <mad/core/log.hpp>
#include <mad/core/utf8.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

#include <unistd.h>

namespace mad::inline MAD_ABI {

MAD_DECL std::string_view to_string(log_level l) {
    constexpr std::array<std::string_view, 5> names{"debug", "info", "warn", "error", "off"};
    return names[static_cast<std::size_t>(l)];
}

MAD_DECL std::optional<log_level> log_level_of(std::string_view name) {
    for (auto l :
         {log_level::debug, log_level::info, log_level::warn, log_level::error, log_level::off})
        if (to_string(l) == name)
            return l;
    return std::nullopt;
}

namespace detail {

inline void append_hex_escape(std::string& out, unsigned char c) {
    constexpr char digits[] = "0123456789abcdef";
    out += "\\x";
    out += digits[c >> 4];
    out += digits[c & 15];
}

/// Text safe for a log: `quote` also escapes `"` and `\`. JSON has no `\x`, so there the backslash
/// is doubled and the reader sees the same four characters.
inline void append_log_text(std::string& out, std::string_view s, bool quote) {
    for (std::size_t i = 0; i < s.size();) {
        auto const c = static_cast<unsigned char>(s[i]);
        auto const n = utf8_sequence_length(s.substr(i));
        if (c < 0x20 || c == 0x7f || n == 0) {
            if (quote)
                out += '\\';
            append_hex_escape(out, c);
            ++i;
            continue;
        }
        if (c == '"' || c == '\\')
            out += '\\';
        out.append(s, i, n);
        i += n;
    }
}

inline void append_log_value(std::string& out, log_field::value_type const& v, bool quote) {
    if (auto const* s = std::get_if<std::string_view>(&v)) {
        bool const bare = !quote && !s->empty() && s->find_first_of(" \"\\=") == s->npos;
        if (!bare)
            out += '"';
        append_log_text(out, *s, quote);
        if (!bare)
            out += '"';
    } else if (auto const* b = std::get_if<bool>(&v)) {
        out += *b ? "true" : "false";
    } else {
        char buf[32];
        auto const r = std::visit(
            [&](auto x) -> std::to_chars_result {
                if constexpr (std::is_arithmetic_v<decltype(x)> &&
                              !std::is_same_v<decltype(x), bool>)
                    return std::to_chars(buf, buf + sizeof buf, x);
                else
                    return {buf, {}};
            },
            v);
        auto const* d = std::get_if<double>(&v);
        if (d && !std::isfinite(*d))
            out += "null";
        else
            out.append(buf, r.ptr);
    }
}

inline std::string iso_time(std::int64_t wall_ms) {
    std::time_t const t = static_cast<std::time_t>(wall_ms / 1000);
    std::tm tm{};
    gmtime_r(&t, &tm);
    char buf[40];
    auto const n = std::strftime(buf, sizeof buf, "%Y-%m-%dT%H:%M:%S", &tm);
    std::string out(buf, n);
    auto const ms = std::to_string(1000 + wall_ms % 1000);
    return out.append(".").append(ms, 1).append("Z");
}

class line_sink final : public log_sink {
  public:
    line_sink(log_format f, int fd)
        : format_(f)
        , fd_(fd) {}

    void write(log_event const& e) override {
        auto line = format_log_line(e, format_, system_clock::instance().wall_ms());
        line += '\n';
        // One call a line: lines of several threads do not mix. A full disk or a closed pipe must
        // not stop the program, so the outcome is not looked at.
        [[maybe_unused]] auto const n = ::write(fd_, line.data(), line.size());
    }

  private:
    log_format format_;
    int fd_;
};

} // namespace detail

MAD_DECL std::string format_log_line(log_event const& e, log_format f, std::int64_t wall_ms) {
    bool const quote = f == log_format::as_json;
    std::string out;
    out.reserve(160);
    if (quote) {
        out.append("{\"ts\":\"").append(detail::iso_time(wall_ms));
        out.append("\",\"level\":\"").append(to_string(e.level));
        out.append("\",\"event\":\"");
        detail::append_log_text(out, e.name, true);
        out += '"';
    } else {
        out.append(detail::iso_time(wall_ms)).append(" ").append(to_string(e.level)).append(" ");
        detail::append_log_text(out, e.name, false);
    }
    // Whole fields are kept or left out, so that a cut JSON line is still JSON.
    constexpr std::size_t room = max_log_line_bytes - 24;
    for (auto const& field : e.fields) {
        auto const before = out.size();
        if (quote) {
            out.append(",\"");
            detail::append_log_text(out, field.key, true);
            out.append("\":");
        } else {
            out.append(" ").append(field.key).append("=");
        }
        detail::append_log_value(out, field.value, quote);
        if (out.size() > room) {
            out.resize(before);
            out.append(quote ? ",\"cut\":true" : " ...");
            break;
        }
    }
    if (quote)
        out += '}';
    return out;
}

MAD_DECL std::shared_ptr<log_sink> make_line_sink(log_format f, int fd) {
    return std::make_shared<detail::line_sink>(f, fd);
}

} // namespace mad::inline MAD_ABI

#endif
