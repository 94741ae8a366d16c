#ifndef MAD_TESTS_SUPPORT_HAND_CLIENT_HPP
#define MAD_TESTS_SUPPORT_HAND_CLIENT_HPP

#include "hand_calls.hpp"

#include <mad/core/json.hpp>
#include <mad/net/ws_frame.hpp>
#include <mad/socketio/client.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace mad_test::hand {

namespace sio = mad::socketio;

inline sio::client_settings client_settings() {
    sio::client_settings s("http://127.0.0.1:80");
    s.reconnection_attempts = 2;
    return s;
}

/// A Socket.IO client with the servers it calls, driven by hand.
class client_world : public calling_world {
  public:
    explicit client_world(sio::client_settings s) {
        under_test const counted;
        io_ = std::make_unique<sio::client>(ctx_, std::move(s));
        for (auto const* const name : {"/", "/admin"}) {
            auto const socket = io_->socket(name);
            socket.on_connect([this] { ++connects_; });
            socket.on_disconnect([this](sio::disconnect_reason) { ++disconnects_; });
            socket.on_connect_error([](sio::connect_failure const&) {});
            socket.on_any([](std::string, sio::arguments) {});
            socket.on("echo", [](mad::json v) { return v; });
            socket.on("bytes", [this](mad::bytes b) { bytes_ += b.size(); });
            socket.on("slow", [](mad::json v) -> boost::asio::awaitable<mad::json> {
                boost::asio::steady_timer t(co_await boost::asio::this_coro::executor);
                t.expires_after(std::chrono::seconds(5));
                co_await t.async_wait(boost::asio::use_awaitable);
                co_return v;
            });
        }
        connect("/");
        turn();
    }

    void act(unsigned what) {
        under_test const counted;
        auto const root = io_->socket("/");
        switch (what % 8) {
        case 0:
            return root.emit("news", mad::json{{"n", 1}});
        case 1:
            return ask("echo", "/");
        case 2:
            return connect("/admin");
        case 3:
            return root.emit("bytes", mad::bytes(what, 1), mad::bytes{2});
        case 4:
            return root.disconnect();
        case 5:
            return connect("/");
        case 6:
            return io_->drop_connection();
        case 7:
            return ask("admin", "/admin");
        }
    }

    /// `$a` stands for the accept key of what that connection has asked for.
    std::string filled(unsigned who, std::string_view text) const {
        std::string out(text);
        auto const at = out.find("$a");
        constexpr std::string_view field = "Sec-WebSocket-Key: ";
        if (at == out.npos || who >= calls_.size())
            return out;
        auto const& asked = calls_[who].received;
        if (auto const key = asked.rfind(field); key != asked.npos)
            out.replace(at, 2, mad::net::ws_accept_key(asked.substr(key + field.size(), 24)));
        return out;
    }

    std::string finish() {
        {
            under_test const counted;
            io_->close();
        }
        pass(3, std::chrono::seconds(5)); // the server may stay silent
        hang_up();
        pass(10, std::chrono::seconds(30));
        std::string wrong;
        if (!io_->closed())
            wrong += "not closed; ";
        if (connects_ != disconnects_)
            wrong += std::to_string(connects_) + " connects, " + std::to_string(disconnects_) +
                     " ends; ";
        {
            under_test const counted;
            io_.reset();
        }
        pass(2, std::chrono::seconds(60));
        wrong += answers_.wrong(); // with retries an event waits for as long as the client lives
        calls_.clear();
        if (restless_)
            wrong += "never at rest; ";
        forget_connections();
        return wrong;
    }

    std::size_t connects() const { return connects_; }

  private:
    void connect(std::string_view nsp) {
        auto& n = answers_.ask();
        io_->socket(nsp).connect([&n](mad::result<void>) { ++n; });
    }
    void ask(std::string_view event, std::string_view nsp) {
        auto& n = answers_.ask();
        io_->socket(nsp).emit_with_ack([&n](mad::result<sio::arguments>) { ++n; }, mad::seconds(20),
                                       event, 1, "two");
    }

    std::unique_ptr<sio::client> io_;
    questions answers_;
    std::size_t connects_ = 0, disconnects_ = 0, bytes_ = 0;
};

} // namespace mad_test::hand

#endif
