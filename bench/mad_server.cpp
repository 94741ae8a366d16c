// The mad side of the benches, on the public API: the handlers that every peer has, and no more.
//
//   bench_mad_server [--listen 127.0.0.1:PORT] [--threads N]

#include <mad/net/io_pool.hpp>
#include <mad/socketio/server.hpp>

#include <boost/asio/ip/address.hpp>

#include <charconv>
#include <csignal>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

namespace {

template <class Number>
std::optional<Number> parse(std::string_view text) {
    Number made{};
    auto const* const end = text.data() + text.size();
    auto const [at, bad] = std::from_chars(text.data(), end, made);
    if (bad != std::errc{} || at != end)
        return std::nullopt;
    return made;
}

int usage() {
    std::cerr << "usage: bench_mad_server [--listen 127.0.0.1:PORT] [--threads N]\n";
    return 2;
}

} // namespace

int main(int argc, char** argv) {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    std::size_t threads = 1;
    for (int i = 1; i < argc; i += 2) {
        std::string_view const option = argv[i];
        std::string_view const value = i + 1 < argc ? argv[i + 1] : "";
        if (option == "--listen") {
            auto const colon = value.rfind(':');
            auto const number = parse<std::uint16_t>(value.substr(colon + 1));
            if (colon == std::string_view::npos || !number)
                return usage();
            host = value.substr(0, colon);
            port = *number;
        } else if (option == "--threads") {
            auto const number = parse<std::size_t>(value);
            if (!number || *number == 0)
                return usage();
            threads = *number;
        } else {
            return usage();
        }
    }

    // Blocked before the pool starts, so that its threads leave the signals to this one.
    sigset_t ends;
    ::sigemptyset(&ends);
    ::sigaddset(&ends, SIGINT);
    ::sigaddset(&ends, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);

    mad::net::io_pool pool(threads);
    mad::socketio::server_settings settings;
    settings.http.limits.max_requests = 1'000'000'000; // as Node: a connection is never renewed
    mad::socketio::server io(pool, std::move(settings));
    io.on_connection([&io](mad::socketio::socket s) {
        s.on("echo", [](mad::socketio::raw_json x, mad::socketio::ack reply) { reply(x); });
        s.on("bcast", [&io](mad::socketio::raw_json x) { io.emit("bcast-out", x); });
    });

    boost::system::error_code bad;
    auto const address = boost::asio::ip::make_address(host, bad);
    if (bad)
        return usage();
    auto const at = io.listen(boost::asio::ip::tcp::endpoint(address, port));
    if (!at) {
        std::cerr << "bench_mad_server: " << host << ':' << port << ": " << at.error().message()
                  << '\n';
        return 1;
    }
    pool.start();
    std::cout << "ready mad http://" << host << ':' << at->port() << std::endl;

    int signal = 0;
    ::sigwait(&ends, &signal);
    pool.stop();
}
