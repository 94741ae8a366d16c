#ifndef MAD_TESTS_CONFORMANCE_PROGRAM_HPP
#define MAD_TESTS_CONFORMANCE_PROGRAM_HPP

#include <mad/core/duration.hpp>
#include <mad/net/deflate.hpp>
#include <mad/net/io_pool.hpp>
#include <mad/net/signals.hpp>
#include <mad/socketio/server.hpp>

#include <CLI/CLI.hpp>

#include <iostream>
#include <string>

/// What the two servers of this suite share: their flags, the `ready` line and the Engine.IO echo.
namespace conformance {

inline void add_duration(CLI::App& app, std::string const& name, mad::milliseconds& into) {
    app.add_option_function<std::string>(
           name,
           [&into, name](std::string const& text) {
               auto const d = mad::parse_duration(text);
               if (!d)
                   throw CLI::ValidationError(name, "'" + text + "' is no duration (300ms, 25s)");
               into = *d;
           })
        ->default_str(mad::format_duration(into));
}

struct options {
    std::string listen = "0";
    std::size_t threads = 1;
    mad::socketio::server_settings settings;

    void add_to(CLI::App& app) {
        auto& e = settings.engine;
        app.add_option("--listen", listen, "[HOST:]PORT")->capture_default_str();
        app.add_option("--threads", threads, "shards")->capture_default_str();
        add_duration(app, "--ping-interval", e.ping_interval);
        add_duration(app, "--ping-timeout", e.ping_timeout);
        add_duration(app, "--upgrade-timeout", e.upgrade_timeout);
        add_duration(app, "--connect-timeout", settings.connect_timeout);
        app.add_option("--eio3", e.handshake.allow_eio3, "serve revision 3 too")
            ->expected(0, 1)
            ->default_str("on");
        app.add_option("--jsonp", e.handshake.jsonp, "serve JSONP polling")
            ->expected(0, 1)
            ->default_str("on");
        app.add_option("--max-payload", e.max_payload)->capture_default_str();
        app.add_option_function<std::string>("--parser",
                                             [this](std::string const& name) {
                                                 settings.parser =
                                                     name == "msgpack"
                                                         ? mad::socketio::packet_parser::msgpack
                                                         : mad::socketio::packet_parser::json;
                                             })
            ->check(CLI::IsMember({"json", "msgpack"}));
        app.add_option_function<bool>(
            "--compression",
            [&e](bool on) {
                e.per_message_deflate = on ? mad::net::make_message_deflate() : nullptr;
                e.http_compression = on ? mad::net::make_body_compression() : nullptr;
            },
            "on: websocket messages and polling answers of 1,024 bytes and more");
    }

    boost::asio::ip::tcp::endpoint endpoint() const {
        auto const colon = listen.rfind(':');
        auto const host = colon == listen.npos ? "127.0.0.1" : listen.substr(0, colon);
        auto const port = std::stoul(colon == listen.npos ? listen : listen.substr(colon + 1));
        return {boost::asio::ip::make_address(host), static_cast<std::uint16_t>(port)};
    }
};

/// Sends every message back.
class engine_echo final : public mad::engine::session_handler {
  public:
    void on_message(mad::engine::session& s, std::string_view data, bool binary) override {
        binary ? s.send_binary(data) : s.send_text(data);
    }
    void on_close(mad::engine::session&, mad::engine::close_reason) override {}
};

/// Listens, says so, and runs until a signal. Gives the exit code.
inline int serve(mad::net::signal_wait const& signals, std::string_view name,
                 mad::net::io_pool& pool, mad::socketio::server& io, options const& o) {
    mad::engine::server_settings settings = o.settings.engine;
    settings.path = "/engine.io/";
    mad::engine::server echo(pool.shards(), settings,
                             [](mad::engine::session&) { return std::make_unique<engine_echo>(); });
    echo.mount(io.routes());
    auto const at = io.listen(o.endpoint());
    if (!at) {
        std::cerr << name << ": " << o.listen << ": " << at.error().message() << '\n';
        return 1;
    }
    pool.start();
    std::cout << "ready " << name << " http://" << at->address().to_string() << ':' << at->port()
              << std::endl;
    signals.next();
    pool.stop();
    return 0;
}

} // namespace conformance

#endif
