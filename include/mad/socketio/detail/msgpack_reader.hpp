#ifndef MAD_SOCKETIO_DETAIL_MSGPACK_READER_HPP
#define MAD_SOCKETIO_DETAIL_MSGPACK_READER_HPP

#include <mad/core/json_text.hpp>
#include <mad/socketio/detail/msgpack_cursor.hpp>
#include <mad/socketio/packet.hpp>

#include <bit>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::socketio::detail {

/// Turns msgpack into JSON text and attachments, value by value. A call that gives false has met
/// what is no such value, or is over a limit: `failed` says which.
class msgpack_reader : public msgpack_cursor {
  public:
    msgpack_reader(std::string_view data, packet_limits const& limits)
        : msgpack_cursor(data)
        , limits_(limits) {}

    error_code failed() const { return why_ == error::none ? error::bad_payload : why_; }

    bool fail(error e) {
        why_ = e;
        return false;
    }

    /// Reads over a value that nobody wants, with the same limits.
    error_code skip() {
        auto const text = text_.size(), bytes = bytes_.size(), count = byte_count_;
        if (!take_undefined() && !value(1))
            return failed();
        text_.resize(text);
        bytes_.resize(bytes);
        byte_count_ = count;
        return {};
    }

    bool value(std::size_t depth) {
        std::uint8_t tag = 0;
        if (!take_byte(tag))
            return false;
        if (tag < 0x80)
            return number(tag);
        if (tag < 0x90)
            return map(tag & 0x0fu, depth);
        if (tag < 0xa0)
            return array(tag & 0x0fu, depth);
        if (tag < 0xc0)
            return text(tag & 0x1fu);
        if (tag >= 0xe0)
            return number(static_cast<std::int8_t>(tag));
        std::uint32_t n = 0;
        switch (tag) {
        case 0xc0:
            return literal("null");
        case 0xc2:
            return literal("false");
        case 0xc3:
            return literal("true");
        case 0xc4:
        case 0xc5:
        case 0xc6:
            return take_size(tag - 0xc4, n) && binary(n);
        case 0xc7:
        case 0xc8:
        case 0xc9:
            return take_size(tag - 0xc7, n) && extension(n, depth);
        case 0xca:
            return number_of<std::uint32_t, float>();
        case 0xcb:
            return number_of<std::uint64_t, double>();
        case 0xcc:
            return number_of<std::uint8_t, std::uint8_t>();
        case 0xcd:
            return number_of<std::uint16_t, std::uint16_t>();
        case 0xce:
            return number_of<std::uint32_t, std::uint32_t>();
        case 0xcf:
            return number_of<std::uint64_t, std::uint64_t>();
        case 0xd0:
            return number_of<std::uint8_t, std::int8_t>();
        case 0xd1:
            return number_of<std::uint16_t, std::int16_t>();
        case 0xd2:
            return number_of<std::uint32_t, std::int32_t>();
        case 0xd3:
            return number_of<std::uint64_t, std::int64_t>();
        case 0xd4:
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8:
            return extension(1u << (tag - 0xd4), depth, true);
        case 0xd9:
        case 0xda:
        case 0xdb:
            return take_size(tag - 0xd9, n) && text(n);
        case 0xdc:
        case 0xdd:
            return take_size(tag - 0xdc + 1, n) && array(n, depth);
        case 0xde:
        case 0xdf:
            return take_size(tag - 0xde + 1, n) && map(n, depth);
        default: // 0xc1 is nothing
            return false;
        }
    }

    bool literal(std::string_view s) {
        text_ += s;
        return true;
    }

    template <class T>
    bool number(T v) {
        if constexpr (std::is_floating_point_v<T>)
            append_json_number(text_, static_cast<double>(v));
        else
            append_json_number(text_, static_cast<std::int64_t>(v));
        return true;
    }

    /// A number that stands as `Bits`, high byte first.
    template <class Bits, class T>
    bool number_of() {
        Bits bits = 0;
        if (!take_big(bits))
            return false;
        if constexpr (std::is_same_v<T, std::uint64_t>) {
            append_json_number(text_, bits);
            return true;
        } else {
            return number(std::bit_cast<T>(bits));
        }
    }

    bool text(std::size_t n) {
        std::string_view s;
        if (!take(n, s))
            return false;
        append_json_string(text_, s);
        return true;
    }

    bool binary(std::size_t n) {
        std::string_view s;
        if (!take(n, s))
            return false;
        if (bytes_.size() >= limits_.max_attachments)
            return fail(error::too_many_attachments);
        if (n > limits_.max_attachment_bytes - byte_count_)
            return fail(error::attachments_too_big);
        byte_count_ += n;
        text_ += "{\"_placeholder\":true,\"num\":";
        append_json_number(text_, bytes_.size());
        text_ += '}';
        bytes_.emplace_back(s);
        return true;
    }

    /// Dates and undefined of notepack, the timestamps of msgpack itself; another one is its number
    /// and its bytes, as notepack gives it.
    bool extension(std::size_t n, std::size_t depth, bool fixed = false) {
        std::uint8_t type = 0;
        if (!take_byte(type) || rest_.size() < n)
            return false;
        if (type == 0 && !fixed)
            return binary(n); // an ArrayBuffer
        if (type == 0 && n == 1) {
            rest_.remove_prefix(1);
            return literal("null");
        }
        if (type == 0 && n == 8) {
            std::uint64_t ms = 0;
            take_big(ms);
            append_date(text_, std::bit_cast<std::int64_t>(ms));
            return true;
        }
        if (type == 0xff && (n == 4 || n == 8 || n == 12))
            return timestamp(n);
        if (depth >= limits_.json.max_depth)
            return false;
        text_ += '[';
        number(static_cast<std::int8_t>(type));
        text_ += ',';
        if (!binary(n))
            return false;
        text_ += ']';
        return true;
    }

    bool timestamp(std::size_t n) {
        std::uint32_t word = 0;
        std::uint64_t nanoseconds = 0, seconds = 0;
        if (n == 4) {
            take_big(word);
            seconds = word;
        } else if (n == 8) {
            take_big(seconds);
            nanoseconds = seconds >> 34;
            seconds &= 0x3'ffff'ffff;
        } else {
            take_big(word);
            nanoseconds = word;
            take_big(seconds);
        }
        auto const s = std::bit_cast<std::int64_t>(seconds);
        constexpr std::int64_t most = 8'640'000'000'001; // beyond, no Date has a name
        if (s < -most || s > most)
            return literal("null");
        append_date(text_, s * 1000 + static_cast<std::int64_t>(nanoseconds / 1'000'000));
        return true;
    }

    bool array(std::size_t n, std::size_t depth) {
        if (depth >= limits_.json.max_depth || n > rest_.size())
            return false;
        // The name of an event comes on top of its arguments.
        if (depth == 0 && n > limits_.json.max_elements && n - 1 > limits_.json.max_elements)
            return false;
        text_ += '[';
        for (std::size_t i = 0; i < n; ++i) {
            if (i > 0)
                text_ += ',';
            if (!value(depth + 1))
                return false;
        }
        text_ += ']';
        return true;
    }

    bool map(std::size_t n, std::size_t depth) {
        if (depth >= limits_.json.max_depth || n > limits_.json.max_members || n > rest_.size() / 2)
            return false;
        char separator = '{';
        for (std::size_t i = 0; i < n; ++i) {
            auto const before = text_.size();
            text_ += separator;
            if (!key())
                return false;
            text_ += ':';
            if (take_undefined()) {
                text_.resize(before);
                continue;
            }
            if (!value(depth + 1))
                return false;
            separator = ',';
        }
        text_ += separator == '{' ? "{}" : "}";
        return true;
    }

    /// A text, or a number as text.
    bool key() {
        std::string_view s;
        if (take_text(s)) {
            append_json_string(text_, s);
            return true;
        }
        std::uint64_t n = 0;
        if (!take_unsigned(n))
            return false;
        text_ += '"';
        append_json_number(text_, n);
        text_ += '"';
        return true;
    }

    /// An integer that is not negative, in any width; also one that came as a double.
    bool take_unsigned(std::uint64_t& out) {
        auto const from = rest_;
        auto const before = text_.size();
        bool const is_number = !rest_.empty() && (static_cast<unsigned char>(rest_[0]) < 0x80 ||
                                                  (static_cast<unsigned char>(rest_[0]) >= 0xca &&
                                                   static_cast<unsigned char>(rest_[0]) <= 0xd3));
        bool good = is_number && value(0);
        if (good) {
            char const* const end = text_.data() + text_.size();
            auto const r = std::from_chars(text_.data() + before, end, out);
            good = r.ec == std::errc() && r.ptr == end;
        }
        text_.resize(before);
        if (!good)
            rest_ = from;
        return good;
    }

    /// What is left to read, and what has been read: JSON text and the bytes of its placeholders.
    std::string_view rest() const { return rest_; }
    std::string take_json() { return std::exchange(text_, {}); }
    std::vector<std::string> take_bytes() {
        byte_count_ = 0;
        return std::exchange(bytes_, {});
    }

  protected:
    packet_limits const& limits_;
    std::string text_;
    std::vector<std::string> bytes_;
    std::size_t byte_count_ = 0;
    error why_ = error::none;
};

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
