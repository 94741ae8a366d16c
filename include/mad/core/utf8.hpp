#ifndef MAD_CORE_UTF8_HPP
#define MAD_CORE_UTF8_HPP

#include <mad/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mad::inline MAD_ABI {

/// Length in bytes of the valid UTF-8 sequence at the front of `s`; 0 when there is none (no
/// overlong forms, no surrogates, nothing above U+10FFFF: RFC 3629).
constexpr std::size_t utf8_sequence_length(std::string_view s) {
    if (s.empty())
        return 0;
    auto const at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    auto const tail = [&](std::size_t i) { return i < s.size() && (at(i) & 0xc0) == 0x80; };
    unsigned const c = at(0);
    if (c < 0x80)
        return 1;
    if (c < 0xc2)
        return 0;
    if (c < 0xe0)
        return tail(1) ? 2 : 0;
    if (c < 0xf0) {
        if (!tail(1) || !tail(2))
            return 0;
        if ((c == 0xe0 && at(1) < 0xa0) || (c == 0xed && at(1) > 0x9f))
            return 0;
        return 3;
    }
    if (c < 0xf5) {
        if (!tail(1) || !tail(2) || !tail(3))
            return 0;
        if ((c == 0xf0 && at(1) < 0x90) || (c == 0xf4 && at(1) > 0x8f))
            return 0;
        return 4;
    }
    return 0;
}

/// Checks UTF-8 that arrives in pieces: a sequence may be split anywhere, and a wrong byte is seen
/// as soon as it arrives (RFC 6455 section 8.1 wants a prompt close).
class utf8_checker {
  public:
    /// False once anything fed so far cannot be the beginning of valid UTF-8.
    bool feed(std::string_view s) {
        char const* p = s.data();
        char const* const end = p + s.size();
        while (p != end) {
            if (need_ == 0) {
                // ASCII goes eight bytes at a time: it is nearly all there is.
                while (end - p >= 8) {
                    std::uint64_t w;
                    std::memcpy(&w, p, 8);
                    if (w & 0x8080808080808080u)
                        break;
                    p += 8;
                }
                if (p == end)
                    break;
            }
            if (!step(static_cast<unsigned char>(*p++)))
                return false;
        }
        return true;
    }

    /// True when no sequence is left open.
    bool complete() const { return need_ == 0; }

  private:
    bool step(unsigned char c) {
        if (need_ == 0) {
            low_ = 0x80;
            high_ = 0xbf;
            if (c < 0x80)
                return true;
            if (c >= 0xc2 && c <= 0xdf) {
                need_ = 1;
            } else if (c >= 0xe0 && c <= 0xef) {
                need_ = 2;
                if (c == 0xe0)
                    low_ = 0xa0;
                if (c == 0xed)
                    high_ = 0x9f;
            } else if (c >= 0xf0 && c <= 0xf4) {
                need_ = 3;
                if (c == 0xf0)
                    low_ = 0x90;
                if (c == 0xf4)
                    high_ = 0x8f;
            } else {
                return false;
            }
            return true;
        }
        if (c < low_ || c > high_)
            return false;
        low_ = 0x80;
        high_ = 0xbf;
        --need_;
        return true;
    }

    std::uint8_t need_ = 0, low_ = 0x80, high_ = 0xbf;
};

inline bool is_utf8(std::string_view s) {
    utf8_checker c;
    return c.feed(s) && c.complete();
}

/// Length of valid UTF-8 in UTF-16 code units, as JavaScript counts: one for each character, two
/// for those above U+FFFF. For other bytes the number means nothing.
constexpr std::size_t utf16_length(std::string_view s) {
    std::size_t n = 0;
    for (char const ch : s) {
        auto const c = static_cast<unsigned char>(ch);
        n += (c & 0xc0) != 0x80; // not a later byte of a sequence
        n += c >= 0xf0;
    }
    return n;
}

/// Bytes of the front of `s` that are `units` UTF-16 code units of valid UTF-8; npos when `s` is
/// shorter or not UTF-8 that far, and when a pair of surrogates would be cut.
constexpr std::size_t utf16_prefix(std::string_view s, std::size_t units) {
    std::size_t at = 0;
    while (units > 0) {
        auto const n = utf8_sequence_length(s.substr(at));
        std::size_t const cost = n == 4 ? 2 : 1;
        if (n == 0 || cost > units)
            return std::string_view::npos;
        at += n;
        units -= cost;
    }
    return at;
}

} // namespace mad::inline MAD_ABI

#endif
