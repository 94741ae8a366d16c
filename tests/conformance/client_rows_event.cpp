// Rows: events and acknowledgements, both ways.

#include "client_peer.hpp"

namespace conformance {

namespace {

task echoes(peers& p, std::vector<json> values) {
    auto& one = *co_await p.join();
    for (auto const& v : values)
        check_equal(co_await one.ask("echo", v), v);
}

task echo_numbers(peers& p) {
    std::vector<json> values{0, -1, 1.5, 9007199254740991, 1e21, 5e-324};
    co_await echoes(p, std::move(values));
}

task echo_text(peers& p) {
    std::string control;
    for (char c = 0; c < 32; ++c)
        control += c;
    control += '\x7f';
    std::vector<json> values{"\"\\\"\\\\", control, "é€😀\u2028\ufeff"};
    co_await echoes(p, std::move(values));
}

task echo_structures(peers& p) {
    json deep = "bottom", wide = json::object();
    for (int i = 0; i < 25; ++i) {
        auto list = json::array();
        list.push_back(std::move(deep));
        deep = json::object();
        deep["d"] = std::move(list);
    }
    for (int i = 0; i < 1000; ++i)
        wide["k" + std::to_string(999 - i)] = i;
    std::vector<json> values{nullptr, true, json::array(), json::object()};
    values.push_back(std::move(deep));
    values.push_back(std::move(wide));
    co_await echoes(p, std::move(values));
}

task echo_binary(peers& p) {
    mad::bytes all;
    for (int i = 0; i < 256; ++i)
        all.push_back(static_cast<std::uint8_t>(i));
    auto nested = json::object(), inner = json::object(), ten = json::array();
    inner["b"] = binary({1, 2});
    nested["a"] = json::array();
    nested["a"].push_back(std::move(inner));
    for (std::uint8_t i = 0; i < 10; ++i)
        ten.push_back(binary({i}));
    std::vector<json> values;
    values.push_back(binary({}));
    values.push_back(binary(std::move(all)));
    values.push_back(std::move(nested));
    values.push_back(std::move(ten));
    co_await echoes(p, std::move(values));
}

task echo_placeholder(peers& p) {
    auto value = json::object();
    value["_placeholder"] = true;
    value["num"] = 0;
    std::vector<json> values;
    values.push_back(std::move(value));
    co_await echoes(p, std::move(values));
}

json mixed_args() {
    auto args = json::array({1, "two"}), three = json::object();
    three["three"] = json::array({3});
    args.push_back(std::move(three));
    args.push_back(nullptr);
    args.push_back(binary({4}));
    args.push_back(true);
    return args;
}

task event_args(peers& p) {
    auto& one = *co_await p.join();
    auto const args = mixed_args();
    one.emit("message", args);
    check_equal(co_await one.next("message-back"), args);
}

task event_no_args(peers& p) {
    auto& one = *co_await p.join();
    one.emit("message");
    check_equal(co_await one.next("message-back"), json::array());
}

task ack_args(peers& p) {
    auto& one = *co_await p.join();
    auto args = mixed_args();
    args.erase(3);
    args.erase(4);
    check_equal(co_await one.ask_all("message-with-ack", args), args);
}

task ack_no_args(peers& p) {
    auto& one = *co_await p.join();
    check_equal(co_await one.ask_all("message-with-ack", json::array()), json::array());
}

task concurrent_acks(peers& p) {
    auto& one = *co_await p.join();
    mailbox answers(p.clock, "answers");
    for (int i = 0; i < 200; ++i)
        one.socket.emit_with_ack(
            [&answers](mad::result<sio::arguments> a) {
                answers.push(a && a->size() == 1 ? (*a)[0] : json());
            },
            p.clock.left(), "echo", i);
    auto got = json::array();
    for (int i = 0; i < 200; ++i)
        got.push_back(co_await answers.next());
    check_equal(got, count(200));
}

task ack_timeout(peers& p) {
    auto& one = *co_await p.join();
    auto const answer = co_await one.socket.emit_with_ack(milliseconds(50), "never-ack");
    check(answer.has_error() && answer.error() == sio::error::timeout, "no timeout");
    co_await one.alive();
}

task late_ack_ignored(peers& p) {
    auto& one = *co_await p.join();
    auto const calls = std::make_shared<json>(json::array());
    one.socket.emit_with_ack(
        [calls](mad::result<sio::arguments> a) {
            calls->push_back(!a && a.error() == sio::error::timeout);
        },
        milliseconds(20), "late-ack", 100, "late");
    co_await one.ask("late-ack", 200, "later");
    check_equal(*calls, json::array({true}));
}

task server_question(peers& p) {
    auto& one = *co_await p.join();
    one.socket.on("question", [](json v, sio::ack reply) { reply("re", v); });
    auto question = json::object();
    question["q"] = 1;
    one.socket.emit("ask", question);
    auto const wanted = json::array({"re", question});
    check_equal(co_await one.next("answered"), wanted);
}

task server_question_binary(peers& p) {
    auto& one = *co_await p.join();
    one.socket.on("question", [](mad::bytes v, sio::ack reply) {
        auto more = json::object();
        more["more"] = binary({9});
        reply(v, more);
    });
    one.socket.emit("ask", mad::bytes{7, 8});
    auto wanted = json::array(), more = json::object();
    more["more"] = binary({9});
    wanted.push_back(binary({7, 8}));
    wanted.push_back(std::move(more));
    check_equal(co_await one.next("answered"), wanted);
}

task server_question_unheard(peers& p) {
    auto& one = *co_await p.join();
    one.socket.emit("emit-back", "nobody-listens", 1);
    co_await one.alive();
}

task burst_from_server(peers& p) {
    auto& one = *co_await p.join();
    one.socket.emit("burst", 500);
    check_equal(co_await one.collect("burst-back", 500), count(500));
}

task burst_from_client(peers& p) {
    auto& one = *co_await p.join();
    for (int i = 0; i < 500; ++i)
        one.socket.emit("message", i);
    check_equal(co_await one.collect("message-back", 500), count(500));
}

task mixed_order(peers& p) {
    auto& one = *co_await p.join();
    auto const seen = std::make_shared<json>(json::array());
    one.socket.on("message-back", [seen](int i) { seen->push_back(i); });
    for (int i = 0; i < 60; ++i) {
        if (i % 3 == 0)
            one.socket.emit("message", i);
        else if (i % 3 == 1)
            one.socket.emit("message", i, mad::bytes{static_cast<std::uint8_t>(i)});
        else
            one.socket.emit_with_ack(
                [seen](mad::result<sio::arguments> a) { seen->push_back(a ? (*a)[0] : json()); },
                p.clock.left(), "echo", i);
    }
    co_await one.ask("echo", "last");
    check_equal(*seen, count(60));
}

task big_to_client(peers& p) {
    auto& one = *co_await p.join();
    one.socket.emit("big", 300'000);
    auto const text = co_await one.first("big-back");
    check_equal(text.get<std::string>().size(), 300'000);
}

task big_to_server(peers& p) {
    std::vector<json> values{std::string(300'000, 'x')};
    values.push_back(binary(mad::bytes(300'000, 7)));
    co_await echoes(p, std::move(values));
}

task payload_split(peers& p) {
    auto& one = *co_await p.join();
    mailbox answers(p.clock, "answers");
    for (char c = '0'; c < '5'; ++c)
        one.socket.emit_with_ack(
            [&answers](mad::result<sio::arguments> a) { answers.push(a ? (*a)[0] : json()); },
            p.clock.left(), "echo", std::string(300'000, c));
    for (char c = '0'; c < '5'; ++c)
        check_equal(co_await answers.next(), std::string(300'000, c));
}

task broadcast_all(peers& p) {
    auto& one = *co_await p.join();
    auto& two = *co_await p.join();
    one.socket.emit("bcast", 1, mad::bytes{2});
    auto wanted = json::array({1});
    wanted.push_back(binary({2}));
    check_equal(co_await one.next("bcast-out"), wanted);
    check_equal(co_await two.next("bcast-out"), wanted);
}

task broadcast_others(peers& p) {
    auto& one = *co_await p.join();
    auto& two = *co_await p.join();
    one.socket.emit("bcast-others", 1);
    check_equal(co_await two.first("others-out"), 1);
    co_await one.alive();
    check(one.box("others-out").empty(), "it has come back to the sender");
}

task rooms(peers& p) {
    auto& one = *co_await p.join();
    auto& two = *co_await p.join();
    auto const name = json::array({"a room"});
    co_await one.ask_all("join", name);
    co_await two.ask_all("join", name);
    one.socket.emit("room-emit", "a room", 1);
    check_equal(co_await one.first("room-out"), 1);
    check_equal(co_await two.first("room-out"), 1);
    co_await two.ask_all("leave", name);
    one.socket.emit("room-emit", "a room", 2);
    check_equal(co_await one.first("room-out"), 2);
    co_await two.alive();
    check(two.box("room-out").empty(), "it has come to one who left");
}

} // namespace

std::vector<row> event_rows() {
    return {
        {"echo-numbers", echo_numbers},
        {"echo-text", echo_text},
        {"echo-structures", echo_structures},
        {"echo-binary", echo_binary},
        {"echo-placeholder", echo_placeholder},
        {"event-args", event_args},
        {"event-no-args", event_no_args},
        {"ack-args", ack_args},
        {"ack-no-args", ack_no_args},
        {"concurrent-acks", concurrent_acks},
        {"ack-timeout", ack_timeout},
        {"late-ack-ignored", late_ack_ignored},
        {"server-question", server_question},
        {"server-question-binary", server_question_binary},
        {"server-question-unheard", server_question_unheard},
        {"burst-from-server", burst_from_server},
        {"burst-from-client", burst_from_client},
        {"mixed-order", mixed_order},
        {"big-to-client", big_to_client},
        {"big-to-server", big_to_server},
        {"payload-split", payload_split},
        {"broadcast-all", broadcast_all},
        {"broadcast-others", broadcast_others},
        {"rooms", rooms},
    };
}

} // namespace conformance
