#ifndef MAD_NET_DEADLINE_HPP
#define MAD_NET_DEADLINE_HPP

#include <mad/core/clock.hpp>
#include <mad/core/error.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <list>

namespace mad::inline MAD_ABI::net {

class deadline_queue;

/// One pending deadline, a member of the object that it concerns; no allocation. Leaves its queue
/// when destroyed. Lives and is used on one shard.
class deadline {
  public:
    using callback = void (*)(void* owner);

    deadline(callback fn, void* owner)
        : fn_(fn)
        , owner_(owner) {}
    deadline(deadline const&) = delete;
    deadline& operator=(deadline const&) = delete;
    ~deadline() { cancel(); }

    bool armed() const { return next_ != nullptr; }
    time_point at() const { return at_; }

    void cancel() {
        if (!next_)
            return;
        prev_->next_ = next_;
        next_->prev_ = prev_;
        prev_ = next_ = nullptr;
    }

  private:
    friend class deadline_queue;
    deadline() = default;

    deadline* prev_ = nullptr;
    deadline* next_ = nullptr;
    time_point at_{};
    callback fn_ = nullptr;
    void* owner_ = nullptr;
};

/// All deadlines of one shard. Deadlines of one length form a list in order of creation, so arming
/// and cancelling cost O(1) however many sessions wait; one timer serves them all. Meant for a
/// handful of different lengths (settings), not for arbitrary ones.
class deadline_queue {
  public:
    explicit deadline_queue(boost::asio::io_context& ctx)
        : timer_(ctx) {}
    ~deadline_queue();

    /// (Re)arms `d` to fire `after` from now, once.
    void arm(deadline& d, duration after);

    /// Puts the timer to rest when nothing is armed, so that a plain `ioc.run()` can return.
    void settle();

    /// Stops the timer; nothing fires any more.
    void stop();

  private:
    struct bucket {
        explicit bucket(duration d)
            : length(d) {
            head.prev_ = head.next_ = &head;
        }
        duration length;
        deadline head;
    };

    time_point earliest() const;
    void schedule(time_point at);
    void fire();

    boost::asio::steady_timer timer_;
    std::list<bucket> buckets_;
    time_point scheduled_ = time_point::max();
    bool stopped_ = false, firing_ = false;
};

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/deadline.ipp>
#endif

#endif
