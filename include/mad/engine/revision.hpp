#ifndef MAD_ENGINE_REVISION_HPP
#define MAD_ENGINE_REVISION_HPP

#include <mad/config.hpp>

#include <cstdint>

namespace mad::inline MAD_ABI::engine {

/// Revision of the Engine.IO protocol: the `EIO` parameter of a handshake. Socket.IO 2.x speaks 3,
/// Socket.IO 3.x and 4.x speak 4.
enum class revision : std::uint8_t { eio3 = 3, eio4 = 4 };

} // namespace mad::inline MAD_ABI::engine

#endif
