#include <mad/net/http/router.hpp>
#include <mad/net/shard.hpp>

#include <catch2/catch.hpp>

#include <vector>

using namespace mad::net;
using namespace mad::net::http;

namespace {

struct named final : route {
    explicit named(int s)
        : status(s) {}
    void on_request(shard&, request const&, exchange x) override {
        x.respond(text_answer(status, ""));
    }
    int status;
};

struct owner final : exchange_owner {
    void respond(response&& r) override { last = std::move(r); }
    stream take_stream(std::string&) override { return {}; }
    void abandon() override {}
    response last;
};

/// Asks as a connection does: the head, then the request if nobody answered.
response ask(router const& r, std::string_view method, std::string_view path,
             std::size_t* wanted_body = nullptr) {
    boost::asio::io_context ctx;
    auto& s = shard::of(ctx);
    request q;
    q.method = method;
    q.path = q.target = path;
    owner o;
    exchange x(o);
    std::size_t max_body = 0;
    r.find(path).on_head(s, q, x, max_body);
    if (wanted_body)
        *wanted_body = max_body;
    if (x.open())
        r.find(path).on_request(s, q, std::move(x));
    return std::move(o.last);
}

} // namespace

TEST_CASE("the first route that fits serves the path") {
    router r;
    r.mount("/engine/", std::make_shared<named>(201));
    r.get("/health", [](request const&) { return text_answer(202, "well"); });
    r.mount("/", std::make_shared<named>(203));
    r.mount("/never/", std::make_shared<named>(299));
    struct row {
        char const* path;
        int status;
    };
    auto const c = GENERATE(row{"/engine/", 201}, row{"/engine/x", 201}, row{"/engine", 203},
                            row{"/health", 202}, row{"/health/", 203}, row{"/healthy", 203},
                            row{"/never/", 203}, row{"*", 404}, row{"", 404});
    CAPTURE(c.path);
    CHECK(ask(r, "GET", c.path).status == c.status);
}

TEST_CASE("who serves by GET refuses other methods from the head") {
    router r;
    int calls = 0;
    r.get("/a", [&](request const&) {
        ++calls;
        return text_answer(200, "a");
    });
    CHECK(ask(r, "GET", "/a").body == "a");
    CHECK(ask(r, "HEAD", "/a").status == 200);
    CHECK(calls == 2);
    for (auto const* const method : {"POST", "PUT", "DELETE", "OPTIONS", "get", "BREW"}) {
        CAPTURE(method);
        auto const no = ask(r, method, "/a");
        CHECK(no.status == 405);
        CHECK(no.fields.find("Allow: GET, HEAD\r\n") != std::string::npos);
    }
    CHECK(calls == 2);
}

TEST_CASE("a path that nobody serves is 404, an unknown method there 501") {
    router const r;
    for (auto const* const method :
         {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"})
        CHECK(ask(r, method, "/x").status == 404);
    for (auto const* const method : {"BREW", "get", "PROPFIND"})
        CHECK(ask(r, method, "/x").status == 501);
}

TEST_CASE("otherwise takes what is left") {
    router r;
    r.get("/a", [](request const&) { return text_answer(200, "a"); });
    r.otherwise(std::make_shared<named>(299));
    CHECK(ask(r, "BREW", "/x").status == 299);
    CHECK(ask(r, "GET", "/a").status == 200);
}

TEST_CASE("a route wants no body unless it says so") {
    struct wants final : route {
        void on_head(shard&, request const&, exchange&, std::size_t& max_body) override {
            max_body = 10;
        }
        void on_request(shard&, request const&, exchange x) override { x.respond({}); }
    };
    router r;
    r.mount("/body", std::make_shared<wants>());
    r.mount("/", std::make_shared<named>(200));
    std::size_t n = 99;
    ask(r, "POST", "/body", &n);
    CHECK(n == 10);
    ask(r, "POST", "/other", &n);
    CHECK(n == 0);
}
