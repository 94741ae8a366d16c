// A client with callbacks.

#include <mad/socketio/client.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>
#include <string>

namespace sio = mad::socketio;

int main(int argc, char** argv) {
    sio::client_settings settings(argc > 1 ? argv[1] : "http://localhost:3000");
    settings.reconnection_attempts = 5;

    boost::asio::io_context ctx;
    sio::client io(ctx, settings);
    auto const socket = io.socket(); // of the namespace `/`

    socket.on("said", [socket](std::string text) {
        std::cout << "said: " << text << std::endl;
        socket.disconnect(); // with its last socket the connection ends, and `ctx.run()` returns
    });
    socket.on_connect([socket] {
        socket.emit("join", "kitchen");
        socket.emit_with_ack(
            [socket](mad::result<sio::arguments> answer) {
                if (answer)
                    std::cout << "2 + 3 = " << (*answer)[0] << std::endl;
                else
                    std::cout << "no answer: " << answer.error().message() << std::endl;
                socket.emit("say", "kitchen", "dinner is ready");
            },
            mad::seconds(5), "add", 2, 3);
    });
    socket.on_disconnect([](sio::disconnect_reason why) {
        std::cout << "disconnected: " << to_string(why) << std::endl;
    });
    socket.on_connect_error([](sio::connect_failure const& why) {
        std::cout << "not connected: " << why.message << std::endl;
    });

    socket.connect();
    ctx.run();
}
