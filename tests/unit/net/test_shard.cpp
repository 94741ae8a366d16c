#include <mad/net/io_pool.hpp>
#include <mad/net/shard.hpp>

#include <catch2/catch.hpp>
#include <support/captured_log.hpp>
#include <support/socket_pair.hpp>

#include <boost/asio/post.hpp>

#include <atomic>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/epoll.h>

using namespace mad;
using namespace mad::net;
using namespace mad_test;

namespace {

using words = std::vector<std::string>;

/// Watches one end of a pair, tells what it is told.
struct watcher : poll_target {
    watcher(shard& s, int f, std::function<void(std::uint32_t)> fn)
        : owner(s)
        , fd(f)
        , on(std::move(fn)) {
        REQUIRE_FALSE(owner.watch(fd, EPOLLIN, *this));
    }
    void on_ready(std::uint32_t events) override { on(events); }
    void on_fault() override {
        ++faults;
        stop();
    }
    void stop() {
        if (std::exchange(watching, false))
            owner.unwatch(fd);
    }
    void read_all() const {
        char c[64];
        while (::recv(fd, c, sizeof c, 0) > 0) {
        }
    }

    shard& owner;
    int fd, faults = 0;
    bool watching = true;
    std::function<void(std::uint32_t)> on;
};

struct marked : turn_work {
    marked(shard& s, std::function<void()> f)
        : owner(s)
        , fn(std::move(f)) {}
    ~marked() { owner.unmark(*this); }
    void on_turn_end() override { fn(); }
    shard& owner;
    std::function<void()> fn;
};

} // namespace

TEST_CASE("an io_context has one shard, made on first use") {
    boost::asio::io_context one, two;
    CHECK(&shard::of(one) == &shard::of(one));
    CHECK(&shard::of(one) != &shard::of(two));
    CHECK(&shard::of(one).context() == &one);
    CHECK(shard::of(one).index() == 0);
    CHECK(one.run() == 0); // and it keeps no loop alive
}

TEST_CASE("a plain run serves what is watched, and ends when nothing is") {
    boost::asio::io_context ctx;
    auto& s = shard::of(ctx);
    socket_pair p, q;
    words log;
    watcher one(s, p.a(), [&](std::uint32_t) {
        log.push_back("one");
        one.stop();
    });
    int left = 3;
    watcher two(s, q.a(), [&](std::uint32_t e) {
        CHECK(e == EPOLLIN);
        two.read_all();
        log.push_back("two");
        if (--left == 0)
            two.stop();
        else
            ::send(q.b(), "x", 1, 0);
    });
    p.send("x");
    q.send("x");
    ctx.run();
    CHECK(std::count(log.begin(), log.end(), "one") == 1);
    CHECK(std::count(log.begin(), log.end(), "two") == 3);
}

TEST_CASE("a plain run ends though a deadline was armed and cancelled") {
    boost::asio::io_context ctx;
    auto& s = shard::of(ctx);
    socket_pair p;
    deadline d([](void*) { FAIL("never"); }, nullptr);
    watcher w(s, p.a(), [&](std::uint32_t) {
        d.cancel();
        w.stop();
    });
    s.deadlines().arm(d, std::chrono::hours(1));
    p.send("x");
    ctx.run();
    CHECK_FALSE(d.armed());
}

TEST_CASE("readiness stays until it is dealt with, and as long as it is wanted") {
    boost::asio::io_context ctx;
    auto& s = shard::of(ctx);
    socket_pair p;
    int calls = 0;
    watcher w(s, p.a(), [&](std::uint32_t) {
        if (++calls == 3)
            s.rewatch(p.a(), 0, w);
    });
    p.send("never read");
    for (int i = 0; i < 20; ++i)
        ctx.poll();
    CHECK(calls == 3);
    s.rewatch(p.a(), EPOLLIN | EPOLLOUT, w);
    w.on = [&](std::uint32_t e) {
        CHECK(e == (EPOLLIN | EPOLLOUT));
        w.stop();
    };
    ctx.run();
}

TEST_CASE("a descriptor that cannot be watched is an error, not an exception") {
    boost::asio::io_context ctx;
    struct nobody : poll_target {
        void on_ready(std::uint32_t) override {}
        void on_fault() override {}
    } n;
    CHECK(shard::of(ctx).watch(-1, EPOLLIN, n));
    CHECK(ctx.run() == 0);
}

TEST_CASE("work marked in a turn runs once, after everything that was ready") {
    boost::asio::io_context ctx;
    auto& s = shard::of(ctx);
    words log;
    marked end(s, [&] { log.push_back("end"); });
    s.post([&] {
        s.mark(end);
        log.push_back("a");
        s.post([&] { log.push_back("made ready by a"); });
    });
    s.post([&] {
        s.mark(end);
        s.mark(end);
        log.push_back("b");
    });
    ctx.run();
    CHECK(log == words{"a", "b", "made ready by a", "end"});
    s.mark(end);
    ctx.restart();
    ctx.run();
    CHECK(log.size() == 5);
}

TEST_CASE("marks may mark, unmark and destroy each other") {
    boost::asio::io_context ctx;
    auto& s = shard::of(ctx);
    words log;
    auto doomed = std::make_unique<marked>(s, [&] { log.push_back("doomed"); });
    marked second(s, [&] { log.push_back("second"); });
    marked never(s, [&] { log.push_back("never"); });
    marked first(s, [&] {
        log.push_back("first");
        doomed.reset();
        s.unmark(never);
        s.mark(second);
    });
    s.mark(first);
    s.mark(*doomed);
    s.mark(never);
    ctx.run();
    CHECK(log == words{"first", "second"});
}

TEST_CASE("work that marks itself for ever does not stop the loop from turning") {
    boost::asio::io_context ctx;
    auto& s = shard::of(ctx);
    int turns = 0;
    marked again(s, [&] {
        ++turns;
        s.mark(again);
    });
    s.mark(again);
    bool other = false;
    for (int i = 0; i < 1000 && !other; ++i) {
        if (i == 3)
            s.post([&] { other = true; });
        ctx.poll_one();
    }
    CHECK(other);
    CHECK(turns > 1);
}

TEST_CASE("what throws at the end of a turn is logged and costs the others nothing") {
    boost::asio::io_context ctx;
    auto& s = shard::of(ctx);
    captured_log log;
    s.set_logger(log.handle());
    int ran = 0;
    marked bad(s, [] { throw std::runtime_error("bad work"); });
    marked odd(s, [] { throw 42; });
    marked good(s, [&] { ++ran; });
    s.mark(bad);
    s.mark(odd);
    s.mark(good);
    ctx.run();
    CHECK(ran == 1);
    CHECK(log.count("net.turn.fault") == 2);
    CHECK(log.has("bad work"));
}

TEST_CASE("a watcher that throws ends, and only that one") {
    boost::asio::io_context ctx;
    auto& s = shard::of(ctx);
    captured_log log;
    s.set_logger(log.handle());
    socket_pair p, q, r;
    watcher bad(s, p.a(), [](std::uint32_t) { throw std::runtime_error("bad peer"); });
    watcher odd(s, q.a(), [](std::uint32_t) { throw "not an exception"; });
    int served = 0;
    watcher good(s, r.a(), [&](std::uint32_t) {
        ++served;
        good.stop();
    });
    for (auto* const pair : {&p, &q, &r})
        pair->send("x");
    ctx.run();
    CHECK(bad.faults == 1);
    CHECK(odd.faults == 1);
    CHECK(served == 1);
    CHECK(log.count("net.connection.fault") == 2);
}

TEST_CASE("what is reaped lives until the turn is over") {
    boost::asio::io_context ctx;
    auto& s = shard::of(ctx);
    words log;
    struct body {
        words& log;
        shard& s;
        int more;
        ~body() {
            log.push_back("gone");
            if (more > 0)
                s.reap(std::make_unique<body>(log, s, more - 1));
        }
        body(words& l, shard& sh, int m)
            : log(l)
            , s(sh)
            , more(m) {}
    };
    marked end(s, [&] { log.push_back("end"); });
    s.post([&] {
        s.reap(std::make_unique<body>(log, s, 2));
        s.mark(end);
        log.push_back("still here");
    });
    ctx.run();
    CHECK(log == words{"still here", "end", "gone", "gone", "gone"});
}

TEST_CASE("what was reaped or marked when the loop dies goes with it") {
    auto const alive = std::make_shared<int>(1);
    {
        boost::asio::io_context ctx;
        auto& s = shard::of(ctx);
        s.reap(std::make_unique<std::shared_ptr<int>>(alive));
        s.post([alive] {});
        CHECK(alive.use_count() == 3);
    }
    CHECK(alive.use_count() == 1);
}

TEST_CASE("dispatch runs at once on the shard, and is posted from elsewhere") {
    boost::asio::io_context ctx;
    auto& s = shard::of(ctx);
    words log;
    CHECK_FALSE(s.here());
    s.dispatch([&] {
        CHECK(s.here());
        log.push_back("outer");
        s.dispatch([&] { log.push_back("at once"); });
        s.post([&] { log.push_back("later"); });
        log.push_back("still outer");
    });
    CHECK(log.empty());
    ctx.run();
    CHECK(log == words{"outer", "at once", "still outer", "later"});
}

TEST_CASE("scratch memory does not overlap") {
    boost::asio::io_context ctx;
    auto& s = shard::of(ctx);
    CHECK(s.read_scratch().size() == shard::read_scratch_bytes);
    CHECK(s.write_scratch().size() == shard::write_scratch_bytes);
    s.text_scratch() = "left over";
    CHECK(s.text_scratch().empty());
}

TEST_CASE("a pool has its shards on threads of their own, numbered") {
    io_pool pool(3);
    CHECK(pool.size() == 3);
    CHECK(pool.shards().size() == 3);
    std::vector<std::promise<std::pair<std::thread::id, shard*>>> seen(3);
    for (std::size_t i = 0; i < 3; ++i)
        pool[i].post([&, i] { seen[i].set_value({std::this_thread::get_id(), shard::current()}); });
    pool.start();
    pool.start(); // once is enough
    std::vector<std::thread::id> ids;
    for (std::size_t i = 0; i < 3; ++i) {
        auto const [id, current] = seen[i].get_future().get();
        CHECK(current == &pool[i]);
        CHECK(current->index() == i);
        CHECK(std::find(ids.begin(), ids.end(), id) == ids.end());
        ids.push_back(id);
    }
    CHECK(shard::current() == nullptr);
    pool.stop();
    pool.stop();
}

TEST_CASE("a pool has one thread at least") {
    CHECK(io_pool(0).size() == 1);
}

TEST_CASE("a driven shard serves descriptors, turns and values from other threads") {
    io_pool pool(2);
    socket_pair p;
    std::promise<std::string> done;
    struct echo : poll_target, turn_work {
        shard& s;
        int fd;
        std::promise<std::string>& done;
        std::string got, order;
        echo(shard& sh, int f, std::promise<std::string>& d)
            : s(sh)
            , fd(f)
            , done(d) {}
        void on_ready(std::uint32_t) override {
            char c[16];
            auto const n = ::recv(fd, c, sizeof c, 0);
            if (n > 0)
                got.append(c, static_cast<std::size_t>(n));
            order += 'r';
            s.mark(*this);
        }
        void on_turn_end() override {
            order += 'e';
            if (got == "hello world") {
                s.unwatch(fd);
                done.set_value(order);
            }
        }
        void on_fault() override {}
    } target(pool[0], p.a(), done);
    pool.start();
    pool[0].post([&] { pool[0].watch(p.a(), EPOLLIN, target); });
    pool[1].post([&] { p.send("hello "); });
    pool[1].post([&] { p.send("world"); });
    auto const order = done.get_future().get();
    CHECK(order.ends_with("re"));
    CHECK(order.find("ee") == order.npos);
    pool.stop();
}

TEST_CASE("posts from many threads all arrive, in the order of each") {
    io_pool pool(1);
    pool.start();
    std::array<int, 4> last{};
    std::atomic<int> wrong = 0;
    std::vector<std::thread> all;
    for (std::size_t t = 0; t < last.size(); ++t)
        all.emplace_back([&, t] {
            for (int i = 1; i <= 2000; ++i)
                pool[0].post([&, t, i] { wrong += last[t]++ != i - 1; });
        });
    for (auto& t : all)
        t.join();
    std::promise<void> end;
    pool[0].post([&] { end.set_value(); });
    end.get_future().get();
    CHECK(wrong == 0);
    CHECK(last == std::array<int, 4>{2000, 2000, 2000, 2000});
}

TEST_CASE("a handler that throws ends neither its thread nor the work of its turn") {
    captured_log log;
    io_pool pool(1, log.handle());
    std::promise<void> flushed, after;
    marked end(pool[0], [&] { flushed.set_value(); });
    pool.start();
    pool[0].post([&] {
        pool[0].mark(end);
        throw std::runtime_error("bad handler");
    });
    flushed.get_future().get();
    pool[0].post([&] { after.set_value(); });
    after.get_future().get();
    pool.stop();
    CHECK(log.count("net.handler.fault") == 1);
}
