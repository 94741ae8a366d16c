#ifndef MAD_PROXY_IMPL_SID_TABLE_IPP
#define MAD_PROXY_IMPL_SID_TABLE_IPP

#include <mad/proxy/sid_table.hpp>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <utility>

namespace mad::inline MAD_ABI::proxy {

MAD_DECL sid_table::sid_table(sid_table_settings s)
    : settings_(s) {
    if (s.max_entries == 0)
        throw std::invalid_argument("a table of session ids needs room for one");
}

MAD_DECL sid_table::~sid_table() {
    for (auto& p : parts_)
        for (auto& i : p.items)
            discount(i);
}

MAD_DECL sid_table::part& sid_table::part_of(std::string_view sid) const {
    // The map within the part uses the low bits of the same hash.
    return parts_[std::hash<std::string_view>()(sid) >> 58];
}

MAD_DECL void sid_table::discount(item& i) {
    if (std::exchange(i.polling, false))
        i.count->polling_sessions.fetch_sub(1, std::memory_order_relaxed);
}

MAD_DECL void sid_table::drop(part& p, std::list<item>::iterator at) {
    discount(*at);
    p.by_sid.erase(at->sid);
    p.items.erase(at);
}

MAD_DECL bool sid_table::learn(std::string_view sid, target const& to, bool polling,
                               time_point now) {
    if (sid.empty() || sid.size() > max_sid)
        return false;
    auto& p = part_of(sid);
    std::lock_guard const lock(p.mutex);
    put(p, sid, to, polling, now);
    if (p.observer)
        p.observer->learnt(sid, to.id, polling);
    return true;
}

MAD_DECL bool sid_table::meet(std::string_view sid, target const& to, bool polling,
                              time_point now) {
    if (sid.empty() || sid.size() > max_sid)
        return false;
    auto& p = part_of(sid);
    std::lock_guard const lock(p.mutex);
    if (p.by_sid.contains(sid))
        return false;
    put(p, sid, to, polling, now);
    if (p.observer)
        p.observer->learnt(sid, to.id, polling);
    return true;
}

/// Under the lock of the part.
MAD_DECL void sid_table::put(part& p, std::string_view sid, target const& to, bool polling,
                             time_point used) {
    auto const room = std::max<std::size_t>(1, settings_.max_entries / parts);
    if (auto const known = p.by_sid.find(sid); known != p.by_sid.end())
        drop(p, known->second);
    while (p.items.size() >= room)
        drop(p, p.items.begin());
    // The order of the list is that of the last use: one that was used long ago goes further ahead.
    auto at = p.items.end();
    while (at != p.items.begin() && std::prev(at)->used > used)
        --at;
    at = p.items.insert(at, item{std::string(sid), to.id, polling, used, to.count});
    p.by_sid.emplace(at->sid, at);
    if (polling)
        to.count->polling_sessions.fetch_add(1, std::memory_order_relaxed);
}

MAD_DECL std::optional<std::uint32_t> sid_table::use(std::string_view sid, time_point now) {
    auto& p = part_of(sid);
    std::lock_guard const lock(p.mutex);
    auto const known = p.by_sid.find(sid);
    if (known == p.by_sid.end())
        return std::nullopt;
    auto const at = known->second;
    if (now - at->used > settings_.life) {
        drop(p, at);
        return std::nullopt;
    }
    at->used = std::max(at->used, now);
    p.items.splice(p.items.end(), p.items, at);
    return at->target;
}

MAD_DECL std::optional<std::uint32_t> sid_table::find(std::string_view sid, time_point now) const {
    auto& p = part_of(sid);
    std::lock_guard const lock(p.mutex);
    auto const known = p.by_sid.find(sid);
    if (known == p.by_sid.end() || now - known->second->used > settings_.life)
        return std::nullopt;
    return known->second->target;
}

MAD_DECL void sid_table::upgraded(std::string_view sid) {
    auto& p = part_of(sid);
    std::lock_guard const lock(p.mutex);
    if (auto const known = p.by_sid.find(sid); known != p.by_sid.end())
        discount(*known->second);
}

MAD_DECL void sid_table::erase(std::string_view sid) {
    auto& p = part_of(sid);
    std::lock_guard const lock(p.mutex);
    if (auto const known = p.by_sid.find(sid); known != p.by_sid.end())
        drop(p, known->second);
}

MAD_DECL void sid_table::release(std::uint32_t target) {
    for (auto& p : parts_) {
        std::lock_guard const lock(p.mutex);
        for (auto& i : p.items)
            if (i.target == target)
                discount(i);
    }
}

MAD_DECL void sid_table::expire(time_point now) {
    for (auto& p : parts_) {
        std::lock_guard const lock(p.mutex);
        while (!p.items.empty() && now - p.items.front().used > settings_.life)
            drop(p, p.items.begin());
    }
}

MAD_DECL std::size_t sid_table::size() const {
    std::size_t n = 0;
    for (auto& p : parts_) {
        std::lock_guard const lock(p.mutex);
        n += p.items.size();
    }
    return n;
}

MAD_DECL std::vector<sid_table::entry> sid_table::all(time_point now) const {
    std::vector<entry> out;
    for (auto& p : parts_) {
        std::lock_guard const lock(p.mutex);
        for (auto const& i : p.items)
            if (now - i.used <= settings_.life)
                out.push_back({i.sid, i.target, i.polling,
                               std::chrono::duration_cast<milliseconds>(now - i.used)});
    }
    return out;
}

MAD_DECL void sid_table::restore(entry const& e, target const& to, time_point now) {
    if (e.sid.empty() || e.sid.size() > max_sid || e.age > settings_.life)
        return;
    auto& p = part_of(e.sid);
    std::lock_guard const lock(p.mutex);
    put(p, e.sid, to, e.polling, now - std::max(e.age, milliseconds(0)));
}

MAD_DECL void sid_table::observe(sid_observer& o) {
    for (auto& p : parts_) {
        std::lock_guard const lock(p.mutex);
        p.observer = &o;
    }
}

MAD_DECL void sid_table::unobserve(sid_observer& o) {
    for (auto& p : parts_) {
        std::lock_guard const lock(p.mutex);
        if (p.observer == &o)
            p.observer = nullptr;
    }
}

} // namespace mad::inline MAD_ABI::proxy

#endif
