#include <mad/socketio/parser.hpp>

#include <catch2/catch.hpp>

#include <support/allocations.hpp>
#include <support/print_result.hpp>

#include <string>

using namespace mad;
using namespace std::string_literals;
using socketio::decoder;
using socketio::error;
using socketio::packet;
using socketio::packet_limits;
using socketio::packet_type;

namespace {

packet_limits const defaults;

constexpr auto one_placeholder = R"(51-["echo",{"_placeholder":true,"num":0}])";

} // namespace

TEST_CASE("text without attachments is a packet at once, over the bytes that were fed") {
    decoder d(defaults);
    std::string const text = R"(2/admin,13["x"])";
    auto const p = d.feed_text(text);
    REQUIRE(p);
    REQUIRE(*p);
    CHECK((*p)->view.type == packet_type::event);
    CHECK((*p)->view.id == 13u);
    CHECK((*p)->view.nsp.data() == text.data() + 1);
    CHECK((*p)->view.payload.data() == text.data() + 10);
    CHECK((*p)->attachments.empty());
    CHECK_FALSE(d.waiting());
}

TEST_CASE("a binary packet is complete with its last attachment and owns what it shows") {
    decoder d(defaults);
    std::optional<packet> complete;
    {
        auto text =
            R"(52-/c,7["up",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]])"s;
        CHECK_FALSE(d.feed_text(text).value());
        CHECK(d.waiting());
        text.assign(text.size(), '?');
        auto bytes = "\1\2"s;
        CHECK_FALSE(d.feed_binary(bytes).value());
        bytes = "??";
        complete = d.feed_binary("").value();
    }
    REQUIRE(complete);
    CHECK_FALSE(d.waiting());
    auto const moved = std::move(*complete);
    complete.reset();
    CHECK(moved.view.type == packet_type::binary_event);
    CHECK(moved.view.nsp == "/c");
    CHECK(moved.view.id == 7u);
    CHECK(moved.view.payload ==
          R"(["up",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]])");
    REQUIRE(moved.attachments.size() == 2);
    CHECK(moved.attachments[0] == "\1\2");
    CHECK(moved.attachments[1].empty());
}

TEST_CASE("a binary packet without payload and in the root namespace is held too") {
    decoder d(defaults);
    CHECK_FALSE(d.feed_text("51-").value());
    auto const p = d.feed_binary("x");
    REQUIRE(p.value());
    CHECK((*p)->view.nsp == "/");
    CHECK((*p)->view.payload.empty());
}

TEST_CASE("text while attachments are awaited is an error, in any namespace") {
    for (std::string const next :
         {R"(2["echo",1])", R"(51-/custom,["echo",{"_placeholder":true,"num":0}])"}) {
        decoder d(defaults);
        CHECK_FALSE(d.feed_text(one_placeholder).value());
        CHECK(d.feed_text(next).error() == error::unexpected_text);
    }
}

TEST_CASE("bytes while no attachment is awaited are an error") {
    decoder d(defaults);
    CHECK(d.feed_binary("\1").error() == error::unexpected_binary);
    CHECK_FALSE(d.feed_text(one_placeholder).value());
    CHECK(d.feed_binary("\1").value());
    CHECK(d.feed_binary("\1").error() == error::unexpected_binary);
}

TEST_CASE("malformed text is an error and nothing is awaited") {
    decoder d(defaults);
    CHECK(d.feed_text("").error() == error::bad_type);
    CHECK(d.feed_text("51-[").error() == json_error::syntax);
    CHECK(d.feed_text(R"(51-["x",{"_placeholder":true,"num":1}])").error() ==
          error::bad_placeholder);
    CHECK_FALSE(d.waiting());
}

TEST_CASE("attachments are limited in bytes altogether") {
    packet_limits limits;
    limits.max_attachment_bytes = 10;
    decoder d(limits);
    CHECK_FALSE(d.feed_text(R"(52-["x"])").value());
    CHECK_FALSE(d.feed_binary("12345678").value());
    CHECK(d.feed_binary("123").error() == error::attachments_too_big);
    d.reset();
    CHECK_FALSE(d.feed_text(R"(52-["x"])").value());
    CHECK_FALSE(d.feed_binary("12345678").value());
    CHECK(d.feed_binary("12").value());
    CHECK_FALSE(d.feed_text(R"(51-["x"])").value());
    CHECK(d.feed_binary("12345678901").error() == error::attachments_too_big);
}

TEST_CASE("an unfinished packet can be forgotten") {
    decoder d(defaults);
    CHECK_FALSE(d.feed_text(one_placeholder).value());
    d.reset();
    CHECK_FALSE(d.waiting());
    CHECK(d.feed_text(R"(2["x"])").value());
}

TEST_CASE("an idle decoder is small") {
    CHECK(sizeof(decoder) <= 32);
}

TEST_CASE("text without attachments is read without an allocation") {
    decoder d(defaults);
    std::string const texts[] = {R"(2/admin,13["message",{"a":[1,2,{"b":"c"}]},null])", "0", "2",
                                 R"(2["a name that is longer than a small string",1])", "30[]"};
    std::size_t good = 0;
    auto const n = mad_test::allocations_of([&] {
        for (auto const& text : texts)
            good += d.feed_text(text).has_value();
    });
    CHECK(good == std::size(texts));
    CHECK(n == 0);
    auto const held = mad_test::allocations_of([&] { (void)d.feed_text(one_placeholder); });
    CHECK((held > 0) == mad_test::counts_allocations);
}
