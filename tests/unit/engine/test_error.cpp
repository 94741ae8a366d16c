#include <mad/engine/close_reason.hpp>
#include <mad/engine/error.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace mad;
using engine::close_reason;
using engine::error;

TEST_CASE("refused requests are answered by the one table") {
    struct row {
        error e;
        int status;
        int code;
        char const* body;
    };
    auto const r = GENERATE(values<row>({
        {error::transport_unknown, 400, 0, R"({"code":0,"message":"Transport unknown"})"},
        {error::session_unknown, 400, 1, R"({"code":1,"message":"Session ID unknown"})"},
        {error::bad_handshake_method, 400, 2, R"({"code":2,"message":"Bad handshake method"})"},
        {error::bad_request, 400, 3, R"({"code":3,"message":"Bad request"})"},
        {error::forbidden, 403, 4, R"({"code":4,"message":"Forbidden"})"},
        {error::unsupported_protocol, 400, 5,
         R"({"code":5,"message":"Unsupported protocol version"})"},
        {error::bad_method, 500, -1, ""},
        {error::binary_body, 400, -1, ""},
        {error::overlap, 400, -1, ""},
        {error::payload_too_large, 413, -1, ""},
    }));
    auto const answer = engine::answer_of(r.e);
    REQUIRE(answer);
    CHECK(answer->status == r.status);
    CHECK(answer->code == r.code);
    CHECK(engine::error_body(r.e) == r.body);
    CHECK(std::string(r.body).find(answer->message) != std::string::npos);
}

TEST_CASE("errors without a place in HTTP have no answer") {
    for (auto e : {error::none, error::bad_packet, error::bad_open, error::session_closed,
                   error::timeout, error::queue_full, error::transport_failed}) {
        CHECK_FALSE(engine::answer_of(e));
        CHECK(engine::error_body(e).empty());
    }
}

TEST_CASE("engine errors are errors of their own category, each with its text") {
    std::set<std::string> texts;
    for (int e = 1; e <= static_cast<int>(error::transport_failed); ++e) {
        error_code const ec = static_cast<error>(e);
        CHECK(ec.failed());
        CHECK(ec.category().name() == std::string("mad.engine"));
        texts.insert(ec.message());
    }
    CHECK(texts.size() == static_cast<std::size_t>(error::transport_failed));
    CHECK(texts.count("unknown engine error") == 0);
}

TEST_CASE("close reasons have the words of Socket.IO, and names of their own in logs") {
    struct row {
        close_reason reason;
        char const* word;
        char const* name;
    };
    auto const r = GENERATE(values<row>({
        {close_reason::transport_error, "transport error", "transport_error"},
        {close_reason::transport_close, "transport close", "transport_close"},
        {close_reason::ping_timeout, "ping timeout", "ping_timeout"},
        {close_reason::parse_error, "parse error", "parse_error"},
        {close_reason::forced_close, "forced close", "forced_close"},
        {close_reason::server_shutting_down, "server shutting down", "server_shutting_down"},
        {close_reason::slow_consumer, "transport error", "slow_consumer"},
    }));
    CHECK(to_string(r.reason) == r.word);
    CHECK(log_name(r.reason) == r.name);
}
