#ifndef MAD_REDIS_REPLY_HPP
#define MAD_REDIS_REPLY_HPP

#include <mad/redis/error.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::redis {

enum class reply_kind : std::uint8_t {
    nil,
    status,  ///< `+OK`
    error,   ///< `-ERR ...`
    string,  ///< any bytes
    integer, ///< 64 bits
    array,
    // RESP3 only:
    real,    ///< `,3.14`
    boolean, ///< `#t`
    map,     ///< its items are key, value, key, value, ...
    set,
    push, ///< out of band
};

/// One answer of a server, a value. Reading it costs nothing: what does not fit the kind is empty.
class reply {
  public:
    reply() = default; ///< nil

    static reply make_status(std::string text) { return {reply_kind::status, std::move(text)}; }
    static reply make_error(std::string text) { return {reply_kind::error, std::move(text)}; }
    static reply make_string(std::string text) { return {reply_kind::string, std::move(text)}; }
    static reply make_integer(std::int64_t n) {
        reply r;
        r.kind_ = reply_kind::integer;
        r.integer_ = n;
        return r;
    }
    static reply make_array(std::vector<reply> items) {
        reply r;
        r.kind_ = reply_kind::array;
        r.items_ = std::move(items);
        return r;
    }

    reply_kind kind() const { return kind_; }
    bool is_nil() const { return kind_ == reply_kind::nil; }
    bool is_error() const { return kind_ == reply_kind::error; }
    bool is_string() const { return kind_ == reply_kind::string || kind_ == reply_kind::status; }
    bool is_array() const { return kind_ == reply_kind::array || kind_ >= reply_kind::map; }
    /// The status `OK`.
    bool ok() const { return kind_ == reply_kind::status && text_ == "OK"; }

    /// The bytes of a string, a status or an error (and of a number as RESP3 wrote it).
    std::string_view text() const { return text_; }
    /// The same, to be kept.
    std::string take_text() && { return std::move(text_); }

    /// Of an integer or a boolean; 0 for all others.
    std::int64_t integer() const { return integer_; }
    /// Of a real.
    double real() const { return kind_ == reply_kind::real ? real_ : 0; }

    /// An integer, or a string that is one.
    std::optional<std::int64_t> as_integer() const;

    std::span<reply const> items() const { return items_; }
    std::vector<reply> take_items() && { return std::move(items_); }
    std::size_t size() const { return items_.size(); }
    /// An item; nil when there are fewer.
    reply const& operator[](std::size_t i) const;
    /// The value behind `key` in a list of keys and values (HGETALL, CONFIG GET, HELLO); null when
    /// it is not there. Looks at one after the other.
    reply const* find(std::string_view key) const;

    /// What an error reply means; nothing for others.
    error_code code() const { return is_error() ? make_error_code(error_of(text_)) : error_code(); }

    friend bool operator==(reply const&, reply const&);

  private:
    friend class decoder;

    reply(reply_kind k, std::string text)
        : kind_(k)
        , text_(std::move(text)) {}

    reply_kind kind_ = reply_kind::nil;
    std::int64_t integer_ = 0;
    double real_ = 0;
    std::string text_;
    std::vector<reply> items_;
};

/// The answer, or the error that it is: for who wants both in one place. The words of the server's
/// error are lost.
result<reply> checked(result<reply>);

} // namespace mad::inline MAD_ABI::redis

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/reply.ipp>
#endif

#endif
