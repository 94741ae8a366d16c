// Compressed websocket messages and the field that agrees on them. Byte 0 steers: bits 0 and 1 say
// whether the sides remember, bit 2 the limit, bit 3 what is fuzzed: the field, or frames.
#include "fuzz_support.hpp"

#include <mad/net/deflate.hpp>

#include <string>
#include <vector>

using namespace mad::net;

namespace {

void fuzz_field(std::string_view field) {
    ws_deflate_terms const wanted{true, false, 12, 10};
    auto const terms = accept_ws_deflate(field, wanted);
    if (terms && *terms) {
        FUZZ_CHECK((*terms)->server_max_window_bits <= 12 && (*terms)->server_max_window_bits >= 9);
        FUZZ_CHECK((*terms)->client_max_window_bits >= 8);
        // What we answer is an answer to what a client of these settings may have asked.
        FUZZ_CHECK(
            judge_ws_deflate(ws_deflate_answer(**terms), {false, false, 15, 15}).has_value());
    }
    (void)judge_ws_deflate(field, wanted);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const steer = in.byte();
    if (steer & 8) {
        fuzz_field(in.rest());
        return 0;
    }
    message_deflate_settings s;
    s.server_no_context_takeover = steer & 1;
    s.client_no_context_takeover = steer & 2;
    s.level = 1;
    ws_limits limits;
    if (steer & 4)
        limits.max_message_bytes = 100;
    auto const both = make_message_deflate(s);
    auto const terms = both->accept(both->offer()).value().value();
    auto const server = both->make(ws_role::server, terms);
    auto const client = both->make(ws_role::client, terms);

    // Frames of a server, so that no mask hides the bytes from the fuzzer.
    ws_decoder decoder(ws_role::client, limits);
    decoder.allow_compressed();
    std::vector<char> stream(in.rest().begin(), in.rest().end());
    std::span<char> rest(stream);
    for (;;) {
        ws_message m;
        auto const status = decoder.next(rest, m);
        if (!status || *status == ws_status::need_more)
            return 0;
        FUZZ_CHECK(!m.compressed || m.type == ws_opcode::text || m.type == ws_opcode::binary);
        std::string text(m.data.begin(), m.data.end());
        if (m.compressed) {
            auto const whole =
                client->inflate({m.data.data(), m.data.size()}, limits.max_message_bytes);
            if (!whole) {
                auto const code = close_code_of(whole.error());
                FUZZ_CHECK(code == 1007 || code == 1009);
                return 0;
            }
            FUZZ_CHECK(whole->size() <= limits.max_message_bytes);
            text.assign(whole->data(), whole->size());
        }
        // What we send the other side reads.
        if (auto const sent = client->deflate(text)) {
            std::string const copy(*sent);
            auto const back = server->inflate(copy, text.size());
            FUZZ_CHECK(back.has_value());
            FUZZ_CHECK(std::string_view(back->data(), back->size()) == text);
        }
    }
}
