#include <mad/socketio/disconnect_reason.hpp>
#include <mad/socketio/error.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace mad;
using engine::close_reason;
using socketio::disconnect_reason;
using socketio::error;

TEST_CASE("Socket.IO errors are errors of their own category, each with its text") {
    std::set<std::string> texts;
    for (int e = 1; e <= static_cast<int>(error::queue_full); ++e) {
        error_code const ec = static_cast<error>(e);
        CHECK(ec.failed());
        CHECK(ec.category().name() == std::string("mad.socketio"));
        texts.insert(ec.message());
    }
    CHECK(texts.size() == static_cast<std::size_t>(error::queue_full));
    CHECK(texts.count("unknown Socket.IO error") == 0);
}

TEST_CASE("disconnect reasons have the words of Socket.IO") {
    struct row {
        disconnect_reason reason;
        char const* word;
        bool reconnects;
    };
    auto const r = GENERATE(values<row>({
        {disconnect_reason::transport_error, "transport error", true},
        {disconnect_reason::transport_close, "transport close", true},
        {disconnect_reason::ping_timeout, "ping timeout", true},
        {disconnect_reason::parse_error, "parse error", true},
        {disconnect_reason::forced_close, "forced close", true},
        {disconnect_reason::server_shutting_down, "server shutting down", true},
        {disconnect_reason::server_namespace_disconnect, "server namespace disconnect", true},
        {disconnect_reason::client_namespace_disconnect, "client namespace disconnect", true},
        {disconnect_reason::forced_server_close, "forced server close", true},
        {disconnect_reason::io_server_disconnect, "io server disconnect", false},
        {disconnect_reason::io_client_disconnect, "io client disconnect", false},
    }));
    CHECK(to_string(r.reason) == r.word);
    CHECK(reconnects_after(r.reason) == r.reconnects);
}

TEST_CASE("a session's reason reaches its sockets under the same word") {
    for (auto reason :
         {close_reason::transport_error, close_reason::transport_close, close_reason::ping_timeout,
          close_reason::parse_error, close_reason::forced_close, close_reason::server_shutting_down,
          close_reason::slow_consumer})
        CHECK(to_string(socketio::reason_of(reason)) == to_string(reason));
}
