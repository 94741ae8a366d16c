// Rows: how a connection ends, and comes back.

#include "client_peer.hpp"

namespace conformance {

namespace {

task drop_conn(peers& p) {
    auto& one = *co_await p.join();
    one.emit("drop-conn");
    co_await one.reason("transport close");
}

task reconnect_after_drop(peers& p) {
    auto& one = *co_await p.join("/", again);
    auto& other = *co_await p.beside(one, "/custom");
    auto const before = one.socket.id(), other_before = other.socket.id();
    one.emit("drop-conn");
    co_await one.connected();
    co_await other.connected();
    check(one.socket.id() != before && other.socket.id() != other_before, "old ids");
    co_await one.alive();
    co_await other.alive();
}

task reconnect_after_cut(peers& p) {
    auto& one = *co_await p.join("/", again);
    // A cut between two GETs harms nobody: the next one comes over a new connection.
    while (one.box("disconnect").empty()) {
        check(std::chrono::steady_clock::now() < p.clock.end(), "no disconnect in time");
        one.socket.volatile_emit("cut");
        co_await pause(p.clock, milliseconds(10));
    }
    auto const why = co_await one.next("disconnect");
    check(why == "transport close" || why == "transport error", "reason " + shown(why));
    co_await one.connected();
    co_await one.alive();
}

task reconnect_after_away(peers& p) {
    auto& one = *co_await p.join("/", again);
    one.socket.emit("away", 300);
    co_await one.next("disconnect");
    co_await one.connected();
    check(one.errors >= 1, "no failed attempt was reported");
    co_await one.alive();
}

task buffered_while_away(peers& p) {
    auto& one = *co_await p.join("/", again);
    one.emit("drop-conn");
    co_await one.next("disconnect");
    for (int i = 0; i < 10; ++i)
        one.socket.emit("message", i);
    check_equal(co_await one.collect("message-back", 10), count(10));
}

task acks_fail_on_disconnect(peers& p) {
    auto& one = *co_await p.join();
    mailbox answers(p.clock, "answer");
    auto const start = std::chrono::steady_clock::now();
    one.socket.emit_with_ack(
        [&answers](mad::result<sio::arguments> a) {
            answers.push(!a && a.error() == sio::error::not_acknowledged);
        },
        mad::seconds(5), "never-ack");
    one.emit("drop-conn");
    check_equal(co_await answers.next(), true);
    check(std::chrono::steady_clock::now() - start < mad::seconds(3), "it took too long");
}

task no_reconnection(peers& p) {
    auto& one = *co_await p.join();
    one.emit("drop-conn");
    co_await one.next("disconnect");
    co_await one.stays_away();
}

task reconnection_attempts(peers& p) {
    peers::adjust const twice = [](sio::client_settings& s) {
        again(s);
        s.reconnection_attempts = 2;
    };
    auto& one = *co_await p.join("/", twice);
    mailbox gave_up(p.clock, "end of the attempts");
    one.io.on_reconnect_failed([&gave_up] { gave_up.push(true); });
    one.socket.emit("away", 600);
    co_await gave_up.next();
    check_equal(one.errors, 2);
    co_await p.start("/", again).connected(); // the next row wants the server back
}

task backoff(peers& p) {
    peers::adjust const slow = [](sio::client_settings& s) {
        s.reconnection = true;
        s.backoff = {milliseconds(50), milliseconds(200), 0};
    };
    auto& one = *co_await p.join("/", slow);
    one.socket.emit("away", 700);
    co_await one.next("disconnect");
    auto last = std::chrono::steady_clock::now();
    co_await one.connected();
    check(one.attempted_at.size() >= 3, "fewer than three attempts");
    std::size_t i = 0;
    for (auto const least : {45, 90, 180}) {
        check(one.attempted_at[i] - last >= milliseconds(least),
              "attempt " + std::to_string(i + 1) + " was too early");
        last = one.attempted_at[i++];
    }
}

task client_leave(peers& p) {
    auto& one = *co_await p.join("/", again);
    one.socket.disconnect();
    co_await one.reason("io client disconnect");
    co_await one.stays_away();
}

task idle(peers& p) {
    auto& one = *co_await p.join();
    co_await pause(p.clock, mad::seconds(2)); // the idleness is what is tested
    co_await one.alive();
    check(one.box("disconnect").empty(), "it has disconnected");
}

task ping_timeout(peers& p) {
    auto& one = *co_await p.join("/", again);
    auto const start = std::chrono::steady_clock::now();
    one.emit("silence");
    co_await one.reason("ping timeout");
    auto const took = std::chrono::steady_clock::now() - start;
    check(took >= milliseconds(1500) && took < milliseconds(4500), "not in time");
    co_await one.connected();
    co_await one.alive();
}

task bad_packet(peers& p) {
    auto& one = *co_await p.join("/", again);
    one.socket.emit("raw", "abc");
    co_await one.reason("parse error");
    co_await one.connected();
    co_await one.alive();
}

task bad_attachments(peers& p) {
    auto& one = *co_await p.join("/", again);
    one.socket.emit("raw", R"(51-["x",{"_placeholder":true,"num":5}])");
    one.socket.emit("raw", R"(2["y"])");
    co_await one.reason("parse error");
    co_await one.connected();
    co_await one.alive();
}

} // namespace

std::vector<row> return_rows() {
    return {
        {"drop-conn", drop_conn},
        {"reconnect-after-drop", reconnect_after_drop},
        {"reconnect-after-cut", reconnect_after_cut},
        {"reconnect-after-away", reconnect_after_away},
        {"buffered-while-away", buffered_while_away},
        {"acks-fail-on-disconnect", acks_fail_on_disconnect},
        {"no-reconnection", no_reconnection},
        {"reconnection-attempts", reconnection_attempts},
        {"backoff", backoff},
        {"client-leave", client_leave},
        {"idle", idle},
        {"ping-timeout", ping_timeout},
        {"bad-packet", bad_packet},
        {"bad-attachments", bad_attachments},
    };
}

} // namespace conformance
