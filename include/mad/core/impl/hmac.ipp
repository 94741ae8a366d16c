#ifndef MAD_CORE_IMPL_HMAC_IPP
#define MAD_CORE_IMPL_HMAC_IPP

#include <mad/core/hmac.hpp>

#include <string>

namespace mad::inline MAD_ABI {

MAD_DECL std::array<std::uint8_t, 20> hmac_sha1(std::string_view key, std::string_view text) {
    auto const bytes = [](std::array<std::uint8_t, 20> const& d) {
        return std::string(d.begin(), d.end());
    };
    std::string block = key.size() > 64 ? bytes(sha1(key)) : std::string(key);
    block.resize(64);
    auto const padded = [&block](unsigned char pad) {
        std::string out = block;
        for (auto& c : out)
            c = static_cast<char>(static_cast<unsigned char>(c) ^ pad);
        return out;
    };
    return sha1(padded(0x5c) + bytes(sha1(padded(0x36).append(text))));
}

} // namespace mad::inline MAD_ABI

#endif
