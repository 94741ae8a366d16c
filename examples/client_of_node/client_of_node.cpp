// A C++ client of a Node server (server.js beside it): buys something and prints how it went.
//   example_client_of_node [URL [WHAT]]

#include <mad/socketio.hpp>
#include <mad/socketio/client.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>
#include <string>

namespace asio = boost::asio;
using mad::json;

namespace {

/// Answers are arguments, bytes among them; `exit_code` says how it went.
asio::awaitable<void> buy(mad::socketio::client_socket shop, std::string what, int& exit_code) {
    if (auto const connected = co_await shop.connect_and_wait(); !connected)
        co_return; // on_connect_error has said why
    auto const answer = co_await shop.emit_with_ack(mad::milliseconds(5000), "buy", what);
    if (!answer || answer->empty()) {
        std::cout << "no answer" << std::endl;
    } else if (auto const& told = (*answer)[0]; told.contains("error")) {
        std::cout << "not sold: " << told["error"].get<std::string>() << std::endl;
    } else {
        auto const& receipt = told["receipt"].get_binary();
        std::cout << "bought: " << std::string(receipt.begin(), receipt.end()) << std::endl;
        exit_code = 0;
    }
    shop.disconnect();
}

} // namespace

int main(int argc, char** argv) {
    std::string const url = argc > 1 ? argv[1] : "http://localhost:3000";
    std::string const what = argc > 2 ? argv[2] : "apples";
    int exit_code = 1;

    asio::io_context ctx;
    mad::socketio::client io(ctx, mad::socketio::client_settings(url));
    auto const shop = io.socket();
    shop.set_auth({{"token", argc > 3 ? argv[3] : "open sesame"}});

    shop.on_connect_error([](mad::socketio::connect_failure const& why) {
        std::cout << "not let in: " << why.message << std::endl;
    });
    shop.on("welcome", [](json about) {
        std::cout << "welcome to " << about["name"].get<std::string>() << std::endl;
    });
    shop.on("stock", [](std::string fruit, int left) {
        std::cout << fruit << " left: " << left << std::endl;
    });
    // What a handler returns answers the server's question.
    shop.on("sure?", [](std::string fruit) {
        std::cout << "the server asks: sure of " << fruit << "?" << std::endl;
        return true;
    });

    asio::co_spawn(ctx, buy(shop, what, exit_code), asio::detached);
    ctx.run(); // until nothing is connected and nothing is tried again
    return exit_code;
}
