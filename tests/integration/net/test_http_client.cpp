#include <mad/net/http/client.hpp>

#include <catch2/catch.hpp>
#include <support/print_result.hpp>
#include <support/scripted_server.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <optional>

using namespace mad;
using namespace mad::net::http;
using mad_test::answer_of;
using mad_test::scripted_server;

namespace {

constexpr milliseconds patience{10'000};

/// A client of a scripted server, on an io_context that runs until nothing is left to do.
struct world {
    explicit world(std::vector<scripted_server::script> scripts, client_limits limits = {})
        : server(ctx, std::move(scripts))
        , http(net::shard::of(ctx), settings(limits)) {}

    client_settings settings(client_limits limits) const {
        client_settings s;
        s.to = {"127.0.0.1", server.port(), false};
        s.authority = "test";
        s.limits = limits;
        return s;
    }

    /// Sends one after the other, then closes everything; `run` returns when all is done.
    std::vector<result<client_response>> ask(std::vector<client_request> requests,
                                             milliseconds timeout = patience) {
        std::vector<result<client_response>> out;
        std::function<void()> const next = [&] {
            if (out.size() == requests.size()) {
                http.close();
                return server.close();
            }
            http.request(requests[out.size()], timeout, [&](result<client_response> r) {
                out.push_back(std::move(r));
                next();
            });
        };
        next();
        ctx.run();
        return out;
    }

    result<client_response> ask_once(client_request r = {}, milliseconds timeout = patience) {
        return ask({std::move(r)}, timeout).front();
    }

    boost::asio::io_context ctx{1};
    scripted_server server;
    client http;
};

/// One connection that gets no answer.
std::vector<scripted_server::script> silence() {
    return std::vector<scripted_server::script>(1);
}

client_request post(std::string body) {
    client_request r;
    r.method = "POST";
    r.body = std::move(body);
    return r;
}

} // namespace

TEST_CASE("bodies of every framing arrive, and connections are kept where that is safe") {
    struct row {
        char const* what;
        std::string answer;
        bool close;
        std::string body;
        int status;
        std::size_t connections; // for two requests
    };
    auto const r = GENERATE(
        row{"sized", answer_of("hello"), false, "hello", 200, 1},
        row{"empty", answer_of(""), false, "", 200, 1},
        row{"no content", "HTTP/1.1 204 No Content\r\n\r\n", false, "", 204, 1},
        row{"chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n"
            "0\r\nT: u\r\n\r\n",
            false, "abc", 200, 1},
        row{"until close", "HTTP/1.1 200 OK\r\n\r\nall of it", true, "all of it", 200, 2},
        row{"says close", answer_of("x", "Connection: close\r\n"), false, "x", 200, 2},
        row{"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", false, "x", 200, 2},
        row{"error", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", false, "no", 404, 1},
        row{"interim",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" +
                answer_of("at last"),
            false, "at last", 200, 1},
        row{"more than asked for", answer_of("x") + answer_of("y"), false, "x", 200, 2});
    CAPTURE(r.what);
    world w({{{r.answer, r.close}, {r.answer, r.close}}});
    auto const got = w.ask({{}, {}});
    for (auto const& a : got) {
        REQUIRE(a);
        CHECK(a->status == r.status);
        CHECK(a->body == r.body);
    }
    CHECK(w.server.connections() == r.connections);
}

TEST_CASE("a request goes out with its fields and length") {
    world w({{{answer_of("")}, {answer_of("")}}});
    client_request get;
    get.target = "/a?b=c";
    get.set("X-One", "1");
    w.ask({get, post("body")});
    REQUIRE(w.server.requests().size() == 2);
    CHECK(w.server.requests()[0] ==
          "GET /a?b=c HTTP/1.1\r\nHost: test\r\nX-One: 1\r\nConnection: keep-alive\r\n\r\n");
    CHECK(w.server.requests()[1] == "POST / HTTP/1.1\r\nHost: test\r\nConnection: keep-alive\r\n"
                                    "Content-Length: 4\r\n\r\nbody");
}

TEST_CASE("large bodies go both ways") {
    std::string const big(3'000'000, 'x');
    world w({{{answer_of(big)}}});
    auto const r = w.ask_once(post(big));
    REQUIRE(r);
    CHECK(r->body == big);
    REQUIRE(w.server.requests().size() == 1);
    CHECK(w.server.requests()[0].ends_with(big));
}

TEST_CASE("answers over a limit, malformed or cut short are errors") {
    struct row {
        char const* what;
        std::string answer;
        client_error error;
    };
    auto const r = GENERATE(
        row{"sized, too long", answer_of(std::string(101, 'x')), client_error::body_too_large},
        row{"chunked, too long",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x'),
            client_error::body_too_large},
        row{"until close, too long", "HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'),
            client_error::body_too_large},
        row{"head without end", "HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x'),
            client_error::head_too_large},
        row{"not HTTP", "SSH-2.0-x\r\n\r\n", client_error::bad_response},
        row{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            client_error::bad_response},
        row{"switches unasked", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            client_error::bad_response},
        row{"nothing", "", client_error::ended},
        row{"half a head", "HTTP/1.1 200 OK\r\nConte", client_error::ended},
        row{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
            client_error::ended},
        row{"half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            client_error::ended});
    CAPTURE(r.what);
    client_limits limits;
    limits.max_body_bytes = 100;
    limits.max_head_bytes = 1000;
    world w({{{r.answer, true}}}, limits);
    auto const got = w.ask_once();
    REQUIRE(got.has_error());
    CHECK(got.error() == r.error);
}

TEST_CASE("a body of exactly the limit is taken") {
    client_limits limits;
    limits.max_body_bytes = 100;
    std::string const body(100, 'x');
    auto const answer = GENERATE_COPY(
        answer_of(body), "HTTP/1.1 200 OK\r\n\r\n" + body,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + body + "\r\n0\r\n\r\n");
    world w({{{answer, true}}}, limits);
    auto const got = w.ask_once();
    REQUIRE(got);
    CHECK(got->body == body);
}

TEST_CASE("a kept connection that turns out dead is replaced for a GET, not for a POST") {
    // The first connection answers once and ends when it is asked again.
    world get({{{answer_of("1")}, {"", true}}, {{answer_of("2")}}});
    auto const got = get.ask({{}, {}});
    REQUIRE(got[1]);
    CHECK(got[1]->body == "2");
    CHECK(get.server.connections() == 2);

    world posted({{{answer_of("1")}, {"", true}}, {{answer_of("2")}}});
    auto const refused = posted.ask({post("a"), post("b")});
    REQUIRE(refused[1].has_error());
    CHECK(refused[1].error() == client_error::ended);
    CHECK(posted.server.connections() == 1);
}

TEST_CASE("a GET is tried once more only when nothing of its answer has come") {
    world w({{{answer_of("1")}, {"HTTP/1.1 2", true}}, {{answer_of("2")}}});
    auto const got = w.ask({{}, {}});
    REQUIRE(got[1].has_error());
    CHECK(got[1].error() == client_error::ended);
    CHECK(w.server.connections() == 1);
}

TEST_CASE("an answer counts that comes before the body has been sent") {
    world w({{{"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false,
               true}}});
    auto const got = w.ask_once(post(std::string(20'000'000, 'x')));
    REQUIRE(got);
    CHECK(got->status == 413);
}

TEST_CASE("silence ends at the deadline") {
    world w(silence());
    auto const start = std::chrono::steady_clock::now();
    auto const got = w.ask_once({}, milliseconds(30));
    REQUIRE(got.has_error());
    CHECK(got.error() == client_error::timeout);
    CHECK(std::chrono::steady_clock::now() - start >= milliseconds(30));
}

TEST_CASE("nobody there is the system's error") {
    world w(silence());
    w.server.close();
    auto const got = w.ask_once();
    REQUIRE(got.has_error());
    CHECK(got.error() == boost::system::errc::connection_refused);
}

TEST_CASE("an upgrade gives the stream and what came behind the answer") {
    world w(
        {{{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nfirst"}}});
    client_request r;
    r.upgrade = true;
    r.set("Upgrade", "x");
    std::string rest;
    bool open = false;
    w.http.request(r, patience, [&](result<client_response> a) {
        REQUIRE(a);
        CHECK(a->status == 101);
        CHECK(a->says("connection", "upgrade"));
        auto s = w.http.take_stream(rest);
        open = s.is_open();
        w.server.close();
    });
    w.ctx.run();
    CHECK(open);
    CHECK(rest == "first");
    CHECK(w.server.requests().at(0).find("Connection: Upgrade\r\n") != std::string::npos);
}

TEST_CASE("a request that is closed is forgotten, and the io_context returns") {
    world w(silence());
    bool called = false;
    w.http.request({}, patience, [&](result<client_response>) { called = true; });
    CHECK(w.http.busy());
    CHECK_THROWS_AS(w.http.request({}, patience, {}), std::logic_error);
    boost::asio::post(w.ctx, [&] {
        w.http.close();
        w.server.close();
    });
    w.ctx.run();
    CHECK_FALSE(called);
    CHECK_FALSE(w.http.busy());
}

TEST_CASE("a coroutine gets the answer, and cancelling it closes the connection") {
    world w({{{answer_of("hi")}}});
    std::optional<result<client_response>> first, second;
    boost::asio::cancellation_signal stop;
    boost::asio::co_spawn(
        w.ctx, w.http.request({}, patience), [&](std::exception_ptr, result<client_response> r) {
            first = std::move(r);
            boost::asio::co_spawn(
                w.ctx, w.http.request({}, patience),
                boost::asio::bind_cancellation_slot(
                    stop.slot(), [&](std::exception_ptr, result<client_response> again) {
                        second = std::move(again);
                        w.server.close();
                    }));
            boost::asio::post(w.ctx, [&] { stop.emit(boost::asio::cancellation_type::terminal); });
        });
    w.ctx.run();
    REQUIRE(first);
    REQUIRE(*first);
    CHECK((*first)->body == "hi");
    // co_spawn ends a cancelled coroutine with an exception or its own answer; either way nothing
    // runs.
    CHECK_FALSE(w.http.busy());
}
