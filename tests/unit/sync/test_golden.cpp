#include <support/redis_golden.hpp>

#include <mad/sync/classic_codec.hpp>
#include <mad/sync/cluster_codec.hpp>
#include <mad/sync/emitter.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <string>

// What the packages on npm have sent: read, and written again byte for byte.

using namespace mad;
using mad_test::redis_command;
using mad_test::redis_golden;

namespace {

/// A message as it came, to be said again.
struct again {
    explicit again(sync::message const& m)
        : attachments(m.attachments.begin(), m.attachments.end()) {
        v.kind = m.kind;
        v.old_dialect = m.old_dialect;
        v.request_id = m.request_id;
        v.to = &m.to;
        v.flags = m.flags;
        v.timeout = m.timeout;
        v.rooms = m.rooms;
        v.close = m.close;
        v.count = m.count;
        v.json = m.json;
        v.attachments = attachments;
        v.infos = m.infos;
    }
    std::vector<std::string_view> attachments;
    sync::message_view v;
};

bool is_publish(redis_command const& c) {
    return c.name == "PUBLISH" || c.name == "SPUBLISH";
}

/// Values that JSON has not, and a flag that only tells a Node server how to read the answer: they
/// are read, and not said again.
bool has_foreign_values(redis_command const& c) {
    return c.step.find("new Date") != std::string::npos ||
           c.args.back().find("expectSingleResponse") != std::string::npos;
}

std::string nsp_of(redis_command const& c) {
    return c.args[0].find("#/chat#") != std::string::npos ? "/chat" : "/";
}

std::string room_on(std::string const& channel) {
    auto const end = channel.size() - 1;
    auto const begin = channel.rfind('#', end - 1) + 1;
    return channel.substr(begin, end - begin);
}

} // namespace

TEST_CASE("messages of the classic adapters are read and written byte for byte") {
    struct row {
        char const *file, *prefix;
        bool compat, specific;
    };
    auto const r = GENERATE(values<row>({
        {"redis-adapter-8", "socket.io", false, false},
        {"redis-adapter-8-specific-response-channel", "myapp", false, true},
        {"redis-socket.io-redis-5.2", "socket.io", true, false},
    }));
    std::size_t compared = 0, skipped = 0;
    std::set<sync::message_kind> kinds;
    for (auto const& c : redis_golden(r.file)) {
        if (!is_publish(c))
            continue;
        CAPTURE(r.file, c.step, c.args[0], c.args[1]);
        sync::classic_codec const reader({r.prefix, nsp_of(c), "reader", r.compat, r.specific});
        auto const read = reader.decode(c.args[0], c.args[1]);
        REQUIRE(read.has_value());
        REQUIRE(read->has_value());
        auto const& m = **read;
        kinds.insert(m.kind);
        if (has_foreign_values(c)) {
            ++skipped;
            continue;
        }
        auto const uid = c.from == "emitter->redis" ? std::string("emitter")
                         : m.uid.empty()            ? std::string("writer")
                                                    : m.uid;
        sync::classic_codec const writer({r.prefix, nsp_of(c), uid, r.compat, r.specific});
        again said(m);
        auto const asker = r.specific ? room_on(c.args[0]) : std::string();
        said.v.reply_to = asker;
        auto const out = writer.encode(said.v);
        CHECK(out.channel == c.args[0]);
        CHECK(out.body == c.args[1]);
        ++compared;
    }
    CHECK(compared >= 30);
    CHECK(skipped <= 2);
    CHECK(kinds.size() >= 10);
}

TEST_CASE("what JSON cannot say is read as JavaScript would print it") {
    for (auto const* const file : {"redis-adapter-8", "redis-socket.io-redis-5.2"})
        for (auto const& c : redis_golden(file)) {
            if (!is_publish(c) || c.step.find("new Date") == std::string::npos)
                continue;
            sync::classic_codec const reader({"socket.io", "/", "reader", false, false});
            auto const read = reader.decode(c.args[0], c.args[1]);
            REQUIRE(read.has_value());
            CHECK(json::parse((**read).json) == c.decoded[1]["data"]);
        }
}

TEST_CASE("bytes of 5.x, type 5, are an event with bytes") {
    for (auto const& c : redis_golden("redis-socket.io-redis-5.2")) {
        if (c.step.find("Buffer<01020304>") == std::string::npos)
            continue;
        sync::classic_codec const reader({"socket.io", "/", "reader", false, false});
        auto const read = reader.decode(c.args[0], c.args[1]);
        REQUIRE(read.has_value());
        CHECK((**read).json == R"(["bin",{"_placeholder":true,"num":0}])");
        CHECK((**read).attachments == std::vector<std::string>{"\1\2\3\4"});
    }
}

TEST_CASE("messages of the sharded adapter are read and written byte for byte") {
    std::size_t compared = 0;
    std::set<sync::message_kind> kinds;
    for (auto const& c : redis_golden("redis-sharded-adapter-8")) {
        if (!is_publish(c))
            continue;
        CAPTURE(c.step, c.args[0], c.args[1]);
        sync::cluster_codec const reader({"socket.io", nsp_of(c), "reader", {}, false});
        auto const read = reader.decode(c.args[0], c.args[1]);
        REQUIRE(read.has_value());
        REQUIRE(read->has_value());
        auto const& m = **read;
        kinds.insert(m.kind);
        CHECK(m.uid == c.decoded["uid"].get<std::string>());
        if (has_foreign_values(c) && c.step.find("new Date") == std::string::npos)
            continue;
        sync::cluster_codec const writer(
            {"socket.io", nsp_of(c), m.uid, sync::subscription_mode::dynamic, false});
        again said(m);
        auto const asker = room_on(c.args[0]);
        said.v.reply_to = asker;
        auto const out = writer.encode(said.v);
        CHECK(out.channel == c.args[0]);
        CHECK(out.body == c.args[1]);
        ++compared;
    }
    CHECK(compared >= 22);
    CHECK(kinds.size() == 10);
}

TEST_CASE("messages and entries of the streams adapter are read and written byte for byte") {
    std::size_t entries = 0, messages = 0;
    for (auto const& c : redis_golden("redis-streams-adapter")) {
        CAPTURE(c.step, c.name, c.args);
        if (c.name == "XADD") {
            auto const uid = c.args[6], nsp = c.args[8], type = c.args[10], data = c.args[12];
            sync::cluster_codec const codec({"socket.io", nsp, uid, {}, true});
            auto const read = codec.decode_entry(uid, type, data);
            REQUIRE(read.has_value());
            REQUIRE(read->has_value());
            again said(**read);
            CHECK(std::to_string(sync::cluster_codec::type_of(said.v.kind)) == type);
            if (data.find("expectSingleResponse") != std::string::npos)
                continue;
            CHECK(codec.encode_data(said.v) == data);
            ++entries;
        } else if (is_publish(c)) {
            sync::cluster_codec const reader({"socket.io", nsp_of(c), "reader", {}, true});
            auto const read = reader.decode(c.args[0], c.args[1]);
            REQUIRE(read.has_value());
            REQUIRE(read->has_value());
            sync::cluster_codec const writer({"socket.io", nsp_of(c), (**read).uid, {}, true});
            again said(**read);
            auto const asker = room_on(c.args[0]);
            said.v.reply_to = asker;
            auto const out = writer.encode(said.v);
            CHECK(out.channel == c.args[0]);
            CHECK(out.body == c.args[1]);
            ++messages;
        }
    }
    CHECK(entries >= 15);
    CHECK(messages >= 12);
}

TEST_CASE("an emitter sends what those of npm send") {
    std::vector<redis::command> sent;
    auto const out = [&](bool compat) {
        sync::emitter_settings s;
        s.compat = compat;
        return sync::emitter([&](redis::command c) { sent.push_back(std::move(c)); }, s);
    };
    bytes const one{1};
    auto const check = [&](std::string const& file) {
        std::size_t i = 0;
        for (auto const& c : redis_golden(file)) {
            if (c.from != "emitter->redis")
                continue;
            CAPTURE(c.step);
            REQUIRE(i < sent.size());
            CHECK(sent[i].argument(0) == "PUBLISH");
            CHECK(sent[i].argument(1) == c.args[0]);
            CHECK(sent[i].argument(2) == c.args[1]);
            ++i;
        }
        CHECK(i == sent.size());
        sent.clear();
    };
    auto const e = out(false);
    e.emit("all", 1);
    e.to("room1").emit("r", one);
    e.of("/chat").to({"a", "b"}).except("c").as_volatile().emit("x");
    e.in("room1").sockets_join("z");
    e.in("room1").sockets_leave({"z", "w"});
    e.in("room1").disconnect_sockets(true);
    e.server_side_emit("sse", "e");
    check("redis-adapter-8");

    auto const old = out(true);
    old.emit("all", 1);
    old.to("room1").emit("r", one);
    old.of("chat").to("a").to("b").emit("x");
    old.as_volatile().emit("v");
    check("redis-socket.io-redis-5.2");
    CHECK_THROWS_AS(old.sockets_join("x"), std::logic_error);
    CHECK_THROWS_AS(e.emit("connect", 1), std::invalid_argument);
}
