// A chat for browsers: this server, and index.html beside it. Needs the client script of socket.io
// (npm install socket.io-client); then open the address it prints in two windows.
//   example_chat_server [PORT [PAGE_FOLDER [SCRIPT_FOLDER]]]

#include <mad/socketio.hpp>

#include <algorithm>
#include <deque>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>

namespace {

using mad::json;

/// Who is here, by socket id, and what was said last. The server has one thread: nothing is locked.
struct chat {
    std::map<std::string, std::string, std::less<>> people;
    std::deque<json> said;

    bool is_taken(std::string const& name) const {
        return std::any_of(people.begin(), people.end(),
                           [&](auto const& one) { return one.second == name; });
    }

    json names() const {
        json list = json::array();
        for (auto const& [id, name] : people)
            list.push_back(name);
        return list;
    }
};

void serve_page(mad::socketio::server& io, std::string const& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in)
        throw std::runtime_error("cannot read " + file);
    std::string const body(std::istreambuf_iterator<char>(in), {});
    io.routes().get("/", [body](mad::net::http::request const&) {
        mad::net::http::response answer;
        answer.set("Content-Type", "text/html; charset=utf-8");
        answer.body = body;
        return answer;
    });
}

void add_handlers(mad::socketio::server& io, chat& room) {
    io.on_connection([&io, &room](mad::socketio::socket socket) {
        // What a handler returns answers the acknowledgement.
        socket.on("join", [&room, socket](std::string name) -> json {
            if (name.empty() || name.size() > 40 || room.is_taken(name))
                return {{"error", "that name is taken or no good"}};
            room.people.insert_or_assign(std::string(socket.id()), name);
            socket.broadcast().emit("joined", name);
            return {{"people", room.names()}, {"said", room.said}};
        });

        socket.on("say", [&io, &room, socket](std::string text) {
            auto const who = room.people.find(socket.id());
            if (who == room.people.end() || text.empty() || text.size() > 2000)
                return;
            room.said.push_back({{"name", who->second}, {"text", text}});
            if (room.said.size() > 50)
                room.said.pop_front();
            io.emit("said", room.said.back());
        });

        socket.on_disconnect([&io, &room, socket](mad::socketio::disconnect_reason) {
            auto const who = room.people.find(socket.id());
            if (who == room.people.end())
                return;
            io.emit("left", who->second);
            room.people.erase(who);
        });
    });
}

} // namespace

int main(int argc, char** argv) try {
    chat room;
    mad::socketio::server_settings settings;
    settings.client_folder = argc > 3 ? argv[3] : "node_modules/socket.io-client/dist";
    mad::socketio::server io(settings);
    serve_page(io, std::string(argc > 2 ? argv[2] : "examples/chat") + "/index.html");
    add_handlers(io, room);
    auto const at = io.listen(static_cast<std::uint16_t>(argc > 1 ? std::stoi(argv[1]) : 3000));
    std::cout << "listening on http://localhost:" << at.value().port() << std::endl;
    io.wait();
} catch (std::exception const& e) {
    std::cerr << "chat: " << e.what() << '\n';
    return 1;
}
