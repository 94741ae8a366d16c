#include "redis_world.hpp"

#include <mad/redis/tls.hpp>

#include <support/secure_redis.hpp>

using namespace mad_test;

TEST_CASE("TLS: the name is checked, and what fails is named") {
    secure_redis server;
    redis_world w;
    auto const trusted = "?ca_file=" + server.issuer.ca_file();
    authority stranger("a stranger");

    auto const with_tls = [&](std::string const& url) {
        auto s = w.quick();
        s.tls = redis::make_tls(redis::parse_url(url).value()).value();
        return s;
    };

    SECTION("a name that fits") {
        auto const url = server.url("localhost", trusted);
        auto& c = w.make(url, with_tls(url));
        auto& l = w.listen(url, with_tls(url));
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
        auto& c = w.make(url, with_tls(url));
        w.play([](told_client& c1) -> story {
            c1.db->connect();
            co_await c1.until(state::down); // as it begins
            auto const why = co_await c1.until(state::down);
            CHECK(why.reason == error::unreachable);
            CHECK_THAT(why.text, Catch::Contains("127.0.0.1") && Catch::Contains("mismatch"));
        }(c));
    }
    SECTION("an authority that is not trusted") {
        auto const url = server.url("localhost", "?ca_file=" + stranger.ca_file());
        auto& c = w.make(url, with_tls(url));
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
