#ifndef MAD_CORE_BASE64_HPP
#define MAD_CORE_BASE64_HPP

#include <mad/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI {

/// Characters that `n` bytes become, padding included.
constexpr std::size_t base64_size(std::size_t n) {
    return (n + 2) / 3 * 4;
}

/// Characters that `n` bytes become in the url alphabet, which is written without padding.
constexpr std::size_t base64url_size(std::size_t n) {
    return (n * 4 + 2) / 3;
}

/// Writes `base64_size(in.size())` characters of the standard alphabet, padded, to `out`, which
/// must not overlap `in`. Example: `ab` gives `YWI=`.
void base64_encode(std::string_view in, char* out);

/// Appends `in` in the standard alphabet, padded (RFC 4648 section 4).
void append_base64(std::string& out, std::string_view in);

/// Appends `in` in the url alphabet, without padding (RFC 4648 section 5). Example: `\xff\xfe`
/// gives
/// `__4`.
void append_base64url(std::string& out, std::string_view in);

/// Appends the bytes that `in` stands for. Both alphabets are taken, also mixed, and padding may be
/// left out, as Node's `Buffer` does. Unused bits of the last character are not looked at.
/// False on any other character, on an impossible length and on incomplete padding; `out` is then
/// as it was.
bool base64_decode(std::string_view in, std::string& out);

} // namespace mad::inline MAD_ABI

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/core/impl/base64.ipp>
#endif

#endif
