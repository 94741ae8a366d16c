// A sticky proxy in front of Socket.IO servers:
//   example_proxy 8080 http://127.0.0.1:3001 http://127.0.0.1:3002
// Sessions stay on their server, and come to another one when it is gone.

#include <mad/net/io_pool.hpp>
#include <mad/net/signals.hpp>
#include <mad/proxy/server.hpp>

#include <iostream>
#include <string>

namespace asio = boost::asio;
namespace proxy = mad::proxy;

int main(int argc, char** argv) {
    mad::net::signal_wait const signals({SIGINT, SIGTERM});
    if (argc < 3) {
        std::cerr << "usage: example_proxy PORT http://HOST:PORT...\n";
        return 2;
    }
    proxy::settings settings;
    settings.affinity = *proxy::parse_affinity("sid,cookie,hash"); // as it is without this line
    for (int i = 2; i < argc; ++i) {
        auto const upstream = proxy::parse_upstream(argv[i]);
        if (!upstream) {
            std::cerr << upstream.error() << '\n';
            return 2;
        }
        settings.upstreams.push_back(*upstream);
    }

    mad::net::io_pool threads(1);
    proxy::server server(threads.shards(), std::move(settings));
    auto const port = static_cast<std::uint16_t>(std::stoi(argv[1]));
    auto const at = server.listen({asio::ip::address_v4::loopback(), port});
    if (!at) {
        std::cerr << "port " << port << ": " << at.error().message() << '\n';
        return 1;
    }
    threads.start();
    std::cout << "ready proxy http://127.0.0.1:" << at->port() << std::endl;

    signals.next();
    server.close();
    threads.stop();
    std::cout << "served: " << server.count().handshakes << " sessions\n";
}
