// The codecs on the way of a message, nanoseconds of CPU time a packet: one table, the median of 9
// rounds and how far apart they were.

#include <mad/core/ids.hpp>
#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/core/json_scan.hpp>
#include <mad/engine/payload.hpp>
#include <mad/proxy/affinity.hpp>
#include <mad/proxy/cookie.hpp>
#include <mad/proxy/forward.hpp>
#include <mad/socketio/args.hpp>
#include <mad/socketio/parser.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace mad;

/// Keeps the compiler from leaving work out.
std::size_t sink = 0;

std::string const small = R"(["message",1])";
std::string const chat =
    R"(["chat message",{"from":"alice","room":"general","text":"hello, world",)"
    R"("at":1767323045006,"tags":["a","b"]}])";

/// Like one health record of an agent: numbers, short keys, a few names.
std::string health_record() {
    std::string out = R"(["client_healthcheck",{"id":"web-17","health":{"cpu":{"cores":[)";
    for (int i = 0; i < 8; ++i)
        out += (i ? "," : "") + std::to_string(10.5 + i);
    out += R"(],"load":[0.52,0.48,0.4]},"memory":{"total":16777216,"free":1048576},"storage":[)";
    for (int i = 0; i < 6; ++i)
        out += std::string(i ? "," : "") + R"({"mount":"/data/)" + std::to_string(i) +
               R"(","type":"ext4","size":107374182400,"used":53687091200,"percent":50})";
    return out + R"(],"network":[{"name":"eth0","rx":123456.7,"tx":7654.3}]}}])";
}

template <class Work>
void row(char const* name, std::size_t bytes, Work work) {
    auto const cpu_ns = [] {
        std::timespec t{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
    };
    auto const time_of = [&](std::size_t n) {
        auto const start = cpu_ns();
        for (std::size_t i = 0; i < n; ++i)
            sink += work();
        return cpu_ns() - start;
    };
    std::size_t n = 16;
    while (time_of(n) < 5e6)
        n *= 2;
    std::array<double, 9> ns;
    for (auto& t : ns)
        t = time_of(n) / static_cast<double>(n);
    std::sort(ns.begin(), ns.end());
    auto const median = ns[ns.size() / 2];
    std::printf("%-44s %8zu %10.1f %10.1f %8.0f\n", name, bytes, median, ns.back() - ns.front(),
                static_cast<double>(bytes) / median * 1e3);
}

void engine_rows() {
    std::string const frame = "42" + small;
    std::string scratch, out;
    row("engine: text frame to packet", frame.size(),
        [&] { return engine::decode_text(frame, scratch)->data.size(); });
    std::string body;
    for (int i = 0; i < 100; ++i)
        engine::append_payload(engine::revision::eio4, body,
                               {engine::packet_type::message, false, "2" + chat}, i == 0);
    row("engine: polling body of 100 packets, read", body.size(), [&] {
        engine::payload_reader reader(engine::revision::eio4, body);
        engine::packet_view p;
        std::size_t n = 0;
        while (*reader.next(p))
            n += p.data.size();
        return n;
    });
    std::string const bytes(3000, '\x7f');
    row("engine: binary packet of 3,000 bytes, write", bytes.size(), [&] {
        out.clear();
        engine::append_payload(engine::revision::eio4, out,
                               {engine::packet_type::message, true, bytes}, true);
        return out.size();
    });
}

void scan_rows(std::string const& health, std::string const& text) {
    auto limits = json_limits::trusted();
    for (auto const& [name, json] : {std::pair("json: scan, chat message", &chat),
                                     std::pair("json: scan, health record", &health),
                                     std::pair("json: scan, 100 KB of ASCII text", &text)})
        row(name, json->size(), [&] { return scan_json(*json, limits)->text.size(); });
    row("json: nlohmann parse, health record", health.size(),
        [&] { return json::parse(health).size(); });
    auto const value = json::parse(health);
    std::string out;
    row("json: print, health record", health.size(), [&] {
        out.clear();
        append_json(out, value);
        return out.size();
    });
    row("json: nlohmann dump, health record", health.size(), [&] { return value.dump().size(); });
}

void packet_rows(std::string const& health) {
    socketio::packet_limits const limits;
    socketio::decoder decoder(limits);
    std::string const texts[] = {"2/admin,13" + small, "2" + chat, "2" + health};
    char const* const names[] = {"socketio: decode, small event with ack id",
                                 "socketio: decode, chat message",
                                 "socketio: decode, health record"};
    for (int i = 0; i < 3; ++i)
        row(names[i], texts[i].size(), [&] {
            auto p = decoder.feed_text(texts[i]);
            return event_name((*p)->view).raw.size();
        });

    std::string const binary = R"(51-["up",{"_placeholder":true,"num":0}])";
    std::string const data(100, 'x');
    row("socketio: decode, binary event of 100 bytes", binary.size() + data.size(), [&] {
        (void)decoder.feed_text(binary);
        return (*decoder.feed_binary(data))->attachments.size();
    });

    socketio::packet const chat_packet(*socketio::parse_packet(texts[1]));
    row("socketio: split and take chat message as json", texts[1].size(), [&] {
        std::array<socketio::arg_view, 1> args;
        split_args(chat_packet, args);
        return args[0].as<json>()->size();
    });
    std::string const typed_text = R"(2["move",17,-3.5,"north"])";
    socketio::packet const typed(*socketio::parse_packet(typed_text));
    row("socketio: split and take (int, double, string)", typed_text.size(), [&] {
        std::array<socketio::arg_view, 3> args;
        split_args(typed, args);
        return static_cast<std::size_t>(*args[0].as<int>() + *args[1].as<double>()) +
               args[2].as<std::string>()->size();
    });

    std::string out;
    socketio::attachment_list attachments;
    row("socketio: write typed event", typed_text.size(), [&] {
        out.clear();
        append_packet(out, attachments, socketio::packet_type::event, "/", {}, "move", 17, -3.5,
                      "north");
        return out.size();
    });
    auto const value = json::parse(chat)[1];
    row("socketio: write chat message from json", texts[1].size(), [&] {
        out.clear();
        append_packet(out, attachments, socketio::packet_type::event, "/", {}, "chat message",
                      value);
        return out.size();
    });
}

/// A poll and its answer on their way through the proxy.
void proxy_rows() {
    std::string const poll =
        "GET /socket.io/?EIO=4&transport=polling&t=Oabc&sid=lv_VI97HAXpY6yYWAAAC HTTP/1.1\r\n"
        "Host: chat.example\r\nConnection: keep-alive\r\nUser-Agent: Mozilla/5.0 (X11; Linux "
        "x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n"
        "Accept: */*\r\nReferer: https://chat.example/\r\nAccept-Encoding: gzip, deflate\r\n"
        "Accept-Language: en-US,en;q=0.9\r\nCookie: mad_node=8kV0dZ1hQ3mX2c4n5b6v7a8s\r\n\r\n";
    net::http::head h;
    net::http::limits const limits;
    proxy::forward_settings const settings;
    proxy::client_facts const client{boost::asio::ip::make_address("192.0.2.7"), false};
    std::string out;
    row("proxy: parse a poll", poll.size(),
        [&] { return parse_head(poll, limits, h) == 0 ? h.fields.size() : 0; });
    row("proxy: judge a poll, write it anew", poll.size(), [&] {
        out.clear();
        auto const v = judge_request(h, client, settings);
        append_request(out, h, v, client, "node:3000", settings);
        return out.size();
    });
    std::string const answer =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 42\r\n"
        "cache-control: no-store\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
        "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n";
    net::http::response_head a;
    net::http::client_limits const answer_limits;
    row("proxy: parse an answer", answer.size(),
        [&] { return parse_response_head(answer, answer_limits, a) ? 0 : a.fields.size(); });
    proxy::answer_context const context;
    row("proxy: judge an answer, write it anew", answer.size(), [&] {
        out.clear();
        append_response(out, a, judge_response(a, context), context, {}, false);
        return out.size();
    });
}

/// Which of 8 upstreams a request goes to, by each of the rules.
void choice_rows() {
    proxy::cookie_signer const signer;
    std::vector<proxy::pool_view::target_ptr> all;
    for (std::uint32_t i = 0; i < 8; ++i) {
        auto t = std::make_shared<proxy::target>();
        t->id = i + 1;
        t->to.name = "api-" + std::to_string(i);
        t->to.node_tag = static_cast<std::uint16_t>(i);
        t->share = 1;
        t->serves = true;
        t->cookie = signer.sign(signer.id_of(t->to.name));
        t->seed = proxy::detail::affinity_hash(t->to.name);
        t->count = std::make_shared<proxy::upstream_counters>();
        all.push_back(t);
    }
    proxy::pool_view const view(all);
    proxy::sid_table sids;
    time_point const now{};
    std::vector<std::string> learnt;
    for (int i = 0; i < 10'000; ++i) {
        learnt.push_back(session_id::make(0, 0));
        sids.learn(learnt.back(), *all[static_cast<std::size_t>(i) % 8], true, now);
    }
    auto const tagged = session_id::make(0, 5);
    proxy::affinity_settings const rules;
    auto const by_address = *proxy::parse_affinity("hash");
    proxy::client_key const key(boost::asio::ip::make_address("2001:db8::17"));
    std::size_t next = 0;
    auto const chosen = [&](proxy::affinity_settings const& how, std::string_view sid,
                            std::string_view cookie) {
        return std::size_t{choose(view, how, {sid, cookie, key.bytes()}, sids, now).to->id};
    };
    row("proxy: choose of 8, sid of 10,000 learnt", session_id::size,
        [&] { return chosen(rules, learnt[++next % learnt.size()], {}); });
    row("proxy: choose of 8, node tag in the sid", session_id::size,
        [&] { return chosen(rules, tagged, {}); });
    row("proxy: choose of 8, cookie", all[3]->cookie.size(),
        [&] { return chosen(rules, {}, all[3]->cookie); });
    row("proxy: choose of 8, address with bounded load", 16, [&] { return chosen(rules, {}, {}); });
    row("proxy: choose of 8, address alone", 16, [&] { return chosen(by_address, {}, {}); });
}

} // namespace

int main() {
    std::printf("%-44s %8s %10s %10s %8s\n", "codec", "bytes", "ns", "spread", "MB/s");
    auto const health = health_record();
    engine_rows();
    scan_rows(health, "\"" + std::string(100'000, 'x') + "\"");
    packet_rows(health);
    proxy_rows();
    choice_rows();
    return sink == 0;
}
