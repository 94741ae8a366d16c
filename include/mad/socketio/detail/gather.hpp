#ifndef MAD_SOCKETIO_DETAIL_GATHER_HPP
#define MAD_SOCKETIO_DETAIL_GATHER_HPP

#include <mad/socketio/detail/server_core.hpp>

#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::socketio::detail {

template <class T>
void merge_into(std::vector<T>& all, std::vector<T> more) {
    std::move(more.begin(), more.end(), std::back_inserter(all));
}

inline void merge_into(std::size_t& all, std::size_t more) {
    all += more;
}

template <class T>
void merge_into(std::map<std::string, T>& all, std::map<std::string, T> more) {
    all.merge(more);
    for (auto& [key, rest] : more) // what is there already
        merge_into(all[key], std::move(rest));
}

/// Asks each shard for `collect(part)` and calls `done` with all of it, on the last of them.
template <class T, class Collect>
void gather(nsp_core& core, Collect collect, std::function<void(T)> done) {
    struct gathered {
        std::mutex mutex;
        T all;
        std::size_t left;
        std::function<void(T)> done;
    };
    auto const g = std::make_shared<gathered>();
    g->left = core.server().shards().size();
    g->done = std::move(done);
    core.each_part([collect = std::move(collect), g](nsp_part& part) {
        auto here = collect(part);
        std::unique_lock lock(g->mutex);
        merge_into(g->all, std::move(here));
        if (--g->left > 0)
            return;
        lock.unlock();
        g->done(std::move(g->all));
    });
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
