#include <mad/net/http/message.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <set>

using namespace mad::net;
using namespace mad::net::http;

namespace {

/// The answer on the wire, without its date.
std::string wire(response const& r, bool close = false, bool head_request = false) {
    std::string out;
    append_response(out, r, close, head_request);
    auto const date = out.find("Date: ");
    REQUIRE(date != out.npos);
    out.erase(date, out.find("\r\n", date) + 2 - date);
    return out;
}

} // namespace

TEST_CASE("names are compared without regard to ASCII case, and to nothing else") {
    CHECK(iequals("Content-Length", "content-LENGTH"));
    CHECK(iequals("", ""));
    CHECK_FALSE(iequals("a", "ab"));
    CHECK_FALSE(iequals("[", "{")); // differ by the bit that makes the case
    CHECK_FALSE(iequals("@", "`"));
    CHECK_FALSE(iequals("\xc4", "\xe4"));
}

TEST_CASE("a token is found in a list, whole and whatever the blanks") {
    struct row {
        char const* list;
        bool found;
    };
    auto const r = GENERATE(row{"close", true}, row{"keep-alive, close", true}, row{"Close", true},
                            row{"a,\tclose \t,b", true}, row{",,close", true}, row{"close,", true},
                            row{"", false}, row{"closed", false}, row{"not close", false},
                            row{"clos", false}, row{",", false}, row{"clo,se", false});
    CAPTURE(r.list);
    CHECK(has_token(r.list, "close") == r.found);
}

TEST_CASE("a request gives its first field of a name") {
    std::array<field, 3> const fields{{{"Host", "a"}, {"X-One", "1"}, {"x-one", "2"}}};
    request q;
    q.fields = fields;
    CHECK(q.header("x-ONE") == "1");
    CHECK(q.header("absent").empty());
    CHECK(q.has("host"));
    CHECK_FALSE(q.has("hos"));
}

TEST_CASE("an answer has its length, and says whether the connection stays") {
    response r;
    r.set("X-A", "b");
    r.body = "hello";
    CHECK(wire(r) == "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n"
                     "Connection: keep-alive\r\n\r\nhello");
    CHECK(wire(r, true).find("Connection: close\r\n") != std::string::npos);
    CHECK(wire(r, false, true) == "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n"
                                  "Connection: keep-alive\r\n\r\n");
}

TEST_CASE("an empty answer says so, or a client would wait for its end") {
    CHECK(wire(response{}).find("Content-Length: 0\r\n") != std::string::npos);
}

TEST_CASE("answers that have no body send none, whatever they hold") {
    auto const status = GENERATE(101, 199, 204, 304);
    response r;
    r.status = status;
    r.body = "left over";
    CHECK_FALSE(has_body(r));
    auto const text = wire(r);
    CHECK(text.find("Content-Length") == text.npos);
    CHECK(text.ends_with("\r\n\r\n"));

    response bodiless;
    bodiless.body = "x";
    bodiless.bodiless = true;
    CHECK(wire(bodiless).ends_with("\r\n\r\n"));
    CHECK(wire(bodiless).find("Content-Length") == std::string::npos);
}

TEST_CASE("a shared body is counted by its payload and not copied") {
    response r;
    r.shared_body = wire_block::message("payload", false);
    r.body = "unused";
    auto const text = wire(r);
    CHECK(text.find("Content-Length: 7\r\n") != text.npos);
    CHECK(text.ends_with("\r\n\r\n"));
}

TEST_CASE("no value can break out of its line") {
    response r;
    r.set("X-A", "one\r\nSet-Cookie: evil=1").set("X-B", std::string_view("a\0b\nc", 5));
    CHECK(r.fields == "X-A: one  Set-Cookie: evil=1\r\nX-B: a b c\r\n");
}

TEST_CASE("the date is that of RFC 9110") {
    std::string out;
    append_response(out, {}, false, false);
    auto const at = out.find("Date: ");
    REQUIRE(at != out.npos);
    auto const date = out.substr(at, out.find("\r\n", at) - at);
    CHECK(date.size() == std::string("Date: Sun, 06 Nov 1994 08:49:37 GMT").size());
    CHECK(date.ends_with(" GMT"));
    CHECK(date[9] == ',');
}

TEST_CASE("each status that is used has its phrase") {
    std::set<std::string_view> seen;
    for (int const s :
         {100, 101, 200, 204, 206, 301, 302, 304, 308, 400, 401, 403, 404, 405, 406, 408,
          409, 413, 414, 415, 417, 421, 426, 429, 431, 500, 501, 502, 503, 504, 505}) {
        CAPTURE(s);
        CHECK(reason_phrase(s) != "Unknown");
        CHECK(seen.insert(reason_phrase(s)).second);
    }
    CHECK(reason_phrase(299) == "Unknown");
}

TEST_CASE("ready-made answers say their type and are not guessed at") {
    auto const t = text_answer(404, "no");
    CHECK(t.status == 404);
    CHECK(t.body == "no");
    CHECK(t.fields == "Content-Type: text/plain; charset=utf-8\r\n"
                      "X-Content-Type-Options: nosniff\r\n");
    auto const j = json_answer(200, "{}");
    CHECK(j.fields == "Content-Type: application/json\r\nCache-Control: no-store\r\n"
                      "X-Content-Type-Options: nosniff\r\n");
}
