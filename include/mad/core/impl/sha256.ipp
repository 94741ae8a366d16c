#ifndef MAD_CORE_IMPL_SHA256_IPP
#define MAD_CORE_IMPL_SHA256_IPP

#include <mad/core/sha256.hpp>

#include <bit>
#include <cstddef>
#include <cstring>
#include <string>

namespace mad::inline MAD_ABI {

namespace detail {

using sha256_state = std::array<std::uint32_t, 8>;

inline constexpr std::array<std::uint32_t, 64> sha256_constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

inline void sha256_block(sha256_state& h, unsigned char const* block) {
    std::array<std::uint32_t, 64> w;
    for (std::size_t t = 0; t < 16; ++t)
        w[t] = std::uint32_t{block[4 * t]} << 24 | std::uint32_t{block[4 * t + 1]} << 16 |
               std::uint32_t{block[4 * t + 2]} << 8 | std::uint32_t{block[4 * t + 3]};
    for (std::size_t t = 16; t < 64; ++t) {
        auto const a = w[t - 15], b = w[t - 2];
        w[t] = w[t - 16] + w[t - 7] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) +
               (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
    }
    auto [a, b, c, d, e, f, g, i] = h;
    for (std::size_t t = 0; t < 64; ++t) {
        auto const high = i + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                          ((e & f) ^ (~e & g)) + sha256_constants[t] + w[t];
        auto const low =
            (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        i = g;
        g = f;
        f = e;
        e = d + high;
        d = c;
        c = b;
        b = a;
        a = high + low;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
    h[5] += f;
    h[6] += g;
    h[7] += i;
}

} // namespace detail

MAD_DECL std::array<std::uint8_t, 32> sha256(std::string_view text) {
    detail::sha256_state h{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    auto const* p = reinterpret_cast<unsigned char const*>(text.data());
    auto left = text.size();
    for (; left >= 64; left -= 64, p += 64)
        detail::sha256_block(h, p);

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
        detail::sha256_block(h, tail.data() + at);

    std::array<std::uint8_t, 32> out;
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::uint8_t>(h[i / 4] >> (24 - 8 * (i % 4)));
    return out;
}

MAD_DECL std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view text) {
    std::array<std::uint8_t, 64> block{};
    if (key.size() > block.size()) {
        auto const shorter = sha256(key);
        std::memcpy(block.data(), shorter.data(), shorter.size());
    } else if (!key.empty()) {
        std::memcpy(block.data(), key.data(), key.size());
    }
    std::string inner, outer;
    inner.reserve(block.size() + text.size());
    outer.reserve(block.size() + 32);
    for (auto const b : block) {
        inner += static_cast<char>(b ^ 0x36);
        outer += static_cast<char>(b ^ 0x5c);
    }
    inner.append(text);
    auto const digest = sha256(inner);
    outer.append(reinterpret_cast<char const*>(digest.data()), digest.size());
    return sha256(outer);
}

} // namespace mad::inline MAD_ABI

#endif
