#include <mad/core/sha1.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad;

namespace {

std::string hex(std::string_view text) {
    std::string out;
    for (auto const byte : sha1(text)) {
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

} // namespace

TEST_CASE("sha1 gives the digests of FIPS 180") {
    CHECK(hex("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    CHECK(hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    CHECK(hex("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
              "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu") ==
          "a49b2446a02c645bf419f995b67091253a04a259");
    CHECK(hex(std::string(1'000'000, 'a')) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST_CASE("sha1 pads right on both sides of a block's end") {
    // Digests of so many times 'a', made with another implementation.
    struct row {
        std::size_t length;
        std::string_view digest;
    };
    for (auto const& r : {row{1, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"},
                          row{54, "b05d71c64979cb95fa74a33cdb31a40d258ae02e"},
                          row{55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},
                          row{56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
                          row{57, "f08f24908d682555111be7ff6f004e78283d989a"},
                          row{63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"},
                          row{64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
                          row{65, "11655326c708d70319be2610e8a57d9a5b959d3b"},
                          row{119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56"},
                          row{120, "f34c1488385346a55709ba056ddd08280dd4c6d6"},
                          row{127, "89d95fa32ed44a7c610b7ee38517ddf57e0bb975"},
                          row{128, "ad5b3fdbcb526778c2839d2f151ea753995e26a0"},
                          row{129, "d96debf1bdcbc896e6c134ea76e8141f40d78536"}}) {
        INFO(r.length);
        CHECK(hex(std::string(r.length, 'a')) == r.digest);
    }
}

TEST_CASE("sha1 takes every byte") {
    std::string all;
    for (int c = 0; c < 256; ++c)
        all += static_cast<char>(c);
    CHECK(hex(all) == "4916d6bdb7f78e6803698cab32d1586ea457dfc8");
}
