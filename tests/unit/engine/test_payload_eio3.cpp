#include <mad/core/utf8.hpp>
#include <mad/engine/payload.hpp>

#include <catch2/catch.hpp>

#include <support/payload_packets.hpp>
#include <support/print_result.hpp>

#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace mad;
using namespace mad_test;
using namespace std::string_literals;
using engine::packet_type;
using engine::packet_view;
using engine::payload_reader;
using engine::revision;

namespace {

read_outcome read_all(std::string_view body, bool binary_body) {
    return read_body(revision::eio3, body, binary_body);
}

std::string write_text(std::vector<owned> const& packets) {
    return write_body(revision::eio3, packets);
}

std::string write_binary(std::vector<owned> const& packets) {
    std::string body, frame;
    for (auto const& p : packets) {
        frame.clear();
        engine::append_frame(frame, p.view(), engine::binary_form::typed_bytes);
        engine::append_payload_binary(body, frame, p.binary);
    }
    return body;
}

owned bare(packet_type t) {
    return {t, false, ""};
}

auto const euro = "\xe2\x82\xac"s;
auto const grin = "\xf0\x9f\x98\x80"s; // two UTF-16 code units

} // namespace

TEST_CASE("recorded bodies of revision 3 are read, and written the same") {
    struct row {
        bool binary_body;
        std::string body;
        std::vector<owned> packets;
    };
    auto const r = GENERATE(values<row>({
        {false, "6:4hello", {message("hello")}},
        {false, "2:4" + euro + "3:4" + grin, {message(euro), message(grin)}},
        {false, "6:4test16:4test2", {message("test1"), message("test2")}},
        {false, "2:4" + euro + "10:b4AQIDBA==", {message(euro), binary("\1\2\3\4")}},
        {true,
         "\0\4\xff"s + "4" + euro + "\1\5\xff\4\1\2\3\4",
         {message(euro), binary("\1\2\3\4")}},
        {true, "\0\5\xff"s + "4" + grin, {message(grin)}},
        {true, "\1\1\2\xff\4\0\1\2\3\4\5\6\7\x8\x9\xa"s, {binary("\0\1\2\3\4\5\6\7\x8\x9\xa"s)}},
        {false, "1:2", {bare(packet_type::ping)}},
        {false, "6:2probe", {{packet_type::ping, false, "probe"}}},
        {false, "1:3", {bare(packet_type::pong)}},
        {false, "1:61:1", {bare(packet_type::noop), bare(packet_type::close)}},
        {false, "1:1", {bare(packet_type::close)}},
        {false, "1:4", {message("")}},
        {false, "2:b4", {binary("")}},
        {true, "\1\1\xff\4"s, {binary("")}},
        {false, "101:4" + std::string(100, 'x'), {message(std::string(100, 'x'))}},
        {true, "\0\1\0\1\xff"s + "4" + std::string(100, 'x'), {message(std::string(100, 'x'))}},
    }));
    auto const read = read_all(r.body, r.binary_body);
    CAPTURE(r.body);
    CHECK_FALSE(read.error);
    CHECK(read.packets == r.packets);
    CHECK((r.binary_body ? write_binary(r.packets) : write_text(r.packets)) == r.body);
}

TEST_CASE("a body of revision 3 may be written in other ways than ours") {
    struct row {
        bool binary_body;
        std::string body;
        std::vector<owned> packets;
    };
    auto const r = GENERATE(values<row>({
        {false, "0:", {}},
        {false, "0:2:4a0:", {message("a")}},
        {false, "002:4a", {message("a")}},
        {true, "\0\0\2\xff"s + "4a", {message("a")}},
        {true, "\0\x8\xff"s + "b4AQIDBA", {binary("\1\2\3\4")}},
    }));
    auto const read = read_all(r.body, r.binary_body);
    CAPTURE(r.body);
    CHECK_FALSE(read.error);
    CHECK(read.packets == r.packets);
}

TEST_CASE("reading a body of revision 3 stops at the first bad packet") {
    struct row {
        bool binary_body;
        std::string body;
        std::size_t good;
    };
    auto const r = GENERATE(values<row>({
        {false, "", 0},
        {false, "abc", 0},
        {false, ":", 0},
        {false, "1", 0},
        {false, "1:", 0},
        {false, "4:4a", 0},
        {false, "2:4a1", 1},
        {false, "2:4a1:", 1},
        {false, "1:4a", 1},
        {false, "-1:4", 0},
        {false, "+1:4", 0},
        {false, " 1:4", 0},
        {false, "1e0:4", 0},
        {false, "0x1:4", 0},
        {false, "00000000001:4", 0},
        {false, "99999999999999999999:4", 0},
        {false, "1:7", 0},
        {false, "1:b", 0},
        {false, "3:b4!", 0},
        {false, "2:4" + grin, 0}, // cuts a pair
        {false, "4:4" + euro, 0}, // counts bytes
        {false, "2:4\xff", 0},
        {false, "2:4\xc3", 0},
        {true, "", 0},
        {true, "4a", 0},
        {true, "\0"s, 0},
        {true, "\0\xff"s + "4", 0},
        {true, "\0\1"s, 0},
        {true, "\2\1\xff"s + "4", 0},
        {true, "\0\2\xff"s + "4", 0},
        {true, "\0\xa\xff"s + "4aaaaaaaaa", 0},
        {true, "\0\0\xff"s, 0},
        {true, "\1\0\xff"s, 0},
        {true, "\1\1\xff"s + "4", 0},
        {true, "\0\2\xff"s + "4\xff", 0},
        {true, "\0\1\xff"s + "7", 0},
        {true, "\0\2\xff"s + "4a\0"s, 1},
        {true, "\0\0\0\0\0\0\0\0\0\0\0\1\xff"s + "4", 0},
        {true, "\0\x9\x9\x9\x9\x9\x9\x9\x9\x9\x9\xff"s + "4", 0},
    }));
    auto const read = read_all(r.body, r.binary_body);
    CAPTURE(r.body);
    CHECK(read.error == engine::error::bad_packet);
    CHECK(read.packets.size() == r.good);
}

TEST_CASE("lengths count what JavaScript counts") {
    struct row {
        std::string text;
        std::size_t units;
    };
    auto const r = GENERATE(values<row>({
        {"", 0},
        {"abc", 3},
        {"\xc3\xa9", 1},
        {euro, 1},
        {grin, 2},
        {"a" + grin + euro + "b", 5},
    }));
    CAPTURE(r.text);
    CHECK(utf16_length(r.text) == r.units);
    CHECK(utf16_prefix(r.text, r.units) == r.text.size());
    CHECK(utf16_prefix(r.text + "z", r.units) == r.text.size());
    CHECK(utf16_prefix(r.text, r.units + 1) == std::string::npos);
}

TEST_CASE("a megabyte of empty or smallest packets of revision 3 is read to its end") {
    std::string empty, small, bytes;
    while (empty.size() < 1'000'000)
        empty += "0:";
    while (small.size() < 1'000'000)
        small += "1:6";
    while (bytes.size() < 1'000'000)
        bytes += "\0\1\xff"s + "6";
    CHECK(read_all(empty, false).packets.empty());
    CHECK(read_all(small, false).packets.size() == small.size() / 3);
    CHECK(read_all(bytes, true).packets.size() == bytes.size() / 4);
}

TEST_CASE("random packets survive both forms of revision 3") {
    std::mt19937 random(6);
    auto const below = [&](std::size_t n) {
        return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
    };
    for (int round = 0; round < 500; ++round) {
        std::vector<owned> packets;
        for (auto n = 1 + below(12); n > 0; --n) {
            std::string data;
            bool const bytes = below(3) == 0;
            for (auto k = below(40); k > 0; --k) {
                if (bytes)
                    data += static_cast<char>(below(256));
                else
                    data += below(8) == 0 ? grin : below(8) == 0 ? euro : "x";
            }
            if (bytes)
                packets.push_back(binary(data));
            else
                packets.push_back({static_cast<packet_type>(below(7)), false, data});
        }
        CHECK(read_all(write_text(packets), false).packets == packets);
        CHECK(read_all(write_binary(packets), true).packets == packets);
    }
}
