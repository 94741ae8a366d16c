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

read_outcome read_all(std::string_view body, bool binary_body = false) {
    return read_body(revision::eio4, body, binary_body);
}

std::string write_all(std::vector<owned> const& packets) {
    return write_body(revision::eio4, packets);
}

} // namespace

TEST_CASE("recorded bodies are read, and written the same") {
    struct row {
        std::string body;
        std::vector<owned> packets;
    };
    auto const r = GENERATE(values<row>({
        {"4hello", {message("hello")}},
        {"4\xe2\x82\xac\x1e"s + "4\xf0\x9f\x98\x80",
         {message("\xe2\x82\xac"), message("\xf0\x9f\x98\x80")}},
        {"4hello\x1e"s + "bAQIDBA==", {message("hello"), binary("\1\2\3\4")}},
        {"4", {message("")}},
        {"1", {{packet_type::close, false, ""}}},
        {"6\x1e"s + "1", {{packet_type::noop, false, ""}, {packet_type::close, false, ""}}},
        {"bAQIDBA==\x1e"s + "b/wD+", {binary("\1\2\3\4"), binary("\xff\0\xfe"s)}},
        {"4" + std::string(1500, 'x'), {message(std::string(1500, 'x'))}},
        {"2\x1e"s + "42[\"echo-back\",1]",
         {{packet_type::ping, false, ""}, message("2[\"echo-back\",1]")}},
        {"b", {binary("")}},
    }));
    auto const read = read_all(r.body);
    CAPTURE(r.body);
    CHECK_FALSE(read.error);
    CHECK(read.packets == r.packets);
    CHECK(write_all(r.packets) == r.body);
}

TEST_CASE("reading stops at the first bad packet, and what came before is given") {
    struct row {
        std::string body;
        std::size_t good;
    };
    auto const r = GENERATE(values<row>({
        {"", 0},
        {"abc", 0},
        {"\x1e", 0},
        {"\x1e"s + "4a", 0},
        {"4a\x1e", 1},
        {"4a\x1e\x1e"s + "4b", 1},
        {"4a\x1e"s + "7\x1e"s + "4b", 1},
        {"4a\x1e"s + "4b\x1e"s + "b!", 2},
        {"4a\x1e"s + "4\xff", 1},
        {"4a\x1e"s + "4\xc3", 1},
        {"4\xe2\x82", 0},
    }));
    auto const read = read_all(r.body);
    CAPTURE(r.body);
    CHECK(read.error == engine::error::bad_packet);
    CHECK(read.packets.size() == r.good);
}

TEST_CASE("a reader that failed goes on failing, one that ended stays at the end") {
    packet_view p;
    payload_reader bad(revision::eio4, "4a\x1e");
    CHECK(bad.next(p).value());
    for (int i = 0; i < 3; ++i)
        CHECK(bad.next(p).error() == engine::error::bad_packet);
    payload_reader good(revision::eio4, "4a");
    CHECK(good.next(p).value());
    for (int i = 0; i < 3; ++i)
        CHECK_FALSE(good.next(p).value());
}

TEST_CASE("revision 4 has no binary body") {
    CHECK(read_all("4a", true).error == engine::error::binary_body);
}

TEST_CASE("a caller may stop in the middle and go on later") {
    std::string body = "4x";
    for (int i = 1; i < 5000; ++i)
        body += "\x1e"s + "4" + std::to_string(i);
    payload_reader reader(revision::eio4, body);
    packet_view p;
    int n = 0;
    for (int slice = 0; slice < 20; ++slice)
        for (int i = 0; i < 256 && reader.next(p).value(); ++i)
            ++n;
    CHECK(n == 5000);
    CHECK(p.data == "4999");
}

TEST_CASE("a binary packet is seen until the next call") {
    auto const body = "bAQID\x1e"s + "bBAUG";
    payload_reader reader(revision::eio4, body);
    packet_view p;
    REQUIRE(reader.next(p).value());
    CHECK(p.data == "\1\2\3");
    REQUIRE(reader.next(p).value());
    CHECK(p.data == "\4\5\6");
}

TEST_CASE("a megabyte of separators ends at the first packet") {
    auto const read = read_all(std::string(1'000'000, '\x1e'));
    CHECK(read.error == engine::error::bad_packet);
    CHECK(read.packets.empty());
}

TEST_CASE("a megabyte of the smallest packets is read to its end") {
    std::string body = "6";
    while (body.size() < 1'000'000)
        body += "\x1e"s + "6";
    CHECK(read_all(body).packets.size() == body.size() / 2 + 1);
}

TEST_CASE("random packets survive a body") {
    std::mt19937 random(5);
    auto const below = [&](std::size_t n) {
        return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
    };
    for (int round = 0; round < 500; ++round) {
        std::vector<owned> packets;
        for (auto n = 1 + below(12); n > 0; --n) {
            std::string data;
            bool const bytes = below(3) == 0;
            for (auto k = below(40); k > 0; --k)
                data += bytes ? static_cast<char>(below(256)) : static_cast<char>(' ' + below(95));
            if (bytes)
                packets.push_back(binary(data));
            else
                packets.push_back({static_cast<packet_type>(below(7)), false, data});
        }
        auto const read = read_all(write_all(packets));
        REQUIRE_FALSE(read.error);
        CHECK(read.packets == packets);
    }
}
