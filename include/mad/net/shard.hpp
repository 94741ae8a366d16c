#ifndef MAD_NET_SHARD_HPP
#define MAD_NET_SHARD_HPP

#include <mad/core/error.hpp>
#include <mad/core/log.hpp>
#include <mad/net/deadline.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::net {

/// What the poller calls when a descriptor is ready.
class poll_target {
  public:
    /// `events` as epoll gives them (EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR). An
    /// exception that leaves it is logged and answered with `on_fault`.
    virtual void on_ready(std::uint32_t events) = 0;

    /// Something threw while this descriptor was served: end whatever it belongs to.
    virtual void on_fault() = 0;

  protected:
    virtual ~poll_target() = default;
};

/// Something that has work for the end of the turn. Marked at most once a turn.
class turn_work {
  public:
    virtual void on_turn_end() = 0;

  protected:
    virtual ~turn_work() = default;

  private:
    friend class shard;
    bool marked_ = false;
};

/// What one io_context has beside its handlers: readiness of many descriptors, the end of each
/// turn, deadlines, and scratch memory. A service of the io_context, so the same code runs on our
/// own threads (`io_pool`) and under a plain `ioc.run()`.
///
/// Established connections do not wait through Asio: one level-triggered epoll set of our own is
/// registered with the io_context as a single descriptor. An idle connection then costs no
/// operation, no coroutine frame and no reactor state, and all that are ready are served in one
/// go, which is what lets a turn write once per receiver.
class shard final : public boost::asio::execution_context::service {
  public:
    using key_type = shard;
    inline static boost::asio::execution_context::id id;

    /// The shard of an io_context; made on first use.
    static shard& of(boost::asio::io_context& ctx) { return boost::asio::use_service<shard>(ctx); }

    explicit shard(boost::asio::execution_context& ctx);
    ~shard() override;

    boost::asio::io_context& context() { return ctx_; }
    deadline_queue& deadlines() { return deadlines_; }

    /// True on a thread that is running this shard's handlers.
    bool here() const;

    /// Runs `fn` on this shard, later. From any thread.
    void post(std::function<void()> fn);

    /// Runs `fn` now when already on this shard, else posts it.
    void dispatch(std::function<void()> fn);

    /// Watches `fd` (non-blocking) until it is closed. `events`: EPOLLIN and so on.
    error_code watch(int fd, std::uint32_t events, poll_target&);
    void rewatch(int fd, std::uint32_t events, poll_target&);
    void unwatch(int fd);
    /// The same for a descriptor that is closed right after, and was never duplicated: closing it
    /// ends the watch, which saves a system call.
    void unwatch_closing(int fd);

    /// Asks for `on_turn_end()` when everything that is ready now has run.
    void mark(turn_work&);

    /// Takes back a mark: needed by an object that dies before the turn ends.
    void unmark(turn_work&);

    /// The shard whose handlers this thread is running, when the thread belongs to an `io_pool`.
    static shard* current() { return current_; }

    /// Destroys `p` when the turn is over, so that nothing on the stack is left dangling.
    template <class T>
    void reap(std::unique_ptr<T> p) {
        reap(std::shared_ptr<void>(std::move(p)));
    }

    /// Memory for one read; contents are lost when the next descriptor is served.
    std::span<char> read_scratch() { return {read_scratch_.get(), read_scratch_bytes}; }
    /// Memory for one gathered write.
    std::span<char> write_scratch() { return {write_scratch_.get(), write_scratch_bytes}; }
    /// Text that an encoder may fill and must be done with before it returns.
    std::string& text_scratch() {
        text_scratch_.clear();
        return text_scratch_;
    }

    static constexpr std::size_t read_scratch_bytes = 256 * 1024;
    static constexpr std::size_t write_scratch_bytes = 64 * 1024;

    /// Logs the exception that is being handled: called inside a `catch (...)`.
    void fault(std::string_view event) const;

    void set_logger(logger log) { log_ = std::move(log); }
    logger const& log() const { return log_; }

    /// The number that session ids carry. Set by `io_pool`; 0 elsewhere.
    std::uint8_t index() const { return index_; }

  private:
    friend class io_pool;

    void reap(std::shared_ptr<void>);
    void shutdown() override;
    /// Serves what is ready, without waiting. The number of descriptors served.
    std::size_t poll_once();
    void run_turn_end();
    void schedule_turn();
    void arm();
    /// The loop of a thread of our own. Returns when the io_context is stopped.
    void drive();

    inline static thread_local shard* current_ = nullptr;

    boost::asio::io_context& ctx_;
    deadline_queue deadlines_;
    boost::asio::posix::stream_descriptor epoll_;
    std::vector<turn_work*> marked_, running_;
    std::vector<std::shared_ptr<void>> graves_;
    std::unique_ptr<char[]> read_scratch_, write_scratch_;
    std::string text_scratch_;
    logger log_;
    std::size_t watched_ = 0;
    std::uint8_t index_ = 0;
    bool armed_ = false, woken_ = false, driven_ = false, turn_posted_ = false, down_ = false;
};

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/shard.ipp>
#endif

#endif
