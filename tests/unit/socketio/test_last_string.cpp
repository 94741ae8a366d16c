#include <mad/socketio/detail/last_string.hpp>

#include <catch2/catch.hpp>

#include <string>

using mad::socketio::detail::last_string;

TEST_CASE("the last argument of an event is found from its end, when it is a string") {
    struct row {
        char const *payload, *last;
    };
    auto const r = GENERATE(
        row{R"(["a",1,"Q82kg_b"])", R"("Q82kg_b")"}, row{R"(["a","x"])", R"("x")"},
        row{R"(["a",""])", R"("")"}, row{R"(["a" , "x" ] )", R"("x")"},
        row{R"(["a","say \"hi\""])", R"("say \"hi\"")"}, row{R"(["a","\\"])", R"("\\")"},
        row{R"(["a","\\\""])", R"("\\\"")"}, row{R"(["a","b,\"c"])", R"("b,\"c")"},
        row{R"(["a",{"k":"v"},"o"])", R"("o")"},
        // No string, or not an argument of the event itself.
        row{R"(["a"])", ""}, row{R"([ "a" ])", ""}, row{R"(["a",1])", ""},
        row{R"(["a",["x"]])", ""}, row{R"(["a",{"k":"x"}])", ""}, row{R"([])", ""}, row{"", ""},
        row{"]", ""}, row{"\"]", ""}, row{R"([1])", ""}, row{R"(["a",null])", ""});
    CAPTURE(r.payload);
    CHECK(last_string(r.payload) == r.last);
}

TEST_CASE("what is too long to be an offset is none") {
    auto const with = [](std::size_t n) { return "[\"a\",\"" + std::string(n, 'x') + "\"]"; };
    CHECK(last_string(with(254)).size() == 256);
    CHECK(last_string(with(255)).empty());
    CHECK(last_string(with(1'000'000)).empty());
    CHECK(last_string("[\"a\",\"" + std::string(1'000'000, '\\') + "\"]").empty());
}
