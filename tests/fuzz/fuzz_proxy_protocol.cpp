// PROXY headers of both versions: any bytes, whole and in every beginning; what they say can be
// written and read again.
#include "fuzz_support.hpp"

#include <mad/proxy/proxy_protocol.hpp>

#include <string>

using namespace mad::proxy;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    proxy_header h;
    auto const state = parse_proxy_header(text, h);
    if (state != proxy_header_state::done) {
        FUZZ_CHECK(h.bytes == 0 && !h.source && !h.destination);
        return 0;
    }
    FUZZ_CHECK(h.bytes <= size && h.bytes <= 4096);
    FUZZ_CHECK(h.version == 1 || h.version == 2);
    FUZZ_CHECK(h.source.has_value() == h.destination.has_value());

    // What follows is none of its business, and a part of it is not enough.
    proxy_header part;
    FUZZ_CHECK(parse_proxy_header(text.substr(0, h.bytes), part) == proxy_header_state::done);
    FUZZ_CHECK(part.source == h.source && part.bytes == h.bytes);
    for (std::size_t n = 0; n < std::min<std::size_t>(h.bytes, 200); ++n)
        FUZZ_CHECK(parse_proxy_header(text.substr(0, n), part) == proxy_header_state::more);

    if (!h.source)
        return 0;
    for (auto* const write : {&append_proxy_header_v1, &append_proxy_header_v2}) {
        std::string out;
        write(out, *h.source, *h.destination);
        FUZZ_CHECK(parse_proxy_header(out, part) == proxy_header_state::done);
        FUZZ_CHECK(part.bytes == out.size());
        FUZZ_CHECK(part.source->port() == h.source->port());
        FUZZ_CHECK(part.destination->port() == h.destination->port());
    }
    return 0;
}
