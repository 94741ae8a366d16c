#include <mad/core/json.hpp>
#include <mad/proxy/error.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace mad::proxy;

namespace {

std::vector<reject> all() {
    std::vector<reject> out;
    for (std::size_t i = 1; i < reject_count; ++i)
        out.push_back(static_cast<reject>(i));
    return out;
}

} // namespace

TEST_CASE("each reason has a label of its own, a status and a body that is JSON") {
    std::set<std::string_view> names;
    for (auto const r : all()) {
        auto const& f = facts_of(r);
        CAPTURE(f.name);
        CHECK(names.insert(f.name).second);
        CHECK(f.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == f.name.npos);
        CHECK(f.status >= 400);
        CHECK(mad::net::http::reason_phrase(f.status) != "Unknown");
        auto const body = mad::json::parse(reject_body(r));
        CHECK(body["code"] == f.code);
        CHECK(body["message"] == f.message);
        CHECK((f.fields.empty() || f.fields.ends_with("\r\n")));
    }
}

TEST_CASE("what a node would say is said in its words") {
    CHECK(reject_body(reject::session_gone) == R"({"code":1,"message":"Session ID unknown"})");
    CHECK(reject_body(reject::bad_handshake_method) ==
          R"({"code":2,"message":"Bad handshake method"})");
    CHECK(reject_body(reject::bad_engine_request) == R"({"code":3,"message":"Bad request"})");
}

TEST_CASE("an answer of ours is whole") {
    std::string out;
    append_reject(out, reject::no_upstream, false);
    CHECK(out.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    CHECK(out.find("\r\nRetry-After: 2\r\n") != out.npos);
    CHECK(out.find("\r\nContent-Type: application/json\r\n") != out.npos);
    CHECK(out.find("\r\nConnection: keep-alive\r\n") != out.npos);
    CHECK(out.ends_with("\r\n\r\n" + reject_body(reject::no_upstream)));

    out.clear();
    append_reject(out, reject::no_upstream, true, true);
    CHECK(out.find("\r\nConnection: close\r\n") != out.npos);
    CHECK(out.ends_with("\r\n\r\n"));

    out.clear();
    append_reject(out, reject::bad_request, false);
    CHECK(out.find("\r\nConnection: close\r\n") != out.npos);

    out.clear();
    append_reject(out, reject::websocket_version, false);
    CHECK(out.find("\r\nSec-WebSocket-Version: 13\r\n") != out.npos);
}

TEST_CASE("after an error of framing the connection is not used again") {
    for (auto const r : {reject::bad_request, reject::timeout, reject::body_too_large,
                         reject::target_too_long, reject::head_too_large, reject::not_implemented,
                         reject::http_version, reject::expectation})
        CHECK(facts_of(r).closes);
    for (auto const r : {reject::session_gone, reject::no_upstream, reject::not_found})
        CHECK_FALSE(facts_of(r).closes);
}

TEST_CASE("what the parser refuses with has a reason here") {
    CHECK(reject_of(0) == reject::none);
    for (int const status : {400, 414, 431, 501, 505})
        CHECK(facts_of(reject_of(status)).status == status);
    CHECK(reject_of(499) == reject::bad_request);
}
