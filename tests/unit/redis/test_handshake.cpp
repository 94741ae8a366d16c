#include <mad/redis/command.hpp>
#include <mad/redis/detail/handshake.hpp>

#include <catch2/catch.hpp>

using namespace mad;
using redis::error;
using redis::reply;
using redis::detail::handshake;
using redis::detail::session_wish;
using step = redis::detail::handshake::step;

namespace {

/// `HELLO 2 AUTH u p | PING`
std::string words(std::string_view wire) {
    std::string out;
    while (!wire.empty()) {
        auto const line = wire.substr(0, wire.find("\r\n"));
        wire.remove_prefix(line.size() + 2);
        if (line.starts_with('*'))
            out += out.empty() ? "" : " |";
        else if (!line.starts_with('$'))
            out.append(out.empty() || out.ends_with(' ') ? "" : " ").append(line);
    }
    return out;
}

reply hello(std::string role = "master", std::string mode = "standalone") {
    return reply::make_array({reply::make_string("server"), reply::make_string("redis"),
                              reply::make_string("version"), reply::make_string("7.0.15"),
                              reply::make_string("mode"), reply::make_string(std::move(mode)),
                              reply::make_string("role"), reply::make_string(std::move(role))});
}

reply ok() {
    return reply::make_status("OK");
}

session_wish wish() {
    session_wish w;
    w.client_name = "mad";
    return w;
}

} // namespace

TEST_CASE("a connection says who it is in one write") {
    struct row {
        char const *user, *password;
        unsigned database;
        bool sentinel;
        char const* expected;
    };
    auto const r = GENERATE(values<row>({
        {"", "", 0, false, "HELLO 2 SETNAME mad | PING"},
        {"", "p", 0, false, "HELLO 2 AUTH default p SETNAME mad | PING"},
        {"u", "p", 3, false, "HELLO 2 AUTH u p SETNAME mad | SELECT 3 | PING"},
        {"u", "p", 3, true, "HELLO 2 AUTH u p SETNAME mad | PING"},
    }));
    auto w = wish();
    w.user = r.user;
    w.password = r.password;
    w.database = r.database;
    w.sentinel = r.sentinel;
    CHECK(words(handshake(w).start()) == r.expected);
}

TEST_CASE("a server that answers well is ready, and known") {
    auto w = wish();
    w.database = 1;
    handshake h(w);
    h.start();
    std::string more;
    CHECK(h.on_reply(hello("master", "cluster"), more) == step::more);
    CHECK(h.on_reply(ok(), more) == step::more);
    CHECK(h.on_reply(reply::make_status("PONG"), more) == step::ready);
    CHECK(more.empty());
    CHECK(h.info().version == "7.0.15");
    CHECK(h.info().cluster);
    CHECK(h.info().master);
}

TEST_CASE("a server that refuses is named") {
    struct row {
        char const* text;
        error expected;
    };
    auto const r = GENERATE(values<row>({
        {"NOAUTH HELLO must be called with the client already authenticated", error::no_auth},
        {"WRONGPASS invalid username-password pair", error::wrong_password},
        {"DENIED Redis is running in protected mode", error::no_permission},
        {"NOPROTO unsupported protocol version", error::unsupported_protocol},
        {"LOADING Redis is loading the dataset in memory", error::loading},
    }));
    handshake h(wish());
    h.start();
    std::string more;
    CHECK(h.on_reply(reply::make_error(r.text), more) == step::failed);
    CHECK(h.why() == r.expected);
    CHECK(h.text() == r.text);
}

TEST_CASE("a server that loads its data is not ready; one that forbids PING is") {
    auto const loading = GENERATE(true, false);
    handshake h(wish());
    h.start();
    std::string more;
    CHECK(h.on_reply(hello(), more) == step::more);
    auto const got = h.on_reply(
        reply::make_error(loading ? "LOADING Redis is loading" : "NOPERM no PING for you"), more);
    CHECK(got == (loading ? step::failed : step::ready));
}

TEST_CASE("whoever needs a master takes no replica") {
    auto w = wish();
    w.need_master = true;
    auto const role = GENERATE(as<std::string>(), "master", "replica");
    handshake h(w);
    h.start();
    std::string more;
    CHECK(h.on_reply(hello(role), more) == (role == "master" ? step::more : step::failed));
    if (role != "master")
        CHECK(h.why() == error::not_master);
}

TEST_CASE("a server from before HELLO is asked the old way") {
    auto w = wish();
    w.password = "p";
    w.database = 2;
    w.need_master = true;
    handshake h(w);
    h.start();
    std::string more;
    CHECK(h.on_reply(reply::make_error("ERR unknown command `HELLO`"), more) == step::more);
    CHECK(words(more) == "AUTH p | SELECT 2 | PING | ROLE");
    std::string none;
    CHECK(h.on_reply(reply::make_error("NOAUTH Authentication required."), none) == step::more);
    CHECK(h.on_reply(reply::make_error("NOAUTH Authentication required."), none) == step::more);
    CHECK(h.on_reply(ok(), none) == step::more);
    CHECK(h.on_reply(ok(), none) == step::more);
    CHECK(h.on_reply(reply::make_status("PONG"), none) == step::more);
    SECTION("a master") {
        CHECK(h.on_reply(reply::make_array({reply::make_string("master")}), none) == step::ready);
    }
    SECTION("a replica") {
        CHECK(h.on_reply(reply::make_array({reply::make_string("slave")}), none) == step::failed);
    }
    CHECK(none.empty());
}

TEST_CASE("an old server that refuses the password says so") {
    auto w = wish();
    w.password = "p";
    handshake h(w);
    h.start();
    std::string more;
    h.on_reply(reply::make_error("ERR unknown command `HELLO`"), more);
    h.on_reply(reply::make_error("NOAUTH Authentication required."), more);
    CHECK(h.on_reply(reply::make_error("ERR invalid password"), more) == step::failed);
    CHECK(h.why() == error::wrong_password);
}

TEST_CASE("a server that speaks RESP2 only refuses RESP3") {
    auto w = wish();
    w.protocol = 3;
    handshake h(w);
    h.start();
    std::string more;
    CHECK(h.on_reply(reply::make_error("ERR unknown command `HELLO`"), more) == step::failed);
    CHECK(h.why() == error::unsupported_protocol);
}
