// A Socket.IO server in a few lines. Run it, then from Node:
//   const socket = require("socket.io-client")("http://localhost:3000");
//   socket.emit("greet", "Ada", console.log);

#include <mad/socketio.hpp>

#include <iostream>
#include <string>

int main(int argc, char** argv) {
    mad::socketio::server io;

    io.on_connection([&io](mad::socketio::socket socket) {
        std::cout << socket.id() << " came" << std::endl;

        // What a handler returns answers the acknowledgement.
        socket.on("greet", [](std::string name) { return "hello " + name; });

        // Rooms and broadcasts read as they do in JavaScript.
        socket.on("join", [socket](std::string room) {
            socket.join(room);
            socket.to(room).emit("joined", std::string(socket.id()));
        });
        socket.on("say",
                  [&io](std::string room, std::string text) { io.to(room).emit("said", text); });

        // Coroutines may wait for the peer.
        socket.on("quiz", [socket]() -> boost::asio::awaitable<bool> {
            auto const answer =
                co_await socket.emit_with_ack(mad::milliseconds(5000), "question", "6 * 7?");
            co_return answer && !answer->empty() && (*answer)[0] == 42;
        });

        socket.on_disconnect([](mad::socketio::disconnect_reason why) {
            std::cout << "left: " << to_string(why) << std::endl;
        });
    });

    auto const port = static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 3000);
    auto const at = io.listen(port);
    if (!at) {
        std::cerr << "port " << port << ": " << at.error().message() << '\n';
        return 1;
    }
    std::cout << "listening on http://localhost:" << at->port() << std::endl;
    io.wait();
}
