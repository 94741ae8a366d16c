#include <support/fake_redis.hpp>
#include <support/fake_sockets.hpp>
#include <support/redis_golden.hpp>

#include <mad/core/json.hpp>
#include <mad/sync/streams_adapter.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace mad;
namespace sio = mad::socketio;
using mad_test::fake_redis;
using mad_test::fake_sockets;
using strings = std::vector<std::string>;

namespace {

struct node {
    explicit node(fake_redis& r, bool recovery = true) {
        sync::streams_adapter_settings s;
        s.clock = &r.clock;
        if (recovery)
            s.recovery = milliseconds(120'000);
        reach = sync::make_streams_adapters(r.connect(), s)("/", sockets);
        r.run();
    }
    void emit(std::string_view event, sio::target const& t = {}, bool is_volatile = false) {
        sio::broadcast_flags f;
        f.is_volatile = is_volatile;
        reach->broadcast(sio::encode_packet(sio::packet_type::event, "/", {}, event), t, f);
    }
    strings& got(std::string const& id) { return sockets.sockets.at(id).got; }

    fake_sockets sockets;
    std::unique_ptr<sio::adapter> reach;
};

std::string offset_of(std::string const& text) {
    return json::parse(text.substr(2)).back().get<std::string>();
}

} // namespace

TEST_CASE("with recovery every event carries its place in the stream, the same on all nodes") {
    fake_redis redis;
    node a(redis), b(redis);
    a.sockets.add("a");
    b.sockets.add("b");
    a.emit("one");
    b.emit("two");
    redis.run();
    a.emit("quick", {}, true);
    redis.run();
    CHECK(a.got("a") == strings{"42[\"one\",\"1700000000000-0\"]",
                                "42[\"two\",\"1700000000000-1\"]", "42[\"quick\"]"});
    CHECK(b.got("b") == a.got("a"));
    CHECK(a.sockets.flags[1].sequence == a.sockets.flags[0].sequence + 1);
    CHECK(a.sockets.flags[2].sequence == 0);

    std::vector<std::pair<std::string, std::uint64_t>> sent;
    a.reach->send(sio::encode_packet(sio::packet_type::event, "/", {}, "mine"), "a",
                  [&](sio::encoded const& p, std::uint64_t n) {
                      sent.emplace_back(std::string(p.text().payload()), n);
                  });
    redis.run();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].first == "42[\"mine\",\"1700000000000-3\"]");
    CHECK(sent[0].second != 0);
    CHECK(b.got("b").size() == 3);
}

TEST_CASE("an event that does not come back in time is delivered without, and only once") {
    fake_redis redis;
    node a(redis);
    a.sockets.add("a");
    redis.reads_stopped = true;
    a.emit("slow");
    redis.run();
    CHECK(a.got("a").empty());
    redis.pass(milliseconds(1000));
    CHECK(a.got("a") == strings{"42[\"slow\"]"});
    redis.reads_stopped = false;
    redis.run();
    CHECK(a.got("a").size() == 1);

    redis.down = true; // known to be away: at once
    a.emit("away");
    CHECK(a.got("a").back() == "42[\"away\"]");
    redis.run();
    redis.down = false;
    a.emit("back");
    redis.run();
    CHECK(a.got("a").size() == 3);
    CHECK(offset_of(a.got("a")[2]) == "1700000001000-0");
}

TEST_CASE("a peer comes back on another node with what it missed") {
    fake_redis redis;
    node a(redis), b(redis);
    a.sockets.add("a");
    a.emit("seen");
    redis.run();
    auto const offset = offset_of(a.got("a").back());
    a.reach->save_session({"the-id", "the-pid", {"room"}, R"({"n":1})", 0, 0, {}});
    bytes const one{1};
    b.reach->broadcast(sio::encode_packet(sio::packet_type::event, "/", {}, "bin", one),
                       {{"room"}, {}}, {});
    b.emit("other", {{"elsewhere"}, {}});
    b.emit("not him", {{}, {"room"}});
    b.emit("quick", {}, true);
    a.emit("his", {{"the-id"}, {}});
    redis.run();

    std::optional<std::optional<sio::restored_session>> back;
    auto const restore = [&](std::string pid, std::string from) {
        back.reset();
        b.reach->restore_session(std::move(pid), std::move(from),
                                 [&](auto s) { back = std::move(s); });
        redis.run();
        REQUIRE(back);
    };
    restore("the-pid", offset);
    REQUIRE(*back);
    auto const& s = **back;
    CHECK(s.session.id == "the-id");
    CHECK(s.session.pid == "the-pid");
    CHECK(s.session.rooms == strings{"room"});
    CHECK(s.session.data == R"({"n":1})");
    REQUIRE(s.missed.size() == 2);
    CHECK(s.missed[0].text().payload() ==
          "451-[\"bin\",{\"_placeholder\":true,\"num\":0},\"1700000000000-1\"]");
    CHECK(s.missed[0].attachments().size() == 1);
    CHECK(s.missed[1].text().payload() == "42[\"his\",\"1700000000000-5\"]");
    CHECK(s.sequence == s.numbers.back());

    restore("the-pid", offset); // once only
    CHECK_FALSE(*back);
    a.reach->save_session({"the-id", "the-pid", {}, "", 0, 0, {}});
    redis.run();
    for (auto const* const bad : {"", "x", "1-", "-1", "1-x", "99999-0", "1700000000000-99"}) {
        CAPTURE(bad);
        restore("unknown", bad);
        CHECK_FALSE(*back);
    }
}

TEST_CASE("sessions are stored as the reference stores them") {
    fake_redis redis;
    node a(redis);
    a.reach->save_session({"2wpuq44pivLStWMsAAAE", "ud2cPvV-cx2zXps0AAAF", {}, "{}", 0, 0, {}});
    redis.run();
    for (auto const& c : mad_test::redis_golden("redis-streams-adapter"))
        if (c.name == "SET") {
            auto const& last = redis.log.back();
            CHECK(last[0] == "SET");
            CHECK(last[1] == c.args[0]);
            // the id is known from the value alone, and differs in its last characters
            CHECK(last[2].substr(0, 20) == c.args[1].substr(0, 20));
            CHECK(last[2].size() == c.args[1].size());
            CHECK(last[3] == "PX");
            CHECK(last[4] == c.args[3]);
            std::optional<sio::restored_session> back;
            a.emit("x");
            redis.run();
            redis.keys[c.args[0]] = c.args[1];
            a.reach->restore_session("ud2cPvV-cx2zXps0AAAF", "1700000000000-0",
                                     [&](auto s) { back = std::move(s); });
            redis.run();
            REQUIRE(back);
            CHECK(back->session.id.size() == 20);
            CHECK(back->session.rooms.empty());
            CHECK(back->session.data == "{}");
        }
}

TEST_CASE("without recovery events go out unchanged, and at once") {
    fake_redis redis;
    node a(redis, false), b(redis, false);
    a.sockets.add("a");
    b.sockets.add("b");
    a.emit("one");
    CHECK(a.got("a") == strings{"42[\"one\"]"});
    redis.run();
    CHECK(a.got("a").size() == 1);
    CHECK(b.got("b") == strings{"42[\"one\"]"});
    CHECK_FALSE(a.reach->recovers());
}
