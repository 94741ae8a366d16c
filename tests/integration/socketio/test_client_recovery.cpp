#include "client_world.hpp"

#include <support/golden.hpp>

using namespace mad_test;

namespace {

using texts = std::vector<std::string>;

constexpr char const* open_packet =
    R"(0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000})";

sio::client_settings returning(client_world& w, ws_host const& host) {
    auto s = w.settings();
    s.engine.url = host.url();
    reconnecting(s);
    return s;
}

story recorded(client_world& w) {
    auto const all = golden_frames("connection-state-recovery");
    inbox<std::string> ended(w.ctx);
    ws_host host(w.ctx, {golden_talk(all, 1, ended), golden_talk(all, 2, ended),
                         golden_talk(all, 3, ended)});
    auto& c = w.make(returning(w, host));
    texts seen;
    auto const note = [&](char const* name) {
        c.socket.on(name,
                    [&seen, name](json first) { seen.push_back(name + (" " + first.dump())); });
    };
    note("a");
    note("b");
    c.socket.on("with-ack", [&c] { c.socket.emit("echo", "e"); });
    c.socket.on("echo-back", [&c](std::string) { c.events.push("echo-back"); });
    c.socket.connect();
    auto const id = co_await c.connects.next();
    CHECK_FALSE(c.socket.recovered());

    co_await c.events.next();
    c.io->drop_connection();
    expect(co_await ended.next(), "");
    expect(co_await c.connects.next(), id);
    CHECK(c.socket.recovered());
    texts const wanted{"a 1", "b 2", R"(a "missed1")", R"(b "missed2")"};
    CHECK(seen == wanted);

    c.socket.disconnect();
    expect(co_await ended.next(), "");
    c.socket.connect();
    expect(co_await c.connects.next(), id);
    CHECK(c.socket.recovered());
    c.socket.disconnect();
    expect(co_await ended.next(), "");
    co_await host.close();
}

/// What a client says after a first connection that went so.
struct first_time {
    char const* what;
    texts from_server;
    char const* second; ///< the CONNECT of the second connection
};

story afterwards(client_world& w, first_time row, json auth) {
    std::string second;
    ws_host host(w.ctx, {[&](ws_line line) -> story {
                             co_await line.send(open_packet);
                             co_await line.text();
                             for (auto const& t : row.from_server)
                                 co_await line.send(t);
                             co_await line.send(R"(42["end",1])");
                             co_await line.next();
                         },
                         [&](ws_line line) -> story {
                             co_await line.send(open_packet);
                             second = co_await line.text();
                             co_await line.send(R"(40{"sid":"s2","pid":"p2"})");
                             co_await line.next();
                         }});
    auto& c = w.make(returning(w, host));
    c.socket.set_auth(auth);
    c.socket.connect();
    co_await c.connects.next();
    for (;;) {
        auto const event = co_await c.events.next();
        if (event[0] == "end")
            break;
    }
    c.io->drop_connection();
    expect(co_await c.connects.next(), "s2");
    CHECK_FALSE(c.socket.recovered());
    CHECK(second == row.second);
    co_await host.close();
}

story new_session(client_world& w) {
    texts said;
    auto const play = [&said](std::string reply, std::string event) {
        return [&said, reply, event](ws_line line) -> story {
            co_await line.send(open_packet);
            said.push_back(co_await line.text());
            co_await line.send(reply);
            co_await line.send(event);
            co_await line.next();
        };
    };
    ws_host host(w.ctx, {play(R"(40{"sid":"s1","pid":"p1"})", R"(42["x","o1"])"),
                         play(R"(40{"sid":"s2","pid":"p2"})", R"(42["x",1])"),
                         play(R"(40{"sid":"s3"})", R"(42["x","o3"])"),
                         play(R"(40{"sid":"s4","pid":"p4"})", R"(42["x",1])")});
    auto& c = w.make(returning(w, host));
    c.socket.connect();
    for (int i = 0; i < 4; ++i) {
        co_await c.connects.next();
        CHECK_FALSE(c.socket.recovered());
        co_await c.events.next();
        if (i < 3)
            c.io->drop_connection();
    }
    texts const wanted{"40", R"(40{"pid":"p1","offset":"o1"})", R"(40{"pid":"p2"})", "40"};
    CHECK(said == wanted);
    co_await host.close();
}

story too_much_missed(client_world& w) {
    ws_host host(w.ctx, {[&](ws_line line) -> story {
                             co_await line.send(open_packet);
                             co_await line.text();
                             co_await line.send(R"(40{"sid":"s","pid":"p"})");
                             co_await line.send(R"(42["x","o0"])");
                             co_await line.next();
                         },
                         [&](ws_line line) -> story {
                             co_await line.send(open_packet);
                             co_await line.text();
                             for (auto const* n : {"1", "2", "3"})
                                 co_await line.send(std::string(R"(42["x","o)") + n + "\"]");
                             co_await line.send(R"(40{"sid":"s","pid":"p"})");
                             co_await line.next();
                         }});
    auto s = returning(w, host);
    s.max_buffered_packets = 2;
    auto& c = w.make(s);
    c.socket.connect();
    co_await c.connects.next();
    co_await c.events.next();
    c.io->drop_connection();
    co_await c.connects.next();
    // The first two came; that there was more is not hidden.
    CHECK(c.events.size() == 2);
    CHECK_FALSE(c.socket.recovered());
    CHECK(w.log.has("socketio.client.early_events_lost"));
    co_await host.close();
}

} // namespace

TEST_CASE("a session is recovered as recorded: what was missed first, then the same id") {
    client_world w;
    w.play(recorded(w));
}

TEST_CASE("what a client remembers of a session that can be recovered") {
    auto const pid = std::string(R"(40{"sid":"s","pid":"p"})");
    auto const row = GENERATE_COPY(
        first_time{"no recovery there", {R"(40{"sid":"s"})", R"(42["x","o"])"}, R"(40{"t":1})"},
        first_time{"nothing came", {pid}, R"(40{"pid":"p","t":1})"},
        first_time{"the last string",
                   {pid, R"(42["x","o1"])", R"(42["x",5,"o2"])"},
                   R"(40{"pid":"p","offset":"o2","t":1})"},
        first_time{"not what wants an answer",
                   {pid, R"(42["x","o"])", R"(427["x","no"])"},
                   R"(40{"pid":"p","offset":"o","t":1})"},
        first_time{"not a name",
                   {pid, R"(42["x","o"])", R"(42["volatile"])"},
                   R"(40{"pid":"p","offset":"o","t":1})"},
        first_time{"not what is no string",
                   {pid, R"(42["x","o"])", R"(42["volatile",["no"]])"},
                   R"(40{"pid":"p","offset":"o","t":1})"},
        first_time{
            "escapes", {pid, R"(42["x","\"o\u0041"])"}, R"(40{"pid":"p","offset":"\"oA","t":1})"});
    CAPTURE(row.what);
    client_world w;
    json auth = json::object();
    auth["t"] = 1;
    w.play(afterwards(w, row, auth));
}

TEST_CASE("a session that could not be recovered is forgotten") {
    client_world w;
    w.play(new_session(w));
}

TEST_CASE("more than can be kept before the reply is no recovery") {
    client_world w;
    w.play(too_much_missed(w));
}
