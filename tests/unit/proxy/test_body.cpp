#include <mad/net/http/chunked.hpp>
#include <mad/proxy/body.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad::proxy;
using state = body_reader::state;

namespace {

struct outcome {
    state end;
    std::string body, rest;

    friend bool operator==(outcome const&, outcome const&) = default;
};

/// Feeds `wire` in pieces of `step` bytes, each in memory of its own.
outcome read(body_reader reader, std::string const& wire, std::size_t step) {
    outcome o{state::more, {}, {}};
    for (std::size_t at = 0; o.end == state::more; at += step) {
        std::string const piece = wire.substr(std::min(at, wire.size()), step);
        std::string_view in = piece, data;
        while ((o.end = reader.next(in, data)) == state::piece)
            o.body += data;
        if (o.end == state::done)
            o.rest = std::string(in) + wire.substr(std::min(at + piece.size(), wire.size()));
        if (at >= wire.size())
            break;
    }
    return o;
}

} // namespace

TEST_CASE("a body streams through as it is framed, however it is cut") {
    struct row {
        framing form;
        std::uint64_t length;
        std::string wire, body, rest;
        state end;
    };
    auto const r =
        GENERATE(row{framing::none, 0, "GET /", "", "GET /", state::done},
                 row{framing::sized, 0, "GET /", "", "GET /", state::done},
                 row{framing::sized, 5, "helloGET /", "hello", "GET /", state::done},
                 row{framing::sized, 6, "hello", "hello", "", state::more},
                 row{framing::chunked, 0, "5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nT: x\r\n\r\nGET /",
                     "hello!", "GET /", state::done},
                 row{framing::chunked, 0, "5\r\nhel", "hel", "", state::more},
                 row{framing::chunked, 0, "5\r\nhello\r\n0\r\n", "hello", "", state::more},
                 row{framing::until_close, 0, "hello", "hello", "", state::more});
    CAPTURE(r.wire, r.length);
    outcome const good{r.end, r.body, r.rest};
    for (std::size_t const step : {1u, 2u, 3u, 5u, 7u, 100u}) {
        CAPTURE(step);
        CHECK(read(body_reader(r.form, r.length), r.wire, step) == good);
    }
}

TEST_CASE("chunks that two readers could read in two ways are bad") {
    auto const wire =
        GENERATE(as<std::string>{}, "\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1\n",
                 "1\r\nab", "1\r\na\n", "123456789\r\n", "ffffffffffffffff1\r\n", "5\r\nhello0\r\n",
                 "0\r\nA: b\n\r\n", "0\n\n", "1;a\rb\r\n", "1;a\nb\r\n", "1,1\r\n",
                 std::string("1;\0\r\n", 5), "1;" + std::string(5000, 'x') + "\r\n",
                 "0\r\n" + std::string(5000, 'x') + "\r\n\r\n");
    CAPTURE(wire);
    CHECK(read(body_reader(framing::chunked), wire, 1).end == state::bad);
    CHECK(read(body_reader(framing::chunked), wire, 10'000).end == state::bad);
}

TEST_CASE("a body is over when its sender closes, or it is not whole") {
    auto const fed = [](body_reader r, std::string_view wire) {
        std::string_view data;
        while (r.next(wire, data) == state::piece) {
        }
        return r.ends_with_close();
    };
    CHECK(fed(body_reader(), ""));
    CHECK(fed(body_reader(framing::until_close), ""));
    CHECK(fed(body_reader(framing::until_close), "abc"));
    CHECK(fed(body_reader(framing::sized, 3), "abc"));
    CHECK_FALSE(fed(body_reader(framing::sized, 3), "ab"));
    CHECK(fed(body_reader(framing::chunked), "0\r\n\r\n"));
    CHECK_FALSE(fed(body_reader(framing::chunked), "0\r\n"));
    CHECK_FALSE(fed(body_reader(framing::chunked), "3\r\nabc\r\n"));
    CHECK_FALSE(fed(body_reader(framing::chunked), ""));
}

TEST_CASE("data is seen where it arrived, not copied") {
    std::string const wire = "5\r\nhello\r\n0\r\n\r\n";
    std::string_view in = wire, data;
    body_reader r(framing::chunked);
    REQUIRE(r.next(in, data) == state::piece);
    CHECK(data.data() == wire.data() + 3);
}

TEST_CASE("chunks that we write are read back") {
    std::string wire;
    append_chunk(wire, "hello");
    append_chunk(wire, "");
    append_chunk(wire, std::string(0x1234, 'x'));
    CHECK(wire.substr(0, 10) == "5\r\nhello\r\n");
    CHECK(wire.substr(10, 6) == "1234\r\n");
    wire += last_chunk;
    auto const o = read(body_reader(framing::chunked), wire + "next", 1000);
    CHECK(o == outcome{state::done, "hello" + std::string(0x1234, 'x'), "next"});
    CHECK(chunk_line(~std::uint32_t{0}).text() == "ffffffff\r\n");
}
