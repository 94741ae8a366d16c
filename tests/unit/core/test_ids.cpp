#include <mad/core/base64.hpp>
#include <mad/core/ids.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace mad;

TEST_CASE("random bytes fill all of any size and differ") {
    for (std::size_t n : {0u, 1u, 12u, 1023u, 1024u, 1025u, 4096u, 4097u, 100000u}) {
        std::vector<std::uint8_t> a(n), b(n);
        fill_random(a);
        fill_random(b);
        INFO(n);
        // 12 equal bytes, or 12 zeros at an end, happen once in 2^96.
        if (n >= 12) {
            CHECK(a != b);
            std::vector<std::uint8_t> const zeros(12);
            CHECK_FALSE(std::equal(zeros.begin(), zeros.end(), a.begin()));
            CHECK_FALSE(std::equal(zeros.rbegin(), zeros.rend(), a.rbegin()));
        }
    }
}

TEST_CASE("random bytes are spread evenly") {
    std::array<int, 256> seen{};
    std::array<std::uint8_t, 100> some{};
    for (int round = 0; round < 10'000; ++round) {
        fill_random(some);
        for (auto const byte : some)
            ++seen[byte];
    }
    // 3,906 each on average, deviation 62: ten deviations never happen by chance.
    auto const [least, most] = std::minmax_element(seen.begin(), seen.end());
    CHECK(*least > 3906 - 620);
    CHECK(*most < 3906 + 620);
}

TEST_CASE("no id is given twice, whatever thread asks") {
    std::array<std::vector<std::string>, 4> made;
    {
        std::vector<std::jthread> threads;
        for (auto& ids : made)
            threads.emplace_back([&ids] {
                for (int i = 0; i < 2000; ++i)
                    ids.push_back(random_id(15));
            });
    }
    std::set<std::string> all;
    for (auto const& ids : made)
        all.insert(ids.begin(), ids.end());
    CHECK(all.size() == 8000);
}

TEST_CASE("a child process and its parent get different bytes") {
    std::array<std::uint8_t, 16> warm{}, ours{}, theirs{};
    fill_random(warm); // both now have the same buffer
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    auto const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        fill_random(theirs);
        auto const n = ::write(ends[1], theirs.data(), theirs.size());
        ::_exit(n == static_cast<ssize_t>(theirs.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    CHECK(::read(ends[0], theirs.data(), theirs.size()) == static_cast<ssize_t>(theirs.size()));
    ::close(ends[0]);
    int status = -1;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    fill_random(ours);
    CHECK(ours != theirs);
}

TEST_CASE("random_id is base64url without padding") {
    for (auto const& [bytes, chars] :
         {std::pair{0, 0}, {1, 2}, {2, 3}, {3, 4}, {15, 20}, {16, 22}}) {
        auto const id = random_id(static_cast<std::size_t>(bytes));
        INFO(id);
        CHECK(id.size() == static_cast<std::size_t>(chars));
        CHECK(id.find_first_not_of(
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == id.npos);
    }
}

TEST_CASE("a session id names its shard and node") {
    for (unsigned shard = 0; shard < 256; ++shard) {
        auto const tag = static_cast<std::uint16_t>(shard * 257 ^ 0x5a00);
        auto const sid = session_id::make(static_cast<std::uint8_t>(shard), tag);
        INFO(sid);
        REQUIRE(sid.size() == session_id::size);
        REQUIRE(session_id::shard_of(sid) == shard);
        REQUIRE(session_id::node_tag_of(sid) == (shard < 128 ? std::optional(tag) : std::nullopt));
    }
}

TEST_CASE(
    "a session id is 12 random bytes, 255 less the shard, node tag with its high byte first") {
    auto const sid = session_id::make(0x12, 0x3456);
    std::string raw;
    REQUIRE(base64_decode(sid, raw));
    REQUIRE(raw.size() == 15);
    CHECK(raw.substr(12) == "\xed\x34\x56");
    std::string other;
    REQUIRE(base64_decode(session_id::make(0x12, 0x3456), other));
    CHECK(raw.substr(0, 12) != other.substr(0, 12));
}

TEST_CASE("what cannot be a session id of ours has no shard") {
    CHECK(session_id::shard_of("AAAAAAAAAAAAAAAA-AEC") == 7);
    CHECK(session_id::node_tag_of("AAAAAAAAAAAAAAAA-AEC") == 0x0102);
    for (std::string_view bad :
         {"", "A", "AAAAAAAAAAAAAAAABwE", "AAAAAAAAAAAAAAAABwECA",
          "AAAAAAAAAAAAAAAABwE=", "AAAAAAAAAAAAAAAABw==", "AAAA+AAAAAAAAAAABwEC",
          "AAAA/AAAAAAAAAAABwEC", "AAAA AAAAAAAAAAABwEC",
          "AAAA\xff"
          "AAAAAAAAAAABwEC",
          "__proto__", "constructor", "AAAAAAAAAAAAAAAABwEC\n"}) {
        INFO(bad);
        CHECK_FALSE(session_id::shard_of(bad));
        CHECK_FALSE(session_id::node_tag_of(bad));
    }
}

TEST_CASE("an id that counts its sessions at the end names no node") {
    // As Node's engine.io and others do: 12 random bytes and the low three of a counter.
    for (std::uint32_t const counter : {1u, 5u, 0xffffu, 0x10005u, 0x7f0005u}) {
        std::string raw(12, '\x5a');
        for (int const shift : {16, 8, 0})
            raw += static_cast<char>(counter >> shift);
        std::string sid;
        append_base64url(sid, raw);
        INFO(sid);
        REQUIRE(sid.size() == session_id::size);
        CHECK_FALSE(session_id::node_tag_of(sid));
    }
}

TEST_CASE("secrets are equal only when every byte is") {
    CHECK(equal_secret("", ""));
    CHECK(equal_secret("token", "token"));
    CHECK_FALSE(equal_secret("token", "Token"));
    CHECK_FALSE(equal_secret("token", "tokeN"));
    CHECK_FALSE(equal_secret("token", "toke"));
    CHECK_FALSE(equal_secret("", "t"));
    CHECK_FALSE(equal_secret(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
    CHECK_FALSE(equal_secret("\x80", std::string_view("\0", 1)));
}
