#ifndef MAD_NET_IO_POOL_HPP
#define MAD_NET_IO_POOL_HPP

#include <mad/net/shard.hpp>

#include <boost/asio/executor_work_guard.hpp>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace mad::inline MAD_ABI::net {

/// N threads, each with an io_context of its own. A connection lives and dies on one of them.
class io_pool {
  public:
    /// `threads` >= 1, at most 256 (a session id carries the number of its shard in one byte).
    explicit io_pool(std::size_t threads = 1, logger log = {});
    ~io_pool();
    io_pool(io_pool const&) = delete;
    io_pool& operator=(io_pool const&) = delete;

    /// Starts the threads. Handlers run only from here on.
    void start();

    /// Instead of `start`: the calling thread serves the first context, until `stop`, which may be
    /// called on it. For programs that have one thread in all.
    void run();

    /// Runs `fn` on one of the threads once each of them has come by: a loop that hangs never does.
    /// From any thread.
    void probe(std::function<void()> fn);

    /// Stops the threads and joins them. Not from one of them.
    void stop();

    std::size_t size() const { return contexts_.size(); }
    shard& operator[](std::size_t i) { return shard::of(*contexts_[i]); }
    boost::asio::io_context& context(std::size_t i) { return *contexts_[i]; }

    /// All shards, for a server that spreads over them.
    std::vector<shard*> shards();

  private:
    using guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

    std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
    std::vector<guard> guards_;
    std::vector<std::thread> threads_;
};

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/io_pool.ipp>
#endif

#endif
