#ifndef MAD_REDIS_DETAIL_PENDING_HPP
#define MAD_REDIS_DETAIL_PENDING_HPP

#include <mad/core/clock.hpp>
#include <mad/redis/command.hpp>
#include <mad/redis/reply.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace mad::inline MAD_ABI::redis::detail {

/// Answers of several commands, told together.
struct batch {
    std::vector<reply> replies;
    std::size_t left = 0;
    error_code failed; // the first one without an answer
    std::function<void(batch&)> done;

    void put(std::size_t i, result<reply>&& r) {
        if (r)
            replies[i] = std::move(*r);
        else if (!failed)
            failed = r.error();
        if (--left == 0 && done)
            done(*this);
    }
};

/// Who waits for an answer: somebody, a batch, or nobody.
struct waiter {
    std::function<void(result<reply>)> one = {};
    std::shared_ptr<batch> all = {};
    std::size_t index = 0; ///< in the batch

    void tell(result<reply> r) {
        if (all)
            all->put(index, std::move(r));
        else if (one)
            one(std::move(r));
    }
};

/// A command on its way.
struct pending {
    command cmd;
    waiter who;
    time_point deadline;
    std::uint8_t redirects = 0;
    bool asking = false; ///< ASKING goes in front
    bool whole = false;  ///< of a transaction: not sent again by itself
    bool ours = false;   ///< nobody asked for it, nobody hears of it
    bool pinned = false; ///< meant for this node of a Cluster and no other
};

} // namespace mad::inline MAD_ABI::redis::detail

#endif
