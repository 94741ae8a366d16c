#ifndef MAD_CORE_DETAIL_JSON_SCANNER_HPP
#define MAD_CORE_DETAIL_JSON_SCANNER_HPP

#include <mad/core/detail/json_bytes.hpp>
#include <mad/core/json_error.hpp>
#include <mad/core/json_limits.hpp>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace mad::inline MAD_ABI::detail {

/// Deepest nesting that any limit allows: the scanner recurses.
inline constexpr std::size_t max_json_depth = 512;

/// The one pass over JSON text. `Events` may have any of these, called with the depth of the
/// container (1 for the outermost); anything but `json_error::none` ends the scan:
///   json_error object_begin(std::size_t depth);
///   json_error member(std::size_t depth, std::string_view key, json_span value);
///   json_error object_end(std::size_t depth);
///   json_error element(std::size_t depth, json_span value);
template <class Events>
class json_scanner {
  public:
    json_scanner(std::string_view text, json_limits const& limits, Events& events)
        : p_(text.data())
        , end_(text.data() + text.size())
        , limits_(limits)
        , max_depth_(std::min(limits.max_depth, max_json_depth))
        , events_(events) {}

    json_error run(json_span& whole) {
        skip_space();
        if (auto const e = value(whole, 0); e != json_error::none)
            return e;
        skip_space();
        return p_ == end_ ? json_error::none : json_error::syntax;
    }

  private:
    void skip_space() {
        while (p_ != end_ && is_json_space(*p_))
            ++p_;
    }

    bool take(char c) {
        if (p_ == end_ || *p_ != c)
            return false;
        ++p_;
        return true;
    }

    json_error value(json_span& out, std::size_t depth) {
        if (p_ == end_)
            return json_error::syntax;
        char const* const begin = p_;
        json_error e;
        switch (*p_) {
        case '"':
            out.kind = json_kind::string;
            e = string();
            break;
        case '[':
            out.kind = json_kind::array;
            e = array(depth + 1);
            break;
        case '{':
            out.kind = json_kind::object;
            e = object(depth + 1);
            break;
        case 't':
            out.kind = json_kind::boolean;
            e = literal("true");
            break;
        case 'f':
            out.kind = json_kind::boolean;
            e = literal("false");
            break;
        case 'n':
            out.kind = json_kind::null;
            e = literal("null");
            break;
        default:
            out.kind = json_kind::number;
            e = number();
        }
        out.text = {begin, static_cast<std::size_t>(p_ - begin)};
        return e;
    }

    json_error array(std::size_t depth) {
        if (depth > max_depth_)
            return json_error::too_deep;
        ++p_;
        skip_space();
        if (take(']'))
            return json_error::none;
        std::size_t count = 0;
        for (;;) {
            if (++count > limits_.max_elements && depth == 1)
                return json_error::too_many_elements;
            json_span element;
            if (auto const e = value(element, depth); e != json_error::none)
                return e;
            if constexpr (requires { events_.element(depth, element); })
                if (auto const e = events_.element(depth, element); e != json_error::none)
                    return e;
            skip_space();
            if (take(']'))
                return json_error::none;
            if (!take(','))
                return json_error::syntax;
            skip_space();
        }
    }

    json_error object(std::size_t depth) {
        if (depth > max_depth_)
            return json_error::too_deep;
        if constexpr (requires { events_.object_begin(depth); })
            if (auto const e = events_.object_begin(depth); e != json_error::none)
                return e;
        ++p_;
        skip_space();
        if (!take('}'))
            if (auto const e = members(depth); e != json_error::none)
                return e;
        if constexpr (requires { events_.object_end(depth); })
            return events_.object_end(depth);
        return json_error::none;
    }

    json_error members(std::size_t depth) {
        std::size_t count = 0;
        for (;;) {
            if (++count > limits_.max_members)
                return json_error::too_many_members;
            if (p_ == end_ || *p_ != '"')
                return json_error::syntax;
            char const* const key = p_ + 1;
            if (auto const e = string(); e != json_error::none)
                return e;
            [[maybe_unused]] auto const key_size = static_cast<std::size_t>(p_ - 1 - key);
            skip_space();
            if (!take(':'))
                return json_error::syntax;
            skip_space();
            json_span member;
            if (auto const e = value(member, depth); e != json_error::none)
                return e;
            if constexpr (requires { events_.member(depth, std::string_view(), member); }) {
                auto const e = events_.member(depth, std::string_view(key, key_size), member);
                if (e != json_error::none)
                    return e;
            }
            skip_space();
            if (take('}'))
                return json_error::none;
            if (!take(','))
                return json_error::syntax;
            skip_space();
        }
    }

    json_error string() {
        ++p_;
        for (;;) {
            p_ = skip_plain_text(p_, end_);
            if (p_ == end_)
                return json_error::syntax;
            auto const c = static_cast<unsigned char>(*p_);
            if (c == '"') {
                ++p_;
                return json_error::none;
            }
            if (c == '\\') {
                if (auto const e = escape(); e != json_error::none)
                    return e;
            } else if (c >= 0x80) {
                p_ = skip_utf8(p_, end_);
                if (p_ != end_ && static_cast<unsigned char>(*p_) >= 0x80)
                    return json_error::bad_utf8;
            } else {
                return json_error::syntax; // control bytes must be escaped
            }
        }
    }

    json_error escape() {
        if (end_ - p_ < 2)
            return json_error::syntax;
        switch (p_[1]) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
            p_ += 2;
            return json_error::none;
        case 'u':
            break;
        default:
            return json_error::syntax;
        }
        int const unit = json_unicode_escape(p_, end_);
        if (unit < 0)
            return json_error::syntax;
        p_ += 6;
        if (is_high_surrogate(unit) && is_low_surrogate(json_unicode_escape(p_, end_)))
            p_ += 6;
        else if (!limits_.lone_surrogates && (is_high_surrogate(unit) || is_low_surrogate(unit)))
            return json_error::lone_surrogate;
        return json_error::none;
    }

    json_error literal(std::string_view word) {
        if (static_cast<std::size_t>(end_ - p_) < word.size() ||
            std::memcmp(p_, word.data(), word.size()) != 0)
            return json_error::syntax;
        p_ += word.size();
        return json_error::none;
    }

    std::ptrdiff_t skip_digits() {
        char const* const begin = p_;
        while (p_ != end_ && is_json_digit(*p_))
            ++p_;
        return p_ - begin;
    }

    json_error number() {
        char const* const begin = p_;
        if (*p_ == '-')
            ++p_;
        // The value is below 10 to the power of `magnitude`, and not below a tenth of that.
        std::ptrdiff_t magnitude = 0;
        bool zero = false;
        if (take('0'))
            zero = true;
        else if ((magnitude = skip_digits()) == 0)
            return json_error::syntax;
        if (p_ == end_ || (*p_ != '.' && (*p_ | 0x20) != 'e'))
            return magnitude < 309 ? json_error::none : check_range(begin, magnitude);
        if (take('.')) {
            char const* const fraction = p_;
            if (skip_digits() == 0)
                return json_error::syntax;
            if (zero) {
                auto const* const first =
                    std::find_if(fraction, p_, [](char c) { return c != '0'; });
                magnitude = fraction - first;
                zero = first == p_;
            }
        }
        if (p_ != end_ && (*p_ | 0x20) == 'e') {
            ++p_;
            bool const negative = p_ != end_ && *p_ == '-';
            if (negative || (p_ != end_ && *p_ == '+'))
                ++p_;
            char const* const digits = p_;
            if (skip_digits() == 0)
                return json_error::syntax;
            magnitude += negative ? -exponent(digits) : exponent(digits);
        }
        return zero || magnitude < 309 ? json_error::none : check_range(begin, magnitude);
    }

    /// The digits up to p_, or a number that no text is long enough to make up for.
    std::ptrdiff_t exponent(char const* digits) const {
        constexpr std::ptrdiff_t most = std::numeric_limits<std::ptrdiff_t>::max() / 4;
        std::ptrdiff_t value = 0;
        for (; digits != p_; ++digits)
            value = std::min(most, value) > most / 16 ? most : value * 10 + (*digits - '0');
        return value;
    }

    /// Only numbers near or over 1.8e308 come here.
    json_error check_range(char const* begin, std::ptrdiff_t magnitude) const {
        double value;
        if (magnitude > 309 || std::from_chars(begin, p_, value).ec != std::errc())
            return json_error::number_range;
        return json_error::none;
    }

    char const* p_;
    char const* const end_;
    json_limits const& limits_;
    std::size_t const max_depth_;
    Events& events_;
};

} // namespace mad::inline MAD_ABI::detail

#endif
