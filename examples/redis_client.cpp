// Counts visits, tells whoever listens, and prints what it hears itself.
//   example_redis_client [URL]
//
// The URL names one server, sentinels, or a Cluster: redis://localhost, unix:///run/redis.sock,
// redis+sentinel://a,b/mymaster, redis://a,b?cluster=1.

#include <mad/redis.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>
#include <string>

namespace asio = boost::asio;
namespace redis = mad::redis;

namespace {

/// Commands of one pipeline leave in one write and are answered in their order.
asio::awaitable<void> visit(redis::client const& db) {
    redis::pipeline both;
    both.add("INCR", "example:visits").add("PUBLISH", "example:news", "somebody came");
    auto const answers = co_await db.exec(both);
    if (answers)
        std::cout << "visits: " << (*answers)[0].integer() << std::endl;
    else
        std::cout << "no answer: " << answers.error().message() << std::endl;
    db.close();
}

} // namespace

int main(int argc, char** argv) {
    auto const config = redis::parse_url(argc > 1 ? argv[1] : "redis://localhost");
    if (!config) {
        std::cout << config.error().message << std::endl;
        return 2;
    }
    asio::io_context ctx;
    redis::client const db(ctx, *config);
    redis::subscriber const listener(ctx, *config);
    db.on_state([](redis::condition const& now) {
        std::cout << "Redis is " << to_string(now.state) << ' ' << now.text << std::endl;
    });
    listener.subscribe("example:news", [&](std::string_view channel, std::string_view text) {
        std::cout << channel << ": " << text << std::endl;
        listener.close();
    });
    listener.on_resubscribed([&](std::uint64_t) { // from here on nothing is missed
        asio::co_spawn(ctx, visit(db), asio::detached);
    });
    ctx.run(); // until both are closed
}
