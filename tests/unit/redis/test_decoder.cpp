#include <mad/redis/decoder.hpp>

#include <catch2/catch.hpp>
#include <support/print_result.hpp>

#include <string>
#include <vector>

using namespace mad;
using redis::reply;

namespace {

std::vector<reply> decode(std::string_view bytes, std::size_t step, std::size_t limit = 1 << 20) {
    redis::decoder d(limit);
    std::vector<reply> out;
    while (!bytes.empty()) {
        auto const piece = bytes.substr(0, step);
        bytes.remove_prefix(piece.size());
        d.feed({piece.data(), piece.size()});
        for (auto more = d.next(); more.value(); more = d.next())
            out.push_back(std::move(d.current()));
    }
    return out;
}

error_code failure(std::string_view bytes, std::size_t limit = 1 << 20) {
    redis::decoder d(limit);
    d.feed({bytes.data(), bytes.size()});
    for (;;) {
        auto const r = d.next();
        if (!r)
            return r.error();
        if (!*r)
            return {};
    }
}

} // namespace

TEST_CASE("replies are read whatever the pieces they come in") {
    auto const step = GENERATE(1u, 2u, 3u, 7u, 1000u);
    auto const bytes = "+OK\r\n-ERR no\r\n:-42\r\n" + std::string("$3\r\na\0b\r\n", 9) +
                       "$-1\r\n*-1\r\n$0\r\n\r\n*0\r\n"
                       "*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*1\r\n+s\r\n$2\r\nyz\r\n";
    auto const all = decode(bytes, step);
    std::vector<reply> const expected{
        reply::make_status("OK"),
        reply::make_error("ERR no"),
        reply::make_integer(-42),
        reply::make_string(std::string("a\0b", 3)),
        reply(),
        reply(),
        reply::make_string(""),
        reply::make_array({}),
        reply::make_array({reply::make_integer(1),
                           reply::make_array({reply::make_string("x"),
                                              reply::make_array({reply::make_status("s")})}),
                           reply::make_string("yz")}),
    };
    CHECK(all == expected);
}

TEST_CASE("a reply that is reused holds nothing of the one before") {
    redis::decoder d(1 << 20);
    auto const read = [&](std::string_view bytes) {
        d.feed({bytes.data(), bytes.size()});
        REQUIRE(d.next().value());
        return d.current();
    };
    read("*3\r\n*2\r\n$1\r\nx\r\n:5\r\n$4\r\nlong\r\n:7\r\n");
    CHECK(read("*2\r\n:1\r\n$-1\r\n") == reply::make_array({reply::make_integer(1), reply()}));
    CHECK(read("+OK\r\n") == reply::make_status("OK"));
    CHECK(read("*1\r\n*0\r\n") == reply::make_array({reply::make_array({})}));
}

TEST_CASE("what is no reply ends the connection") {
    struct row {
        std::string bytes;
        redis::error expected;
    };
    std::string deep;
    for (int i = 0; i < 20; ++i)
        deep += "*1\r\n";
    auto const r = GENERATE_COPY(values<row>({
        {"HTTP/1.1 400 Bad Request\r\n", redis::error::bad_reply},
        {"?\r\n", redis::error::bad_reply},
        {deep + ":1\r\n", redis::error::bad_reply},
        {"$2000000\r\n" + std::string(1'100'000, 'x'), redis::error::reply_too_large},
        {"$1060000\r\n" + std::string(1'048'500, 'x') + "\r\n", redis::error::none},
        {"+" + std::string(1'100'000, 'x'), redis::error::reply_too_large},
    }));
    CAPTURE(r.bytes.substr(0, 30));
    if (r.expected == redis::error::none)
        CHECK_FALSE(failure(r.bytes));
    else
        CHECK(failure(r.bytes) == r.expected);
}

TEST_CASE("a header's claim takes no memory, and items count against the limit") {
    CHECK_FALSE(failure("*2000000000\r\n:1\r\n"));
    std::string many = "*100000\r\n";
    for (int i = 0; i < 100'000; ++i)
        many += ":1\r\n";
    CHECK(failure(many, 1 << 20) == redis::error::reply_too_large);
    CHECK_FALSE(failure(many, 1 << 24));
}

TEST_CASE("an array longer than what is taken at once comes whole") {
    std::string many = "*3000\r\n";
    for (int i = 0; i < 3000; ++i)
        many += ":" + std::to_string(i) + "\r\n";
    auto const all = decode(many, 1000);
    REQUIRE(all.size() == 1);
    REQUIRE(all[0].size() == 3000);
    for (int i = 0; i < 3000; ++i)
        REQUIRE(all[0][static_cast<std::size_t>(i)].integer() == i);
}

TEST_CASE("a reply reads as what it is") {
    auto const r = reply::make_array({reply::make_string("a"), reply::make_integer(1),
                                      reply::make_string("b"), reply::make_string("2"),
                                      reply::make_string("c"), reply::make_string("x2")});
    CHECK(r.find("a")->integer() == 1);
    CHECK(r.find("b")->as_integer() == 2);
    CHECK_FALSE(r.find("c")->as_integer());
    CHECK(r.find("2") == nullptr);
    CHECK(r[5].text() == "x2");
    CHECK(r[6].is_nil());
    CHECK(reply::make_status("OK").ok());
    CHECK_FALSE(reply::make_string("OK").ok());
    CHECK(reply::make_error("MOVED 1 a:2").code() == redis::error::moved);
    CHECK(checked(reply::make_error("OOM x")).error() == redis::error::out_of_memory);
    CHECK(checked(reply::make_string("x")).value().text() == "x");
}
