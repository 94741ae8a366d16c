#ifndef MAD_CORE_SHA1_HPP
#define MAD_CORE_SHA1_HPP

#include <mad/config.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace mad::inline MAD_ABI {

/// SHA-1 (FIPS 180-4). Broken as a security measure, and used as none: the websocket handshake
/// (RFC 6455 section 4.2.2) demands it for its accept key, and that is its one use here. It is our
/// own so that nobody needs OpenSSL who wants no TLS.
std::array<std::uint8_t, 20> sha1(std::string_view text);

} // namespace mad::inline MAD_ABI

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/core/impl/sha1.ipp>
#endif

#endif
