// Headers, masks and the handshake's keys.
#include "test_ws_frame_support.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace mad_test;

TEST_CASE("headers are written in the shortest form") {
    struct row {
        ws_opcode opcode;
        bool fin;
        std::uint64_t size;
        std::string_view plain, masked;
    };
    for (auto const& r : {
             row{ws_opcode::text, true, 5, "81 05", "81 85 37fa213d"},
             row{ws_opcode::binary, true, 0, "82 00", "82 80 37fa213d"},
             row{ws_opcode::text, false, 125, "01 7d", "01 fd 37fa213d"},
             row{ws_opcode::continuation, false, 126, "00 7e 007e", "00 fe 007e 37fa213d"},
             row{ws_opcode::continuation, true, 256, "80 7e 0100", "80 fe 0100 37fa213d"},
             row{ws_opcode::binary, true, 65535, "82 7e ffff", "82 fe ffff 37fa213d"},
             row{ws_opcode::binary, true, 65536, "82 7f 0000000000010000",
                 "82 ff 0000000000010000 37fa213d"},
             row{ws_opcode::binary, true, 0x0123456789abcdef, "82 7f 0123456789abcdef",
                 "82 ff 0123456789abcdef 37fa213d"},
             row{ws_opcode::close, true, 2, "88 02", "88 82 37fa213d"},
             row{ws_opcode::ping, true, 125, "89 7d", "89 fd 37fa213d"},
             row{ws_opcode::pong, true, 1, "8a 01", "8a 81 37fa213d"},
         }) {
        INFO(r.plain);
        std::string out(max_ws_header_bytes + 1, '#');
        auto n = write_ws_header(out.data(), r.opcode, r.fin, r.size);
        CHECK(n == ws_header_size(r.size, false));
        CHECK(out.substr(0, n) == unhex(r.plain));
        CHECK(out[n] == '#');
        n = write_ws_header(out.data(), r.opcode, r.fin, r.size, 0x37fa213d);
        CHECK(n == ws_header_size(r.size, true));
        CHECK(out.substr(0, n) == unhex(r.masked));
        CHECK(out.back() == '#');
    }
    CHECK(ws_header_size(~std::uint64_t{0}, true) == max_ws_header_bytes);
}

TEST_CASE("masking is the exclusive or of RFC 6455, at every size, place and offset") {
    std::uint32_t const mask = 0x81c42e7f;
    unsigned char const key[]{0x81, 0xc4, 0x2e, 0x7f};
    std::mt19937 random(6455);
    for (std::size_t size = 0; size < 200; ++size) {
        for (std::size_t offset = 0; offset < 5; ++offset) {
            std::string memory(size + 9, '#');
            for (std::size_t i = 0; i < size; ++i)
                memory[i + offset] = static_cast<char>(random());
            auto expected = memory;
            for (std::size_t i = 0; i < size; ++i)
                expected[i + offset] =
                    static_cast<char>(expected[i + offset] ^ key[(i + offset) % 4]);
            auto const before = memory;
            ws_mask(std::span(memory).subspan(offset, size), mask, offset);
            REQUIRE(memory == expected);
            ws_mask(std::span(memory).subspan(offset, size), mask, offset);
            REQUIRE(memory == before);
        }
    }
    std::string hello = "Hello";
    ws_mask(hello, 0x37fa213d);
    CHECK(hello == unhex("7f 9f 4d 51 58"));
}

TEST_CASE("masking in pieces is masking at once") {
    std::string const text(100, 'm');
    auto whole = text;
    ws_mask(whole, 0x01020304);
    for (std::size_t at = 0; at <= text.size(); ++at) {
        auto pieces = text;
        ws_mask(std::span(pieces).first(at), 0x01020304);
        ws_mask(std::span(pieces).subspan(at), 0x01020304, at);
        REQUIRE(pieces == whole);
    }
}

TEST_CASE("the accept key is that of the RFC's example") {
    CHECK(ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK(ws_accept_key("x3JJHMbDL1EzLkh9GBhXDw==") == "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
}

TEST_CASE("a key is base64 of exactly 16 bytes") {
    for (std::string_view good : {"dGhlIHNhbXBsZSBub25jZQ==", "x3JJHMbDL1EzLkh9GBhXDw==",
                                  "AAAAAAAAAAAAAAAAAAAAAA==", "+/+/+/+/+/+/+/+/+/+/+w=="}) {
        INFO(good);
        CHECK(is_ws_key(good));
    }
    for (std::string_view bad :
         {"", "=", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA",
          "AAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAA",
          "AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAA_A==",
          "AAAAAAAAAA-AAAAAAAAAAA==", "AAAAAAAAAA AAAAAAAAAAA==", " AAAAAAAAAAAAAAAAAAAAAA=",
          "AAAAAAAAAA\xff"
          "AAAAAAAAAAA=="}) {
        INFO(bad);
        CHECK_FALSE(is_ws_key(bad));
    }
}

TEST_CASE("exactly the registered and the free close codes may be sent") {
    for (unsigned code = 0; code < 65536; ++code) {
        bool const expected =
            (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
            (code >= 3000 && code < 5000);
        if (is_ws_close_code(static_cast<std::uint16_t>(code)) != expected) {
            INFO(code);
            FAIL();
        }
    }
}

TEST_CASE("a close payload fits its frame and cuts no character") {
    std::string const r120(120, 'r');
    struct row {
        std::uint16_t code;
        std::string reason, expected;
    };
    for (auto const& r : std::vector<row>{
             {1000, "", unhex("03e8")},
             {1001, "bye", unhex("03e9") + "bye"},
             {4999, "€", unhex("1387") + "€"},
             {1000, r120 + "abc", unhex("03e8") + r120 + "abc"},
             {1000, r120 + "abcd", unhex("03e8") + r120 + "abc"},
             {1000, r120 + "€", unhex("03e8") + r120 + "€"},
             {1000, r120 + "a€", unhex("03e8") + r120 + "a"},
             {1000, r120 + "😀", unhex("03e8") + r120},
             {1000,
              "ab\xff"
              "cd",
              unhex("03e8") + "ab"},
             {1000, "ab\xe2\x82", unhex("03e8") + "ab"},
             {1005, "gone", ""},
             {1006, "", ""},
             {0, "x", ""},
             {999, "x", ""},
             {5000, "x", ""},
         }) {
        INFO(r.code << " " << r.reason);
        auto const payload = ws_close_payload(r.code, r.reason);
        CHECK(payload == r.expected);
        CHECK(payload.size() <= 125);
        CHECK_FALSE(decode(ws_role::client, server_frame(ws_opcode::close, payload)).error);
    }
}
