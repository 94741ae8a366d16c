// The same client as a coroutine, with events that are sent until they are answered.

#include <mad/socketio/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>
#include <string>

namespace sio = mad::socketio;

boost::asio::awaitable<void> visit(sio::client_socket socket) {
    socket.on("question", [](std::string) { return 42; }); // answers the server
    if (auto const connected = co_await socket.connect_and_wait(); !connected) {
        std::cout << "not connected: " << connected.error().message() << std::endl;
        co_return;
    }
    auto const sum = co_await socket.emit_with_ack(mad::seconds(5), "add", 2, 3);
    if (sum)
        std::cout << "2 + 3 = " << (*sum)[0] << std::endl;
    auto const right = co_await socket.emit_with_ack(mad::seconds(5), "quiz");
    if (right)
        std::cout << "right: " << (*right)[0] << std::endl;

    socket.emit("join", "kitchen");
    socket.emit("say", "kitchen", "dinner is ready");
    auto const said = co_await socket.next("said", mad::seconds(5));
    if (said)
        std::cout << "said: " << (*said)[0] << std::endl;
    socket.disconnect();
}

int main(int argc, char** argv) {
    sio::client_settings settings(argc > 1 ? argv[1] : "http://localhost:3000");
    settings.reconnection = false;
    settings.retries = 3;
    settings.ack_timeout = mad::seconds(2);

    boost::asio::io_context ctx;
    sio::client io(ctx, settings);
    boost::asio::co_spawn(ctx, visit(io.socket()), boost::asio::detached);
    ctx.run();
}
