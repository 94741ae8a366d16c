// Commands a second through one redis::client, beside redis-benchmark on one connection:
//   bench_redis_commands [URL [COMMANDS [DEPTH]]]
// One table, the median of 5 rounds and how far apart they were. The server is whoever listens
// there. With a DEPTH, the commands under way, the figure of one round of mad's and no more.

#include <mad/redis/client.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

namespace {

namespace redis = mad::redis;

/// Keeps `depth` commands under way until all are answered. Commands a second.
double round_of(redis::config const& where, std::size_t depth, std::size_t total) {
    boost::asio::io_context ctx(1);
    redis::client const db(ctx, where);
    std::size_t asked = 0, answered = 0, failed = 0;
    std::string const value(3, 'x'); // as redis-benchmark
    std::function<void(mad::result<redis::reply>)> next;
    auto const ask = [&] {
        ++asked;
        db.exec(redis::command("SET", "key:__rand_int__", value), next);
    };
    auto start = std::chrono::steady_clock::now();
    next = [&](mad::result<redis::reply> const& r) {
        failed += r && r->ok() ? 0u : 1u;
        if (++answered == total)
            db.close();
        else if (asked < total)
            ask();
    };
    db.exec(redis::command("PING"), [&](mad::result<redis::reply> const&) {
        start = std::chrono::steady_clock::now();
        while (asked < std::min(depth, total))
            ask();
    });
    ctx.run();
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - start;
    if (failed > 0) {
        std::fprintf(stderr, "%zu of %zu commands failed\n", failed, total);
        std::exit(1);
    }
    return static_cast<double>(total) / took.count();
}

/// The figure that redis-benchmark prints; 0 when it does not.
double peer(redis::config const& where, std::size_t depth, std::size_t total) {
    auto const& at = where.endpoints.front();
    auto const line = "redis-benchmark -h " + at.host + " -p " + std::to_string(at.port) +
                      " -c 1 -t set --csv -P " + std::to_string(depth) + " -n " +
                      std::to_string(total) + " 2>/dev/null";
    std::FILE* const out = ::popen(line.c_str(), "r");
    if (!out)
        return 0;
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), out));
    ::pclose(out);
    auto const row = text.find("\"SET\",\"");
    return row == text.npos ? 0 : std::strtod(text.c_str() + row + 7, nullptr);
}

template <class Measure>
void row(char const* name, std::size_t depth, Measure measure) {
    std::array<double, 5> all;
    for (auto& r : all)
        r = measure();
    std::sort(all.begin(), all.end());
    std::printf("%-16s %6zu under way %12.0f commands/s  +-%4.1f %%\n", name, depth, all[2],
                (all[4] - all[0]) / all[2] * 50);
}

} // namespace

int main(int argc, char** argv) {
    auto const where = redis::parse_url(argc > 1 ? argv[1] : "redis://127.0.0.1:6379");
    if (!where) {
        std::printf("%s\n", where.error().message.c_str());
        return 2;
    }
    auto const total = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 200'000ul;
    if (argc > 3) {
        auto const depth = std::max(1ul, std::strtoul(argv[3], nullptr, 10));
        std::printf("%.1f\n", round_of(*where, depth, total));
        return 0;
    }
    for (std::size_t const depth : {1u, 16u, 256u}) {
        auto const n = depth == 1 ? total / 10 : total;
        row("mad", depth, [&] { return round_of(*where, depth, n); });
        row("redis-benchmark", depth, [&] { return peer(*where, depth, n); });
    }
}
