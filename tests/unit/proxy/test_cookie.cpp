#include <mad/proxy/cookie.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <stdexcept>

using mad::proxy::cookie_signer;

TEST_CASE("a cookie gives the upstream's id back to whoever has the secret") {
    cookie_signer const one("a secret of its own");
    auto const id = one.id_of("api-0");
    auto const text = one.sign(id);
    CHECK(id.size() == cookie_signer::id_size);
    CHECK(text.size() == cookie_signer::text_size);
    CHECK(one.open(text) == id);
    CHECK(cookie_signer(one.secret()).open(text) == id);
    CHECK(text.find_first_not_of(
              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == text.npos);
}

TEST_CASE("upstreams have different cookies, and processes different secrets") {
    cookie_signer const a, b;
    CHECK(a.secret() != b.secret());
    CHECK(a.id_of("x") != b.id_of("x"));
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i)
        seen.insert(a.sign(a.id_of("api-" + std::to_string(i))));
    CHECK(seen.size() == 1000);
}

TEST_CASE("a cookie of another secret, a forged and a garbled one count for nothing") {
    cookie_signer const ours("sixteen bytes or more"), theirs("another secret of theirs");
    auto const text = ours.sign(ours.id_of("api-0"));
    CHECK_FALSE(ours.open(theirs.sign(theirs.id_of("api-0"))));
    CHECK_FALSE(ours.open(""));
    CHECK_FALSE(ours.open(text.substr(1)));
    CHECK_FALSE(ours.open(text + "A"));
    CHECK_FALSE(ours.open(std::string(32, '%')));
    CHECK_FALSE(ours.open(std::string(32, 'A')));
    CHECK_FALSE(ours.open(std::string(32, '\0')));
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto other = text;
        other[i] = other[i] == 'A' ? 'B' : 'A';
        CHECK_FALSE(ours.open(other));
    }
    // The other alphabet of base64 would be a second text for the same bytes.
    for (int i = 0;; ++i) {
        auto other = ours.sign(ours.id_of(std::to_string(i)));
        auto const at = other.find('-');
        if (at == other.npos)
            continue;
        other[at] = '+';
        CHECK_FALSE(ours.open(other));
        break;
    }
}

TEST_CASE("a secret that can be guessed is refused") {
    CHECK_THROWS_AS(cookie_signer("fifteen bytes.."), std::invalid_argument);
    CHECK_NOTHROW(cookie_signer("sixteen bytes..."));
}
