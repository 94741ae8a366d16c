#include <mad/engine/detail/sid_of_request.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad::engine::detail;
using namespace std::string_literals;

TEST_CASE("the session of a request is found wherever it stands in the query") {
    struct row {
        char const *start, *sid;
    };
    auto const r = GENERATE(values<row>({
        {"GET /socket.io/?sid=abc HTTP/1.1\r\n", "abc"},
        {"GET /socket.io/?sid=abc&EIO=4 HTTP/1.1\r\n", "abc"},
        {"POST /socket.io/?EIO=4&transport=polling&t=x&sid=abc HTTP/1.1\r\nHost: a\r\n", "abc"},
        {"GET /socket.io/?EIO=4&sid=abc&t=x HTTP/1.1\r\nsid=no: no\r\n\r\n", "abc"},
        {"GET /?sid=first&sid=second HTTP/1.1\r\n", "first"}, // as the engine reads it
        {"\r\nGET /?sid=abc HTTP/1.1\r\n", "abc"},            // empty lines before it are skipped
        {"\r\n\r\nGET /?sid=abc HTTP/1.1\r\n", "abc"},
        // None.
        {"GET / HTTP/1.1\r\n", ""},
        {"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n", ""},
        {"GET /?sid= HTTP/1.1\r\n", ""},
        {"GET /?asid=abc&xsid=abc HTTP/1.1\r\n", ""},
        {"GET /sid=abc HTTP/1.1\r\n", ""},
        {"GET /a&sid=abc HTTP/1.1\r\n", ""}, // a path
        {"GET /a&sid=abc?b HTTP/1.1\r\n", ""},
        {"GET /?sid HTTP/1.1\r\n", ""},
        {"GET / HTTP/1.1\r\nReferer: http://a/?sid=abc\r\n", ""}, // not the request's own
        {"\r\n", ""},
        {"\r\n\r\n", ""},
        {"\r\n\r\n\r\nGET /?sid=abc HTTP/1.1\r\n", ""}, // more than anybody sends
    }));
    CAPTURE(r.start);
    CHECK(sid_of_request(r.start) == std::string_view(r.sid));
}

TEST_CASE("a line that is not all there tells of no session, however long it is") {
    auto const whole = "GET /socket.io/?token=" + std::string(9'000, 'x') +
                       "&EIO=4&sid=0123456789abcdefghij HTTP/1.1\r\n";
    auto const line = whole.size() - 2;
    for (std::size_t n = 1; n <= line; n += n < line - 60 ? 61 : 1) {
        CAPTURE(n);
        REQUIRE_FALSE(sid_of_request(std::string_view(whole).substr(0, n)));
    }
    CHECK(sid_of_request(std::string_view(whole).substr(0, line + 1)) == "0123456789abcdefghij");
    CHECK(sid_of_request(whole) == "0123456789abcdefghij");
    // Bytes that are no request are nobody's.
    CHECK_FALSE(sid_of_request("\x16\x03\x01\x02"));
    CHECK(sid_of_request("\n") == "");
}
