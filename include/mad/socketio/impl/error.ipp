#ifndef MAD_SOCKETIO_IMPL_ERROR_IPP
#define MAD_SOCKETIO_IMPL_ERROR_IPP

#include <mad/core/detail/named_category.hpp>
#include <mad/socketio/error.hpp>

namespace mad::inline MAD_ABI::socketio {

namespace detail {

inline std::string_view describe(int value) {
    switch (static_cast<error>(value)) {
    case error::none:
        return "no error";
    case error::bad_type:
        return "unknown packet type";
    case error::bad_attachments:
        return "binary packet without a count of attachments";
    case error::too_many_attachments:
        return "too many attachments";
    case error::attachments_too_big:
        return "attachments too big";
    case error::bad_placeholder:
        return "placeholder without an attachment";
    case error::bad_id:
        return "malformed acknowledgement id";
    case error::bad_payload:
        return "invalid payload";
    case error::reserved_event:
        return "reserved event name";
    case error::name_too_long:
        return "name too long";
    case error::unexpected_text:
        return "text while attachments are awaited";
    case error::unexpected_binary:
        return "bytes while no attachment is awaited";
    case error::not_joined:
        return "namespace not joined";
    case error::already_joined:
        return "namespace joined already";
    case error::missing_argument:
        return "argument missing";
    case error::bad_argument:
        return "argument of another kind expected";
    case error::session_closed:
        return "socket closed";
    case error::timeout:
        return "operation has timed out";
    case error::not_acknowledged:
        return "socket has been disconnected";
    case error::connect_refused:
        return "connection refused by the namespace";
    case error::incompatible_peer:
        return "the server speaks an older revision";
    case error::queue_full:
        return "send queue full";
    }
    return "unknown Socket.IO error";
}

} // namespace detail

MAD_DECL error_category const& category() {
    static mad::detail::named_category const it("mad.socketio", &detail::describe);
    return it;
}

} // namespace mad::inline MAD_ABI::socketio

#endif
