#include <mad/net/deflate.hpp>
#include <mad/net/http/coding.hpp>

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>

#include <zlib.h>

using namespace mad::net;

namespace {

std::string name_of(content_coding c) {
    return c == content_coding::gzip ? "gzip" : c == content_coding::deflate ? "deflate" : "";
}

/// Text of a gzip or zlib stream; zlib tells them apart.
std::string unzip(std::string body) {
    z_stream z{};
    inflateInit2(&z, 15 + 32);
    std::string out(1'000'000, '\0');
    z.next_in = reinterpret_cast<Bytef*>(body.data());
    z.avail_in = static_cast<uInt>(body.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    auto const code = inflate(&z, Z_FINISH);
    out.resize(z.total_out);
    inflateEnd(&z);
    return code == Z_STREAM_END && z.avail_in == 0 ? out : "not a whole stream";
}

std::string value_of(http::response const& r, std::string const& name) {
    auto const at = r.fields.find(name + ": ");
    if (at == r.fields.npos)
        return {};
    auto const begin = at + name.size() + 2;
    return r.fields.substr(begin, r.fields.find("\r\n", begin) - begin);
}

} // namespace

TEST_CASE("the coding is chosen by q-values, gzip first where they are equal") {
    struct row {
        char const* accepted;
        char const* coding;
    };
    auto const r = GENERATE(values<row>({
        {"", ""},
        {"gzip", "gzip"},
        {"x-gzip", "gzip"},
        {"GZIP", "gzip"},
        {"deflate", "deflate"},
        {"gzip, deflate, br, zstd", "gzip"},
        {"deflate, gzip", "gzip"},
        {"gzip;q=0.5, deflate;q=0.8", "deflate"},
        {"gzip ; q=0.8 ,deflate;Q=0.8", "gzip"},
        {"gzip;q=0", ""},
        {"gzip;q=0.000", ""},
        {"gzip;q=0.001", "gzip"},
        {"gzip;q=0, deflate", "deflate"},
        {"br", ""},
        {"*", "gzip"},
        {"*;q=0", ""},
        {"gzip;q=0, *", "deflate"},
        {"deflate, *;q=0", "deflate"},
        {"identity", ""},
        {"identity, gzip", "gzip"},
        {"identity;q=1, gzip;q=0.5", ""},
        {"identity;q=0, gzip;q=0.1", "gzip"},
        {"identity;q=0", ""},
        // malformed elements do not count
        {"gzip;q=2", ""},
        {"gzip;q=1.001", ""},
        {"gzip;q=0.1234", ""},
        {"gzip;q=.5", ""},
        {"gzip;q=", ""},
        {"gzip;level=9", ""},
        {"gzip;q=x, deflate", "deflate"},
        {",,gzip,", "gzip"},
    }));
    CAPTURE(r.accepted);
    CHECK(name_of(http::choose_coding(r.accepted)) == r.coding);
}

TEST_CASE("a body is coded when it is long enough, and the answer says so") {
    auto const how = make_body_compression();
    auto const coding =
        GENERATE(content_coding::identity, content_coding::gzip, content_coding::deflate);
    auto const size = GENERATE(std::size_t(1023), 1024, 300'000);
    http::response r;
    r.body.assign(size, 'a');
    http::compress_body(r, coding, *how);
    bool const long_enough = size >= 1024;
    bool const coded = long_enough && coding != content_coding::identity;
    CHECK(value_of(r, "Content-Encoding") == (coded ? name_of(coding) : ""));
    CHECK(value_of(r, "Vary") == (long_enough ? "Accept-Encoding" : ""));
    CHECK((coded ? unzip(r.body) : r.body) == std::string(size, 'a'));
    CHECK((r.body.size() < size) == coded);
}

TEST_CASE("what does not become shorter, is shared or coded already stays as it is") {
    auto const how = make_body_compression({.threshold = 1});
    http::response r;
    r.body = "\x01\x02";
    http::compress_body(r, content_coding::gzip, *how);
    CHECK(value_of(r, "Content-Encoding").empty());
    CHECK(r.body == "\x01\x02");

    http::response shared;
    shared.shared_body = wire_block::raw(std::string(5000, 'x'));
    http::compress_body(shared, content_coding::gzip, *how);
    CHECK(shared.fields.empty());

    http::response coded;
    coded.set("Content-Encoding", "br");
    coded.body.assign(5000, 'x');
    http::compress_body(coded, content_coding::gzip, *how);
    CHECK(coded.body == std::string(5000, 'x'));
}

TEST_CASE("a level out of range is refused") {
    CHECK_THROWS_AS(make_body_compression({.threshold = 1, .level = 0}), std::invalid_argument);
}
