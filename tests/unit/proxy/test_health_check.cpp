#include <mad/proxy/health_check.hpp>

#include <catch2/catch.hpp>

#include <vector>

using namespace mad;
using proxy::health_check;
using kind = proxy::probe_result::kind;
using rung = health_check::rung;

/// What a server says to each question; 0: it connects and says nothing, -1: it does not connect.
static proxy::probe_result say(health_check& c, int status, std::string_view body = {}) {
    return status > 0 ? c.on_answer(status, body) : c.on_silence(status == 0, "no answer");
}

TEST_CASE("the ladder finds what a server knows, and remembers it") {
    struct row {
        char const* who;
        std::vector<int> answers; // until nothing more is asked
        kind what;
        rung found;
        std::string target;
    };
    auto const r = GENERATE(
        row{"a mad node", {200}, kind::good, rung::ready, "/ready"},
        row{"a server with /health only", {404, 200}, kind::good, rung::health, "/health"},
        row{"the same, which says 501", {501, 200}, kind::good, rung::health, "/health"},
        row{"one that redirects", {302, 200}, kind::good, rung::health, "/health"},
        row{"socket.io by itself", {404, 404}, kind::good, rung::any_answer, "/health"},
        row{"one that wants a password", {401, 401}, kind::good, rung::any_answer, "/health"},
        row{"an HTTP server of Node without handlers",
            {0, 400},
            kind::good,
            rung::engine,
            "/socket.io/?EIO=4&transport=none"},
        row{"one that never answers", {0, 0, 0}, kind::good, rung::connect, ""},
        row{"nobody", {-1}, kind::failed, rung::ready, "/ready"},
        row{"a broken one", {500}, kind::failed, rung::ready, "/ready"},
        row{"a broken /health", {404, 500}, kind::failed, rung::health, "/health"},
        row{"a node that is not ready", {503}, kind::not_ready, rung::ready, "/ready"});
    INFO(r.who);
    health_check c;
    proxy::probe_result last;
    for (std::size_t i = 0; i < r.answers.size(); ++i) {
        last = say(c, r.answers[i]);
        if (i + 1 < r.answers.size() && r.answers[i + 1] != 0)
            REQUIRE(last.what == kind::ask_again);
    }
    CHECK(last.what == r.what);
    CHECK(c.at() == r.found);
    CHECK(c.target() == r.target);
}

TEST_CASE("who has ever answered must go on answering") {
    health_check c;
    auto const first = GENERATE(200, 404, 503);
    say(c, first);
    auto const at = c.at();
    auto const r = say(c, 0);
    CHECK(r.what == kind::failed);
    CHECK(r.why == "no answer");
    CHECK(c.at() == at);
}

TEST_CASE("who is known by connecting only is asked everything again after a while") {
    health_check c;
    for (int i = 0; i < 2; ++i)
        say(c, 0);
    CHECK(c.at() == rung::connect);
    CHECK(say(c, -1).what == kind::failed);
    int n = 0;
    while (c.at() == rung::connect && ++n < 100)
        CHECK(say(c, 0).what == kind::good);
    CHECK(n == 15);
    CHECK(say(c, 200).what == kind::good);
    CHECK(c.at() == rung::ready);
    CHECK(say(c, 0).what == kind::failed);
}

TEST_CASE("a path of one's own is asked and nothing else") {
    struct row {
        int status;
        kind what;
    };
    auto const r = GENERATE(row{200, kind::good}, row{204, kind::good}, row{302, kind::good},
                            row{404, kind::failed}, row{501, kind::failed}, row{500, kind::failed},
                            row{503, kind::not_ready}, row{0, kind::failed}, row{-1, kind::failed});
    health_check c("/up");
    CHECK(say(c, r.status).what == r.what);
    CHECK(c.target() == "/up");
}

TEST_CASE("a mad node's answer tells its tag, and why it is not ready") {
    struct row {
        int status;
        std::string body;
        kind what;
        std::optional<std::uint16_t> tag;
    };
    auto const r = GENERATE(
        row{200, R"({"ready":true,"node":"a","tag":513})", kind::good, std::uint16_t{513}},
        row{200, R"({"ready":true,"tag":0})", kind::good, std::uint16_t{0}},
        row{200, R"({"ready":true,"tag":65536})", kind::good, {}},
        row{200, R"({"ready":true,"tag":-1})", kind::good, {}},
        row{200, R"({"ready":true,"tag":"1"})", kind::good, {}},
        row{200, R"([{"tag":1}])", kind::good, {}}, row{200, "OK", kind::good, {}},
        row{200, "{\"tag\":1," + std::string(2000, ' ') + "\"a\":1}", kind::good, {}},
        row{503, R"({"ready":false,"reason":"draining","tag":7})", kind::draining,
            std::uint16_t{7}},
        row{503, R"({"ready":false,"reason":"redis"})", kind::not_ready, {}},
        row{503, R"({"reason":7})", kind::not_ready, {}}, row{503, "", kind::not_ready, {}});
    health_check c;
    auto const got = c.on_answer(r.status, r.body);
    CHECK(got.what == r.what);
    CHECK(got.tag == r.tag);
}
