#include <mad/net/ws_frame.hpp>
#include <mad/proxy/forward.hpp>

#include <catch2/catch.hpp>
#include <support/allocations.hpp>

#include <string>

using namespace mad::proxy;
using mad::net::http::client_limits;
using mad::net::http::parse_response_head;
using mad::net::http::response_head;

namespace {

std::string const key = "dGhlIHNhbXBsZSBub25jZQ==";
std::string const accepts = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

/// One answer on its way back.
struct answered {
    std::string text;
    response_head head;
    answer_context context;
    response_verdict verdict;
    std::string out; ///< as the client gets it; empty when refused

    explicit answered(std::string answer, answer_context const& c = {},
                      std::string_view set_cookie = {}, bool close = false)
        : text(std::move(answer))
        , context(c) {
        if (parse_response_head(text, client_limits{}, head)) {
            verdict.why = reject::bad_gateway;
            return;
        }
        verdict = judge_response(head, context);
        if (verdict.why == reject::none && !verdict.interim)
            append_response(out, head, verdict, context, set_cookie, close);
    }

    answered(answered const&) = delete;

    bool has_line(std::string_view line) const {
        return out.find("\r\n" + std::string(line) + "\r\n") != out.npos;
    }
    bool has_field(std::string_view name) const {
        return out.find("\r\n" + std::string(name) + ":") != out.npos;
    }
};

std::string answer(std::string const& fields, std::string const& line = "HTTP/1.1 200 OK") {
    return line + "\r\n" + fields + "\r\n";
}

answer_context upgrading() {
    answer_context c;
    c.websocket_key = key;
    return c;
}

answer_context http_10(bool keep_alive) {
    answer_context c;
    c.client_http_10 = true;
    c.client_keep_alive = keep_alive;
    return c;
}

answer_context head_request() {
    answer_context c;
    c.head_request = true;
    return c;
}

} // namespace

TEST_CASE("an answer is written anew") {
    answered const a(answer("Content-Type: text/plain\r\nConnection: keep-alive, X-Own\r\n"
                            "Keep-Alive: timeout=5\r\nX-Own: y\r\nProxy-Status: z\r\n"
                            "Content-Length: 003\r\nX_Y: kept\r\nTrailer: T\r\nUpgrade: h2c\r\n"
                            "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n",
                            "HTTP/1.1 200 Fine, thank you"),
                     {}, "mad_node=x; Path=/socket.io/");
    REQUIRE(a.verdict.why == reject::none);
    CHECK(a.out == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX_Y: kept\r\n"
                   "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n"
                   "Set-Cookie: mad_node=x; Path=/socket.io/\r\nContent-Length: 3\r\n\r\n");
    CHECK(a.verdict.keep_client);
    CHECK(a.verdict.keep_upstream);
}

TEST_CASE("an answer that two readers could read in two ways is a bad gateway") {
    auto const text = GENERATE_COPY(
        as<std::string>{}, answer("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        answer("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        answer("Content-Length: 5\r\nContent-Length: 5\r\n"),
        answer("Content-Length: 5\r\nContent-Length: 6\r\n"), answer("Content-Length: 5, 5\r\n"),
        answer("Content-Length: -5\r\n"), answer("Content-Length:\r\n"),
        answer("Content-Length : 5\r\n"), answer("Transfer-Encoding: gzip\r\n"),
        answer("Transfer-Encoding: xchunked\r\n"),
        answer("Transfer-Encoding: chunked, identity\r\n"), answer("Transfer-Encoding:\r\n"),
        answer("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        answer("Transfer-Encoding: chunked\r\n", "HTTP/1.0 200 OK"), answer("X: a\r\n b\r\n"),
        answer("X: a\nY: b\r\n"), answer("X: a\rY: b\r\n"), answer(std::string("X: \0\r\n", 6)),
        answer("", "HTTP/2.0 200 OK"), answer("", "HTTP/1.1 99 OK"), answer("", "HTTP/1.1 600 OK"),
        answer("", "HTTP/1.1 999 OK"), answer("", "ICY 200 OK"),
        answer("Content-Length: 5\r\n", "HTTP/1.1 204 No Content"),
        answer("Transfer-Encoding: chunked\r\n", "HTTP/1.1 204 No Content"),
        answer("Content-Length: 5\r\n", "HTTP/1.1 103 Early Hints"),
        answer("Transfer-Encoding: chunked\r\n", "HTTP/1.1 100 Continue"),
        answer("Content-Length: 5\r\nContent-Length: 5\r\n", "HTTP/1.1 304 Not Modified"),
        answer("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "HTTP/1.1 304 Not Modified"),
        std::string("<html>hello</html>\r\n\r\n"));
    CAPTURE(text);
    answered const a(text);
    CHECK(to_string(a.verdict.why) == "bad_gateway");
    CHECK_FALSE(a.verdict.keep_upstream);
    CHECK_FALSE(a.verdict.keep_client);
}

TEST_CASE("bodies of answers keep their length, or become chunks") {
    struct row {
        std::string text;
        answer_context context;
        framing from, to;
        char const* line; ///< that frames it
        bool keep_upstream, keep_client;
    };
    std::string const sized = answer("Content-Length: 5\r\n");
    std::string const chunked = answer("Transfer-Encoding: chunked\r\n");
    std::string const until_close = answer("");
    auto const r = GENERATE_COPY(
        row{sized, {}, framing::sized, framing::sized, "Content-Length: 5", true, true},
        row{chunked,
            {},
            framing::chunked,
            framing::chunked,
            "Transfer-Encoding: chunked",
            true,
            true},
        row{until_close,
            {},
            framing::until_close,
            framing::chunked,
            "Transfer-Encoding: chunked",
            false,
            true},
        row{answer("Content-Length: 0\r\n"),
            {},
            framing::none,
            framing::none,
            "Content-Length: 0",
            true,
            true},
        row{answer("Content-Length: 5\r\nConnection: close\r\n"),
            {},
            framing::sized,
            framing::sized,
            "Content-Length: 5",
            false,
            true},
        row{answer("Content-Length: 5\r\n", "HTTP/1.0 200 OK"),
            {},
            framing::sized,
            framing::sized,
            "Content-Length: 5",
            false,
            true},
        // A client of HTTP/1.0 knows no chunks: the end of the connection tells the end.
        row{sized, http_10(true), framing::sized, framing::sized, "Connection: keep-alive", true,
            true},
        row{sized, http_10(false), framing::sized, framing::sized, "Connection: close", true,
            false},
        row{chunked, http_10(true), framing::chunked, framing::until_close, "Connection: close",
            true, false},
        row{until_close, http_10(true), framing::until_close, framing::until_close,
            "Connection: close", false, false},
        // No body, whatever the fields say of one.
        row{sized, head_request(), framing::none, framing::none, "Content-Length: 5", true, true},
        row{chunked, head_request(), framing::none, framing::none, nullptr, true, true},
        row{until_close, head_request(), framing::none, framing::none, nullptr, true, true},
        row{answer("", "HTTP/1.1 204 No Content"),
            {},
            framing::none,
            framing::none,
            nullptr,
            true,
            true},
        row{answer("Content-Length: 0\r\n", "HTTP/1.1 204 No Content"),
            {},
            framing::none,
            framing::none,
            nullptr,
            true,
            true},
        row{answer("Content-Length: 9\r\n", "HTTP/1.1 304 Not Modified"),
            {},
            framing::none,
            framing::none,
            nullptr,
            true,
            true},
        row{answer("", "HTTP/1.1 304 Not Modified"), head_request(), framing::none, framing::none,
            nullptr, true, true});
    CAPTURE(r.text, r.context.head_request, r.context.client_http_10);
    answered const a(r.text, r.context);
    REQUIRE(a.verdict.why == reject::none);
    CHECK(a.verdict.from == r.from);
    CHECK(a.verdict.to == r.to);
    CHECK(a.verdict.keep_upstream == r.keep_upstream);
    CHECK(a.verdict.keep_client == r.keep_client);
    if (r.line)
        CHECK(a.has_line(r.line));
    CHECK(a.has_field("Transfer-Encoding") == (r.to == framing::chunked));
    CHECK(
        a.has_field("Content-Length") ==
        (r.to == framing::sized || (r.line && std::string_view(r.line).starts_with("Content-L"))));
    CHECK(a.out.ends_with("\r\n\r\n"));
}

TEST_CASE("an answer to a client that wants to go, or is to go, says so") {
    answer_context leaving;
    leaving.client_keep_alive = false;
    CHECK(answered(answer("Content-Length: 0\r\n"), leaving).has_line("Connection: close"));
    CHECK(answered(answer("Content-Length: 0\r\n"), {}, {}, true).has_line("Connection: close"));
    CHECK_FALSE(answered(answer("Content-Length: 0\r\n")).has_field("Connection"));
    answered const wants(answer("Content-Length: 0\r\n", "HTTP/1.1 426 Upgrade Required"));
    CHECK(wants.has_line("Upgrade: websocket"));
    CHECK(wants.has_line("Connection: Upgrade"));
}

TEST_CASE("answers before the answer are not for the client") {
    for (auto const* const line : {"HTTP/1.1 100 Continue", "HTTP/1.1 102 Processing",
                                   "HTTP/1.1 103 Early Hints", "HTTP/1.1 199 x"}) {
        CAPTURE(line);
        answered const a(answer("Link: </x>\r\n", line));
        CHECK(a.verdict.why == reject::none);
        CHECK(a.verdict.interim);
        CHECK_FALSE(a.verdict.switching);
    }
    CHECK(answered(answer("Content-Length: 0\r\n", "HTTP/1.1 100 Continue")).verdict.interim);
}

TEST_CASE("streams begin with the 101 that was asked for, and with no other") {
    struct row {
        std::string text;
        answer_context context;
        bool tunnel;
    };
    std::string const line = "HTTP/1.1 101 Switching Protocols";
    std::string const fields = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    auto const r = GENERATE_COPY(
        row{answer(fields + accepts, line), upgrading(), true},
        row{answer("connection: keep-alive, upgrade\r\nupgrade: WebSocket\r\n" + accepts, line),
            upgrading(), true},
        row{answer(fields + accepts, line), {}, false}, // nobody asked
        row{answer(fields, line), upgrading(), false},
        row{answer(fields + accepts + accepts, line), upgrading(), false},
        row{answer(fields + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\r\n", line),
            upgrading(), false},
        row{answer(fields + "Sec-WebSocket-Accept:\r\n", line), upgrading(), false},
        row{answer("Upgrade: websocket\r\n" + accepts, line), upgrading(), false},
        row{answer("Connection: Upgrade\r\n" + accepts, line), upgrading(), false},
        row{answer("Connection: Upgrade\r\nUpgrade: h2c\r\n" + accepts, line), upgrading(), false},
        row{answer(fields + accepts + "Content-Length: 5\r\n", line), upgrading(), false},
        row{answer(fields + accepts + "Transfer-Encoding: chunked\r\n", line), upgrading(), false},
        row{answer(fields + accepts, "HTTP/1.0 101 x"), upgrading(), false});
    CAPTURE(r.text);
    answered const a(r.text, r.context);
    CHECK(a.verdict.switching == r.tunnel);
    CHECK((a.verdict.why == reject::none) == r.tunnel);
    if (!r.tunnel)
        return;
    CHECK(a.out == "HTTP/1.1 101 Switching Protocols\r\n" + accepts +
                       "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("a node may refuse an upgrade: an ordinary answer") {
    answered const a(answer("Content-Length: 2\r\n", "HTTP/1.1 400 Bad Request"), upgrading());
    CHECK(a.verdict.why == reject::none);
    CHECK_FALSE(a.verdict.switching);
    CHECK(a.verdict.to == framing::sized);
    answered const with_words(answer("Content-Length: 2\r\nSec-WebSocket-Extensions: x\r\n"
                                     "Sec-WebSocket-Protocol: chat\r\n" +
                                     accepts),
                              upgrading());
    CHECK_FALSE(with_words.verdict.switching);
}

TEST_CASE("what is passed on is read by the client as the node sent it") {
    auto const text =
        GENERATE(as<std::string>{}, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\n",
                 "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n",
                 "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n",
                 "HTTP/1.1 599 What\r\nContent-Length: 0\r\n\r\n");
    CAPTURE(text);
    answered const a(text);
    REQUIRE(a.verdict.why == reject::none);
    response_head h;
    REQUIRE_FALSE(parse_response_head(a.out, {}, h));
    CHECK(h.status == a.head.status);
    CHECK(h.content_length == a.head.content_length);
    CHECK(h.header("X") == a.head.header("X"));
    CHECK(h.header("Location") == a.head.header("Location"));
    CHECK(h.keep_alive);
    auto const again = judge_response(h, {});
    CHECK(again.why == reject::none);
    CHECK(again.to == a.verdict.to);
}

TEST_CASE("an answer is judged and written without an allocation once warm") {
    auto const text = answer("Content-Type: text/plain; charset=UTF-8\r\nContent-Length: 1\r\n"
                             "Cache-Control: no-store\r\nConnection: keep-alive\r\n"
                             "Keep-Alive: timeout=5\r\n");
    response_head h;
    std::string out;
    client_limits const limits;
    answer_context const context;
    auto const once = [&] {
        out.clear();
        if (parse_response_head(text, limits, h))
            return;
        append_response(out, h, judge_response(h, context), context, {}, false);
    };
    once();
    auto const size = out.size();
    REQUIRE(size > 50);
    CHECK(mad_test::allocations_of(once) == 0);
    CHECK(out.size() == size);
}
