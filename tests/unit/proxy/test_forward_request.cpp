#include "forward_support.hpp"

#include <catch2/catch.hpp>
#include <support/allocations.hpp>

#include <vector>

using namespace mad::proxy;

namespace {

char const* const websocket_fields =
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: x; y\r\n"
    "Sec-WebSocket-Protocol: chat\r\n";

std::string engine(std::string const& query, std::string const& fields = "") {
    return asking(fields, "GET /socket.io/" + query + " HTTP/1.1");
}

} // namespace

TEST_CASE("a request is written anew from what was understood") {
    forwarded const f("POST /socket.io/?EIO=4&transport=polling&sid=abc HTTP/1.1\r\n"
                      "accept:  */*  \r\nHost: chat.example:8080\r\nConnection: keep-alive\r\n"
                      "Content-Length: 3\r\nContent-Type: text/plain\r\n\r\n");
    CHECK(f.out == "POST /socket.io/?EIO=4&transport=polling&sid=abc HTTP/1.1\r\n"
                   "Host: chat.example:8080\r\naccept: */*\r\nContent-Type: text/plain\r\n"
                   "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
                   "X-Forwarded-Host: chat.example:8080\r\nX-Real-IP: 192.0.2.7\r\n"
                   "Content-Length: 3\r\n\r\n");
}

TEST_CASE("the body is framed by us, however it came") {
    struct row {
        char const *line, *fields, *framing;
        mad::proxy::framing as;
    };
    auto const r = GENERATE(
        row{"POST / HTTP/1.1", "Content-Length: 5\r\n", "Content-Length: 5", framing::sized},
        row{"POST / HTTP/1.1", "content-length: 005\r\n", "Content-Length: 5", framing::sized},
        row{"POST / HTTP/1.1", "Content-Length: 0\r\n", "Content-Length: 0", framing::none},
        row{"POST / HTTP/1.1", "", "Content-Length: 0", framing::none},
        row{"PUT / HTTP/1.1", "", "Content-Length: 0", framing::none},
        row{"PATCH / HTTP/1.1", "", "Content-Length: 0", framing::none},
        row{"GET / HTTP/1.1", "", nullptr, framing::none},
        row{"GET / HTTP/1.1", "Content-Length: 0\r\n", nullptr, framing::none},
        row{"DELETE / HTTP/1.1", "", nullptr, framing::none},
        row{"GET / HTTP/1.1", "Content-Length: 2\r\n", "Content-Length: 2", framing::sized},
        row{"POST / HTTP/1.0", "Content-Length: 5\r\n", "Content-Length: 5", framing::sized},
        row{"POST / HTTP/1.1", "transfer-encoding: CHUNKED\r\n", "Transfer-Encoding: chunked",
            framing::chunked});
    CAPTURE(r.line, r.fields);
    forwarded const f(asking(r.fields, r.line));
    REQUIRE(f.why == reject::none);
    CHECK(request_framing(f.head) == r.as);
    if (r.framing)
        CHECK(f.has_line(r.framing));
    CHECK(f.has_field("Content-Length") == (r.framing && *r.framing == 'C'));
    CHECK(f.has_field("Transfer-Encoding") == (r.framing && *r.framing == 'T'));
    CHECK_FALSE(f.has_field("content-length"));
    CHECK_FALSE(f.has_field("transfer-encoding"));
}

TEST_CASE("fields between neighbours are not passed on") {
    struct row {
        char const *fields, *name;
        bool passes;
    };
    auto const r = GENERATE(
        row{"Connection: keep-alive\r\n", "Connection", false},
        row{"Keep-Alive: timeout=5\r\n", "Keep-Alive", false}, //
        row{"TE: trailers\r\n", "TE", false}, row{"Trailer: X\r\n", "Trailer", false},
        row{"Upgrade: h2c\r\n", "Upgrade", false},
        row{"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\n",
            "HTTP2-Settings", false},
        row{"HTTP2-Settings: a\r\n", "HTTP2-Settings", false},
        row{"Proxy-Connection: keep-alive\r\n", "Proxy-Connection", false},
        row{"Proxy-Authorization: x\r\n", "Proxy-Authorization", false},
        row{"pRoXy-Made-Up: x\r\n", "pRoXy-Made-Up", false},
        row{"Sec-WebSocket-Key: x\r\n", "Sec-WebSocket-Key", false},
        row{"Connection: X-Secret\r\nX-Secret: y\r\n", "X-Secret", false},
        row{"X-Secret: y\r\nConnection: close, x-SECRET\r\n", "X-Secret", false},
        row{"Connection: close\r\nConnection: X-Secret\r\nX-Secret: y\r\n", "X-Secret", false},
        row{"Connection: Cookie\r\nCookie: a=b\r\n", "Cookie", false},
        row{"Connection: close\r\nX-Secret: y\r\n", "X-Secret", true},
        row{"Connection: X-Secre\r\nX-Secret: y\r\n", "X-Secret", true},
        row{"X_Real_IP: 1.1.1.1\r\n", "X_Real_IP", false},
        row{"Content_Length: 5\r\n", "Content_Length", false}, row{"X!: y\r\n", "X!", false},
        row{"X.Y: z\r\n", "X.Y", false}, row{"X-1: y\r\n", "X-1", true},
        row{"Authorization: Bearer t\r\n", "Authorization", true},
        row{"Origin: http://a\r\n", "Origin", true}, row{"Proxy: x\r\n", "Proxy", true},
        row{"X-Empty:\r\n", "X-Empty", true});
    CAPTURE(r.fields);
    forwarded const f(asking(r.fields));
    REQUIRE(f.why == reject::none);
    CHECK(f.has_field(r.name) == r.passes);
}

TEST_CASE("what Connection names cannot take away what is ours to write") {
    forwarded const f(asking("Connection: Host, Content-Length, X-Forwarded-For, X-Real-IP, "
                             "Sec-WebSocket-Key\r\nContent-Length: 5\r\n",
                             "POST / HTTP/1.1"));
    CHECK(f.has_line("Host: a"));
    CHECK(f.has_line("Content-Length: 5"));
    CHECK(f.has_line("X-Forwarded-For: 192.0.2.7"));
    CHECK(f.has_line("X-Real-IP: 192.0.2.7"));
}

TEST_CASE("a websocket handshake is passed on, and nothing else of an upgrade") {
    forwarded const f(engine("?EIO=4&transport=websocket", websocket_fields));
    REQUIRE(f.why == reject::none);
    CHECK(f.verdict.upgrade);
    CHECK(f.verdict.handshake);
    CHECK(f.verdict.websocket_key == "dGhlIHNhbXBsZSBub25jZQ==");
    CHECK(f.has_line("Connection: Upgrade"));
    CHECK(f.has_line("Upgrade: websocket"));
    CHECK(f.has_line("Sec-WebSocket-Version: 13"));
    CHECK(f.has_line("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="));
    CHECK(f.has_line("Sec-WebSocket-Extensions: x; y"));
    CHECK(f.has_line("Sec-WebSocket-Protocol: chat"));

    forwarded const other(engine("?EIO=4&transport=websocket", "Upgrade: websocket\r\n"));
    CHECK_FALSE(other.verdict.upgrade);
    CHECK_FALSE(other.has_field("Upgrade"));
    CHECK_FALSE(other.has_field("Connection"));
}

TEST_CASE("an authority in the target gives way to the Host") {
    struct row {
        char const *target, *line;
    };
    auto const r = GENERATE(
        row{"GET http://a/b?c", "GET /b?c HTTP/1.1"}, row{"GET http://a", "GET / HTTP/1.1"},
        row{"GET http://a?b", "GET /?b HTTP/1.1"}, row{"GET HTTPS://A/?", "GET /? HTTP/1.1"},
        row{"GET http://a:80/x", "GET /x HTTP/1.1"}, row{"OPTIONS *", "OPTIONS * HTTP/1.1"});
    CAPTURE(r.target);
    forwarded const f(asking("", std::string(r.target) + " HTTP/1.1"));
    REQUIRE(f.why == reject::none);
    CHECK(f.request_line() == r.line);
    CHECK(f.has_line("Host: a"));
}

TEST_CASE("HTTP/1.0 is spoken to clients alone") {
    forwarded const f("GET /x HTTP/1.0\r\n\r\n");
    REQUIRE(f.why == reject::none);
    CHECK(f.out == "GET /x HTTP/1.1\r\nHost: node:3000\r\nX-Forwarded-For: 192.0.2.7\r\n"
                   "X-Forwarded-Proto: http\r\nX-Real-IP: 192.0.2.7\r\n\r\n");
    CHECK(forwarded(asking("", "GET / HTTP/1.0")).has_line("Host: a"));
}

TEST_CASE("what strangers say about where they come from is dropped") {
    forwarded const f(asking("X-Forwarded-For: 6.6.6.6\r\nx-forwarded-proto: https\r\n"
                             "X-FORWARDED-HOST: evil\r\nX-Forwarded-Port: 1\r\n"
                             "Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n"));
    REQUIRE(f.why == reject::none);
    CHECK_FALSE(f.verdict.trusted);
    CHECK(f.verdict.client == boost::asio::ip::make_address("192.0.2.7"));
    CHECK(f.out ==
          "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n"
          "X-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\nX-Real-IP: 192.0.2.7\r\n\r\n");
}

TEST_CASE("what a trusted proxy says is passed on, with one more word") {
    forwarded const f(asking("X-Forwarded-For: 6.6.6.6, 198.51.100.4\r\nX-Forwarded-For: "
                             "127.0.0.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outer\r\n"
                             "X-Forwarded-Port: 443\r\nForwarded: for=198.51.100.4\r\n"
                             "X-Real-IP: 6.6.6.6\r\n"),
                      forwarded::trusted());
    REQUIRE(f.why == reject::none);
    CHECK(f.verdict.trusted);
    CHECK(f.verdict.secure);
    CHECK(f.verdict.client == boost::asio::ip::make_address("198.51.100.4"));
    CHECK(f.out ==
          "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Port: 443\r\n"
          "X-Forwarded-For: 6.6.6.6, 198.51.100.4, 127.0.0.9, 127.0.0.1\r\n"
          "X-Forwarded-Proto: https\r\nX-Forwarded-Host: outer\r\nX-Real-IP: 198.51.100.4\r\n"
          "Forwarded: for=198.51.100.4, for=127.0.0.1;proto=http\r\n\r\n");
}

TEST_CASE("a trusted proxy that says nothing is the client") {
    auto client = forwarded::trusted();
    client.secure = true;
    forwarded const f(asking(""), client);
    CHECK(f.has_line("X-Forwarded-For: 127.0.0.1"));
    CHECK(f.has_line("X-Forwarded-Proto: https"));
    CHECK(f.has_line("X-Forwarded-Host: a"));
    CHECK(f.has_line("X-Real-IP: 127.0.0.1"));

    // A host that is none would be a host to somebody behind us.
    forwarded const odd(asking("X-Forwarded-Host: a/b, c\r\nX-Forwarded-For: junk\r\n"), client);
    CHECK(odd.has_line("X-Forwarded-Host: a"));
    CHECK(odd.has_line("X-Real-IP: 127.0.0.1"));
}

TEST_CASE("addresses of both families are written plainly") {
    auto const seen = [](char const* address) {
        client_facts const client{boost::asio::ip::make_address(address), false};
        forwarded const f(asking(""), client);
        auto const at = f.out.find("X-Real-IP: ") + 11;
        return f.out.substr(at, f.out.find('\r', at) - at);
    };
    CHECK(seen("255.0.10.200") == "255.0.10.200");
    CHECK(seen("::ffff:10.0.0.1") == "10.0.0.1");
    CHECK(seen("2001:db8::7") == "2001:db8::7");

    client_facts const v6{boost::asio::ip::make_address("::1"), false};
    CHECK(forwarded(asking("Forwarded: for=a\r\n"), v6)
              .has_line("Forwarded: for=a, for=\"[::1]\";proto=http"));
}

TEST_CASE("several cookies become one field, and ours is found in any") {
    forwarded const f(asking("Cookie: a=1\r\nX: y\r\nCookie:\r\ncookie: mad_node=tag; b=2\r\n"));
    CHECK(f.has_line("Cookie: a=1; mad_node=tag; b=2"));
    CHECK(f.verdict.cookie == "tag");
    CHECK(f.out.find("ookie:") == f.out.rfind("ookie:"));
    CHECK(forwarded(asking("Cookie: xmad_node=tag\r\n")).verdict.cookie.empty());
    forward_settings other;
    other.cookie_name = "b";
    CHECK(forwarded(asking("Cookie: a=1; b=2\r\n"), forwarded::someone(), other).verdict.cookie ==
          "2");
}

TEST_CASE("the query says whose session it is") {
    struct row {
        char const *query, *sid;
        int eio;
        bool polling, jsonp;
    };
    auto const r = GENERATE(
        row{"", "", 0, false, false}, row{"?EIO=4&transport=polling", "", 4, true, false},
        row{"?transport=polling&EIO=3&sid=abc&j=0", "abc", 3, true, true},
        row{"?sid=abc&sid=def", "abc", 0, false, false}, row{"?sid=&sid=def", "", 0, false, false},
        row{"?xsid=abc", "", 0, false, false}, row{"?%73id=abc", "abc", 0, false, false},
        row{"?EIO=5&EIO=4&transport=websocket", "", 0, false, false},
        row{"?&&sid=a-_b&t=Oabc.1", "a-_b", 0, false, false}, row{"?sid", "", 0, false, false},
        row{"?a=1?sid=b", "", 0, false, false}, row{"?EIO=4;sid=b", "", 0, false, false});
    CAPTURE(r.query);
    forwarded const f(engine(r.query));
    REQUIRE(f.why == reject::none);
    CHECK(f.verdict.to == destination::engine);
    CHECK(f.verdict.sid == r.sid);
    CHECK(f.verdict.eio == r.eio);
    CHECK(f.verdict.polling == r.polling);
    CHECK(f.verdict.jsonp == r.jsonp);
    CHECK(f.verdict.jsonp_index == (r.jsonp ? "0" : ""));
    CHECK(f.verdict.handshake == std::string_view(r.sid).empty());
}

TEST_CASE("only a GET without sid and body may be tried at another node") {
    CHECK(forwarded(engine("?EIO=4")).verdict.handshake);
    CHECK_FALSE(forwarded(engine("?sid=a")).verdict.handshake);
    CHECK_FALSE(forwarded(engine("", "Content-Length: 1\r\n")).verdict.handshake);
    CHECK_FALSE(forwarded(engine("", "Transfer-Encoding: chunked\r\n")).verdict.handshake);
    CHECK_FALSE(forwarded(asking("", "POST /socket.io/ HTTP/1.1")).verdict.handshake);
    CHECK_FALSE(forwarded(asking("", "HEAD /socket.io/ HTTP/1.1")).verdict.handshake);
    CHECK_FALSE(forwarded(asking("")).verdict.handshake);
}

TEST_CASE("paths have their destinations") {
    struct row {
        char const* target;
        destination to;
    };
    auto const r = GENERATE(
        row{"/socket.io/", destination::engine}, row{"/socket.io/x?y", destination::engine},
        row{"/socket.io", destination::other}, row{"/socket.iox/", destination::other},
        row{"/x/socket.io/", destination::other}, row{"/api/v1/clients", destination::api},
        row{"/api", destination::other}, row{"/health", destination::health},
        row{"/health?x", destination::health}, row{"/health/", destination::other},
        row{"/metrics", destination::metrics}, row{"/metrics?x", destination::metrics},
        row{"/metrics/x", destination::metrics}, row{"/", destination::other},
        row{"/ready", destination::other}, row{"http://a/socket.io/?b", destination::engine});
    CAPTURE(r.target);
    forwarded const f(asking("", "GET " + std::string(r.target) + " HTTP/1.1"));
    REQUIRE(f.why == reject::none);
    CHECK(f.verdict.to == r.to);
    forward_settings other;
    other.engine_path = "/x/";
    CHECK(forwarded(asking("", "GET /x/ HTTP/1.1"), forwarded::someone(), other).verdict.to ==
          destination::engine);
}

TEST_CASE("what is passed on is read by a node as it was sent") {
    auto const text = GENERATE(
        as<std::string>(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: a:1\r\nContent-Length: "
        "7\r\nCookie: a=b\r\nOrigin: http://b\r\n\r\n",
        "PUT http://a/x?y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: \xff\r\n\r\n",
        "DELETE / HTTP/1.0\r\n\r\n");
    CAPTURE(text);
    forwarded const once(text);
    REQUIRE(once.why == reject::none);
    mad::net::http::head h;
    REQUIRE(mad::net::http::parse_head(once.out, {}, h) == 0);
    CHECK(h.req.method == once.head.req.method);
    CHECK(h.req.path == once.verdict.path);
    CHECK(h.req.query == once.verdict.query);
    CHECK(h.body == once.head.body);
    CHECK(h.content_length == once.head.content_length);
    CHECK(h.req.header("Origin") == once.head.req.header("Origin"));
    CHECK(h.req.header("X") == once.head.req.header("X"));
    // And a second proxy that trusts the first adds its word and changes nothing else.
    forwarded const twice(once.out, forwarded::trusted());
    REQUIRE(twice.why == reject::none);
    CHECK(twice.verdict.client == once.verdict.client);
    CHECK(twice.verdict.sid == once.verdict.sid);
    CHECK(twice.request_line() == once.request_line());
}

TEST_CASE("a poll is judged and written without an allocation once warm") {
    auto const text =
        engine("?EIO=4&transport=polling&t=Oabc&sid=lv_VI97HAXpY6yYWAAAC",
               "User-Agent: Mozilla/5.0\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"
               "Connection: keep-alive\r\nCookie: a=b; mad_node=abc\r\nReferer: http://a/\r\n");
    mad::net::http::head h;
    forward_settings const settings;
    auto const client = forwarded::someone();
    std::string out;
    auto const once = [&] {
        out.clear();
        if (mad::net::http::parse_head(text, {}, h) != 0)
            return;
        auto const v = judge_request(h, client, settings);
        append_request(out, h, v, client, "node:3000", settings);
    };
    once();
    auto const size = out.size();
    REQUIRE(size > 200);
    CHECK(mad_test::allocations_of(once) == 0);
    CHECK(out.size() == size);
}
