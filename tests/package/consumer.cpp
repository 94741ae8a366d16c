// A program of somebody who uses mad: prints its version and one log event.
#include <mad/core/log.hpp>

#if defined(CONSUMER_COMPRESSES)
#include <mad/net/deflate.hpp>
#endif

#if defined(CONSUMER_ASKS_REDIS)
#include <mad/redis.hpp>
#endif

#if defined(CONSUMER_EMITS)
#include <mad/sync.hpp>
#endif

#include <cstdio>

int main() {
#if defined(CONSUMER_COMPRESSES)
    std::printf("%s\n", mad::net::make_message_deflate()->offer().c_str());
#endif
#if defined(CONSUMER_ASKS_REDIS)
    boost::asio::io_context context;
    mad::redis::client const db(context, mad::redis::parse_url("redis://localhost").value());
    std::printf("%s\n", mad::redis::command("PING").wire().substr(8, 4).data());
#endif
#if defined(CONSUMER_EMITS)
    auto const bus = std::make_shared<mad::sync::redis_bus>(
        context, mad::redis::parse_url("redis://localhost").value());
    bus->close();
    auto const adapters = mad::sync::make_redis_adapters(bus);
    mad::sync::emitter out(
        [](mad::redis::command c) { std::printf("%s\n", std::string(c.name()).c_str()); });
    out.emit("news", 1);
    std::printf("adapters=%d\n", adapters != nullptr);
#endif
    auto const line = mad::format_log_line(
        {mad::log_level::info, "consumer.started", {{"answer", 42}}}, mad::log_format::as_text, 0);
    std::printf("mad %s\n%s\n", MAD_VERSION, line.c_str());
}
