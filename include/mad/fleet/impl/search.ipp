#ifndef MAD_FLEET_IMPL_SEARCH_IPP
#define MAD_FLEET_IMPL_SEARCH_IPP

#include <mad/fleet/search.hpp>

#include <algorithm>
#include <charconv>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline char small(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// Where `piece`, in small letters, begins in `text`, from `at` on.
inline std::size_t find_small(std::string_view text, std::string_view piece, std::size_t at) {
    auto const found =
        std::search(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), piece.begin(),
                    piece.end(), [](char a, char b) { return small(a) == b; });
    if (found == text.end() && !piece.empty())
        return std::string_view::npos;
    return static_cast<std::size_t>(found - text.begin());
}

inline bool same_small(std::string_view text, std::string_view piece) {
    return std::equal(text.begin(), text.end(), piece.begin(), piece.end(),
                      [](char a, char b) { return small(a) == b; });
}

MAD_DECL bool text_pattern::matches(std::string_view text) const {
    if (pieces.size() == 1)
        return same_small(text, pieces.front());
    auto const& first = pieces.front();
    auto const& last = pieces.back();
    if (text.size() < first.size() + last.size() ||
        !same_small(text.substr(0, first.size()), first) ||
        !same_small(text.substr(text.size() - last.size()), last))
        return false;
    auto const middle = text.substr(0, text.size() - last.size());
    auto at = first.size();
    for (std::size_t i = 1; i + 1 < pieces.size(); ++i) {
        at = find_small(middle, pieces[i], at);
        if (at == std::string_view::npos)
            return false;
        at += pieces[i].size();
    }
    return true;
}

MAD_DECL bool text_pattern::matches_in(std::string_view text) const {
    std::size_t at = 0;
    for (auto const& p : pieces) {
        at = find_small(text, p, at);
        if (at == std::string_view::npos)
            return false;
        at += p.size();
    }
    return true;
}

MAD_DECL bool search_term::matches(search_subject const& s) const {
    auto const is = [this](std::string_view text) {
        return !text.empty() && std::any_of(texts.begin(), texts.end(),
                                            [&](auto const& t) { return t.matches(text); });
    };
    auto const has = [this](std::string_view text) {
        return std::any_of(texts.begin(), texts.end(),
                           [&](auto const& t) { return t.matches_in(text); });
    };
    switch (what) {
    case kind::word:
        return has(s.id) || has(s.name) || std::any_of(s.tags.begin(), s.tags.end(), has);
    case kind::tag:
        return std::any_of(s.tags.begin(), s.tags.end(), is);
    case kind::id:
        return is(s.id);
    case kind::name:
        return is(s.name);
    case kind::region:
        return is(s.region);
    case kind::os:
        return has(s.os);
    case kind::state:
        return (bits >> static_cast<unsigned>(s.state) & 1u) != 0;
    case kind::flag:
        return (bits & s.flags) != 0;
    case kind::compare:
        break;
    }
    auto const v = s.values[metric]; // unknown: every comparison is false
    switch (how) {
    case order::less:
        return v < limit;
    case order::less_equal:
        return v <= limit;
    case order::equal:
        return v == limit;
    case order::greater_equal:
        return v >= limit;
    case order::greater:
        return v > limit;
    }
    return false;
}

} // namespace detail

MAD_DECL std::string_view to_string(search_error e) {
    static constexpr std::array<std::string_view, 10> names{
        "unclosed_quote", "empty_quotes",   "nothing_negated", "missing_value", "unknown_state",
        "unknown_flag",   "unknown_metric", "bad_number",      "too_long",      "too_many_terms"};
    return names[static_cast<std::size_t>(e)];
}

MAD_DECL std::string search_problem::message() const {
    static constexpr std::array<std::string_view, 10> texts{
        "this quote is not closed: write \\\" for one that belongs to the text",
        "there is nothing in these quotes: put text there or take them away",
        "there is nothing to negate: write the term right behind the -",
        "a value is missing here: write one, or * for any",
        "no such state; there are ok, warn, crit, stale and offline",
        "no such flag; there are dup, muted and flapping",
        "nothing of this name can be compared; there are storage, network, cpu, mem, load, psi "
        "and up (quotes make it a plain word)",
        "a number belongs here, as 80, 2.5, 80% (percents) or 90m (up, with s m h d w)",
        "longer than 1,024 characters",
        "more than 32 terms"};
    std::string out = "position ";
    out += std::to_string(at + 1);
    return out.append(": ").append(texts[static_cast<std::size_t>(error)]);
}

MAD_DECL bool search::lasting() const {
    return std::none_of(terms_.begin(), terms_.end(), [](auto const& t) {
        using kind = detail::search_term::kind;
        return t.what == kind::state || t.what == kind::flag || t.what == kind::compare;
    });
}

MAD_DECL bool search::matches(search_subject const& s) const {
    return std::all_of(terms_.begin(), terms_.end(),
                       [&](auto const& t) { return t.matches(s) != t.negated; });
}

/// Reads one expression; stops at the first mistake.
class search_reader {
  public:
    explicit search_reader(std::string_view text)
        : text_(text) {}

    boost::system::result<search, search_problem> run() {
        if (count(text_.size()) > search::max_text)
            return search_problem{search_error::too_long, search::max_text};
        search out;
        out.text_ = text_;
        while (skip_space(), at_ < text_.size() && !problem_) {
            if (out.terms_.size() == search::max_terms) {
                fail(search_error::too_many_terms, at_);
                break;
            }
            read_token();
            if (!problem_)
                out.terms_.push_back(term());
        }
        if (problem_)
            return *problem_;
        return out;
    }

  private:
    using term_kind = detail::search_term::kind;
    using order = detail::search_term::order;

    /// One of the token's characters without its quotes: what in quotes has no meaning.
    struct piece {
        char c;
        bool plain;
        std::size_t at;
    };

    std::size_t count(std::size_t bytes) const {
        return static_cast<std::size_t>(
            std::count_if(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(bytes),
                          [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
    }

    void fail(search_error e, std::size_t at) {
        if (!problem_)
            problem_ = search_problem{e, count(at)};
    }

    static bool space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

    void skip_space() {
        while (at_ < text_.size() && space(text_[at_]))
            ++at_;
    }

    void read_token() {
        token_.clear();
        begin_ = at_;
        while (at_ < text_.size() && !space(text_[at_])) {
            if (text_[at_] != '"') {
                token_.push_back({text_[at_], true, at_});
                ++at_;
                continue;
            }
            auto const opened = at_++;
            while (at_ < text_.size() && text_[at_] != '"') {
                if (text_[at_] == '\\' && at_ + 1 < text_.size())
                    ++at_;
                token_.push_back({text_[at_], false, at_});
                ++at_;
            }
            if (at_ == text_.size())
                return fail(search_error::unclosed_quote, opened);
            ++at_;
        }
    }

    /// The characters from `i` on, up to the next plain comma or to the end.
    detail::text_pattern pattern(std::size_t& i, std::size_t end) const {
        detail::text_pattern out;
        out.pieces.emplace_back();
        for (; i < end; ++i) {
            if (token_[i].plain && token_[i].c == '*')
                out.pieces.emplace_back();
            else
                out.pieces.back() += detail::small(token_[i].c);
        }
        return out;
    }

    std::size_t comma(std::size_t i) const {
        while (i < token_.size() && !(token_[i].plain && token_[i].c == ','))
            ++i;
        return i;
    }

    std::string plain_text(std::size_t i, std::size_t end) const {
        std::string out;
        for (; i < end; ++i)
            out += detail::small(token_[i].c);
        return out;
    }

    detail::search_term term() {
        detail::search_term t;
        std::size_t i = 0;
        if (!token_.empty() && token_[0].plain && token_[0].c == '-') {
            t.negated = true;
            i = 1;
        }
        if (i == token_.size()) {
            bool const only_minus = t.negated && at_ == begin_ + 1;
            fail(only_minus ? search_error::nothing_negated : search_error::empty_quotes,
                 begin_ + (t.negated && !only_minus));
            return t;
        }
        auto const sign = std::find_if(
            token_.begin() + static_cast<std::ptrdiff_t>(i), token_.end(), [](piece const& p) {
                return p.plain && (p.c == ':' || p.c == '<' || p.c == '>' || p.c == '=');
            });
        auto const where = static_cast<std::size_t>(sign - token_.begin());
        if (sign == token_.end() || (sign->c == ':' && where == i)) {
            t.texts.push_back(pattern(i, token_.size()));
            return t;
        }
        if (sign->c == ':')
            read_values(t, i, where);
        else
            read_comparison(t, i, where);
        return t;
    }

    void read_values(detail::search_term& t, std::size_t begin, std::size_t colon) {
        auto const key = plain_text(begin, colon);
        static constexpr std::array<std::pair<std::string_view, term_kind>, 7> keys{{
            {"tag", term_kind::tag},
            {"id", term_kind::id},
            {"name", term_kind::name},
            {"region", term_kind::region},
            {"os", term_kind::os},
            {"state", term_kind::state},
            {"flag", term_kind::flag},
        }};
        auto const known =
            std::find_if(keys.begin(), keys.end(), [&](auto const& k) { return k.first == key; });
        t.what = known == keys.end() ? term_kind::tag : known->second;
        for (auto i = colon + 1;; ++i) {
            auto const end = comma(i);
            if (i == end)
                return fail(search_error::missing_value, place(i));
            if (t.what == term_kind::state || t.what == term_kind::flag) {
                read_bit(t, i, end);
                i = end;
            } else if (known == keys.end()) {
                auto k = begin;
                auto whole = pattern(k, colon + 1);
                auto value = pattern(i, end);
                whole.pieces.back() += value.pieces.front();
                whole.pieces.insert(whole.pieces.end(), value.pieces.begin() + 1,
                                    value.pieces.end());
                t.texts.push_back(std::move(whole));
            } else {
                t.texts.push_back(pattern(i, end));
            }
            if (problem_ || end == token_.size())
                return;
        }
    }

    void read_bit(detail::search_term& t, std::size_t i, std::size_t end) {
        static constexpr std::array<std::string_view, 5> states{"ok", "warn", "crit", "stale",
                                                                "offline"};
        static constexpr std::array<std::string_view, 3> flags{"dup", "muted", "flapping"};
        auto const word = plain_text(i, end);
        bool const is_state = t.what == term_kind::state;
        auto const set = [&](auto const& names, search_error e) {
            auto const at = std::find(names.begin(), names.end(), word);
            if (at == names.end())
                return fail(e, place(i));
            t.bits = static_cast<std::uint8_t>(t.bits | 1u << (at - names.begin()));
        };
        if (is_state)
            set(states, search_error::unknown_state);
        else
            set(flags, search_error::unknown_flag);
    }

    void read_comparison(detail::search_term& t, std::size_t begin, std::size_t sign) {
        auto const name = plain_text(begin, sign);
        auto const m = std::find(search_metrics.begin(), search_metrics.end(), name);
        if (m == search_metrics.end())
            return fail(search_error::unknown_metric, place(begin));
        t.what = term_kind::compare;
        t.metric = static_cast<std::uint8_t>(m - search_metrics.begin());
        auto value = sign + 1;
        bool const equal = value < token_.size() && token_[value].c == '=' && token_[sign].c != '=';
        value += equal;
        if (token_[sign].c == '=')
            t.how = order::equal;
        else if (token_[sign].c == '<')
            t.how = equal ? order::less_equal : order::less;
        else
            t.how = equal ? order::greater_equal : order::greater;
        auto text = plain_text(value, token_.size());
        auto const unit = text.empty() ? 0 : unit_of(name, text.back());
        if (unit != 0)
            text.pop_back();
        if (!is_number(text))
            return fail(search_error::bad_number, place(value));
        std::from_chars(text.data(), text.data() + text.size(), t.limit);
        if (unit != 0)
            t.limit *= unit;
    }

    /// What a number with that behind it is to be multiplied by; 0: it is no unit.
    static double unit_of(std::string_view name, char c) {
        if (name == "up") {
            static constexpr std::array<std::pair<char, double>, 5> units{
                {{'s', 1}, {'m', 60}, {'h', 3'600}, {'d', 86'400}, {'w', 604'800}}};
            for (auto const& [letter, factor] : units)
                if (c == letter)
                    return factor;
            return 0;
        }
        return c == '%' && name != "network" && name != "load" ? 1 : 0;
    }

    /// `-?(digits(.digits)?|.digits)`
    static bool is_number(std::string_view s) {
        auto const digits = [&] {
            std::size_t n = 0;
            while (n < s.size() && s[n] >= '0' && s[n] <= '9')
                ++n;
            s.remove_prefix(n);
            return n > 0;
        };
        if (!s.empty() && s.front() == '-')
            s.remove_prefix(1);
        bool const whole = digits();
        if (s.empty())
            return whole;
        if (s.front() != '.')
            return false;
        s.remove_prefix(1);
        return digits() && s.empty();
    }

    /// Where the token's character `i` is in the text; behind the last one: where a quote or the
    /// end follows.
    std::size_t place(std::size_t i) const { return i == 0 ? begin_ : token_[i - 1].at + 1; }

    std::string_view text_;
    std::size_t at_ = 0, begin_ = 0;
    std::vector<piece> token_;
    std::optional<search_problem> problem_;
};

MAD_DECL boost::system::result<search, search_problem> parse_search(std::string_view text) {
    return search_reader(text).run();
}

} // namespace mad::inline MAD_ABI::fleet

#endif
