#include <mad/core/json.hpp>
#include <mad/socketio/server.hpp>

#include <catch2/catch.hpp>

#include <string>

namespace sio = mad::socketio;

TEST_CASE("a pattern fits the whole name, a star no slash, a double star any") {
    struct row {
        char const *pattern, *name;
        bool fits;
    };
    auto const r = GENERATE(values<row>({
        {"/a", "/a", true},
        {"/a", "/ab", false},
        {"/ab", "/a", false},
        {"", "", true},
        {"", "/", false},
        {"*", "", true},
        {"*", "abc", true},
        {"*", "/", false},
        {"**", "/a/b", true},
        {"/*", "/", true},
        {"/*", "/abc", true},
        {"/*", "/a/b", false},
        {"/room-*", "/room-", true},
        {"/room-*", "/room-12", true},
        {"/room-*", "/rooms", false},
        {"/room-?", "/room-1", true},
        {"/room-?", "/room-", false},
        {"/room-?", "/room-12", false},
        {"/?", "//", false},
        {"/*/b", "/a/b", true},
        {"/*/b", "/a/a/b", false},
        {"/**/b", "/a/a/b", true},
        {"/**/b", "/b", false},
        {"/**b", "/b", true},
        {"/a*b*c", "/axxbyybzc", true},
        {"/a*b*c", "/axxbyybzd", false},
        {"/**/x*y", "/a/xb/xcy", true},
        {"/**/x*y", "/a/x/y", false},
        {"/***", "/a/b", true},
        {"**/x/*", "/a/x/b", true},
        {"**/x/*", "/a/x/b/c", false},
        {"/.", "/a", false},
        {"/\u20ac*", "/\u20ac5", true},
    }));
    CAPTURE(r.pattern, r.name);
    CHECK(sio::matches_glob(r.pattern, r.name) == r.fits);
}

TEST_CASE("a pattern of many stars takes no long time") {
    std::string pattern, name(256, 'a');
    for (int i = 0; i < 20; ++i)
        pattern += i % 2 ? "**a" : "*a";
    CHECK_FALSE(sio::matches_glob(pattern + "b", name));
    CHECK(sio::matches_glob(pattern + "*", name));
}
