#include <mad/core/query.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <vector>

using namespace mad;

namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

pairs all_of(std::string_view text) {
    pairs out;
    query_view(text).for_each([&](std::string key, std::string value) {
        out.emplace_back(std::move(key), std::move(value));
    });
    return out;
}

} // namespace

TEST_CASE("a query is read in order, decoded, with repeated keys") {
    struct row {
        std::string_view text;
        pairs expected;
    };
    for (auto const& r : std::vector<row>{
             {"", {}},
             {"EIO=4&transport=polling", {{"EIO", "4"}, {"transport", "polling"}}},
             {"a=1&a=2", {{"a", "1"}, {"a", "2"}}},
             {"a", {{"a", ""}}},
             {"a=", {{"a", ""}}},
             {"=b", {{"", "b"}}},
             {"=", {{"", ""}}},
             {"&", {}},
             {"&&a=1&&&b=2&&", {{"a", "1"}, {"b", "2"}}},
             {"a=b=c", {{"a", "b=c"}}},
             {"a%3Db=c%26d", {{"a=b", "c&d"}}},
             {"a+b=c+d%2Be", {{"a b", "c d+e"}}},
             {"%E2%82%AC=%f0%9f%98%80", {{"€", "😀"}}},
             {"a=%", {{"a", "%"}}},
             {"a=%4", {{"a", "%4"}}},
             {"a=%4&b=1", {{"a", "%4"}, {"b", "1"}}},
             {"a=%zz%41%4g%%41", {{"a", "%zzA%4g%A"}}},
             {"a=1;b=2", {{"a", "1;b=2"}}},
             {"?a=1", {{"?a", "1"}}},
             {"a=%00", {{"a", std::string(1, '\0')}}},
             {"a=\xff%ff", {{"a", "\xff\xff"}}},
         }) {
        INFO(r.text);
        CHECK(all_of(r.text) == r.expected);
    }
}

TEST_CASE("get gives the first occurrence, decoded, and tells empty from absent") {
    query_view const q("x=1&k=%41+b&k=2&empty=&bare&%6Bey=v&pl+us=w&=none");
    CHECK(q.get("k") == "A b");
    CHECK(q.get("x") == "1");
    CHECK(q.get("empty") == "");
    CHECK(q.get("bare") == "");
    CHECK(q.get("key") == "v");
    CHECK(q.get("pl us") == "w");
    CHECK(q.get("") == "none");
    CHECK_FALSE(q.get("absent"));
    CHECK_FALSE(q.get("K"));
    CHECK_FALSE(q.get("emp"));
    CHECK_FALSE(q.get("emptyy"));
    CHECK_FALSE(q.get("%6Bey"));
    CHECK_FALSE(query_view().get(""));
    CHECK_FALSE(query_view("&&").get(""));
}

TEST_CASE("keys that mean something to scripts are keys like others") {
    query_view const q("transport=__proto__&__proto__=1&constructor=2");
    CHECK(q.get("transport") == "__proto__");
    CHECK(q.get("__proto__") == "1");
    CHECK(q.get("constructor") == "2");
    CHECK_FALSE(q.get("toString"));
}

TEST_CASE("plus is a space only where asked for") {
    CHECK(percent_decode("a+b%2b", true) == "a b+");
    CHECK(percent_decode("a+b%2b", false) == "a+b+");
    CHECK(percent_decode("", true) == "");
}

TEST_CASE("percent_encode leaves the characters of encodeURIComponent") {
    std::string_view const kept = "-_.!~*'()0123456789"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (int c = 0; c < 256; ++c) {
        std::string const one(1, static_cast<char>(c));
        auto const text = percent_encode(one);
        INFO(c);
        CHECK((text == one) == (kept.find(static_cast<char>(c)) != kept.npos));
        CHECK(percent_decode(text, false) == one);
        CHECK(percent_decode(text, true) == one);
    }
    CHECK(percent_encode("/üñ/x y") == "%2F%C3%BC%C3%B1%2Fx%20y");
}

TEST_CASE("a hostile query costs one pass") {
    // A quadratic reader needs minutes for these.
    std::size_t const n = 2'000'000;
    auto const begin = std::chrono::steady_clock::now();
    CHECK(all_of(std::string(n, '&')).empty());
    CHECK(percent_decode(std::string(n, '%'), true).size() == n);
    CHECK_FALSE(query_view(std::string(n, '=')).get("k"));
    std::string many;
    for (std::size_t i = 0; i < n / 4; ++i)
        many += "k=v&";
    CHECK_FALSE(query_view(many).get("absent"));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}
