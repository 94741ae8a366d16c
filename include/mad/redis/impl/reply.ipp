#ifndef MAD_REDIS_IMPL_REPLY_IPP
#define MAD_REDIS_IMPL_REPLY_IPP

#include <mad/redis/reply.hpp>

#include <charconv>

namespace mad::inline MAD_ABI::redis {

MAD_DECL std::optional<std::int64_t> reply::as_integer() const {
    if (kind_ == reply_kind::integer)
        return integer_;
    std::int64_t n = 0;
    auto const* const end = text_.data() + text_.size();
    auto const r = std::from_chars(text_.data(), end, n);
    if (!is_string() || text_.empty() || r.ec != std::errc() || r.ptr != end)
        return std::nullopt;
    return n;
}

MAD_DECL reply const& reply::operator[](std::size_t i) const {
    static reply const nil;
    return i < items_.size() ? items_[i] : nil;
}

MAD_DECL reply const* reply::find(std::string_view key) const {
    for (std::size_t i = 0; i + 1 < items_.size(); i += 2)
        if (items_[i].text_ == key && items_[i].is_string())
            return &items_[i + 1];
    return nullptr;
}

MAD_DECL bool operator==(reply const& a, reply const& b) {
    return a.kind_ == b.kind_ && a.integer_ == b.integer_ && a.real_ == b.real_ &&
           a.text_ == b.text_ && a.items_ == b.items_;
}

MAD_DECL result<reply> checked(result<reply> r) {
    if (r && r->is_error())
        return r->code();
    return r;
}

} // namespace mad::inline MAD_ABI::redis

#endif
