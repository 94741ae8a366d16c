#include "redis_world.hpp"

#include <cstdio>
#include <cstdlib>

using namespace mad_test;

#if defined(MAD_EXAMPLE_REDIS_CLIENT)

namespace {

/// What the example prints.
std::string run(std::string const& url) {
    auto const command_line = "timeout 20 '" MAD_EXAMPLE_REDIS_CLIENT "' '" + url + "'";
    std::FILE* const out = ::popen(command_line.c_str(), "r");
    REQUIRE(out);
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), out));
    ::pclose(out);
    return text;
}

} // namespace

TEST_CASE("the example counts, tells and hears") {
    redis_server server;
    for (auto const* const visits : {"visits: 1\n", "visits: 2\n"}) {
        auto const said = run(server.url());
        CHECK_THAT(said, Catch::Contains(visits));
        CHECK_THAT(said, Catch::Contains("example:news: somebody came\n"));
        CHECK_THAT(said, Catch::Contains("Redis is connected"));
    }
    CHECK_THAT(run("localhost"), Catch::Contains("begin with redis://"));
}

#endif
