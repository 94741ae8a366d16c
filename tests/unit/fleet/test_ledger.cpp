#include <mad/fleet/ledger.hpp>
#include <mad/net/shard.hpp>

#include <catch2/catch.hpp>

#include <boost/asio/io_context.hpp>

#include <vector>

using namespace mad::fleet;

TEST_CASE("a lone ledger keeps rows, and each of its calls counts at once") {
    boost::asio::io_context ioc;
    auto const l = make_embedded_ledger();
    bool ready = false;
    ledger_watch w;
    w.ready = [&](bool r) { ready = r; };
    l->start(mad::net::shard::of(ioc), std::move(w));
    CHECK_FALSE(l->shared());
    CHECK(l->find("told", "a") == nullptr);
    l->put("told", "a", "1");
    l->put("told", "b", "2");
    l->put("mutes", "a", "3");
    l->put("told", "a", "4");
    REQUIRE(l->find("told", "a"));
    CHECK(*l->find("told", "a") == "4");
    CHECK(l->size("told") == 2);
    l->erase("told", "b");
    l->erase("told", "nothing");
    l->erase("nowhere", "nothing");
    std::vector<std::string> seen;
    l->each("told", [&](std::string_view field, std::string_view value) {
        seen.push_back(std::string(field) + "=" + std::string(value));
    });
    CHECK(seen == std::vector<std::string>{"a=4"});
    ioc.run();
    CHECK(ready);
}

TEST_CASE("of a lone ledger's swaps those win that expect what is there") {
    struct row {
        std::optional<std::string> there, expected, value;
        bool wins;
    };
    auto const r =
        GENERATE(row{std::nullopt, std::nullopt, "x", true}, row{std::nullopt, "a", "x", false},
                 row{"a", "a", "x", true}, row{"a", "b", "x", false},
                 row{"a", std::nullopt, "x", false}, row{"a", "a", std::nullopt, true},
                 row{"", "", "x", true}, row{"", std::nullopt, "x", false});
    boost::asio::io_context ioc;
    auto const l = make_embedded_ledger();
    l->start(mad::net::shard::of(ioc), {});
    if (r.there)
        l->put("t", "f", *r.there);
    std::optional<bool> won;
    l->swap("t", "f", r.expected, r.value, [&](mad::result<bool> w) { won = *w; });
    CHECK_FALSE(won); // never within the call
    ioc.run();
    CHECK(won == r.wins);
    auto const& after = r.wins ? r.value : r.there;
    auto const* const is = l->find("t", "f");
    CHECK((is ? std::optional(*is) : std::nullopt) == after);
}
