#include <mad/core/json.hpp>
#include <mad/socketio/server.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mad;
namespace sio = mad::socketio;

namespace {

struct call {
    std::string what, text;
    sio::target to;
    sio::broadcast_flags flags;
    milliseconds timeout{};
    std::vector<std::string> rooms;
};

/// Writes down what reaches the adapter.
class recorder final : public sio::adapter {
  public:
    explicit recorder(std::vector<call>& c)
        : calls_(c) {}

    void broadcast(sio::encoded const& p, sio::target const& t, sio::broadcast_flags f) override {
        calls_.push_back({"broadcast", std::string(p.text().payload()), t, f, {}, {}});
    }
    void broadcast_with_ack(sio::encoded const& p, std::uint64_t id, sio::target const& t,
                            sio::broadcast_flags f, milliseconds timeout,
                            std::function<void(sio::ack_responses)> done) override {
        calls_.push_back({"with_ack", std::string(p.text().payload()), t, f, timeout, {}});
        sio::ack_responses r;
        r.values.emplace_back(id);
        done(std::move(r));
    }
    void join(sio::target const& t, std::vector<std::string> rooms) override {
        calls_.push_back({"join", {}, t, {}, {}, std::move(rooms)});
    }
    void leave(sio::target const& t, std::vector<std::string> rooms) override {
        calls_.push_back({"leave", {}, t, {}, {}, std::move(rooms)});
    }
    void disconnect(sio::target const& t, bool close) override {
        calls_.push_back({close ? "disconnect close" : "disconnect", {}, t, {}, {}, {}});
    }
    void fetch(sio::target const& t,
               std::function<void(result<std::vector<sio::socket_info>>)> done) override {
        calls_.push_back({"fetch", {}, t, {}, {}, {}});
        done(std::vector<sio::socket_info>{{"some-id", {"room"}, "{}", "{}"}});
    }
    void server_side_emit(std::string_view event, sio::arguments const& args) override {
        calls_.push_back(
            {"side", std::string(event) + std::to_string(args.size()), {}, {}, {}, {}});
    }

  private:
    std::vector<call>& calls_;
};

/// A server that never listens, and what its adapters were told.
struct world {
    world() {
        sio::server_settings s;
        s.adapter = [this](std::string_view nsp, sio::local_sockets&) {
            made.emplace_back(nsp);
            return std::make_unique<recorder>(calls);
        };
        io.emplace(ctx, std::move(s));
    }
    call const& last() {
        REQUIRE_FALSE(calls.empty());
        return calls.back();
    }

    std::vector<call> calls;
    std::vector<std::string> made;
    boost::asio::io_context ctx;
    std::optional<sio::server> io;
};

using strings = std::vector<std::string>;

} // namespace

TEST_CASE("each namespace gets an adapter of its own, once") {
    world w;
    CHECK(w.made == strings{"/"});
    auto const a = w.io->of("admin");
    CHECK(a.name() == "/admin");
    CHECK(w.io->of("/admin").name() == "/admin");
    CHECK(w.made == strings{"/", "/admin"});
}

TEST_CASE("an emit to the namespace means everybody") {
    world w;
    w.io->emit("news", 1, "two");
    auto const& c = w.last();
    CHECK(c.what == "broadcast");
    CHECK(c.text == R"(42["news",1,"two"])");
    CHECK(c.to.rooms.empty());
    CHECK(c.to.except.empty());
    CHECK_FALSE(c.flags.is_volatile);
    CHECK_FALSE(c.flags.local);
}

TEST_CASE("rooms, exceptions and flags add up") {
    world w;
    w.io->of("/n").to("a").in("b").except("c").except("d").as_volatile().local().emit("x");
    auto const& c = w.last();
    CHECK(c.text == R"(42/n,["x"])");
    CHECK(c.to.rooms == strings{"a", "b"});
    CHECK(c.to.except == strings{"c", "d"});
    CHECK(c.flags.is_volatile);
    CHECK(c.flags.local);
}

TEST_CASE("an operator is a value: what is derived from it leaves it as it was") {
    world w;
    auto const base = w.io->to("a");
    (void)base.to("b").except("c").as_volatile();
    base.emit("x");
    CHECK(w.last().to.rooms == strings{"a"});
    CHECK(w.last().to.except.empty());
    CHECK_FALSE(w.last().flags.is_volatile);
}

TEST_CASE("arguments of any number are sent as single ones are") {
    world w;
    w.io->to("a").emit("x", sio::arguments{{1, nullptr}});
    CHECK(w.last().text == R"(42["x",1,null])");
}

TEST_CASE("reserved names are refused before anything is sent") {
    world w;
    auto const* const name = GENERATE("connect", "connect_error", "disconnect", "disconnecting",
                                      "newListener", "removeListener");
    CAPTURE(name);
    CHECK_THROWS_AS(w.io->emit(name), std::invalid_argument);
    CHECK_THROWS_AS(w.io->to("a").emit(name, sio::arguments{}), std::invalid_argument);
    CHECK_THROWS_AS(w.io->to("a").emit_with_ack([](auto const&) {}, name), std::invalid_argument);
    CHECK_THROWS_AS(sio::socket{}.emit(name), std::invalid_argument);
    CHECK_THROWS_AS(sio::socket{}.volatile_emit(name), std::invalid_argument);
    CHECK(w.calls.empty());
}

TEST_CASE("a question to many carries an id, and each its own") {
    world w;
    std::vector<json> ids;
    auto const done = [&](sio::ack_responses r) {
        CHECK_FALSE(r.ec);
        for (auto& v : r.values)
            ids.push_back(std::move(v));
    };
    w.io->to("a").emit_with_ack(done, "q", 1);
    CHECK(w.last().timeout == milliseconds(5000));
    w.io->to("a").timeout(milliseconds(70)).emit_with_ack(done, "q", 1);
    CHECK(w.last().timeout == milliseconds(70));
    REQUIRE(ids.size() == 2);
    CHECK(ids[0] != ids[1]);
    CHECK(w.last().text == "42" + std::to_string(ids[1].get<int>()) + R"(["q",1])");
}

TEST_CASE("sockets are joined, left, ended and listed through the operator") {
    world w;
    auto const some = w.io->to("a").except("b");
    some.sockets_join({"x", "y"});
    CHECK(w.last().what == "join");
    CHECK(w.last().rooms == strings{"x", "y"});
    some.sockets_leave({"z"});
    CHECK(w.last().what == "leave");
    some.disconnect_sockets();
    CHECK(w.last().what == "disconnect");
    some.disconnect_sockets(true);
    CHECK(w.last().what == "disconnect close");
    std::size_t found = 0;
    some.fetch_sockets([&](auto const& all) { found = all ? all->size() : 99; });
    CHECK(found == 1);
    for (auto const& c : w.calls) {
        CHECK(c.to.rooms == strings{"a"});
        CHECK(c.to.except == strings{"b"});
    }
}

TEST_CASE("listeners of other nodes are reached through the adapter") {
    world w;
    w.io->of("/").server_side_emit("hello", sio::arguments{{1, 2}});
    CHECK(w.last().what == "side");
    CHECK(w.last().text == "hello2");
}

TEST_CASE("a handle that belongs to no server does nothing and says so") {
    sio::socket const s;
    CHECK_FALSE(s.connected());
    CHECK(s.nsp() == "/");
    CHECK(s.rooms().empty());
    CHECK_FALSE(s.transport());
    CHECK(s.home() == nullptr);
    s.emit("x", 1);
    s.volatile_emit("x");
    s.join("a");
    s.leave("a");
    s.disconnect(true);
    s.drop_connection();
    s.on("x", [] {});
    s.off("x");
    s.on_disconnect([](sio::disconnect_reason) {});
    CHECK_THROWS_AS(s.handshake(), std::logic_error);
    CHECK_THROWS_AS(s.data(), std::logic_error);
    CHECK_THROWS_AS(s.broadcast(), std::logic_error);
    CHECK_THROWS_AS(s.to("a"), std::logic_error);
    error_code why;
    s.emit_with_ack([&](auto const& r) { why = r.error(); }, milliseconds(1), "x");
    CHECK(why == sio::error::session_closed);
}
