#ifndef MAD_NET_IMPL_ADDRESS_LIMITS_IPP
#define MAD_NET_IMPL_ADDRESS_LIMITS_IPP

#include <mad/net/address_limits.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>

#include <sys/resource.h>

namespace mad::inline MAD_ABI::net {

MAD_DECL std::size_t default_max_connections() {
    rlimit r{};
    if (::getrlimit(RLIMIT_NOFILE, &r) != 0)
        return 512;
    return std::max<std::size_t>(r.rlim_cur > 512 ? r.rlim_cur - 512 : 0, 64);
}

MAD_DECL void raise_descriptor_limit() {
    rlimit r{};
    if (::getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &r);
    }
}

MAD_DECL std::size_t address_limits::key_hash::operator()(key const& k) const {
    return std::hash<std::string_view>{}({reinterpret_cast<char const*>(k.data()), k.size()});
}

namespace detail {

/// `::ffff:192.0.2.1` is 192.0.2.1: else all of IPv4 would be one /64.
inline boost::asio::ip::address unmapped(boost::asio::ip::address const& a) {
    if (a.is_v6() && a.to_v6().is_v4_mapped())
        return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, a.to_v6());
    return a;
}

} // namespace detail

MAD_DECL void address_limits::set(address_limits_settings const& s) {
    std::lock_guard const lock(mutex_);
    settings_ = s;
    on_ = s.max_connections != 0 || s.max_rate != 0;
    if (!on_) // who leaves meanwhile is not counted, and must not be missed later
        entries_.clear();
}

MAD_DECL address_limits::key address_limits::key_of(boost::asio::ip::address const& a) {
    key k{};
    if (a.is_v4()) {
        auto const b = a.to_v4().to_bytes();
        k[0] = 0xff; // no unicast IPv6 prefix begins like this
        std::copy(b.begin(), b.end(), k.begin() + 4);
    } else {
        auto const b = a.to_v6().to_bytes();
        std::copy_n(b.begin(), k.size(), k.begin());
    }
    return k;
}

MAD_DECL bool address_limits::enter(boost::asio::ip::address const& peer, time_point now) {
    auto const a = detail::unmapped(peer);
    if (!on_.load(std::memory_order_relaxed) || a.is_loopback())
        return true;
    std::lock_guard const lock(mutex_);
    // At most once a second: it looks at all of them.
    if (entries_.size() >= 65'536 && now - forgot_ >= seconds(1)) {
        forgot_ = now;
        forget_idle(now);
    }
    auto const [it, fresh] = entries_.try_emplace(key_of(a));
    auto& e = it->second;
    if (fresh)
        e.tokens = settings_.burst;
    else
        e.tokens = std::min(settings_.burst,
                            e.tokens + settings_.max_rate *
                                           std::chrono::duration<double>(now - e.at).count());
    e.at = now;
    if (settings_.max_connections != 0 && e.open >= settings_.max_connections)
        return false;
    if (settings_.max_rate != 0) {
        if (e.tokens < 1)
            return false;
        e.tokens -= 1;
    }
    ++e.open;
    return true;
}

MAD_DECL void address_limits::leave(boost::asio::ip::address const& peer) {
    auto const a = detail::unmapped(peer);
    if (!on_.load(std::memory_order_relaxed) || a.is_loopback())
        return;
    std::lock_guard const lock(mutex_);
    if (auto const it = entries_.find(key_of(a)); it != entries_.end() && it->second.open > 0)
        --it->second.open;
}

MAD_DECL bool address_limits::spent(boost::asio::ip::address const& peer, time_point now) {
    auto const a = detail::unmapped(peer);
    if (!on_.load(std::memory_order_relaxed) || a.is_loopback())
        return false;
    std::lock_guard const lock(mutex_);
    auto const it = entries_.find(key_of(a));
    if (it == entries_.end() || settings_.max_rate == 0)
        return false;
    auto const& e = it->second;
    auto const grown =
        e.tokens + settings_.max_rate * std::chrono::duration<double>(now - e.at).count();
    return std::min(settings_.burst, grown) < 1;
}

MAD_DECL void address_limits::forget_idle(time_point now) {
    std::erase_if(entries_, [&](auto const& e) {
        return e.second.open == 0 && now - e.second.at > seconds(60);
    });
}

} // namespace mad::inline MAD_ABI::net

#endif
