#ifndef MAD_SOCKETIO_DETAIL_LAST_STRING_HPP
#define MAD_SOCKETIO_DETAIL_LAST_STRING_HPP

#include <mad/config.hpp>

#include <cstddef>
#include <string_view>

namespace mad::inline MAD_ABI::socketio::detail {

/// The text of the last argument of an event, when it is a string: what a server that can recover
/// sends as its offset. Empty for others, for the name itself, and for what is too long to be one.
inline std::string_view last_string(std::string_view payload) {
    constexpr std::size_t most = 256;
    auto const blank = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
    auto const trim = [&] {
        while (!payload.empty() && blank(payload.back()))
            payload.remove_suffix(1);
    };
    trim();
    if (!payload.ends_with(']'))
        return {};
    payload.remove_suffix(1);
    trim();
    if (payload.size() < 2 || !payload.ends_with('"'))
        return {};
    auto const end = payload.size();
    payload.remove_suffix(1);
    // Backwards to the quote that is not escaped: one behind an even number of backslashes.
    for (auto at = payload.size(); at > 0 && end - at < most;) {
        if (payload[--at] != '"')
            continue;
        auto slashes = at;
        while (slashes > 0 && payload[slashes - 1] == '\\')
            --slashes;
        if ((at - slashes) % 2 != 0)
            continue;
        std::string_view const text(payload.data() + at, end - at);
        payload = payload.substr(0, at);
        trim();
        return payload.ends_with(',') ? text : std::string_view();
    }
    return {};
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
