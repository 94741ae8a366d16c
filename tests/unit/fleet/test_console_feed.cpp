#include <catch2/catch.hpp>

#include "feed_world.hpp"

#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace mad;
using namespace mad::fleet;
using namespace mad_test;
using namespace std::chrono_literals;

TEST_CASE("a console gets all rows at once, with their columns") {
    feed_world w;
    w.sample("a", 12.34);
    w.sample("b", 50);
    CHECK(w.connect(1) == R"({"v":2,"hz":4})");
    REQUIRE(w.page(1).events == std::vector<std::string>{"fleet_snapshot"});
    auto const& s = w.last(1);
    CHECK(s["cols"].dump() ==
          R"(["id","state","flags","name","region","tags","storage","network","cpu","mem","load",)"
          R"("psi","up","seen","rule","value","limit","since","v"])");
    CHECK(s["last"] == true);
    REQUIRE(s["rows"].size() == 2);
    CHECK(w.page(1).rows["a"].dump() ==
          R"(["a","ok",0,"a.example","eu",["prod"],40,10,12.3,30,null,null,null,)" +
              std::to_string(w.wall()) + ",null,null,null," + std::to_string(w.wall()) + ",2]");
}

TEST_CASE("a fleet without hosts is a snapshot without rows") {
    feed_world w;
    w.connect(1);
    REQUIRE(w.page(1).events.size() == 1);
    CHECK(w.last(1)["rows"].empty());
    CHECK(w.last(1)["last"] == true);
    w.sample("a", 1);
    w.run(500ms);
    CHECK(w.page(1).rows.contains("a"));
}

TEST_CASE("only what has changed by more than its dead band is sent") {
    feed_world w;
    for (auto const* id : {"a", "b", "c"})
        w.sample(id, 10);
    w.connect(1);
    w.run(1s);
    CHECK(w.page(1).events.size() == 1);
    w.sample("a", 10.05);
    w.sample("b", 10.11);
    w.sample("c", 10);
    w.run(300ms);
    REQUIRE(w.page(1).events.size() == 2);
    CHECK(w.last(1)["rows"].size() == 1);
    CHECK(w.cpu(1, "b") == 10.1);
    w.sample("a", 10.09); // a slow drift counts from what was sent
    w.run(300ms);
    CHECK(w.page(1).events.size() == 2);
    w.sample("a", 10.11);
    w.run(300ms);
    CHECK(w.cpu(1, "a") == 10.1);
}

TEST_CASE("a rate has a dead band of a percent, a word has none") {
    feed_world w;
    row_format const f;
    fleet::host h;
    h.now.set(metric::network, 100);
    std::vector<float> sent(f.numbers()), now(f.numbers());
    f.read(h, sent);
    h.now.set(metric::network, 100.9);
    f.read(h, now);
    CHECK_FALSE(f.differ(sent, now));
    h.now.set(metric::network, 101.1);
    f.read(h, now);
    CHECK(f.differ(sent, now));
    auto const before = f.words(h);
    h.flags = host_flag::muted;
    CHECK(f.words(h) != before);
    h.flags = 0;
    CHECK(f.words(h) == before);
    h.facts.tags = {"x"};
    CHECK(f.words(h) != before);
}

TEST_CASE("many changes between two ticks are one row") {
    feed_world w;
    w.sample("a", 1);
    w.connect(1);
    w.run(1s);
    for (int i = 0; i < 20; ++i)
        w.sample("a", 20 + i);
    w.run(250ms);
    CHECK(w.page(1).events.size() == 2);
    CHECK(w.last(1)["rows"].size() == 1);
    CHECK(w.cpu(1, "a") == 39);
}

TEST_CASE("a packet is made once for all consoles of a form") {
    feed_world w;
    w.sample("a", 1);
    for (std::uint64_t id = 1; id <= 50; ++id)
        w.connect(id);
    w.run(1s);
    w.pages.packets.clear();
    auto const rows = w.feed.rows_sent();
    w.sample("a", 50);
    w.run(1s);
    REQUIRE(w.pages.packets.size() == 1);
    CHECK(w.pages.packets[0].receivers == 50);
    CHECK(w.feed.rows_sent() == rows + 1);
    CHECK(w.feed.forms() == 1);
}

TEST_CASE("hidden pages are told less often and miss nothing") {
    feed_world w;
    w.sample("a", 1);
    w.connect(1);
    CHECK(w.connect(2, R"({"v":2,"hz":0.2})") == R"({"v":2,"hz":0.2})");
    for (int i = 0; i < 100; ++i) {
        w.sample("a", i % 50);
        w.run(100ms);
    }
    w.run(6s);
    CHECK(w.page(1).events.size() > 35);
    CHECK(w.page(2).events.size() <= 5);
    CHECK(w.page(1).rows == w.page(2).rows);
    CHECK(w.feed.forms() == 1);
}

TEST_CASE("wishes that are wrong are said and their defaults used") {
    feed_world w;
    w.sample("a", 1);
    struct row {
        std::string wish, part;
    };
    for (auto const& r :
         {row{R"({"v":2,"hz":"x"})", "hz:"}, row{R"({"v":2,"hz":-1})", "hz:"},
          row{R"({"v":2,"fields":[]})", "fields:"}, row{R"({"v":2,"fields":["nope"]})", "fields:"},
          row{R"({"v":2,"fields":["cpu","cpu"]})", "fields:"},
          row{R"({"v":2,"fields":[1]})", "fields:"},
          row{R"({"v":2,"filter":"state:bad"})", "position 7"},
          row{R"({"v":2,"filter":5})", "filter:"}}) {
        INFO(r.wish);
        auto const answer = json::parse(w.connect(1, r.wish));
        CHECK(answer["error"].get<std::string>().find(r.part) != std::string::npos);
        CHECK(answer["hz"] == 4);
        CHECK(w.last(1)["cols"].size() == 19);
        CHECK(w.page(1).rows.size() == 1);
    }
    CHECK(json::parse(w.connect(1, R"({"v":2,"hz":100})"))["hz"] == 4);
    CHECK(json::parse(w.connect(1, R"({"v":2,"hz":0.01})"))["hz"] == 0.2);
    CHECK(w.feed.consoles() == 1);
    CHECK(w.feed.forms() == 1);
}

TEST_CASE("a console may choose its columns") {
    feed_world w;
    w.sample("a", 7);
    w.connect(1, R"({"v":2,"fields":["cpu","os","cpus","temp"]})");
    CHECK(w.last(1)["cols"].dump() == R"(["id","cpu","os","cpus","temp"])");
    CHECK(w.page(1).rows["a"].dump() == R"(["a",7,null,null,null])");
}

TEST_CASE("hosts enter and leave a filter") {
    feed_world w;
    w.sample("a", 10);
    w.sample("b", 90);
    w.connect(1, R"({"v":2,"filter":"cpu>80"})");
    CHECK(w.page(1).rows.size() == 1);
    w.sample("a", 85);
    w.sample("b", 20);
    w.run(300ms);
    CHECK(w.page(1).rows.size() == 1);
    CHECK(w.page(1).rows.contains("a"));
    CHECK(w.last(1)["gone"].dump() == R"(["b"])");
    w.sample("b", 99);
    w.run(300ms);
    CHECK(w.page(1).rows.size() == 2);
    CHECK(w.last(1)["gone"].empty());
}

TEST_CASE("who may see some hosts sees no others") {
    feed_world w;
    w.sample("web-1", 10);
    w.sample("db-1", 90);
    w.connect(1, R"({"v":2,"filter":"cpu>=0"})", "id:web*");
    w.connect(2, R"({"v":2,"filter":"state:bad"})", "id:web*");
    w.connect(3, R"({"v":2})", "\"broken");
    for (std::uint64_t const id : {1, 2}) {
        CHECK(w.page(id).rows.size() == 1);
        CHECK(w.page(id).rows.contains("web-1"));
    }
    CHECK(w.page(3).rows.empty());
    CHECK(w.feed.watch(1, "db-1") == console_feed::watch_answer::unknown_host);
    CHECK(w.feed.watch(1, "web-1") == console_feed::watch_answer::yes);
    w.hosts.gone("db-1", gone_reason::left, w.now, w.wall());
    w.run(1s);
    for (std::uint64_t const id : {1, 2, 3})
        for (auto const& e : w.page(id).events)
            CHECK(e != "client_state");
}

TEST_CASE("a page that comes back gets what it missed, or everything when that is unknown") {
    feed_world w;
    for (int i = 0; i < 10; ++i)
        w.sample("h" + std::to_string(i), 10);
    w.connect(1);
    w.connect(2);
    w.run(1s);
    auto const cursor = w.page(1).cursor;
    w.feed.leave(1, w.now);
    w.sample("h3", 50);
    w.sample("h4", 60);
    w.hosts.remove("h5");
    w.run(1s);
    w.pages.pages[11] = w.page(1); // what it shows still
    w.connect(11, R"({"v":2,"cursor":")" + cursor + "\"}");
    auto const& d = w.last(11);
    CHECK(w.page(11).events.back() == "fleet_delta");
    CHECK(d["resumed"] == true);
    CHECK(d["rows"].size() == 2);
    CHECK(d["gone"].dump() == R"(["h5"])");
    CHECK(w.page(11).rows == w.page(2).rows);

    w.connect(12, R"({"v":2,"cursor":")" + w.page(2).cursor + "\"}"); // nothing missed
    CHECK(w.last(12)["resumed"] == true);
    CHECK(w.last(12)["rows"].empty());

    for (std::string const bad : {"", "x", "J-0.5", "I-0.99999999", "I-7.1", "I-0.", "I-0.-1"}) {
        INFO(bad);
        w.connect(13, R"({"v":2,"cursor":")" + bad + "\"}");
        CHECK(w.page(13).events.back() == "fleet_snapshot");
    }
    w.connect(14, R"({"v":2,"fields":["cpu"],"cursor":")" + cursor + "\"}");
    CHECK(w.page(14).events.back() == "fleet_snapshot");
}

TEST_CASE("the form of the last page waits a minute for it") {
    feed_world w;
    w.sample("a", 10);
    w.connect(1);
    w.run(500ms);
    auto const cursor = w.page(1).cursor;
    w.feed.leave(1, w.now);
    w.run(30s);
    w.sample("a", 70);
    w.pages.pages[2] = w.page(1);
    w.connect(2, R"({"v":2,"cursor":")" + cursor + "\"}");
    CHECK(w.last(2)["resumed"] == true);
    CHECK(w.cpu(2, "a") == 70);
    w.feed.leave(2, w.now);
    w.run(61s);
    CHECK(w.feed.forms() == 0);
    CHECK_FALSE(w.feed.on_time(w.now).has_value());
    w.connect(3, R"({"v":2,"cursor":")" + w.page(2).cursor + "\"}");
    CHECK(w.page(3).events.back() == "fleet_snapshot");
}

TEST_CASE("a page that was away for too many farewells gets everything") {
    auto s = small_feed();
    s.max_gone = 3;
    feed_world w(s);
    for (int i = 0; i < 10; ++i)
        w.sample("h" + std::to_string(i), 10);
    w.connect(1);
    w.connect(2);
    auto const cursor = w.page(1).cursor;
    w.page(2).full = true;
    for (int i = 0; i < 5; ++i)
        w.hosts.remove("h" + std::to_string(i));
    w.run(1s);
    w.connect(3, R"({"v":2,"cursor":")" + cursor + "\"}");
    CHECK(w.page(3).events.back() == "fleet_snapshot");
    w.page(2).full = false;
    w.run(1s);
    CHECK(w.page(2).rows == w.page(3).rows);
    CHECK(w.page(1).rows == w.page(3).rows); // it was there all the time: they went at once
}

TEST_CASE("a page that says web_connected again goes on where it is") {
    feed_world w;
    w.sample("a", 10);
    w.connect(1);
    w.run(1s);
    w.connect(1, R"({"v":2,"hz":0.2,"cursor":")" + w.page(1).cursor + "\"}");
    w.sample("a", 20);
    w.run(300ms);
    CHECK(w.cpu(1, "a") == 10);
    w.connect(1, R"({"v":2,"hz":4,"cursor":")" + w.page(1).cursor + "\"}");
    CHECK(w.cpu(1, "a") == 20);
    CHECK(w.feed.consoles() == 1);
    w.pages.packets.clear();
    w.sample("a", 30);
    w.run(6s);
    CHECK(w.pages.packets.size() == 1); // once, not for what it wished before
}

TEST_CASE("a slow console gets the latest of each row when it can take it") {
    feed_world w;
    for (int i = 0; i < 5; ++i)
        w.sample("h" + std::to_string(i), 10);
    w.connect(1);
    w.connect(2);
    w.run(500ms);
    w.page(1).full = true;
    for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < 3; ++i)
            w.sample("h" + std::to_string(i), 10 + round);
        w.run(250ms);
    }
    w.hosts.remove("h4");
    w.run(250ms);
    CHECK(w.feed.behind() == 1);
    CHECK(w.page(1).events.size() == 1);
    w.page(1).full = false;
    w.run(500ms);
    CHECK(w.feed.behind() == 0);
    CHECK(w.page(1).events.size() == 2); // forty rounds are one delta
    CHECK(w.last(1)["rows"].size() == 3);
    CHECK(w.page(1).rows == w.page(2).rows);
    w.sample("h0", 77);
    w.run(500ms);
    CHECK(w.cpu(1, "h0") == 77);
}

TEST_CASE("a refusal of an earlier wish changes nothing") {
    feed_world w;
    w.sample("a", 10);
    w.connect(1);
    w.run(500ms);
    w.page(1).full = true;
    w.sample("a", 20);
    w.now += 300ms;
    w.feed.on_time(w.now);
    auto const late = std::exchange(w.pages.refusals, {});
    REQUIRE(late.size() == 1);
    w.page(1).full = false;
    w.connect(1);
    w.feed.refused(late[0].first, late[0].second);
    CHECK(w.feed.behind() == 0);
    w.sample("a", 30);
    w.run(500ms);
    CHECK(w.cpu(1, "a") == 30);
}

TEST_CASE("a large snapshot comes in chunks, and what changes meanwhile comes behind it") {
    auto s = small_feed();
    s.chunk_rows = 100;
    feed_world w(s);
    auto const name = [](int i) { return "h" + std::to_string(i); };
    for (int i = 0; i < 1'050; ++i)
        w.sample(name(i), 10);
    w.connect(2);
    w.run(1s);
    REQUIRE(w.page(2).rows.size() == 1'050);
    w.connect(1);
    CHECK(w.page(1).events.size() == 1);
    CHECK(w.last(1)["rows"].size() == 100);
    CHECK(w.last(1)["last"] == false);
    w.page(1).full = true; // it is slow in the middle of it
    for (int i = 0; i < 1'050; i += 7)
        w.sample(name(i), 60);
    w.hosts.remove(name(3));
    w.hosts.remove(name(1'040));
    w.sample("new", 5);
    w.run(1s);
    w.hosts.remove(name(5));
    w.sample(name(5), 33);
    CHECK(w.page(1).events.size() == 1);
    w.page(1).full = false;
    w.run(2s);
    CHECK_FALSE(w.page(1).in_snapshot);
    CHECK(w.page(1).rows == w.page(2).rows);
    CHECK(w.page(1).rows.size() == 1'049);
    CHECK(w.page(1).events.back() == "fleet_delta");
}

TEST_CASE("a host that goes and returns between two ticks is a row, not a farewell") {
    feed_world w;
    w.sample("a", 10);
    w.sample("b", 10);
    w.connect(1);
    w.run(1s);
    w.hosts.remove("a");
    w.hosts.remove("b");
    w.sample("b", 55); // the other's place, perhaps
    w.run(300ms);
    CHECK(w.last(1)["gone"].dump() == R"(["a"])");
    CHECK(w.page(1).rows.size() == 1);
    CHECK(w.cpu(1, "b") == 55);
    w.sample("a", 66);
    w.run(300ms);
    CHECK(w.last(1)["gone"].empty());
    CHECK(w.page(1).rows.size() == 2);
}

TEST_CASE("who watches a host gets its records") {
    feed_world w;
    w.sample("a", 10);
    w.connect(1);
    w.connect(2);
    CHECK(w.feed.watch(1, "a") == console_feed::watch_answer::yes);
    CHECK(w.feed.watch(1, "a") == console_feed::watch_answer::yes);
    CHECK(w.feed.watch(1, "zz") == console_feed::watch_answer::unknown_host);
    CHECK(w.feed.watch(9, "a") == console_feed::watch_answer::unknown_console);
    w.sample("a", 10);
    CHECK(w.page(1).events.back() == "web_client_update");
    CHECK(w.last(1)["id"] == "a");
    CHECK(w.page(2).events.back() == "fleet_snapshot");
    w.feed.unwatch(1, "a");
    w.feed.unwatch(1, "a");
    auto const events = w.page(1).events.size();
    w.sample("a", 10);
    CHECK(w.page(1).events.size() == events);
    for (int i = 0; i < 33; ++i)
        w.sample("w" + std::to_string(i), 1);
    for (int i = 0; i < 32; ++i)
        CHECK(w.feed.watch(1, "w" + std::to_string(i)) == console_feed::watch_answer::yes);
    CHECK(w.feed.watch(1, "w32") == console_feed::watch_answer::too_many);
    w.feed.leave(1, w.now);
    w.feed.leave(1, w.now);
    w.sample("w1", 5); // nobody is there to be told
    CHECK(w.page(1).events.size() == events + 0);
}

TEST_CASE("changes of state are told at once, and their rows follow") {
    feed_world w;
    w.sample("a", 10);
    w.connect(1);
    w.run(1s);
    w.hosts.gone("a", gone_reason::left, w.now, w.wall());
    REQUIRE(w.page(1).events.back() == "client_state");
    CHECK(w.last(1)["id"] == "a");
    CHECK(w.last(1)["from"] == "ok");
    CHECK(w.last(1)["to"] == "offline");
    w.run(300ms);
    CHECK(w.page(1).rows["a"][1] == "offline");
    w.feed.draining(5s);
    CHECK(w.page(1).events.back() == "node_draining");
    CHECK(w.last(1)["after_ms"] == 5'000);
}

TEST_CASE("there are so many forms and no more") {
    auto s = small_feed();
    s.max_forms = 4;
    feed_world w(s);
    w.sample("a", 10);
    for (std::uint64_t i = 0; i < 4; ++i)
        CHECK(w.connect(i, R"({"v":2,"filter":"cpu>)" + std::to_string(i) + "\"}") ==
              R"({"v":2,"hz":4})");
    auto const answer = json::parse(w.connect(9, R"({"v":2,"filter":"cpu>50"})"));
    CHECK(answer.contains("error"));
    CHECK(w.page(9).rows.size() == 1); // the default form, for everybody
    CHECK(w.feed.forms() == 5);
    w.feed.leave(0, w.now); // its form is given up for another
    CHECK_FALSE(json::parse(w.connect(9, R"({"v":2,"filter":"cpu>50"})")).contains("error"));
    CHECK(w.page(9).rows.empty());
}

TEST_CASE("whatever happens, every console shows every host as it is") {
    feed_world w;
    std::uint32_t random = 12'345;
    auto const roll = [&random](std::uint32_t n) {
        random = random * 1'664'525 + 1'013'904'223;
        return (random >> 8) % n;
    };
    std::vector<std::uint64_t> const ids{1, 2, 3, 4};
    char const* const wishes[] = {R"("hz":4)", R"("hz":1)", R"("hz":4,"filter":"cpu>=0")",
                                  R"("hz":0.2)"};
    for (auto const id : ids)
        w.connect(id, std::string(R"({"v":2,)") + wishes[id - 1] + "}");
    std::uint64_t next = 100;
    std::map<std::uint64_t, std::uint64_t> page_of; // a page that came back has another number
    for (auto const id : ids)
        page_of[id] = id;
    for (int i = 0; i < 3'000; ++i) {
        auto const name = "h" + std::to_string(roll(40));
        switch (roll(12)) {
        case 0:
            w.hosts.remove(name);
            break;
        case 1:
            w.hosts.gone(name, gone_reason::left, w.now, w.wall());
            break;
        case 2: {
            auto& p = w.page(page_of[ids[roll(4)]]);
            p.full = !p.full;
            break;
        }
        case 3: {
            auto const who = ids[roll(4)];
            auto const old = page_of[who];
            w.feed.leave(old, w.now);
            page_of[who] = ++next;
            w.pages.pages[next] = w.page(old);
            w.page(next).full = w.page(next).open = false;
            auto const cursor = w.page(old).in_snapshot ? std::string() : w.page(old).cursor;
            w.page(next).in_snapshot = false;
            w.connect(next,
                      std::string(R"({"v":2,"cursor":")") + cursor + "\"," + wishes[who - 1] + "}");
            break;
        }
        default:
            w.sample(name, roll(100));
        }
        if (roll(4) == 0)
            w.run(milliseconds(50 * roll(8)));
    }
    for (auto const id : ids)
        w.page(page_of[id]).full = false;
    w.run(12s);
    std::set<std::string> there;
    w.hosts.each([&](fleet::host const& h) {
        there.insert(h.id);
        for (auto const id : ids) {
            auto const& rows = w.page(page_of[id]).rows;
            REQUIRE(rows.contains(h.id));
            auto const& row = rows.at(h.id);
            CHECK(row[1] == std::string(to_string(h.state)));
            CHECK(row[8].get<double>() == Approx(h.now.raw(metric::cpu)).margin(0.1));
        }
    });
    for (auto const id : ids)
        CHECK(w.page(page_of[id]).rows.size() == there.size());
    CHECK(w.pages.wrong.empty());
}
