#include <mad/net/io_pool.hpp>
#include <mad/net/task_group.hpp>

#include <catch2/catch.hpp>

#include <support/socket_pair.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/epoll.h>

using namespace mad;
namespace asio = boost::asio;
using strings = std::vector<std::string>;

namespace {

asio::awaitable<void> in_steps(strings& log) {
    log.push_back("begun");
    co_await asio::post(asio::use_awaitable);
    log.push_back("done");
}

asio::awaitable<void> waits(strings& log, bool in_order = false) {
    if (in_order)
        co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    asio::steady_timer t(co_await asio::this_coro::executor, std::chrono::hours(1));
    log.push_back("waits");
    co_await t.async_wait(asio::use_awaitable);
    log.push_back("never");
}

asio::awaitable<void> throws() {
    throw std::runtime_error("a bad day");
    co_return;
}

/// Runs something when its descriptor is readable, as a connection does.
struct ready final : net::poll_target {
    explicit ready(std::function<void()> f)
        : fn(std::move(f)) {}
    void on_ready(std::uint32_t) override { fn(); }
    void on_fault() override {}
    std::function<void()> fn;
};

} // namespace

TEST_CASE("a child runs up to its first wait before spawn returns") {
    strings log;
    SECTION("from a handler of the loop") {
        asio::io_context ctx;
        net::task_group group(ctx);
        asio::post(ctx, [&] {
            group.spawn(in_steps(log));
            log.push_back("spawned");
        });
        ctx.run();
        CHECK(group.empty());
    }
    SECTION("while a descriptor is served by a thread of our own") {
        mad_test::socket_pair pair;
        net::io_pool pool;
        net::task_group group(pool.context(0));
        std::promise<void> done;
        ready target([&] {
            pool[0].unwatch(pair.a());
            group.spawn(in_steps(log), [&](std::exception_ptr) { done.set_value(); });
            log.push_back("spawned");
        });
        pool[0].post([&] { pool[0].watch(pair.a(), EPOLLIN, target); });
        pool.start();
        pair.send("x");
        done.get_future().get();
        pool.stop();
        CHECK(group.empty());
    }
    CHECK(log == strings{"begun", "spawned", "done"});
}

TEST_CASE("what is posted from a child comes later, what is dispatched at once") {
    strings log;
    asio::io_context ctx;
    net::task_group group(ctx);
    auto const child = [](strings& l) -> asio::awaitable<void> {
        auto const ex = co_await asio::this_coro::executor;
        asio::post(ex, [&l] { l.push_back("posted"); });
        asio::dispatch(ex, [&l] { l.push_back("dispatched"); });
        l.push_back("child");
    };
    asio::post(ctx, [&] { group.spawn(child(log)); });
    ctx.run();
    CHECK(log == strings{"dispatched", "child", "posted"});
}

TEST_CASE("the exception of a child is told, and the group goes on") {
    asio::io_context ctx;
    net::task_group group(ctx);
    std::string what;
    asio::post(ctx, [&] {
        group.spawn(throws(), [&](std::exception_ptr e) {
            try {
                std::rethrow_exception(e);
            } catch (std::exception const& x) {
                what = x.what();
            }
        });
        CHECK(group.size() == 1); // told later, never inside spawn
    });
    ctx.run();
    CHECK(what == "a bad day");
    CHECK(group.empty());
}

TEST_CASE("children that wait end in the step they listen to") {
    bool const drain = GENERATE(true, false);
    asio::io_context ctx;
    net::task_group group(ctx);
    strings log;
    int ended = 0;
    asio::post(ctx, [&] {
        for (int i = 0; i < 3; ++i)
            group.spawn(waits(log, drain), [&](std::exception_ptr e) { ended += e != nullptr; });
        CHECK(group.size() == 3);
    });
    ctx.poll();
    if (!drain) { // the first step means nothing to those that have not asked for it
        asio::post(ctx, [&] { group.drain(); });
        ctx.poll();
        CHECK(ended == 0);
    }
    asio::post(ctx, [&] { drain ? group.drain() : group.stop(); });
    ctx.run();
    CHECK(log == strings{"waits", "waits", "waits"});
    CHECK(ended == 3);
    CHECK(group.empty());
}

TEST_CASE("a loop with children that wait does not return, and may be destroyed with them") {
    strings log;
    asio::io_context ctx;
    {
        net::task_group group(ctx);
        asio::post(ctx, [&] { group.spawn(waits(log)); });
        ctx.poll();
        CHECK_FALSE(ctx.stopped());
        CHECK(group.size() == 1);
    }
    CHECK(log == strings{"waits"});
}
