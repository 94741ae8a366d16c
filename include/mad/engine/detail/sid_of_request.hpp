#ifndef MAD_ENGINE_DETAIL_SID_OF_REQUEST_HPP
#define MAD_ENGINE_DETAIL_SID_OF_REQUEST_HPP

#include <mad/config.hpp>

#include <optional>
#include <string_view>

namespace mad::inline MAD_ABI::engine::detail {

/// The id of a session in a request's line, empty: it has none. Nothing: the line is not all there.
inline std::optional<std::string_view> sid_of_request(std::string_view start) {
    // As servers do: empty lines before a request are skipped.
    for (int i = 0; i < 2 && start.starts_with("\r\n"); ++i)
        start.remove_prefix(2);
    if (start.empty())
        return std::string_view();
    auto const end = start.find_first_of("\r\n");
    if (end == start.npos)
        return std::nullopt;
    auto const line = start.substr(0, end);
    for (auto at = line.find('?'); at != line.npos; at = line.find('&', at + 1)) {
        auto const pair = line.substr(at + 1);
        if (pair.starts_with("sid="))
            return pair.substr(4, pair.find_first_of("& ", 4) - 4);
    }
    return std::string_view();
}

} // namespace mad::inline MAD_ABI::engine::detail

#endif
