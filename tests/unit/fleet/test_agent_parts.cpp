#include <mad/fleet/agent.hpp>
#include <mad/fleet/token_file.hpp>

#include <catch2/catch.hpp>

#include <support/temp_folder.hpp>

#include <string>

#include <sys/stat.h>

using mad::milliseconds;
using mad::time_point;

TEST_CASE("ticks keep to their grid, and none is made up for") {
    struct row {
        long planned, now, next;
    };
    auto const r =
        GENERATE(row{1000, 1000, 3500}, row{1000, 1004, 3500}, row{1000, 3499, 3500},
                 row{1000, 3500, 6000}, row{1000, 9000, 11'000}, row{1000, 3'601'000, 3'603'500});
    CAPTURE(r.planned, r.now);
    auto const at = [](long ms) { return time_point(milliseconds(ms)); };
    CHECK(mad::fleet::next_tick(at(r.planned), at(r.now), milliseconds(2500)) == at(r.next));
}

TEST_CASE("a token is the first line of its file") {
    mad_test::temp_folder folder;
    struct row {
        std::string text, token, wrong;
    };
    auto const r = GENERATE(
        row{"secret", "secret", ""}, row{"secret\n", "secret", ""},
        row{"a.b-c_d=\r\n#", "a.b-c_d=", ""}, row{"", "", "empty"}, row{"\nsecret\n", "", "empty"},
        row{"two words\n", "", "more than a token"}, row{"tab\there", "", "more than a token"},
        row{"\xc3\xa9", "", "more than a token"},
        row{std::string(4096, 'x'), std::string(4096, 'x'), ""},
        row{std::string(4097, 'x'), "", "longer"}, row{std::string(9000, 'x'), "", "longer"});
    auto const path = folder.write("token", r.text);
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    std::string token;
    auto const wrong = mad::fleet::read_token_file(path, token);
    CAPTURE(wrong);
    CHECK(token == r.token);
    CHECK(wrong.empty() == r.wrong.empty());
    CHECK(wrong.find(r.wrong) != wrong.npos);
}

TEST_CASE("a token that others may read or change is none") {
    mad_test::temp_folder folder;
    auto const path = folder.write("token", "secret\n");
    struct row {
        unsigned mode;
        bool good;
    };
    auto const r = GENERATE(row{0400, true}, row{0600, true}, row{0440, true}, row{0640, true},
                            row{0644, false}, row{0604, false}, row{0660, false}, row{0602, false},
                            row{0601, false});
    CAPTURE(r.mode);
    REQUIRE(::chmod(path.c_str(), r.mode) == 0);
    std::string token = "before";
    CHECK(mad::fleet::read_token_file(path, token).empty() == r.good);
    CHECK(token == (r.good ? "secret" : "before"));
}

TEST_CASE("what is no file holds no token") {
    mad_test::temp_folder folder;
    std::string token;
    CHECK(mad::fleet::read_token_file(folder.file("none"), token).starts_with("cannot read"));
    CHECK(mad::fleet::read_token_file("/dev/null", token) == "/dev/null is no file");
    auto const pipe = folder.file("pipe");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(mad::fleet::read_token_file(pipe, token) == pipe + " is no file");
    mad::fleet::agent_settings s;
    s.token_file = folder.file("none");
    CHECK(mad::fleet::judge_agent_settings(s).starts_with("token-file: cannot read"));
}
