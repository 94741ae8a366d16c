#ifndef MAD_SYNC_DETAIL_GATE_HPP
#define MAD_SYNC_DETAIL_GATE_HPP

#include <mad/config.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

namespace mad::inline MAD_ABI::sync::detail {

/// Lets calls through until it is closed; closing waits for those that are inside, but for those
/// of the closing thread itself. Who is inside may use what the closer is about to destroy.
class gate {
  public:
    class pass {
      public:
        explicit pass(gate& g)
            : gate_(g.enter() ? &g : nullptr) {}
        ~pass() {
            if (gate_)
                gate_->leave();
        }
        pass(pass const&) = delete;
        pass& operator=(pass const&) = delete;
        explicit operator bool() const { return gate_ != nullptr; }

      private:
        gate* gate_;
    };

    void close() {
        std::unique_lock lock(mutex_);
        closed_ = true;
        auto const mine =
            static_cast<std::size_t>(std::count(entered().begin(), entered().end(), this));
        left_.wait(lock, [&] { return inside_ <= mine; });
    }

  private:
    /// What this thread is inside of.
    static std::vector<gate const*>& entered() {
        thread_local std::vector<gate const*> all;
        return all;
    }

    bool enter() {
        std::lock_guard const lock(mutex_);
        if (closed_)
            return false;
        ++inside_;
        entered().push_back(this);
        return true;
    }
    void leave() {
        std::lock_guard const lock(mutex_);
        --inside_;
        entered().pop_back();
        if (closed_)
            left_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable left_;
    std::size_t inside_ = 0;
    bool closed_ = false;
};

} // namespace mad::inline MAD_ABI::sync::detail

#endif
