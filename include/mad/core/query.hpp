#ifndef MAD_CORE_QUERY_HPP
#define MAD_CORE_QUERY_HPP

#include <mad/config.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mad::inline MAD_ABI {

/// `%41` becomes `A`; a bad sequence (`%`, `%4`, `%zz`) stays as it is. The outcome may hold any
/// byte, NUL and bad UTF-8 included. `plus_is_space` is the rule of forms, thus of queries.
std::string percent_decode(std::string_view text, bool plus_is_space);

/// Escapes all but `A-Z a-z 0-9 - _ . ! ~ * ' ( )`: the set of JavaScript's `encodeURIComponent`.
std::string percent_encode(std::string_view text);

/// The parameters of a request, over the raw text after the `?`. Holds a view: the text must
/// outlive it. Pieces between `&` that are empty do not count; a piece without `=` is present with
/// an empty value. Each call costs one pass over the text.
class query_view {
  public:
    query_view() = default;
    explicit query_view(std::string_view text)
        : text_(text) {}

    std::string_view text() const { return text_; }

    /// The first value of `key` (compared after decoding), decoded, `+` as space. Present but empty
    /// for `key=` and `key`.
    std::optional<std::string> get(std::string_view key) const;

    /// Calls `fn(std::string key, std::string value)`, both decoded, for each parameter in order;
    /// repeated keys come repeatedly.
    template <class Fn>
    void for_each(Fn&& fn) const {
        for (auto rest = text_; !rest.empty();) {
            auto const [key, value] = take_pair(rest);
            if (key.data())
                fn(percent_decode(key, true), percent_decode(value, true));
        }
    }

  private:
    /// The raw key and value at the front of `rest`, which moves on; key.data() is null when the
    /// piece was empty.
    static std::pair<std::string_view, std::string_view> take_pair(std::string_view& rest);

    std::string_view text_;
};

} // namespace mad::inline MAD_ABI

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/core/impl/query.ipp>
#endif

#endif
