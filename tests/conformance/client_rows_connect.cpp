// Rows: how a connection comes about.

#include "client_peer.hpp"

namespace conformance {

namespace {

task connect_auth(peers& p) {
    json const auth = {{"token", "abc"}, {"nested", {{"list", {1, nullptr, "€😀"}}}}};
    auto& one = *co_await p.join("/", {}, auth);
    check_equal(co_await one.first("auth"), auth);
}

task connect_auth_function(peers& p) {
    auto& one = p.make("/", again);
    one.socket.set_auth_source([n = 0]() mutable { return json{{"n", ++n}}; });
    one.socket.connect();
    co_await one.connected();
    co_await p.settled(one);
    json const expected_first = {{"n", 1}}, expected_second = {{"n", 2}};
    check_equal(co_await one.first("auth"), expected_first);
    one.emit("drop-conn");
    check_equal(co_await one.first("auth"), expected_second);
}

task connect_no_auth(peers& p) {
    auto& one = *co_await p.join();
    check_equal(co_await one.first("auth"), json::object());
}

task connect_query(peers& p) {
    std::vector<std::pair<std::string, std::string>> const query{
        {"a", "a b&c=d"}, {"b", "€"}, {"c", "1+1"}, {"d", ""}};
    peers::adjust const with_query = [query](sio::client_settings& s) { s.engine.query = query; };
    auto& one = *co_await p.join("/", with_query);
    auto const got = co_await one.ask("handshake-query");
    for (auto const& [key, value] : query)
        check_equal(got.at(key), value);
}

task connect_headers(peers& p) {
    peers::adjust const with_header = [](sio::client_settings& s) {
        s.engine.headers = {{"x-mad", "yes"}};
    };
    auto& one = *co_await p.join("/", with_header);
    auto const got = co_await one.ask("headers");
    check_equal(got.at("x-mad"), "yes");
}

task ids(peers& p) {
    auto& one = *co_await p.join();
    auto& other = *co_await p.beside(one, "/custom");
    auto const session = co_await one.ask("conn-id");
    auto const a = one.socket.id(), b = other.socket.id();
    if (p.old()) { // computed, by both sides
        check_equal(a, session);
        check_equal(b, "/custom#" + session.get<std::string>());
        check_equal(co_await one.ask("whoami"), a);
        check_equal(co_await other.ask("whoami"), b);
        co_return;
    }
    check(a.size() == 20 && b.size() == 20, "ids are not 20 characters");
    check(a != b && a != session && b != session, "ids are not different");
    check_equal(one.io.engine_sid(), session);
    check_equal(co_await one.ask("whoami"), a);
    check_equal(co_await other.ask("whoami"), b);
}

task transport_name(peers& p) {
    auto& one = *co_await p.join();
    auto const wanted = p.column == "polling" ? "polling" : "websocket";
    check_equal(co_await one.ask("transport"), wanted);
}

task wrong_path(peers& p) {
    auto& one = p.start("/", [](sio::client_settings& s) { s.engine.path = "/nothing/"; });
    co_await one.next("connect_error");
}

task nobody_there(peers& p) {
    boost::asio::ip::tcp::acceptor free(p.clock.context(),
                                        {boost::asio::ip::address_v4::loopback(), 0});
    auto const port = free.local_endpoint().port();
    free.close();
    p.url = "http://127.0.0.1:" + std::to_string(port);
    co_await p.start().next("connect_error");
}

task connect_timeout(peers& p) {
    auto const start = std::chrono::steady_clock::now();
    auto& one = p.start("/", [](sio::client_settings& s) {
        s.engine.path = "/mute/";
        s.engine.timeout = milliseconds(200);
    });
    co_await one.next("connect_error");
    check(std::chrono::steady_clock::now() - start < mad::seconds(2), "it took too long");
}

task buffered_before_connect(peers& p) {
    auto& one = p.start();
    for (int i = 0; i < 20; ++i)
        one.socket.emit("message", i);
    check_equal(co_await one.collect("message-back", 20), count(20));
}

task slow_namespace(peers& p) {
    auto& one = p.start("/slow");
    for (int i = 0; i < 20; ++i)
        one.socket.emit("message", i);
    check_equal(co_await one.collect("message-back", 20), count(20));
}

task volatile_before_connect(peers& p) {
    auto& one = p.start();
    one.socket.volatile_emit("message", "volatile");
    one.socket.emit("message", "solid");
    check_equal(co_await one.first("message-back"), "solid");
}

task many_clients(peers& p) {
    std::vector<peer*> all;
    for (int i = 0; i < 30; ++i)
        all.push_back(&p.start());
    for (auto* const one : all) {
        co_await one->connected();
        co_await p.settled(*one);
    }
    for (int i = 0; i < 30; ++i)
        check_equal(co_await all[static_cast<std::size_t>(i)]->ask("echo", i), i);
}

task upgrade_under_load(peers& p) {
    auto& one = p.start();
    for (int i = 0; i < 300; ++i) {
        one.socket.emit("message", i);
        if (i % 10 == 0)
            co_await pause(p.clock, milliseconds(1));
    }
    check_equal(co_await one.collect("message-back", 300), count(300));
    while (co_await one.ask("transport") != "websocket")
        co_await pause(p.clock, milliseconds(2));
}

task server_burst_in_upgrade(peers& p) {
    auto& one = p.start();
    one.socket.emit("burst", 300);
    check_equal(co_await one.collect("burst-back", 300), count(300));
    co_await p.settled(one);
    co_await one.alive();
}

task kick_in_upgrade(peers& p) {
    auto& one = p.start();
    one.emit("kick-conn");
    co_await one.reason("io server disconnect");
}

} // namespace

std::vector<row> connect_rows() {
    return {
        {"connect-auth", connect_auth, {}, true},
        {"connect-auth-function", connect_auth_function, {}, true},
        {"connect-no-auth", connect_no_auth},
        {"connect-query", connect_query},
        {"connect-headers", connect_headers},
        {"ids", ids},
        {"transport-name", transport_name},
        {"wrong-path", wrong_path},
        {"nobody-there", nobody_there},
        {"connect-timeout", connect_timeout},
        {"buffered-before-connect", buffered_before_connect},
        {"slow-namespace", slow_namespace},
        {"volatile-before-connect", volatile_before_connect},
        {"many-clients", many_clients},
        {"upgrade-under-load", upgrade_under_load, "upgrade"},
        {"server-burst-in-upgrade", server_burst_in_upgrade, "upgrade"},
        {"kick-in-upgrade", kick_in_upgrade, "upgrade"},
    };
}

} // namespace conformance
