#ifndef MAD_REDIS_IMPL_SENTINEL_LIST_IPP
#define MAD_REDIS_IMPL_SENTINEL_LIST_IPP

#include <mad/redis/detail/sentinel_list.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::redis::detail {

MAD_DECL void sentinel_list::answered() {
    if (next_ == 0 || next_ > known_.size())
        return;
    auto const at = known_.begin() + static_cast<std::ptrdiff_t>(next_ - 1);
    std::rotate(known_.begin(), at, at + 1);
    next_ = 1;
}

MAD_DECL void sentinel_list::misled() {
    if (!known_.empty())
        std::rotate(known_.begin(), known_.begin() + 1, known_.end());
    next_ = 0;
}

MAD_DECL void sentinel_list::learn(reply const& r) {
    for (auto const& one : r.items()) {
        auto const* const host = one.find("ip");
        auto const* const port = one.find("port");
        auto const n = port ? port->as_integer() : std::nullopt;
        if (!host || host->text().empty() || !n || *n < 1 || *n > 65535)
            continue;
        endpoint e{std::string(host->text()), static_cast<std::uint16_t>(*n)};
        if (known_.size() < max_known && std::find(known_.begin(), known_.end(), e) == known_.end())
            known_.push_back(std::move(e));
    }
}

MAD_DECL std::optional<endpoint> parse_master(reply const& r) {
    auto const port = r[1].as_integer();
    if (!r.is_array() || r.size() != 2 || r[0].text().empty() || !port || *port < 1 ||
        *port > 65535)
        return std::nullopt;
    return endpoint{std::string(r[0].text()), static_cast<std::uint16_t>(*port)};
}

MAD_DECL bool tells_of_switch(std::string_view payload, std::string_view master_name) {
    return payload.size() > master_name.size() && payload.starts_with(master_name) &&
           payload[master_name.size()] == ' ';
}

} // namespace mad::inline MAD_ABI::redis::detail

#endif
