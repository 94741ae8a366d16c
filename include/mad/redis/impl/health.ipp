#ifndef MAD_REDIS_IMPL_HEALTH_IPP
#define MAD_REDIS_IMPL_HEALTH_IPP

#include <mad/redis/detail/health.hpp>

namespace mad::inline MAD_ABI::redis::detail {

MAD_DECL bool health::up(moment m) {
    // In a Cluster another node may have come up: that makes no room in the memory of this one.
    return refused_.empty() ? change(m, state::connected, {}, {}) : false;
}

MAD_DECL bool health::up_again(moment m) {
    refused_.clear();
    return now_.state == state::degraded && change(m, state::connected, {}, {});
}

MAD_DECL bool health::down(moment m, error_code why, std::string_view text) {
    refused_.clear();
    return change(m, state::down, why, text);
}

MAD_DECL bool health::partly(moment m, error_code why, std::string_view text) {
    return change(m, state::degraded, why, text);
}

MAD_DECL bool health::refused(moment m, std::string_view command, error_code why,
                              std::string_view text) {
    if (now_.state == state::down)
        return false;
    refused_ = command;
    return change(m, state::degraded, why, text);
}

MAD_DECL bool health::change(moment m, state s, error_code why, std::string_view text) {
    if (now_.state == s && now_.reason == why)
        return false; // since when it is so matters more than the latest words
    if (now_.state != s) {
        now_.since = m.at;
        now_.since_wall_ms = m.wall_ms;
    }
    now_.state = s;
    now_.reason = why;
    now_.text = text;
    return true;
}

} // namespace mad::inline MAD_ABI::redis::detail

#endif
