// Where a tunnel is within a frame: in whatever pieces the bytes come, and handed over in between,
// it is the same; `feed_to_boundary` never takes more than a frame. Byte 0: the size of the pieces.
#include "fuzz_support.hpp"

#include <mad/proxy/frame_scan.hpp>

using mad::proxy::frame_scan;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    std::size_t const step = 1 + in.byte();
    frame_scan whole, pieces, frames;
    auto const text = in.rest();
    whole.feed(text);
    for (auto rest = text; !rest.empty();) {
        auto const piece = rest.substr(0, step);
        pieces = frame_scan::from(pieces.save());
        pieces.feed(piece);
        rest.remove_prefix(piece.size());
    }
    FUZZ_CHECK(pieces.at_boundary() == whole.at_boundary());
    FUZZ_CHECK(pieces.payload_left() == whole.payload_left());
    for (auto rest = text; !rest.empty();) {
        auto const n = frames.feed_to_boundary(rest);
        FUZZ_CHECK(n > 0 && n <= rest.size());
        FUZZ_CHECK(n == rest.size() || frames.at_boundary());
        rest.remove_prefix(n);
    }
    FUZZ_CHECK(frames.at_boundary() == whole.at_boundary());
    FUZZ_CHECK(frames.payload_left() == whole.payload_left());
    return 0;
}
