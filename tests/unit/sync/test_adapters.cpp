#include <support/fake_redis.hpp>
#include <support/fake_sockets.hpp>

#include <mad/core/json.hpp>
#include <mad/socketio/error.hpp>
#include <mad/sync/emitter.hpp>
#include <mad/sync/error.hpp>
#include <mad/sync/msgpack.hpp>
#include <mad/sync/redis_adapter.hpp>
#include <mad/sync/sharded_adapter.hpp>
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

enum class flavour { classic, specific, compat, sharded, streams };

struct node {
    node(fake_redis& r, flavour f, std::string nsp = "/") {
        auto const bus = r.connect();
        if (f == flavour::sharded) {
            sync::sharded_adapter_settings s;
            s.clock = &r.clock;
            reach = sync::make_sharded_adapters(bus, s)(nsp, sockets);
        } else if (f == flavour::streams) {
            sync::streams_adapter_settings s;
            s.clock = &r.clock;
            reach = sync::make_streams_adapters(bus, s)(nsp, sockets);
        } else {
            sync::redis_adapter_settings s;
            s.clock = &r.clock;
            s.compat = f == flavour::compat;
            s.specific_response_channel = f == flavour::specific;
            reach = sync::make_redis_adapters(bus, s)(nsp, sockets);
        }
    }

    void emit(sio::target const& t, std::string_view event, sio::broadcast_flags f = {}) {
        reach->broadcast(sio::encode_packet(sio::packet_type::event, "/", {}, event, 1), t, f);
    }
    strings got(std::string const& id) { return sockets.sockets.at(id).got; }

    fake_sockets sockets;
    std::unique_ptr<sio::adapter> reach;
};

/// Two nodes with a socket each, all in `room`.
struct world {
    explicit world(flavour f)
        : a(redis, f)
        , b(redis, f) {
        a.sockets.add("aaaaaaaaaaaaaaaaaaaa", {"room"});
        b.sockets.add("bbbbbbbbbbbbbbbbbbbb", {"room"});
        redis.run();
    }
    strings of_a() { return a.got(ida); }
    strings of_b() { return b.got(idb); }

    std::string const ida = "aaaaaaaaaaaaaaaaaaaa", idb = "bbbbbbbbbbbbbbbbbbbb";
    fake_redis redis;
    node a, b;
};

auto const all_flavours = {flavour::classic, flavour::specific, flavour::compat, flavour::sharded,
                           flavour::streams};

} // namespace

TEST_CASE("a broadcast reaches the sockets of all nodes once") {
    auto const f = GENERATE(from_range(all_flavours));
    CAPTURE(static_cast<int>(f));
    world w(f);
    w.a.emit({}, "all");
    w.a.emit({{"room"}, {}}, "room");
    w.a.emit({{"room", "other"}, {}}, "rooms");
    w.a.emit({{w.idb}, {}}, "direct");
    w.a.emit({{"nobody"}, {}}, "nobody");
    w.a.emit({{}, {w.ida}}, "others");
    sio::broadcast_flags local;
    local.local = true;
    w.a.emit({}, "local", local);
    w.redis.run();
    CHECK(w.of_a() ==
          strings{"42[\"all\",1]", "42[\"room\",1]", "42[\"rooms\",1]", "42[\"local\",1]"});
    CHECK(w.of_b() == strings{"42[\"all\",1]", "42[\"room\",1]", "42[\"rooms\",1]",
                              "42[\"direct\",1]", "42[\"others\",1]"});
}

TEST_CASE("bytes and flags of a broadcast arrive on other nodes") {
    auto const f = GENERATE(from_range(all_flavours));
    CAPTURE(static_cast<int>(f));
    world w(f);
    bytes const data{1, 2, 255};
    sio::broadcast_flags flags;
    flags.is_volatile = true;
    flags.compress = false;
    w.a.reach->broadcast(sio::encode_packet(sio::packet_type::event, "/", {}, "bin", data, data),
                         {}, flags);
    w.redis.run();
    CHECK(w.of_b() == strings{"452-[\"bin\",{\"_placeholder\":true,\"num\":0},"
                              "{\"_placeholder\":true,\"num\":1}]"});
    CHECK(w.b.sockets.sockets[w.idb].attachments == strings{"\1\2\xff", "\1\2\xff"});
    REQUIRE(w.b.sockets.flags.size() == 1);
    CHECK(w.b.sockets.flags[0].is_volatile);
    CHECK_FALSE(w.b.sockets.flags[0].compress);
}

TEST_CASE("sockets of all nodes are found, joined to rooms, taken out and disconnected") {
    auto const f = GENERATE(from_range(all_flavours));
    CAPTURE(static_cast<int>(f));
    world w(f);
    w.b.sockets.sockets[w.idb].data = R"({"user":"bob"})";
    std::vector<sio::socket_info> found;
    int calls = 0;
    auto const keep = [&](result<std::vector<sio::socket_info>> r) {
        ++calls;
        REQUIRE(r.has_value());
        found = *r;
    };
    w.a.reach->fetch({{"room"}, {}}, keep);
    w.redis.run();
    REQUIRE(calls == 1);
    REQUIRE(found.size() == 2);
    CHECK(found[0].id == w.ida);
    CHECK(found[1].id == w.idb);
    CHECK(found[1].data == R"({"user":"bob"})");
    CHECK(found[1].handshake == R"({"address":"127.0.0.1"})");
    CHECK(found[1].rooms == strings{w.idb, "room"});

    w.a.reach->fetch({{"room"}, {w.ida}}, keep);
    w.redis.run();
    REQUIRE(calls == 2);
    REQUIRE(found.size() == 1);
    CHECK(found[0].id == w.idb);

    w.a.reach->join({{"room"}, {}}, {"x", "y"});
    w.redis.run();
    CHECK(w.a.sockets.sockets[w.ida].rooms == std::set<std::string>{"room", "x", "y"});
    CHECK(w.b.sockets.sockets[w.idb].rooms == std::set<std::string>{"room", "x", "y"});
    w.a.reach->leave({{"x"}, {w.ida}}, {"y"});
    w.redis.run();
    CHECK(w.a.sockets.sockets[w.ida].rooms == std::set<std::string>{"room", "x", "y"});
    CHECK(w.b.sockets.sockets[w.idb].rooms == std::set<std::string>{"room", "x"});

    std::optional<strings> rooms;
    w.a.reach->all_rooms([&](result<strings> r) { rooms = r.value(); });
    w.redis.run();
    CHECK(rooms == strings{w.ida, w.idb, "room", "x", "y"});

    w.a.reach->disconnect({{"room"}, {}}, true);
    w.redis.run();
    CHECK(w.a.sockets.ended == strings{w.ida + " close"});
    CHECK(w.b.sockets.ended == strings{w.idb + " close"});
}

TEST_CASE("a broadcast is acknowledged by the sockets of all nodes") {
    auto const f =
        GENERATE(flavour::classic, flavour::specific, flavour::sharded, flavour::streams);
    CAPTURE(static_cast<int>(f));
    world w(f);
    w.a.sockets.sockets[w.ida].answer = "from a";
    w.b.sockets.sockets[w.idb].answer = json::binary({7, 8});
    std::optional<sio::ack_responses> r;
    auto const ask = [&] {
        r.reset();
        w.a.reach->broadcast_with_ack(sio::encode_packet(sio::packet_type::event, "/", 3, "q"), 3,
                                      {}, {}, milliseconds(500),
                                      [&](sio::ack_responses a) { r = std::move(a); });
        w.redis.run();
    };
    ask();
    REQUIRE(r);
    CHECK_FALSE(r->ec);
    CHECK(r->values == std::vector<json>{"from a", json::binary({7, 8})});
    CHECK(w.of_a() == strings{"423[\"q\"]"});
    CHECK(w.of_b() == strings{"427[\"q\"]"});

    w.b.sockets.sockets[w.idb].answer.reset();
    ask();
    CHECK_FALSE(r);
    w.redis.pass(milliseconds(500));
    REQUIRE(r);
    CHECK(r->ec == sio::error::timeout);
    CHECK(r->values == std::vector<json>{"from a"});
}

TEST_CASE("5.x has no acknowledged broadcasts: with compat only local sockets are asked") {
    world w(flavour::compat);
    w.a.sockets.sockets[w.ida].answer = 1;
    std::optional<sio::ack_responses> r;
    w.redis.log.clear();
    w.a.reach->broadcast_with_ack(sio::encode_packet(sio::packet_type::event, "/", 3, "q"), 3, {},
                                  {}, milliseconds(500),
                                  [&](sio::ack_responses a) { r = std::move(a); });
    w.redis.run();
    REQUIRE(r);
    CHECK(r->values == std::vector<json>{1});
    CHECK(w.redis.log.empty());
}

TEST_CASE("a server's event reaches all other nodes, which can answer") {
    auto const f = GENERATE(from_range(all_flavours));
    CAPTURE(static_cast<int>(f));
    world w(f);
    w.a.reach->server_side_emit("note", sio::arguments{{1, json{{"k", "v"}}}});
    w.redis.run();
    CHECK(w.a.sockets.events.empty());
    REQUIRE(w.b.sockets.events.size() == 1);
    CHECK(w.b.sockets.events[0].first == "note");
    CHECK(w.b.sockets.events[0].second == json::parse(R"([1,{"k":"v"}])"));

    w.b.sockets.on_event = [](json const& a) { return "heard " + a[0].get<std::string>(); };
    std::optional<sio::ack_responses> r;
    auto const ask = [&] {
        r.reset();
        w.a.reach->server_side_emit_with_ack("q", sio::arguments{{"hi"}}, milliseconds(700),
                                             [&](sio::ack_responses a) { r = std::move(a); });
        w.redis.run();
    };
    ask();
    REQUIRE(r);
    CHECK_FALSE(r->ec);
    CHECK(r->values == std::vector<json>{"heard hi"});

    w.b.sockets.on_event = nullptr;
    ask();
    if (f == flavour::compat) { // as 5.x does: an answer of each node, whether it has one or not
        REQUIRE(r);
        CHECK(r->values == std::vector<json>{nullptr});
        return;
    }
    CHECK_FALSE(r);
    w.redis.pass(milliseconds(700));
    REQUIRE(r);
    CHECK(r->ec == sio::error::timeout);
    CHECK(r->text == "timeout reached: only 0 responses received out of 1");
}

TEST_CASE("a node that does not answer ends requests with the words of the reference") {
    auto const f = GENERATE(flavour::classic, flavour::compat, flavour::sharded, flavour::streams);
    CAPTURE(static_cast<int>(f));
    world w(f);
    auto const silent = w.redis.connect(); // counted, and never says a word
    silent->subscribe(sync::subscription::channel,
                      f == flavour::classic || f == flavour::compat ? "socket.io-request#/#"
                                                                    : "socket.io#/#",
                      [](auto, auto) {});
    std::optional<result<std::vector<sio::socket_info>>> found;
    w.a.reach->fetch({}, [&](auto r) { found = std::move(r); });
    w.redis.run();
    CHECK_FALSE(found);
    w.redis.pass(milliseconds(4999));
    CHECK_FALSE(found);
    w.redis.pass(milliseconds(1));
    REQUIRE(found);
    REQUIRE(found->has_error());
    CHECK(found->error().message() ==
          (f == flavour::compat    ? "timeout reached while waiting for clients response"
           : f == flavour::classic ? "timeout reached while waiting for fetchSockets response"
                                   : "timeout reached: only 1 responses received out of 2"));
    CHECK(sync::is_timeout(found->error()));
    if (f == flavour::classic) {
        std::optional<result<strings>> rooms;
        w.a.reach->all_rooms([&](auto r) { rooms = std::move(r); });
        w.redis.run();
        w.redis.pass(milliseconds(5000));
        REQUIRE(rooms);
        CHECK(rooms->error().message() == "timeout reached while waiting for allRooms response");
    }
}

TEST_CASE("alone, everything is answered at once") {
    auto const f = GENERATE(from_range(all_flavours));
    CAPTURE(static_cast<int>(f));
    fake_redis redis;
    node a(redis, f);
    a.sockets.add("only");
    a.sockets.sockets["only"].answer = 1;
    std::size_t found = 0;
    std::optional<sio::ack_responses> acks, answers;
    a.reach->fetch({}, [&](auto r) { found = r.value().size(); });
    a.reach->broadcast_with_ack(sio::encode_packet(sio::packet_type::event, "/", 3, "q"), 3, {}, {},
                                milliseconds(500), [&](auto r) { acks = std::move(r); });
    a.reach->server_side_emit_with_ack("x", {}, milliseconds(500),
                                       [&](auto r) { answers = std::move(r); });
    redis.run();
    CHECK(found == 1);
    REQUIRE(acks);
    CHECK(acks->values == std::vector<json>{1});
    REQUIRE(answers);
    CHECK_FALSE(answers->ec);
}

TEST_CASE("while Redis is away the sockets here are reached at once") {
    auto const f = GENERATE(from_range(all_flavours));
    CAPTURE(static_cast<int>(f));
    world w(f);
    w.redis.down = true;
    w.a.emit({}, "all");
    w.a.reach->join({{"room"}, {}}, {"x"});
    CHECK(w.of_a() == strings{"42[\"all\",1]"});
    CHECK(w.a.sockets.sockets[w.ida].rooms.contains("x"));
    std::optional<sio::ack_responses> acks;
    std::optional<result<std::vector<sio::socket_info>>> found;
    w.a.sockets.sockets[w.ida].answer = 1;
    w.a.reach->broadcast_with_ack(sio::encode_packet(sio::packet_type::event, "/", 3, "q"), 3, {},
                                  {}, milliseconds(500), [&](auto r) { acks = std::move(r); });
    w.a.reach->fetch({}, [&](auto r) { found = std::move(r); });
    w.redis.run();
    REQUIRE(acks);
    CHECK(acks->values == std::vector<json>{1});
    REQUIRE(found);
    CHECK(found->error() == redis::error::unreachable);
    w.redis.down = false;
    w.a.emit({}, "again");
    w.redis.run();
    CHECK(w.of_b() == strings{"42[\"again\",1]"});
}

TEST_CASE("nodes of both dialects broadcast to each other, and a node answers in the asker's") {
    fake_redis redis;
    node current(redis, flavour::classic), old(redis, flavour::compat);
    current.sockets.add("c", {"room"});
    old.sockets.add("o", {"room"});
    bytes const one{1};
    auto const bin = sio::encode_packet(sio::packet_type::event, "/", {}, "bin", one);
    current.reach->broadcast(bin, {}, {});
    old.reach->broadcast(bin, {{"room"}, {}}, {});
    redis.run();
    strings const twice(2, "451-[\"bin\",{\"_placeholder\":true,\"num\":0}]");
    CHECK(current.got("c") == twice);
    CHECK(old.got("o") == twice);

    for (auto* const n : {&current, &old}) {
        std::size_t found = 0;
        n->reach->fetch({{"room"}, {}}, [&](auto r) { found = r.value().size(); });
        redis.run();
        CHECK(found == 2);
    }
}

TEST_CASE("requests of 5.x are answered as it wants") {
    fake_redis redis;
    node a(redis, flavour::classic);
    a.sockets.add("sid", {"room"});
    struct row {
        char const *request, *answer;
    };
    auto const r = GENERATE(values<row>({
        {R"({"requestid":"r","type":0,"rooms":["room"]})",
         R"({"requestid":"r","clients":["sid"]})"},
        {R"({"requestid":"r","type":0,"rooms":["other"]})", R"({"requestid":"r","clients":[]})"},
        {R"({"requestid":"r","type":1,"sid":"sid"})",
         R"({"requestid":"r","rooms":["sid","room"]})"},
        {R"({"requestid":"r","type":1,"sid":"other"})", nullptr},
        {R"({"requestid":"r","type":2})", R"({"requestid":"r","rooms":["room","sid"]})"},
        {R"({"requestid":"r","type":3,"sid":"sid","room":"x"})", R"({"requestid":"r"})"},
        {R"({"requestid":"r","type":3,"sid":"other","room":"x"})", nullptr},
        {R"({"requestid":"r","type":4,"sid":"sid","room":"room"})", R"({"requestid":"r"})"},
        {R"({"requestid":"r","type":5,"data":"hi"})", R"({"requestid":"r","data":null})"},
        {R"({"requestid":"r","type":6,"sid":"sid","close":true})", R"({"requestid":"r"})"},
        // and those of one socket that 8.x still takes
        {R"({"uid":"u","requestId":"r","type":2,"sid":"sid","room":"x"})", R"({"requestId":"r"})"},
        {R"({"uid":"u","requestId":"r","type":0,"rooms":["room"]})",
         R"({"requestId":"r","sockets":["sid"]})"},
    }));
    CAPTURE(r.request);
    redis.publish("socket.io-request#/#", r.request);
    redis.run();
    auto const said = redis.published();
    if (!r.answer) {
        CHECK(said.empty());
        return;
    }
    REQUIRE(said.size() == 1);
    CHECK(said[0].first == "socket.io-response#/#");
    CHECK(said[0].second == r.answer);
}

TEST_CASE("a data set of 5.x's customRequest is an event of that name") {
    fake_redis redis;
    node a(redis, flavour::classic);
    a.sockets.on_event = [](json const& args) { return args[0]; };
    redis.publish("socket.io-request#/#", R"({"requestid":"r","type":5,"data":{"a":1}})");
    redis.run();
    REQUIRE(a.sockets.events.size() == 1);
    CHECK(a.sockets.events[0].first == "customRequest");
    REQUIRE(redis.published().size() == 1);
    CHECK(redis.published()[0].second == R"({"requestid":"r","data":{"a":1}})");
}

TEST_CASE("broken and hostile messages are dropped and counted") {
    fake_redis redis;
    auto const bus = redis.connect();
    fake_sockets sockets;
    sockets.add("sid");
    sync::redis_adapter_settings s;
    s.clock = &redis.clock;
    s.limits.max_bytes = 2000;
    s.limits.max_names = 3;
    sync::redis_adapter a("/", sockets, bus, s);
    auto const packed = [](std::string_view text) {
        std::string out;
        REQUIRE(sync::append_msgpack_json(out, text));
        return out;
    };
    std::string const all = "socket.io#/#", ask = "socket.io-request#/#",
                      tell = "socket.io-response#/#";
    auto const bad = std::vector<std::pair<std::string, std::string>>{
        {all, ""},
        {all, "x"},
        {all, "\xc1"},
        {all, std::string(3000, 'x')},
        {all, "\xdd\xff\xff\xff\xff"},
        {all, packed(R"({"a":1})")},
        {all, packed(R"([1,2,3])")},
        {all, packed(R"(["u",{"type":2,"nsp":"/"},{}])")},
        {all, packed(R"(["u",{"type":3,"data":["x"],"nsp":"/"},{}])")},
        {all, packed(R"(["u",{"type":2,"data":{"x":1},"nsp":"/"},{}])")},
        {all, packed(R"(["u",{"type":2,"data":[],"nsp":"/"},{}])")},
        {all, packed(R"(["u",{"type":2,"data":["disconnect"],"nsp":"/"},{}])")},
        {all, packed(R"(["u",{"type":2,"data":["x"],"nsp":"/"},{"rooms":"x"}])")},
        {all, packed(R"(["u",{"type":2,"data":["x"],"nsp":"/"},{"rooms":[1,2,3,4]}])")},
        {all, packed(R"(["u",{"type":2,"data":["x"],"nsp":"/"},{}])") + "x"},
        {all, packed("[\"u\",{\"type\":2,\"data\":[\"x\"," + std::string(200, '[') +
                     std::string(200, ']') + "],\"nsp\":\"/\"},{}]")},
        {ask, "{"},
        {ask, "{}"},
        {ask, "nonsense"},
        {ask, R"({"type":99,"uid":"u"})"},
        {ask, R"({"type":-1,"uid":"u"})"},
        {ask, R"({"type":5,"uid":"u"})"},
        {ask, R"({"type":5,"uid":"u","requestId":"r","opts":[]})"},
        {ask, R"({"type":2,"uid":"u","opts":{"rooms":["a","b","c","d"]},"rooms":["x"]})"},
        {ask, R"({"type":2,"uid":"u"})"},
        {ask, R"({"type":6,"uid":"u","data":"x"})"},
        {ask, R"({"type":6,"uid":"u","data":[1]})"},
        {ask, R"({"requestid":"r","type":77})"},
        {ask, packed(R"({"type":7,"uid":"u"})")},
        {ask,
         packed(
             R"({"type":7,"uid":"u","requestId":"r","packet":{"type":2,"data":["connect"],"nsp":"/"}})")},
        {tell, "{"},
        {tell, "{}"},
        {tell, R"({"requestId":"r","sockets":[1]})"},
        {tell, R"({"requestId":"r","sockets":[{"id":1}]})"},
        {tell, R"({"requestId":"r","type":8})"},
    };
    std::uint64_t n = 0;
    for (auto const& [channel, body] : bad) {
        CAPTURE(channel, body);
        redis.publish(channel, body);
        redis.run();
        CHECK(a.dropped() == ++n);
    }
    CHECK(sockets.sockets["sid"].got.empty());
    CHECK(redis.published().empty());

    // What is another's, or answers a question that nobody asked, is no fault.
    redis.publish(all, packed(R"(["u",{"type":2,"data":["x"],"nsp":"/other"},{}])"));
    redis.publish(tell, R"({"requestId":"r","sockets":[]})");
    redis.publish(tell, R"({"type":6,"requestId":"r"})");
    CHECK(a.dropped() == n);
    // nsp and opts may be missing.
    redis.publish(all, packed(R"(["u",{"type":2,"data":["x"]}])"));
    CHECK(sockets.sockets["sid"].got == strings{"42[\"x\"]"});
}

TEST_CASE("missing answers are counted, however many, and always a failure") {
    struct row {
        std::size_t received, expected;
        std::string text;
    };
    for (auto const& r : {row{0, 0, "only 0 responses received out of 0"},
                          row{0, 1, "only 0 responses received out of 1"},
                          row{12, 34, "only 12 responses received out of 34"},
                          row{1'000'000, 70'000, "only 32767 responses received out of 32767"}}) {
        auto const ec = sync::answers_missing(r.received, r.expected);
        CHECK(ec.message() == "timeout reached: " + r.text);
        CHECK(ec);
        CHECK(sync::is_timeout(ec));
    }
    CHECK_FALSE(sync::is_timeout({}));
}

TEST_CASE("requests that wait have a limit, and so have their answers") {
    fake_redis redis;
    fake_sockets sockets;
    sync::redis_adapter_settings s;
    s.clock = &redis.clock;
    s.max_pending = 2;
    s.max_answer_bytes = 100;
    sync::redis_adapter a("/", sockets, redis.connect(), s);
    auto const silent = redis.connect();
    std::string asked;
    silent->subscribe(sync::subscription::channel, "socket.io-request#/#",
                      [&](auto, std::string_view body) { asked = body; });
    std::vector<error_code> ends;
    for (int i = 0; i < 3; ++i)
        a.fetch({}, [&](auto r) { ends.push_back(r.error()); });
    redis.run();
    REQUIRE(ends.size() == 1);
    CHECK(ends[0] == sync::error::too_many_pending);
    auto const id = json::parse(asked)["requestId"].get<std::string>();
    redis.publish("socket.io-response#/#", "{\"requestId\":\"" + id +
                                               "\",\"sockets\":[{\"id\":\"x\",\"data\":\"" +
                                               std::string(100, 'x') + "\"}]}");
    REQUIRE(ends.size() == 2);
    CHECK(ends[1] == sync::error::too_big);
    CHECK_FALSE(sync::is_timeout(ends[1]));
    redis.pass(milliseconds(5000));
    REQUIRE(ends.size() == 3);
    CHECK(ends[2] == sync::error::fetch_timeout);
}

TEST_CASE("namespaces do not hear each other, whatever their names look like") {
    fake_redis redis;
    node root(redis, flavour::classic), odd(redis, flavour::classic, "/a*"),
        other(redis, flavour::classic, "/ab");
    root.sockets.add("r");
    odd.sockets.add("o");
    other.sockets.add("x");
    odd.reach->broadcast(sio::encode_packet(sio::packet_type::event, "/a*", {}, "e"), {}, {});
    redis.run();
    CHECK(redis.published()[0].first == "socket.io#/a*#");
    CHECK(odd.got("o") == strings{"42/a*,[\"e\"]"});
    CHECK(other.got("x").empty());
    CHECK(root.got("r").empty());
    sync::classic_codec const c({"socket.io", "/a*[b]?", "u", false, false});
    CHECK(c.broadcast_pattern() == "socket.io#/a\\*\\[b\\]\\?#*");
}

TEST_CASE("an emitter reaches the sockets of all nodes with the classic adapter") {
    world w(flavour::classic);
    auto const bus = w.redis.connect();
    sync::emitter const out([&](redis::command c) { bus->send(std::move(c)); });
    out.to("room").except(w.ida).emit("news", 1, "two");
    out.in("room").sockets_join("x");
    out.server_side_emit("sse", 5);
    w.redis.run();
    CHECK(w.of_a().empty());
    CHECK(w.of_b() == strings{"42[\"news\",1,\"two\"]"});
    CHECK(w.a.sockets.sockets[w.ida].rooms.contains("x"));
    CHECK(w.b.sockets.sockets[w.idb].rooms.contains("x"));
    CHECK(w.a.sockets.events.size() == 1);
    CHECK(w.b.sockets.events.size() == 1);
}

TEST_CASE("the sharded adapter listens to rooms that are here, but for those of single sockets") {
    fake_redis redis;
    auto const bus = redis.connect();
    auto const names = [&] {
        std::set<std::string> out;
        for (auto const& key : std::static_pointer_cast<fake_redis::client>(bus)->subscribed) {
            CHECK(key.first == sync::subscription::sharded);
            if (key.second.find("room") != std::string::npos ||
                key.second.find("sid") != std::string::npos)
                out.insert(key.second);
        }
        return out;
    };
    fake_sockets sockets;
    sync::sharded_adapter_settings s;
    s.mode = GENERATE(sync::subscription_mode::dynamic, sync::subscription_mode::dynamic_private,
                      sync::subscription_mode::all_in_one);
    std::set<std::string> own, both{"socket.io#/#room#"};
    if (s.mode == sync::subscription_mode::dynamic_private) {
        own.insert("socket.io#/#sid#");
        both.insert("socket.io#/#sid#");
    }
    if (s.mode == sync::subscription_mode::all_in_one)
        both.clear();
    {
        sync::sharded_adapter a("/", sockets, bus, s);
        sockets.add("sid", {"room"});
        CHECK(names() == both);
        sockets.leave_local({}, {"room"});
        CHECK(names() == own);
        sockets.join_local({}, {"room"});
        CHECK(names() == both);
    }
    CHECK(names().empty());
}

TEST_CASE("a namespace that was cleaned up makes room for another of its name") {
    auto const f = GENERATE(from_range(all_flavours));
    CAPTURE(static_cast<int>(f));
    fake_redis redis;
    auto const bus = redis.connect();
    node other(redis, f);
    auto const make = [&](fake_sockets& here) -> std::unique_ptr<sio::adapter> {
        if (f == flavour::sharded)
            return sync::make_sharded_adapters(bus)("/", here);
        if (f == flavour::streams)
            return sync::make_streams_adapters(bus)("/", here);
        return sync::make_redis_adapters(bus)("/", here);
    };
    fake_sockets first, second;
    first.add("first");
    second.add("second");
    auto gone = make(first);
    redis.run();
    auto const fresh = make(second);
    gone->retire();
    other.emit({}, "news");
    redis.run();
    CHECK(second.sockets["second"].got == strings{"42[\"news\",1]"});
    CHECK(first.sockets["first"].got.empty());
    gone.reset();
    other.emit({}, "more");
    redis.run();
    CHECK(second.sockets["second"].got.size() == 2);
}

TEST_CASE("nothing reaches the sockets of an adapter that has ended") {
    auto const f = GENERATE(from_range(all_flavours));
    CAPTURE(static_cast<int>(f));
    world w(f);
    w.b.emit({}, "late");
    w.a.reach->fetch({}, [](auto) {});
    w.a.reach.reset();
    w.redis.run();
    w.redis.pass(milliseconds(10'000));
    CHECK(w.of_a().empty());
}
