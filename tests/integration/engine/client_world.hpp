#ifndef MAD_TESTS_INTEGRATION_ENGINE_CLIENT_WORLD_HPP
#define MAD_TESTS_INTEGRATION_ENGINE_CLIENT_WORLD_HPP

#include <mad/engine/client.hpp>
#include <mad/engine/error.hpp>
#include <mad/engine/server.hpp>
#include <mad/net/http/server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mad_test {

namespace engine = mad::engine;

/// What a client's session told, in order; messages as text, bytes with `b:` in front.
struct heard final : engine::client_events {
    bool opened = false, closed = false, finished = false;
    std::vector<std::string> messages;
    engine::close_reason reason{};
    mad::error_code why;
    std::function<void()> when_open, when_closed, when_finished;
    std::function<void(std::string)> when_message;

    void on_open() override {
        opened = true;
        if (when_open)
            when_open();
    }
    void on_message(std::string_view data, bool binary) override {
        messages.push_back((binary ? "b:" : "") + std::string(data));
        if (when_message)
            when_message(messages.back());
    }
    void on_close(engine::close_reason r, mad::error_code ec) override {
        closed = true;
        reason = r;
        why = ec;
        if (when_closed)
            when_closed();
    }
    void on_finished() override {
        finished = true;
        if (when_finished)
            when_finished();
    }
};

/// What the sessions of a server told, newest last.
struct server_log {
    std::vector<std::string> messages;
    std::vector<engine::close_reason> closed;
    std::vector<engine::session*> open;
};

class logged_echo final : public engine::session_handler {
  public:
    logged_echo(engine::session& s, server_log& l)
        : log_(l) {
        log_.open.push_back(&s);
    }
    void on_message(engine::session& s, std::string_view data, bool binary) override {
        log_.messages.emplace_back(data);
        binary ? s.send_binary(data) : s.send_text(data);
    }
    void on_close(engine::session& s, engine::close_reason r) override {
        log_.closed.push_back(r);
        std::erase(log_.open, &s);
    }

  private:
    server_log& log_;
};

/// An echo server and a client on one io_context, which a test runs until nothing is left to do.
struct client_world {
    explicit client_world(engine::server_settings s = {})
        : server({&home()}, std::move(s),
                 [this](engine::session& it) { return std::make_unique<logged_echo>(it, log); }) {
        mad::net::http::router routes;
        server.mount(routes);
        http.emplace(std::vector<mad::net::shard*>{&home()}, std::move(routes),
                     mad::net::http::server_settings{});
        auto const at = http->listen({boost::asio::ip::address_v4::loopback(), 0});
        url = "http://127.0.0.1:" + std::to_string(at.value().port());
    }

    mad::net::shard& home() { return mad::net::shard::of(ctx); }

    engine::client_settings settings(std::vector<engine::transport_kind> transports) const {
        engine::client_settings s;
        s.url = url;
        s.transports = std::move(transports);
        s.close_timeout = mad::seconds(2);
        return s;
    }

    /// Runs until all is done; the server stops listening when the session has ended.
    void run(engine::client& c) {
        told.when_finished = [this] { http->close(); };
        c.open(told);
        ctx.run();
    }

    boost::asio::io_context ctx{1};
    server_log log;
    engine::server server;
    std::optional<mad::net::http::server> http;
    std::string url;
    heard told;
};

inline std::vector<engine::transport_kind> only(engine::transport_kind k) {
    return {k};
}
inline std::vector<engine::transport_kind> either_way() {
    return {engine::transport_kind::polling, engine::transport_kind::websocket};
}

} // namespace mad_test

#endif
