#ifndef MAD_NET_ONE_SHOT_HPP
#define MAD_NET_ONE_SHOT_HPP

#include <mad/core/clock.hpp>
#include <mad/core/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace mad::inline MAD_ABI::net {

/// Lets a coroutine wait for one answer that a callback brings, from any thread.
///
///     net::one_shot<answer> done(co_await asio::this_coro::executor);
///     start_something(done.callback());
///     co_return co_await done.wait();
template <class T>
class one_shot {
  public:
    explicit one_shot(boost::asio::any_io_executor ex)
        : state_(std::make_shared<state>(std::move(ex))) {}

    /// What brings the answer; only the first one counts.
    std::function<void(result<T>)> callback() const {
        return [s = state_](result<T> a) {
            boost::asio::dispatch(s->event.get_executor(), [s, a = std::move(a)]() mutable {
                if (!s->answer)
                    s->answer = std::move(a);
                s->event.cancel();
            });
        };
    }

    /// The answer, or `operation_aborted` when the coroutine is cancelled before.
    boost::asio::awaitable<result<T>> wait() {
        auto const s = state_; // the coroutine may outlive this object
        if (!s->answer) {
            error_code ignored;
            co_await s->event.async_wait(
                boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        }
        if (!s->answer)
            co_return error_code(boost::asio::error::operation_aborted);
        co_return std::move(*s->answer);
    }

  private:
    struct state {
        explicit state(boost::asio::any_io_executor const& ex)
            : event(ex, time_point::max()) {}
        // A timer that never fires is the oldest event object of Asio, and it takes cancellation.
        boost::asio::steady_timer event;
        std::optional<result<T>> answer;
    };

    std::shared_ptr<state> state_;
};

} // namespace mad::inline MAD_ABI::net

#endif
