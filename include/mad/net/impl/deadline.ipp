#ifndef MAD_NET_IMPL_DEADLINE_IPP
#define MAD_NET_IMPL_DEADLINE_IPP

#include <mad/net/deadline.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::net {

MAD_DECL deadline_queue::~deadline_queue() {
    for (auto& b : buckets_) {
        while (b.head.next_ != &b.head)
            b.head.next_->cancel();
        b.head.prev_ = b.head.next_ = nullptr;
    }
}

MAD_DECL void deadline_queue::arm(deadline& d, duration after) {
    d.cancel();
    if (stopped_)
        return;
    auto it = std::find_if(buckets_.begin(), buckets_.end(),
                           [&](bucket const& b) { return b.length == after; });
    if (it == buckets_.end()) {
        // Callers may bring lengths of their own (`timeout(ms)`): lists nobody uses go again.
        if (buckets_.size() >= 32 && !firing_)
            buckets_.remove_if([](bucket const& b) { return b.head.next_ == &b.head; });
        it = buckets_.emplace(buckets_.end(), after);
    }
    d.at_ = std::chrono::steady_clock::now() + after;
    d.prev_ = it->head.prev_;
    d.next_ = &it->head;
    d.prev_->next_ = &d;
    it->head.prev_ = &d;
    if (d.at_ < scheduled_)
        schedule(d.at_);
}

MAD_DECL time_point deadline_queue::earliest() const {
    auto at = time_point::max();
    for (auto const& b : buckets_)
        if (b.head.next_ != &b.head)
            at = std::min(at, b.head.next_->at_);
    return at;
}

MAD_DECL void deadline_queue::settle() {
    if (scheduled_ == time_point::max() || earliest() != time_point::max())
        return;
    scheduled_ = time_point::max();
    timer_.cancel();
}

MAD_DECL void deadline_queue::stop() {
    stopped_ = true;
    timer_.cancel();
}

MAD_DECL void deadline_queue::schedule(time_point at) {
    scheduled_ = at;
    timer_.expires_at(at);
    timer_.async_wait([this](error_code ec) {
        if (!ec && !stopped_)
            fire();
    });
}

MAD_DECL void deadline_queue::fire() {
    auto const now = std::chrono::steady_clock::now();
    scheduled_ = time_point::max();
    // Runs also when a callback throws: the others must still get their turn.
    struct reschedule {
        deadline_queue& q;
        ~reschedule() {
            q.firing_ = false;
            if (auto const next = q.earliest(); next < q.scheduled_ && !q.stopped_)
                q.schedule(next);
        }
    } at_exit{*this};
    firing_ = true;
    for (auto& b : buckets_) {
        while (b.head.next_ != &b.head && b.head.next_->at_ <= now) {
            auto& d = *b.head.next_;
            d.cancel();
            d.fn_(d.owner_);
        }
    }
}

} // namespace mad::inline MAD_ABI::net

#endif
