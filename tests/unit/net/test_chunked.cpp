#include <mad/net/http/chunked.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mad::net::http;
using state = chunk_decoder::state;

namespace {

struct outcome {
    state end;
    std::string body;
    std::size_t rest; ///< bytes behind the body

    friend bool operator==(outcome const&, outcome const&) = default;
};

/// Feeds `wire` in pieces that end at `cuts`.
outcome decode(std::string const& wire, std::vector<std::size_t> cuts, std::size_t max_body = 1000,
               std::size_t overhead = 64) {
    chunk_decoder d(overhead);
    outcome o{state::more, {}, 0};
    cuts.push_back(wire.size());
    std::size_t at = 0;
    for (auto const cut : cuts) {
        // From memory of its own: a view kept over a call would be seen.
        std::string const piece = wire.substr(at, cut - at);
        std::string_view in = piece;
        o.end = d.feed(in, o.body, max_body);
        if (o.end != state::more)
            return {o.end, o.body, in.size() + wire.size() - cut};
        if (!in.empty())
            return {state::bad, "input was left", 0};
        at = cut;
    }
    return o;
}

std::vector<std::size_t> everywhere(std::string const& wire) {
    std::vector<std::size_t> cuts;
    for (std::size_t i = 1; i < wire.size(); ++i)
        cuts.push_back(i);
    return cuts;
}

} // namespace

TEST_CASE("a chunked body is the same however it is cut") {
    struct row {
        std::string wire, body;
        std::size_t rest;
    };
    auto const r =
        GENERATE(row{"0\r\n\r\n", "", 0}, row{"5\r\nhello\r\n0\r\n\r\n", "hello", 0},
                 row{"1\r\na\r\n2\r\nbc\r\n0\r\n\r\nGET / HTTP/1.1", "abc", 14},
                 row{"A\r\n0123456789\r\n00000000\r\n\r\n", "0123456789", 0},
                 row{"a;name=value\r\n0123456789\r\n0;x=\"y\"\r\n\r\n", "0123456789", 0},
                 row{"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0}, // data that looks like framing
                 row{"1\r\nx\r\n0\r\nTrailer: yes\r\nAnother: 1\r\n\r\n\r\n", "x", 2});
    CAPTURE(r.wire);
    outcome const good{state::done, r.body, r.rest};
    CHECK(decode(r.wire, {}) == good);
    CHECK(decode(r.wire, everywhere(r.wire)) == good);
    for (std::size_t i = 0; i <= r.wire.size(); ++i)
        for (std::size_t k = i; k <= r.wire.size(); ++k)
            if (decode(r.wire, {i, k}) != good)
                FAIL("cut at " << i << " and " << k);
}

TEST_CASE("a body that is not whole is waited for") {
    std::string const wire = "5\r\nhello\r\n0\r\nA: b\r\n\r\n";
    for (std::size_t n = 0; n < wire.size(); ++n)
        if (decode(wire.substr(0, n), {}).end != state::more)
            FAIL("done after " << n);
}

TEST_CASE("what is not framed exactly is refused, wherever it is cut") {
    auto const wire =
        GENERATE(as<std::string>{}, "\r\n", ";\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n",
                 " 1\r\n", "1\n", "1\rx", "1\r\nab", "1\r\na\n", "1\r\na\rb", "123456789\r\n",
                 "5\r\nhello0\r\n", "0\r\nA: b\n\r\n", "0\r\nA: b\rC", "0\n\n", "1;a\rb\r\n",
                 "1;a\nb\r\n", std::string("1;\0\r\n", 5), std::string("0\r\n\0\r\n\r\n", 8),
                 "0\r\n\rx", "1,1\r\n", "0_0\r\n");
    CAPTURE(wire);
    CHECK(decode(wire, {}).end == state::bad);
    CHECK(decode(wire, everywhere(wire)).end == state::bad);
}

TEST_CASE("the size of the body is judged before it arrives") {
    CHECK(decode("5\r\n", {}, 4).end == state::too_large);
    CHECK(decode("5\r\nhello\r\n0\r\n\r\n", {}, 5).end == state::done);
    CHECK(decode("3\r\nabc\r\n3\r\n", {}, 5).end == state::too_large);
    CHECK(decode("ffffffff\r\n", {}, 1'000'000).end == state::too_large);
    CHECK(decode("0\r\n\r\n", {}, 0).end == state::done);
}

TEST_CASE("extensions and trailers are bounded together") {
    auto const with = [](std::size_t extension, std::size_t trailer) {
        return "1;" + std::string(extension, 'e') + "\r\nx\r\n0\r\n" + std::string(trailer, 't') +
               "\r\n\r\n";
    };
    CHECK(decode(with(64, 0), {}).end == state::done);
    CHECK(decode(with(65, 0), {}).end == state::bad);
    CHECK(decode(with(32, 32), {}).end == state::done);
    CHECK(decode(with(32, 33), {}).end == state::bad);
    CHECK(decode(with(100'000, 0), {}, 1000, 4096).end == state::bad);
    std::string many = "0\r\n";
    for (int i = 0; i < 40; ++i)
        many += "a:\r\n"; // short lines are counted too
    CHECK(decode(many + "\r\n", {}).end == state::bad);
}
