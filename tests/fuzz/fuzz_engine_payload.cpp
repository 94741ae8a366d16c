// Polling bodies: what is read can be written and read again, and reading in pieces gives no more
// packets than the body has room for. Byte 0 steers: bit 0 binary body, bit 1 revision 3.
#include "fuzz_support.hpp"

#include <mad/core/utf8.hpp>
#include <mad/engine/payload.hpp>

#include <string>
#include <vector>

using namespace mad::engine;

namespace {

struct owned {
    packet_type type;
    bool binary;
    std::string data;

    bool operator==(owned const&) const = default;
};

bool read_all(revision rev, std::string_view body, bool binary, std::vector<owned>& out) {
    payload_reader reader(rev, body, binary);
    packet_view p;
    for (;;) {
        auto const more = reader.next(p);
        if (!more) {
            FUZZ_CHECK(reader.next(p).error() == more.error());
            return false;
        }
        if (!*more)
            return true;
        FUZZ_CHECK(p.binary ? p.type == packet_type::message : mad::is_utf8(p.data));
        out.push_back({p.type, p.binary, std::string(p.data)});
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const steer = in.byte();
    auto const body = in.rest();
    auto const rev = steer & 2 ? revision::eio3 : revision::eio4;

    std::vector<owned> packets, again;
    bool const good = read_all(rev, body, steer & 1, packets);
    FUZZ_CHECK(packets.size() <= body.size() / 2 + 1);
    FUZZ_CHECK(!good || rev == revision::eio3 || !packets.empty()); // `0:` holds none
    if (packets.empty())
        return 0;

    std::string written;
    std::size_t expected = 0;
    for (auto const& p : packets) {
        packet_view const view{p.type, p.binary, p.data};
        expected += payload_size(rev, view, written.empty());
        append_payload(rev, written, view, written.empty());
    }
    FUZZ_CHECK(written.size() == expected);
    FUZZ_CHECK(read_all(rev, written, false, again) && again == packets);
    if (rev == revision::eio4)
        return 0;

    std::string frame;
    written.clear();
    again.clear();
    for (auto const& p : packets) {
        frame.clear();
        append_frame(frame, {p.type, p.binary, p.data}, binary_form::typed_bytes);
        append_payload_binary(written, frame, p.binary);
    }
    FUZZ_CHECK(read_all(rev, written, true, again) && again == packets);
    return 0;
}
