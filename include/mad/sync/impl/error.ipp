#ifndef MAD_SYNC_IMPL_ERROR_IPP
#define MAD_SYNC_IMPL_ERROR_IPP

#include <mad/core/detail/named_category.hpp>
#include <mad/sync/error.hpp>

#include <algorithm>
#include <string>

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

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor" // the base class has none; nobody deletes one
#endif

/// Both numbers are in the value.
class missing_category final : public error_category {
  public:
    char const* name() const noexcept override { return "mad.sync.answers"; }
    std::string message(int value) const override {
        return "timeout reached: only " + std::to_string(value >> 16 & 0x7fff) +
               " responses received out of " + std::to_string(value & 0x7fff);
    }
    bool failed(int) const noexcept override { return true; }

    static missing_category const& instance() {
        static missing_category const it;
        return it;
    }
};

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

} // namespace detail

MAD_DECL error_code answers_missing(std::size_t received, std::size_t expected) {
    constexpr std::size_t most = 0x7fff;
    auto const value = std::min(received, most) << 16 | std::min(expected, most);
    return {static_cast<int>(value), detail::missing_category::instance()};
}

MAD_DECL bool is_timeout(error_code const& ec) {
    return ec.category() == detail::missing_category::instance() || ec == error::fetch_timeout ||
           ec == error::clients_timeout || ec == error::rooms_timeout;
}

MAD_DECL error_category const& category() {
    static mad::detail::named_category const it("mad.sync", &detail::describe);
    return it;
}

} // namespace mad::inline MAD_ABI::sync

#endif
