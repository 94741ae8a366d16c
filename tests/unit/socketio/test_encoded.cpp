#include <mad/core/json.hpp>
#include <mad/socketio/encoded.hpp>

#include <catch2/catch.hpp>

#include <support/print_result.hpp>

#include <string>
#include <vector>

using namespace mad;
using socketio::arguments;
using socketio::decoder;
using socketio::encode_arguments;
using socketio::encode_packet;
using socketio::encoded;
using socketio::packet_limits;
using socketio::packet_type;

namespace {

std::vector<std::string> attachments_of(encoded const& e) {
    std::vector<std::string> out;
    for (auto const& a : e.attachments()) {
        CHECK(a.binary());
        out.emplace_back(a.payload());
    }
    return out;
}

std::string const one = R"({"_placeholder":true,"num":0})";

} // namespace

TEST_CASE("an event is one text message, its digit of the engine included") {
    auto const e = encode_packet(packet_type::event, "/", std::nullopt, "news", 1, true);
    CHECK(e.text().payload() == R"(42["news",1,true])");
    CHECK_FALSE(e.text().binary());
    CHECK(e.attachments().empty());
}

TEST_CASE("namespace and ack id stand in front of the arguments") {
    struct row {
        packet_type type;
        char const* nsp;
        std::optional<std::uint64_t> id;
        char const* text;
    };
    auto const r = GENERATE(values<row>({
        {packet_type::event, "/", {}, R"(42["x"])"},
        {packet_type::event, "/", 0, R"(420["x"])"},
        {packet_type::event, "/admin", 13, R"(42/admin,13["x"])"},
        {packet_type::ack, "/", 7, R"(437["x"])"},
        {packet_type::ack, "/admin", 18446744073709551615u,
         R"(43/admin,18446744073709551615["x"])"},
    }));
    CAPTURE(r.text);
    CHECK(encode_packet(r.type, r.nsp, r.id, "x").text().payload() == r.text);
    CHECK(encode_arguments(r.type, r.nsp, r.id,
                           r.type == packet_type::event ? std::optional<std::string_view>("x")
                                                        : std::nullopt,
                           r.type == packet_type::event ? arguments{} : arguments{{"x"}})
              .text()
              .payload() == r.text);
}

TEST_CASE("bytes follow as messages of their own") {
    auto const e = encode_packet(packet_type::event, "/", std::nullopt, "up", bytes{1, 2, 3});
    CHECK(e.text().payload() == R"(451-["up",)" + one + "]");
    CHECK(attachments_of(e) == std::vector<std::string>{"\1\2\3"});
    // The same block serves a websocket (with its header) and a polling body (without).
    CHECK(e.attachments()[0].frame() == std::string_view("\x82\3\1\2\3", 5));
    auto const reply = encode_packet(packet_type::ack, "/", 1, bytes{9});
    CHECK(reply.text().payload() == "461-1[" + one + "]");
}

TEST_CASE("arguments that were written before go out as they are, their bytes behind them") {
    using socketio::raw_args;
    raw_args const plain{R"(1,{"a":"b"})", {}};
    CHECK(encode_packet(packet_type::event, "/n", 3, "x", plain).text().payload() ==
          R"(42/n,3["x",1,{"a":"b"}])");
    CHECK(encode_packet(packet_type::ack, "/", 4, plain).text().payload() == R"(434[1,{"a":"b"}])");
    raw_args const binary{"2," + one, {"\7\10"}};
    auto const e = encode_packet(packet_type::event, "/", std::nullopt, "x", binary);
    CHECK(e.text().payload() == R"(451-["x",2,)" + one + "]");
    CHECK(attachments_of(e) == std::vector<std::string>{"\7\10"});
}

TEST_CASE("an ack without arguments is an empty list") {
    CHECK(encode_packet(packet_type::ack, "/", 3).text().payload() == "433[]");
    CHECK(encode_arguments(packet_type::ack, "/", 3, std::nullopt, {}).text().payload() == "433[]");
}

TEST_CASE("encoding one packet leaves nothing behind for the next") {
    auto const a = encode_packet(packet_type::event, "/", std::nullopt, std::string(100, 'a'));
    auto const b = encode_packet(packet_type::event, "/", std::nullopt, "b");
    CHECK(a.text().payload().size() == 106);
    CHECK(b.text().payload() == R"(42["b"])");
}

TEST_CASE("values of any number are encoded as single ones are") {
    json const deep = json::object({{"z", json::binary({1})}, {"a", 1.5}});
    arguments const args{{"text", 1, nullptr, deep, json::binary({2, 3})}};
    auto const e = encode_arguments(packet_type::event, "/n", std::nullopt, "ev", args);
    CHECK(e.text().payload() == R"(452-/n,["ev","text",1,null,{"z":)" + one +
                                    R"(,"a":1.5},{"_placeholder":true,"num":1}])");
    CHECK(attachments_of(e) == std::vector<std::string>{"\1", "\2\3"});
}

TEST_CASE("an event name is escaped like any text") {
    CHECK(encode_arguments(packet_type::event, "/", std::nullopt, "a\"b\n", {}).text().payload() ==
          R"(42["a\"b\n"])");
}

TEST_CASE("what was encoded is read as the same arguments") {
    packet_limits const limits;
    auto const args = GENERATE(
        values<arguments>({{},
                           {{1}},
                           {{"x", nullptr, false}},
                           {{json::array({1, json::array()})}},
                           {{json::binary({}), json::object({{"b", json::binary({0, 255})}})}}}));
    bool const event = GENERATE(true, false);
    auto const e =
        encode_arguments(event ? packet_type::event : packet_type::ack, "/", 5,
                         event ? std::optional<std::string_view>("ev") : std::nullopt, args);
    decoder d(limits);
    auto p = d.feed_text(e.text().payload().substr(1));
    REQUIRE(p);
    for (auto const& a : e.attachments()) {
        REQUIRE_FALSE(*p);
        p = d.feed_binary(a.payload());
        REQUIRE(p);
    }
    REQUIRE(*p);
    auto const back = read_arguments(**p);
    REQUIRE(back);
    CHECK(*back == args);
}

TEST_CASE("a packet without a payload has no arguments") {
    packet_limits const limits;
    decoder d(limits);
    auto const p = d.feed_text("2");
    REQUIRE(p);
    REQUIRE(*p);
    auto const args = read_arguments(**p);
    REQUIRE(args);
    CHECK(args->empty());
}

TEST_CASE("a copy is a reference, and outlives the original") {
    encoded copy;
    char const* where = nullptr;
    {
        auto const e = encode_packet(packet_type::event, "/", std::nullopt, "x", bytes{1});
        where = e.text().payload().data();
        copy = e;
    }
    CHECK(copy.text().payload().data() == where);
    CHECK(copy.text().payload() == R"(451-["x",)" + one + "]");
    CHECK(copy.attachments().size() == 1);
}

TEST_CASE("attachments are encoded once in each form that is asked for") {
    using engine::binary_form;
    auto const e =
        encode_packet(packet_type::event, "/", std::nullopt, "up", bytes{1, 2, 3, 4}, bytes{0xff});
    auto const copy = e;
    struct row {
        binary_form form;
        std::string first, second;
        bool binary;
    };
    for (auto const& r :
         std::vector<row>{{binary_form::bytes, "\1\2\3\4", "\xff", true},
                          {binary_form::typed_bytes, "\4\1\2\3\4", "\4\xff", true},
                          {binary_form::base64, "bAQIDBA==", "b/w==", false},
                          {binary_form::typed_base64, "b4AQIDBA==", "b4/w==", false}}) {
        auto const all = e.attachments(r.form);
        REQUIRE(all.size() == 2);
        CHECK(all[0].payload() == r.first);
        CHECK(all[1].payload() == r.second);
        CHECK(all[0].binary() == r.binary);
        // No second time, in copies neither.
        CHECK(copy.attachments(r.form).data() == all.data());

        std::vector<std::string> sent;
        CHECK(e.for_each(r.form, [&](net::wire_block const& b) {
            sent.emplace_back(b.payload());
            return true;
        }));
        CHECK(sent == std::vector<std::string>{std::string(e.text().payload()), r.first, r.second});
        int seen = 0;
        CHECK_FALSE(e.for_each(r.form, [&](net::wire_block const&) { return ++seen < 2; }));
        CHECK(seen == 2);
    }
    auto const plain = encode_packet(packet_type::event, "/", std::nullopt, "x");
    CHECK(plain.attachments(binary_form::typed_bytes).empty());
}
