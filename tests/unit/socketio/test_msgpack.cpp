#include <mad/socketio/encoded.hpp>
#include <mad/socketio/error.hpp>
#include <mad/socketio/parser.hpp>

#include <catch2/catch.hpp>

#include <support/unhex.hpp>

#include <string>
#include <vector>

using namespace mad::socketio;
using mad::net::wire_block;
using mad_test::unhex;

namespace {

/// `{type, nsp, data}` of an event with these bytes as data.
std::string event(std::string_view data, std::string_view nsp = "/") {
    auto out = unhex("83 a4") + "type" + unhex("02 a3") + "nsp";
    out += static_cast<char>(0xa0 | nsp.size());
    out.append(nsp).append(unhex("a4")).append("data").append(data);
    return out;
}

/// An event `x` with one argument.
std::string one(std::string_view argument) {
    return event(unhex("92 a1") + "x" + std::string(argument));
}

std::string text_of(packet const& p) {
    std::string out;
    append_header(out, p.view.type, p.view.attachments, p.view.nsp, p.view.id);
    return out.append(p.view.payload);
}

/// The packet as text, or the error.
std::string read(std::string_view bytes, packet_limits const& limits = {}) {
    auto const p = decode_msgpack(bytes, limits);
    return p ? text_of(*p) : p.error().message();
}

std::string refusal(error e) {
    return make_error_code(e).message();
}

} // namespace

TEST_CASE("values become JSON text") {
    struct row {
        std::string bytes;
        std::string json;
    };
    auto const r = GENERATE(values<row>({
        {"00", "0"},
        {"7f", "127"},
        {"ff", "-1"},
        {"e0", "-32"},
        {"cc 80", "128"},
        {"cd 01 00", "256"},
        {"ce ff ff ff ff", "4294967295"},
        {"cf 00 20 00 00 00 00 00 01", "9007199254740993"},
        {"cf ff ff ff ff ff ff ff ff", "18446744073709551615"},
        {"d0 80", "-128"},
        {"d1 80 00", "-32768"},
        {"d2 80 00 00 00", "-2147483648"},
        {"d3 ff ff ff ff 00 00 00 00", "-4294967296"},
        {"ca 3f c0 00 00", "1.5"},
        {"cb 3f f8 00 00 00 00 00 00", "1.5"},
        {"cb 40 00 00 00 00 00 00 00", "2"},
        {"cb 7f f8 00 00 00 00 00 00", "null"}, // NaN
        {"cb 7f f0 00 00 00 00 00 00", "null"}, // infinity
        {"c0", "null"},
        {"c2", "false"},
        {"c3", "true"},
        {"a0", "\"\""},
        {"a2 22 0a", "\"\\\"\\n\""},
        {"a3 e2 82 ac", "\"\xe2\x82\xac\""},
        {"a1 ff", "\"\xef\xbf\xbd\""}, // not UTF-8
        {"d9 01 61", "\"a\""},
        {"da 00 01 61", "\"a\""},
        {"db 00 00 00 01 61", "\"a\""},
        {"90", "[]"},
        {"92 01 91 02", "[1,[2]]"},
        {"dc 00 01 01", "[1]"},
        {"dd 00 00 00 01 01", "[1]"},
        {"80", "{}"},
        {"82 a1 61 01 a1 62 80", "{\"a\":1,\"b\":{}}"},
        {"de 00 01 a1 61 01", "{\"a\":1}"},
        {"df 00 00 00 01 05 01", "{\"5\":1}"},
        // what notepack makes of a Date, undefined and what it does not know
        {"d7 00 00 00 01 93 0c bc 3e 78", "\"2024-11-08T17:04:43.640Z\""},
        {"d7 00 ff ff ff ff ff ff ff ff", "\"1969-12-31T23:59:59.999Z\""},
        {"d7 00 00 1e b2 08 c2 dc 00 00", "\"+275760-09-13T00:00:00.000Z\""},
        {"d7 00 ff ff c7 6e 39 4a 74 00", "\"-000001-01-01T00:00:00.000Z\""},
        {"d7 00 ff fc 72 81 5b 39 80 00", "\"-029719-04-05T22:13:20.000Z\""},
        {"d7 00 00 00 00 dd 9a a6 e0 00", "\"2000-02-29T00:00:00.000Z\""},
        {"d7 ff 00 00 00 04 00 00 00 01", "\"1970-01-01T00:00:01.000Z\""},
        {"c7 0c ff 1d cd 65 00 ff ff ff ff ff ff ff ff", "\"1969-12-31T23:59:59.500Z\""},
        {"d7 00 7f ff ff ff ff ff ff ff", "null"},
        {"d6 ff 67 2e 23 6e", "\"2024-11-08T14:42:54.000Z\""},
        {"d4 00 00", "null"},
        {"92 d4 00 00 01", "[null,1]"},
        {"82 a1 61 d4 00 00 a1 62 01", "{\"b\":1}"},
        {"81 a1 61 d4 00 00", "{}"},
    }));
    CAPTURE(r.bytes);
    CHECK(read(one(unhex(r.bytes))) == "2[\"x\"," + r.json + "]");
}

TEST_CASE("bytes are attachments, whether they came as a Buffer or an ArrayBuffer") {
    for (std::string const bytes : {"c4 02 01 02", "c5 00 02 01 02", "c6 00 00 00 02 01 02",
                                    "c7 02 00 01 02", "c8 00 02 00 01 02"}) {
        CAPTURE(bytes);
        auto const p = decode_msgpack(one(unhex(bytes)));
        REQUIRE(p.has_value());
        CHECK(text_of(*p) == "51-[\"x\",{\"_placeholder\":true,\"num\":0}]");
        CHECK(p->attachments.size() == 1);
        CHECK(p->attachments[0] == "\x01\x02");
        auto const args = read_arguments(*p).value();
        CHECK(args[0].get_binary() == mad::json::binary_t({1, 2}));
    }
}

TEST_CASE("packets of all types, with keys in any order and some that nobody knows") {
    auto const key = [](std::string const& k) { return static_cast<char>(0xa0 | k.size()) + k; };
    auto const root = key("nsp") + unhex("a1") + "/";
    auto const chat = key("nsp") + unhex("a5") + "/chat";
    auto const type = [&](char t) { return key("type") + t; };
    struct row {
        std::string bytes;
        std::string text;
    };
    auto const undefined = unhex("d4 00 00");
    auto const r = GENERATE_COPY(values<row>({
        {unhex("82") + type(0) + root, "0"},
        {unhex("83") + type(0) + chat + key("data") + undefined, "0/chat,"},
        {unhex("83") + key("data") + unhex("81") + key("a") + unhex("01") + type(0) + root,
         "0{\"a\":1}"},
        {unhex("82") + root + type(1), "1"},
        {unhex("84") + type(2) + root + key("data") + unhex("91 a1") + "x" + key("id") + '\x07',
         "27[\"x\"]"},
        {unhex("84") + type(2) + root + key("data") + unhex("91 a1") + "x" + key("id") + undefined,
         "2[\"x\"]"},
        {unhex("84") + type(3) + root + key("data") + unhex("90") + key("id") + unhex("cd 01 00"),
         "3256[]"},
        {unhex("83") + type(4) + root + key("data") + unhex("81") + key("message") + key("no"),
         "4{\"message\":\"no\"}"},
        {unhex("83") + type(4) + root + key("data") + key("no"), "4\"no\""},
        // `options` is what socket.io-client leaves in its packets
        {unhex("84") + type(2) + key("options") + unhex("81") + key("compress") + unhex("c3") +
             key("data") + unhex("91 a1") + "x" + chat,
         "2/chat,[\"x\"]"},
        {unhex("84") + key("what") + unhex("c4 01 00") + type(2) + key("data") + unhex("91 01") +
             root,
         "2[1]"},
    }));
    CHECK(read(r.bytes) == r.text);
}

TEST_CASE("packets that are malformed or over a limit are refused") {
    auto const key = [](std::string const& k) { return static_cast<char>(0xa0 | k.size()) + k; };
    auto const root = key("nsp") + unhex("a1") + "/";
    auto const event_type = key("type") + '\x02';
    auto const data = key("data") + unhex("91 a1") + "x";
    packet_limits limits;
    limits.max_attachments = 2;
    limits.max_attachment_bytes = 100;
    limits.json.max_depth = 4;
    limits.json.max_members = 20;
    limits.json.max_elements = 3;
    auto const bin = unhex("c4 01 00");
    struct row {
        std::string name;
        std::string bytes;
        error why;
    };
    auto const r = GENERATE_COPY(values<row>({
        {"nothing", "", error::bad_payload},
        {"no map", unhex("93 02 01 02"), error::bad_payload},
        {"an empty map", unhex("80"), error::bad_payload},
        {"no type", unhex("82") + root + data, error::bad_payload},
        {"no namespace", unhex("82") + event_type + data, error::bad_payload},
        {"a namespace without its slash", unhex("83") + event_type + key("nsp") + key("x") + data,
         error::bad_payload},
        {"a namespace that is a number", unhex("83") + event_type + key("nsp") + '\x01' + data,
         error::bad_payload},
        {"a namespace that is not UTF-8",
         unhex("83") + event_type + key("nsp") + unhex("a2 2f ff") + data, error::bad_payload},
        {"type 5", unhex("83") + key("type") + '\x05' + root + data, error::bad_type},
        {"type -1", unhex("83") + key("type") + '\xff' + root + data, error::bad_type},
        {"a type that is text", unhex("83") + key("type") + key("2") + root + data,
         error::bad_type},
        {"two types", unhex("84") + event_type + event_type + root + data, error::bad_payload},
        {"a key that is no text", unhex("83 c0 01") + event_type + root, error::bad_payload},
        {"an event without data", unhex("82") + event_type + root, error::bad_payload},
        {"an event whose data are no list", unhex("83") + event_type + root + key("data") + '\x01',
         error::bad_payload},
        {"an event without a name", event(unhex("90")), error::bad_payload},
        {"an event whose name is a map", event(unhex("91 80")), error::bad_payload},
        {"an event with a reserved name", event(unhex("91") + key("connect")),
         error::reserved_event},
        {"an event with a long name", event(unhex("91 da 01 01") + std::string(257, 'x')),
         error::name_too_long},
        {"a CONNECT with a list",
         unhex("83") + key("type") + '\0' + root + key("data") + unhex("90"), error::bad_payload},
        {"a CONNECT with nil", unhex("83") + key("type") + '\0' + root + key("data") + unhex("c0"),
         error::bad_payload},
        {"a CONNECT with bytes",
         unhex("83") + key("type") + '\0' + root + key("data") + unhex("81 a1 61") + bin,
         error::bad_payload},
        {"a DISCONNECT with data", unhex("83") + key("type") + '\x01' + root + data,
         error::bad_payload},
        {"a negative id", unhex("84") + event_type + root + data + key("id") + '\xff',
         error::bad_id},
        {"an id with a fraction",
         unhex("84") + event_type + root + data + key("id") + unhex("cb 3f f8 00 00 00 00 00 00"),
         error::bad_id},
        {"an id that is text", unhex("84") + event_type + root + data + key("id") + key("1"),
         error::bad_id},
        {"bytes behind it", one("\x01") + "\x01", error::bad_payload},
        {"cut off", one("\x01").substr(0, 20), error::bad_payload},
        {"a byte that means nothing", one(unhex("c1")), error::bad_payload},
        {"a text longer than the rest", one(unhex("db ff ff ff ff 61")), error::bad_payload},
        {"bytes longer than the rest", one(unhex("c6 ff ff ff ff 61")), error::bad_payload},
        {"a list longer than the rest", one(unhex("dd ff ff ff ff 01")), error::bad_payload},
        {"a map longer than the rest", one(unhex("df ff ff ff ff 01 01")), error::bad_payload},
        {"an extension longer than the rest", one(unhex("c9 ff ff ff ff 05")), error::bad_payload},
        {"a cut extension", one(unhex("d8 05 00")), error::bad_payload},
        {"nested too deep", one(unhex("91 91 91 91 90")), error::bad_payload},
        {"a million lists", one(std::string(1'000'000, '\x91')), error::bad_payload},
        {"a million maps", one(std::string(1'000'000, '\x81')), error::bad_payload},
        {"too many members",
         one(unhex("de 00 15") +
             [] {
                 std::string s;
                 for (int i = 0; i < 21; ++i)
                     s += {'\xa1', static_cast<char>('a' + i), '\0'};
                 return s;
             }()),
         error::bad_payload},
        {"too many arguments", event(unhex("95 a1 78 01 02 03 04")), error::bad_payload},
        {"too many attachments", event(unhex("94 a1 78") + bin + bin + bin),
         error::too_many_attachments},
        {"attachments that are too big", one(unhex("c4 65") + std::string(101, '\0')),
         error::attachments_too_big},
    }));
    CAPTURE(r.name);
    CHECK(read(r.bytes, limits) == refusal(r.why));
}

TEST_CASE("what is exactly at a limit is taken") {
    packet_limits limits;
    limits.max_attachments = 1;
    limits.max_attachment_bytes = 100;
    limits.json.max_depth = 3;
    limits.json.max_elements = 2;
    CHECK(read(event(unhex("93 a1 78 01 02")), limits) == "2[\"x\",1,2]");
    CHECK(read(one(unhex("91 90")), limits) == "2[\"x\",[[]]]");
    CHECK(read(one(unhex("c4 64") + std::string(100, '\0')), limits).starts_with("51-"));
}

TEST_CASE("what is read over does not count as attachments") {
    packet_limits limits;
    limits.max_attachments = 1;
    auto const bytes = unhex("84 a1 61 c4 01 00 a4") + "type" + unhex("02 a3") + "nsp" +
                       unhex("a1 2f a4") + "data" + unhex("92 a1 78 c4 01 05");
    auto const p = decode_msgpack(bytes, limits);
    REQUIRE(p.has_value());
    CHECK(text_of(*p) == "51-[\"x\",{\"_placeholder\":true,\"num\":0}]");
    CHECK(p->attachments[0] == "\x05");
}

TEST_CASE("packets of ours are written as the reference's parser writes them") {
    struct row {
        std::string message;
        std::string bytes;
    };
    auto const r = GENERATE(values<row>({
        {"42[\"hello\",1]", "83 a474797065 02 a36e7370 a12f a464617461 92 a568656c6c6f 01"},
        {"42/chat,7[\"x\",{\"a\":null},1.5,-3]",
         "84 a474797065 02 a36e7370 a52f63686174 a464617461 94 a178 81a161c0 ca3fc00000 fd "
         "a26964 07"},
        {"430[]", "84 a474797065 03 a36e7370 a12f a464617461 90 a26964 00"},
        {"40", "82 a474797065 00 a36e7370 a12f"},
        {"40{\"sid\":\"a\"}", "83 a474797065 00 a36e7370 a12f a464617461 81a3736964a161"},
        {"41/chat,", "82 a474797065 01 a36e7370 a52f63686174"},
        {"44{\"message\":\"no\"}",
         "83 a474797065 04 a36e7370 a12f a464617461 81a76d657373616765a26e6f"},
        {"44\"no\"", "83 a474797065 04 a36e7370 a12f a464617461 a26e6f"},
    }));
    CAPTURE(r.message);
    auto const made = encode_msgpack(r.message);
    CHECK(made == unhex(r.bytes));
    CHECK(read(made) == r.message.substr(1));
}

TEST_CASE("attachments of a packet of ours go into it") {
    auto const p = encode_packet(packet_type::event, "/", 5, std::string_view("x"),
                                 mad::bytes{1, 2}, mad::json{{"b", mad::json::binary({3})}});
    auto const made = encode_msgpack(p.text().payload(), p.attachments());
    CHECK(made == unhex("84 a474797065 02 a36e7370 a12f a464617461 93 a178 c4020102 81a162c40103 "
                        "a26964 05"));
    auto const back = decode_msgpack(made);
    REQUIRE(back.has_value());
    CHECK(text_of(*back) == p.text().payload().substr(1));
    CHECK(back->attachments.size() == 2);
}

TEST_CASE("what is no packet is not written") {
    std::string const message = GENERATE("", "4", "3", "47[]", "42[", "42[\"x\"", "451-[\"x\"");
    CHECK(encode_msgpack(message).empty());
}

TEST_CASE("a packed event is one message in every form, and copies share it") {
    auto p = encode_packet(packet_type::event, "/", std::nullopt, std::string_view("x"),
                           mad::bytes{1, 2});
    p.set_compress(false);
    p.pack();
    auto const copy = p;
    std::vector<wire_block> sent;
    auto const send = [&](wire_block const& b) {
        sent.push_back(b);
        return true;
    };
    using mad::engine::binary_form;
    p.for_each(binary_form::bytes, send);
    copy.for_each(binary_form::bytes, send);
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].binary());
    CHECK_FALSE(sent[0].compress());
    CHECK(sent[0].frame().data() == sent[1].frame().data());
    CHECK(sent[0].payload() == encode_msgpack(p.text().payload(), p.attachments()));
}

TEST_CASE("the decoder of a connection reads one or the other") {
    packet_limits const limits;
    decoder d(limits, packet_parser::msgpack);
    auto const p = d.feed_binary(one("\x01"));
    REQUIRE((p.has_value() && p->has_value()));
    CHECK(text_of(**p) == "2[\"x\",1]");
    CHECK_FALSE(d.waiting());
    CHECK(d.feed_text("2[\"x\"]").error() == error::unexpected_text);
}
