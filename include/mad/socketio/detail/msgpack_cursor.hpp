#ifndef MAD_SOCKETIO_DETAIL_MSGPACK_CURSOR_HPP
#define MAD_SOCKETIO_DETAIL_MSGPACK_CURSOR_HPP

#include <mad/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::socketio::detail {

/// What `Date.prototype.toJSON` gives; null outside of what JavaScript can name.
inline void append_date(std::string& out, std::int64_t ms) {
    constexpr std::int64_t most = 8'640'000'000'000'000;
    if (ms < -most || ms > most) {
        out += "null";
        return;
    }
    constexpr std::int64_t day_ms = 86'400'000;
    auto const floor_div = [](std::int64_t a, std::int64_t b) {
        return a / b - (a % b < 0 ? 1 : 0);
    };
    auto const day = floor_div(ms, day_ms);
    auto const time = static_cast<int>(ms - day * day_ms);
    // Counted from the 1st of March of year 0 in cycles of 400 years, so that a leap day is a last
    // one. (std::chrono ends with the year 32767.)
    auto const from = day + 719'468;
    auto const cycle = floor_div(from, 146'097);
    auto const in_cycle = static_cast<int>(from - cycle * 146'097);
    auto const y = (in_cycle - in_cycle / 1460 + in_cycle / 36'524 - in_cycle / 146'096) / 365;
    auto const in_year = in_cycle - (365 * y + y / 4 - y / 100);
    auto const m = (5 * in_year + 2) / 153;
    auto const month = m < 10 ? m + 3 : m - 9;
    auto const year = static_cast<int>(cycle * 400 + y + (month <= 2 ? 1 : 0));
    char text[64];
    std::snprintf(text, sizeof text,
                  year >= 0 && year <= 9999 ? "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\""
                                            : "\"%+07d-%02d-%02dT%02d:%02d:%02d.%03dZ\"",
                  year, month, in_year - (153 * m + 2) / 5 + 1, time / 3'600'000,
                  time / 60'000 % 60, time / 1000 % 60, time % 1000);
    out += text;
}

/// What is taken off the front of msgpack; nothing is when it is not there.
class msgpack_cursor {
  public:
    explicit msgpack_cursor(std::string_view data)
        : rest_(data) {}

    bool take_byte(std::uint8_t& out) { return take_big(out); }

    template <class T>
    bool take_big(T& out) {
        if (rest_.size() < sizeof(T))
            return false;
        T v = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i)
            v = static_cast<T>(std::uint64_t(v) << 8 | static_cast<unsigned char>(rest_[i]));
        out = v;
        rest_.remove_prefix(sizeof(T));
        return true;
    }

    /// A length in 1, 2 or 4 bytes.
    bool take_size(int form, std::uint32_t& out) {
        std::uint8_t one = 0;
        std::uint16_t two = 0;
        bool const good = form == 0 ? take_big(one) : form == 1 ? take_big(two) : take_big(out);
        if (form < 2)
            out = form == 0 ? one : two;
        return good;
    }

    bool take(std::size_t n, std::string_view& out) {
        if (n > rest_.size())
            return false;
        out = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return true;
    }

    bool take_undefined() {
        if (!rest_.starts_with(std::string_view("\xd4\0", 2)) || rest_.size() < 3)
            return false;
        rest_.remove_prefix(3);
        return true;
    }

    bool take_text(std::string_view& out) {
        auto const before = rest_;
        std::uint8_t tag = 0;
        std::uint32_t n = 0;
        if (take_byte(tag)) {
            if ((tag & 0xe0) == 0xa0)
                n = tag & 0x1fu;
            else if (tag < 0xd9 || tag > 0xdb || !take_size(tag - 0xd9, n))
                tag = 0;
            if (tag != 0 && take(n, out))
                return true;
        }
        rest_ = before;
        return false;
    }

    bool take_map(std::size_t& members) {
        std::uint8_t tag = 0;
        std::uint32_t n = 0;
        if (!take_byte(tag))
            return false;
        if ((tag & 0xf0) == 0x80)
            n = tag & 0x0fu;
        else if ((tag != 0xde && tag != 0xdf) || !take_size(tag - 0xde + 1, n))
            return false;
        members = n;
        return true;
    }

    bool take_array(std::size_t& elements) {
        std::uint8_t tag = 0;
        std::uint32_t n = 0;
        if (!take_byte(tag))
            return false;
        if ((tag & 0xf0) == 0x90)
            n = tag & 0x0fu;
        else if ((tag != 0xdc && tag != 0xdd) || !take_size(tag - 0xdc + 1, n))
            return false;
        elements = n;
        return n <= rest_.size();
    }

  protected:
    std::string_view rest_;
};

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
