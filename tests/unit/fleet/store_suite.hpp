#ifndef MAD_TESTS_UNIT_FLEET_STORE_SUITE_HPP
#define MAD_TESTS_UNIT_FLEET_STORE_SUITE_HPP

#include <mad/fleet/store.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>

namespace mad_test {

/// What every store must do, whatever is behind it. `make` gives an empty one.
inline void store_suite(std::function<std::unique_ptr<mad::fleet::store>()> const& make) {
    using mad::fleet::stored_record;
    auto const s = make();
    auto const at = mad::time_point{} + std::chrono::hours(1);
    auto const record = [&](std::string id, std::string socket, std::string text) {
        stored_record r;
        r.id = std::move(id);
        r.socket_id = std::move(socket);
        r.record = std::move(text);
        r.info = "{\"host\":\"h\"}";
        r.run = "run";
        r.seq = 7;
        r.seen = at;
        return r;
    };
    auto const ids = [&] {
        std::map<std::string, std::string> all;
        s->each([&](stored_record const& r) {
            CHECK(all.emplace(r.id, r.record).second); // each once
        });
        CHECK(all.size() == s->size());
        return all;
    };

    SECTION("an empty one has nothing") {
        CHECK(s->size() == 0);
        CHECK(s->find("a") == nullptr);
        CHECK_FALSE(s->drop("a", "s"));
        CHECK(ids().empty());
    }
    SECTION("what was put is found, whole") {
        s->put(record("a", "s1", "{}"));
        auto const* const r = s->find("a");
        REQUIRE(r);
        CHECK(r->id == "a");
        CHECK(r->socket_id == "s1");
        CHECK(r->record == "{}");
        CHECK(r->info == "{\"host\":\"h\"}");
        CHECK(r->run == "run");
        CHECK(r->seq == 7);
        CHECK(r->seen == at);
        CHECK(s->size() == 1);
    }
    SECTION("a later one replaces it, all of it") {
        s->put(record("a", "s1", "1"));
        stored_record next;
        next.id = "a";
        next.socket_id = "s2";
        next.record = "2";
        next.seq = 8;
        s->put(std::move(next));
        auto const* const r = s->find("a");
        REQUIRE(r);
        CHECK(r->record == "2");
        CHECK(r->socket_id == "s2");
        CHECK(r->info.empty());
        CHECK(r->run.empty());
        CHECK(r->seq == 8);
        CHECK(r->seen == mad::time_point{});
        CHECK(s->size() == 1);
        CHECK(ids() == std::map<std::string, std::string>{{"a", "2"}});
    }
    SECTION("only the connection that owns a record drops it") {
        s->put(record("a", "s1", "1"));
        CHECK_FALSE(s->drop("a", "s2"));
        CHECK_FALSE(s->drop("a", ""));
        CHECK_FALSE(s->drop("b", "s1"));
        CHECK(s->size() == 1);
        CHECK(s->drop("a", "s1"));
        CHECK(s->size() == 0);
        CHECK(s->find("a") == nullptr);
        CHECK_FALSE(s->drop("a", "s1"));
    }
    SECTION("a record that has moved is not dropped by the connection it came from") {
        s->put(record("a", "s1", "1"));
        s->put(record("a", "s2", "2"));
        CHECK_FALSE(s->drop("a", "s1"));
        REQUIRE(s->find("a"));
        CHECK(s->drop("a", "s2"));
    }
    SECTION("a dropped id can come back") {
        s->put(record("a", "s1", "1"));
        CHECK(s->drop("a", "s1"));
        s->put(record("a", "s3", "3"));
        REQUIRE(s->find("a"));
        CHECK(s->find("a")->record == "3");
    }
    SECTION("ids are bytes, not words") {
        for (std::string const id : {"A", "a", " a", "a ", "\xc3\xa9", "e\xcc\x81", "{", "a:b"})
            s->put(record(id, "s", id));
        CHECK(s->size() == 8);
        CHECK(s->find("A")->record == "A");
        CHECK(s->find("a ")->record == "a ");
        CHECK(s->find("\xc3\xa9")->record == "\xc3\xa9");
    }
    SECTION("dropping through a view of the record itself is safe") {
        s->put(record("a long id that lives on the heap", "a socket id that lives there", "1"));
        auto const* const r = s->find("a long id that lives on the heap");
        REQUIRE(r);
        CHECK(s->drop(r->id, r->socket_id));
        CHECK(s->size() == 0);
    }
    SECTION("it agrees with a plain map over many changes") {
        std::mt19937 random(7);
        std::map<std::string, stored_record> model;
        for (int i = 0; i < 5'000; ++i) {
            auto const id = "host-" + std::to_string(random() % 50);
            auto const socket = "s" + std::to_string(random() % 3);
            if (random() % 3 > 0) {
                auto r = record(id, socket, std::to_string(i));
                model[id] = r;
                s->put(std::move(r));
            } else {
                auto const it = model.find(id);
                bool const owned = it != model.end() && it->second.socket_id == socket;
                CHECK(s->drop(id, socket) == owned);
                if (owned)
                    model.erase(it);
            }
        }
        std::map<std::string, std::string> expected;
        for (auto const& [id, r] : model)
            expected[id] = r.record;
        CHECK(ids() == expected);
    }
}

} // namespace mad_test

#endif
