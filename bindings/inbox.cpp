#include "inbox.hpp"

#include <mad/net/one_shot.hpp>
#include <mad/net/shard.hpp>

#include <new>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace py = pybind11;

namespace mad_python {

// gate

void gate::entered(std::size_t bytes) {
    std::lock_guard const lock(mutex_);
    ++events_;
    bytes_ += bytes;
}

void gate::taken(std::size_t bytes) {
    {
        std::lock_guard const lock(mutex_);
        bytes_ -= std::min(bytes, bytes_);
    }
    let_in();
}

void gate::handled(std::size_t events) {
    {
        std::lock_guard const lock(mutex_);
        events_ -= std::min(events, events_);
    }
    let_in();
}

bool gate::crowded(std::size_t share) const {
    return !open_ && (events_ >= most_events / share || bytes_ >= most_bytes / share);
}

bool gate::full() const {
    std::lock_guard const lock(mutex_);
    return crowded(1);
}

boost::asio::awaitable<void> gate::wait(std::shared_ptr<gate> self) {
    mad::net::one_shot<bool> room(co_await boost::asio::this_coro::executor);
    {
        std::lock_guard const lock(self->mutex_);
        if (!self->crowded(1))
            co_return;
        self->waiting_.push_back(room.callback());
    }
    (void)co_await room.wait();
}

void gate::open() {
    {
        std::lock_guard const lock(mutex_);
        open_ = true;
    }
    let_in();
}

void gate::let_in() {
    std::vector<std::function<void(mad::result<bool>)>> all;
    {
        std::lock_guard const lock(mutex_);
        if (waiting_.empty() || crowded(2))
            return;
        all = std::exchange(waiting_, {});
    }
    for (auto const& fn : all)
        fn(true);
}

// inbox

inbox::inbox()
    : owner_(::getpid()) {}

inbox::~inbox() {
    if (event_ >= 0)
        ::close(event_);
    if (elsewhere()) // somebody may have been at it when the process forked: leave it as it is
        new (std::nothrow) std::deque<letter>(std::move(letters_));
}

bool inbox::elsewhere() const {
    return owner_ != ::getpid();
}

void inbox::signal() {
    if (signalled_)
        return;
    signalled_ = true;
    came_.notify_all();
    if (event_ >= 0) {
        std::uint64_t const one = 1;
        // It fails only when its count is at the top: then it is readable anyway.
        (void)!::write(event_, &one, sizeof one);
    }
}

void inbox::post(letter l) {
    std::lock_guard const lock(mutex_);
    if (closed_)
        return;
    letters_.push_back(std::move(l));
    signal();
}

void inbox::close() {
    if (elsewhere())
        return;
    std::lock_guard const lock(mutex_);
    closed_ = true;
    signalled_ = false;
    signal();
}

int inbox::fileno() {
    std::lock_guard const lock(mutex_);
    if (event_ < 0) {
        event_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (event_ < 0)
            throw boost::system::system_error(errno, boost::system::system_category(), "eventfd");
        if (signalled_) {
            signalled_ = false;
            signal();
        }
    }
    return event_;
}

py::object inbox::take(double seconds) {
    if (elsewhere())
        return py::none();
    std::deque<letter> batch;
    bool ended = false;
    {
        unlocked const waiting;
        std::unique_lock lock(mutex_);
        auto const limit = std::chrono::duration<double>(std::clamp(seconds, 0.0, 1e6));
        if (seconds > 0)
            came_.wait_for(lock, limit, [this] { return !letters_.empty() || closed_; });
        if (letters_.size() <= most_at_once) {
            batch.swap(letters_);
        } else {
            auto const end = letters_.begin() + most_at_once;
            batch.assign(std::move_iterator(letters_.begin()), std::move_iterator(end));
            letters_.erase(letters_.begin(), end);
        }
        if (letters_.empty() && signalled_ && !closed_) {
            signalled_ = false;
            std::uint64_t count = 0;
            if (event_ >= 0)
                (void)!::read(event_, &count, sizeof count);
        }
        ended = closed_ && batch.empty();
    }
    return unpack(std::move(batch), ended);
}

py::object inbox::drain() {
    return take(0);
}

py::object inbox::unpack(std::deque<letter> batch, bool ended) {
    if (ended)
        return py::none();
    py::list out;
    for (auto& l : batch) {
        try {
            out.append(l());
        } catch (py::error_already_set& error) {
            error.discard_as_unraisable("mad: an event could not be converted");
        } catch (std::bad_alloc const&) {
            PyErr_NoMemory();
            PyErr_WriteUnraisable(nullptr);
        }
    }
    return out;
}

// errands

void errands::submit(std::function<void()> fn) {
    bool first = false;
    {
        std::lock_guard const lock(mutex_);
        list_.push_back(std::move(fn));
        first = !std::exchange(posted_, true);
    }
    if (first)
        home_.post([self = shared_from_this()] { self->run(); });
}

void errands::run() {
    std::vector<std::function<void()>> list;
    {
        std::lock_guard const lock(mutex_);
        list.swap(list_);
        posted_ = false;
    }
    for (auto const& fn : list) {
        try {
            fn();
        } catch (...) {
            home_.fault("python.errand"); // the next ones have nothing to do with it
        }
    }
}

} // namespace mad_python
