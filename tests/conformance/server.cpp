// conformance-server: the handlers that the client matrix and the protocol suite speak to.

#include "cluster.hpp"
#include "program.hpp"

namespace sio = mad::socketio;
using mad::json;

namespace {

void add_handlers(sio::nsp const& nsp) {
    nsp.on_connection([nsp](sio::socket s) {
        s.emit("auth", s.handshake().auth());

        s.on("message", [s](sio::arguments args) { s.emit("message-back", args); });
        s.on("message-with-ack", [](sio::arguments args, sio::ack reply) { reply(args); });
        s.on("handshake-query", [s]() { return s.handshake().query_object(); });
        s.on("ask", [s](json v) -> boost::asio::awaitable<void> {
            auto const answer = co_await s.emit_with_ack(mad::milliseconds(0), "question", v);
            if (answer)
                s.emit("answered", *answer);
        });
        s.on("bcast", [nsp](sio::arguments args) { nsp.all().emit("bcast-out", args); });
        s.on("bcast-others", [s](sio::arguments args) { s.broadcast().emit("others-out", args); });
        s.on("join", [s](std::string room, sio::ack reply) {
            s.join(room);
            reply();
        });
        s.on("leave", [s](std::string room, sio::ack reply) {
            s.leave(room);
            reply();
        });
        s.on("room-emit", [nsp](sio::arguments args) {
            if (args.empty() || !args[0].is_string())
                return;
            auto const room = args[0].get<std::string>();
            args.values.erase(args.values.begin());
            nsp.to(room).emit("room-out", args);
        });
        s.on("big", [s](std::size_t n) {
            s.emit("big-back", std::string(std::min<std::size_t>(n, 10'000'000), 'x'));
        });
        s.on("burst", [s](int n) {
            for (int i = 0; i < n && i < 100'000; ++i)
                s.emit("burst-back", i);
        });
        s.on("whoami", [s]() { return std::string(s.id()); });
        s.on("kick", [s]() { s.disconnect(); });
        s.on("kick-conn", [s]() { s.disconnect(true); });
        s.on("drop-conn", [s]() { s.drop_connection(); });
        s.on("echo", [](sio::arguments args, sio::ack reply) {
            if (args.size() > 1)
                args.values.resize(1);
            reply(args);
        });
    });
}

} // namespace

int main(int argc, char** argv) {
    mad::net::signal_wait const signals{SIGINT, SIGTERM};
    CLI::App app{"Socket.IO and Engine.IO server for the conformance suite", "conformance-server"};
    conformance::options o;
    o.settings.connect_timeout = mad::milliseconds(1000);
    o.settings.engine.cors.origins = {"*"};
    o.settings.log = mad::logger(mad::make_line_sink(mad::log_format::as_text));
    o.settings.http.log = o.settings.engine.log = o.settings.log;
    o.add_to(app);
    conformance::cluster_options cluster;
    cluster.add_to(app);
    CLI11_PARSE(app, argc, argv);

    mad::net::io_pool pool(o.threads, o.settings.log);
    auto settings = o.settings; // with what lives on the pool, and not longer
    settings.adapter = cluster.make(pool, o.settings.log);
    sio::server io(pool, settings);
    if (settings.adapter)
        conformance::add_cluster_handlers(io.of("/"));
    add_handlers(io.of("/"));
    add_handlers(io.of("/custom"));
    io.of("/denied").use([](sio::socket const&, sio::next next) {
        next(sio::connect_error{"not authorized", R"({"code":"E_DENIED"})"});
    });
    io.of("/denied-plain").use([](sio::socket const&, sio::next next) {
        next(sio::connect_error{"plain refusal", std::nullopt});
    });
    return conformance::serve(signals, "conformance-server", pool, io, o);
}
