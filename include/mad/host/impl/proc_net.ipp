#ifndef MAD_HOST_IMPL_PROC_NET_IPP
#define MAD_HOST_IMPL_PROC_NET_IPP

#include <mad/host/proc_net.hpp>
#include <mad/host/scan.hpp>

namespace mad::inline MAD_ABI::host {

namespace detail {

inline bool read_nic(std::string_view line, nic_stats& out) {
    auto const colon = line.rfind(':');
    if (colon == line.npos)
        return false;
    auto name = line.substr(0, colon);
    out.name = next_word(name);
    if (out.name.empty())
        return false;
    line.remove_prefix(colon + 1);
    // Of each direction's eight columns only the first four are used.
    for (auto* side : {&out.rx, &out.tx}) {
        std::uint64_t* const columns[] = {&side->bytes, &side->packets, &side->errors,
                                          &side->dropped};
        for (auto* c : columns) {
            auto const v = next_number(line);
            if (!v)
                return false;
            *c = *v;
        }
        for (int rest = 0; rest < 4; ++rest)
            next_word(line);
    }
    return true;
}

inline constexpr std::uint64_t route_up = 0x1, route_reject = 0x200;

inline bool usable_route(std::string_view flags) {
    auto const f = number_of(flags, 16);
    return f && (*f & route_up) && !(*f & route_reject);
}

inline bool all_zeros(std::string_view s) {
    return !s.empty() && s.find_first_not_of('0') == s.npos;
}

} // namespace detail

MAD_DECL bool parse_net_dev(std::string_view text, std::vector<nic_stats>& out) {
    out.clear();
    bool heading = false;
    while (!text.empty()) {
        auto const line = next_line(text);
        if (line.find('|') != line.npos) {
            heading = true;
            continue;
        }
        nic_stats n;
        if (detail::read_nic(line, n))
            out.push_back(n);
    }
    return heading;
}

MAD_DECL bool owns_default_route_v4(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        auto line = next_line(text);
        if (next_word(line) != name)
            continue;
        auto const destination = next_word(line);
        next_word(line); // gateway
        auto const flags = next_word(line);
        for (int skipped = 0; skipped < 3; ++skipped)
            next_word(line); // references, uses, metric
        auto const mask = next_word(line);
        if (detail::all_zeros(destination) && detail::all_zeros(mask) &&
            detail::usable_route(flags))
            return true;
    }
    return false;
}

MAD_DECL bool owns_default_route_v6(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        auto line = next_line(text);
        auto const destination = next_word(line);
        auto const length = next_word(line);
        for (int skipped = 0; skipped < 6; ++skipped)
            next_word(line); // source and its length, next hop, metric, references, uses
        auto const flags = next_word(line);
        if (next_word(line) == name && detail::all_zeros(destination) &&
            detail::all_zeros(length) && detail::usable_route(flags))
            return true;
    }
    return false;
}

MAD_DECL bool fits(std::string_view pattern, std::string_view name) {
    std::size_t p = 0, n = 0, star = pattern.npos, retry = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            retry = n;
        } else if (p < pattern.size() && pattern[p] == name[n]) {
            ++p;
            ++n;
        } else if (star != pattern.npos) {
            p = star + 1;
            n = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

} // namespace mad::inline MAD_ABI::host

#endif
