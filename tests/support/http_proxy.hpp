#ifndef MAD_TESTS_SUPPORT_HTTP_PROXY_HPP
#define MAD_TESTS_SUPPORT_HTTP_PROXY_HPP

#include <support/coroutine_warnings.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mad_test {

/// What an `http_proxy` does.
struct proxy_rules {
    std::string authorization = {}; ///< the only `Proxy-Authorization` let through; empty: any
    std::string answer = {};        ///< sent to everybody instead of opening the way
    bool hang_up = false;           ///< closes without an answer
    std::string in_front = {};      ///< an interim answer before the right one
    std::string behind = {};        ///< said right behind the answer, in the target's place
};

/// An HTTP proxy that knows CONNECT alone, on the test's own io_context. Names other than addresses
/// all mean this machine.
class http_proxy {
  public:
    explicit http_proxy(boost::asio::io_context& ctx, proxy_rules r = {})
        : state_(std::make_shared<state>(ctx, std::move(r))) {
        boost::asio::co_spawn(ctx, accept(state_), boost::asio::detached);
    }
    ~http_proxy() { close(); }
    http_proxy(http_proxy const&) = delete;
    http_proxy& operator=(http_proxy const&) = delete;

    /// `http://127.0.0.1:port`, with `user` (`name:password@`) in it.
    std::string url(std::string const& user = {}) const {
        return "http://" + user +
               "127.0.0.1:" + std::to_string(state_->acceptor.local_endpoint().port());
    }

    /// The heads of the requests, and how many ways were opened.
    std::vector<std::string> const& heads() const { return state_->heads; }
    std::size_t opened() const { return state_->opened; }

    /// Ends everything that goes through.
    void close() {
        boost::system::error_code ignored;
        state_->acceptor.close(ignored);
        for (auto& s : state_->sockets)
            s->close(ignored);
    }

  private:
    using tcp = boost::asio::ip::tcp;
    using shared_socket = std::shared_ptr<tcp::socket>;

    // Shared by the coroutines, which end after `close` when the loop gets to them.
    struct state {
        state(boost::asio::io_context& ctx, proxy_rules r)
            : acceptor(ctx, {boost::asio::ip::address_v4::loopback(), 0})
            , how(std::move(r)) {}
        tcp::acceptor acceptor;
        proxy_rules how;
        std::list<shared_socket> sockets;
        std::vector<std::string> heads;
        std::size_t opened = 0;
    };

    static boost::asio::awaitable<void> accept(std::shared_ptr<state> st) {
        for (;;) {
            boost::system::error_code ec;
            auto s = co_await st->acceptor.async_accept(
                boost::asio::redirect_error(boost::asio::use_awaitable, ec));
            if (ec)
                co_return;
            st->sockets.push_back(std::make_shared<tcp::socket>(std::move(s)));
            boost::asio::co_spawn(st->acceptor.get_executor(), serve(st, st->sockets.back()),
                                  boost::asio::detached);
        }
    }

    static boost::asio::awaitable<void> serve(std::shared_ptr<state> st, shared_socket near) {
        boost::system::error_code ec;
        std::string in;
        auto const n = co_await boost::asio::async_read_until(
            *near, boost::asio::dynamic_buffer(in), "\r\n\r\n",
            boost::asio::redirect_error(boost::asio::use_awaitable, ec));
        if (ec || st->how.hang_up) {
            near->close(ec);
            co_return;
        }
        auto const head = in.substr(0, n);
        st->heads.push_back(head);
        auto const& r = st->how;
        if (!r.answer.empty()) {
            co_await say(near, r.answer);
            co_return;
        }
        auto const line = "\r\nProxy-Authorization: " + r.authorization + "\r\n";
        if (!r.authorization.empty() && head.find(line) == head.npos) {
            co_await say(near, "HTTP/1.1 407 Proxy Authentication Required\r\n"
                               "Proxy-Authenticate: Basic realm=\"test\"\r\n"
                               "Content-Length: 0\r\n\r\n");
            co_return;
        }
        auto const where = head.substr(8, head.find(' ', 8) - 8); // behind "CONNECT "
        auto const port = static_cast<std::uint16_t>(std::stoi(where.substr(where.rfind(':') + 1)));
        auto const far = std::make_shared<tcp::socket>(near->get_executor());
        st->sockets.push_back(far);
        tcp::endpoint const to(boost::asio::ip::address_v4::loopback(), port);
        co_await far->async_connect(to,
                                    boost::asio::redirect_error(boost::asio::use_awaitable, ec));
        if (ec) {
            co_await say(near, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
            co_return;
        }
        ++st->opened;
        co_await say(near, r.in_front + "HTTP/1.1 200 OK\r\n\r\n" + r.behind);
        boost::asio::co_spawn(near->get_executor(), relay(far, near), boost::asio::detached);
        co_await relay(near, far);
    }

    static boost::asio::awaitable<void> say(shared_socket to, std::string text) {
        boost::system::error_code ignored;
        co_await boost::asio::async_write(
            *to, boost::asio::buffer(text),
            boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }

    static boost::asio::awaitable<void> relay(shared_socket from, shared_socket to) {
        std::array<char, 16384> buffer;
        boost::system::error_code ec;
        while (!ec) {
            auto const n = co_await from->async_read_some(
                boost::asio::buffer(buffer),
                boost::asio::redirect_error(boost::asio::use_awaitable, ec));
            if (!ec)
                co_await boost::asio::async_write(
                    *to, boost::asio::buffer(buffer.data(), n),
                    boost::asio::redirect_error(boost::asio::use_awaitable, ec));
        }
        to->close(ec);
        from->close(ec);
    }

    std::shared_ptr<state> state_;
};

} // namespace mad_test

#endif
