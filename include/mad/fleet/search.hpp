#ifndef MAD_FLEET_SEARCH_HPP
#define MAD_FLEET_SEARCH_HPP

#include <mad/core/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

enum class host_state : std::uint8_t;

/// What is wrong with a search; the names are those of the shared rows, tests/data/search.
enum class search_error : std::uint8_t {
    unclosed_quote, ///< a quote is opened and not closed
    empty_quotes,   ///< `""` matches nothing in particular
    nothing_negated,
    missing_value, ///< nothing behind `key:`, or between two commas
    unknown_state,
    unknown_flag,
    unknown_metric, ///< what is compared is none of storage network cpu mem load psi up
    bad_number,
    too_long,       ///< over 1,024 code points
    too_many_terms, ///< over 32
};

/// Example: `unclosed_quote`
std::string_view to_string(search_error);

struct search_problem {
    search_error error{};
    std::size_t at = 0; ///< which code point of the text, from 0

    /// For people: what is wrong and what to do. Example: `position 7: no such state; there are ok,
    /// warn, crit, stale and offline`
    std::string message() const;
};

/// What a search looks at. Views: made for one call.
struct search_subject {
    /// Numbers as rows show them, in the order of `search_metrics`; NaN: unknown, which no
    /// comparison matches.
    static constexpr std::size_t numbers = 7;

    search_subject() { values.fill(std::numeric_limits<double>::quiet_NaN()); }

    std::string_view id, name, region, os;
    std::span<std::string const> tags;
    host_state state{};
    std::uint8_t flags = 0; ///< see `host_flag`
    std::array<double, numbers> values;
};

inline constexpr std::array<std::string_view, search_subject::numbers> search_metrics{
    "storage", "network", "cpu", "mem", "load", "psi", "up"};

namespace detail {

/// Text with stars in it: the pieces between them, ASCII letters in lower case.
struct text_pattern {
    std::vector<std::string> pieces; ///< one: without a star

    bool matches(std::string_view) const;    ///< the whole text
    bool matches_in(std::string_view) const; ///< a part of it
};

struct search_term {
    enum class kind : std::uint8_t { word, tag, id, name, region, os, state, flag, compare };
    enum class order : std::uint8_t { less, less_equal, equal, greater_equal, greater };

    kind what = kind::word;
    bool negated = false;
    std::vector<text_pattern> texts; ///< one of them must match
    std::uint8_t bits = 0;           ///< states or flags
    std::uint8_t metric = 0;         ///< of `search_metrics`
    order how{};
    double limit = 0;

    bool matches(search_subject const&) const;
};

} // namespace detail

/// A search of hosts. Terms are separated by white space and all must match:
///
///     web              id, name or a tag contains it
///     "two words"      the same; nothing in quotes has a meaning but \" and \\ .
///     tag:prod         has that tag; `tag:*`: has any
///     role:web         has the tag `role:web`; any key but those named here
///     id: name: region:  is that; empty is nothing, so `-region:*` finds hosts without one
///     os:debian        contains it
///     state:crit,warn  one of ok warn crit stale offline
///     flag:dup         one of dup muted flapping
///     cpu>80 up<1h     > >= < <= = of storage network cpu mem load psi up; a percent may have
///                      `%`, up one of s m h d w (seconds without)
///     -term            does not match
///
/// Values are lists: `region:eu*,us*`. A star stands for any text, also none. Capital letters are
/// as good as small ones in ASCII; others are taken as they are.
class search {
  public:
    static constexpr std::size_t max_text = 1'024, max_terms = 32;

    /// Matches everything.
    search() = default;

    bool matches(search_subject const&) const;
    bool empty() const { return terms_.empty(); }

    /// Whether it looks only at what seldom changes: not at states, flags and numbers.
    bool lasting() const;

    /// As it was written.
    std::string const& text() const { return text_; }

  private:
    friend class search_reader;
    std::string text_;
    std::vector<detail::search_term> terms_;
};

/// The search that `text` describes, or what is wrong with it.
boost::system::result<search, search_problem> parse_search(std::string_view text);

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/search.ipp>
#endif

#endif
