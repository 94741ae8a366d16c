// A server: answers questions, keeps rooms, asks back.

#include <mad/socketio/server.hpp>

#include <iostream>
#include <string>

int main() {
    mad::socketio::server io; // runs its own threads

    io.on_connection([&io](mad::socketio::socket socket) {
        // What a handler returns answers the client's acknowledgement.
        socket.on("add", [](int a, int b) { return a + b; });

        socket.on("join", [socket](std::string room) {
            socket.join(room);
            return true;
        });
        socket.on("say", [&io](std::string room, std::string text) {
            io.to(room).emit("said", text);
            return true;
        });

        // A handler may be a coroutine, and ask back.
        socket.on("quiz", [socket]() -> boost::asio::awaitable<bool> {
            auto const answer =
                co_await socket.emit_with_ack(mad::seconds(5), "question", "6 * 7?");
            co_return answer && !answer->empty() && (*answer)[0] == 42;
        });
    });

    auto const at = io.listen(3000);
    if (!at) {
        std::cerr << at.error().message() << '\n';
        return 1;
    }
    std::cout << "http://localhost:" << at->port() << std::endl;
    io.wait();
}
