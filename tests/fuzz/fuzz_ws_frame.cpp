// The websocket decoder: whatever comes, in whatever pieces, it gives the same, and what it gives
// is legal. Byte 0 steers: bit 0 role, bits 1 to 2 limits; byte 1 the size of the pieces.
#include "fuzz_support.hpp"

#include <mad/net/ws_frame.hpp>

#include <string>
#include <vector>

using namespace mad::net;

namespace {

struct event {
    ws_opcode type;
    std::string data;
    std::uint16_t close_code;

    bool operator==(event const&) const = default;
};

struct outcome {
    std::vector<event> events;
    mad::error_code error;

    bool operator==(outcome const&) const = default;
};

/// Decodes `stream` in pieces of `step` bytes, each in memory of its own.
outcome decode(ws_role role, ws_limits const& limits, std::string_view stream, std::size_t step) {
    ws_decoder decoder(role, limits);
    outcome seen;
    do {
        std::vector<char> piece(stream.begin(), stream.begin() + std::min(step, stream.size()));
        stream.remove_prefix(piece.size());
        std::span<char> in(piece);
        for (;;) {
            auto const before = in.size();
            ws_message m;
            auto const status = decoder.next(in, m);
            FUZZ_CHECK(in.size() <= before);
            if (!status) {
                seen.error = status.error();
                FUZZ_CHECK(seen.error);
                auto const code = close_code_of(seen.error);
                FUZZ_CHECK(code == 1002 || code == 1007 || code == 1009);
                return seen;
            }
            if (*status == ws_status::need_more) {
                FUZZ_CHECK(in.empty());
                break;
            }
            FUZZ_CHECK(in.size() < before || before == 0);
            seen.events.push_back({m.type, {m.data.begin(), m.data.end()}, m.close_code});
        }
    } while (!stream.empty());
    return seen;
}

void check_legal(event const& e, ws_limits const& limits) {
    switch (e.type) {
    case ws_opcode::text:
        FUZZ_CHECK(mad::is_utf8(e.data));
        [[fallthrough]];
    case ws_opcode::binary:
        FUZZ_CHECK(e.data.size() <= limits.max_message_bytes);
        break;
    case ws_opcode::ping:
    case ws_opcode::pong:
        FUZZ_CHECK(e.data.size() <= 125);
        break;
    case ws_opcode::close:
        FUZZ_CHECK(e.data.size() <= 123 && mad::is_utf8(e.data));
        FUZZ_CHECK(e.close_code == 1005 ? e.data.empty() : is_ws_close_code(e.close_code));
        break;
    case ws_opcode::continuation:
        FUZZ_CHECK(false);
        break;
    }
}

/// The event as one frame, so that what was decoded can be decoded again.
std::string frame_of(ws_role role, event const& e) {
    auto payload = e.data;
    if (e.type == ws_opcode::close)
        payload = ws_close_payload(e.close_code, e.data);
    std::string frame(max_ws_header_bytes, '\0');
    if (role == ws_role::client) {
        frame.resize(write_ws_header(frame.data(), e.type, true, payload.size()));
    } else {
        frame.resize(write_ws_header(frame.data(), e.type, true, payload.size(), 0xa5c3f00fu));
        ws_mask(payload, 0xa5c3f00fu);
    }
    return frame + payload;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const steer = in.byte();
    auto const role = steer & 1 ? ws_role::client : ws_role::server;
    ws_limits limits;
    if (steer & 2)
        limits.max_message_bytes = 64;
    if (steer & 4)
        limits.max_fragments = 3;
    std::size_t const step = 1 + in.byte();
    auto const stream = in.rest();

    auto const whole = decode(role, limits, stream, std::max<std::size_t>(stream.size(), 1));
    FUZZ_CHECK(decode(role, limits, stream, step) == whole);
    FUZZ_CHECK(decode(role, limits, stream, 1) == whole);

    std::string again;
    for (auto const& e : whole.events) {
        check_legal(e, limits);
        again += frame_of(role, e);
    }
    auto const second = decode(role, limits, again, std::max<std::size_t>(again.size(), 1));
    FUZZ_CHECK(!second.error && second.events == whole.events);
    return 0;
}
