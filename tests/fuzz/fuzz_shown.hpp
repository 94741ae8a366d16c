#ifndef MAD_TESTS_FUZZ_FUZZ_SHOWN_HPP
#define MAD_TESTS_FUZZ_FUZZ_SHOWN_HPP

#include "fuzz_support.hpp"

#include <mad/core/json_scan.hpp>

#include <charconv>
#include <cmath>
#include <string>
#include <vector>

/// What others read must hold, whatever agents have said: JSON, CSV, OpenMetrics.
namespace mad_fuzz {

inline void check_json(std::string_view text) {
    auto const whole = mad::scan_json(text);
    if (!whole)
        std::fprintf(stderr, "no JSON: %.*s\n", static_cast<int>(text.size()), text.data());
    FUZZ_CHECK(whole);
}

/// A text that a spreadsheet would take for a formula; numbers are none.
inline bool is_formula(std::string_view field) {
    double number = 0;
    auto const* const end = field.data() + field.size();
    if (field.empty() || std::string_view("=+-@\t\r").find(field.front()) == field.npos)
        return false;
    auto const read = std::from_chars(field.data(), end, number);
    return read.ec != std::errc() || read.ptr != end;
}

/// Records of `columns` fields each, as RFC 4180 has them, none of them a formula.
inline void check_csv(std::string_view text, std::size_t columns) {
    while (!text.empty()) {
        for (std::size_t i = 0; i < columns; ++i) {
            std::string field;
            if (text.starts_with('"')) {
                for (text.remove_prefix(1);; text.remove_prefix(1)) {
                    FUZZ_CHECK(!text.empty());
                    if (text.front() == '"') {
                        text.remove_prefix(1);
                        if (!text.starts_with('"'))
                            break;
                    }
                    field += text.front();
                }
            } else {
                auto const end = std::min(text.find_first_of(",\r\n\""), text.size());
                field = text.substr(0, end);
                text.remove_prefix(end);
            }
            FUZZ_CHECK(!is_formula(field));
            auto const parted = i + 1 < columns ? std::string_view(",") : std::string_view("\r\n");
            FUZZ_CHECK(text.starts_with(parted));
            text.remove_prefix(parted.size());
        }
    }
}

/// One line of OpenMetrics: `name{label="value",…} number`.
inline void check_gauge(std::string_view line) {
    auto const is_name = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    auto const name = [&] {
        FUZZ_CHECK(!line.empty() && is_name(line.front()));
        while (!line.empty() && is_name(line.front()))
            line.remove_prefix(1);
    };
    auto const take = [&](char c) {
        FUZZ_CHECK(line.starts_with(c));
        line.remove_prefix(1);
    };
    name();
    if (line.starts_with('{')) {
        do {
            line.remove_prefix(1);
            name();
            take('=');
            take('"');
            while (!line.starts_with('"')) {
                FUZZ_CHECK(!line.empty());
                if (line.front() == '\\') {
                    take('\\');
                    FUZZ_CHECK(!line.empty() && std::string_view("\\\"n").find(line.front()) !=
                                                    std::string_view::npos);
                }
                line.remove_prefix(1);
            }
            take('"');
        } while (line.starts_with(','));
        take('}');
    }
    take(' ');
    double number = 0;
    auto const* const end = line.data() + line.size();
    auto const read = std::from_chars(line.data(), end, number);
    FUZZ_CHECK(read.ec == std::errc() && read.ptr == end);
}

inline void check_gauges(std::string_view text) {
    while (!text.empty()) {
        auto const end = text.find('\n');
        FUZZ_CHECK(end != text.npos);
        if (!text.starts_with('#'))
            check_gauge(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
}

} // namespace mad_fuzz

#endif
