// Single packets, open packets and handshakes. The input is a text frame; its data is read as an
// open packet and as a query too. Byte 0 steers what `judge` is told.
#include "fuzz_support.hpp"

#include <mad/engine/handshake.hpp>
#include <mad/engine/packet.hpp>

#include <string>

using namespace mad::engine;

namespace {

void check_frame(std::string_view frame, revision rev) {
    std::string scratch, again, other;
    auto const p = decode_text(frame, scratch, rev);
    if (!p) {
        FUZZ_CHECK(p.error() == error::bad_packet);
        return;
    }
    append_frame(again, *p, binary_form_of(rev, false));
    FUZZ_CHECK(p->binary ? decode_binary(again, rev).value() == *p : again == frame);
    again.clear();
    append_frame(again, *p, binary_form_of(rev, true));
    FUZZ_CHECK(decode_text(again, other, rev).value() == *p);
}

void check_open(std::string_view data) {
    auto const info = decode_open(data);
    if (!info) {
        FUZZ_CHECK(info.error() == error::bad_open);
        return;
    }
    std::string_view const websocket[] = {"websocket"};
    auto const upgrades = std::span(websocket).first(info->upgrade_to_websocket ? 1 : 0);
    auto const frame = encode_open(info->sid, upgrades, info->ping_interval.count(),
                                   info->ping_timeout.count(), info->max_payload.value_or(0));
    auto const again = decode_open(std::string_view(frame).substr(1));
    FUZZ_CHECK(again && again->sid == info->sid);
    FUZZ_CHECK(again->upgrade_to_websocket == info->upgrade_to_websocket);
    FUZZ_CHECK(again->ping_interval == info->ping_interval);
    FUZZ_CHECK(again->ping_timeout == info->ping_timeout);
    FUZZ_CHECK(again->max_payload == info->max_payload);
}

void check_judge(std::uint8_t steer, std::string_view query) {
    auto const q = parse_request_query(query);
    auto const method = static_cast<request_method>(steer % 3);
    std::optional<known_session> session;
    if (steer & 4)
        session = known_session{steer & 8 ? revision::eio3 : revision::eio4,
                                steer & 16 ? transport_kind::websocket : transport_kind::polling,
                                (steer & 32) != 0};
    handshake_settings settings;
    settings.allow_eio3 = steer & 64;
    auto const v = judge(method, steer & 128, q, session, settings);
    if (!v) {
        FUZZ_CHECK(answer_of(static_cast<error>(v.error().value())));
        return;
    }
    FUZZ_CHECK(q.transport == "polling" || q.transport == "websocket");
    FUZZ_CHECK(*v == verdict::close_websocket || q.eio.has_value());
    FUZZ_CHECK((*v == verdict::open) <= q.sid.empty());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const steer = in.byte();
    auto const frame = in.rest();
    check_frame(frame, revision::eio4);
    check_frame(frame, revision::eio3);
    check_open(frame.substr(frame.empty() ? 0 : 1));
    check_judge(steer, frame);
    return 0;
}
