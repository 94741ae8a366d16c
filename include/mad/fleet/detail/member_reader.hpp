#ifndef MAD_FLEET_DETAIL_MEMBER_READER_HPP
#define MAD_FLEET_DETAIL_MEMBER_READER_HPP

#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/rule_problem.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace mad::inline MAD_ABI::fleet::detail {

inline constexpr double day_s = 86'400;
/// 9999-12-31: what dates of browsers and people can still say.
inline constexpr double last_ms = 253'402'300'799'000.0;

/// Reads the members of one JSON object; remembers the first thing that is wrong.
class member_reader {
  public:
    member_reader(std::string_view text, std::span<std::string_view const> known) {
        json_limits limits;
        limits.max_depth = 4;
        limits.max_members = 32;
        auto parsed = parse_json(text, limits);
        if (!parsed || !parsed->is_object()) {
            problem_.message = parsed ? "the body must be a JSON object"
                                      : "the body is no JSON: " + parsed.error().message();
            bad_ = true;
            return;
        }
        value_ = std::move(*parsed);
        for (auto const& [key, unused] : value_.items())
            if (std::find(known.begin(), known.end(), key) == known.end()) {
                std::string all;
                for (auto const k : known)
                    all.append(all.empty() ? "" : ", ").append(k);
                fail(key.substr(0, 64), "is no member of this; there are " + all);
                break;
            }
    }

    bool has(char const* key) const { return !bad_ && value_.contains(key); }

    std::optional<double> number(char const* key, double least, double most) {
        auto const* const v = at(key);
        if (!v)
            return std::nullopt;
        double const n = v->is_number() ? v->get<double>() : std::nan("");
        if (!(n >= least && n <= most)) {
            std::string say = "must be a number from ";
            append_json_number(say, least);
            append_json_number(say.append(" to "), most);
            fail(key, say);
            return std::nullopt;
        }
        return n;
    }

    std::optional<std::int64_t> whole(char const* key, double least, double most) {
        auto const n = number(key, least, most);
        if (n && *n != std::floor(*n)) {
            fail(key, "must be a whole number");
            return std::nullopt;
        }
        return n ? std::optional(static_cast<std::int64_t>(*n)) : std::nullopt;
    }

    bool boolean(char const* key, bool otherwise) {
        auto const* const v = at(key);
        if (v && !v->is_boolean())
            fail(key, "must be true or false");
        return v && v->is_boolean() ? v->get<bool>() : otherwise;
    }

    std::string text(char const* key, std::size_t most) {
        auto const* const v = at(key);
        if (!v)
            return {};
        if (!v->is_string()) {
            fail(key, "must be a string");
            return {};
        }
        auto out = v->get<std::string>();
        auto const units =
            std::count_if(out.begin(), out.end(), [](char c) { return (c & 0xc0) != 0x80; });
        if (static_cast<std::size_t>(units) > most)
            fail(key, "must have at most " + std::to_string(most) + " characters");
        return out;
    }

    /// Null when it is not there.
    json const* at(char const* key) const {
        if (bad_)
            return nullptr;
        auto const it = value_.find(key);
        return it == value_.end() ? nullptr : &*it;
    }

    void fail(std::string_view key, std::string_view what, bool shape = true) {
        if (!std::exchange(bad_, true))
            problem_ = {shape, std::string(key).append(": ").append(what)};
    }
    /// Of members that are what they should be.
    void make_no_sense(std::string_view key, std::string_view what) { fail(key, what, false); }
    bool bad() const { return bad_; }
    rule_problem const& problem() const { return problem_; }

  private:
    json value_;
    rule_problem problem_;
    bool bad_ = false;
};

inline void append_member(std::string& out, std::string_view key, std::string_view text) {
    out.append(",\"").append(key).append("\":");
    append_json_string(out, text);
}

inline void append_member(std::string& out, std::string_view key, double v) {
    out.append(",\"").append(key).append("\":");
    append_json_number(out, v);
}

} // namespace mad::inline MAD_ABI::fleet::detail

#endif
