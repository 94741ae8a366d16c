#include <mad/net/http/response_head.hpp>

#include <catch2/catch.hpp>
#include <support/print_result.hpp>

using namespace mad::net::http;

namespace {

mad::result<response_head> parse(std::string_view text, client_limits const& limits = {}) {
    // Views into the text outlive the call: the tests keep literals.
    return parse_response_head(text, limits);
}

} // namespace

TEST_CASE("the body of an answer is framed by its head") {
    struct row {
        char const* text;
        int status;
        response_body body;
        std::uint64_t length;
        bool keep_alive;
    };
    auto const r = GENERATE(
        row{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, response_body::sized, 5, true},
        row{"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, response_body::none, 0, true},
        row{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 200,
            response_body::sized, 5, true},
        row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, response_body::chunked, 0,
            true},
        row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n", 200,
            response_body::chunked, 0, false},
        row{"HTTP/1.1 200 OK\r\n\r\n", 200, response_body::until_close, 0, false},
        row{"HTTP/1.1 200 \r\n\r\n", 200, response_body::until_close, 0, false},
        row{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", 200, response_body::sized, 5, false},
        row{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", 200,
            response_body::sized, 5, true},
        row{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x, Close\r\n\r\n", 200,
            response_body::sized, 5, false},
        row{"HTTP/1.1 204 No Content\r\n\r\n", 204, response_body::none, 0, true},
        row{"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", 204, response_body::none, 0,
            true},
        row{"HTTP/1.1 304 Not Modified\r\n\r\n", 304, response_body::none, 0, true},
        row{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", 101,
            response_body::none, 0, true},
        row{"HTTP/1.1 100 Continue\r\n\r\n", 100, response_body::none, 0, true},
        row{"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n", 404, response_body::sized, 3,
            true});
    CAPTURE(r.text);
    auto const h = parse(r.text);
    REQUIRE(h);
    CHECK(h->status == r.status);
    CHECK(h->body == r.body);
    CHECK(h->content_length == r.length);
    CHECK(h->keep_alive == r.keep_alive);
}

TEST_CASE("an answer that two readers could read in two ways is refused") {
    auto const text = GENERATE(
        as<std::string>(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5,5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length:\r\n 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n\t\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 5\n\n",
        "HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n", "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        std::string("HTTP/1.1 200 OK\r\nX: \0\r\n\r\n", 25), "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "ICY 200 OK\r\n\r\n", "\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n");
    CAPTURE(text);
    auto const h = parse(text);
    REQUIRE(h.has_error());
    CHECK(h.error() == client_error::bad_response);
}

TEST_CASE("the head of an answer is limited in bytes and fields") {
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 3; ++i)
        many += "X: y\r\n";
    many += "\r\n";
    client_limits limits;
    limits.max_fields = 3;
    limits.max_head_bytes = many.size();
    CHECK(parse(many, limits));

    limits.max_fields = 2;
    CHECK(parse(many, limits).error() == client_error::head_too_large);

    limits.max_fields = 3;
    limits.max_head_bytes = many.size() - 1;
    CHECK(parse(many, limits).error() == client_error::head_too_large);
}

TEST_CASE("fields are found by any case, and lists in several of them") {
    auto const h = parse("HTTP/1.1 200 OK\r\nUPGRADE: websocket\r\nconnection: keep-alive\r\n"
                         "Connection: Upgrade, x\r\nContent-Length: 0\r\n\r\n");
    REQUIRE(h);
    CHECK(h->header("upgrade") == "websocket");
    CHECK(h->header("none").empty());
    CHECK(h->says("connection", "upgrade"));
    CHECK(h->says("Connection", "keep-alive"));
    CHECK_FALSE(h->says("Connection", "up"));
}
