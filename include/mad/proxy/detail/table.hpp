#ifndef MAD_PROXY_DETAIL_TABLE_HPP
#define MAD_PROXY_DETAIL_TABLE_HPP

#include <mad/net/shard.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::proxy::detail {

/// Puts an object into a table whose members know their places (`slot`).
template <class T>
T& enter(std::vector<std::unique_ptr<T>>& table, std::unique_ptr<T> one) {
    one->slot = static_cast<std::uint32_t>(table.size());
    table.push_back(std::move(one));
    return *table.back();
}

/// Takes it out again, and lets the shard destroy it when the turn is over.
template <class T>
void release_from(std::vector<std::unique_ptr<T>>& table, T& one, net::shard& s) {
    auto const slot = one.slot;
    auto dying = std::move(table[slot]);
    if (slot + 1 != table.size()) {
        table[slot] = std::move(table.back());
        table[slot]->slot = slot;
    }
    table.pop_back();
    s.reap(std::move(dying));
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
