#ifndef MAD_REDIS_IMPL_SLOT_TABLE_IPP
#define MAD_REDIS_IMPL_SLOT_TABLE_IPP

#include <mad/redis/detail/slot_table.hpp>

#include <algorithm>
#include <charconv>

namespace mad::inline MAD_ABI::redis::detail {

MAD_DECL std::optional<redirect> parse_redirect(std::string_view text, endpoint const& from) {
    auto const take = [&] {
        auto const word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        return word;
    };
    auto const kind = take();
    auto const slot = take();
    auto const where = take();
    auto const colon = where.rfind(':');
    redirect out;
    if ((kind != "MOVED" && kind != "ASK") || colon == where.npos)
        return std::nullopt;
    auto const s = std::from_chars(slot.data(), slot.data() + slot.size(), out.slot);
    auto const port = where.substr(colon + 1);
    auto const p = std::from_chars(port.data(), port.data() + port.size(), out.to.port);
    if (s.ec != std::errc() || s.ptr != slot.data() + slot.size() ||
        out.slot >= slot_table::slots || p.ec != std::errc() ||
        p.ptr != port.data() + port.size() || out.to.port == 0)
        return std::nullopt;
    auto host = where.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    out.to.host = host.empty() || host == "?" ? from.host : std::string(host);
    return out;
}

MAD_DECL std::optional<slot_table> slot_table::parse(reply const& r, endpoint const& asked) {
    if (!r.is_array())
        return std::nullopt;
    slot_table out;
    out.owner_.resize(slots);
    for (auto const& range : r.items()) {
        auto const first = range[0].as_integer(), last = range[1].as_integer();
        auto const& node = range[2];
        auto const port = node[1].as_integer();
        if (!first || !last || *first < 0 || *last < *first ||
            *last >= static_cast<std::int64_t>(slots) || !port || *port < 1 || *port > 65535)
            return std::nullopt;
        auto const host = node[0].text();
        endpoint const at{host.empty() || host == "?" ? asked.host : std::string(host),
                          static_cast<std::uint16_t>(*port)};
        auto const n = out.number_of(at);
        std::fill(out.owner_.begin() + *first, out.owner_.begin() + *last + 1, n);
    }
    if (out.masters_.empty())
        return std::nullopt; // a node that knows of no other
    return out;
}

MAD_DECL void slot_table::set(std::uint16_t slot, endpoint const& e) {
    owner_.resize(slots);
    owner_[slot % slots] = number_of(e);
}

MAD_DECL std::uint16_t slot_table::number_of(endpoint const& e) {
    auto const it = std::find(masters_.begin(), masters_.end(), e);
    auto const i = it - masters_.begin();
    if (it == masters_.end())
        masters_.push_back(e);
    return static_cast<std::uint16_t>(i + 1);
}

} // namespace mad::inline MAD_ABI::redis::detail

#endif
