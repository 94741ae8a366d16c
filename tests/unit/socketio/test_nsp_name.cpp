#include <mad/socketio/detail/nsp_name.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad::socketio::detail;

TEST_CASE("a namespace of revision 4 is read as a URL") {
    struct row {
        char const *text, *name, *query;
    };
    auto const r = GENERATE(values<row>({
        {"/", "/", ""},
        {"/chat", "/chat", ""},
        {"/chat?room=r1", "/chat", "room=r1"},
        {"/chat?", "/chat", ""},
        {"/chat?a=b?c", "/chat", "a=b?c"},
        {"/chat?a=b#c?d", "/chat", "a=b"},
        {"/chat#x", "/chat", ""},
    }));
    CAPTURE(r.text);
    auto const s = split_nsp(r.text);
    CHECK(s.name == r.name);
    CHECK(s.query == r.query);
}

TEST_CASE("its query is an object of strings") {
    struct row {
        char const *query, *json;
    };
    auto const r = GENERATE(values<row>({
        {"", "{}"},
        {"room=r1", R"({"room":"r1"})"},
        {"a=1&b=%20x+y", R"({"a":"1","b":" x y"})"},
        {"a", R"({"a":""})"},
        {"a=1&b=2&a=3", R"({"a":["1","3"],"b":"2"})"},
        {"q=%22%0a%C3%BC", "{\"q\":\"\\\"\\n\xc3\xbc\"}"},
    }));
    CAPTURE(r.query);
    CHECK(query_as_json(r.query) == r.json);
}

TEST_CASE("more parameters than Node takes are left out") {
    std::string query;
    for (int i = 0; i < 200'000; ++i)
        query += "k" + std::to_string(i) + "&";
    auto const json = query_as_json(query);
    CHECK(json.ends_with("\"k999\":\"\"}"));
}

TEST_CASE("a name goes back as the path of a URL") {
    CHECK(encode_nsp("/chat/a-b_c.d~1") == "/chat/a-b_c.d~1");
    CHECK(encode_nsp("/\xc3\xbc\xc3\xb1/x") == "/%C3%BC%C3%B1/x");
    CHECK(encode_nsp("/a b\"\n") == "/a%20b%22%0A");
}
