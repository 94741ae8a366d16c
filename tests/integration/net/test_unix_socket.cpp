#include "http_world.hpp"

#include <mad/net/unix_socket.hpp>

#include <catch2/catch.hpp>
#include <support/child_process.hpp>
#include <support/temp_folder.hpp>

#include <sys/stat.h>

using namespace mad;
using namespace mad_test;

namespace {

unsigned mode_of(std::string const& path) {
    struct stat s {};
    return ::lstat(path.c_str(), &s) == 0 ? s.st_mode & 0777u : 0;
}

bool is_there(std::string const& path) {
    struct stat s {};
    return ::lstat(path.c_str(), &s) == 0;
}

std::string hello(std::string const& path) {
    auto const fd = net::connect_unix(path);
    return fd ? raw_client::over(*fd).ask(get("/hello")).body : fd.error().message();
}

} // namespace

TEST_CASE(
    "HTTP is served on a unix socket that nobody else may open, and whose file goes with it") {
    temp_folder folder;
    auto const path = folder.file("admin");
    {
        http_world w({}, 2);
        REQUIRE_FALSE(w.server().listen_unix(path));
        CHECK(mode_of(path) == 0600);
        for (int i = 0; i < 4; ++i) // round all shards
            CHECK(hello(path) == "hello\n");
    }
    CHECK_FALSE(is_there(path));
}

TEST_CASE("a socket that somebody listens on is taken only on demand, and then its file is ours") {
    temp_folder folder;
    auto const path = folder.file("s");
    auto first = net::open_unix_listener(path).value();
    auto const second = net::open_unix_listener(path);
    REQUIRE(second.has_error());
    CHECK(second.error() == boost::system::errc::address_in_use);

    auto third = net::open_unix_listener(path, net::unix_taken::replace).value();
    ::close(first.fd);
    first.file = {}; // the name is another's now
    CHECK(is_there(path));
    auto const peer = net::connect_unix(path);
    REQUIRE(peer.has_value());
    ::close(*peer);
    ::close(third.fd);
    third.file = {};
    CHECK_FALSE(is_there(path));
}

TEST_CASE("the socket file of a process that died is replaced") {
    temp_folder folder;
    auto const path = folder.file("s");
    child_process other([&](int out) {
        auto const l = net::open_unix_listener(path);
        write_line(out, l ? "listens" : "no");
        ::pause();
    });
    REQUIRE(other.line() == "listens");
    CHECK(net::open_unix_listener(path).has_error());
    other.kill();
    REQUIRE(is_there(path));
    auto const mine = net::open_unix_listener(path);
    REQUIRE(mine.has_value());
    ::close(mine->fd);
}

TEST_CASE("what is no socket stays, and a path that does not fit is an error") {
    temp_folder folder;
    auto const file = folder.write("file", "dear");
    for (auto const taken : {net::unix_taken::refuse, net::unix_taken::replace}) {
        auto const l = net::open_unix_listener(file, taken);
        REQUIRE(l.has_error());
        CHECK(l.error() == boost::system::errc::file_exists);
    }
    CHECK(is_there(file));
    auto const longest = net::open_unix_listener(folder.file(std::string(120, 'x')));
    REQUIRE(longest.has_error());
    CHECK(longest.error() == boost::system::errc::filename_too_long);
    CHECK(net::open_unix_listener(folder.file("no/such/folder")).has_error());
    CHECK(net::connect_unix(folder.file("nobody")).has_error());
}
