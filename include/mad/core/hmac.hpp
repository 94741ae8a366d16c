#ifndef MAD_CORE_HMAC_HPP
#define MAD_CORE_HMAC_HPP

#include <mad/core/sha1.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace mad::inline MAD_ABI {

/// HMAC-SHA1 (RFC 2104): without the key nothing leads from the digest to the text, nor does a text
/// that is known give the digest. What breaks SHA-1 (two texts of one digest) does not break this;
/// it is no reason to take it for signatures that outlive a process.
std::array<std::uint8_t, 20> hmac_sha1(std::string_view key, std::string_view text);

} // namespace mad::inline MAD_ABI

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/core/impl/hmac.ipp>
#endif

#endif
