#ifndef MAD_TESTS_SUPPORT_WS_HOST_HPP
#define MAD_TESTS_SUPPORT_WS_HOST_HPP

#include <support/coroutine_warnings.hpp>

#include <mad/net/ws_frame.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mad_test {

/// The server's end of one websocket, spoken by hand. Goes by value; keeps nothing.
class ws_line {
  public:
    ws_line(boost::asio::ip::tcp::socket& s, std::string& in)
        : socket_(&s)
        , in_(&in) {}

    struct frame {
        int opcode; ///< 1 text, 2 binary, 8 close
        std::string data;
    };

    /// The client's next frame; nothing when the connection is over.
    boost::asio::awaitable<std::optional<frame>> next() {
        if (!co_await fill(2))
            co_return std::nullopt;
        std::size_t size = static_cast<unsigned char>((*in_)[1]) & 0x7f, head = 2;
        int const more = size == 126 ? 2 : size == 127 ? 8 : 0;
        if (!co_await fill(head + static_cast<std::size_t>(more) + 4))
            co_return std::nullopt;
        if (more > 0)
            size = 0;
        for (int i = 0; i < more; ++i)
            size = size << 8 | static_cast<unsigned char>((*in_)[head++]);
        if (!co_await fill(head + 4 + size))
            co_return std::nullopt;
        frame f{(*in_)[0] & 0x0f, in_->substr(head + 4, size)};
        for (std::size_t i = 0; i < size; ++i)
            f.data[i] = static_cast<char>(f.data[i] ^ (*in_)[head + i % 4]);
        in_->erase(0, head + 4 + size);
        co_return f;
    }

    /// The next text; `end` when it is something else.
    boost::asio::awaitable<std::string> text() {
        auto f = co_await next();
        co_return f && f->opcode == 1 ? std::move(f->data) : std::string("end");
    }

    boost::asio::awaitable<void> send(std::string data, int opcode = 1) {
        char header[mad::net::max_ws_header_bytes];
        auto const n = mad::net::write_ws_header(header, static_cast<mad::net::ws_opcode>(opcode),
                                                 true, data.size());
        data.insert(0, header, n);
        boost::system::error_code ignored;
        co_await boost::asio::async_write(
            *socket_, boost::asio::buffer(data),
            boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }

    /// Without a close frame.
    void cut() {
        boost::system::error_code ignored;
        socket_->close(ignored);
    }

  private:
    boost::asio::awaitable<bool> fill(std::size_t n) {
        boost::system::error_code ec;
        if (in_->size() < n)
            co_await boost::asio::async_read(
                *socket_, boost::asio::dynamic_buffer(*in_),
                boost::asio::transfer_exactly(n - in_->size()),
                boost::asio::redirect_error(boost::asio::use_awaitable, ec));
        co_return in_->size() >= n;
    }

    boost::asio::ip::tcp::socket* socket_;
    std::string* in_;
};

/// A websocket server that speaks by hand: the n-th connection is given to the n-th function, later
/// ones to the last. When a function ends, its connection does. On the test's own io_context.
class ws_host {
  public:
    using talk = std::function<boost::asio::awaitable<void>(ws_line)>;

    ws_host(boost::asio::io_context& ctx, std::vector<talk> talks)
        : acceptor_(ctx, {boost::asio::ip::address_v4::loopback(), 0})
        , talks_(std::move(talks)) {
        boost::asio::co_spawn(ctx, accept(), boost::asio::detached);
    }

    std::string url() const {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }

    /// The heads of the requests, in order.
    std::vector<std::string> const& heads() const { return heads_; }

    /// Ends all connections, and waits until the functions have ended too.
    boost::asio::awaitable<void> close() {
        boost::system::error_code ec;
        acceptor_.close(ec);
        for (auto& s : sockets_)
            s.close(ec);
        boost::asio::steady_timer turn(acceptor_.get_executor());
        for (int i = 0; running_ > 0 && i < 10'000; ++i) {
            turn.expires_after(std::chrono::milliseconds(1));
            co_await turn.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ec));
        }
        if (running_ > 0)
            throw std::runtime_error("a conversation does not end");
    }

  private:
    using tcp = boost::asio::ip::tcp;

    boost::asio::awaitable<void> accept() {
        for (std::size_t n = 0;; ++n) {
            boost::system::error_code ec;
            auto s = co_await acceptor_.async_accept(
                boost::asio::redirect_error(boost::asio::use_awaitable, ec));
            if (ec)
                break;
            ++running_;
            sockets_.push_back(std::move(s));
            boost::asio::co_spawn(acceptor_.get_executor(),
                                  play(sockets_.back(), talks_[std::min(n, talks_.size() - 1)]),
                                  [this](std::exception_ptr) { --running_; });
        }
        --running_;
    }

    boost::asio::awaitable<void> play(tcp::socket& s, talk& fn) {
        boost::system::error_code ec;
        std::string in;
        auto const n = co_await boost::asio::async_read_until(
            s, boost::asio::dynamic_buffer(in), "\r\n\r\n",
            boost::asio::redirect_error(boost::asio::use_awaitable, ec));
        if (ec)
            co_return;
        heads_.push_back(in.substr(0, n));
        in.erase(0, n);
        auto const at = heads_.back().find("Sec-WebSocket-Key: ");
        if (at == std::string::npos)
            co_return;
        auto const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                            mad::net::ws_accept_key(heads_.back().substr(at + 19, 24)) + "\r\n\r\n";
        co_await boost::asio::async_write(
            s, boost::asio::buffer(answer),
            boost::asio::redirect_error(boost::asio::use_awaitable, ec));
        if (!ec)
            co_await fn(ws_line(s, in));
        s.close(ec);
    }

    tcp::acceptor acceptor_;
    std::vector<talk> talks_;
    std::list<tcp::socket> sockets_; // coroutines hold references
    std::vector<std::string> heads_;
    int running_ = 1; // coroutines, that of `accept` included
};

} // namespace mad_test

#endif
