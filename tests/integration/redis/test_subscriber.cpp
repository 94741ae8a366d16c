#include "redis_world.hpp"

#include <support/skip.hpp>

#include <algorithm>

using namespace mad_test;

TEST_CASE("channels and patterns are heard") {
    redis_server server;
    redis_world w;
    auto& l = w.listen(server.url());
    auto& c = w.make(server.url());
    w.play([](told_client& c1, told_subscriber& l1) -> story {
        l1.sub->subscribe("news", l1.hear(), l1.answer());
        l1.sub->psubscribe("news.*", l1.hear(), l1.answer());
        for (int i = 0; i < 2; ++i) {
            auto const got = co_await l1.answers.next();
            CHECK_FALSE(got);
        }
        auto const first = co_await l1.epochs.next();
        CHECK(first == 1);
        redis::pipeline p;
        p.add("PUBLISH", "news", "a")
            .add("PUBLISH", "news.local", "b")
            .add("PUBLISH", "other", "x")
            .add("PUBLISH", "news", "");
        auto const sent = co_await c1.db->exec(p);
        REQUIRE(sent);
        CHECK((*sent)[0].integer() == 1);
        for (auto const* const expected : {"news=a", "news.local=b", "news="}) {
            auto const got = co_await l1.heard.next();
            CHECK(got == expected);
        }
        // One later, and one less.
        l1.sub->unsubscribe("news");
        l1.sub->subscribe("late", l1.hear(), l1.answer());
        co_await l1.answers.next();
        co_await c1.ask(command("PUBLISH", "news", "unheard"));
        co_await c1.ask(command("PUBLISH", "late", "d"));
        auto const got = co_await l1.heard.next();
        CHECK(got == "late=d");
        CHECK(l1.sub->condition().state == state::connected);
        CHECK(l1.epochs.empty());
    }(c, l));
}

TEST_CASE("sharded channels are heard beside others") {
    if (auto const why = redis_server::without_sharded_channels(); !why.empty())
        return skipped(why);
    redis_server server;
    redis_world w;
    auto& l = w.listen(server.url());
    auto& c = w.make(server.url());
    w.play([](told_client& c1, told_subscriber& l1) -> story {
        l1.sub->subscribe("{news}", l1.hear());
        l1.sub->ssubscribe("{news}", l1.hear(), l1.answer());
        auto const got = co_await l1.answers.next();
        CHECK_FALSE(got);
        co_await l1.epochs.next();
        redis::pipeline p;
        p.add("PUBLISH", "{news}", "a").add("SPUBLISH", "{news}", "b");
        co_await c1.db->exec(p);
        for (auto const* const expected : {"{news}=a", "{news}=b"}) {
            auto const heard = co_await l1.heard.next();
            CHECK(heard == expected);
        }
        l1.sub->sunsubscribe("{news}");
        co_await c1.ask(command("SPUBLISH", "{news}", "unheard"));
        co_await c1.ask(command("PUBLISH", "{news}", "c"));
        auto const last = co_await l1.heard.next();
        CHECK(last == "{news}=c");
    }(c, l));
}

TEST_CASE("messages of any bytes come whole and in order, many a turn") {
    redis_server server;
    redis_world w;
    auto& l = w.listen(server.url());
    auto& c = w.make(server.url());
    w.play([](told_client& c1, told_subscriber& l1) -> story {
        l1.sub->subscribe("c", l1.hear());
        co_await l1.epochs.next();
        std::string const odd("\0\r\n\xff", 4);
        std::string const large(300'000, 'x');
        c1.db->send(command("PUBLISH", "c", odd));
        c1.db->send(command("PUBLISH", "c", large));
        for (int i = 0; i < 5'000; ++i)
            c1.db->send(command("PUBLISH", "c", i));
        auto const first = co_await l1.heard.next();
        CHECK(first == "c=" + odd);
        auto const second = co_await l1.heard.next();
        CHECK(second == "c=" + large);
        for (int i = 0; i < 5'000; ++i) {
            auto const got = co_await l1.heard.next();
            if (got != "c=" + std::to_string(i)) {
                CHECK(got == "c=" + std::to_string(i));
                break;
            }
        }
    }(c, l));
}

TEST_CASE("after each loss everything is subscribed again, and said so once") {
    redis_server server;
    redis_world w;
    auto& l = w.listen(server.url());
    auto& c = w.make(server.url());
    bool const kill = GENERATE(true, false);
    w.play([](told_client& c1, told_subscriber& l1, redis_server& s, bool only_kill) -> story {
        for (int i = 0; i < 20; ++i)
            l1.sub->subscribe("c" + std::to_string(i), l1.hear());
        l1.sub->psubscribe("p*", l1.hear());
        auto const rounds = only_kill ? 10u : 3u;
        for (std::uint64_t round = 1; round <= rounds; ++round) {
            auto const epoch = co_await l1.epochs.next();
            CHECK(epoch == round);
            co_await c1.ask(command("PUBLISH", "c19", round).idempotent());
            auto const got = co_await l1.heard.next();
            CHECK(got == "c19=" + std::to_string(round));
            co_await l1.until(state::connected);
            if (round == rounds)
                break;
            if (only_kill)
                s.say("CLIENT KILL TYPE pubsub");
            else
                s.restart();
            co_await l1.until(state::down);
        }
    }(c, l, server, kill));
}

TEST_CASE("a subscriber whose Redis hangs notices by a PING, and one that is merely idle stays") {
    redis_server server;
    redis_world w;
    auto s = w.quick();
    s.ping_interval = milliseconds(20);
    s.command_timeout = milliseconds(200);
    s.connect_timeout = milliseconds(200);
    auto& l = w.listen(server.url(), s);
    w.play([](redis_world& w1, told_subscriber& l1, redis_server& s1) -> story {
        l1.sub->subscribe("c", l1.hear());
        co_await l1.epochs.next();
        co_await turns_until(w1.ctx, [&] {
            auto const text = s1.say("INFO commandstats");
            auto const at = text.find("cmdstat_ping:calls=");
            return at != text.npos && std::stoi(text.substr(at + 19)) >= 4;
        });
        CHECK(l1.epochs.empty());
        s1.freeze();
        co_await l1.until(state::connected);
        auto const why = co_await l1.until(state::down);
        CHECK(why.reason == error::timeout);
        s1.thaw();
        auto const epoch = co_await l1.epochs.next();
        CHECK(epoch == 2);
    }(w, l, server));
}

TEST_CASE("a subscriber that Redis cuts for its output limit comes back") {
    redis_server server({"--client-output-buffer-limit", "pubsub", "200000", "0", "0"});
    redis_world w;
    auto& l = w.listen(server.url());
    auto& c = w.make(server.url());
    w.play([](told_client& c1, told_subscriber& l1) -> story {
        l1.sub->subscribe("c", l1.hear());
        co_await l1.epochs.next();
        // Nothing of what a script publishes leaves before its end.
        redis::script const flood(
            "for i = 1, 100 do redis.call('PUBLISH', 'c', string.rep('x', 10000)) end");
        std::vector<std::string> const none;
        co_await c1.db->eval(flood, none, none);
        auto const epoch = co_await l1.epochs.next();
        CHECK(epoch == 2);
        while (!l1.heard.empty())
            co_await l1.heard.next();
        co_await c1.ask(command("PUBLISH", "c", "well"));
        auto const got = co_await l1.heard.next();
        CHECK(got == "c=well");
    }(c, l));
}

TEST_CASE("a channel that is forbidden is told, and the others are heard") {
    if (auto const why = redis_server::without_channel_rights(); !why.empty())
        return skipped(why);
    redis_server server({"--user", "mad", "on", ">p", "&mad:*", "-@all", "+subscribe", "+publish"});
    redis_world w;
    auto& l = w.listen("redis://mad:p@" + server.url().substr(8));
    auto& c = w.make(server.url());
    w.play([](told_client& c1, told_subscriber& l1) -> story {
        mad::error_code allowed = error::closed, refused;
        l1.sub->subscribe("mad:a", l1.hear(), [&](mad::error_code ec) { allowed = ec; });
        l1.sub->subscribe("other", l1.hear(), [&](mad::error_code ec) { refused = ec; });
        auto const epoch = co_await l1.epochs.next();
        CHECK(epoch == 1);
        CHECK_FALSE(allowed);
        CHECK(refused == error::no_permission);
        CHECK(l1.sub->condition().state == state::degraded);
        CHECK(l1.sub->condition().reason == error::no_permission);
        co_await c1.ask(command("PUBLISH", "mad:a", 1));
        auto const got = co_await l1.heard.next();
        CHECK(got == "mad:a=1");
    }(c, l));
}

TEST_CASE("a handler may throw, leave its channel, and destroy the subscriber") {
    redis_server server;
    redis_world w;
    auto& l = w.listen(server.url());
    auto& c = w.make(server.url());
    w.play([](redis_world& w1, told_client& c1, told_subscriber& l1) -> story {
        inbox<std::string> told(w1.ctx);
        l1.sub->subscribe("throws", [](auto, auto) { throw std::runtime_error("no"); });
        l1.sub->subscribe("leaves", [&](auto channel, auto) {
            l1.sub->unsubscribe("leaves");
            told.push(std::string(channel));
        });
        l1.sub->subscribe("ends", [&](auto channel, auto) {
            l1.sub.reset();
            told.push(std::string(channel));
        });
        co_await l1.epochs.next();
        redis::pipeline p;
        for (auto const* const channel : {"throws", "leaves", "leaves", "ends", "ends"})
            p.add("PUBLISH", channel, "x");
        co_await c1.db->exec(p);
        auto const first = co_await told.next();
        CHECK(first == "leaves");
        auto const second = co_await told.next();
        CHECK(second == "ends");
        co_await c1.ask(command("PING"));
        CHECK(told.empty());
    }(w, c, l));
}

TEST_CASE("more subscriptions than allowed are refused") {
    redis_server server;
    redis_world w;
    auto s = w.quick();
    s.max_subscriptions = 2;
    auto& l = w.listen(server.url(), s);
    w.play([](told_subscriber& l1) -> story {
        l1.sub->subscribe("a", l1.hear());
        l1.sub->psubscribe("b", l1.hear());
        l1.sub->subscribe("a", l1.hear());
        l1.sub->subscribe("c", l1.hear(), l1.answer());
        auto const got = co_await l1.answers.next();
        CHECK(got == error::queue_full);
        l1.sub->close();
        l1.sub->subscribe("a", l1.hear(), l1.answer());
        auto const closed = co_await l1.answers.next();
        CHECK(closed == error::closed);
    }(l));
}
