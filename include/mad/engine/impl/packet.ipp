#ifndef MAD_ENGINE_IMPL_PACKET_IPP
#define MAD_ENGINE_IMPL_PACKET_IPP

#include <mad/core/base64.hpp>
#include <mad/engine/packet.hpp>

namespace mad::inline MAD_ABI::engine {

MAD_DECL result<packet_view> decode_text(std::string_view frame, std::string& scratch,
                                         revision rev) {
    if (frame.empty())
        return error_code(error::bad_packet);
    auto data = frame.substr(1);
    if (frame[0] == 'b') {
        if (rev ==
            revision::eio3) { // the type stands in front of the base64; only messages have bytes
            if (!data.starts_with(type_digit(packet_type::message)))
                return error_code(error::bad_packet);
            data.remove_prefix(1);
        }
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

MAD_DECL void append_binary(std::string& out, std::string_view data, binary_form form) {
    switch (form) {
    case binary_form::bytes:
        out += data;
        break;
    case binary_form::typed_bytes:
        out += '\x04';
        out += data;
        break;
    case binary_form::base64:
        out += 'b';
        append_base64(out, data);
        break;
    case binary_form::typed_base64:
        out += "b4";
        append_base64(out, data);
        break;
    }
}

} // namespace mad::inline MAD_ABI::engine

#endif
