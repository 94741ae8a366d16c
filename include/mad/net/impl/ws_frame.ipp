#ifndef MAD_NET_IMPL_WS_FRAME_IPP
#define MAD_NET_IMPL_WS_FRAME_IPP

#include <mad/core/base64.hpp>
#include <mad/core/sha1.hpp>
#include <mad/net/ws_frame.hpp>

#include <bit>
#include <cstring>

namespace mad::inline MAD_ABI::net {

namespace detail {

/// A number that stands high byte first.
template <class T>
T ws_load_big(char const* p) {
    T v = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        v = static_cast<T>(v << 8 | static_cast<unsigned char>(p[i]));
    return v;
}

template <class T>
char* ws_store_big(char* p, T v) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
        p[i] = static_cast<char>(v >> (8 * (sizeof(T) - 1 - i)));
    return p + sizeof(T);
}

/// The mask turned so that its first byte is the one for payload byte `offset`.
constexpr std::uint32_t ws_turn_mask(std::uint32_t mask, std::size_t offset) {
    return std::rotl(mask, static_cast<int>(8 * (offset % 4)));
}

inline char* ws_write_head(char* out, ws_opcode opcode, bool fin, std::uint64_t size,
                           unsigned mask_bit) {
    *out++ = static_cast<char>((fin ? 0x80u : 0u) | static_cast<unsigned>(opcode));
    if (size < 126) {
        *out++ = static_cast<char>(mask_bit | size);
        return out;
    }
    if (size < 65536) {
        *out++ = static_cast<char>(mask_bit | 126);
        return ws_store_big(out, static_cast<std::uint16_t>(size));
    }
    *out++ = static_cast<char>(mask_bit | 127);
    return ws_store_big(out, size);
}

} // namespace detail

MAD_DECL std::size_t write_ws_header(char* out, ws_opcode opcode, bool fin,
                                     std::uint64_t payload_bytes) {
    return static_cast<std::size_t>(detail::ws_write_head(out, opcode, fin, payload_bytes, 0) -
                                    out);
}

MAD_DECL std::size_t write_ws_header(char* out, ws_opcode opcode, bool fin,
                                     std::uint64_t payload_bytes, std::uint32_t mask) {
    char* const end = detail::ws_write_head(out, opcode, fin, payload_bytes, 0x80);
    return static_cast<std::size_t>(detail::ws_store_big(end, mask) - out);
}

MAD_DECL void ws_mask(std::span<char> data, std::uint32_t mask, std::size_t offset) {
    std::array<char, 8> key;
    mask = detail::ws_turn_mask(mask, offset);
    detail::ws_store_big(key.data(), mask);
    detail::ws_store_big(key.data() + 4, mask);
    std::uint64_t wide;
    std::memcpy(&wide, key.data(), 8);

    char* p = data.data();
    auto left = data.size();
    // A constant count inside is what compilers turn into vector instructions at -O2.
    for (; left >= 64; left -= 64, p += 64) {
        std::array<std::uint64_t, 8> block;
        std::memcpy(block.data(), p, 64);
        for (auto& word : block)
            word ^= wide;
        std::memcpy(p, block.data(), 64);
    }
    for (; left >= 8; left -= 8, p += 8) {
        std::uint64_t word;
        std::memcpy(&word, p, 8);
        word ^= wide;
        std::memcpy(p, &word, 8);
    }
    for (std::size_t i = 0; i < left; ++i)
        p[i] = static_cast<char>(p[i] ^ key[i]);
}

MAD_DECL std::string ws_accept_key(std::string_view key) {
    std::string text(key);
    text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 section 1.3
    auto const digest = sha1(text);
    std::string out;
    append_base64(out, {reinterpret_cast<char const*>(digest.data()), digest.size()});
    return out;
}

MAD_DECL bool is_ws_key(std::string_view key) {
    std::string decoded;
    return key.size() == 24 && key.find_first_of("-_") == key.npos && base64_decode(key, decoded) &&
           decoded.size() == 16;
}

MAD_DECL std::string ws_close_payload(std::uint16_t code, std::string_view reason) {
    std::string out;
    if (!is_ws_close_code(code))
        return out;
    out.resize(2);
    detail::ws_store_big(out.data(), code);
    for (;;) {
        auto const n = utf8_sequence_length(reason);
        if (n == 0 || out.size() + n > 125)
            return out;
        out.append(reason.substr(0, n));
        reason.remove_prefix(n);
    }
}

} // namespace mad::inline MAD_ABI::net

#endif
