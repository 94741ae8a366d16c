#ifndef MAD_REDIS_IMPL_COMMAND_IPP
#define MAD_REDIS_IMPL_COMMAND_IPP

#include <mad/core/sha1.hpp>
#include <mad/redis/command.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace mad::inline MAD_ABI::redis {

namespace detail {

/// Which argument is the key that a Cluster routes by; 0: none.
struct key_rule {
    std::string_view name;
    std::uint8_t at;
    bool counted = false; ///< the argument says how many keys follow; 0 of them: no key
};

inline key_rule rule_of(std::string_view name) {
    static constexpr key_rule odd[] = {
        {"ACL", 0},
        {"ASKING", 0},
        {"AUTH", 0},
        {"BGREWRITEAOF", 0},
        {"BGSAVE", 0},
        {"BITOP", 2},
        {"BLMPOP", 2, true},
        {"BZMPOP", 2, true},
        {"CLIENT", 0},
        {"CLUSTER", 0},
        {"COMMAND", 0},
        {"CONFIG", 0},
        {"DBSIZE", 0},
        {"DEBUG", 0},
        {"DISCARD", 0},
        {"ECHO", 0},
        {"EVAL", 2, true},
        {"EVALSHA", 2, true},
        {"EVALSHA_RO", 2, true},
        {"EVAL_RO", 2, true},
        {"EXEC", 0},
        {"FAILOVER", 0},
        {"FCALL", 2, true},
        {"FCALL_RO", 2, true},
        {"FLUSHALL", 0},
        {"FLUSHDB", 0},
        {"FUNCTION", 0},
        {"HELLO", 0},
        {"INFO", 0},
        {"KEYS", 0},
        {"LASTSAVE", 0},
        {"LATENCY", 0},
        {"LMPOP", 1, true},
        {"LOLWUT", 0},
        {"MEMORY", 2},
        {"MODULE", 0},
        {"MONITOR", 0},
        {"MULTI", 0},
        {"OBJECT", 2},
        {"PING", 0},
        {"PSUBSCRIBE", 0},
        {"PUBLISH", 0},
        {"PUBSUB", 0},
        {"PUNSUBSCRIBE", 0},
        {"QUIT", 0},
        {"RANDOMKEY", 0},
        {"READONLY", 0},
        {"READWRITE", 0},
        {"REPLICAOF", 0},
        {"RESET", 0},
        {"ROLE", 0},
        {"SAVE", 0},
        {"SCAN", 0},
        {"SCRIPT", 0},
        {"SELECT", 0},
        {"SHUTDOWN", 0},
        {"SINTERCARD", 1, true},
        {"SLAVEOF", 0},
        {"SLOWLOG", 0},
        {"SUBSCRIBE", 0},
        {"SWAPDB", 0},
        {"TIME", 0},
        {"UNSUBSCRIBE", 0},
        {"UNWATCH", 0},
        {"WAIT", 0},
        {"XGROUP", 2},
        {"XINFO", 2},
        {"ZDIFF", 1, true},
        {"ZINTER", 1, true},
        {"ZINTERCARD", 1, true},
        {"ZMPOP", 1, true},
        {"ZUNION", 1, true},
    };
    for (auto const& r : odd)
        if (r.name == name)
            return r;
    return {name, 1};
}

inline std::string upper_case(std::string_view s) {
    std::string out(s);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return out;
}

inline constexpr std::array<std::uint16_t, 256> crc16_table = [] {
    std::array<std::uint16_t, 256> t{};
    for (unsigned i = 0; i < 256; ++i) {
        unsigned crc = i << 8;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
        t[i] = static_cast<std::uint16_t>(crc);
    }
    return t;
}();

} // namespace detail

MAD_DECL command& command::add(std::string_view arg) {
    char head[24];
    auto const length = std::to_chars(head, head + sizeof head, arg.size());
    text_.append(1, '$').append(head, length.ptr).append("\r\n").append(arg).append("\r\n");
    auto const n = std::to_chars(head, head + sizeof head, ++count_);
    auto const digits = static_cast<std::size_t>(n.ptr - head);
    header_at_ = static_cast<std::uint8_t>(header_room - 3 - digits);
    char* const at = text_.data() + header_at_;
    *at = '*';
    std::copy_n("\r\n", 2, std::copy_n(head, digits, at + 1));
    return *this;
}

MAD_DECL command& command::add_signed(std::int64_t n) {
    char digits[24];
    auto const r = std::to_chars(digits, digits + sizeof digits, n);
    return add(std::string_view(digits, static_cast<std::size_t>(r.ptr - digits)));
}

MAD_DECL command& command::add_unsigned(std::uint64_t n) {
    char digits[24];
    auto const r = std::to_chars(digits, digits + sizeof digits, n);
    return add(std::string_view(digits, static_cast<std::size_t>(r.ptr - digits)));
}

MAD_DECL command& command::route_by(std::string_view key) {
    slot_ = slot_of(key);
    return *this;
}

MAD_DECL std::string_view command::argument(std::size_t i) const {
    if (i >= count_)
        return {};
    auto rest = std::string_view(text_).substr(header_room);
    for (;; --i) {
        std::size_t length = 0;
        auto const end = rest.find('\r');
        std::from_chars(rest.data() + 1, rest.data() + end, length);
        rest.remove_prefix(end + 2);
        if (i == 0)
            return rest.substr(0, length);
        rest.remove_prefix(length + 2);
    }
}

MAD_DECL std::optional<std::uint16_t> command::slot() const {
    if (slot_)
        return slot_;
    auto const name_here = detail::upper_case(name());
    if (name_here == "XREAD" || name_here == "XREADGROUP") {
        for (std::size_t i = 1; i + 1 < count_; ++i)
            if (detail::upper_case(argument(i)) == "STREAMS")
                return slot_of(argument(i + 1));
        return std::nullopt;
    }
    auto const rule = detail::rule_of(name_here);
    if (rule.at == 0 || rule.at + (rule.counted ? 1u : 0u) >= count_)
        return std::nullopt;
    if (!rule.counted)
        return slot_of(argument(rule.at));
    if (argument(rule.at) == "0")
        return std::nullopt;
    return slot_of(argument(rule.at + 1u));
}

MAD_DECL std::uint16_t slot_of(std::string_view key) {
    if (auto const open = key.find('{'); open != key.npos) {
        auto const close = key.find('}', open + 1);
        if (close != key.npos && close > open + 1)
            key = key.substr(open + 1, close - open - 1);
    }
    std::uint16_t crc = 0;
    for (char const c : key)
        crc = static_cast<std::uint16_t>(
            (crc << 8) ^ detail::crc16_table[((crc >> 8) ^ static_cast<unsigned char>(c)) & 0xff]);
    return crc & 16383;
}

MAD_DECL script::script(std::string text)
    : text_(std::move(text)) {
    static constexpr char hex[] = "0123456789abcdef";
    for (auto const b : sha1(text_)) {
        digest_ += hex[b >> 4];
        digest_ += hex[b & 15];
    }
}

MAD_DECL command script::by_digest(std::span<std::string const> keys,
                                   std::span<std::string const> args) const {
    return command("EVALSHA", digest_, keys.size(), keys, args);
}

MAD_DECL command script::by_text(std::span<std::string const> keys,
                                 std::span<std::string const> args) const {
    return command("EVAL", text_, keys.size(), keys, args);
}

} // namespace mad::inline MAD_ABI::redis

#endif
