#include "pool_world.hpp"

#include <mad/proxy/sid_table.hpp>

#include <catch2/catch.hpp>

#include <thread>

using namespace pool_world;
using proxy::sid_table;

namespace {

time_point const start{1h};

std::string sid_of(int i) {
    return "session-number-" + std::to_string(i);
}

} // namespace

TEST_CASE("a session is found where its handshake was answered") {
    sid_table table;
    auto const a = target_of(1, "a"), b = target_of(2, "b");
    CHECK(table.learn("one", *a, true, start));
    CHECK(table.learn("two", *b, true, start));
    CHECK(table.use("one", start) == 1u);
    CHECK(table.use("two", start) == 2u);
    CHECK_FALSE(table.use("three", start));
    CHECK_FALSE(table.use("", start));
    CHECK(table.size() == 2);
    table.erase("one");
    CHECK_FALSE(table.use("one", start));
}

TEST_CASE("a session that is met is learnt once, and stays whose it is") {
    sid_table table;
    auto const a = target_of(1, "a"), b = target_of(2, "b");
    CHECK(table.meet("one", *a, true, start));
    CHECK_FALSE(table.meet("one", *b, true, start));
    CHECK(table.meet("two", *b, false, start)); // over a websocket, which counts itself
    CHECK_FALSE(table.meet("two", *b, true, start));
    CHECK(table.use("one", start) == 1u);
    CHECK(a->count->polling_sessions == 1);
    CHECK(b->count->polling_sessions == 0);
    CHECK_FALSE(table.meet("", *a, true, start));
    CHECK_FALSE(table.meet(std::string(129, 's'), *a, true, start));
    proxy::sid_table_settings small;
    small.max_entries = 64;
    sid_table bounded(small);
    for (int i = 0; i < 1000; ++i)
        bounded.meet(sid_of(i), *b, true, start);
    CHECK(bounded.size() <= 64);
    CHECK(b->count->polling_sessions == bounded.size());
}

TEST_CASE("what cannot be a session id is not learnt") {
    sid_table table;
    auto const a = target_of(1, "a");
    CHECK_FALSE(table.learn("", *a, true, start));
    CHECK_FALSE(table.learn(std::string(129, 's'), *a, true, start));
    CHECK(table.learn(std::string(128, 's'), *a, true, start));
    CHECK(a->count->polling_sessions == 1);
}

TEST_CASE("an entry's time begins anew with each use") {
    sid_table table;
    auto const a = target_of(1, "a");
    table.learn("one", *a, true, start);
    table.learn("two", *a, true, start);
    auto now = start;
    for (int i = 0; i < 10; ++i) {
        now += 60s;
        CHECK(table.use("one", now) == 1u);
        table.expire(now);
    }
    CHECK(table.size() == 1);
    CHECK(a->count->polling_sessions == 1);
    CHECK(table.find("one", now + 90s) == 1u);
    CHECK_FALSE(table.find("one", now + 90001ms));
    CHECK_FALSE(table.use("one", now + 90001ms));
    CHECK(a->count->polling_sessions == 0);
    CHECK(table.size() == 0);
}

TEST_CASE("a table is bounded, and those unused for the longest time go first") {
    sid_table table({6400, 90s});
    auto const a = target_of(1, "a");
    auto now = start;
    table.learn("kept by use", *a, true, now);
    for (int i = 0; i < 100'000; ++i) {
        table.learn(sid_of(i), *a, true, now += 1us);
        if (i % 10 == 0)
            CHECK(table.use("kept by use", now) == 1u);
    }
    CHECK(table.size() <= 6400);
    CHECK(table.size() > 6000);
    CHECK(a->count->polling_sessions == table.size());
    CHECK(table.find("kept by use", now));
    CHECK(table.find(sid_of(99'999), now));
    CHECK_FALSE(table.find(sid_of(0), now));
}

TEST_CASE("polling sessions count from the handshake until they are upgraded or end") {
    sid_table table;
    auto const a = target_of(1, "a"), b = target_of(2, "b");
    table.learn("one", *a, true, start);
    table.learn("two", *a, true, start);
    table.learn("three", *a, false, start);
    CHECK(a->count->polling_sessions == 2);
    table.upgraded("one");
    table.upgraded("one");
    CHECK(a->count->polling_sessions == 1);
    CHECK(table.use("one", start) == 1u);
    table.erase("one");
    CHECK(a->count->polling_sessions == 1);
    table.erase("two");
    table.erase("two");
    CHECK(a->count->polling_sessions == 0);
    table.learn("four", *a, true, start);
    table.learn("four", *b, true, start); // another node draws the same id: the later one counts
    CHECK(a->count->polling_sessions == 0);
    CHECK(b->count->polling_sessions == 1);
    CHECK(table.use("four", start) == 2u);
}

TEST_CASE("sessions of a dead upstream count no more, and stay known") {
    sid_table table;
    auto const a = target_of(1, "a"), b = target_of(2, "b");
    for (int i = 0; i < 100; ++i)
        table.learn(sid_of(i), i % 2 ? *a : *b, true, start);
    table.release(1);
    CHECK(a->count->polling_sessions == 0);
    CHECK(b->count->polling_sessions == 50);
    CHECK(table.use(sid_of(1), start) == 1u);
}

TEST_CASE("counts go with the table") {
    auto const a = target_of(1, "a");
    {
        sid_table table;
        table.learn("one", *a, true, start);
        CHECK(a->count->polling_sessions == 1);
    }
    CHECK(a->count->polling_sessions == 0);
}

TEST_CASE("a table is handed over with ages and counts") {
    sid_table before;
    auto const a = target_of(1, "a");
    before.learn("old", *a, true, start);
    before.learn("young", *a, false, start + 80s);
    before.learn("gone", *a, true, start - 20s);
    auto const now = start + 85s;
    auto const all = before.all(now);
    CHECK(all.size() == 2);

    sid_table after;
    auto const here = target_of(9, "a");
    auto const then = time_point(5h); // another process, another clock
    for (auto const& e : all)
        after.restore(e, *here, then);
    CHECK(here->count->polling_sessions == 1);
    CHECK(after.find("old", then + 5s) == 9u);
    CHECK_FALSE(after.find("old", then + 6s));
    CHECK(after.find("young", then + 85s) == 9u);
}

TEST_CASE("an entry that is put back goes in its turn") {
    sid_table table;
    auto const a = target_of(1, "a");
    for (int i = 0; i < 1000; ++i)
        table.learn(sid_of(i), *a, true, start);
    for (int i = 1000; i < 2000; ++i)
        table.restore({sid_of(i), 1, true, 60s}, *a, start);
    table.expire(start + 31s);
    CHECK(table.size() == 1000);
    CHECK(a->count->polling_sessions == 1000);
}

TEST_CASE("counts are right when all shards use the table at once") {
    sid_table table({3200, 90s});
    std::vector<std::shared_ptr<proxy::target const>> const targets{
        target_of(1, "a"), target_of(2, "b"), target_of(3, "c")};
    std::vector<std::thread> shards;
    for (unsigned n = 0; n < 4; ++n)
        shards.emplace_back([&, n] {
            unsigned dice = n + 1;
            for (int i = 0; i < 20'000; ++i) {
                dice = dice * 1664525 + 1013904223;
                auto const sid = sid_of(static_cast<int>(dice >> 8) % 5000);
                auto const& t = *targets[(dice >> 24) % 3];
                auto const now = start + i * 1ms;
                switch ((dice >> 27) % 8) {
                case 0:
                    table.erase(sid);
                    break;
                case 1:
                    table.upgraded(sid);
                    break;
                case 2:
                    table.find(sid, now);
                    break;
                case 3:
                    table.use(sid, now);
                    break;
                case 4:
                    if (i % 1000 == 0)
                        table.release(t.id);
                    if (i % 100 == 0)
                        table.expire(now);
                    break;
                default:
                    table.learn(sid, t, true, now);
                }
            }
        });
    for (auto& s : shards)
        s.join();
    std::size_t polling = 0;
    for (auto const& e : table.all(start))
        polling += e.polling;
    std::size_t counted = 0;
    for (auto const& t : targets)
        counted += t->count->polling_sessions;
    CHECK(counted == polling);
    CHECK(counted > 0);
    CHECK(table.size() <= 3200);
}
