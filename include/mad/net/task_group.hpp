#ifndef MAD_NET_TASK_GROUP_HPP
#define MAD_NET_TASK_GROUP_HPP

#include <mad/core/log.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <list>

namespace mad::inline MAD_ABI::net {

/// The coroutines that belong to somebody, on one io_context. Nothing is detached: shutdown asks
/// all of them to finish, waits, then stops them. Must outlive its children (`empty()`), or be
/// destroyed after its io_context has stopped.
class task_group {
  public:
    using task = boost::asio::awaitable<void>;
    /// Called when a child has ended; the exception that left it, if any.
    using ended = std::function<void(std::exception_ptr)>;

    explicit task_group(boost::asio::io_context& ctx)
        : ctx_(ctx) {}
    task_group(task_group const&) = delete;
    task_group& operator=(task_group const&) = delete;

    /// Starts a child, which runs up to its first wait before this returns. On the io_context's
    /// thread.
    void spawn(task, ended = {});

    /// First step: children that wait are asked to end in order (`total` cancellation). Those hear
    /// it that have enabled it (`this_coro::reset_cancellation_state`); the others go on.
    void drain() { emit(boost::asio::cancellation_type::total); }

    /// Second step: children that still wait are ended (`terminal`).
    void stop() { emit(boost::asio::cancellation_type::terminal); }

    bool empty() const { return children_.empty(); }
    std::size_t size() const { return children_.size(); }

  private:
    void emit(boost::asio::cancellation_type);

    boost::asio::io_context& ctx_;
    std::list<boost::asio::cancellation_signal> children_;
};

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/task_group.ipp>
#endif

#endif
