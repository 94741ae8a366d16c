#ifndef MAD_SYNC_ERROR_HPP
#define MAD_SYNC_ERROR_HPP

#include <mad/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace mad::inline MAD_ABI::sync {

/// What goes wrong between nodes. The first group is what another node has sent, which is dropped
/// and counted; the second is what a request of ours ends with.
enum class error : std::uint8_t {
    none = 0,
    bad_message,     ///< no message of the adapter: look who else publishes on its channels
    too_big,         ///< over a limit of `message_limits`
    unknown_kind,    ///< a kind of message that this adapter does not have: another release?
    other_namespace, ///< a broadcast for another namespace than the channel's

    fetch_timeout,    ///< not all nodes have said in time which sockets they have (`is_timeout`)
    clients_timeout,  ///< the same in the dialect of 5.x
    rooms_timeout,    ///< nor which rooms
    too_many_pending, ///< over `max_pending` requests wait for answers
    closed,           ///< the adapter ended first
};

error_category const& category();

inline error_code make_error_code(error e) {
    return {static_cast<int>(e), category()};
}

/// What requests of the sharded and the streams adapter end with when nodes have not answered in
/// time: `timeout reached: only 1 responses received out of 2`, the words of their reference. A
/// code of a category of its own, since it holds both numbers (up to 32,767).
error_code answers_missing(std::size_t received, std::size_t expected);

/// Whether a request has ended because other nodes have not answered in time, of any adapter.
bool is_timeout(error_code const&);

} // namespace mad::inline MAD_ABI::sync

template <>
struct boost::system::is_error_code_enum<mad::sync::error> : std::true_type {};

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/sync/impl/error.ipp>
#endif

#endif
