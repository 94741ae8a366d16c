#ifndef MAD_HOST_IMPL_PROC_MISC_IPP
#define MAD_HOST_IMPL_PROC_MISC_IPP

#include <mad/host/proc_misc.hpp>
#include <mad/host/scan.hpp>

namespace mad::inline MAD_ABI::host {

MAD_DECL std::optional<proc_loadavg> parse_loadavg(std::string_view text) {
    auto line = next_line(text);
    auto const one = fraction_of(next_word(line));
    auto const five = fraction_of(next_word(line));
    auto const fifteen = fraction_of(next_word(line));
    if (!one || !five || !fifteen)
        return std::nullopt;
    proc_loadavg out{{*one, *five, *fifteen}, {}, {}};
    auto const tasks = next_word(line);
    if (auto const slash = tasks.find('/'); slash != tasks.npos) {
        out.running = number_of(tasks.substr(0, slash));
        out.total = number_of(tasks.substr(slash + 1));
    }
    return out;
}

MAD_DECL std::optional<double> parse_uptime(std::string_view text) {
    auto line = next_line(text);
    return fraction_of(next_word(line));
}

MAD_DECL std::optional<std::uint64_t> parse_statm_resident(std::string_view text) {
    auto line = next_line(text);
    next_word(line);
    return next_number(line);
}

namespace detail {

/// Takes shell quoting off: one pair of quotes, and inside double ones the backslashes.
inline std::string unquote(std::string_view v) {
    char const quote = !v.empty() && (v[0] == '"' || v[0] == '\'') ? v[0] : '\0';
    if (quote)
        v.remove_prefix(1);
    std::string out;
    for (std::size_t i = 0; i < v.size(); ++i) {
        if (quote && v[i] == quote)
            break;
        if (quote == '"' && v[i] == '\\' && i + 1 < v.size())
            ++i;
        out += v[i];
    }
    return out;
}

} // namespace detail

MAD_DECL std::string os_release_value(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        auto line = next_line(text);
        if (!line.starts_with(key) || line.size() == key.size() || line[key.size()] != '=')
            continue;
        line.remove_prefix(key.size() + 1);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        return detail::unquote(line);
    }
    return {};
}

} // namespace mad::inline MAD_ABI::host

#endif
