#include <mad/net/deadline.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace mad;
using namespace mad::net;

namespace {

/// Something that waits, and writes its name down when its time has come.
struct waiter {
    waiter(std::string n, std::vector<std::string>& l)
        : name(std::move(n))
        , log(l) {}

    std::string name;
    std::vector<std::string>& log;
    deadline at{[](void* p) {
                    auto& self = *static_cast<waiter*>(p);
                    self.log.push_back(self.name);
                },
                this};
};

struct fixture {
    boost::asio::io_context ctx;
    deadline_queue queue{ctx};
    std::vector<std::string> log;
};

constexpr milliseconds soon{1}, later{3}, hours{3'600'000};

} // namespace

TEST_CASE_METHOD(fixture, "deadlines fire once, in order, and then nothing keeps the loop") {
    waiter c("c", log), a("a", log), b("b", log);
    queue.arm(a.at, soon);
    queue.arm(c.at, later);
    queue.arm(b.at, soon);
    CHECK(a.at.armed());
    ctx.run();
    CHECK(log == std::vector<std::string>{"a", "b", "c"});
    CHECK_FALSE(a.at.armed());
    ctx.restart();
    CHECK(ctx.run() == 0);
}

TEST_CASE_METHOD(fixture, "nothing fires before its time") {
    waiter a("a", log);
    auto const before = std::chrono::steady_clock::now();
    queue.arm(a.at, later);
    CHECK(a.at.at() >= before + later);
    ctx.run();
    CHECK(std::chrono::steady_clock::now() >= before + later);
    CHECK(log.size() == 1);
}

TEST_CASE_METHOD(fixture, "a cancelled deadline does not fire, nor does one whose owner has gone") {
    waiter a("a", log), b("b", log);
    auto gone = std::make_unique<waiter>("gone", log);
    queue.arm(a.at, soon);
    queue.arm(gone->at, soon);
    queue.arm(b.at, soon);
    a.at.cancel();
    a.at.cancel();
    gone.reset();
    ctx.run();
    CHECK(log == std::vector<std::string>{"b"});
}

TEST_CASE_METHOD(fixture, "arming again moves a deadline") {
    waiter a("a", log), b("b", log);
    queue.arm(a.at, hours);
    queue.arm(b.at, soon);
    queue.arm(a.at, soon); // now behind b
    ctx.run();
    CHECK(log == std::vector<std::string>{"b", "a"});
}

TEST_CASE_METHOD(fixture, "a callback may arm itself again, and others of any length") {
    struct again {
        fixture& f;
        int left = 3;
        deadline at{[](void* p) {
                        auto& self = *static_cast<again*>(p);
                        self.f.log.push_back(std::to_string(self.left));
                        if (--self.left > 0)
                            self.f.queue.arm(self.at, milliseconds(self.left));
                    },
                    this};
    } a{*this};
    queue.arm(a.at, soon);
    ctx.run();
    CHECK(log == std::vector<std::string>{"3", "2", "1"});
}

TEST_CASE_METHOD(fixture, "a callback may cancel the next and destroy itself") {
    struct killer {
        std::unique_ptr<waiter>& a;
        std::unique_ptr<waiter>& b;
        deadline at{[](void* p) {
                        auto& self = *static_cast<killer*>(p);
                        self.a.reset();
                        self.b.reset();
                    },
                    this};
    };
    auto a = std::make_unique<waiter>("a", log), b = std::make_unique<waiter>("b", log);
    killer k{a, b};
    waiter c("c", log);
    queue.arm(k.at, soon);
    queue.arm(a->at, soon);
    queue.arm(b->at, later);
    queue.arm(c.at, later);
    ctx.run();
    CHECK(log == std::vector<std::string>{"c"});
}

TEST_CASE_METHOD(fixture, "a callback that throws costs the others nothing") {
    deadline bad([](void*) { throw std::runtime_error("bad"); }, nullptr);
    waiter a("a", log), b("b", log);
    queue.arm(bad, soon);
    queue.arm(a.at, soon);
    queue.arm(b.at, later);
    CHECK_THROWS_WITH(ctx.run(), "bad");
    ctx.run();
    CHECK(log == std::vector<std::string>{"a", "b"});
}

TEST_CASE_METHOD(fixture, "a queue that rests lets the loop end, and wakes again") {
    waiter a("a", log), b("b", log);
    queue.arm(a.at, hours);
    queue.settle(); // something is armed: nothing happens
    CHECK(ctx.poll() == 0);
    CHECK_FALSE(ctx.stopped());
    a.at.cancel();
    queue.settle();
    ctx.run(); // would take hours else
    CHECK(log.empty());

    ctx.restart();
    queue.arm(b.at, soon);
    ctx.run();
    CHECK(log == std::vector<std::string>{"b"});
}

TEST_CASE_METHOD(fixture, "a stopped queue fires nothing and takes nothing") {
    waiter a("a", log), b("b", log);
    queue.arm(a.at, soon);
    queue.stop();
    queue.arm(b.at, soon);
    CHECK_FALSE(b.at.armed());
    ctx.run();
    CHECK(log.empty());
}

TEST_CASE("a deadline may outlive its queue") {
    std::vector<std::string> log;
    waiter a("a", log), b("b", log);
    {
        boost::asio::io_context ctx;
        deadline_queue queue(ctx);
        queue.arm(a.at, hours);
        queue.arm(b.at, hours);
    }
    CHECK_FALSE(a.at.armed());
    b.at.cancel();
    CHECK(log.empty());
}
