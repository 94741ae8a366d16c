#include <mad/redis/command.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad;
using redis::command;
using namespace std::string_view_literals;

TEST_CASE("a command is written as RESP, whatever its arguments hold") {
    CHECK(command("PING").wire() == "*1\r\n$4\r\nPING\r\n");
    CHECK(command("SET", "k", std::string("a\r\n\0b", 5)).wire() ==
          "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\n\0b\r\n"sv);
    CHECK(command("SET", "", "").wire() == "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$0\r\n\r\n");
    CHECK(command("EXPIRE", "k", -5).wire() == "*3\r\n$6\r\nEXPIRE\r\n$1\r\nk\r\n$2\r\n-5\r\n");
    CHECK(command("X", 18446744073709551615u).wire() ==
          "*2\r\n$1\r\nX\r\n$20\r\n18446744073709551615\r\n");
    std::vector<std::string> const keys{"a", "b"};
    CHECK(command("DEL", keys).wire() == "*3\r\n$3\r\nDEL\r\n$1\r\na\r\n$1\r\nb\r\n");
}

TEST_CASE("arguments may be added, however many") {
    auto const n = GENERATE(0u, 1u, 8u, 9u, 98u, 99u, 100u, 99'999u);
    command c("MSET");
    for (unsigned i = 0; i < n; ++i)
        c.add(i);
    auto const text = c.wire();
    CHECK(c.size() == n + 1);
    CHECK(text.substr(0, text.find('\r')) == "*" + std::to_string(n + 1));
    CHECK(c.argument(0) == "MSET");
    if (n > 0) {
        CHECK(c.argument(1) == "0");
        CHECK(c.argument(n) == std::to_string(n - 1));
    }
    CHECK(c.argument(n + 1).empty());
}

TEST_CASE("the slot of a key is that of Redis Cluster") {
    struct row {
        std::string key;
        int slot;
    };
    // CLUSTER KEYSLOT of Redis 7.0.
    auto const r = GENERATE(values<row>({
        {"", 0},
        {"123456789", 12739},
        {"foo", 12182},
        {"{user1000}.following", 3443},
        {"{user1000}.followers", 3443},
        {"foo{}{bar}", 8363},
        {"foo{{bar}}zap", 4015},
        {"foo{bar}{zap}", 5061},
        {"bar", 5061},
        {"foo{bar", 15278},
    }));
    CAPTURE(r.key);
    CHECK(redis::slot_of(r.key) == r.slot);
}

TEST_CASE("a command goes where its key lives") {
    using redis::slot_of;
    struct row {
        command c;
        char const* key; // null: any node will do
    };
    auto const r = GENERATE(values<row>({
        {command("GET", "k"), "k"},
        {command("hset", "k", "f", "v"), "k"},
        {command("SPUBLISH", "c", "m"), "c"},
        {command("PUBLISH", "c", "m"), nullptr},
        {command("PING"), nullptr},
        {command("PING", "text"), nullptr},
        {command("script", "LOAD", "return 1"), nullptr},
        {command("EVALSHA", "d", 1, "k", "a"), "k"},
        {command("EVAL", "return 1", 0), nullptr},
        {command("EVAL", "return 1", 0, "a"), nullptr},
        {command("XREAD", "COUNT", 1, "STREAMS", "s", "$"), "s"},
        {command("XREADGROUP", "GROUP", "g", "c", "streams", "s", ">"), "s"},
        {command("XREAD", "COUNT", 1), nullptr},
        {command("XADD", "s", "*", "f", "v"), "s"},
        {command("OBJECT", "ENCODING", "k"), "k"},
        {command("BITOP", "AND", "to", "from"), "to"},
        {command("ZUNION", 2, "a", "b"), "a"},
        {command("GET"), nullptr},
        {command("PUBLISH", "c", "m").route_by("k"), "k"},
    }));
    CAPTURE(r.c.wire());
    if (r.key)
        CHECK(r.c.slot() == slot_of(r.key));
    else
        CHECK_FALSE(r.c.slot());
}

TEST_CASE("a script is known by its digest") {
    redis::script const s("return 1");
    CHECK(s.digest() == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    std::vector<std::string> const keys{"k"}, args{"a", "b"};
    CHECK(s.by_digest(keys, args).size() == 6);
    CHECK(s.by_digest(keys, args).argument(2) == "1");
    CHECK(s.by_text(keys, args).argument(1) == "return 1");
    CHECK(s.by_text(keys, args).slot() == redis::slot_of("k"));
}
