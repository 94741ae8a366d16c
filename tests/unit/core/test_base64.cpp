#include <mad/core/base64.hpp>

#include <catch2/catch.hpp>

#include <random>

using namespace mad;

namespace {

std::string encoded(std::string_view in) {
    std::string out;
    append_base64(out, in);
    return out;
}

std::string url_encoded(std::string_view in) {
    std::string out;
    append_base64url(out, in);
    return out;
}

/// The decoded bytes, or a text no decoder gives.
std::string decoded(std::string_view in) {
    std::string out = "kept:";
    bool const good = base64_decode(in, out);
    CHECK(out.starts_with("kept:"));
    if (!good) {
        CHECK(out == "kept:");
        return "<refused>";
    }
    return out.substr(5);
}

} // namespace

TEST_CASE("base64 encodes the examples of RFC 4648, with and without padding") {
    struct row {
        std::string_view bytes, standard, url;
    };
    for (auto const& r :
         {row{"", "", ""}, row{"f", "Zg==", "Zg"}, row{"fo", "Zm8=", "Zm8"},
          row{"foo", "Zm9v", "Zm9v"}, row{"foob", "Zm9vYg==", "Zm9vYg"},
          row{"fooba", "Zm9vYmE=", "Zm9vYmE"}, row{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
          row{"\xff\xef\xbe", "/+++", "_---"}, row{"\xff\xff", "//8=", "__8"}}) {
        INFO(r.standard);
        CHECK(encoded(r.bytes) == r.standard);
        CHECK(url_encoded(r.bytes) == r.url);
        CHECK(base64_size(r.bytes.size()) == r.standard.size());
        CHECK(base64url_size(r.bytes.size()) == r.url.size());
        CHECK(decoded(r.standard) == r.bytes);
        CHECK(decoded(r.url) == r.bytes);
    }
}

TEST_CASE("base64_encode writes its size and not a byte more") {
    for (std::size_t n = 0; n < 20; ++n) {
        std::string const in(n, 'q');
        std::string out(base64_size(n) + 1, '#');
        base64_encode(in, out.data());
        CHECK(out.back() == '#');
        CHECK(out.substr(0, base64_size(n)) == encoded(in));
    }
}

TEST_CASE("base64 appends behind what is there") {
    std::string out = "b";
    append_base64(out, "foo");
    append_base64url(out, "fo");
    CHECK(out == "bZm9vZm8");
    CHECK(base64_decode("Zm8", out));
    CHECK(out == "bZm9vZm8fo");
}

TEST_CASE("base64 decodes both alphabets, mixed too, as Node's Buffer does") {
    CHECK(decoded("+/-_") == "\xfb\xff\xbf");
    CHECK(decoded("_-+/") == "\xff\xef\xbf");
}

TEST_CASE("unused bits of the last character do not matter") {
    CHECK(decoded("Zh==") == "f");
    CHECK(decoded("Zm9=") == "fo");
}

TEST_CASE("base64 refuses impossible lengths, half padding and foreign characters") {
    for (std::string_view bad :
         {"A",        "AAAAA", "=",     "==",    "===",    "====",     "A=",      "A==",
          "A===",     "AA=",   "AAA==", "AAAA=", "AAAA==", "AAAA====", "A=AA",    "AA=A",
          "Zg==Zg==", "AA A",  "AA\nA", "AA.A",  "AA,A",   "AAA\x7f",  "AAA\x80", "AAA\xff",
          "Zm9vYg=v", "*AAA",  "A*AA",  "AA*A",  "AAA*",   "AAAA*A",   "AAAAA*",  "AAAAAA*"}) {
        INFO(bad);
        CHECK(decoded(bad) == "<refused>");
    }
    CHECK(decoded(std::string_view("AA\0A", 4)) == "<refused>");
    // What lies behind the text does not complete it.
    CHECK(decoded(std::string_view("AAAAAAAA").substr(0, 5)) == "<refused>");
}

TEST_CASE("every byte but the 66 of the alphabets is refused in every place") {
    std::string_view const good =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
    for (int c = 0; c < 256; ++c) {
        for (std::size_t place = 0; place < 7; ++place) {
            std::string text = "AAAAAAA";
            text[place] = static_cast<char>(c);
            bool const expected = good.find(static_cast<char>(c)) != good.npos;
            INFO("byte " << c << " at " << place);
            std::string out;
            REQUIRE(base64_decode(text, out) == expected);
        }
    }
}

TEST_CASE("what base64 encodes it decodes, at every length") {
    std::mt19937 random(20260101);
    for (std::size_t n = 0; n < 600; ++n) {
        std::string in(n, '\0');
        for (auto& c : in)
            c = static_cast<char>(random());
        REQUIRE(decoded(encoded(in)) == in);
        REQUIRE(decoded(url_encoded(in)) == in);
        REQUIRE(encoded(in).size() == base64_size(n));
        REQUIRE(url_encoded(in).size() == base64url_size(n));
    }
}
