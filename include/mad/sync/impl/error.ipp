#ifndef MAD_SYNC_IMPL_ERROR_IPP
#define MAD_SYNC_IMPL_ERROR_IPP

#include <mad/core/detail/named_category.hpp>
#include <mad/sync/error.hpp>

namespace mad::inline MAD_ABI::sync {

namespace detail {

inline std::string_view describe(int value) {
    switch (static_cast<error>(value)) {
    case error::none:
        return "no error";
    case error::bad_message:
        return "no message of an adapter";
    case error::too_big:
        return "message too big";
    case error::unknown_kind:
        return "unknown kind of message";
    case error::other_namespace:
        return "broadcast for another namespace";
    case error::fetch_timeout: // the words of the reference, as those that follow
        return "timeout reached while waiting for fetchSockets response";
    case error::clients_timeout:
        return "timeout reached while waiting for clients response";
    case error::rooms_timeout:
        return "timeout reached while waiting for allRooms response";
    case error::too_many_pending:
        return "too many requests to other nodes are pending";
    case error::closed:
        return "adapter closed";
    }
    return "unknown error between nodes";
}

} // namespace detail

MAD_DECL error_category const& category() {
    static mad::detail::named_category const it("mad.sync", &detail::describe);
    return it;
}

} // namespace mad::inline MAD_ABI::sync

#endif
