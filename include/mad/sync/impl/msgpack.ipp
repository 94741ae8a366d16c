#ifndef MAD_SYNC_IMPL_MSGPACK_IPP
#define MAD_SYNC_IMPL_MSGPACK_IPP

#include <mad/core/json_parse.hpp>
#include <mad/core/json_text.hpp>
#include <mad/sync/msgpack.hpp>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace mad::inline MAD_ABI::sync {

namespace detail {

template <class T>
void append_big_endian(std::string& out, T value) {
    for (auto shift = sizeof(T) * 8; shift > 0; shift -= 8)
        out += static_cast<char>(value >> (shift - 8) & 0xff);
}

/// A tag and a size in the smallest of two or three forms.
inline void append_sized(std::string& out, int tag8, int tag16, std::size_t n) {
    if (tag8 != 0 && n < 0x100) {
        out += static_cast<char>(tag8);
        out += static_cast<char>(n);
    } else if (n < 0x10000) {
        out += static_cast<char>(tag16);
        append_big_endian(out, static_cast<std::uint16_t>(n));
    } else {
        out += static_cast<char>(tag16 + 1);
        append_big_endian(out, static_cast<std::uint32_t>(n));
    }
}

/// Goes through JSON text and writes msgpack.
class msgpack_transcoder {
  public:
    msgpack_transcoder(std::string& out, std::string_view json,
                       std::span<std::string_view const> attachments)
        : out_(out)
        , at_(json.data())
        , end_(json.data() + json.size())
        , attachments_(attachments) {}

    bool run() {
        if (!value(0))
            return false;
        blanks();
        return at_ == end_;
    }

  private:
    void blanks() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t'))
            ++at_;
    }
    bool take(char c) {
        blanks();
        if (at_ == end_ || *at_ != c)
            return false;
        ++at_;
        return true;
    }
    bool word(std::string_view w, char tag) {
        if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(w))
            return false;
        at_ += w.size();
        out_ += tag;
        return true;
    }

    bool value(std::size_t depth) {
        blanks();
        if (at_ == end_)
            return false;
        switch (*at_) {
        case '{':
            return object(depth);
        case '[':
            return array(depth);
        case '"': {
            std::string_view raw;
            return quoted(raw);
        }
        case 't':
            return word("true", '\xc3');
        case 'f':
            return word("false", '\xc2');
        case 'n':
            return word("null", '\xc0');
        default:
            return number();
        }
    }

    /// Writes the text and gives it as it stands there, with its escapes.
    bool quoted(std::string_view& raw) {
        if (!take('"'))
            return false;
        auto const* const begin = at_;
        bool escaped = false;
        for (; at_ != end_ && *at_ != '"'; ++at_)
            if (*at_ == '\\') {
                escaped = true;
                if (++at_ == end_)
                    return false;
            }
        if (at_ == end_)
            return false;
        raw = {begin, static_cast<std::size_t>(at_ - begin)};
        ++at_;
        if (!escaped) {
            append_msgpack_text(out_, raw);
        } else {
            scratch_.clear();
            json_unescape(raw, scratch_);
            append_msgpack_text(out_, scratch_);
        }
        return true;
    }

    bool number() {
        auto const* const begin = at_;
        bool whole = true;
        for (; at_ != end_; ++at_) {
            if (*at_ == '.' || *at_ == 'e' || *at_ == 'E')
                whole = false;
            else if (!((*at_ >= '0' && *at_ <= '9') || *at_ == '-' || *at_ == '+'))
                break;
        }
        if (begin == at_)
            return false;
        if (whole && *begin == '-') {
            std::int64_t n = 0;
            auto const r = std::from_chars(begin, at_, n);
            if (r.ec == std::errc() && r.ptr == at_) {
                append_msgpack_signed(out_, n);
                return true;
            }
        } else if (whole) {
            std::uint64_t n = 0;
            auto const r = std::from_chars(begin, at_, n);
            if (r.ec == std::errc() && r.ptr == at_) {
                append_msgpack_unsigned(out_, n);
                return true;
            }
        }
        double n = 0;
        auto const r = std::from_chars(begin, at_, n);
        if (r.ptr != at_ || r.ec == std::errc::invalid_argument)
            return false;
        append_msgpack_number(out_, r.ec == std::errc() ? n : 0); // else next to 0
        return true;
    }

    /// How many there are is known at the end: what is not small is moved to make room.
    void set_size(std::size_t at, std::size_t n, int fixed, int tag16) {
        if (n < 0x10) {
            out_[at] = static_cast<char>(fixed | static_cast<int>(n));
            return;
        }
        std::string head;
        append_sized(head, 0, tag16, n);
        out_.replace(at, 1, head);
    }

    bool array(std::size_t depth) {
        if (depth >= max_json_print_depth)
            return false;
        ++at_;
        auto const at = out_.size();
        out_ += '\x90';
        std::size_t n = 0;
        if (!take(']')) {
            do {
                if (!value(depth + 1))
                    return false;
                ++n;
            } while (take(','));
            if (!take(']'))
                return false;
        }
        set_size(at, n, 0x90, 0xdc);
        return true;
    }

    bool object(std::size_t depth) {
        if (depth >= max_json_print_depth)
            return false;
        ++at_;
        auto const at = out_.size();
        out_ += '\x80';
        std::size_t n = 0;
        bool placeholder = false;
        std::string_view num;
        if (!take('}')) {
            do {
                blanks();
                std::string_view key;
                if (!quoted(key) || !take(':'))
                    return false;
                blanks();
                auto const* const from = at_;
                if (!value(depth + 1))
                    return false;
                ++n;
                if (attachments_.empty())
                    continue;
                std::string_view const text(from, static_cast<std::size_t>(at_ - from));
                if (json_string_equals(key, "_placeholder"))
                    placeholder = text == "true";
                else if (json_string_equals(key, "num"))
                    num = text;
            } while (take(','));
            if (!take('}'))
                return false;
        }
        if (placeholder) {
            std::size_t index = 0;
            auto const r = std::from_chars(num.data(), num.data() + num.size(), index);
            if (r.ec != std::errc() || r.ptr != num.data() + num.size() ||
                index >= attachments_.size())
                return false;
            out_.resize(at);
            append_msgpack_bytes(out_, attachments_[index]);
            return true;
        }
        set_size(at, n, 0x80, 0xde);
        return true;
    }

    std::string& out_;
    char const* at_;
    char const* const end_;
    std::span<std::string_view const> attachments_;
    std::string scratch_;
};

} // namespace detail

MAD_DECL void append_msgpack_map(std::string& out, std::size_t n) {
    if (n < 0x10)
        out += static_cast<char>(0x80 | n);
    else
        detail::append_sized(out, 0, 0xde, n);
}

MAD_DECL void append_msgpack_array(std::string& out, std::size_t n) {
    if (n < 0x10)
        out += static_cast<char>(0x90 | n);
    else
        detail::append_sized(out, 0, 0xdc, n);
}

MAD_DECL void append_msgpack_text(std::string& out, std::string_view s) {
    if (s.size() < 0x20)
        out += static_cast<char>(0xa0 | s.size());
    else
        detail::append_sized(out, 0xd9, 0xda, s.size());
    out += s;
}

MAD_DECL void append_msgpack_bytes(std::string& out, std::string_view s) {
    detail::append_sized(out, 0xc4, 0xc5, s.size());
    out += s;
}

MAD_DECL void append_msgpack_unsigned(std::string& out, std::uint64_t n) {
    if (n < 0x80) {
        out += static_cast<char>(n);
    } else if (n < 0x100) {
        out += '\xcc';
        out += static_cast<char>(n);
    } else if (n < 0x10000) {
        out += '\xcd';
        detail::append_big_endian(out, static_cast<std::uint16_t>(n));
    } else if (n < 0x1'0000'0000) {
        out += '\xce';
        detail::append_big_endian(out, static_cast<std::uint32_t>(n));
    } else {
        out += '\xcf';
        detail::append_big_endian(out, n);
    }
}

MAD_DECL void append_msgpack_signed(std::string& out, std::int64_t n) {
    if (n >= 0)
        return append_msgpack_unsigned(out, static_cast<std::uint64_t>(n));
    if (n >= -0x20) {
        out += static_cast<char>(n);
    } else if (n >= -0x80) {
        out += '\xd0';
        out += static_cast<char>(n);
    } else if (n >= -0x8000) {
        out += '\xd1';
        detail::append_big_endian(out, static_cast<std::uint16_t>(n));
    } else if (n >= -0x8000'0000LL) {
        out += '\xd2';
        detail::append_big_endian(out, static_cast<std::uint32_t>(n));
    } else {
        out += '\xd3';
        detail::append_big_endian(out, static_cast<std::uint64_t>(n));
    }
}

MAD_DECL void append_msgpack_number(std::string& out, double n) {
    constexpr double limit = 9223372036854775808.0; // 2^63
    if (n == std::floor(n) && n >= -limit && n < 2 * limit) {
        if (n < 0)
            append_msgpack_signed(out, static_cast<std::int64_t>(n));
        else
            append_msgpack_unsigned(out, static_cast<std::uint64_t>(n));
        return;
    }
    out += '\xcb';
    detail::append_big_endian(out, std::bit_cast<std::uint64_t>(n));
}

MAD_DECL bool append_msgpack_json(std::string& out, std::string_view json,
                                  std::span<std::string_view const> attachments) {
    auto const before = out.size();
    if (detail::msgpack_transcoder(out, json, attachments).run())
        return true;
    out.resize(before);
    return false;
}

} // namespace mad::inline MAD_ABI::sync

#endif
