// What RFC 6455 forbids, as rows: bytes in hexadecimal, the error, and when it is seen.
#include "test_ws_frame_support.hpp"

#include <catch2/catch.hpp>

using namespace mad_test;

namespace {

struct bad_row {
    std::string_view name;
    std::string bytes;
    ws_error error;
    /// How many bytes are fine; the next one brings the error.
    std::size_t good_bytes;
    ws_role role = ws_role::server;
    ws_limits limits{.max_message_bytes = 70'000, .max_fragments = 3};
};

std::string repeat(std::string_view s, std::size_t n) {
    std::string out;
    while (n-- > 0)
        out += s;
    return out;
}

/// A masked close frame with this code and reason; the mask is zero, so the bytes are readable.
std::string close_frame(unsigned code, std::string_view reason = "") {
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 255)};
    return client_frame(ws_opcode::close, payload.append(reason), true, 0);
}

std::vector<bad_row> framing_rows() {
    auto const text = client_frame(ws_opcode::text, "ab");
    auto const open = client_frame(ws_opcode::text, "ab", false);
    auto const ping = client_frame(ws_opcode::ping, "p");
    std::vector<bad_row> rows{
        // 5.2: reserved bits without an extension
        {"RSV1 on text", unhex("c1 80 00000000"), ws_error::reserved_bits, 0},
        {"RSV2 on text", unhex("a1 80 00000000"), ws_error::reserved_bits, 0},
        {"RSV3 on text", unhex("91 80 00000000"), ws_error::reserved_bits, 0},
        {"all RSV on binary", unhex("f2 80 00000000"), ws_error::reserved_bits, 0},
        {"RSV1 on a ping", unhex("c9 80 00000000"), ws_error::reserved_bits, 0},
        {"RSV1 on a close", unhex("c8 80 00000000"), ws_error::reserved_bits, 0},
        {"RSV2 on a continuation", open + unhex("a0 80 00000000"), ws_error::reserved_bits,
         open.size()},
        {"RSV1 behind a good frame", text + unhex("c1 80 00000000"), ws_error::reserved_bits,
         text.size()},
        // 5.1, 5.3: masks
        {"a client's frame in clear", unhex("81 05 48656c6c6f"), ws_error::not_masked, 1},
        {"a client's empty frame in clear", unhex("82 00"), ws_error::not_masked, 1},
        {"a client's ping in clear", unhex("89 00"), ws_error::not_masked, 1},
        {"a client's long frame in clear", unhex("82 7f 0000000000010000"), ws_error::not_masked,
         1},
        {"a server's masked frame", unhex("81 85 37fa213d 7f9f4d5158"), ws_error::masked, 1,
         ws_role::client},
        {"a server's masked close", unhex("88 80 00000000"), ws_error::masked, 1, ws_role::client},
        // 5.2: lengths
        {"125 in two bytes", unhex("82 fe 007d 00000000"), ws_error::length_not_minimal, 7},
        {"0 in two bytes", unhex("82 fe 0000 00000000"), ws_error::length_not_minimal, 7},
        {"65535 in eight bytes", unhex("82 ff 000000000000ffff 00000000"),
         ws_error::length_not_minimal, 13},
        {"125 in eight bytes", unhex("82 ff 000000000000007d 00000000"),
         ws_error::length_not_minimal, 13},
        {"125 in two bytes of a server", unhex("82 7e 007d"), ws_error::length_not_minimal, 3,
         ws_role::client},
        {"65535 in eight bytes of a server", unhex("82 7f 000000000000ffff"),
         ws_error::length_not_minimal, 9, ws_role::client},
        {"the top bit of the length", unhex("82 ff 8000000000000000 00000000"),
         ws_error::length_out_of_range, 13},
        {"all bits of the length", unhex("82 ff ffffffffffffffff 00000000"),
         ws_error::length_out_of_range, 13},
        {"the top bit of a server's length", unhex("82 7f 8000000000010000"),
         ws_error::length_out_of_range, 9, ws_role::client},
        // 5.5: control frames
        {"a close without FIN", unhex("08 80 00000000"), ws_error::control_fragmented, 0},
        {"a ping without FIN", unhex("09 80 00000000"), ws_error::control_fragmented, 0},
        {"a pong without FIN", unhex("0a 80 00000000"), ws_error::control_fragmented, 0},
        {"a ping of 126 bytes", unhex("89 fe 007e 00000000"), ws_error::control_too_long, 1},
        {"a pong of 65536 bytes", unhex("8a ff 0000000000010000 00000000"),
         ws_error::control_too_long, 1},
        {"a close of 126 bytes", unhex("88 fe 007e 00000000"), ws_error::control_too_long, 1},
        {"a server's ping of 126 bytes", unhex("89 7e 007e"), ws_error::control_too_long, 1,
         ws_role::client},
        // 5.4: fragments
        {"a continuation first", unhex("80 80 00000000"), ws_error::unexpected_continuation, 0},
        {"an open continuation first", unhex("00 80 00000000"), ws_error::unexpected_continuation,
         0},
        {"a continuation behind a whole message", text + unhex("80 80 00000000"),
         ws_error::unexpected_continuation, text.size()},
        {"a continuation behind a ping", ping + unhex("80 80 00000000"),
         ws_error::unexpected_continuation, ping.size()},
        {"a continuation behind the last one",
         open + client_frame(ws_opcode::continuation, "c") + unhex("80 80 00000000"),
         ws_error::unexpected_continuation, open.size() + 7},
        {"text inside a fragmented text", open + text, ws_error::expected_continuation,
         open.size()},
        {"binary inside a fragmented text", open + unhex("82 80 00000000"),
         ws_error::expected_continuation, open.size()},
        {"an open text inside a fragmented text", open + open, ws_error::expected_continuation,
         open.size()},
        {"text inside a fragmented text, a ping between", open + ping + text,
         ws_error::expected_continuation, open.size() + ping.size()},
        // limits
        {"one byte over the limit", unhex("82 ff 0000000000011171 00000000"),
         ws_error::message_too_big, 13},
        {"the largest length there is", unhex("82 ff 7fffffffffffffff 00000000"),
         ws_error::message_too_big, 13},
        {"fragments over the limit together",
         client_frame(ws_opcode::binary, std::string(69'999, 'x'), false) + unhex("80 82 00000000"),
         ws_error::message_too_big, 14 + 69'999 + 5},
        {"a huge fragment behind a small one",
         client_frame(ws_opcode::binary, "x", false) + unhex("80 ff 7fffffffffffffff 00000000"),
         ws_error::message_too_big, 7 + 13},
        {"a fourth of three fragments",
         client_frame(ws_opcode::text, "a", false) +
             repeat(client_frame(ws_opcode::continuation, "b", false), 2) + unhex("80 80 00000000"),
         ws_error::too_many_fragments, 3 * 7 + 5},
        {"a fourth of three empty fragments",
         unhex("01 80 00000000") + repeat(unhex("00 80 00000000"), 3), ws_error::too_many_fragments,
         3 * 6 + 5},
    };
    for (int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
        for (int fin : {0, 0x80}) {
            std::string const first(1, static_cast<char>(fin | opcode));
            rows.push_back(
                {"an unknown opcode", first + unhex("80 00000000"), ws_error::unknown_opcode, 0});
        }
    }
    return rows;
}

std::vector<bad_row> close_rows() {
    std::vector<bad_row> rows{
        {"a close of one byte", unhex("88 81 00000000 03"), ws_error::close_payload_too_short, 6},
        {"a close whose reason is not UTF-8", close_frame(1000, "ab\xff"), ws_error::bad_utf8, 10},
        {"a close whose reason is cut short", close_frame(1000, "ab\xe2\x82"), ws_error::bad_utf8,
         11},
        {"a close whose reason holds a surrogate", close_frame(1000, "\xed\xa0\x80"),
         ws_error::bad_utf8, 10},
    };
    for (unsigned code : {0u, 1u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 2000u, 2999u,
                          5000u, 9999u, 65535u})
        rows.push_back(
            {"a close code that must not be sent", close_frame(code), ws_error::bad_close_code, 7});
    return rows;
}

std::vector<bad_row> text_rows() {
    auto const text = [](std::string_view payload, bool fin = true) {
        return client_frame(ws_opcode::text, payload, fin, 0);
    };
    auto const more = [](std::string_view payload, bool fin = true) {
        return client_frame(ws_opcode::continuation, payload, fin, 0);
    };
    return {
        {"text with a lone continuation byte", text("a\x80"), ws_error::bad_utf8, 7},
        {"text with an overlong slash", text("\xc0\xaf"), ws_error::bad_utf8, 6},
        {"text with a surrogate", text("\xed\xa0\x80"), ws_error::bad_utf8, 7},
        {"text above U+10FFFF", text("\xf4\x90\x80\x80"), ws_error::bad_utf8, 7},
        {"a bad byte early in a long text", text("ab\xff" + std::string(60'000, 'x')),
         ws_error::bad_utf8, 8 + 2},
        {"text that ends inside a character", text("ab\xe2\x82"), ws_error::bad_utf8, 9},
        {"a fragmented text that ends inside a character", text("a", false) + more("\xe2\x82"),
         ws_error::bad_utf8, 7 + 7},
        {"an empty last fragment leaves a character open", text("\xe2\x82", false) + more(""),
         ws_error::bad_utf8, 8 + 5},
        {"a character broken across fragments", text("\xe2", false) + more("\x41"),
         ws_error::bad_utf8, 7 + 6},
        {"a character broken across fragments, a ping between",
         text("\xf0\x9f", false) + client_frame(ws_opcode::ping, "\xff") + more("\x98\xff"),
         ws_error::bad_utf8, 8 + 7 + 7},
        {"a bad byte in a fragment that is not the last", text("a\xff", false), ws_error::bad_utf8,
         7},
    };
}

std::vector<bad_row> all_rows() {
    auto rows = framing_rows();
    for (auto const& more : {close_rows(), text_rows()})
        rows.insert(rows.end(), more.begin(), more.end());
    return rows;
}

} // namespace

TEST_CASE("each breach of RFC 6455 ends the stream with its error") {
    for (auto const& r : all_rows()) {
        INFO(r.name);
        CHECK(decode(r.role, r.limits, {r.bytes}).error == r.error);
    }
}

TEST_CASE("each breach is seen as soon as its byte has arrived, not earlier and not later") {
    for (auto const& r : all_rows()) {
        INFO(r.name);
        auto const bytes = std::string_view(r.bytes);
        CHECK_FALSE(decode(r.role, r.limits, {bytes.substr(0, r.good_bytes)}).error);
        CHECK(decode(r.role, r.limits, {bytes.substr(0, r.good_bytes + 1)}).error == r.error);
        CHECK(
            decode(r.role, r.limits, {bytes.substr(0, r.good_bytes), bytes.substr(r.good_bytes, 1)})
                .error == r.error);
    }
}

TEST_CASE("a breach is seen wherever the stream is split") {
    for (auto const& r : all_rows()) {
        INFO(r.name);
        auto const bytes = std::string_view(r.bytes);
        // Long payloads: only near their ends.
        for (std::size_t at = 0; at <= bytes.size(); ++at) {
            if (at > 40 && at + 40 < bytes.size())
                at = bytes.size() - 40;
            if (decode(r.role, r.limits, {bytes.substr(0, at), bytes.substr(at)}).error !=
                r.error) {
                INFO("split at " << at);
                FAIL();
            }
        }
    }
}

TEST_CASE("what came whole before a breach is delivered") {
    auto const stream = client_frame(ws_opcode::text, "one") +
                        client_frame(ws_opcode::ping, "two") + unhex("83 80 00000000") +
                        client_frame(ws_opcode::text, "three");
    auto const seen = decode(ws_role::server, stream);
    CHECK(seen.events == std::vector<event>{{ws_opcode::text, "one"}, {ws_opcode::ping, "two"}});
    CHECK(seen.error == ws_error::unknown_opcode);
}

TEST_CASE("an error is final") {
    ws_limits const limits;
    ws_decoder decoder(ws_role::server, limits);
    outcome seen;
    CHECK_FALSE(feed(decoder, unhex("81 00"), seen));
    for (int i = 0; i < 3; ++i) {
        seen = {};
        CHECK_FALSE(feed(decoder, client_frame(ws_opcode::text, "fine"), seen));
        CHECK(seen.error == ws_error::not_masked);
        CHECK(seen.events.empty());
    }
}

TEST_CASE("errors have a close code, a category and a text each") {
    struct row {
        ws_error error;
        std::uint16_t code;
    };
    std::vector<std::string> texts;
    for (auto const& r : {row{ws_error::reserved_bits, 1002},
                          {ws_error::unknown_opcode, 1002},
                          {ws_error::not_masked, 1002},
                          {ws_error::masked, 1002},
                          {ws_error::length_not_minimal, 1002},
                          {ws_error::length_out_of_range, 1002},
                          {ws_error::control_fragmented, 1002},
                          {ws_error::control_too_long, 1002},
                          {ws_error::close_payload_too_short, 1002},
                          {ws_error::bad_close_code, 1002},
                          {ws_error::bad_utf8, 1007},
                          {ws_error::unexpected_continuation, 1002},
                          {ws_error::expected_continuation, 1002},
                          {ws_error::message_too_big, 1009},
                          {ws_error::too_many_fragments, 1009}}) {
        mad::error_code const e = r.error;
        INFO(e.message());
        CHECK(e);
        CHECK(close_code_of(e) == r.code);
        CHECK(std::string_view(e.category().name()) == "mad.websocket");
        CHECK(std::find(texts.begin(), texts.end(), e.message()) == texts.end());
        texts.push_back(e.message());
    }
    CHECK_FALSE(make_error_code(ws_error::none));
    CHECK(close_code_of({}) == 1000);
    CHECK(close_code_of(make_error_code(boost::system::errc::connection_reset)) == 1011);
}
