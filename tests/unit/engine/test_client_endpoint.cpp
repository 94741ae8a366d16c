#include <mad/engine/client.hpp>
#include <mad/engine/detail/client_endpoint.hpp>

#include <catch2/catch.hpp>

#include <boost/asio/io_context.hpp>

using namespace mad;
using engine::client_settings;
using engine::transport_kind;

namespace {

client_settings settings(std::string url, std::string path = "/engine.io/") {
    client_settings s;
    s.url = std::move(url);
    s.path = std::move(path);
    return s;
}

std::string target(client_settings const& s, std::string_view sid = {}) {
    return engine::detail::client_endpoint(s).target(transport_kind::websocket, sid);
}

} // namespace

TEST_CASE("requests go to the path with the query of the URL and of the settings") {
    auto s = settings("http://h:1/admin?u=1", "x");
    CHECK(target(s) == "/x/?u=1&EIO=4&transport=websocket");
    CHECK(target(s, "a b") == "/x/?u=1&EIO=4&transport=websocket&sid=a%20b");
    s.query = {{"a", "1+1 = 2"}, {"é", ""}};
    CHECK(target(s) == "/x/?u=1&a=1%2B1%20%3D%202&%C3%A9=&EIO=4&transport=websocket");
    CHECK(target(settings("ws://h", "/socket.io/")) == "/socket.io/?EIO=4&transport=websocket");
}

TEST_CASE("revision 3 and base64 are asked for in the query") {
    auto s = settings("http://h");
    s.rev = engine::revision::eio3;
    CHECK(target(s) == "/engine.io/?EIO=3&transport=websocket");
    s.b64 = true;
    CHECK(target(s) == "/engine.io/?EIO=3&b64=1&transport=websocket");
}

TEST_CASE("no two polling requests have the same target") {
    engine::detail::client_endpoint const e(settings("http://h"));
    auto const a = e.target(transport_kind::polling, "s"),
               b = e.target(transport_kind::polling, "s");
    CHECK(a.starts_with("/engine.io/?EIO=4&transport=polling&t="));
    CHECK(a.ends_with("&sid=s"));
    CHECK(a != b);
}

TEST_CASE("the scheme decides on TLS, and headers cannot break out of their line") {
    auto s = settings("wss://h");
    s.headers = {{"Authorization", "x\r\nEvil: 1"}};
    engine::detail::client_endpoint const e(s);
    CHECK(e.http().to.secure);
    CHECK(e.http().to.port == 443);
    CHECK(e.http().authority == "h");
    CHECK(e.fields() == "Authorization: x  Evil: 1\r\n");
    CHECK_FALSE(engine::detail::client_endpoint(settings("ws://h")).http().to.secure);
}

TEST_CASE("settings that can never work are refused when the client is made") {
    boost::asio::io_context ctx(1);
    auto& shard = net::shard::of(ctx);
    CHECK_THROWS_AS(engine::client(shard, settings("")), std::invalid_argument);
    CHECK_THROWS_AS(engine::client(shard, settings("localhost:3000")), std::invalid_argument);
    CHECK_THROWS_AS(engine::client(shard, settings("http://h", "/a b/")), std::invalid_argument);
    CHECK_THROWS_AS(engine::client(shard, settings("http://h", "/a?b/")), std::invalid_argument);
    auto none = settings("http://h");
    none.transports.clear();
    CHECK_THROWS_AS(engine::client(shard, none), std::invalid_argument);
}

TEST_CASE("a client that was never opened sends nothing and is finished") {
    boost::asio::io_context ctx(1);
    engine::client c(net::shard::of(ctx), settings("http://h"));
    CHECK(c.finished());
    CHECK_FALSE(c.is_open());
    CHECK_FALSE(c.send_text("x"));
    CHECK_FALSE(c.writable());
    c.close();
    CHECK(ctx.run() == 0);
}
