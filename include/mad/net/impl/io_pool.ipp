#ifndef MAD_NET_IMPL_IO_POOL_IPP
#define MAD_NET_IMPL_IO_POOL_IPP

#include <mad/net/io_pool.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>

#include <pthread.h>
#include <signal.h>

namespace mad::inline MAD_ABI::net {

MAD_DECL io_pool::io_pool(std::size_t threads, logger log) {
    auto const n = std::clamp<std::size_t>(threads, 1, 256);
    for (std::size_t i = 0; i < n; ++i) {
        contexts_.push_back(std::make_unique<boost::asio::io_context>(1));
        auto& s = shard::of(*contexts_.back());
        s.index_ = static_cast<std::uint8_t>(i);
        s.set_logger(log);
        guards_.emplace_back(contexts_.back()->get_executor());
    }
}

MAD_DECL io_pool::~io_pool() {
    stop();
}

MAD_DECL void io_pool::start() {
    if (!threads_.empty())
        return;
    // Signals belong to the program's own thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (auto& ctx : contexts_)
        threads_.emplace_back([&s = shard::of(*ctx)] { s.drive(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

MAD_DECL void io_pool::run() {
    shard::of(*contexts_.front()).drive();
}

MAD_DECL void io_pool::probe(std::function<void()> fn) {
    auto const last = std::make_shared<std::atomic<std::size_t>>(contexts_.size());
    for (auto& ctx : contexts_)
        boost::asio::post(*ctx, [last, fn] {
            if (last->fetch_sub(1) == 1)
                fn();
        });
}

MAD_DECL void io_pool::stop() {
    for (auto& ctx : contexts_)
        ctx->stop();
    for (auto& t : threads_)
        t.join();
    threads_.clear();
}

MAD_DECL std::vector<shard*> io_pool::shards() {
    std::vector<shard*> out;
    for (auto& ctx : contexts_)
        out.push_back(&shard::of(*ctx));
    return out;
}

} // namespace mad::inline MAD_ABI::net

#endif
