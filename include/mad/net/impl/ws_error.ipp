#ifndef MAD_NET_IMPL_WS_ERROR_IPP
#define MAD_NET_IMPL_WS_ERROR_IPP

#include <mad/net/ws_error.hpp>

#include <string>

namespace mad::inline MAD_ABI::net {

namespace detail {

inline char const* ws_error_text(ws_error e) {
    switch (e) {
    case ws_error::none:
        return "no error";
    case ws_error::reserved_bits:
        return "reserved bits are set";
    case ws_error::unknown_opcode:
        return "unknown opcode";
    case ws_error::not_masked:
        return "frame of a client is not masked";
    case ws_error::masked:
        return "frame of a server is masked";
    case ws_error::length_not_minimal:
        return "length is not in its shortest form";
    case ws_error::length_out_of_range:
        return "length has its top bit set";
    case ws_error::control_fragmented:
        return "control frame is fragmented";
    case ws_error::control_too_long:
        return "control frame is longer than 125 bytes";
    case ws_error::close_payload_too_short:
        return "close frame has one byte";
    case ws_error::bad_close_code:
        return "close code must not be sent";
    case ws_error::bad_utf8:
        return "text is not UTF-8";
    case ws_error::unexpected_continuation:
        return "continuation without a message";
    case ws_error::expected_continuation:
        return "new message inside a fragmented one";
    case ws_error::message_too_big:
        return "message is over the limit";
    case ws_error::too_many_fragments:
        return "message has too many fragments";
    case ws_error::bad_compression:
        return "compressed message cannot be read";
    case ws_error::bad_extensions:
        return "Sec-WebSocket-Extensions is malformed";
    }
    return "unknown websocket error";
}

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor" // Boost's base class; nobody deletes a category
#endif
class ws_error_category final : public error_category {
  public:
    char const* name() const noexcept override { return "mad.websocket"; }
    std::string message(int e) const override { return ws_error_text(static_cast<ws_error>(e)); }
};
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

} // namespace detail

MAD_DECL error_category const& ws_category() {
    static detail::ws_error_category const it;
    return it;
}

MAD_DECL std::uint16_t close_code_of(error_code const& e) {
    if (!e)
        return 1000;
    if (e.category() != ws_category())
        return 1011;
    switch (static_cast<ws_error>(e.value())) {
    case ws_error::bad_utf8:
    case ws_error::bad_compression:
        return 1007;
    case ws_error::message_too_big:
    case ws_error::too_many_fragments:
        return 1009;
    default:
        return 1002;
    }
}

} // namespace mad::inline MAD_ABI::net

#endif
