#include "redis_world.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

using namespace mad_test;
using boost::asio::ip::tcp;

TEST_CASE("nobody there: a command waits for its time, and the condition says why") {
    redis_world w;
    auto s = w.quick();
    s.command_timeout = milliseconds(80);
    auto& c = w.make("redis://127.0.0.1:1", s);
    w.play([](told_client& c1) -> story {
        auto const r = co_await c1.db->exec(command("PING"));
        CHECK(r.error() == error::timeout);
        auto const now = c1.db->condition();
        CHECK(now.state == state::down);
        CHECK(now.reason == error::unreachable);
        CHECK_THAT(now.text, Catch::Contains("127.0.0.1:1: Connection refused"));
        CHECK(now.since_wall_ms > 0);
    }(c));
}

TEST_CASE("a Redis that comes late, or again, is found") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    server.kill();
    w.play([](told_client& c1, redis_server& s) -> story {
        c1.db->connect();
        co_await c1.until(state::down); // as it begins
        auto const why = co_await c1.until(state::down);
        CHECK(why.reason == error::unreachable);
        s.restart();
        auto const got1 = co_await c1.ask(command("SET", "k", 1));
        CHECK(got1.ok());
        co_await c1.until(state::connected);
        for (int i = 0; i < 3; ++i) {
            s.restart();
            co_await c1.until(state::down);
            auto const got2 = co_await c1.ask(command("SET", "k", 1));
            CHECK(got2.ok());
            co_await c1.until(state::connected);
        }
    }(c, server));
    CHECK(w.log.count("redis.connected") == 4);
}

TEST_CASE("what was under way when the connection broke is an error, unless it may run twice") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](redis_world& w1, told_client& c1, redis_server& s) -> story {
        co_await c1.ask(command("PING"));
        s.freeze();
        inbox<std::string> answers(w1.ctx);
        auto const keep = [&](std::string name) {
            return [&answers, name](mad::result<reply> r) {
                answers.push(name + (r ? std::string(r->text()) : r.error().message()));
            };
        };
        auto const lost = make_error_code(error::connection_lost).message();
        c1.db->exec(command("GET", "k"), keep("a: "));
        c1.db->exec(command("PING", "twice").idempotent(), keep("b: "));
        // Out before it dies.
        boost::asio::steady_timer turn(w1.ctx, milliseconds(0));
        for (int i = 0; i < 5; ++i) {
            turn.expires_after(milliseconds(0));
            co_await turn.async_wait(boost::asio::use_awaitable);
        }
        s.kill();
        auto const got1 = co_await answers.next();
        CHECK(got1 == "a: " + lost);
        c1.db->exec(command("PING", "later"), keep("c: "));
        s.restart();
        auto const got2 = co_await answers.next();
        CHECK(got2 == "b: twice");
        auto const got3 = co_await answers.next();
        CHECK(got3 == "c: later");
    }(w, c, server));
}

TEST_CASE("a Redis that hangs costs the commands under way, and is taken back when it goes on") {
    redis_server server;
    redis_world w;
    auto s = w.quick();
    s.command_timeout = milliseconds(150);
    s.connect_timeout = milliseconds(150);
    auto& c = w.make(server.url(), s);
    w.play([](told_client& c1, redis_server& s1) -> story {
        co_await c1.until(state::down);
        auto const got1 = co_await c1.ask(command("SET", "k", 1));
        CHECK(got1.ok());
        co_await c1.until(state::connected);
        s1.freeze();
        auto const got2 = co_await c1.db->exec(command("GET", "k"));
        CHECK(got2.error() == error::timeout);
        auto const got3 = co_await c1.until(state::down);
        CHECK(got3.reason == error::timeout);
        auto const got4 = co_await c1.db->exec(command("GET", "k"));
        CHECK(got4.error() == error::timeout);
        s1.thaw();
        co_await c1.until(state::connected);
        auto const got5 = co_await c1.ask(command("GET", "k"));
        CHECK(got5.text() == "1");
    }(c, server));
}

TEST_CASE("an idle connection whose peer hangs is noticed by a PING") {
    redis_server server;
    redis_world w;
    auto s = w.quick();
    s.ping_interval = milliseconds(20);
    s.command_timeout = milliseconds(150);
    s.connect_timeout = milliseconds(150);
    auto& c = w.make(server.url(), s);
    w.play([](told_client& c1, redis_server& s1) -> story {
        c1.db->connect();
        co_await c1.until(state::connected);
        s1.freeze();
        auto const got1 = co_await c1.until(state::down);
        CHECK(got1.reason == error::timeout);
        s1.thaw();
        co_await c1.until(state::connected);
    }(c, server));
}

TEST_CASE("CLIENT KILL costs a reconnect and no more") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](told_client& c1, redis_server& s) -> story {
        c1.db->connect();
        for (int i = 0; i < 10; ++i) {
            co_await c1.until(state::connected);
            s.say("CLIENT KILL TYPE normal SKIPME yes");
            co_await c1.until(state::down);
        }
        auto const got1 = co_await c1.ask(command("PING"));
        CHECK(got1.text() == "PONG");
    }(c, server));
}

TEST_CASE("READONLY on an open connection: it reconnects, and the write comes through later") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](redis_world& w1, told_client& c1, redis_server& s) -> story {
        auto const got1 = co_await c1.ask(command("SET", "k", 1));
        CHECK(got1.ok());
        co_await c1.until(state::connected);
        s.say("REPLICAOF 127.0.0.1 1");
        inbox<reply> answers(w1.ctx);
        c1.db->exec(command("SET", "k", 2), [&](mad::result<reply> r) {
            answers.push(r ? *r : reply::make_error(r.error().message()));
        });
        c1.db->exec(command("GET", "k"), [&](mad::result<reply> r) {
            answers.push(r ? *r : reply::make_error(r.error().message()));
        });
        auto const got2 = co_await answers.next();
        CHECK(got2.text() == "1"); // what was served is served
        auto const got3 = co_await c1.until(state::down);
        CHECK(got3.reason == error::read_only);
        s.say("REPLICAOF NO ONE");
        auto const got4 = co_await answers.next();
        CHECK(got4.ok());
        auto const got5 = co_await c1.ask(command("GET", "k"));
        CHECK(got5.text() == "2");
    }(w, c, server));
}

TEST_CASE("a write that finds only a replica ends with its time") {
    redis_server server;
    server.say("REPLICAOF 127.0.0.1 1");
    redis_world w;
    auto s = w.quick();
    s.command_timeout = milliseconds(120);
    auto& c = w.make(server.url(), s);
    w.play([](told_client& c1) -> story {
        auto const got1 = co_await c1.db->exec(command("SET", "k", 1));
        CHECK(got1.error() == error::timeout);
        redis::pipeline p;
        p.add("SET", "k", 1);
        auto const whole = co_await c1.db->transaction(p);
        CHECK(whole.has_error());
        CHECK((whole.error() == error::read_only || whole.error() == error::timeout));
    }(c));
}

TEST_CASE("a full memory degrades, and is well again when the same command works") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url());
    w.play([](told_client& c1, redis_server& s) -> story {
        co_await c1.ask(command("PING"));
        s.say("CONFIG SET maxmemory 1");
        auto const got1 = co_await c1.ask(command("SET", "k", 1));
        CHECK(got1.code() == error::out_of_memory);
        auto const now = co_await c1.until(state::degraded);
        CHECK(now.reason == error::out_of_memory);
        CHECK_THAT(now.text, Catch::StartsWith("OOM "));
        co_await c1.ask(command("GET", "k"));
        CHECK(c1.db->condition().state == state::degraded);
        s.say("CONFIG SET maxmemory 0");
        auto const got2 = co_await c1.ask(command("SET", "k", 1));
        CHECK(got2.ok());
        CHECK(c1.db->condition().state == state::connected);
    }(c, server));
}

TEST_CASE("passwords and users") {
    redis_server server({"--requirepass", "secret", "--user", "mad", "on", ">p@ss", "~mad:*",
                         "&mad:*", "-@all", "+get", "+set"});
    server.set_greeting("AUTH secret");
    redis_world w;

    SECTION("the right ones get in") {
        auto const who = GENERATE(as<std::string>(), ":secret@", "default:secret@", "mad:p%40ss@");
        auto& c = w.make("redis://" + who + server.url().substr(8));
        w.play([](told_client& c1) -> story {
            auto const got1 = co_await c1.ask(command("SET", "mad:k", 1));
            CHECK(got1.ok());
        }(c));
    }
    SECTION("wrong ones are named, refused at once, and not tried in haste") {
        struct row {
            std::string who;
            error expected;
        };
        auto const r = GENERATE(values<row>({
            {"", error::no_auth},
            {":wrong@", error::wrong_password},
            {"mad:wrong@", error::wrong_password},
            {"nobody:p@", error::wrong_password},
        }));
        auto& c = w.make("redis://" + r.who + server.url().substr(8));
        w.play([](told_client& c1, error expected) -> story {
            auto const got2 = co_await c1.db->exec(command("PING"));
            CHECK(got2.error() == expected);
            auto const now = c1.db->condition();
            CHECK(now.state == state::down);
            CHECK(now.reason == expected);
            CHECK_FALSE(now.text.empty());
            auto const got3 = co_await c1.db->exec(command("PING"));
            CHECK(got3.error() == expected);
        }(c, r.expected));
        CHECK(w.log.count("redis.node.down") == 1);
        CHECK_FALSE(w.log.has("wrong@"));
    }
    SECTION("a right that is missing is an answer, and degrades") {
        auto& c = w.make("redis://mad:p%40ss@" + server.url().substr(8));
        w.play([](told_client& c1) -> story {
            auto const got4 = co_await c1.ask(command("SET", "other", 1));
            CHECK(got4.code() == error::no_permission);
            CHECK(c1.db->condition().reason == error::no_permission);
            auto const got5 = co_await c1.ask(command("SET", "mad:k", 1));
            CHECK(got5.ok());
            CHECK(c1.db->condition().state == state::connected);
        }(c));
    }
    SECTION("a password that changes is read from its file") {
        temp_folder folder;
        folder.write("secret", "secret\n");
        auto& c = w.make(server.url("?password_file=" + folder.file("secret")));
        w.play([](told_client& c1, redis_server& s, temp_folder& f) -> story {
            auto const got6 = co_await c1.ask(command("PING"));
            CHECK(got6.text() == "PONG");
            co_await c1.until(state::connected);
            s.say("CONFIG SET requirepass other");
            f.write("secret", "other\n");
            s.set_greeting("AUTH other");
            s.say("CLIENT KILL TYPE normal SKIPME yes");
            co_await c1.until(state::connected);
            auto const got7 = co_await c1.ask(command("PING"));
            CHECK(got7.text() == "PONG");
        }(c, server, folder));
    }
    SECTION("a password file that is not there") {
        auto& c = w.make(server.url("?password_file=/nonexistent/secret"));
        w.play([](told_client& c1) -> story {
            auto const got8 = co_await c1.db->exec(command("PING"));
            CHECK(got8.error() == error::password_unreadable);
        }(c));
    }
}

TEST_CASE("a peer that is no Redis is told apart") {
    struct row {
        char const* says;
        error expected;
    };
    auto const r = GENERATE(values<row>({
        {"HTTP/1.1 400 Bad Request\r\n\r\n", error::bad_reply},
        {"$9000000\r\n0123456789", error::unreachable},
        {"", error::unreachable},
        {"-LOADING Redis is loading the dataset in memory\r\n", error::loading},
        {"-DENIED Redis is running in protected mode\r\n", error::no_permission},
    }));
    CAPTURE(r.says);
    redis_world w;
    tcp::acceptor acceptor(w.ctx, {boost::asio::ip::address_v4::loopback(), 0});
    auto& c = w.make("redis://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()));
    w.play([](told_client& c1, tcp::acceptor& a, row const& says) -> story {
        c1.db->connect();
        co_await c1.until(state::down); // as it begins
        auto s = co_await a.async_accept(boost::asio::use_awaitable);
        co_await boost::asio::async_write(s, boost::asio::buffer(std::string(says.says)),
                                          boost::asio::use_awaitable);
        s.shutdown(tcp::socket::shutdown_send);
        auto const now = co_await c1.until(state::down);
        CHECK(now.reason == says.expected);
    }(c, acceptor, r));
}

TEST_CASE("a peer that accepts and says nothing is left in time") {
    redis_world w;
    auto s = w.quick();
    s.connect_timeout = milliseconds(60);
    tcp::acceptor acceptor(w.ctx, {boost::asio::ip::address_v4::loopback(), 0});
    auto& c = w.make("redis://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()), s);
    w.play([](told_client& c1) -> story {
        c1.db->connect();
        co_await c1.until(state::down); // as it begins
        auto const got1 = co_await c1.until(state::down);
        CHECK(got1.reason == error::timeout);
    }(c));
}

TEST_CASE("RESP3 is used where hiredis has it, and refused where not") {
    redis_server server;
    redis_world w;
    auto& c = w.make(server.url("?protocol=3"));
    w.play([](told_client& c1) -> story {
        auto const r = co_await c1.db->exec(command("CONFIG", "GET", "maxmemory"));
        if (redis::decoder::speaks_resp3()) {
            CHECK(r.value().kind() == redis::reply_kind::map);
            CHECK(r.value().find("maxmemory")->text() == "0");
        } else {
            CHECK(r.error() == error::unsupported_protocol);
        }
    }(c));
}
