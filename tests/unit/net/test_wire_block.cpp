#include <mad/net/wire_block.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <thread>
#include <vector>

using namespace mad::net;

TEST_CASE("a message serves a websocket whole and a polling body by its payload") {
    struct row {
        std::size_t size;
        std::string header;
    };
    auto const r =
        GENERATE(row{0, std::string("\x81\x00", 2)}, row{5, "\x81\x05"}, row{125, "\x81\x7d"},
                 row{126, std::string("\x81\x7e\x00\x7e", 4)}, row{65535, "\x81\x7e\xff\xff"},
                 row{65536, std::string("\x81\x7f\0\0\0\0\0\x01\0\0", 10)});
    std::string const text(r.size, 'x');
    auto const b = wire_block::message(text, false);
    CHECK(b.payload() == text);
    CHECK(b.frame() == r.header + text);
    CHECK_FALSE(b.binary());
}

TEST_CASE("a binary message says so, in the frame and to who asks") {
    auto const b = wire_block::message("ab", true);
    CHECK(b.binary());
    CHECK(b.frame() == "\x82\x02"
                       "ab");
}

TEST_CASE("control frames, masked frames and raw bytes") {
    CHECK(wire_block::control(ws_opcode::ping, "hi").frame() == "\x89\x02hi");
    CHECK(wire_block::control(ws_opcode::close, {}).frame() == std::string("\x88\x00", 2));
    CHECK(wire_block::raw("HTTP").frame() == "HTTP");
    CHECK(wire_block::raw("HTTP").payload() == "HTTP");

    auto const masked = wire_block::masked(ws_opcode::text, "hello", 0x01020304);
    CHECK(masked.frame().size() == 2 + 4 + 5);
    CHECK(static_cast<unsigned char>(masked.frame()[1]) == (0x80 | 5));
    std::string back(masked.payload());
    CHECK(back != "hello");
    ws_mask(back, 0x01020304);
    CHECK(back == "hello");
}

TEST_CASE("nothing at all is a block too, and no block is none") {
    auto const b = wire_block::raw({});
    CHECK(b);
    CHECK(b.frame().empty());
    CHECK(b.payload().empty());
    CHECK_FALSE(wire_block{});
}

TEST_CASE("copies share the bytes, a moved-from block is empty") {
    auto a = wire_block::raw("shared");
    auto const b = a;
    CHECK(a.frame().data() == b.frame().data());
    auto const c = std::move(a);
    CHECK_FALSE(a); // NOLINT
    CHECK(c.frame().data() == b.frame().data());

    auto d = wire_block::raw("other");
    d = b;
    CHECK(d.frame() == "shared");
    auto& self = d;
    d = self;
    CHECK(d.frame() == "shared");
    d = {};
    CHECK_FALSE(d);
    CHECK(b.frame() == "shared");
}

TEST_CASE("threads may hold and drop the same block at once") {
    auto const b = wire_block::message("for all", false);
    std::vector<std::thread> all;
    for (int t = 0; t < 4; ++t)
        all.emplace_back([b] {
            for (int i = 0; i < 10'000; ++i) {
                auto const mine = b;
                if (mine.payload() != "for all")
                    std::abort();
            }
        });
    for (auto& t : all)
        t.join();
    CHECK(b.payload() == "for all");
}
