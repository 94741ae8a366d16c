#include "redis_world.hpp"

#include <mad/redis/tls.hpp>

#include <support/secure_redis.hpp>
#include <support/secure_topologies.hpp>

using namespace mad_test;

namespace {

redis::settings with_tls(redis_world const& w, std::string const& url) {
    auto s = w.quick();
    s.tls = redis::make_tls(redis::parse_url(url).value()).value();
    return s;
}

/// What fails first, which is the name of a certificate.
story refused(told_client& c) {
    c.db->connect();
    co_await c.until(state::down); // as it begins
    auto const why = co_await c.until(state::down);
    CHECK(why.reason == error::unreachable);
    CHECK_THAT(why.text, Catch::Contains("127.0.0.1") && Catch::Contains("mismatch"));
}

} // namespace

TEST_CASE("TLS: the name is checked, and what fails is named") {
    secure_redis server;
    redis_world w;
    auto const trusted = "?ca_file=" + server.issuer.ca_file();
    authority stranger("a stranger");

    SECTION("a name that fits") {
        auto const url = server.url("localhost", trusted);
        auto& c = w.make(url, with_tls(w, url));
        auto& l = w.listen(url, with_tls(w, url));
        w.play([](told_client& c1, told_subscriber& l1) -> story {
            std::string const large(400'000, 'x');
            auto const set = co_await c1.ask(command("SET", "k", large));
            CHECK(set.ok());
            auto const got = co_await c1.ask(command("GET", "k"));
            CHECK(got.text() == large);
            l1.sub->subscribe("c", l1.hear());
            co_await l1.epochs.next();
            c1.db->send(command("PUBLISH", "c", "m"));
            auto const heard = co_await l1.heard.next();
            CHECK(heard == "c=m");
        }(c, l));
    }
    SECTION("another name") {
        auto const url = server.url("127.0.0.1", trusted);
        w.play(refused(w.make(url, with_tls(w, url))));
    }
    SECTION("an authority that is not trusted") {
        auto const url = server.url("localhost", "?ca_file=" + stranger.ca_file());
        auto& c = w.make(url, with_tls(w, url));
        w.play([](told_client& c1) -> story {
            c1.db->connect();
            co_await c1.until(state::down); // as it begins
            auto const why = co_await c1.until(state::down);
            CHECK_THAT(why.text, Catch::Contains("certificate"));
        }(c));
    }
    SECTION("no TLS set up") {
        auto& c = w.make(server.url("localhost"));
        w.play([](told_client& c1) -> story {
            auto const got = co_await c1.db->exec(command("PING"));
            CHECK(got.error() == error::no_tls);
            CHECK_THAT(c1.db->condition().text, Catch::Contains("mad/redis/tls.hpp"));
        }(c));
    }
    SECTION("a CA file that is not there is named") {
        auto const made = redis::make_tls(redis::parse_url("rediss://h?ca_file=/none").value());
        REQUIRE(made.has_error());
        CHECK_THAT(made.error().message, Catch::Contains("/none"));
    }
}

TEST_CASE("TLS to sentinels, and to the masters that they name") {
    secure_watched secure;
    redis_world w;
    auto& c = w.make(secure.url(), with_tls(w, secure.url()));
    auto& l = w.listen(secure.url(), with_tls(w, secure.url()));
    w.play([](redis_world& w1, watched& a, told_client& c1, told_subscriber& l1) -> story {
        co_await turns_until(w1.ctx, [&] { return a.ready(); });
        auto const set = co_await c1.ask(command("SET", "k", 1));
        CHECK(set.ok());
        l1.sub->subscribe("c", l1.hear());
        co_await l1.epochs.next();
        co_await c1.until(state::connected);
        a.first.kill();
        co_await c1.until(state::down);
        co_await c1.until(state::connected);
        co_await l1.epochs.next();
        auto const again = co_await c1.ask(command("SET", "k", 2).idempotent());
        CHECK(again.ok());
        CHECK(a.second.say("GET k") == "$1\r\n2\r\n");
        co_await c1.ask(command("PUBLISH", "c", "m"));
        auto const heard = co_await l1.heard.next();
        CHECK(heard == "c=m");
    }(w, secure.all, c, l));
}

TEST_CASE("TLS to all nodes of a Cluster, by the addresses that it names") {
    secure_cluster secure;
    redis_world w;
    auto& c = w.make(secure.url(), with_tls(w, secure.url()));
    auto& l = w.listen(secure.url(), with_tls(w, secure.url()));
    w.play([](redis_world& w1, small_cluster& a, told_client& c1, told_subscriber& l1) -> story {
        co_await turns_until(w1.ctx, [&] { return a.ready(); });
        redis::pipeline p;
        for (int i = 0; i < 300; ++i)
            p.add("SET", "k" + std::to_string(i), i);
        auto const set = co_await c1.db->exec(p);
        REQUIRE(set);
        for (auto const& r : *set)
            CHECK(r.ok());
        for (auto& n : a.nodes)
            CHECK(n->say("DBSIZE") != ":0\r\n");
        l1.sub->subscribe("c", l1.hear());
        co_await l1.epochs.next();
        a[2].say("PUBLISH c m");
        auto const heard = co_await l1.heard.next();
        CHECK(heard == "c=m");
        // A node that says MOVED leads to another over TLS too.
        auto const slot = std::to_string(redis::slot_of("bar"));
        a[0].say("DEL bar");
        for (auto const i : {1u, 0u, 2u})
            a[i].say("CLUSTER SETSLOT " + slot + " NODE " + a.id(1));
        auto const moved = co_await c1.ask(command("SET", "bar", 1));
        CHECK(moved.ok());
        CHECK(a[1].say("EXISTS bar") == ":1\r\n");
    }(w, secure.all, c, l));
}

TEST_CASE("who is named by sentinels or a Cluster must have a certificate for that name") {
    SECTION("a sentinel itself") {
        secure_watched secure("DNS:localhost");
        redis_world w;
        w.play(refused(w.make(secure.url(), with_tls(w, secure.url()))));
    }
    SECTION("a master") {
        secure_watched secure("DNS:localhost");
        redis_world w;
        auto url = secure.url();
        url.replace(url.find("127.0.0.1"), 9, "localhost");
        w.play(refused(w.make(url, with_tls(w, url))));
    }
    SECTION("a node of a Cluster") {
        secure_cluster secure("DNS:localhost");
        redis_world w;
        auto const url = secure.url("localhost");
        w.play([](redis_world& w1, small_cluster& a, told_client& c) -> story {
            co_await turns_until(w1.ctx, [&] { return a.ready(); });
            auto const got =
                co_await c.db->exec(command("SET", "bar", 1).timeout(milliseconds(1'000)));
            CHECK(got.has_error());
            CHECK(w1.log.has("mismatch"));
        }(w, secure.all, w.make(url, with_tls(w, url))));
    }
}
