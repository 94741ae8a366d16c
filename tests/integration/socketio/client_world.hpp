#ifndef MAD_TESTS_INTEGRATION_SOCKETIO_CLIENT_WORLD_HPP
#define MAD_TESTS_INTEGRATION_SOCKETIO_CLIENT_WORLD_HPP

#include <mad/core/json.hpp>
#include <mad/socketio/client.hpp>
#include <mad/socketio/server.hpp>

#include <catch2/catch.hpp>

#include <support/captured_log.hpp>
#include <support/inbox.hpp>
#include <support/print_result.hpp>

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mad_test {

namespace sio = mad::socketio;
using mad::json;
using mad::milliseconds;
using story = boost::asio::awaitable<void>;

inline constexpr milliseconds soon{10'000};

/// A client with what its socket told.
struct client_peer {
    client_peer(boost::asio::io_context& ctx, sio::client_settings s, std::string const& nsp)
        : io(std::make_unique<sio::client>(ctx, std::move(s)))
        , socket(io->socket(nsp))
        , connects(ctx)
        , reasons(ctx)
        , failures(ctx)
        , events(ctx) {
        socket.on_connect([this] { connects.push(socket.id()); });
        socket.on_disconnect(
            [this](sio::disconnect_reason r) { reasons.push(std::string(to_string(r))); });
        socket.on_connect_error([this](sio::connect_failure const& f) { failures.push(f); });
        socket.on_unhandled([this](std::string name, sio::arguments args) {
            auto all = json::array({name});
            for (auto& a : args.values)
                all.push_back(std::move(a));
            events.push(std::move(all));
        });
    }
    ~client_peer() { io.reset(); }

    /// The first argument of the answer, or the error's words.
    boost::asio::awaitable<json> ask(std::string event, json value) {
        auto const a = co_await socket.emit_with_ack(soon, event, value);
        if (!a)
            co_return a.error().message();
        co_return a->empty() ? json() : (*a)[0];
    }

    std::unique_ptr<sio::client> io;
    sio::client_socket socket;
    inbox<std::string> connects, reasons;
    inbox<sio::connect_failure> failures;
    inbox<json> events; // name and arguments
};

/// A server and its clients on one io_context that the test runs itself.
struct client_world {
    explicit client_world(sio::server_settings s = quick())
        : io(ctx, with_log(std::move(s), log)) {
        io.on("echo", [](json v) { return v; });
        io.on("drop", [](sio::socket s1) { s1.drop_connection(); });
        io.on("kick", [](sio::socket s1) { s1.disconnect(); });
        auto const at = io.listen(0);
        port = at.value().port();
    }

    static sio::server_settings quick() {
        sio::server_settings s;
        s.engine.goodbye_timeout = milliseconds(100);
        s.engine.close_timeout = milliseconds(1000);
        return s;
    }

    static sio::server_settings with_log(sio::server_settings s, captured_log const& log) {
        s.log = log.handle();
        return s;
    }

    std::string url(std::string const& scheme = "http") const {
        return scheme + "://127.0.0.1:" + std::to_string(port);
    }

    /// Does not reconnect; ends goodbyes soon.
    sio::client_settings settings(std::string const& transports = "websocket") const {
        sio::client_settings s(url());
        s.reconnection = false;
        s.engine.close_timeout = milliseconds(1000);
        s.backoff = {milliseconds(5), milliseconds(20), 0.5};
        s.log = log.handle();
        if (transports == "polling")
            s.engine.transports = {mad::engine::transport_kind::polling};
        if (transports == "websocket")
            s.engine.transports = {mad::engine::transport_kind::websocket};
        return s;
    }

    client_peer& make(sio::client_settings s, std::string const& nsp = "/") {
        clients.push_back(std::make_unique<client_peer>(ctx, std::move(s), nsp));
        return *clients.back();
    }
    boost::asio::awaitable<client_peer*> join(sio::client_settings s, std::string nsp = "/") {
        auto& c = make(std::move(s), nsp);
        auto const r = co_await c.socket.connect_and_wait();
        if (!r)
            throw std::runtime_error("not connected: " + r.error().message());
        co_await c.connects.next();
        co_return &c;
    }

    /// Plays the story, then closes everything, and sees to it that nothing is left to do.
    void play(story s) {
        std::exception_ptr failed;
        boost::asio::co_spawn(ctx, std::move(s), [&](std::exception_ptr e) {
            failed = e;
            clients.clear();
            io.close();
        });
        ctx.run_for(mad::seconds(20));
        if (failed)
            std::rethrow_exception(failed);
        REQUIRE(ctx.stopped());
    }

    captured_log log;
    boost::asio::io_context ctx{1};
    sio::server io;
    std::uint16_t port = 0;
    std::vector<std::unique_ptr<client_peer>> clients;
};

/// For what is awaited: inside of CHECK it would run twice, since GCC 12 does not leave out a
/// `co_await` that stands behind `false &&`.
inline void expect(json const& got, json const& wanted) {
    CHECK(got == wanted);
}

inline std::string each_transport() {
    return GENERATE(as<std::string>(), "polling", "websocket", "upgrade");
}

inline void reconnecting(sio::client_settings& s) {
    s.reconnection = true;
}

} // namespace mad_test

#endif
