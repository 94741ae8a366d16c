#ifndef MAD_TESTS_SUPPORT_INBOX_HPP
#define MAD_TESTS_SUPPORT_INBOX_HPP

#include <support/coroutine_warnings.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <deque>
#include <stdexcept>
#include <utility>

namespace mad_test {

/// Values in order of arrival, for a coroutine that waits for them. A wait that takes too long is
/// an error. On one io_context.
template <class T>
class inbox {
  public:
    explicit inbox(boost::asio::io_context& ctx)
        : event_(ctx) {}

    void push(T value) {
        items_.push_back(std::move(value));
        event_.cancel();
    }

    boost::asio::awaitable<T> next() {
        auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (items_.empty()) {
            if (std::chrono::steady_clock::now() >= end)
                throw std::runtime_error("nothing has come");
            event_.expires_at(end);
            boost::system::error_code ignored;
            co_await event_.async_wait(
                boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        }
        auto out = std::move(items_.front());
        items_.pop_front();
        co_return out;
    }

    bool empty() const { return items_.empty(); }
    std::size_t size() const { return items_.size(); }

  private:
    boost::asio::steady_timer event_;
    std::deque<T> items_;
};

} // namespace mad_test

#endif
