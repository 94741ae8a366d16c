#ifndef MAD_PROXY_IMPL_POOL_VIEW_IPP
#define MAD_PROXY_IMPL_POOL_VIEW_IPP

#include <mad/core/ids.hpp>
#include <mad/proxy/cookie.hpp>
#include <mad/proxy/pool_view.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

/// The part of a cookie that tells which upstream it is; the rest proves it.
inline std::string_view cookie_head(std::string_view text) {
    return text.substr(0, cookie_signer::id_size * 4 / 3);
}

} // namespace detail

MAD_DECL pool_view::pool_view(std::vector<target_ptr> targets, bool panic)
    : targets_(std::move(targets))
    , panic_(panic) {
    std::sort(targets_.begin(), targets_.end(),
              [](auto const& a, auto const& b) { return a->id < b->id; });
    for (std::uint32_t i = 0; i < targets_.size(); ++i) {
        auto const& t = *targets_[i];
        if (t.to.node_tag)
            tags_.emplace_back(*t.to.node_tag, i);
        if (!t.cookie.empty())
            cookie_ids_.emplace_back(detail::cookie_head(t.cookie), i);
    }
    std::sort(tags_.begin(), tags_.end());
    std::sort(cookie_ids_.begin(), cookie_ids_.end());
}

MAD_DECL pool_view::target_ptr pool_view::by_id(std::uint32_t id) const {
    auto const at = std::lower_bound(targets_.begin(), targets_.end(), id,
                                     [](auto const& t, std::uint32_t v) { return t->id < v; });
    return at != targets_.end() && (*at)->id == id ? *at : nullptr;
}

MAD_DECL pool_view::target_ptr pool_view::by_name(std::string_view name) const {
    auto const at = std::find_if(targets_.rbegin(), targets_.rend(),
                                 [&](auto const& t) { return t->to.name == name; });
    return at != targets_.rend() ? *at : nullptr;
}

MAD_DECL pool_view::target_ptr pool_view::by_tag(std::uint16_t tag) const {
    auto const at = std::lower_bound(tags_.begin(), tags_.end(), std::pair(tag, 0u));
    if (at == tags_.end() || at->first != tag)
        return nullptr;
    if (auto const next = at + 1; next != tags_.end() && next->first == tag)
        return nullptr;
    return targets_[at->second];
}

MAD_DECL pool_view::target_ptr pool_view::by_cookie(std::string_view text) const {
    if (text.size() != cookie_signer::text_size)
        return nullptr;
    auto const head = detail::cookie_head(text);
    // A server and its successor of the same name have the same cookie: the newer one it is.
    auto const at =
        std::upper_bound(cookie_ids_.begin(), cookie_ids_.end(), head,
                         [](std::string_view h, auto const& entry) { return h < entry.first; });
    if (at == cookie_ids_.begin() || (at - 1)->first != head)
        return nullptr;
    auto const& found = targets_[(at - 1)->second];
    return equal_secret(found->cookie, text) ? found : nullptr;
}

} // namespace mad::inline MAD_ABI::proxy

#endif
