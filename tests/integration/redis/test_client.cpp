#include "redis_world.hpp"

#include <mad/net/io_pool.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

using namespace mad_test;

namespace {

/// A number from INFO.
long info(redis_server& server, std::string const& name) {
    auto const text = server.say("INFO stats");
    auto const at = text.find(name + ':');
    REQUIRE(at != text.npos);
    return std::stol(text.substr(at + name.size() + 1));
}

} // namespace

TEST_CASE("commands are answered, each in its kind and in order") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](told_client& c1) -> story {
        auto const got1 = co_await c1.ask(command("SET", "k", "v"));
        CHECK(got1.ok());
        auto const got2 = co_await c1.ask(command("GET", "k"));
        CHECK(got2.text() == "v");
        auto const got3 = co_await c1.ask(command("GET", "none"));
        CHECK(got3.is_nil());
        auto const got4 = co_await c1.ask(command("INCRBY", "n", -5));
        CHECK(got4.integer() == -5);
        auto const list = co_await c1.ask(command("MGET", "k", "none", "n"));
        REQUIRE(list.size() == 3);
        CHECK(list[0].text() == "v");
        CHECK(list[1].is_nil());
        CHECK(list[2].as_integer() == -5);
        auto const got5 = co_await c1.ask(command("HSET", "k", "f", "v"));
        CHECK(got5.code() == error::server);
        auto const got6 = co_await c1.ask(command("NOSUCH"));
        CHECK(got6.is_error());
        auto const c2 = c1.db->condition();
        CHECK(c2.state == state::connected);
        CHECK(c1.db->queued() == 0);
    }(c));
    CHECK(w.log.count("redis.connected") == 1);
}

TEST_CASE("any bytes go both ways, however many") {
    auto const size = GENERATE(0u, 100u, 70'000u, 5'000'000u);
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](told_client& c1, std::size_t n) -> story {
        std::string value(n, '\0');
        for (std::size_t i = 0; i < n; ++i)
            value[i] = static_cast<char>(i * 31);
        auto const got1 = co_await c1.ask(command("SET", "k\r\n", value));
        CHECK(got1.ok());
        auto const got = co_await c1.ask(command("GET", "k\r\n"));
        CHECK(got.text() == value);
    }(c, size));
}

TEST_CASE("what is called in one turn leaves in one write, and is answered in order") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](redis_world& w1, told_client& c1, redis_server& s) -> story {
        co_await c1.ask(command("PING"));
        auto const before = info(s, "total_reads_processed");
        inbox<std::int64_t> answers(w1.ctx);
        for (int i = 0; i < 200; ++i)
            c1.db->exec(command("INCR", "n"),
                        [&](mad::result<reply> r) { answers.push(r ? r->integer() : -1); });
        redis::pipeline p;
        for (int i = 0; i < 50; ++i)
            p.add("INCR", "n");
        auto const rest = co_await c1.db->exec(std::move(p));
        for (int i = 1; i <= 200; ++i) {
            auto const got1 = co_await answers.next();
            CHECK(got1 == i);
        }
        REQUIRE(rest);
        REQUIRE(rest->size() == 50);
        CHECK(rest->back().integer() == 250);
        // Ours, and the two questions.
        CHECK(info(s, "total_reads_processed") - before <= 3);
    }(w, c, server));
}

TEST_CASE("a pipeline gives an answer for each command, errors among them") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](told_client& c1) -> story {
        redis::pipeline p;
        p.add("SET", "k", 1).add("HGET", "k", "f").add("INCR", "k");
        auto const r = co_await c1.db->exec(p);
        REQUIRE(r);
        REQUIRE(r->size() == 3);
        CHECK((*r)[0].ok());
        CHECK((*r)[1].is_error());
        CHECK((*r)[2].integer() == 2);
        auto const none = co_await c1.db->exec(redis::pipeline());
        REQUIRE(none);
        CHECK(none->empty());
    }(c));
}

TEST_CASE("a transaction runs whole or not at all") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](told_client& c1) -> story {
        redis::pipeline p;
        p.add("SET", "k", 1).add("INCR", "k");
        auto const r = co_await c1.db->transaction(p);
        REQUIRE(r);
        REQUIRE(r->size() == 2);
        CHECK((*r)[1].integer() == 2);
        redis::pipeline bad;
        bad.add("INCR", "k").add("INCR");
        auto const refused = co_await c1.db->transaction(bad);
        CHECK(refused.has_error());
        CHECK(refused.error() == error::exec_abort);
        auto const got1 = co_await c1.ask(command("GET", "k"));
        CHECK(got1.text() == "2");
    }(c));
}

TEST_CASE("a script runs by its digest, and by its text where it is unknown") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](told_client& c1, redis_server& s) -> story {
        redis::script const add("return redis.call('INCRBY', KEYS[1], ARGV[1])");
        std::vector<std::string> const keys{"n"}, args{"5"}, none;
        auto const first = co_await c1.db->eval(add, keys, args);
        REQUIRE(first);
        CHECK(first->integer() == 5);
        auto const second = co_await c1.db->eval(add, keys, args);
        CHECK(second.value().integer() == 10);
        s.say("SCRIPT FLUSH");
        auto const third = co_await c1.db->eval(add, keys, args);
        CHECK(third.value().integer() == 15);
        auto const wrong = co_await c1.db->eval(redis::script("return nosuch()"), none, none);
        CHECK(wrong.value().is_error());
    }(c, server));
}

TEST_CASE("calls may come from any thread") {
    redis_server server;
    mad::net::io_pool pool(1);
    {
        redis::client db(pool[0], redis::parse_url(server.url()).value());
        pool.start();
        std::promise<std::int64_t> sum;
        std::atomic<int> left = 400;
        std::atomic<std::int64_t> most = 0;
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 100; ++i)
                    db.exec(command("INCR", "n"), [&](mad::result<reply> r) {
                        most = std::max(most.load(), r ? r->integer() : 0);
                        if (--left == 0)
                            sum.set_value(most);
                    });
            });
        for (auto& t : threads)
            t.join();
        auto answer = sum.get_future();
        REQUIRE(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
        CHECK(answer.get() == 400);
        CHECK(db.condition().state == state::connected);
    }
    pool.stop();
}

TEST_CASE("the database and the name of a URL are used, and a unix socket serves as well") {
    redis_server server;
    redis_world w;
    bool const local = GENERATE(false, true);
    auto const url = local ? "unix://" + server.socket() + "?db=3&client_name=me"
                           : server.url("/3?client_name=me");
    auto& c = w.make(url);
    w.play([](told_client& c1) -> story {
        auto const all = co_await c1.ask(command("CLIENT", "LIST"));
        std::string const text(all.text());
        auto const me = text.substr(std::min(text.find(" name=me "), text.size()));
        CHECK_THAT(me.substr(0, me.find('\n')), Catch::Contains(" db=3 "));
    }(c));
}

TEST_CASE("more than may wait is refused at once") {
    redis_server server;
    redis_world w;
    auto s = w.quick();
    bool const bytes = GENERATE(false, true);
    if (bytes)
        s.max_queued_bytes = 60;
    else
        s.max_queued_commands = 2;
    auto& c = w.make(server.url(), s);
    w.play([](redis_world& w1, told_client& c1) -> story {
        inbox<std::string> answers(w1.ctx);
        for (int i = 0; i < 3; ++i)
            c1.db->exec(command("INCR", "n"), [&](mad::result<reply> r) {
                answers.push(r ? std::to_string(r->integer()) : r.error().message());
            });
        CHECK(answers.empty()); // never from inside the call
        auto const got1 = co_await answers.next();
        CHECK(got1 == make_error_code(error::queue_full).message());
        auto const got2 = co_await answers.next();
        CHECK(got2 == "1");
        auto const got3 = co_await answers.next();
        CHECK(got3 == "2");
        redis::pipeline p;
        p.add("INCR", "n").add("INCR", "n").add("INCR", "n");
        auto const got4 = co_await c1.db->exec(p);
        CHECK(got4.error() == error::queue_full);
        auto const got5 = co_await c1.db->transaction(p);
        CHECK(got5.error() == error::queue_full);
        auto const got6 = co_await c1.ask(command("GET", "n"));
        CHECK(got6.text() == "2");
    }(w, c));
}

TEST_CASE("whoever waits when the client is closed is told, and so is who comes later") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](redis_world& w1, told_client& c1) -> story {
        co_await c1.ask(command("PING"));
        inbox<mad::error_code> answers(w1.ctx);
        auto const keep = [&](mad::result<reply> r) {
            answers.push(r ? mad::error_code() : r.error());
        };
        c1.db->exec(command("BLPOP", "none", 0), keep);
        c1.db->exec(command("PING"), keep);
        c1.db->close();
        c1.db->exec(command("PING"), keep);
        for (int i = 0; i < 3; ++i) {
            auto const got1 = co_await answers.next();
            CHECK(got1 == error::closed);
        }
        auto const got2 = co_await c1.db->exec(redis::pipeline().add("PING"));
        CHECK(got2.error() == error::closed);
        CHECK(c1.db->condition().reason == error::closed);
        CHECK(c1.db->queued() == 0);
    }(w, c));
}

TEST_CASE("a handler may destroy the client, and may throw") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](redis_world& w1, told_client& c1) -> story {
        inbox<int> ended(w1.ctx);
        c1.db->exec(command("PING"),
                    [](mad::result<reply> const&) { throw std::runtime_error("no"); });
        c1.db->exec(command("PING"), [&](mad::result<reply> r) {
            CHECK(r);
            c1.db.reset();
        });
        c1.db->exec(command("PING"), [&](mad::result<reply> r) {
            CHECK(r.error() == error::closed);
            ended.push(1);
        });
        co_await ended.next();
    }(w, c));
}

TEST_CASE("a client that never did anything leaves nothing behind") {
    redis_world w;
    w.make("redis://127.0.0.1:1");
    w.listen("redis://127.0.0.1:1");
    w.play([]() -> story { co_return; }());
}
