#include <mad/fleet/redis_ledger.hpp>
#include <mad/net/io_pool.hpp>

#include <support/raw_client.hpp>
#include <support/redis_server.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <mutex>

using namespace mad::fleet;
using namespace mad_test;
using namespace std::chrono_literals;

namespace {

/// A node's ledger on a thread of its own.
class node {
  public:
    node(std::string const& url, std::string const& name) {
        redis_ledger_settings s;
        s.node = name;
        s.redis = mad::redis::parse_url(url).value();
        s.connection.connect_timeout = 500ms;
        s.connection.command_timeout = 1000ms;
        s.connection.ping_interval = 500ms;
        s.connection.backoff = {20ms, 200ms};
        s.look = 100ms;
        ledger_ = make_redis_ledger(std::move(s));
        ledger_watch w;
        w.changed = [this](std::string_view table, std::string_view field,
                           std::optional<std::string_view> value) {
            std::lock_guard const lock(mutex_);
            ++changes_[std::string(table) + "/" + std::string(field) + "=" +
                       std::string(value.value_or("-"))];
        };
        w.heard = [this](std::string_view m) {
            std::lock_guard const lock(mutex_);
            heard_ += m;
        };
        w.ready = [this](bool r) { ready_ = r; };
        pool_[0].post([this, w = std::move(w)] { ledger_->start(pool_[0], w); });
        pool_.start();
    }
    ~node() {
        there([this] { ledger_.reset(); });
        pool_.stop();
    }

    void there(std::function<void()> fn) {
        std::atomic<bool> done{false};
        pool_[0].post([&] {
            fn();
            done = true;
        });
        if (!wait_until([&] { return done.load(); }))
            throw std::runtime_error("the thread hangs");
    }
    void put(std::string const& field, std::string const& value) {
        there([&] { ledger_->put("told", field, value); });
    }
    void erase(std::string const& field) {
        there([&] { ledger_->erase("told", field); });
    }
    std::string get(std::string const& field) {
        std::string out = "-";
        there([&] {
            if (auto const* const v = ledger_->find("told", field))
                out = *v;
        });
        return out;
    }
    bool shows(std::string const& field, std::string const& value) {
        return wait_until([&] { return get(field) == value; });
    }
    std::size_t size() {
        std::size_t n = 0;
        there([&] { n = ledger_->size("told"); });
        return n;
    }
    void swap(std::string const& field, std::optional<std::string> expected, std::string value,
              std::function<void(mad::result<bool>)> done) {
        pool_[0].post([this, field, expected, value, done = std::move(done)] {
            ledger_->swap("told", field, expected, value, done);
        });
    }
    void tell(std::string const& m) {
        there([&] { ledger_->tell(m); });
    }
    bool await_ready(bool wanted = true) {
        return wait_until([&] { return ready_ == wanted; });
    }
    std::string heard() {
        std::lock_guard const lock(mutex_);
        return heard_;
    }
    int changes(std::string const& what) {
        std::lock_guard const lock(mutex_);
        return changes_[what];
    }

  private:
    mad::net::io_pool pool_{1};
    std::unique_ptr<ledger> ledger_;
    std::mutex mutex_;
    std::map<std::string, int> changes_;
    std::string heard_;
    std::atomic<bool> ready_{false};
};

} // namespace

TEST_CASE("what one node writes all have, those that come later too") {
    redis_server r;
    node a(r.url(), "a"), b(r.url(), "b");
    REQUIRE(a.await_ready());
    REQUIRE(b.await_ready());
    a.put("web-1", "crit");
    CHECK(a.get("web-1") == "crit");
    CHECK(b.shows("web-1", "crit"));
    b.put("web-1", "ok");
    b.put("web-2", "\"quoted\" \xe2\x82\xac\n");
    CHECK(a.shows("web-1", "ok"));
    CHECK(a.shows("web-2", "\"quoted\" \xe2\x82\xac\n"));
    a.erase("web-1");
    CHECK(b.shows("web-1", "-"));
    node c(r.url(), "c");
    CHECK(c.shows("web-2", "\"quoted\" \xe2\x82\xac\n"));
    CHECK(c.get("web-1") == "-");
    CHECK(a.changes("told/web-1=crit") == 0); // who wrote it knows
    CHECK(b.changes("told/web-1=crit") == 1);
}

TEST_CASE("what is told reaches the others and is kept nowhere") {
    redis_server r;
    node a(r.url(), "a"), b(r.url(), "b");
    REQUIRE(a.await_ready());
    REQUIRE(b.await_ready());
    a.tell("hello \"b\"");
    CHECK(wait_until([&] { return b.heard() == "hello \"b\""; }));
    CHECK(a.heard().empty());
}

TEST_CASE("of all that swap a row at the same time one wins") {
    redis_server r;
    node a(r.url(), "a"), b(r.url(), "b"), c(r.url(), "c");
    for (auto* const n : {&a, &b, &c})
        REQUIRE(n->await_ready());
    std::atomic<int> won{0}, answers{0};
    constexpr int rounds = 50;
    for (int i = 0; i < rounds; ++i)
        for (auto* const n : {&a, &b, &c})
            n->swap("web-" + std::to_string(i), std::nullopt, "crit", [&](mad::result<bool> w) {
                won += w && *w ? 1 : 0;
                ++answers;
            });
    REQUIRE(wait_until([&] { return answers == 3 * rounds; }));
    CHECK(won == rounds);
    CHECK(wait_until([&] { return c.size() == rounds && a.size() == rounds; }));
}

TEST_CASE("what is written while Redis is away is there when it is back") {
    redis_server r;
    node a(r.url(), "a"), b(r.url(), "b");
    REQUIRE(a.await_ready());
    REQUIRE(b.await_ready());
    a.put("kept", "1");
    CHECK(b.shows("kept", "1"));
    r.kill();
    REQUIRE(a.await_ready(false));
    a.put("while-away", "2");
    b.put("of-b", "3");
    CHECK(a.get("while-away") == "2");
    std::optional<bool> swapped;
    std::atomic<bool> answered{false};
    a.swap("s", std::nullopt, "x", [&](mad::result<bool> w) {
        swapped = w.has_value();
        answered = true;
    });
    REQUIRE(wait_until([&] { return answered.load(); }));
    CHECK(swapped == false); // nobody knows
    r.restart();             // empty: it keeps nothing
    REQUIRE(a.await_ready());
    REQUIRE(b.await_ready());
    for (auto* const n : {&a, &b}) {
        CHECK(n->shows("kept", "1"));
        CHECK(n->shows("while-away", "2"));
        CHECK(n->shows("of-b", "3"));
    }
    node late(r.url(), "late");
    CHECK(late.shows("kept", "1"));
}

TEST_CASE("a Redis that loses its data while it runs is given it again") {
    redis_server r;
    node a(r.url(), "a"), b(r.url(), "b");
    REQUIRE(a.await_ready());
    a.put("kept", "1");
    CHECK(b.shows("kept", "1"));
    r.say("FLUSHALL");
    node late(r.url(), "late");
    CHECK(late.shows("kept", "1"));
    CHECK(a.get("kept") == "1");
    CHECK(b.get("kept") == "1");
}

TEST_CASE("a node that was cut off reads what it has missed") {
    redis_server r;
    node a(r.url(), "a"), b(r.url(), "b");
    REQUIRE(a.await_ready());
    REQUIRE(b.await_ready());
    a.put("goes", "1");
    CHECK(b.shows("goes", "1"));
    for (int i = 0; i < 20; ++i) {
        a.put("n", std::to_string(i));
        if (i % 5 == 0)
            r.say("CLIENT KILL TYPE pubsub");
    }
    a.erase("goes");
    CHECK(b.shows("n", "19"));
    CHECK(b.shows("goes", "-"));
}

TEST_CASE("many rows go in few steps") {
    redis_server r;
    node a(r.url(), "a"), b(r.url(), "b");
    REQUIRE(a.await_ready());
    REQUIRE(b.await_ready());
    a.there([&] {});
    for (int i = 0; i < 3000; ++i)
        a.put("host-" + std::to_string(i), std::string(200, 'x'));
    CHECK(wait_until([&] { return b.size() == 3000; }));
    node late(r.url(), "late");
    CHECK(wait_until([&] { return late.size() == 3000; }));
}
