// Messages of a hand-over: any bytes; what is understood is written as the same bytes again, and
// bounded.
#include "fuzz_support.hpp"

#include <mad/proxy/handover_message.hpp>

#include <string>

using namespace mad::proxy;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const m = handover::decode(text);
    if (!m)
        return 0;
    FUZZ_CHECK(size <= handover::max_bytes);
    auto const again = handover::encode(*m);
    FUZZ_CHECK(again.size() <= handover::max_bytes);
    auto const back = handover::decode(again); // addresses may be written in several ways
    FUZZ_CHECK(back && back->index() == m->index());
    FUZZ_CHECK(handover::encode(*back) == again);
    return 0;
}
