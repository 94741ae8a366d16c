// golden-server: what the recorded exchanges were recorded against (golden/SERVER.md).

#include "program.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace sio = mad::socketio;
using mad::json;

namespace {

void add_common(sio::socket const& s) {
    s.on("echo", [s](sio::arguments args, sio::ack reply) {
        if (!reply.wanted())
            return s.emit("echo-back", args);
        json const first = args.empty() ? json() : args[0];
        s.emit_with_ack([](mad::result<sio::arguments>) {}, mad::milliseconds(0), "echo-back",
                        first);
    });
    s.on("ack-me", [](sio::arguments args, sio::ack reply) { reply(args); });
}

/// A middleware that takes its time: the recorded one 40 ms. Here what the client sends meanwhile
/// shall come before its word on a busy machine, too.
void guard_root(sio::server& io, bool refuse) {
    io.use([refuse](sio::socket const& s, sio::next next) {
        auto const timer = std::make_shared<boost::asio::steady_timer>(
            s.home()->context(), std::chrono::milliseconds(250));
        timer->async_wait([timer, next, refuse](mad::error_code ec) {
            if (ec)
                return;
            next(refuse ? std::optional(sio::connect_error{"nope", std::nullopt}) : std::nullopt);
        });
    });
}

void add_handlers(sio::server& io, bool sized_events) {
    io.on_connection([&io, sized_events](sio::socket s) {
        add_common(s);
        if (sized_events) {
            s.emit("small", "x");
            s.emit("big", std::string(1500, 'y'));
            s.uncompressed_emit("big", std::string(1100, 'z'));
        }
        s.on("ask-server", [s]() {
            json const q = {{"q", 1}};
            s.emit_with_ack([](mad::result<sio::arguments>) {}, mad::milliseconds(0), "server-asks",
                            q);
        });
        s.on("bcast", [s, &io]() {
            io.emit("to-all", "x");
            s.broadcast().emit("to-others", "y");
        });
        s.on("kick-close", [s]() { s.disconnect(true); });
    });
    io.of("/chat").on_connection([](sio::socket s) {
        s.emit("welcome", "chat");
        s.on("bye", [s]() { s.disconnect(); });
    });
    io.of("/secret").use([](sio::socket const&, sio::next next) {
        next(sio::connect_error{"not authorized", R"({"code":"E_AUTH","detail":42})"});
    });
    io.of("/secret2").use([](sio::socket const&, sio::next next) {
        next(sio::connect_error{"plain message", std::nullopt});
    });
}

/// What only some captures need.
struct extras {
    std::string recovery, cors, cookie, refuse;

    void add_to(CLI::App& app, sio::server_settings& s) {
        app.add_option("--recovery", recovery, "on: connection state recovery");
        app.add_option("--cors", cors, "any, one or some");
        app.add_option("--cookie", cookie, "plain or full");
        app.add_option("--refuse", refuse, "refuses handshakes with that message; - for none");
        app.add_option("--client-folder", s.client_folder);
        app.add_option("--client-version", s.client_version);
    }

    void apply(sio::server_settings& s) const {
        if (!recovery.empty())
            s.recovery.emplace();
        auto& c = s.engine.cors;
        if (cors == "any")
            c.origins = {"*"};
        if (cors == "one") {
            c.origins = {"http://example.com"};
            c.credentials = true;
            c.allowed_headers = "x-foo";
        }
        if (cors == "some") {
            c.origins = {"http://a.test"};
            c.allow_origin = [](std::string_view o) { return o.find("example") != o.npos; };
            c.methods = "GET,POST";
        }
        if (cookie == "plain")
            s.engine.cookie.emplace();
        if (cookie == "full") {
            mad::set_cookie k;
            k.name = "test";
            k.http_only = false;
            k.path = "/custom";
            k.same_site = mad::cookie_same_site::none;
            k.secure = true;
            k.max_age = std::chrono::hours(24);
            s.engine.cookie = k;
        }
        if (!refuse.empty())
            s.engine.allow_request = [text = refuse == "-" ? std::string() : refuse](
                                         mad::engine::handshake_info const&) {
                return std::optional(text);
            };
    }
};

/// The last socket that has come, for the commands of connection state recovery.
class last_socket {
  public:
    void set(sio::socket s) {
        std::lock_guard const lock(mutex_);
        socket_ = std::move(s);
    }
    sio::socket get() {
        std::lock_guard const lock(mutex_);
        return socket_;
    }

  private:
    std::mutex mutex_;
    sio::socket socket_;
};

void add_recovery(sio::server& io, last_socket& last) {
    io.on_connection([&last](sio::socket s) {
        s.join("r1");
        last.set(s);
    });
}

/// Commands on standard input; see golden/SERVER.md.
void read_commands(sio::server& io, last_socket& last) {
    for (std::string line; std::getline(std::cin, line);) {
        if (line == "recovery.emit") {
            io.emit("a", 1);
            io.to("r1").emit("b", 2);
            last.get().emit_with_ack([](mad::result<sio::arguments>) {}, mad::milliseconds(0),
                                     "with-ack");
        } else if (line == "recovery.missed") {
            io.emit("a", "missed1");
            io.to("r1").emit("b", "missed2");
            io.to("other").emit("c", "of others");
        } else if (line == "io.close")
            io.engine().close();
        else if (line == "conn.close")
            io.engine().close(mad::engine::close_reason::forced_close);
        else
            continue;
        std::cout << "done " << line << std::endl;
    }
}

} // namespace

int main(int argc, char** argv) {
    mad::net::signal_wait const signals{SIGINT, SIGTERM};
    CLI::App app{"Server for the replay of recorded exchanges", "golden-server"};
    conformance::options o;
    o.settings.engine.check_origin = false;
    o.settings.log = mad::logger(mad::make_line_sink(mad::log_format::as_text));
    o.add_to(app);
    std::string root;
    app.add_option("--root", root, "a slow middleware on /, and no /custom")
        ->check(CLI::IsMember({"accept", "refuse"}));
    bool sized_events = false;
    app.add_option("--sized-events", sized_events, "events of several lengths on connection");
    extras more;
    more.add_to(app, o.settings);
    CLI11_PARSE(app, argc, argv);
    more.apply(o.settings);

    mad::net::io_pool pool(o.threads, o.settings.log);
    sio::server io(pool, o.settings);
    add_handlers(io, sized_events);
    if (root.empty())
        io.of("/custom").on_connection([](sio::socket s) { add_common(s); });
    else
        guard_root(io, root == "refuse");
    last_socket last;
    if (!more.recovery.empty())
        add_recovery(io, last);
    std::thread commands([&io, &last] { read_commands(io, last); });
    commands.detach(); // ends with the process: it waits for a line that may never come
    return conformance::serve(signals, "golden-server", pool, io, o);
}
