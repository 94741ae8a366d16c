#ifndef MAD_CORE_SHA256_HPP
#define MAD_CORE_SHA256_HPP

#include <mad/config.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace mad::inline MAD_ABI {

/// SHA-256 (FIPS 180-4). Our own so that nobody needs OpenSSL who wants no TLS.
std::array<std::uint8_t, 32> sha256(std::string_view text);

/// HMAC (RFC 2104) with SHA-256. Compare what it gives by `equal_secret`.
std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view text);

} // namespace mad::inline MAD_ABI

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/core/impl/sha256.ipp>
#endif

#endif
