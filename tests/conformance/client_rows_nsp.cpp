// Rows: namespaces, refusals, and the server's disconnects.

#include "client_peer.hpp"

namespace conformance {

namespace {

task two_namespaces(peers& p) {
    auto& one = *co_await p.join();
    auto& other = *co_await p.beside(one, "/custom");
    auto const session = co_await one.ask("conn-id");
    check_equal(co_await other.ask("conn-id"), session);
    one.socket.emit("message", 1);
    other.socket.emit("message", 2);
    check_equal(co_await one.first("message-back"), 1);
    check_equal(co_await other.first("message-back"), 2);
    check(one.box("message-back").empty() && other.box("message-back").empty(),
          "an event has come twice");
}

task leave_one_namespace(peers& p) {
    auto& one = *co_await p.join();
    auto& other = *co_await p.beside(one, "/custom");
    other.socket.disconnect();
    co_await one.alive();
}

task rejoin_namespace(peers& p) {
    auto& one = *co_await p.join();
    auto& other = *co_await p.beside(one, "/custom");
    auto const before = other.socket.id();
    other.socket.disconnect();
    co_await one.alive();
    other.socket.connect();
    co_await other.connected();
    check((other.socket.id() == before) == p.old(), "the id is not what it should be");
    co_await other.alive();
}

task refused_with_data(peers& p) {
    auto data = json::object();
    data["code"] = "E_DENIED";
    // Of an error with data a server of version 2 sends the data alone.
    auto const wanted = json::array({p.old() ? "" : "not authorized", data});
    check_equal(co_await p.start("/denied").next("connect_error"), wanted);
}

task refused_plain(peers& p) {
    auto const wanted = json::array({"plain refusal", nullptr});
    check_equal(co_await p.start("/denied-plain").next("connect_error"), wanted);
}

task unknown_namespace(peers& p) {
    check_equal(co_await p.start("/unknown").first("connect_error"), "Invalid namespace");
}

task refusal_not_retried(peers& p) {
    auto& one = p.start("/denied", again);
    co_await one.next("connect_error");
    co_await one.stays_away();
    check(one.box("connect_error").empty(), "it was refused again");
}

task refused_then_accepted(peers& p) {
    auto& one = p.start("/guarded");
    check_equal(co_await one.first("connect_error"), "wrong token");
    json token = json::object();
    token["token"] = "open sesame";
    one.socket.set_auth(token);
    one.socket.set_query({{"token", "open sesame"}}); // for a server of version 2
    one.socket.connect();
    co_await one.connected();
    co_await one.alive();
}

task refusal_spares_others(peers& p) {
    auto& one = *co_await p.join();
    co_await p.start_beside(one, "/denied").next("connect_error");
    co_await one.alive();
}

task kick(peers& p) {
    auto& one = *co_await p.join("/", again);
    one.emit("kick");
    co_await one.reason("io server disconnect");
    co_await one.stays_away();
}

task kick_namespace_only(peers& p) {
    auto& one = *co_await p.join();
    auto& other = *co_await p.beside(one, "/custom");
    other.emit("kick");
    co_await other.reason("io server disconnect");
    co_await one.alive();
}

task kick_conn(peers& p) {
    auto& one = *co_await p.join();
    auto& other = *co_await p.beside(one, "/custom");
    one.emit("kick-conn");
    co_await one.reason("io server disconnect");
    co_await other.reason("io server disconnect");
}

task kick_last_words(peers& p) {
    auto& one = *co_await p.join();
    one.socket.emit("burst", 50);
    one.emit("kick-conn");
    check_equal(co_await one.collect("burst-back", 50), count(50));
    co_await one.reason("io server disconnect");
}

task connect_after_kick(peers& p) {
    auto& one = *co_await p.join();
    auto const before = one.socket.id();
    one.emit("kick");
    co_await one.next("disconnect");
    one.socket.connect();
    co_await one.connected();
    check(one.socket.id() != before, "the id is the old one");
    co_await one.alive();
}

task unexpected_namespace(peers& p) {
    auto& one = *co_await p.join();
    one.socket.emit("raw", "2/custom,[\"x\"]");
    co_await one.alive();
}

} // namespace

std::vector<row> namespace_rows() {
    return {
        {"two-namespaces", two_namespaces},
        {"leave-one-namespace", leave_one_namespace},
        {"rejoin-namespace", rejoin_namespace},
        {"refused-with-data", refused_with_data},
        {"refused-plain", refused_plain},
        {"unknown-namespace", unknown_namespace},
        {"refusal-not-retried", refusal_not_retried},
        {"refused-then-accepted", refused_then_accepted},
        {"refusal-spares-others", refusal_spares_others},
        {"kick", kick},
        {"kick-namespace-only", kick_namespace_only},
        {"kick-conn", kick_conn},
        {"kick-last-words", kick_last_words},
        {"connect-after-kick", connect_after_kick},
        {"unexpected-namespace", unexpected_namespace},
    };
}

} // namespace conformance
