#include <mad/sync/classic_codec.hpp>
#include <mad/sync/msgpack.hpp>

#include <catch2/catch.hpp>

#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

using namespace mad;

namespace {

std::string hex(std::string_view bytes) {
    std::string out;
    for (unsigned char const c : bytes) {
        out += "0123456789abcdef"[c >> 4];
        out += "0123456789abcdef"[c & 15];
    }
    return out;
}

std::string packed(std::string_view json, std::vector<std::string_view> const& bytes = {}) {
    std::string out;
    if (!sync::append_msgpack_json(out, json, bytes))
        return "none";
    return hex(out);
}

} // namespace

TEST_CASE("JSON becomes the msgpack that notepack writes") {
    struct row {
        char const *json, *bytes;
    };
    auto const r = GENERATE(values<row>({
        {"null", "c0"},
        {"true", "c3"},
        {"false", "c2"},
        {"0", "00"},
        {"-0", "00"},
        {"127", "7f"},
        {"128", "cc80"},
        {"255", "ccff"},
        {"256", "cd0100"},
        {"65535", "cdffff"},
        {"65536", "ce00010000"},
        {"4294967295", "ceffffffff"},
        {"4294967296", "cf0000000100000000"},
        {"5000000000", "cf000000012a05f200"},
        {"18446744073709551615", "cfffffffffffffffff"},
        {"-1", "ff"},
        {"-32", "e0"},
        {"-33", "d0df"},
        {"-128", "d080"},
        {"-129", "d1ff7f"},
        {"-200", "d1ff38"},
        {"-32769", "d2ffff7fff"},
        {"-2147483648", "d280000000"},
        {"-2147483649", "d3ffffffff7fffffff"},
        {"1.5", "cb3ff8000000000000"},
        {"2.0", "02"},
        {"1e3", "cd03e8"},
        {"1e300", "cb7e37e43c8800759c"},
        {"-1e30", "cbc6293e5939a08cea"},
        {"\"\"", "a0"},
        {"\"h\\u00e9llo\"", "a668c3a96c6c6f"},
        {"\"a\\n\\\"\"", "a3610a22"},
        {"[]", "90"},
        {"{}", "80"},
        {" [ 1 , {\"a\" : [ ] } ] ", "920181a16190"},
    }));
    CAPTURE(r.json);
    CHECK(packed(r.json) == r.bytes);
}

TEST_CASE("sizes of text, arrays and objects take the smallest form") {
    auto const text = [](std::size_t n) {
        return packed('"' + std::string(n, 'x') + '"').substr(0, 10);
    };
    CHECK(text(31).substr(0, 2) == "bf");
    CHECK(text(32).substr(0, 4) == "d920");
    CHECK(text(255).substr(0, 4) == "d9ff");
    CHECK(text(256).substr(0, 6) == "da0100");
    CHECK(text(65536) == "db00010000");
    auto const list = [](std::size_t n) {
        std::string json = "[";
        for (std::size_t i = 0; i < n; ++i)
            json += i == 0 ? "7" : ",7";
        return packed(json + ']');
    };
    CHECK(list(15).substr(0, 4) == "9f07");
    CHECK(list(16) == "dc0010" + list(16).substr(6));
    CHECK(list(16).size() == 6 + 32);
    CHECK(list(70000).substr(0, 12) == "dd0001117007");
    std::string object = "{";
    for (int i = 0; i < 16; ++i)
        object += (i == 0 ? "\"" : ",\"") + std::string(1, static_cast<char>('a' + i)) + "\":1";
    CHECK(packed(object + '}').substr(0, 12) == "de0010a16101");
}

TEST_CASE("placeholders become bytes") {
    CHECK(packed(R"(["r",{"_placeholder":true,"num":0}])", {std::string_view("\1\2", 2)}) ==
          "92a172c4020102");
    CHECK(packed(R"([{"a":{"num":1,"_placeholder":true}},{"_placeholder":true,"num":0}])",
                 {"x", "y"}) == "9281a161c40179c40178");
    CHECK(packed(R"([{"_placeholder":true,"num":2}])", {"x"}) == "none");
    CHECK(packed(R"([{"_placeholder":true,"num":-1}])", {"x"}) == "none");
    CHECK(packed(R"([{"_placeholder":true}])", {"x"}) == "none");
    CHECK(packed(R"({"_placeholder":true,"num":0})") == "82ac5f706c616365686f6c646572c3a36e756d00");
    std::string const big(300, 'b');
    CHECK(packed(R"({"_placeholder":true,"num":0})", {big}).substr(0, 6) == "c5012c");
}

TEST_CASE("what is no JSON leaves nothing behind") {
    auto const text = GENERATE(as<std::string>{}, "", "[", "[1,]", "{\"a\"}", "{1:2}", "\"x", "tru",
                               "[1] 2", "nul", "1.2.3", "\"\\", "-", "{\"a\":1,}");
    CAPTURE(text);
    std::string out = "before";
    CHECK_FALSE(sync::append_msgpack_json(out, text));
    CHECK(out == "before");
}

TEST_CASE("nesting has an end") {
    auto const nested = [](std::size_t n) {
        std::string out;
        return sync::append_msgpack_json(out, std::string(n, '[') + std::string(n, ']'));
    };
    CHECK(nested(512));
    CHECK_FALSE(nested(513));
    CHECK_FALSE(nested(1'000'000));
}

TEST_CASE("a name that is not UTF-8 is the same as in JSON") {
    sync::classic_codec const node({"s", "/", "node"});
    auto const read = [&](std::string_view uid, std::string_view request) {
        std::string body;
        sync::append_msgpack_map(body, 4);
        for (std::string_view const text :
             std::initializer_list<std::string_view>{"uid", uid, "requestId", request})
            sync::append_msgpack_text(body, text);
        sync::append_msgpack_text(body, "type");
        sync::append_msgpack_signed(body, 8); // how many clients a broadcast reached
        sync::append_msgpack_text(body, "clientCount");
        sync::append_msgpack_signed(body, 1);
        auto m = node.decode("s-response#/#", body);
        REQUIRE(m.has_value());
        REQUIRE(m->has_value());
        return **m;
    };
    CHECK(read("other", "d\xc3\xa9j\xc3\xa0").request_id == "d\xc3\xa9j\xc3\xa0");
    CHECK(read("other", "a\xff\xa4\"b").request_id == "a\xef\xbf\xbd\xef\xbf\xbd\"b");
    CHECK(read("\xc0", "1").uid == "\xef\xbf\xbd");
}
