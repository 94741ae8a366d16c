#include "support.hpp"

#include <mad/host/sample_feed.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <optional>
#include <stdexcept>
#include <thread>

using namespace host_test;
using host::sample_feed;

namespace {

struct feed_world {
    /// Runs until `n` samples have come; not longer than 20 s.
    void run_until(int n) {
        auto const end = std::chrono::steady_clock::now() + 20s;
        while (count < n && std::chrono::steady_clock::now() < end)
            ioc.run_one_until(end);
        REQUIRE(count >= n);
    }

    sample_feed::callback counted(std::function<void(host::sample const&)> then = nullptr) {
        return [this, then](host::sample const& s) {
            ++count;
            if (then)
                then(s);
        };
    }

    static host::sampler_settings each(milliseconds interval) {
        host::sampler_settings s;
        s.interval = interval;
        return s;
    }

    boost::asio::io_context ioc;
    int count = 0;
};

} // namespace

TEST_CASE("a feed's first sample has rates, and others follow") {
    feed_world w;
    std::vector<bool> rates;
    sample_feed feed(w.ioc.get_executor(), w.each(200ms),
                     w.counted([&](auto const& s) { rates.push_back(s.cpu.has_value()); }));
    CHECK_FALSE(feed.running());
    feed.start();
    feed.start(); // twice is once
    CHECK(feed.running());
    CHECK(w.count == 0);
    w.run_until(4);
    CHECK(rates.front());
}

TEST_CASE("times that a feed missed are left out") {
    feed_world w;
    int at_once = 0;
    sample_feed feed(w.ioc.get_executor(), w.each(200ms), w.counted([&](auto const&) {
        if (w.count != 2)
            return;
        // The machine was away for more than three intervals.
        auto const until = std::chrono::steady_clock::now() + 700ms;
        while (std::chrono::steady_clock::now() < until)
            std::this_thread::yield();
        boost::asio::post(w.ioc, [&] { at_once = w.count; });
    }));
    feed.start();
    w.run_until(4);
    CHECK(at_once <= 3);
    CHECK(feed.skipped() >= 2);
}

TEST_CASE("a callback may end its feed") {
    feed_world w;
    std::optional<sample_feed> feed;
    SECTION("by stopping it") {
        feed.emplace(w.ioc.get_executor(), w.each(200ms),
                     w.counted([&](auto const&) { feed->stop(); }));
        feed->start();
        w.ioc.run_for(20s); // returns as soon as nothing is left to do
        CHECK(w.count == 1);
        CHECK_FALSE(feed->running());
        w.ioc.restart();
        feed->start();
        w.ioc.run_for(20s);
        CHECK(w.count == 2);
    }
    SECTION("by destroying it") {
        feed.emplace(w.ioc.get_executor(), w.each(200ms),
                     w.counted([&](auto const&) { feed.reset(); }));
        feed->start();
        w.ioc.run_for(20s);
        CHECK(w.count == 1);
    }
    SECTION("by an exception, which it outlives") {
        feed.emplace(w.ioc.get_executor(), w.each(200ms), w.counted([&](auto const&) {
            if (w.count == 1)
                throw std::runtime_error("told");
            feed->stop();
        }));
        feed->start();
        CHECK_THROWS_WITH(w.ioc.run_for(20s), "told");
        w.ioc.run_for(20s);
        CHECK(w.count == 2);
    }
}

TEST_CASE("stopping and starting at once gives one row of samples, not two") {
    feed_world w;
    sample_feed feed(w.ioc.get_executor(), w.each(60s), w.counted());
    for (int i = 0; i < 5; ++i) {
        feed.start();
        feed.stop();
    }
    feed.start();
    w.run_until(1);
    w.ioc.poll();
    CHECK(w.count == 1);
}

TEST_CASE("a feed that moved goes on") {
    feed_world w;
    sample_feed first(w.ioc.get_executor(), w.each(200ms), w.counted());
    first.start();
    sample_feed second(std::move(first));
    w.run_until(1);
    second = sample_feed(w.ioc.get_executor(), w.each(200ms), w.counted());
    w.ioc.run_for(20s); // the one that ran is gone, the new one was not started
    CHECK(w.count == 1);
}

TEST_CASE("a feed refuses what cannot work") {
    feed_world w;
    CHECK_THROWS_AS(sample_feed(w.ioc.get_executor(), w.each(199ms), w.counted()),
                    std::invalid_argument);
    CHECK_THROWS_AS(sample_feed(w.ioc.get_executor(), w.each(200ms), nullptr),
                    std::invalid_argument);
}
