#ifndef MAD_TESTS_UNIT_NET_TEST_WS_FRAME_SUPPORT_HPP
#define MAD_TESTS_UNIT_NET_TEST_WS_FRAME_SUPPORT_HPP

#include <mad/net/ws_frame.hpp>

#include <support/unhex.hpp>

#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mad_test {

using namespace mad::net;

/// One frame as a client sends it.
inline std::string client_frame(ws_opcode opcode, std::string_view payload, bool fin = true,
                                std::uint32_t mask = 0x37fa213d) {
    std::string frame(max_ws_header_bytes, '\0');
    frame.resize(write_ws_header(frame.data(), opcode, fin, payload.size(), mask));
    std::string masked(payload);
    ws_mask(masked, mask);
    return frame + masked;
}

/// One frame as a server sends it.
inline std::string server_frame(ws_opcode opcode, std::string_view payload, bool fin = true) {
    std::string frame(max_ws_header_bytes, '\0');
    frame.resize(write_ws_header(frame.data(), opcode, fin, payload.size()));
    return frame.append(payload);
}

inline std::string frame_for(ws_role role, ws_opcode opcode, std::string_view payload,
                             bool fin = true) {
    return role == ws_role::server ? client_frame(opcode, payload, fin)
                                   : server_frame(opcode, payload, fin);
}

/// A message with its bytes copied out.
struct event {
    ws_opcode type;
    std::string data;
    std::uint16_t close_code = 1005;

    bool operator==(event const&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, event const& e) {
    return out << "{opcode " << static_cast<int>(e.type) << ", " << e.data.size() << " bytes \""
               << e.data.substr(0, 60) << "\", code " << e.close_code << "}";
}

/// All that a stream brought, and the error that ended it.
struct outcome {
    std::vector<event> events;
    mad::error_code error;

    bool operator==(outcome const&) const = default;
};

/// Feeds one piece, from memory of its own that is gone afterwards, so that a sanitizer sees a
/// decoder that looks back at it. False once the stream has failed.
inline bool feed(ws_decoder& decoder, std::string_view piece, outcome& seen) {
    std::vector<char> memory(piece.begin(), piece.end());
    std::span<char> in(memory);
    for (;;) {
        ws_message message;
        auto const status = decoder.next(in, message);
        if (!status) {
            seen.error = status.error();
            return false;
        }
        if (*status == ws_status::need_more)
            return in.empty();
        seen.events.push_back(
            {message.type, {message.data.begin(), message.data.end()}, message.close_code});
    }
}

/// Decodes the pieces in turn.
inline outcome decode(ws_role role, ws_limits const& limits,
                      std::vector<std::string_view> const& pieces) {
    ws_decoder decoder(role, limits);
    outcome seen;
    for (auto const piece : pieces)
        if (!feed(decoder, piece, seen))
            break;
    return seen;
}

inline outcome decode(ws_role role, std::string_view stream) {
    return decode(role, ws_limits{}, {stream});
}

} // namespace mad_test

#endif
