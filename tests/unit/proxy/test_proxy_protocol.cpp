#include <mad/proxy/proxy_protocol.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mad::proxy;
using boost::asio::ip::make_address;
using boost::asio::ip::tcp;
using state = proxy_header_state;

namespace {

tcp::endpoint at(char const* address, unsigned port) {
    return {make_address(address), static_cast<std::uint16_t>(port)};
}

std::string v2(unsigned command, unsigned family, std::string const& rest, int length = -1) {
    std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
    auto const n = length < 0 ? rest.size() : static_cast<std::size_t>(length);
    out += static_cast<char>(command);
    out += static_cast<char>(family);
    out += static_cast<char>(n >> 8);
    out += static_cast<char>(n & 0xff);
    return out + rest;
}

std::string const four("\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb", 12);

state of(std::string const& text) {
    proxy_header h;
    return parse_proxy_header(text, h);
}

} // namespace

TEST_CASE("a PROXY line says who the client is") {
    proxy_header h;
    std::string const text = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
    REQUIRE(parse_proxy_header(text + "GET /", h) == state::done);
    CHECK(h.bytes == text.size());
    CHECK(h.version == 1);
    CHECK(h.source == at("192.0.2.1", 56324));
    CHECK(h.destination == at("198.51.100.1", 443));

    REQUIRE(parse_proxy_header("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n", h) == state::done);
    CHECK(h.source == at("2001:db8::1", 0));
    CHECK(h.destination == at("::1", 65535));

    for (std::string const unknown : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 x 65535 y\r\n"}) {
        REQUIRE(parse_proxy_header(unknown, h) == state::done);
        CHECK(h.bytes == unknown.size());
        CHECK_FALSE(h.source);
        CHECK_FALSE(h.destination);
    }
}

TEST_CASE("no other line is a PROXY line") {
    auto const text = GENERATE(
        as<std::string>{}, "GET / HTTP/1.1\r\n", "proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
        "PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n", "PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4\t1.1.1.1 2.2.2.2 1 2\r\n", "PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n", "PROXY UNKNOWNX\r\n", "PROXY \r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4 1.1.1.1 ::1 1 2\r\n", "PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n", "PROXY TCP4 01.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n", "PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n", "PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 x 2\r\n", "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\rx\r\n", "PROXY UNKNOWN a\rb\r\n",
        std::string("PROXY TCP4 1.1.1.1\0 2.2.2.2 1 2\r\n", 34),
        "PROXY UNKNOWN " + std::string(100, 'x') + "\r\n", "PROXY UNKNOWN " + std::string(100, 'x'),
        "PRoXY", "PROXYTCP4", "\r\n\r\n ", " PROXY TCP4", "\n");
    CAPTURE(text);
    CHECK(of(text) == state::bad);
}

TEST_CASE("the longest line is 107 bytes") {
    std::string const fits = "PROXY UNKNOWN " + std::string(107 - 16, 'x') + "\r\n";
    CHECK(of(fits) == state::done);
    CHECK(of(fits.substr(0, fits.size() - 2) + "x\r\n") == state::bad);
}

TEST_CASE("a binary PROXY header says who the client is") {
    proxy_header h;
    auto const text = v2(0x21, 0x11, four);
    REQUIRE(parse_proxy_header(text + "GET /", h) == state::done);
    CHECK(h.bytes == 28);
    CHECK(h.version == 2);
    CHECK(h.source == at("192.0.2.1", 56324));
    CHECK(h.destination == at("198.51.100.1", 443));

    std::string six(36, '\0');
    six[15] = 1;
    six[31] = 2;
    six[33] = 7;
    six[35] = 9;
    REQUIRE(parse_proxy_header(v2(0x21, 0x21, six), h) == state::done);
    CHECK(h.source == at("::1", 7));
    CHECK(h.destination == at("::2", 9));

    for (auto const& silent : {v2(0x20, 0x00, ""), v2(0x20, 0x11, four), v2(0x20, 0xff, "junk"),
                               v2(0x21, 0x00, "ignored"), v2(0x21, 0x31, std::string(216, 'x'))}) {
        REQUIRE(parse_proxy_header(silent, h) == state::done);
        CHECK(h.bytes == silent.size());
        CHECK_FALSE(h.source);
    }
}

TEST_CASE("values behind the addresses are read over, a checksum is checked") {
    std::string const name("\x02\x00\x04host", 7);
    CHECK(of(v2(0x21, 0x11, four + name)) == state::done);
    CHECK(of(v2(0x21, 0x11, four + name + std::string("\x04\x00\x00", 3))) == state::done);
    for (auto const& bad : {four + "\x02", four + std::string("\x02\x00\x05host", 7),
                            four + name + "x", four + std::string("\x03\x00\x00", 3)})
        CHECK(of(v2(0x21, 0x11, bad)) == state::bad);
    // CRC-32C of this header, worked out apart from the code under test.
    auto with_sum = v2(0x21, 0x11, four + std::string("\x03\x00\x04\0\0\0\0", 7));
    std::uint32_t crc = 0xffffffff;
    for (unsigned char const c : with_sum)
        for (int bit = 0; bit < 8; ++bit) {
            bool const low = (crc ^ static_cast<unsigned>(c >> bit)) & 1;
            crc = crc >> 1 ^ (low ? 0x82f63b78 : 0);
        }
    crc = ~crc;
    CHECK(of(with_sum) == state::bad);
    for (int i = 0; i < 4; ++i)
        with_sum[with_sum.size() - 4 + static_cast<std::size_t>(i)] =
            static_cast<char>(crc >> (24 - 8 * i));
    CHECK(of(with_sum) == state::done);
    with_sum[16] = '\xc1';
    CHECK(of(with_sum) == state::bad);
}

TEST_CASE("no other bytes are a binary PROXY header") {
    auto const text = GENERATE(
        as<std::string>{}, v2(0x11, 0x11, four), v2(0x22, 0x11, four), v2(0x31, 0x11, four),
        v2(0x21, 0x12, four), v2(0x21, 0x22, std::string(36, '\0')), v2(0x21, 0x41, four),
        v2(0x21, 0x10, four), v2(0x21, 0x11, four.substr(1)), v2(0x21, 0x21, std::string(35, '\0')),
        v2(0x21, 0x31, std::string(215, 'x')), v2(0x21, 0x32, std::string(216, 'x')),
        v2(0x21, 0x11, four, 4081), v2(0x21, 0x11, "", 65535),
        std::string("\r\n\r\n\0\r\nQUIT\r", 12), std::string("\r\n\r\n\0\r\nQUIT\n\x01", 13));
    CAPTURE(text);
    CHECK(of(text) == state::bad);
}

TEST_CASE("a PROXY header that is not whole is waited for") {
    for (auto const& whole : {std::string("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"),
                              v2(0x21, 0x11, four), v2(0x20, 0x00, "")}) {
        for (std::size_t n = 0; n < whole.size(); ++n)
            if (of(whole.substr(0, n)) != state::more)
                FAIL("not waited for after " << n);
        CHECK(of(whole) == state::done);
    }
}

TEST_CASE("PROXY headers that we write are read back") {
    struct row {
        tcp::endpoint from, to, read_from, read_to;
    };
    auto const a4 = at("192.0.2.1", 56324), b4 = at("198.51.100.1", 443);
    auto const a6 = at("2001:db8::1", 1), b6 = at("::1", 0);
    auto const r = GENERATE_COPY(row{a4, b4, a4, b4}, row{a6, b6, a6, b6},
                                 row{at("::ffff:192.0.2.1", 56324), b4, a4, b4},
                                 row{a4, b6, at("::ffff:192.0.2.1", 56324), b6},
                                 row{a6, b4, a6, at("::ffff:198.51.100.1", 443)});
    CAPTURE(r.from, r.to);
    for (unsigned const version : {1u, 2u}) {
        std::string out = "x";
        (version == 1 ? append_proxy_header_v1 : append_proxy_header_v2)(out, r.from, r.to);
        out.erase(0, 1);
        proxy_header h;
        REQUIRE(parse_proxy_header(out, h) == state::done);
        CHECK(h.version == version);
        CHECK(h.bytes == out.size());
        CHECK(h.source == r.read_from);
        CHECK(h.destination == r.read_to);
    }
}

TEST_CASE("a binary PROXY header tells whether its client spoke TLS") {
    auto const ssl = [](unsigned flags) {
        return std::string("\x20\0\x05", 3) + static_cast<char>(flags) + std::string(4, '\0');
    };
    auto const version = std::string("\x20\0\x0f\x01\0\0\0\0\x21\0\x07TLSv1.3", 18);
    struct row {
        char const* what;
        std::string text;
        bool secure;
    };
    std::vector<row> const rows{
        {"no values", v2(0x21, 0x11, four), false},
        {"TLS", v2(0x21, 0x11, four + ssl(0x01)), true},
        {"TLS, with its version", v2(0x21, 0x11, four + version), true},
        {"TLS with a certificate", v2(0x21, 0x11, four + ssl(0x07)), true},
        {"flags without that one", v2(0x21, 0x11, four + ssl(0x06)), false},
        {"another value that looks like it",
         v2(0x21, 0x11, four + std::string("\x21\0\x05\x01\0\0\0\0", 8)), false},
        {"said by the sender of itself", v2(0x20, 0x11, four + ssl(0x01)), false},
        {"a line", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", false},
    };
    for (auto const& r : rows) {
        CAPTURE(r.what);
        proxy_header h;
        REQUIRE(parse_proxy_header(r.text, h) == state::done);
        CHECK(h.secure == r.secure);
    }
    CHECK(of(v2(0x21, 0x11, four + std::string("\x20\0\x04\x01\0\0\0", 7))) == state::bad);
}

TEST_CASE("a header that speaks for nobody is read as such") {
    for (unsigned const version : {1u, 2u}) {
        std::string text = "x";
        append_proxy_header_local(text, version);
        proxy_header h;
        REQUIRE(parse_proxy_header(text.substr(1), h) == state::done);
        CHECK(h.version == version);
        CHECK(h.bytes == text.size() - 1);
        CHECK_FALSE(h.source);
    }
}
