#ifndef MAD_CORE_BYTES_HPP
#define MAD_CORE_BYTES_HPP

#include <mad/config.hpp>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI {

/// Binary data as an application owns it: a binary leaf of an event, a Socket.IO attachment.
using bytes = std::vector<std::uint8_t>;

/// The same memory seen as text: the wire code works on `char`.
inline std::string_view as_text(std::span<std::uint8_t const> b) {
    return {reinterpret_cast<char const*>(b.data()), b.size()};
}

inline std::span<std::uint8_t const> as_bytes(std::string_view s) {
    return {reinterpret_cast<std::uint8_t const*>(s.data()), s.size()};
}

} // namespace mad::inline MAD_ABI

#endif
