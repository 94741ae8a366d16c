#ifndef MAD_TESTS_SUPPORT_UNHEX_HPP
#define MAD_TESTS_SUPPORT_UNHEX_HPP

#include <string>
#include <string_view>

namespace mad_test {

/// Bytes from hexadecimal digits; blanks between them do not count.
inline std::string unhex(std::string_view text) {
    std::string out;
    unsigned value = 0, digits = 0;
    for (char const c : text) {
        if (c == ' ')
            continue;
        value = value << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
        if (++digits % 2 == 0)
            out += static_cast<char>(value & 0xff);
    }
    return out;
}

} // namespace mad_test

#endif
