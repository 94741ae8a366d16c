// Two readings of RFC 3629 agree: the checker, with the text in pieces, and the length of the
// sequence at the front. Byte 0 is the size of the pieces.
#include "fuzz_support.hpp"

#include <mad/core/utf8.hpp>

#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    std::size_t const step = 1 + in.byte() % 40;
    auto const text = in.rest();

    auto rest = text;
    while (auto const n = mad::utf8_sequence_length(rest)) {
        FUZZ_CHECK(n <= 4 && n <= rest.size());
        rest.remove_prefix(n);
    }
    FUZZ_CHECK(mad::is_utf8(text) == rest.empty());

    mad::utf8_checker checker;
    bool good = true;
    std::size_t fed = 0;
    for (auto left = text; good && !left.empty();) {
        // Memory of its own, so that a look beyond the piece is seen.
        std::vector<char> const piece(left.begin(), left.begin() + std::min(step, left.size()));
        good = checker.feed({piece.data(), piece.size()});
        left.remove_prefix(piece.size());
        fed += piece.size();
    }
    FUZZ_CHECK((good && checker.complete()) == rest.empty());
    // Refused early, but never before the bad sequence began, nor four bytes and a piece after.
    if (!good)
        FUZZ_CHECK(fed > text.size() - rest.size() && fed <= text.size() - rest.size() + 4 + step);
    return 0;
}
