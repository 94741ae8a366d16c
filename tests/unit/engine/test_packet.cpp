#include <mad/engine/packet.hpp>

#include <catch2/catch.hpp>

#include <support/print_result.hpp>

#include <string>

using namespace mad;
using engine::packet_type;
using engine::packet_view;

TEST_CASE("types are their digits") {
    for (int i = 0; i < 7; ++i) {
        auto const type = static_cast<packet_type>(i);
        CHECK(engine::type_digit(type) == '0' + i);
        CHECK(engine::packet_type_of(engine::type_digit(type)) == type);
    }
    for (char c : {'7', '9', '/', 'b', ' ', '\0', '\xb0'})
        CHECK_FALSE(engine::packet_type_of(c));
}

TEST_CASE("a text frame is a digit and data, or b and base64") {
    struct row {
        std::string frame;
        packet_view packet;
    };
    using namespace std::string_view_literals;
    auto const r = GENERATE(values<row>({
        {"0{}", {packet_type::open, false, "{}"}},
        {"1", {packet_type::close, false, ""}},
        {"2", {packet_type::ping, false, ""}},
        {"2probe", {packet_type::ping, false, "probe"}},
        {"3probe", {packet_type::pong, false, "probe"}},
        {"4", {packet_type::message, false, ""}},
        {"4hello", {packet_type::message, false, "hello"}},
        {"4b", {packet_type::message, false, "b"}},
        {"40/\xc3\xbc,", {packet_type::message, false, "0/\xc3\xbc,"}},
        {"5", {packet_type::upgrade, false, ""}},
        {"6", {packet_type::noop, false, ""}},
        {"b", {packet_type::message, true, ""}},
        {"bAQIDBA==", {packet_type::message, true, "\1\2\3\4"sv}},
        {"bAQIDBA", {packet_type::message, true, "\1\2\3\4"sv}},
        {"b/wD+", {packet_type::message, true, "\xff\0\xfe"sv}},
        {"b_wD-", {packet_type::message, true, "\xff\0\xfe"sv}},
    }));
    std::string scratch = "left over";
    auto const p = engine::decode_text(r.frame, scratch);
    CAPTURE(r.frame);
    REQUIRE(p);
    CHECK(*p == r.packet);
    CHECK((p->binary ? p->data.data() == scratch.data() : p->data.data() == r.frame.data() + 1));
}

TEST_CASE("a text frame that is no packet is refused") {
    auto const frame = GENERATE(values<std::string>(
        {"", "abc", "7", "9x", " 4", "B", "-", "b!!!!", "bA", "bAQ=", "b\xc3\xa9", "\x1e"}));
    std::string scratch;
    CAPTURE(frame);
    CHECK(engine::decode_text(frame, scratch).error() == engine::error::bad_packet);
}

TEST_CASE("all of a binary frame is the message in revision 4") {
    CHECK(engine::decode_binary("\4\1\2") == packet_view{packet_type::message, true, "\4\1\2"});
    CHECK(engine::decode_binary("") == packet_view{packet_type::message, true, ""});
}

TEST_CASE("revision 3 names the type of bytes too") {
    using namespace std::string_view_literals;
    auto const rev = engine::revision::eio3;
    std::string scratch;
    auto const text = [&](std::string_view frame) {
        return engine::decode_text(frame, scratch, rev);
    };
    CHECK(text("4x").value() == packet_view{packet_type::message, false, "x"});
    CHECK(text("2probe").value() == packet_view{packet_type::ping, false, "probe"});
    CHECK(text("b4AQIDBA==").value() == packet_view{packet_type::message, true, "\1\2\3\4"});
    CHECK(text("b4").value() == packet_view{packet_type::message, true, ""});
    for (auto const bad : {"", "b", "bAQIDBA==", "b2AQ==", "b4!", "7", "x"})
        CHECK(text(bad).error() == engine::error::bad_packet);

    CHECK(engine::decode_binary("\4\1\2", rev).value() ==
          packet_view{packet_type::message, true, "\1\2"});
    CHECK(engine::decode_binary("\4", rev).value() == packet_view{packet_type::message, true, ""});
    for (auto const bad : {""sv, "4a"sv, "\0"sv, "\2"sv, "\5a"sv, "\xff"sv})
        CHECK(engine::decode_binary(bad, rev).error() == engine::error::bad_packet);
    CHECK(engine::decode_binary("\1", engine::revision::eio4).value() ==
          packet_view{packet_type::message, true, "\1"});
}

TEST_CASE("bytes are written in the form that the peer takes") {
    struct row {
        engine::revision rev;
        bool b64;
        std::string frame;
    };
    auto const r = GENERATE(values<row>({
        {engine::revision::eio4, false, "\1\2\3\4"},
        {engine::revision::eio4, true, "bAQIDBA=="},
        {engine::revision::eio3, false, "\4\1\2\3\4"},
        {engine::revision::eio3, true, "b4AQIDBA=="},
    }));
    auto const form = engine::binary_form_of(r.rev, r.b64);
    packet_view const bytes{packet_type::message, true, "\1\2\3\4"};
    std::string frame, scratch;
    engine::append_frame(frame, bytes, form);
    CHECK(frame == r.frame);
    CHECK(engine::is_text(form) == r.b64);
    CHECK((engine::is_text(form) ? engine::decode_text(frame, scratch, r.rev)
                                 : engine::decode_binary(frame, r.rev))
              .value() == bytes);
}

TEST_CASE("what is written as a frame is read as the same packet") {
    for (int type = 0; type < 7; ++type)
        for (std::string_view data : {"", "x", "probe", "\x1e", "b64"}) {
            packet_view const p{static_cast<packet_type>(type), false, data};
            std::string frame, scratch;
            engine::append_frame(frame, p);
            CHECK(engine::decode_text(frame, scratch).value() == p);
        }
    using namespace std::string_view_literals;
    packet_view const bytes{packet_type::message, true, "\4\0\xff"sv};
    std::string frame;
    engine::append_frame(frame, bytes);
    CHECK(engine::decode_binary(frame) == bytes);
}
