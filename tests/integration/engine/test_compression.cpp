#include "client_world.hpp"
#include "engine_world.hpp"

#include <support/counting_deflate.hpp>

using namespace mad_test;

namespace {

constexpr char const* offer = "Sec-WebSocket-Extensions: permessage-deflate; "
                              "client_max_window_bits\r\n";
constexpr char const* target = "/engine.io/?EIO=4&transport=websocket";
std::string const agreed =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

engine::server_settings compressing(mad::net::message_deflate_settings m = {}) {
    engine::server_settings s;
    s.per_message_deflate = mad::net::make_message_deflate(m);
    return s;
}

std::string text_of(std::size_t n) {
    std::string s("4");
    while (s.size() < n)
        s += "a line of text, ";
    s.resize(n);
    return s;
}

} // namespace

TEST_CASE("compression is off unless settings say so, and unless the client asks") {
    bool const on = GENERATE(false, true), asks = GENERATE(false, true);
    CAPTURE(on, asks);
    engine_world w(on ? compressing() : engine::server_settings{});
    ws_peer p(w.port, target, asks ? offer : "");
    CHECK(p.accepted().status == 101);
    CHECK(p.accepted().header("sec-websocket-extensions") == (on && asks ? agreed : ""));
    auto const open = p.next();
    CHECK_FALSE(open->compressed); // below the threshold
    p.text(text_of(2000));
    auto const back = p.next();
    CHECK(back->compressed == (on && asks));
    CHECK((back->compressed ? inflated(back->payload) : back->payload) == text_of(2000));
    // Without an agreement RSV1 is an error.
    p.compressed(deflated("4hi"));
    auto const answer = p.next();
    REQUIRE(answer);
    if (on && asks)
        CHECK(answer->is_text("4hi"));
    else
        CHECK(answer->payload.starts_with("\x03\xea")); // 1002
}

TEST_CASE("messages from the threshold on are compressed, when that makes them shorter") {
    engine_world w(compressing());
    ws_peer p(w.port, target, offer);
    p.next();
    struct row {
        std::size_t size;
        bool compressed;
    };
    for (auto const r : {row{1022, false}, row{1023, false}, row{1024, true}, row{100'000, true}}) {
        CAPTURE(r.size);
        p.text(text_of(r.size));
        auto const f = p.next();
        CHECK(f->compressed == r.compressed);
        CHECK((f->compressed ? inflated(f->payload) : f->payload) == text_of(r.size));
        CHECK((f->payload.size() < r.size) == r.compressed);
    }
    std::string noise(3000, '\0');
    std::uint32_t x = 1;
    for (auto& c : noise)
        c = static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
    p.binary(noise);
    auto const f = p.next();
    CHECK_FALSE(f->compressed);
    CHECK(f->payload == noise);
}

TEST_CASE("compressed messages come in whole, in pieces, empty and as bytes") {
    engine_world w(compressing());
    ws_peer p(w.port, target, offer);
    p.next();
    p.compressed(deflated("4whole"));
    CHECK(p.next_text() == "4whole");
    auto const pieces = deflated("4pieces");
    p.send(0x41, pieces.substr(0, 2), false);
    p.send(9, "in between");
    p.send(0, "", false);
    p.send(0, pieces.substr(2));
    CHECK(p.next()->opcode == 10);
    CHECK(p.next_text() == "4pieces");
    p.send(0x42, deflated("bytes"));
    CHECK(p.next()->payload == "bytes");
    p.send(0x42, std::string(1, '\0'));
    CHECK(p.next()->payload.empty());
    p.text("4clear");
    CHECK(p.next_text() == "4clear");
    // `40` as the reference's client writes it: golden permessage-deflate, connection 3
    p.compressed(std::string("\x32\x31\x00\x00", 4));
    CHECK(p.next_text() == "40");
    CHECK(w.messages() == 6);
}

TEST_CASE("what cannot be inflated ends that session, and no other") {
    struct row {
        std::string name;
        int first_byte;
        std::string payload;
        unsigned code;
    };
    auto const r = GENERATE(values<row>({
        {"no deflate data", 0x41, "\xff\xff\xff", 1007},
        {"cut off", 0x41, deflated(text_of(500)).substr(0, 20), 1007},
        {"text that is not UTF-8", 0x41, deflated("4\xff"), 1007},
        {"one byte too many", 0x42, deflated(std::string(1'000'001, 'x')), 1009},
        {"a bomb", 0x42, deflated(std::string(100'000'000, '\0')), 1009},
        {"a packet that is none", 0x41, deflated("9"), 0},
        {"nothing where a packet was due", 0x41, deflated(""), 0},
    }));
    CAPTURE(r.name);
    engine_world w(compressing());
    ws_peer other(w.port, target, offer), p(w.port, target, offer);
    other.next();
    p.next();
    p.send(r.first_byte, r.payload);
    auto const end = p.next();
    REQUIRE(end);
    CHECK(end->is_close());
    CHECK(end->payload ==
          (r.code ? std::string{static_cast<char>(r.code >> 8), static_cast<char>(r.code & 255)}
                  : std::string()));
    other.compressed(deflated("4still here"));
    CHECK(other.next_text() == "4still here");
    CHECK(w.closes() == reasons{r.code ? engine::close_reason::transport_error
                                       : engine::close_reason::parse_error});
}

TEST_CASE("a message of exactly the limit is taken, however short it came") {
    engine_world w(compressing());
    ws_peer p(w.port, target, offer);
    p.next();
    p.send(0x42, deflated(std::string(1'000'000, 'x')));
    auto const f = p.next();
    CHECK(f->compressed);
    CHECK(inflated(f->payload) == std::string(1'000'000, 'x'));
}

TEST_CASE("offers that cannot be met are declined, and only a malformed field is refused") {
    struct row {
        std::string fields;
        int status;
        std::string answer;
    };
    std::string const field = "Sec-WebSocket-Extensions: ";
    auto const r = GENERATE_COPY(values<row>({
        {field + "x-other\r\n", 101, ""},
        {field + "permessage-deflate; server_max_window_bits=8\r\n", 101, ""},
        {field + "permessage-deflate; unknown\r\n", 101, ""},
        {field + "x-other\r\n" + field + "permessage-deflate\r\n", 101, agreed},
        {field + "permessage-deflate; server_max_window_bits=10\r\n", 101,
         agreed + "; server_max_window_bits=10"},
        {field + "permessage-deflate; =\r\n", 400, ""},
    }));
    CAPTURE(r.fields);
    engine_world w(compressing());
    ws_peer p(w.port, target, r.fields);
    CHECK(p.accepted().status == r.status);
    CHECK(p.accepted().header("sec-websocket-extensions") == r.answer);
    if (r.status == 101 && !r.answer.empty()) {
        p.next();
        p.text(text_of(50'000));
        auto const f = p.next();
        CHECK(f->compressed);
        CHECK(inflated(f->payload) == text_of(50'000));
    }
}

TEST_CASE("a websocket that takes over from polling compresses too") {
    engine_world w(compressing(), 2);
    polling_peer poll(w.port);
    poll.open();
    ws_peer p(w.port, std::string(target) + "&sid=" + poll.sid, offer);
    CHECK(p.accepted().header("sec-websocket-extensions") == agreed);
    p.compressed(deflated("2probe"));
    CHECK(p.next_text() == "3probe");
    p.text("5");
    p.text(text_of(3000));
    auto const f = p.next();
    CHECK(f->compressed);
    CHECK(inflated(f->payload) == text_of(3000));
}

TEST_CASE("one message for many is compressed once; one that says no, never") {
    auto const counted = std::make_shared<counting_deflate>();
    engine::server_settings s;
    s.per_message_deflate = counted;
    std::vector<engine::session*> sessions;
    engine_world::hooks hooks;
    hooks.on_open = [&](engine::session& e) { sessions.push_back(&e); };
    engine_world w(s, 1, hooks);
    std::vector<std::unique_ptr<ws_peer>> peers;
    for (int i = 0; i < 3; ++i) {
        peers.push_back(std::make_unique<ws_peer>(w.port, target, offer));
        peers.back()->next();
    }
    // One that cannot read what the others are sent, and one that compresses nothing.
    peers.push_back(std::make_unique<ws_peer>(
        w.port, target,
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n"));
    peers.back()->next();
    peers.push_back(std::make_unique<ws_peer>(w.port, target));
    peers.back()->next();
    auto const text = text_of(5000);
    auto const send = [&](bool compress) {
        w.on_shard([&] {
            auto const b = mad::net::wire_block::message(text, false);
            b.set_compress(compress);
            for (auto* const e : sessions)
                e->send(b);
        });
    };
    send(true);
    for (std::size_t i = 0; i < peers.size(); ++i) {
        auto const f = peers[i]->next();
        CHECK(f->compressed == (i < 4));
        CHECK((f->compressed ? inflated(f->payload) : f->payload) == text);
    }
    CHECK(counted->deflated == 2);
    send(false);
    for (auto const& p : peers)
        CHECK(p->next()->is_text(text));
    CHECK(counted->deflated == 2);
}

TEST_CASE("the client compresses with a server that does, whatever both keep of the past") {
    bool const server_keeps = GENERATE(false, true), client_keeps = GENERATE(false, true);
    bool const upgrade = GENERATE(false, true);
    CAPTURE(server_keeps, client_keeps, upgrade);
    mad::net::message_deflate_settings ours, theirs;
    ours.server_no_context_takeover = ours.client_no_context_takeover = !server_keeps;
    theirs.server_no_context_takeover = theirs.client_no_context_takeover = !client_keeps;
    auto const counted = std::make_shared<counting_deflate>(ours);
    engine::server_settings s;
    s.per_message_deflate = counted;
    client_world w(s);
    auto settings = w.settings(upgrade ? either_way() : only(engine::transport_kind::websocket));
    auto const own = std::make_shared<counting_deflate>(theirs);
    settings.per_message_deflate = own;
    engine::client c(w.home(), settings);
    auto const sent =
        std::vector<std::string>{text_of(2000), text_of(2000), "short", text_of(90'000)};
    auto const begin = [&] {
        for (auto const& t : sent)
            c.send_text(t);
    };
    w.told.when_open = [&] { upgrade ? (void)c.send_text("first") : begin(); };
    boost::asio::steady_timer look(w.ctx);
    std::function<void()> once_upgraded = [&] {
        look.expires_after(1ms);
        look.async_wait([&](mad::error_code ec) {
            if (!ec && !w.told.closed)
                c.kind() == engine::transport_kind::websocket ? begin() : once_upgraded();
        });
    };
    if (upgrade)
        once_upgraded();
    w.told.when_message = [&](std::string) {
        if (w.told.messages.size() == sent.size() + upgrade)
            c.close();
    };
    w.run(c);
    auto heard = w.told.messages;
    if (upgrade) {
        CHECK(heard.front() == "first");
        heard.erase(heard.begin());
    }
    CHECK(heard == sent);
    CHECK(counted->inflated == 3);
    CHECK(counted->deflated == 3);
    CHECK(own->inflated == 3);
    CHECK(own->deflated == 3);
}

TEST_CASE("the client goes on in clear with a server that does not compress") {
    client_world w;
    auto settings = w.settings(only(engine::transport_kind::websocket));
    settings.per_message_deflate = mad::net::make_message_deflate();
    engine::client c(w.home(), settings);
    w.told.when_open = [&] { c.send_text(text_of(5000)); };
    w.told.when_message = [&](std::string) { c.close(); };
    w.run(c);
    CHECK(w.told.messages == std::vector<std::string>{text_of(5000)});
}

TEST_CASE("polling answers are compressed where settings and the request say so") {
    bool const on = GENERATE(false, true);
    char const* const accepted = GENERATE("", "Accept-Encoding: deflate;q=0.9, gzip;q=0.8\r\n");
    engine::server_settings s;
    if (on)
        s.http_compression = mad::net::make_body_compression();
    engine_world w(s, 2);
    polling_peer p(w.port);
    CHECK(p.open({}, accepted).header("content-encoding").empty()); // short
    auto const ask = [&](std::size_t size) {
        p.post(text_of(size));
        return p.get_wire().ask(p.request("GET", p.query(), accepted));
    };
    auto const little = ask(1023);
    CHECK(little.body == text_of(1023));
    CHECK(little.header("vary").empty());
    auto const much = ask(1024);
    CHECK(much.status == 200);
    CHECK(much.header("vary") == (on ? "Accept-Encoding" : ""));
    bool const compressed = on && *accepted;
    CHECK(much.header("content-encoding") == (compressed ? "deflate" : ""));
    CHECK((much.body == text_of(1024)) == !compressed);
    if (compressed) { // zlib's header, the deflate data, a sum: 2 and 4 bytes around
        auto const data = much.body.substr(2, much.body.size() - 6);
        CHECK(inflated(data) == text_of(1024));
    }
}

TEST_CASE("a polling answer of messages that are to stay as they are is not compressed") {
    engine::server_settings s;
    s.http_compression = mad::net::make_body_compression();
    engine::session* session = nullptr;
    engine_world::hooks hooks;
    hooks.on_open = [&](engine::session& e) { session = &e; };
    engine_world w(s, 1, hooks);
    polling_peer p(w.port);
    p.open();
    auto const send = [&](std::vector<bool> const& all) {
        w.on_shard([&] {
            for (bool const compress : all) {
                auto const b = mad::net::wire_block::message(text_of(2000), false);
                b.set_compress(compress);
                session->send(b);
            }
        });
        return p.get_wire().ask(p.request("GET", p.query(), "Accept-Encoding: gzip\r\n"));
    };
    CHECK(send({false}).body == text_of(2000));
    CHECK(send({false, false}).header("content-encoding").empty());
    CHECK(send({false, true}).header("content-encoding") == "gzip");
}
