#ifndef MAD_ENGINE_IMPL_PACKET_IPP
#define MAD_ENGINE_IMPL_PACKET_IPP

#include <mad/core/base64.hpp>
#include <mad/engine/packet.hpp>

namespace mad::inline MAD_ABI::engine {

MAD_DECL result<packet_view> decode_text(std::string_view frame, std::string& scratch,
                                         revision rev) {
    if (rev != revision::eio4)
        return error_code(error::unsupported_protocol);
    if (frame.empty())
        return error_code(error::bad_packet);
    auto const data = frame.substr(1);
    if (frame[0] == 'b') {
        scratch.clear();
        if (!base64_decode(data, scratch))
            return error_code(error::bad_packet);
        return packet_view{packet_type::message, true, scratch};
    }
    auto const type = packet_type_of(frame[0]);
    if (!type)
        return error_code(error::bad_packet);
    return packet_view{*type, false, data};
}

} // namespace mad::inline MAD_ABI::engine

#endif
