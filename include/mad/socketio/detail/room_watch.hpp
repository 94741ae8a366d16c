#ifndef MAD_SOCKETIO_DETAIL_ROOM_WATCH_HPP
#define MAD_SOCKETIO_DETAIL_ROOM_WATCH_HPP

#include <mad/config.hpp>

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mad::inline MAD_ABI::socketio::detail {

/// Who listens for rooms on one shard; there is none while nobody does.
struct room_watch {
    std::vector<std::function<void(std::string const&)>> created, deleted;
    std::vector<std::function<void(std::string const&, std::string_view)>> joined, left;
    /// For adapters: room, whether it is the own one of a socket, whether it is there.
    std::vector<std::function<void(std::string const&, bool, bool)>> presence;
};

/// On how many shards of this node a room exists. Asked only while somebody listens for rooms.
class room_census {
  public:
    /// A shard has it now. True: none had.
    bool enter(std::string const& room) {
        std::lock_guard const lock(mutex_);
        return ++shards_[room] == 1;
    }
    /// A shard has it no more. True: it was the last.
    bool leave(std::string const& room) {
        std::lock_guard const lock(mutex_);
        auto const it = shards_.find(room);
        if (it == shards_.end() || --it->second > 0)
            return false;
        shards_.erase(it);
        return true;
    }

  private:
    std::mutex mutex_;
    std::unordered_map<std::string, unsigned> shards_;
};

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
