// The mad side of the benches, on the public API: the handlers that every peer has, and no more.
//
//   bench_mad_server [--listen 127.0.0.1:PORT] [--threads N] [--redis URL]
//
// With a Redis (and built with hiredis) it is one of several nodes, by the classic adapter.

#include <mad/net/io_pool.hpp>
#include <mad/socketio/server.hpp>

#if defined(MAD_BENCH_REDIS)
#include <mad/sync/redis_adapter.hpp>
#include <mad/sync/redis_bus.hpp>
#endif

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
    std::cerr << "usage: bench_mad_server [--listen 127.0.0.1:PORT] [--threads N] [--redis URL]\n";
    return 2;
}

/// Makes the server of `settings` a node of the Redis at `url`. False when it cannot be.
bool join_nodes(mad::socketio::server_settings& settings, mad::net::io_pool& pool,
                std::string const& url) {
#if defined(MAD_BENCH_REDIS)
    auto where = mad::redis::parse_url(url);
    if (!where) {
        std::cerr << "bench_mad_server: " << where.error().message << '\n';
        return false;
    }
    settings.adapter = mad::sync::make_redis_adapters(
        std::make_shared<mad::sync::redis_bus>(*pool.shards()[0], std::move(*where)));
    return true;
#else
    static_cast<void>(settings), static_cast<void>(pool), static_cast<void>(url);
    std::cerr << "bench_mad_server: built without Redis\n";
    return false;
#endif
}

} // namespace

int main(int argc, char** argv) {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    std::size_t threads = 1;
    std::string redis;
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
        } else if (option == "--redis") {
            redis = value;
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
    settings.engine.handshake.allow_eio3 = true;       // for the rows of revision 3
    if (!redis.empty() && !join_nodes(settings, pool, redis))
        return 1;
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
