#ifndef MAD_FLEET_DETAIL_JSON_WALK_HPP
#define MAD_FLEET_DETAIL_JSON_WALK_HPP

#include <mad/core/detail/json_bytes.hpp>

#include <charconv>
#include <optional>
#include <string_view>

namespace mad::inline MAD_ABI::fleet::detail {

/// Reads JSON text that was checked before, forwards and once: whoever walks knows where it is,
/// enters what it wants and skips the rest. Text that is no JSON ends the walk early; it never
/// reads beyond the text and never goes round in circles.
class json_walk {
  public:
    explicit json_walk(std::string_view text)
        : p_(text.data())
        , end_(text.data() + text.size()) {}

    /// Calls `fn(key)` for each member of the object here; it must take the value: by one of these
    /// functions, or by none, which skips it. Keys are as written, without quotes.
    template <class Fn>
    void members(Fn&& fn) {
        each('{', '}', [&] {
            auto const key = string();
            if (!key || !take(':'))
                return fail();
            value(fn, *key);
        });
    }

    /// The same for the elements of the array here, `fn(position)`.
    template <class Fn>
    void elements(Fn&& fn) {
        std::size_t i = 0;
        each('[', ']', [&] { value(fn, i++); });
    }

    /// The number here; what is none is skipped.
    std::optional<double> number() {
        space();
        double v = 0;
        auto const r = std::from_chars(p_, end_, v);
        if (r.ec != std::errc()) {
            skip();
            return std::nullopt;
        }
        p_ = r.ptr;
        return v;
    }

    /// The string here as written, without quotes; what is none is skipped.
    std::optional<std::string_view> text() {
        if (auto const s = string())
            return s;
        skip();
        return std::nullopt;
    }

    /// Whether `true` is here.
    bool yes() {
        auto const v = skip();
        return v == "true";
    }

    /// Passes the value here, and gives it as written.
    std::string_view skip() {
        space();
        auto const* const begin = p_;
        std::size_t depth = 0;
        while (p_ != end_) {
            char const c = *p_;
            if (c == '"') {
                if (!string())
                    break;
            } else if (c == '{' || c == '[') {
                ++depth;
                ++p_;
            } else if (c == '}' || c == ']') {
                if (depth == 0)
                    break; // of what the value is in
                --depth;
                ++p_;
            } else if (depth == 0 && (c == ',' || mad::detail::is_json_space(c))) {
                break;
            } else {
                ++p_;
                continue;
            }
            if (depth == 0)
                break;
        }
        return {begin, static_cast<std::size_t>(p_ - begin)};
    }

  private:
    template <class Fn>
    void each(char open, char close, Fn&& fn) {
        if (!take(open)) {
            skip();
            return;
        }
        if (take(close))
            return;
        while (p_ != end_) {
            auto const* const before = p_;
            fn();
            if (take(close))
                return;
            if (!take(',') || p_ == before)
                return fail();
        }
    }

    template <class Fn, class Key>
    void value(Fn& fn, Key key) {
        space();
        auto const* const before = p_;
        fn(key);
        if (p_ == before)
            skip();
    }

    std::optional<std::string_view> string() {
        space();
        if (p_ == end_ || *p_ != '"')
            return std::nullopt;
        auto const* const begin = ++p_;
        for (;;) {
            p_ = mad::detail::skip_plain_text(p_, end_);
            if (p_ == end_)
                return std::nullopt;
            if (*p_ == '"')
                break;
            p_ += *p_ == '\\' && end_ - p_ > 1 ? 2 : 1;
        }
        return std::string_view(begin, static_cast<std::size_t>(p_++ - begin));
    }

    void space() {
        while (p_ != end_ && mad::detail::is_json_space(*p_))
            ++p_;
    }

    bool take(char c) {
        space();
        if (p_ == end_ || *p_ != c)
            return false;
        ++p_;
        return true;
    }

    void fail() { p_ = end_; }

    char const* p_;
    char const* end_;
};

} // namespace mad::inline MAD_ABI::fleet::detail

#endif
