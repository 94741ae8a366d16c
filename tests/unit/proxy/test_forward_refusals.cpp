#include "forward_support.hpp"

#include <catch2/catch.hpp>

using namespace mad::proxy;

namespace {

struct row {
    std::string text;
    reject why;
};

std::string engine(std::string const& method, std::string const& query) {
    return asking("", method + " /socket.io/" + query + " HTTP/1.1");
}

std::string websocket(std::string const& fields, std::string const& line = "GET /socket.io/?"
                                                                           "transport=websocket "
                                                                           "HTTP/1.1") {
    return asking(fields, line);
}

} // namespace

TEST_CASE("a body that two readers could frame in two ways is refused") {
    auto const post = [](std::string const& fields, std::string const& version = "1.1") {
        return asking(fields, "POST / HTTP/" + version);
    };
    auto const r = GENERATE_COPY(
        row{post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), reject::bad_request},
        row{post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), reject::bad_request},
        row{post("Content-Length: 5\r\nContent-Length: 6\r\n"), reject::bad_request},
        row{post("Content-Length: 5\r\nContent-Length: 5\r\n"), reject::bad_request},
        row{post("Content-Length: 0\r\nContent-Length: 0\r\n"), reject::bad_request},
        row{post("Content-Length: 5, 5\r\n"), reject::bad_request},
        row{post("Content-Length: +5\r\n"), reject::bad_request},
        row{post("Content-Length: -1\r\n"), reject::bad_request},
        row{post("Content-Length:\r\n"), reject::bad_request},
        row{post("Content-Length: 0x0\r\n"), reject::bad_request},
        row{post("Content-Length: 5 \r\n 6\r\n"), reject::bad_request},
        row{post("Content-Length : 5\r\n"), reject::bad_request},
        row{post("Transfer-Encoding : chunked\r\n"), reject::bad_request},
        row{post("Transfer-Encoding:\r\n"), reject::bad_request},
        row{post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            reject::bad_request},
        row{post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
            reject::bad_request},
        row{post("Transfer-Encoding: xchunked\r\n"), reject::not_implemented},
        row{post("Transfer-Encoding: chunked, identity\r\n"), reject::not_implemented},
        row{post("Transfer-Encoding: identity\r\n"), reject::not_implemented},
        row{post("Transfer-Encoding: gzip\r\n"), reject::not_implemented},
        row{post("Transfer-Encoding: gzip, chunked\r\n"), reject::not_implemented},
        row{post("Transfer-Encoding: chunked\r\n", "1.0"), reject::bad_request});
    CAPTURE(r.text);
    CHECK(to_string(forwarded(r.text).why) == to_string(r.why));
}

TEST_CASE("a head that is not the grammar is refused") {
    auto const r = GENERATE(
        row{"GET / HTTP/1.1\nHost: a\n\n", reject::bad_request},
        row{"GET / HTTP/1.1\r\nHost: a\n\r\n", reject::bad_request},
        row{"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", reject::bad_request},
        row{asking("X: 1\r\n folded\r\n"), reject::bad_request},
        row{asking(std::string("X: a\0b\r\n", 8)), reject::bad_request},
        row{asking("X : 1\r\n"), reject::bad_request}, row{asking(": 1\r\n"), reject::bad_request},
        row{asking("X\r\n"), reject::bad_request},
        row{"GET / HTTP/1.2\r\nHost: a\r\n\r\n", reject::http_version},
        row{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", reject::http_version},
        row{asking("", "GET /" + std::string(8192, 'x') + " HTTP/1.1"), reject::target_too_long},
        row{asking("X: " + std::string(16 * 1024, 'x') + "\r\n"), reject::head_too_large});
    CAPTURE(r.text);
    CHECK(to_string(forwarded(r.text).why) == to_string(r.why));
}

TEST_CASE("a Host there must be, once, and nothing but a host") {
    auto const host = [](std::string const& h) { return "GET / HTTP/1.1\r\n" + h + "\r\n"; };
    auto const r = GENERATE_COPY(
        row{host("Host: a\r\n"), reject::none}, row{host("Host: a.example\r\n"), reject::none},
        row{host("Host: a_b-c.example:8080\r\n"), reject::none},
        row{host("Host: 192.0.2.1:80\r\n"), reject::none},
        row{host("Host: [2001:db8::1]:80\r\n"), reject::none},
        row{host("Host: [::ffff:192.0.2.1]\r\n"), reject::none}, //
        row{host(""), reject::bad_request}, row{host("Host:\r\n"), reject::bad_request},
        row{host("Host: a\r\nHost: a\r\n"), reject::bad_request},
        row{host("Host: a\r\nhost: b\r\n"), reject::bad_request},
        row{host("Host: a, b\r\n"), reject::bad_request},
        row{host("Host: a b\r\n"), reject::bad_request},
        row{host("Host: user@a\r\n"), reject::bad_request},
        row{host("Host: a/b\r\n"), reject::bad_request},
        row{host("Host: http://a\r\n"), reject::bad_request},
        row{host("Host: a?b\r\n"), reject::bad_request},
        row{host("Host: a#b\r\n"), reject::bad_request},
        row{host("Host: a\\b\r\n"), reject::bad_request},
        row{host("Host: a%2fb\r\n"), reject::bad_request},
        row{host("Host: a\xc3\xa4\r\n"), reject::bad_request},
        row{host("Host: a:\r\n"), reject::bad_request},
        row{host("Host: :80\r\n"), reject::bad_request},
        row{host("Host: a:80:90\r\n"), reject::bad_request},
        row{host("Host: a:+80\r\n"), reject::bad_request},
        row{host("Host: a:65536\r\n"), reject::bad_request},
        row{host("Host: a:99999999999\r\n"), reject::bad_request},
        row{host("Host: [::1\r\n"), reject::bad_request},
        row{host("Host: []\r\n"), reject::bad_request},
        row{host("Host: [::1]x\r\n"), reject::bad_request},
        row{host("Host: [a/b]\r\n"), reject::bad_request},
        row{host("Host: <a>\r\n"), reject::bad_request});
    CAPTURE(r.text);
    CHECK(to_string(forwarded(r.text).why) == to_string(r.why));
}

TEST_CASE("a target is a path, or names the Host") {
    auto const to = [](std::string const& target, std::string const& method = "GET") {
        return asking("", method + " " + target + " HTTP/1.1");
    };
    auto const r = GENERATE_COPY(
        row{to("/"), reject::none}, row{to("/a/.b/..c/d."), reject::none},
        row{to("/a?b=../c"), reject::none}, row{to("/a?{\"b\"|c^}"), reject::none},
        row{to("//a"), reject::none}, row{to("/%2eb/b%2e%2e"), reject::none},
        row{to("http://a/b"), reject::none}, row{to("HTTP://A:80/b"), reject::none},
        row{to("https://a:443/b"), reject::none}, row{to("*", "OPTIONS"), reject::none},
        row{to("*"), reject::bad_request}, row{to("a"), reject::bad_request},
        row{to("a:80"), reject::bad_request}, row{to("ftp://a/"), reject::bad_request},
        row{to("http:/a/"), reject::bad_request}, row{to("http://"), reject::bad_request},
        row{to("http:///b"), reject::bad_request}, row{to("http://b/"), reject::bad_request},
        row{to("http://a:81/"), reject::bad_request}, row{to("https://a:80/"), reject::bad_request},
        row{to("http://u@a/"), reject::bad_request}, row{to("http://a@b/"), reject::bad_request},
        row{to("http://a\\b/"), reject::bad_request}, row{to("/a#b"), reject::bad_request},
        row{to("/\xc3\xa4"), reject::bad_request}, row{to("/.."), reject::bad_request},
        row{to("/."), reject::bad_request}, row{to("/a/../b"), reject::bad_request},
        row{to("/a/./b"), reject::bad_request}, row{to("/a/.."), reject::bad_request},
        row{to("/a/%2e%2E/b"), reject::bad_request}, row{to("/a/.%2e/b"), reject::bad_request},
        row{to("/a%2f..%2Fb"), reject::bad_request}, row{to("/a%5c..%5Cb"), reject::bad_request},
        row{to("/a\\..\\b"), reject::bad_request}, row{to("/a/..;x/b"), reject::bad_request},
        row{to("/a\\b"), reject::bad_request}, row{to("/a%00b"), reject::bad_request},
        row{to("http://a/../b"), reject::bad_request});
    CAPTURE(r.text);
    CHECK(to_string(forwarded(r.text).why) == to_string(r.why));
}

TEST_CASE("methods that we do not know are not passed on") {
    auto const r = GENERATE(
        row{asking("", "BREW / HTTP/1.1"), reject::not_implemented},
        row{asking("", "get / HTTP/1.1"), reject::not_implemented},
        row{asking("", "GETT / HTTP/1.1"), reject::not_implemented},
        row{asking("", "TRACE / HTTP/1.1"), reject::not_implemented},
        row{asking("", "TRACE /socket.io/ HTTP/1.1"), reject::not_implemented},
        row{asking("", "CONNECT a:80 HTTP/1.1"), reject::not_implemented},
        row{asking("", "CONNECT / HTTP/1.1"), reject::not_implemented},
        row{engine("BREW", ""), reject::bad_handshake_method},
        row{engine("BREW", "?sid="), reject::bad_handshake_method},
        row{engine("BREW", "?sid=abc"), reject::bad_engine_request},
        row{engine("OPTIONS", ""), reject::none}, row{engine("PUT", ""), reject::none},
        row{engine("DELETE", "?sid=x"), reject::none}, row{engine("PATCH", ""), reject::none},
        row{engine("HEAD", ""), reject::none}, row{engine("POST", ""), reject::none});
    CAPTURE(r.text);
    CHECK(to_string(forwarded(r.text).why) == to_string(r.why));
}

TEST_CASE("an expectation is the one that we can meet") {
    auto const post = [](std::string const& fields, std::string const& version = "1.1") {
        return asking(fields, "POST / HTTP/" + version);
    };
    auto const r =
        GENERATE_COPY(row{post("Expect: 100-continue\r\n"), reject::none},
                      row{post("expect: 100-Continue\r\n"), reject::none},
                      row{post("Expect: 100-continue\r\nExpect: 200-ok\r\n"), reject::expectation},
                      row{post("Expect: 100-continue, x\r\n"), reject::expectation},
                      row{post("Expect: x\r\n"), reject::expectation},
                      row{post("Expect:\r\n"), reject::expectation},
                      row{post("Expect: x\r\n", "1.0"), reject::none});
    CAPTURE(r.text);
    forwarded const f(r.text);
    CHECK(to_string(f.why) == to_string(r.why));
    CHECK_FALSE(f.has_field("Expect"));
    CHECK_FALSE(f.has_field("expect"));
}

TEST_CASE("a websocket handshake is whole, or refused") {
    std::string const asks = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    std::string const version = "Sec-WebSocket-Version: 13\r\n";
    std::string const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    auto const r = GENERATE_COPY(
        row{websocket(asks + version + key), reject::none},
        row{websocket(asks + version + key + "Content-Length: 0\r\n"), reject::none},
        row{websocket("Connection: keep-alive, UPGRADE\r\nUpgrade: h2c, WebSocket\r\n" + version +
                      key),
            reject::none},
        row{websocket(asks + key), reject::websocket_version},
        row{websocket(asks + "Sec-WebSocket-Version: 8\r\n" + key), reject::websocket_version},
        row{websocket(asks + "Sec-WebSocket-Version: 13, 8\r\n" + key), reject::websocket_version},
        row{websocket(asks + version + version + key), reject::websocket_version},
        row{websocket(asks + version), reject::bad_websocket},
        row{websocket(asks + version + key + key), reject::bad_websocket},
        row{websocket(asks + version + "Sec-WebSocket-Key: short\r\n"), reject::bad_websocket},
        row{websocket(asks + version + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ!!\r\n"),
            reject::bad_websocket},
        row{websocket(asks + version + key, "POST / HTTP/1.1"), reject::bad_websocket},
        row{websocket(asks + version + key, "GET / HTTP/1.0"), reject::bad_websocket},
        row{websocket(asks + version + key + "Content-Length: 1\r\n"), reject::bad_websocket},
        row{websocket(asks + version + key + "Transfer-Encoding: chunked\r\n"),
            reject::bad_websocket},
        // No upgrade is asked for: an ordinary request.
        row{websocket("Upgrade: websocket\r\n"), reject::none},
        row{websocket("Connection: Upgrade\r\n"), reject::none},
        row{websocket("Connection: Upgrade\r\nUpgrade: h2c\r\n"), reject::none},
        row{websocket("Connection: Upgrade\r\nUpgrade: websockets\r\n"), reject::none});
    CAPTURE(r.text);
    CHECK(to_string(forwarded(r.text).why) == to_string(r.why));
}

TEST_CASE("more than 100 fields are too many") {
    std::string fields;
    for (int i = 0; i < 99; ++i)
        fields += "X: y\r\n";
    CHECK(forwarded(asking(fields)).why == reject::none);
    CHECK(forwarded(asking(fields + "X: y\r\n")).why == reject::head_too_large);
}
