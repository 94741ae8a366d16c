#include <mad/core/hmac.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad;

namespace {

std::string hex(std::string_view key, std::string_view text) {
    std::string out;
    for (auto const byte : hmac_sha1(key, text)) {
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

} // namespace

TEST_CASE("hmac_sha1 gives the digests of RFC 2202") {
    CHECK(hex(std::string(20, '\x0b'), "Hi There") == "b617318655057264e28bc0b6fb378c8ef146be00");
    CHECK(hex("Jefe", "what do ya want for nothing?") ==
          "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    CHECK(hex(std::string(20, '\xaa'), std::string(50, '\xdd')) ==
          "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
    CHECK(hex(std::string(80, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First") ==
          "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

TEST_CASE("hmac_sha1 takes keys on both sides of a block's length") {
    // Made with another implementation.
    CHECK(hex("", "") == "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
    CHECK(hex(std::string(63, 'k'), "text") == "b8bf0e297d91a1fd1a2c6bb62a2bed9a69cf70bd");
    CHECK(hex(std::string(64, 'k'), "text") == "79ff55fa698f97a703bb0ad426871006ee745343");
    CHECK(hex(std::string(65, 'k'), "text") == "23cdc442dba98c8865255f4fce14aca27f4444ba");
}
