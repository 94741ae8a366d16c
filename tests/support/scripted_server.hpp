#ifndef MAD_TESTS_SUPPORT_SCRIPTED_SERVER_HPP
#define MAD_TESTS_SUPPORT_SCRIPTED_SERVER_HPP

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

#include <algorithm>
#include <cctype>
#include <list>
#include <string>
#include <string_view>
#include <vector>

namespace mad_test {

/// A server that answers each request of each connection with the bytes that a test gives, whatever
/// they are. On the test's own io_context, which can return once the server is closed.
class scripted_server {
  public:
    struct step {
        std::string answer;   ///< sent when a whole request has come
        bool close = false;   ///< end after it
        bool early = false;   ///< sent as soon as the head has come
        bool unasked = false; ///< sent without waiting for a request
    };
    using script = std::vector<step>; ///< for one connection; at its end the connection stays open

    /// The n-th connection plays the n-th script, later ones the last.
    scripted_server(boost::asio::io_context& ctx, std::vector<script> scripts)
        : acceptor_(ctx, {boost::asio::ip::address_v4::loopback(), 0})
        , scripts_(std::move(scripts)) {
        boost::asio::co_spawn(ctx, accept(), boost::asio::detached);
    }

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }

    /// Connections so far, and the requests of all of them in order: head and body.
    std::size_t connections() const { return accepted_; }
    std::vector<std::string> const& requests() const { return requests_; }

    /// Takes no more connections and ends those there are.
    void close() {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        for (auto& s : sockets_)
            s.close(ignored);
    }

    /// Ends the connections and goes on accepting.
    void hang_up() {
        boost::system::error_code ignored;
        for (auto& s : sockets_)
            s.close(ignored);
    }

  private:
    using tcp = boost::asio::ip::tcp;

    boost::asio::awaitable<void> accept() {
        for (;;) {
            boost::system::error_code ec;
            auto s = co_await acceptor_.async_accept(
                boost::asio::redirect_error(boost::asio::use_awaitable, ec));
            if (ec)
                co_return;
            auto const n = std::min(accepted_++, scripts_.size() - 1);
            sockets_.push_back(std::move(s));
            boost::asio::co_spawn(acceptor_.get_executor(), play(sockets_.back(), scripts_[n]),
                                  boost::asio::detached);
        }
    }

    boost::asio::awaitable<void> play(tcp::socket& s, script steps) {
        boost::system::error_code ec;
        std::string in;
        for (auto const& now : steps) {
            if (!now.unasked) {
                auto const n = co_await boost::asio::async_read_until(
                    s, boost::asio::dynamic_buffer(in), "\r\n\r\n",
                    boost::asio::redirect_error(boost::asio::use_awaitable, ec));
                if (ec)
                    co_return;
                auto const size = n + (now.early ? 0 : length_in(in.substr(0, n)));
                while (in.size() < size && !ec) {
                    char buffer[65536];
                    auto const got = co_await s.async_read_some(
                        boost::asio::buffer(buffer),
                        boost::asio::redirect_error(boost::asio::use_awaitable, ec));
                    in.append(buffer, got);
                }
                if (ec)
                    co_return;
                requests_.push_back(in.substr(0, size));
                in.erase(0, size);
            }
            co_await boost::asio::async_write(
                s, boost::asio::buffer(now.answer),
                boost::asio::redirect_error(boost::asio::use_awaitable, ec));
            if (now.close || ec) {
                boost::system::error_code ignored;
                s.close(ignored);
                co_return;
            }
        }
    }

    static std::size_t length_in(std::string head) {
        std::transform(head.begin(), head.end(), head.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        auto const at = head.find("\r\ncontent-length: ");
        return at == head.npos ? 0 : std::stoul(head.substr(at + 18));
    }

    tcp::acceptor acceptor_;
    std::vector<script> scripts_;
    std::list<tcp::socket> sockets_; // coroutines hold references
    std::vector<std::string> requests_;
    std::size_t accepted_ = 0;
};

/// A usual answer: 200 and that body.
inline std::string answer_of(std::string_view body, std::string_view fields = {}) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(fields) + "\r\n" + std::string(body);
}

} // namespace mad_test

#endif
