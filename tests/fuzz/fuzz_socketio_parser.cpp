// A connection's worth of messages for one decoder. Each message of the input is a length byte
// (255: all the rest) and that many bytes; it is fed as text, or as bytes when the decoder waits
// for them. Byte 0 steers: bits 0 to 1 limits, bit 2 feeds the wrong kind.
#include "fuzz_support.hpp"

#include <mad/socketio/parser.hpp>

#include <string>

using namespace mad;
using namespace mad::socketio;

namespace {

packet_limits limits_of(std::uint8_t steer) {
    packet_limits limits;
    if (steer & 1) {
        limits.max_attachment_bytes = 16;
        limits.max_attachments = 3;
        limits.max_name = 8;
    }
    if (steer & 2)
        limits.json = {.max_depth = 4, .max_members = 3, .max_elements = 3};
    return limits;
}

void check(packet const& p, packet_limits const& limits) {
    auto const& v = p.view;
    bool const binary = v.type == packet_type::binary_event || v.type == packet_type::binary_ack;
    FUZZ_CHECK(binary ? v.attachments > 0 : v.attachments == 0);
    FUZZ_CHECK(v.attachments <= limits.max_attachments && p.attachments.size() == v.attachments);
    std::size_t bytes = 0;
    for (auto const& a : p.attachments)
        bytes += a.size();
    FUZZ_CHECK(bytes <= limits.max_attachment_bytes);
    FUZZ_CHECK(!v.nsp.empty() && v.nsp[0] == '/');
    FUZZ_CHECK(v.payload.empty() || scan_json(v.payload, limits.json) ||
               scan_json(v.payload, limits.json).error() == json_error::too_many_elements);
    if (v.is_event()) {
        auto const name = event_name(v).text();
        FUZZ_CHECK(name.size() <= limits.max_name && !is_reserved_event(name));
    }

    // Written again it is the same packet.
    std::string text;
    append_header(text, v.type, v.attachments, v.nsp, v.id);
    text += v.payload;
    auto const again = parse_packet(text, limits);
    FUZZ_CHECK(again && again->type == v.type && again->attachments == v.attachments);
    FUZZ_CHECK(again->nsp == v.nsp && again->id == v.id && again->payload == v.payload);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const steer = in.byte();
    auto const limits = limits_of(steer);
    decoder d(limits);
    while (!in.rest().empty()) {
        auto const length = in.byte();
        // In memory of its own, so that a view that outlives it is noticed.
        std::string const message(in.take(length == 255 ? in.rest().size() : length));
        bool const waiting = d.waiting();
        bool const wrong = steer & 4;
        auto p = waiting != wrong ? d.feed_binary(message) : d.feed_text(message);
        FUZZ_CHECK(!wrong || !p);
        if (!p) {
            d.reset();
            continue;
        }
        FUZZ_CHECK(p->has_value() != d.waiting());
        if (*p) {
            packet const moved = std::move(**p);
            check(moved, limits);
        }
    }
    return 0;
}
