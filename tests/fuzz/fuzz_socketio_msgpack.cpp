// The reader of msgpack packets: what it takes is a packet that the text parser takes too, within
// the limits, and comes back the same when it is written again.
#include "fuzz_support.hpp"

#include <mad/core/json.hpp>
#include <mad/socketio/encoded.hpp>

#include <string>

using namespace mad::socketio;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    packet_limits limits;
    if (in.byte() & 1) {
        limits.max_attachments = 2;
        limits.max_attachment_bytes = 16;
        limits.max_name = 8;
        limits.json.max_depth = 3;
        limits.json.max_members = 2;
        limits.json.max_elements = 3;
    }
    auto const bytes = in.rest();
    auto const p = decode_msgpack(bytes, limits);
    if (!p) {
        FUZZ_CHECK(p.error());
        return 0;
    }
    FUZZ_CHECK(p->attachments.size() <= limits.max_attachments);
    FUZZ_CHECK(p->view.payload.size() <= 6 * bytes.size() + 64 * p->attachments.size());
    std::string text;
    append_header(text, p->view.type, p->view.attachments, p->view.nsp, p->view.id);
    text += p->view.payload;
    decoder d(limits);
    auto whole = d.feed_text(text);
    // A comma ends a namespace of the text form, and `?` and such are the application's.
    if (p->view.nsp.find(',') == std::string_view::npos) {
        FUZZ_CHECK(whole.has_value());
        FUZZ_CHECK(whole->has_value() == p->attachments.empty());
    }
    auto const first = read_arguments(*p);
    if (!p->view.is_event() && !p->view.is_ack())
        return 0;
    FUZZ_CHECK(first.has_value());
    encoded again("4" + text, p->attachments);
    auto const written = encode_msgpack(again.text().payload(), again.attachments());
    if (p->view.nsp.find(',') != std::string_view::npos)
        return 0;
    FUZZ_CHECK(!written.empty());
    packet_limits wide;
    wide.max_attachments = 1000;
    auto const second = decode_msgpack(written, wide);
    FUZZ_CHECK(second.has_value());
    FUZZ_CHECK(second->view.nsp == p->view.nsp && second->view.id == p->view.id);
    FUZZ_CHECK(read_arguments(*second).value().values.size() == first->values.size());
    return 0;
}
