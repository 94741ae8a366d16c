#include <mad/redis/error.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace mad;
using redis::error;

TEST_CASE("the first word of a server's error says what it is") {
    struct row {
        char const* text;
        error expected;
    };
    auto const r = GENERATE(values<row>({
        {"NOAUTH Authentication required.", error::no_auth},
        {"WRONGPASS invalid username-password pair or user is disabled.", error::wrong_password},
        {"NOPERM this user has no permissions to run the 'get' command", error::no_permission},
        {"DENIED Redis is running in protected mode", error::no_permission},
        {"READONLY You can't write against a read only replica.", error::read_only},
        {"LOADING Redis is loading the dataset in memory", error::loading},
        {"MASTERDOWN Link with MASTER is down", error::master_down},
        {"CLUSTERDOWN Hash slot not served", error::cluster_down},
        {"OOM command not allowed when used memory > 'maxmemory'.", error::out_of_memory},
        {"MISCONF Redis is configured to save RDB snapshots", error::misconfigured},
        {"NOREPLICAS Not enough good replicas to write.", error::misconfigured},
        {"MOVED 3999 127.0.0.1:6381", error::moved},
        {"ASK 3999 127.0.0.1:6381", error::ask},
        {"TRYAGAIN Multiple keys request during rehashing of slot", error::try_again},
        {"NOSCRIPT No matching script. Please use EVAL.", error::no_script},
        {"BUSY Redis is busy running a script", error::busy},
        {"EXECABORT Transaction discarded because of previous errors.", error::exec_abort},
        {"CROSSSLOT Keys in request don't hash to the same slot", error::cross_slot},
        {"NOPROTO unsupported protocol version", error::unsupported_protocol},
        {"ERR unknown command", error::server},
        {"WRONGTYPE Operation against a key", error::server},
        {"BUSYGROUP Consumer Group name already exists", error::server},
        {"", error::server},
    }));
    CAPTURE(r.text);
    CHECK(redis::error_of(r.text) == r.expected);
}

TEST_CASE("every error has words of its own") {
    std::set<std::string> seen;
    for (int i = 0; i <= static_cast<int>(error::server); ++i)
        CHECK(seen.insert(redis::category().message(i)).second);
    CHECK_FALSE(seen.contains("unknown Redis error"));
    CHECK(redis::category().message(250) == "unknown Redis error");
}
