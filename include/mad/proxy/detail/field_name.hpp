#ifndef MAD_PROXY_DETAIL_FIELD_NAME_HPP
#define MAD_PROXY_DETAIL_FIELD_NAME_HPP

#include <mad/config.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace mad::inline MAD_ABI::proxy::detail {

/// The fields that the proxy has a rule for.
enum class name_kind : std::uint8_t {
    other,
    hop, ///< between neighbours only: never passed on
    host,
    connection,
    content_length,
    transfer_encoding,
    upgrade,
    expect,
    cookie,
    websocket_key,
    websocket_version,
    websocket_accept,
    forwarded,
    forwarded_for,
    forwarded_host,
    forwarded_proto,
    forwarded_other, ///< `X-Forwarded-Port` and what else people make up
    real_ip,
};

/// The lower case of what may stand in a name that is passed on (`A-Za-z0-9-`), else 0.
constexpr auto plain_characters = [] {
    std::array<char, 256> out{};
    for (char c = '0'; c <= '9'; ++c)
        out[static_cast<unsigned char>(c)] = c;
    for (char c = 'a'; c <= 'z'; ++c)
        out[static_cast<unsigned char>(c)] = out[static_cast<unsigned char>(c - 32)] = c;
    out['-'] = '-';
    return out;
}();

constexpr char plain_lower(char c) {
    return plain_characters[static_cast<unsigned char>(c)];
}

/// `name` in any case; `wanted` in lower case.
constexpr bool is_name(std::string_view name, std::string_view wanted) {
    if (name.size() != wanted.size())
        return false;
    for (std::size_t i = 0; i < name.size(); ++i)
        if (plain_lower(name[i]) != wanted[i])
            return false;
    return true;
}

/// An underscore could pose as a dash to whoever turns names into variables.
constexpr bool is_plain_name(std::string_view name) {
    for (char const c : name)
        if (plain_lower(c) == 0)
            return false;
    return !name.empty();
}

/// Looks at the length first: most fields are told apart by it alone.
constexpr name_kind kind_of(std::string_view name) {
    using enum name_kind;
    auto const is = [name](std::string_view wanted) { return is_name(name, wanted); };
    switch (name.size()) {
    case 2:
        return is("te") ? hop : other;
    case 4:
        return is("host") ? host : other;
    case 6:
        return is("cookie") ? cookie : is("expect") ? expect : other;
    case 7:
        return is("upgrade") ? upgrade : is("trailer") ? hop : other;
    case 9:
        return is("forwarded") ? forwarded : is("x-real-ip") ? real_ip : other;
    case 10:
        return is("connection") ? connection : is("keep-alive") ? hop : other;
    case 14: // h2c announces itself by the second
        return is("content-length") ? content_length : is("http2-settings") ? hop : other;
    case 15:
        if (is("x-forwarded-for"))
            return forwarded_for;
        break;
    case 16:
        if (is("x-forwarded-host"))
            return forwarded_host;
        break;
    case 17:
        if (is("transfer-encoding"))
            return transfer_encoding;
        if (is("sec-websocket-key"))
            return websocket_key;
        if (is("x-forwarded-proto"))
            return forwarded_proto;
        break;
    case 20:
        if (is("sec-websocket-accept"))
            return websocket_accept;
        break;
    case 21:
        if (is("sec-websocket-version"))
            return websocket_version;
        break;
    default:
        break;
    }
    if (name.size() > 6 && is_name(name.substr(0, 6), "proxy-"))
        return hop;
    if (name.size() > 12 && is_name(name.substr(0, 12), "x-forwarded-"))
        return forwarded_other;
    return other;
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
