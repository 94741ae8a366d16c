#ifndef MAD_CORE_IMPL_SHA1_IPP
#define MAD_CORE_IMPL_SHA1_IPP

#include <mad/core/sha1.hpp>

#include <bit>
#include <cstddef>
#include <cstring>

namespace mad::inline MAD_ABI {

namespace detail {

using sha1_state = std::array<std::uint32_t, 5>;

inline void sha1_block(sha1_state& h, unsigned char const* block) {
    std::array<std::uint32_t, 80> w;
    for (std::size_t t = 0; t < 16; ++t)
        w[t] = std::uint32_t{block[4 * t]} << 24 | std::uint32_t{block[4 * t + 1]} << 16 |
               std::uint32_t{block[4 * t + 2]} << 8 | std::uint32_t{block[4 * t + 3]};
    for (std::size_t t = 16; t < 80; ++t)
        w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);

    auto [a, b, c, d, e] = h;
    for (std::size_t t = 0; t < 80; ++t) {
        std::uint32_t f, k;
        if (t < 20) {
            f = (b & c) | (~b & d);
            k = 0x5a827999;
        } else if (t < 40) {
            f = b ^ c ^ d;
            k = 0x6ed9eba1;
        } else if (t < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8f1bbcdc;
        } else {
            f = b ^ c ^ d;
            k = 0xca62c1d6;
        }
        auto const next = std::rotl(a, 5) + f + e + k + w[t];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

} // namespace detail

MAD_DECL std::array<std::uint8_t, 20> sha1(std::string_view text) {
    detail::sha1_state h{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    auto const* p = reinterpret_cast<unsigned char const*>(text.data());
    auto left = text.size();
    for (; left >= 64; left -= 64, p += 64)
        detail::sha1_block(h, p);

    // The rest, one bit, zeros, and the length in bits at the end of a block.
    std::array<unsigned char, 128> tail{};
    if (left != 0)
        std::memcpy(tail.data(), p, left);
    tail[left] = 0x80;
    std::size_t const end = left < 56 ? 64 : 128;
    auto const bits = std::uint64_t{text.size()} * 8;
    for (std::size_t i = 0; i < 8; ++i)
        tail[end - 1 - i] = static_cast<unsigned char>(bits >> (8 * i));
    for (std::size_t at = 0; at < end; at += 64)
        detail::sha1_block(h, tail.data() + at);

    std::array<std::uint8_t, 20> out;
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::uint8_t>(h[i / 4] >> (24 - 8 * (i % 4)));
    return out;
}

} // namespace mad::inline MAD_ABI

#endif
