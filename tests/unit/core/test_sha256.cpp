#include <mad/core/sha256.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad;

static std::string hex(std::array<std::uint8_t, 32> const& digest) {
    std::string out;
    for (auto const b : digest)
        for (int const half : {b >> 4, b & 15})
            out += "0123456789abcdef"[half];
    return out;
}

TEST_CASE("SHA-256 gives the digests of its standard") {
    struct row {
        std::string text, digest;
    };
    auto const r =
        GENERATE(row{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                 row{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                 row{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
                 row{std::string(1'000'000, 'a'),
                     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"});
    CHECK(hex(sha256(r.text)) == r.digest);
}

TEST_CASE("HMAC with SHA-256 gives the digests of RFC 4231") {
    struct row {
        std::string key, text, digest;
    };
    auto const r = GENERATE(
        row{std::string(20, '\x0b'), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        row{"Jefe", "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        row{std::string(20, '\xaa'), std::string(50, '\xdd'),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        row{std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"});
    CHECK(hex(hmac_sha256(r.key, r.text)) == r.digest);
}
