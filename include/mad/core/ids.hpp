#ifndef MAD_CORE_IDS_HPP
#define MAD_CORE_IDS_HPP

#include <mad/config.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI {

/// Fills `out` from the system's generator, which is asked for 4 KB at a time and thread: fit for
/// secrets. A byte is given once, also when the process forks. Throws std::system_error when the
/// system has no generator.
void fill_random(std::span<std::uint8_t> out);

/// So many random bytes as base64url without padding: 15 give 20 characters.
std::string random_id(std::size_t random_bytes);

/// The Engine.IO session id: 20 base64url characters = 15 bytes: 12 random, 1 shard (counted down
/// from 255), 2 node tag (high byte first). It is a bearer secret: logs show six characters of it.
///
/// Node's engine.io makes 12 random bytes and the low three of a counter that begins at 1: its byte
/// 12 is 0 for the first 65,535 sessions of a process. That of ours begins at the other end, so
/// that a node is not seen in an id of somebody else (`node_tag_of`).
struct session_id {
    /// Length of every id, in characters.
    static constexpr std::size_t size = 20;

    static std::string make(std::uint8_t shard, std::uint16_t node_tag);

    /// The shard that owns the session; nothing when `sid` cannot be one of ours.
    static std::optional<std::uint8_t> shard_of(std::string_view sid);

    /// The node that made the session; nothing when `sid` cannot be one of ours, or is of a shard
    /// over 127: such an id may as well be of another kind of server, which has made millions.
    static std::optional<std::uint16_t> node_tag_of(std::string_view sid);
};

/// Whether both are the same, in a time that tells nothing but whether the lengths are equal.
bool equal_secret(std::string_view a, std::string_view b);

} // namespace mad::inline MAD_ABI

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/core/impl/ids.ipp>
#endif

#endif
