#include <mad/net/deflate.hpp>
#include <mad/net/wire_block.hpp>
#include <mad/net/ws_error.hpp>

#include <catch2/catch.hpp>

#include "test_ws_frame_support.hpp"

#include <atomic>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace mad_test;

namespace {

using codec = std::unique_ptr<message_codec>;

message_deflate_settings with_takeover() {
    message_deflate_settings s;
    s.server_no_context_takeover = s.client_no_context_takeover = false;
    return s;
}

struct pair_of_codecs {
    explicit pair_of_codecs(message_deflate_settings s = {}) {
        auto const both = make_message_deflate(s);
        auto const terms = both->accept(both->offer()).value().value();
        auto const heard = both->judge(ws_deflate_answer(terms)).value().value();
        server = both->make(ws_role::server, terms);
        client = both->make(ws_role::client, heard);
    }
    codec server, client;
};

std::string inflated(message_codec& c, std::string_view message, std::size_t most = 1'000'000) {
    auto const r = c.inflate(message, most);
    return r ? std::string(r->data(), r->size()) : "error: " + r.error().message();
}

std::string noise(std::size_t n) {
    std::mt19937 random(static_cast<unsigned>(n));
    std::string s(n, '\0');
    for (auto& c : s)
        c = static_cast<char>(random());
    return s;
}

std::string words(std::size_t n) {
    std::string s;
    for (int i = 0; s.size() < n; ++i)
        s += "{\"name\":\"disk" + std::to_string(i % 97) + "\",\"used\":" + std::to_string(i * i) +
             "},";
    s.resize(n);
    return s;
}

} // namespace

TEST_CASE("messages of the RFC's examples are read") {
    struct row {
        std::string_view name;
        std::string bytes;
        std::string text;
    };
    auto const r = GENERATE(values<row>({
        // RFC 7692 section 7.2.3
        {"one compressed block", unhex("f2 48 cd c9 c9 07 00"), "Hello"},
        {"a block with no compression", unhex("00 05 00 fa ff 48 65 6c 6c 6f 00"), "Hello"},
        {"a final block", unhex("f3 48 cd c9 c9 07 00 00"), "Hello"},
        {"a final block without the byte behind it", unhex("f3 48 cd c9 c9 07 00"), "Hello"},
        {"two blocks", unhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"), "Hello"},
        {"an empty message", unhex("00"), ""},
        // as node writes them: golden permessage-deflate, connection 3
        {"a packet of two characters", unhex("32 31 00 00"), "40"},
    }));
    CAPTURE(r.name);
    pair_of_codecs p;
    CHECK(inflated(*p.server, r.bytes) == r.text);
    pair_of_codecs kept(with_takeover());
    CHECK(inflated(*kept.server, r.bytes) == r.text);
}

TEST_CASE("a message may refer to the one before when that is agreed, and not else") {
    auto const first = unhex("f2 48 cd c9 c9 07 00"), second = unhex("f2 00 11 00 00");
    pair_of_codecs kept(with_takeover());
    CHECK(inflated(*kept.server, first) == "Hello");
    CHECK(inflated(*kept.server, second) == "Hello");
    pair_of_codecs alone;
    CHECK(inflated(*alone.server, first) == "Hello");
    CHECK(inflated(*alone.server, second).starts_with("error"));
}

TEST_CASE("a message may refer to what stood before a final block") {
    pair_of_codecs kept(with_takeover());
    CHECK(inflated(*kept.server, unhex("f3 48 cd c9 c9 07 00 00")) == "Hello");
    CHECK(inflated(*kept.server, unhex("f2 00 11 00 00")) == "Hello");
    CHECK(inflated(*kept.server, unhex("f3 48 cd c9 c9 07 00")) == "Hello");
    CHECK(inflated(*kept.server, unhex("f2 00 11 00 00")) == "Hello");
}

TEST_CASE("what is no compressed message is refused, and the next connection does not mind") {
    std::string const bytes =
        GENERATE(unhex("ff"), unhex("07"), unhex("f2 48 cd"), unhex("f2 48 cd c9"),
                 unhex("00 05 00 fa ff 48 65"), unhex("00 05 00 00 00 48"), noise(100),
                 unhex("1f 8b 08 00 00 00 00 00"));
    CAPTURE(bytes.size());
    pair_of_codecs p;
    auto const r = p.server->inflate(bytes, 1000);
    REQUIRE_FALSE(r.has_value());
    CHECK(r.error() == ws_error::bad_compression);
    CHECK(close_code_of(r.error()) == 1007);
    CHECK(inflated(*p.server, unhex("f2 48 cd c9 c9 07 00")) == "Hello");
}

TEST_CASE("final blocks one after the other do not cost a window each") {
    std::string many = unhex("f2 48 cd c9 c9 07 00 00 00 ff ff");
    for (int i = 0; i < 400'000; ++i)
        many += unhex("03 00");
    pair_of_codecs p;
    CHECK(p.server->inflate(many, 1'000'000).error() == ws_error::bad_compression);
}

TEST_CASE("messages survive both ways, with and without takeover, in any window") {
    message_deflate_settings s;
    s.server_no_context_takeover = GENERATE(true, false);
    s.client_no_context_takeover = s.server_no_context_takeover;
    s.server_max_window_bits = GENERATE(std::uint8_t(9), std::uint8_t(12), std::uint8_t(15));
    s.client_max_window_bits = s.server_max_window_bits;
    s.level = GENERATE(1, 6, 9);
    s.mem_level = s.level == 6 ? 8 : s.level;
    pair_of_codecs p(s);
    for (std::size_t const size : {1u, 3u, 255u, 1024u, 16'384u, 70'000u, 300'000u}) {
        for (auto const& text : {words(size), std::string(size, 'y'), noise(size)}) {
            auto const sent = p.server->deflate(text);
            if (sent) {
                CHECK(inflated(*p.client, std::string(*sent)) == text);
            }
            auto const back = p.client->deflate(text);
            if (back) {
                CHECK(inflated(*p.server, std::string(*back)) == text);
            }
            CHECK((sent && back) >= (size >= 1024 && text[1] == text[2]));
        }
    }
}

TEST_CASE("what does not become smaller goes as it is, unless the peer must see it") {
    auto const text = noise(5000);
    CHECK_FALSE(pair_of_codecs().server->deflate(text));
    CHECK(pair_of_codecs(with_takeover()).server->deflate(text));
    // An empty message, twice: nothing comes of flushing twice in a row.
    pair_of_codecs p(with_takeover());
    for (int i = 0; i < 3; ++i) {
        auto const empty = p.server->deflate("");
        REQUIRE(empty);
        CHECK(inflated(*p.client, std::string(*empty)).empty());
    }
}

TEST_CASE("text is inflated up to the limit, inclusive, and not a byte past it") {
    auto const size = GENERATE(std::size_t(1), 1023, 1024, 1025, 4096, 100'000);
    CAPTURE(size);
    for (auto const& s : {message_deflate_settings{}, with_takeover()}) {
        pair_of_codecs p(s);
        std::string const whole(
            p.client->deflate(std::string(size, 'z')).value_or(unhex("ab 02 00")));
        if (size > 1) {
            CHECK(p.server->inflate(whole, size - 1).error() == ws_error::message_too_big);
        }
        pair_of_codecs q(s);
        CHECK(q.server->inflate(whole, size).value().size() == size);
    }
}

TEST_CASE("a bomb is seen before it takes memory") {
    // A hundred megabytes of zeros in a hundred kilobytes.
    pair_of_codecs p(with_takeover());
    std::string const bomb(p.client->deflate(std::string(100'000'000, '\0')).value());
    REQUIRE(bomb.size() < 110'000);
    auto const r = p.server->inflate(bomb, 1'000'000);
    REQUIRE_FALSE(r.has_value());
    CHECK(r.error() == ws_error::message_too_big);
    CHECK(close_code_of(r.error()) == 1009);
}

TEST_CASE("only messages that all receivers can read are shared") {
    auto const both = make_message_deflate();
    auto const shared = [&](std::string_view offer) {
        return both->make(ws_role::server, both->accept(offer).value().value())->shared();
    };
    CHECK(shared("permessage-deflate"));
    CHECK(shared("permessage-deflate; client_max_window_bits=9"));
    CHECK_FALSE(shared("permessage-deflate; server_max_window_bits=10"));
    CHECK_FALSE(pair_of_codecs(with_takeover()).server->shared());
}

TEST_CASE("settings that cannot work are refused") {
    message_deflate_settings s;
    auto const break_it = GENERATE(values<void (*)(message_deflate_settings&)>({
        [](message_deflate_settings& m) { m.level = 0; },
        [](message_deflate_settings& m) { m.level = 10; },
        [](message_deflate_settings& m) { m.mem_level = 10; },
        [](message_deflate_settings& m) { m.server_max_window_bits = 8; },
        [](message_deflate_settings& m) { m.client_max_window_bits = 16; },
    }));
    break_it(s);
    CHECK_THROWS_AS(make_message_deflate(s), std::invalid_argument);
}

TEST_CASE("a block is compressed once, by whoever asks first") {
    auto const b = wire_block::message(words(5000), false);
    auto const copy = b;
    std::atomic<int> calls{0};
    auto const deflate = [&](std::string_view text) {
        ++calls;
        return std::optional<std::string>(text.substr(0, 10));
    };
    std::vector<std::thread> all;
    std::vector<wire_block> made(4);
    for (auto& m : made)
        all.emplace_back([&] { m = (&m == &made[0] ? b : copy).deflated(deflate); });
    for (auto& t : all)
        t.join();
    CHECK(calls == 1);
    for (auto const& m : made)
        CHECK(m.frame() == "\xc1\x0a" + words(10));
    CHECK(made[0].frame().data() == made[3].frame().data());
    CHECK(b.payload() == words(5000));
}

TEST_CASE("a block that is not worth compressing stays itself, also when compressing fails") {
    auto const b = wire_block::message("abc", true);
    auto const same = b.deflated([](std::string_view) { return std::optional<std::string>(); });
    CHECK(same.frame().data() == b.frame().data());

    auto const c = wire_block::message("abc", true);
    CHECK_THROWS(
        c.deflated([](std::string_view) -> std::optional<std::string> { throw std::bad_alloc(); }));
    CHECK(c.deflated([](std::string_view) { return std::optional<std::string>("x"); }).frame() ==
          c.frame());
}

TEST_CASE("whether a block may be compressed is on it") {
    auto b = wire_block::message("abc", false);
    CHECK(b.compress());
    b.set_compress(false);
    CHECK_FALSE(wire_block(b).compress());
}

TEST_CASE("RSV1 is for the first frame of a message, where it was agreed") {
    struct row {
        std::string_view name;
        std::string bytes;
        std::vector<bool> compressed; // of the data messages
        ws_error error = ws_error::none;
    };
    auto const rsv = [](std::string frame) {
        frame[0] = static_cast<char>(frame[0] | ws_rsv1);
        return frame;
    };
    auto const text = [&](std::string_view s, bool fin = true) {
        return client_frame(ws_opcode::text, s, fin);
    };
    auto const more = [&](std::string_view s, bool fin = true) {
        return client_frame(ws_opcode::continuation, s, fin);
    };
    auto const ping = client_frame(ws_opcode::ping, "p");
    auto const r = GENERATE_COPY(values<row>({
        {"whole", rsv(text("a")), {true}},
        {"bytes", rsv(client_frame(ws_opcode::binary, "a")), {true}},
        {"empty", rsv(text("")), {true}},
        {"no UTF-8 is asked of it", rsv(text("\xff\xfe")), {true}},
        {"in fragments", rsv(text("a", false)) + more("b", false) + more("\xff"), {true}},
        {"with a ping inside", rsv(text("a", false)) + ping + more("b"), {true}},
        {"and one in clear", rsv(text("a")) + text("b") + rsv(text("c")), {true, false, true}},
        {"clear text is checked as ever", text("\xff"), {}, ws_error::bad_utf8},
        {"on a continuation", rsv(text("a", false)) + rsv(more("b")), {}, ws_error::reserved_bits},
        {"on a ping", rsv(ping), {}, ws_error::reserved_bits},
        {"on a close", rsv(client_frame(ws_opcode::close, "")), {}, ws_error::reserved_bits},
        {"with RSV2", unhex("e1 80 00000000"), {}, ws_error::reserved_bits},
        {"with RSV3", unhex("d1 80 00000000"), {}, ws_error::reserved_bits},
    }));
    CAPTURE(r.name);
    auto const step = GENERATE_COPY(r.bytes.size(), std::size_t(1));
    ws_limits const limits;
    ws_decoder decoder(ws_role::server, limits);
    decoder.allow_compressed();
    std::vector<bool> seen;
    mad::error_code error;
    for (std::size_t at = 0; at < r.bytes.size() && !error; at += step) {
        auto piece = r.bytes.substr(at, step);
        std::span<char> in(piece);
        for (;;) {
            ws_message m;
            m.compressed = true; // whatever stood there
            auto const s = decoder.next(in, m);
            if (!s)
                error = s.error();
            if (!s || *s == ws_status::need_more)
                break;
            if (m.type == ws_opcode::ping)
                CHECK_FALSE(m.compressed);
            else
                seen.push_back(m.compressed);
        }
    }
    CHECK(seen == r.compressed);
    CHECK(error == (r.error == ws_error::none ? mad::error_code() : mad::error_code(r.error)));
}
