#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <string>

#include <sys/wait.h>

#if defined(MAD_EXAMPLE_SAMPLER)

namespace {

/// What the example prints, and how it ends.
std::string run(std::string const& arguments, int& status) {
    auto const command_line = "timeout 20 '" MAD_EXAMPLE_SAMPLER "' " + arguments + " 2>&1";
    std::FILE* const out = ::popen(command_line.c_str(), "r");
    REQUIRE(out);
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), out));
    status = WEXITSTATUS(::pclose(out));
    return text;
}

} // namespace

TEST_CASE("the example prints a line per sample") {
    int status = -1;
    auto const said = run("0.2 3", status);
    CHECK(status == 0);
    CHECK(std::count(said.begin(), said.end(), '\n') == 3);
    CHECK_THAT(said, Catch::StartsWith("cpu "));
    CHECK_THAT(said, Catch::Contains("fullest disk"));
    CHECK_THAT(run("0.1", status), Catch::Contains("at least 0.2 seconds"));
    CHECK(status == 2);
}

#endif
