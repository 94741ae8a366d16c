#include <mad/engine/cors.hpp>

#include <catch2/catch.hpp>

#include <initializer_list>
#include <string>
#include <vector>

using namespace mad::engine;
using mad::net::http::field;
using mad::net::http::request;

namespace {

/// A request with those fields, and the storage behind it.
struct asked {
    asked(std::initializer_list<field> f)
        : fields(f) {
        r.method = "GET";
        r.fields = fields;
    }
    std::vector<field> fields;
    request r;
};

cors_settings listed(std::vector<std::string> origins) {
    cors_settings c;
    c.origins = std::move(origins);
    return c;
}

} // namespace

TEST_CASE("without origins no field is ever added") {
    asked const a{{"Origin", "http://page.example"}};
    CHECK_FALSE(cors_settings{}.enabled());
    CHECK(cors_fields(cors_settings{}, a.r).empty());
}

TEST_CASE("all origins get a star, and no credentials with it") {
    auto c = listed({"*"});
    c.credentials = true;
    CHECK(c.any_origin());
    CHECK(cors_fields(c, asked{{"Origin", "http://page.example"}}.r) ==
          "Access-Control-Allow-Origin: *\r\n");
    CHECK(cors_fields(c, asked{}.r) == "Access-Control-Allow-Origin: *\r\n");
}

TEST_CASE("a star among others is no star") {
    auto const c = listed({"*", "http://a"});
    CHECK_FALSE(c.any_origin());
    CHECK(cors_fields(c, asked{{"Origin", "http://b"}}.r) == "Vary: Origin\r\n");
}

TEST_CASE("only a listed origin is named, and caches are told that it differs") {
    struct row {
        char const* origin;
        char const* fields;
    };
    auto const r = GENERATE(values<row>({
        {"http://a", "Access-Control-Allow-Origin: http://a\r\nVary: Origin\r\n"},
        {"https://b:8443", "Access-Control-Allow-Origin: https://b:8443\r\nVary: Origin\r\n"},
        {"https://b", "Vary: Origin\r\n"},
        {"https://b:8443/", "Vary: Origin\r\n"},
        {"https://b:84430", "Vary: Origin\r\n"},
        {"http://a.evil", "Vary: Origin\r\n"},
        {"http://A", "Vary: Origin\r\n"},
        {"null", "Vary: Origin\r\n"},
        {"", "Vary: Origin\r\n"},
    }));
    CAPTURE(r.origin);
    CHECK(cors_fields(listed({"http://a", "https://b:8443"}), asked{{"origin", r.origin}}.r) ==
          r.fields);
}

TEST_CASE("credentials go with a listed origin only") {
    auto c = listed({"http://a"});
    c.credentials = true;
    CHECK(cors_fields(c, asked{{"Origin", "http://a"}}.r) ==
          "Access-Control-Allow-Origin: http://a\r\nAccess-Control-Allow-Credentials: true\r\n"
          "Vary: Origin\r\n");
    CHECK(cors_fields(c, asked{{"Origin", "http://b"}}.r) == "Vary: Origin\r\n");
}

TEST_CASE("headers to expose are named on every answer") {
    auto c = listed({"*"});
    c.exposed_headers = "X-One,X-Two";
    CHECK(cors_fields(c, asked{}.r) == "Access-Control-Allow-Origin: *\r\n"
                                       "Access-Control-Expose-Headers: X-One,X-Two\r\n");
}

TEST_CASE("a preflight is answered 204 with what the browser asks for") {
    asked const a{{"Origin", "http://a"},
                  {"Access-Control-Request-Method", "POST"},
                  {"Access-Control-Request-Headers", "x-one, content-type"}};
    auto const r = preflight_answer(listed({"http://a"}), a.r);
    CHECK(r.status == 204);
    CHECK(r.body.empty());
    CHECK(r.fields == "Access-Control-Allow-Origin: http://a\r\nVary: Origin\r\n"
                      "Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\r\n"
                      "Vary: Access-Control-Request-Headers\r\n"
                      "Access-Control-Allow-Headers: x-one, content-type\r\n"
                      "Content-Length: 0\r\n");
}

TEST_CASE("a preflight says what the settings say, when they do") {
    auto c = listed({"*"});
    c.methods = "GET,POST";
    c.allowed_headers = "X-Mine";
    c.max_age = 600;
    auto const r = preflight_answer(c, asked{{"Access-Control-Request-Headers", "x-other"}}.r);
    CHECK(r.fields == "Access-Control-Allow-Origin: *\r\n"
                      "Access-Control-Allow-Methods: GET,POST\r\n"
                      "Access-Control-Allow-Headers: X-Mine\r\n"
                      "Access-Control-Max-Age: 600\r\nContent-Length: 0\r\n");
}

TEST_CASE("a preflight of an origin that is not listed does not name it") {
    auto const r = preflight_answer(listed({"http://a"}), asked{{"Origin", "http://b"}}.r);
    CHECK(r.status == 204);
    CHECK(r.fields.find("Allow-Origin") == std::string::npos);
}

TEST_CASE("nothing that a browser sends can add a field of its own") {
    asked const a{{"Access-Control-Request-Headers", "x\r\nSet-Cookie: io=evil"}};
    auto const r = preflight_answer(listed({"*"}), a.r);
    CHECK(r.fields.find("\r\nSet-Cookie") == std::string::npos);
}

TEST_CASE("handshakes are for no origin, our own, or a listed one") {
    struct row {
        char const* origin;
        char const* host;
        bool secure;
        bool allowed;
    };
    auto const r = GENERATE(values<row>({
        {"", "node:3000", false, true}, // not a browser
        {"http://node:3000", "node:3000", false, true},
        {"http://NODE:3000", "node:3000", false, true},
        {"http://node", "node:80", false, true}, // the port that goes without saying
        {"http://node:80", "node", false, true},
        {"https://node", "node:443", true, true},
        {"https://node:443", "node", true, true},
        {"http://[::1]:3000", "[::1]:3000", false, true},
        {"https://listed:8443", "node:3000", false, true},
        {"https://node:3000", "node:3000", false, false}, // another scheme
        {"http://node:3000", "node:3000", true, false},
        {"http://node:3001", "node:3000", false, false},
        {"http://node", "node:3000", false, false},
        {"http://node:443", "node", false, false},
        {"https://node:80", "node", true, false},
        {"http://evil", "node:3000", false, false},
        {"http://node:3000.evil", "node:3000", false, false},
        {"http://node:3000/", "node:3000", false, false},
        {"http://node:3000@evil", "node:3000", false, false},
        {"https://listed", "node:3000", false, false},
        {"null", "null", false, false},
        {"file://", "", false, false},
        {"http://", "", false, true}, // no host on either side: the parser refused it before
        {"node:3000", "node:3000", false, false},
        {"ws://node:3000", "node:3000", false, false},
    }));
    CAPTURE(r.origin, r.host, r.secure);
    CHECK(origin_allowed(listed({"https://listed:8443"}), r.origin, r.host, r.secure) == r.allowed);
}

TEST_CASE("with a star every page may come, without a list only our own") {
    CHECK(origin_allowed(listed({"*"}), "null", "node", false));
    CHECK(origin_allowed(listed({"*"}), "http://evil", "node", false));
    CHECK_FALSE(origin_allowed(cors_settings{}, "http://evil", "node", false));
    CHECK_FALSE(origin_allowed(cors_settings{}, "null", "node", false));
    CHECK(origin_allowed(cors_settings{}, "http://node", "node", false));
}

TEST_CASE("an origin may be judged by a function instead of a list") {
    auto c = listed({"http://a"});
    c.allow_origin = [](std::string_view o) { return o.find("example") != o.npos; };
    CHECK(cors_fields(c, asked{{"Origin", "http://page.example"}}.r) ==
          "Access-Control-Allow-Origin: http://page.example\r\nVary: Origin\r\n");
    CHECK(cors_fields(c, asked{{"Origin", "http://a"}}.r) ==
          "Access-Control-Allow-Origin: http://a\r\nVary: Origin\r\n");
    CHECK(cors_fields(c, asked{{"Origin", "http://b"}}.r) == "Vary: Origin\r\n");
    CHECK(origin_allowed(c, "http://page.example", "here", false));
    CHECK_FALSE(origin_allowed(c, "http://b", "here", false));
    c.origins.clear();
    CHECK(c.enabled());
}
