#ifndef MAD_SYNC_DETAIL_HANDLER_TABLE_HPP
#define MAD_SYNC_DETAIL_HANDLER_TABLE_HPP

#include <mad/sync/bus.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::sync::detail {

/// Who listens to what. From any thread.
class handler_table {
  public:
    using name = std::pair<subscription, std::string>;

    /// `first` is called, under the lock, when nobody listened to that before.
    template <class First>
    std::uint64_t add(name const& n, bus::message_handler fn, First&& first) {
        std::lock_guard const lock(mutex_);
        auto& here = by_name_[n];
        auto more = here ? std::make_shared<list>(*here) : std::make_shared<list>();
        more->emplace_back(++last_, std::move(fn));
        bool const fresh = !std::exchange(here, std::move(more));
        names_.emplace(last_, n);
        if (fresh)
            first();
        return last_;
    }

    /// `last` is called, under the lock, with the name when nobody listens to it any more.
    template <class Last>
    void remove(std::uint64_t id, Last&& last) {
        std::lock_guard const lock(mutex_);
        auto const n = names_.extract(id);
        if (!n)
            return;
        auto const it = by_name_.find(n.mapped());
        auto rest = std::make_shared<list>(*it->second);
        std::erase_if(*rest, [id](auto const& each) { return each.first == id; });
        if (!rest->empty()) {
            it->second = std::move(rest);
            return;
        }
        last(it->first);
        by_name_.erase(it);
    }

    void call(name const& n, std::string_view channel, std::string_view body) const {
        std::shared_ptr<list const> here;
        {
            std::lock_guard const lock(mutex_);
            if (auto const it = by_name_.find(n); it != by_name_.end())
                here = it->second;
        }
        if (here)
            for (auto const& [id, fn] : *here)
                fn(channel, body);
    }

  private:
    using list = std::vector<std::pair<std::uint64_t, bus::message_handler>>;

    mutable std::mutex mutex_;
    std::map<name, std::shared_ptr<list const>> by_name_;
    std::map<std::uint64_t, name> names_;
    std::uint64_t last_ = 0;
};

} // namespace mad::inline MAD_ABI::sync::detail

#endif
