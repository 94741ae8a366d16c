#include <mad/engine/detail/jsonp.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace mad::engine::detail;

TEST_CASE("an index of JSONP is its digits") {
    CHECK(jsonp_index("2") == "2");
    CHECK(jsonp_index("") == "");
    CHECK(jsonp_index("1);alert(2") == "12");
    CHECK(jsonp_index("-0x3") == "03");
    CHECK(jsonp_index(std::string(100, '7')) == "7777777777");
}

TEST_CASE("a script holds the body as one string") {
    CHECK(jsonp_script("2", "9:4a\nb\\nc\"\xe2\x82\xac") ==
          "___eio[2](\"9:4a\\nb\\\\nc\\\"\xe2\x82\xac\");");
    CHECK(jsonp_script("", "") == "___eio[](\"\");");
    // The two line ends that older scripts do not take in a string; what is near them stays.
    CHECK(jsonp_script("0", "4\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xa7\xe2\x80\xaa") ==
          "___eio[0](\"4\\u2028\\u2029\xe2\x80\xa7\xe2\x80\xaa\");");
    CHECK(jsonp_script("0", "</script>") == "___eio[0](\"</script>\");");
    // Not UTF-8: never in front of the end either.
    CHECK(jsonp_script("0", "4\xe2\x80") == "___eio[0](\"4\xef\xbf\xbd\");");
}

TEST_CASE("a form gives the body back that the page put in") {
    struct row {
        char const* form;
        char const* body;
    };
    auto const r = GENERATE(values<row>({
        {"d=9%3A4a%5Cnb%5C%5Cnc%22%E2%82%AC", "9:4a\nb\\nc\"\xe2\x82\xac"},
        {"x=1&d=4a+b&d=4c", "4a b"},
        {"d=", ""},
        {"", ""},
        {"e=4a", ""},
        {"d=%5C", "\\"},
        {"d=%5C%5C", "\\\\"},
        {"d=%5C%5C%5Cn", "\\\\n"},
        {"d=%5Cx%5Cn", "\\x\n"},
        {"d=n%5C%5Cn%5Cnn", "n\\n\nn"},
    }));
    CAPTURE(r.form);
    CHECK(jsonp_body(r.form) == r.body);
}
