#include <mad/redis/config.hpp>

#include <catch2/catch.hpp>
#include <support/temp_folder.hpp>

#include <sstream>

using namespace mad;
using redis::endpoint;
using redis::topology;

namespace {

/// What matters of a configuration, on one line.
std::string summary(redis::config const& c) {
    std::ostringstream out;
    out << (c.topology == topology::single     ? "single"
            : c.topology == topology::sentinel ? "sentinel"
                                               : "cluster");
    for (auto const& e : c.endpoints)
        out << ' ' << to_string(e);
    out << " db" << c.database;
    if (!c.user.empty() || !c.password.empty())
        out << " user[" << c.user << "] password[" << c.password << ']';
    if (!c.master_name.empty())
        out << " master[" << c.master_name << ']';
    if (!c.sentinel_user.empty() || !c.sentinel_password.empty())
        out << " sentinel[" << c.sentinel_user << ':' << c.sentinel_password << ']';
    if (c.tls)
        out << " tls[" << c.ca_file << ']';
    if (!c.password_file.empty())
        out << " file[" << c.password_file << ']';
    if (c.protocol != 2)
        out << " resp" << c.protocol;
    return out.str();
}

} // namespace

TEST_CASE("a Redis URL says where and as whom") {
    struct row {
        char const *url, *expected, *masked;
    };
    auto const r = GENERATE(values<row>({
        {"redis://localhost", "single localhost:6379 db0", "redis://localhost:6379/0"},
        {"redis://10.0.0.1:7000/3", "single 10.0.0.1:7000 db3", "redis://10.0.0.1:7000/3"},
        {"redis://h/", "single h:6379 db0", "redis://h:6379/0"},
        {"redis://h?db=4", "single h:6379 db4", "redis://h:6379/4"},
        {"redis://[::1]:7000", "single [::1]:7000 db0", "redis://[::1]:7000/0"},
        {"redis://:secret@h", "single h:6379 db0 user[] password[secret]", "redis://:***@h:6379/0"},
        {"redis://mad:s%40%3Ae+t@h", "single h:6379 db0 user[mad] password[s@:e+t]",
         "redis://mad:***@h:6379/0"},
        {"rediss://h?ca_file=/etc/ca.pem", "single h:6379 db0 tls[/etc/ca.pem]",
         "rediss://h:6379/0?ca_file=%2Fetc%2Fca.pem"},
        {"unix:///run/redis.sock", "single /run/redis.sock db0", "unix:///run/redis.sock"},
        {"redis+unix:///run/a%20b.sock?db=2", "single /run/a b.sock db2",
         "unix:///run/a%20b.sock?db=2"},
        {"unix://u:p@/run/r.sock", "single /run/r.sock db0 user[u] password[p]",
         "unix://u:***@/run/r.sock"},
        {"redis+sentinel://a,b:5000/mymaster", "sentinel a:26379 b:5000 db0 master[mymaster]",
         "redis+sentinel://a:26379,b:5000/mymaster/0"},
        {"rediss+sentinel://:p@a/m/2?sentinel_user=su&sentinel_password=sp",
         "sentinel a:26379 db2 user[] password[p] master[m] sentinel[su:sp] tls[]",
         "rediss+sentinel://:***@a:26379/m/2?sentinel_user=su&sentinel_password=***"},
        {"redis://a:1,b:2?cluster=1", "cluster a:1 b:2 db0", "redis://a:1,b:2?cluster=1"},
        {"redis://h?cluster=0&protocol=3", "single h:6379 db0 resp3",
         "redis://h:6379/0?protocol=3"},
        {"redis://h?password_file=/run/secret&client_name=me",
         "single h:6379 db0 file[/run/secret]",
         "redis://h:6379/0?password_file=%2Frun%2Fsecret&client_name=me"},
    }));
    CAPTURE(r.url);
    auto const c = redis::parse_url(r.url);
    REQUIRE(c.has_value());
    CHECK(summary(*c) == r.expected);
    CHECK(to_string(*c) == r.masked);
    // What it writes it reads, but for the passwords.
    auto const again = redis::parse_url(to_string(*c));
    REQUIRE(again.has_value());
    CHECK(again->endpoints == c->endpoints);
    CHECK(to_string(*again) == r.masked);
}

TEST_CASE("what is no Redis URL is refused with its place and a remedy") {
    struct row {
        std::string url;
        std::size_t at;
        char const* words;
    };
    auto const r = GENERATE(values<row>({
        {"", 0, "no scheme"},
        {"localhost:6379", 0, "begin with redis://"},
        {"http://h", 0, "unknown scheme"},
        {"redis://", 8, "write HOST:PORT"},
        {"redis://:6379", 8, "no host"},
        {"redis://h:0", 9, "1 to 65535"},
        {"redis://h:65536", 9, "1 to 65535"},
        {"redis://h:12x", 9, "the port is a number"},
        {"redis://::1", 8, "no host"},
        {"redis://a::1", 9, "brackets"},
        {"redis://[::1", 8, "brackets"},
        {"redis://[h]:1", 8, "brackets"},
        {"redis://h/x", 10, "the database is a number"},
        {"redis://h/-1", 10, "the database is a number"},
        {"redis://secret@h", 8, ":PASSWORD@"},
        {"redis://h h", 9, "%20"},
        {std::string("redis://h\0h", 11), 9, "control character"},
        {"redis://a,b", 0, "cluster=1"},
        {"redis://a,,b?cluster=1", 10, "no host"},
        {"redis://a/1?cluster=1", 0, "only database 0"},
        {"redis://a?cluster=yes", 10, "1 or 0"},
        {"redis://a?protocol=4", 10, "2 or 3"},
        {"redis://a?timeout=5", 10, "unknown option"},
        {"redis://a?db=x", 13, "a number"},
        {"redis+sentinel://a", 18, "name of the master"},
        {"redis+sentinel://a/", 19, "name of the master"},
        {"redis+sentinel://a/m?cluster=1", 21, "leave one of the two out"},
        {"unix://run/redis.sock", 7, "begins with /"},
        {"unix:///" + std::string(120, 'x'), 7, "107 bytes"},
        {"unix:///a?cluster=1", 0, "over TCP"},
        {"redis://h?client_name=a%20b", 0, "no spaces"},
        {"redis://" + std::string(5000, 'h'), 0, "4096"},
    }));
    CAPTURE(r.url);
    auto const c = redis::parse_url(r.url);
    REQUIRE(c.has_error());
    CHECK(c.error().code == redis::error::bad_url);
    CHECK(c.error().at == r.at);
    CHECK_THAT(c.error().message, Catch::Contains(r.words));
    CHECK_THAT(c.error().message,
               Catch::StartsWith("Redis URL, character " + std::to_string(r.at + 1) + ": "));
}

TEST_CASE("passwords are masked in any text that looks like a URL") {
    struct row {
        char const *text, *expected;
    };
    auto const r = GENERATE(values<row>({
        {"redis://u:p@h:1/0", "redis://u:***@h:1/0"},
        {"redis://:p@q@h", "redis://:***@h"},
        {"rediss:/u:p@h", "rediss:***@h"},
        {"redis://h:6379", "redis://h:6379"},
        {"redis://h?sentinel_password=x&cluster=1", "redis://h?sentinel_password=***&cluster=1"},
        {"", ""},
    }));
    CHECK(redis::mask_passwords(r.text) == r.expected);
}

TEST_CASE("a password may come from a file, read anew each time") {
    mad_test::temp_folder folder;
    redis::config c;
    c.password = "other";
    CHECK(current_password(c).value() == "other");
    c.password_file = folder.write("secret", "first\n");
    CHECK(current_password(c).value() == "first");
    folder.write("secret", "second\r\n\n");
    CHECK(current_password(c).value() == "second");
    c.password_file = folder.file("none");
    auto const r = current_password(c);
    REQUIRE(r.has_error());
    CHECK(r.error().code == redis::error::password_unreadable);
    CHECK_THAT(r.error().message, Catch::Contains(c.password_file));
}
