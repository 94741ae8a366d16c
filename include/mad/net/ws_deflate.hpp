#ifndef MAD_NET_WS_DEFLATE_HPP
#define MAD_NET_WS_DEFLATE_HPP

#include <mad/core/error.hpp>
#include <mad/net/ws_frame.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::net {

/// One element of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1).
struct ws_extension {
    struct parameter {
        std::string_view name;
        std::optional<std::string> value; ///< unquoted; nothing without `=`
    };
    std::string_view name;
    std::vector<parameter> parameters;
};

/// Takes the field's value apart. An error for what does not follow its grammar: the handshake is
/// then to fail, as RFC 6455 section 9.1 says.
result<std::vector<ws_extension>> parse_ws_extensions(std::string_view);

/// What both sides of a websocket hold to when they compress (RFC 7692 section 7.1).
struct ws_deflate_terms {
    bool server_no_context_takeover = false; ///< each message of the server stands for itself
    bool client_no_context_takeover = false;
    std::uint8_t server_max_window_bits = 15; ///< how far back its messages refer: 2^n bytes
    std::uint8_t client_max_window_bits = 15;

    friend bool operator==(ws_deflate_terms const&, ws_deflate_terms const&) = default;
};

/// The first of a client's offers of `permessage-deflate` that can be met, and on which terms; more
/// is never agreed to than `wanted` says. Nothing when there is none: unknown extensions, unknown
/// or repeated parameters, values out of range and a server window of 8 bits (zlib has none) are
/// declined. An error when the field is malformed.
result<std::optional<ws_deflate_terms>> accept_ws_deflate(std::string_view offers,
                                                          ws_deflate_terms const& wanted);

/// The answer to such an offer: `permessage-deflate; server_no_context_takeover`.
std::string ws_deflate_answer(ws_deflate_terms const&);

/// What a client offers.
std::string ws_deflate_offer(ws_deflate_terms const& wanted);

/// What a server's answer to that means; nothing when it is empty, an error when it is no possible
/// answer: the handshake has then failed.
result<std::optional<ws_deflate_terms>> judge_ws_deflate(std::string_view answer,
                                                         ws_deflate_terms const& wanted);

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/ws_deflate.ipp>
#endif

#endif
