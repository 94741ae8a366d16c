#ifndef MAD_HOST_CLIENT_ID_HPP
#define MAD_HOST_CLIENT_ID_HPP

#include <mad/core/error.hpp>
#include <mad/host/roots.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::host {

/// Longest id a server takes, in bytes.
inline constexpr std::size_t max_client_id_bytes = 128;

/// Whether a server takes this id: 1 to 128 bytes of UTF-8 without control characters.
bool is_client_id(std::string_view);

/// Where the id came from.
enum class id_origin : std::uint8_t { configured, saved, machine, random };

struct client_id {
    std::string value;
    id_origin origin = id_origin::random;

    /// A random id that could not be saved: the next start is another client.
    bool kept = true;
};

struct client_id_settings {
    /// The user's word; empty: find one.
    std::string configured;

    /// File for an id that had to be drawn by lot; empty: it is not saved.
    std::string state_file;

    /// Its root is where etc/machine-id is looked for.
    roots where;

    /// Source of random bytes; empty: the system's.
    std::function<void(std::span<std::uint8_t>)> random;
};

/// The id by which servers know this host: the configured one, else the saved one, else one derived
/// from the machine id, else a random one, which is then saved. The derived one is a keyed hash, as
/// machine ids are not to be shown to others: it does not lead back, and no other program comes to
/// the same. Error: `error::bad_client_id` for a configured one that servers refuse.
result<client_id> find_client_id(client_id_settings const&);

/// The derived id: 32 hexadecimal digits. Empty when `machine_id` is not one (machine-id(5): 32
/// hexadecimal digits, not all 0).
std::string id_from_machine_id(std::string_view machine_id);

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/client_id.ipp>
#endif

#endif
