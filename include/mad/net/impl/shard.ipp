#ifndef MAD_NET_IMPL_SHARD_IPP
#define MAD_NET_IMPL_SHARD_IPP

#include <mad/net/shard.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <exception>
#include <system_error>

#include <sys/epoll.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::net {

MAD_DECL shard::shard(boost::asio::execution_context& ctx)
    : service(ctx)
    , ctx_(static_cast<boost::asio::io_context&>(ctx))
    , deadlines_(ctx_)
    , epoll_(ctx_)
    , read_scratch_(new char[read_scratch_bytes])
    , write_scratch_(new char[write_scratch_bytes]) {
    int const fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        throw std::system_error(errno, std::generic_category(), "epoll_create1");
    epoll_.assign(fd);
}

MAD_DECL shard::~shard() = default;

MAD_DECL void shard::shutdown() {
    down_ = true;
    deadlines_.stop();
    error_code ignored;
    epoll_.close(ignored);
    marked_.clear();
    // Objects may reap others while they die.
    for (int round = 0; round < 8 && !graves_.empty(); ++round) {
        auto dying = std::move(graves_);
        graves_.clear();
    }
}

MAD_DECL bool shard::here() const {
    return current_ == this || ctx_.get_executor().running_in_this_thread();
}

MAD_DECL void shard::post(std::function<void()> fn) {
    boost::asio::post(ctx_, std::move(fn));
}

MAD_DECL void shard::dispatch(std::function<void()> fn) {
    if (here())
        fn();
    else
        post(std::move(fn));
}

MAD_DECL error_code shard::watch(int fd, std::uint32_t events, poll_target& t) {
    if (down_)
        return boost::asio::error::operation_aborted;
    epoll_event ev{};
    ev.events = events;
    ev.data.ptr = &t;
    if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, fd, &ev) != 0)
        return {errno, boost::system::system_category()};
    ++watched_;
    if (!driven_)
        arm();
    return {};
}

MAD_DECL void shard::rewatch(int fd, std::uint32_t events, poll_target& t) {
    epoll_event ev{};
    ev.events = events;
    ev.data.ptr = &t;
    if (!down_)
        ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, fd, &ev);
}

MAD_DECL void shard::unwatch(int fd) {
    if (down_)
        return;
    ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, fd, nullptr);
    unwatch_closing(fd);
}

MAD_DECL void shard::unwatch_closing(int) {
    if (down_)
        return;
    if (--watched_ != 0 || driven_)
        return;
    // The last one gone: let a plain `ioc.run()` return.
    deadlines_.settle();
    if (armed_) {
        error_code ignored;
        epoll_.cancel(ignored);
    }
}

MAD_DECL void shard::mark(turn_work& w) {
    if (w.marked_ || down_)
        return;
    w.marked_ = true;
    marked_.push_back(&w);
    schedule_turn();
}

MAD_DECL void shard::unmark(turn_work& w) {
    if (!w.marked_)
        return;
    w.marked_ = false;
    std::replace(marked_.begin(), marked_.end(), &w, static_cast<turn_work*>(nullptr));
    std::replace(running_.begin(), running_.end(), &w, static_cast<turn_work*>(nullptr));
}

MAD_DECL void shard::reap(std::shared_ptr<void> p) {
    graves_.push_back(std::move(p));
    schedule_turn();
}

MAD_DECL void shard::schedule_turn() {
    if (driven_ || turn_posted_ || down_)
        return;
    turn_posted_ = true;
    // Twice round the queue: what is ready now runs first, and so does what that makes ready.
    boost::asio::post(ctx_, [this] {
        boost::asio::post(ctx_, [this] {
            turn_posted_ = false;
            run_turn_end();
        });
    });
}

MAD_DECL void shard::run_turn_end() {
    // Work may mark more work (an answer that completes a session); bounded, the rest waits.
    for (int round = 0; round < 16 && !marked_.empty(); ++round) {
        std::swap(marked_, running_);
        for (std::size_t i = 0; i < running_.size(); ++i) {
            auto* const w = running_[i];
            if (!w)
                continue;
            running_[i] = nullptr;
            w->marked_ = false;
            try {
                w->on_turn_end();
            } catch (...) {
                fault("net.turn.fault");
            }
        }
        running_.clear();
    }
    for (int round = 0; round < 16 && !graves_.empty(); ++round) {
        auto dying = std::move(graves_);
        graves_.clear();
    }
    if (!marked_.empty() || !graves_.empty())
        schedule_turn();
    else if (watched_ == 0 && !driven_)
        deadlines_.settle();
}

MAD_DECL void shard::fault(std::string_view event) const {
    try {
        throw;
    } catch (std::exception const& e) {
        log_.error(event, {{"what", e.what()}});
    } catch (...) {
        log_.error(event, {{"what", "not a std::exception"}});
    }
}

MAD_DECL std::size_t shard::poll_once() {
    constexpr int batch = 256;
    epoll_event events[batch];
    int const n = ::epoll_wait(epoll_.native_handle(), events, batch, 0);
    for (int i = 0; i < n; ++i) {
        auto* const t = static_cast<poll_target*>(events[i].data.ptr);
        // Nothing that a peer sends may end the process: whatever throws costs its own connection.
        try {
            t->on_ready(events[i].events);
        } catch (...) {
            fault("net.connection.fault");
            t->on_fault();
        }
    }
    return n > 0 ? static_cast<std::size_t>(n) : 0;
}

MAD_DECL void shard::arm() {
    if (armed_ || down_ || watched_ == 0)
        return;
    armed_ = true;
    epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](error_code ec) {
        armed_ = false;
        woken_ = true;
        if (down_)
            return;
        if (!driven_) {
            if (!ec)
                poll_once();
            arm();
        }
    });
}

MAD_DECL void shard::drive() {
    driven_ = true;
    current_ = this;
    bool busy = false;
    while (!ctx_.stopped()) {
        try {
            woken_ = false;
            if (!busy) {
                arm();
                if (ctx_.run_one() == 0)
                    break;
            }
            // Bounded: handlers that post themselves must not starve the descriptors. When it is
            // these that woke us, they come first, and Asio is asked in the next round.
            for (int i = 0; !woken_ && i < 512 && ctx_.poll_one() != 0; ++i) {
            }
            // Looking again lets peers that answer at once share the same write. After one alone it
            // is not worth two more system calls: the wait returns at once if there is more.
            busy = poll_once() > 1;
            run_turn_end();
            busy = busy || !marked_.empty() || !graves_.empty();
        } catch (...) {
            fault("net.handler.fault");
            busy = true; // what was marked before the fault must still leave
        }
    }
    current_ = nullptr;
    driven_ = false;
}

} // namespace mad::inline MAD_ABI::net

#endif
