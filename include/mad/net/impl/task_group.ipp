#ifndef MAD_NET_IMPL_TASK_GROUP_IPP
#define MAD_NET_IMPL_TASK_GROUP_IPP

#include <mad/net/detail/shard_executor.hpp>
#include <mad/net/task_group.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

namespace mad::inline MAD_ABI::net {

MAD_DECL void task_group::spawn(task t, ended done) {
    auto const child = children_.emplace(children_.end());
    boost::asio::co_spawn(
        detail::shard_executor<>(shard::of(ctx_)), std::move(t),
        boost::asio::bind_cancellation_slot(
            child->slot(), [this, child, done = std::move(done)](std::exception_ptr e) {
                children_.erase(child);
                if (done)
                    done(e);
            }));
}

MAD_DECL void task_group::emit(boost::asio::cancellation_type type) {
    // A child may end, and leave the list, while it is told.
    for (auto it = children_.begin(); it != children_.end();) {
        auto& signal = *it++;
        signal.emit(type);
    }
}

} // namespace mad::inline MAD_ABI::net

#endif
