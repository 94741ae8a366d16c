#ifndef MAD_ENGINE_IMPL_PAYLOAD_IPP
#define MAD_ENGINE_IMPL_PAYLOAD_IPP

#include <mad/core/base64.hpp>
#include <mad/core/utf8.hpp>
#include <mad/engine/payload.hpp>

#include <stdexcept>

namespace mad::inline MAD_ABI::engine {

MAD_DECL result<bool> payload_reader::next(packet_view& out) {
    auto const fail = [&](error e) {
        failed_ = e;
        return result<bool>(boost::system::in_place_error, e); // Boost 1.81: no other way with bool
    };
    if (failed_ != error::none)
        return fail(failed_);
    if (done_)
        return false;
    if (revision_ != revision::eio4)
        return fail(error::unsupported_protocol);
    if (binary_body_)
        return fail(error::binary_body);

    // A separator at the end announces a packet, an empty one: so `done_` is not `rest_.empty()`.
    auto const end = rest_.find(payload_separator);
    auto const text = rest_.substr(0, end);
    auto const packet = decode_text(text, scratch_, revision_);
    // A websocket checks its text itself; here nobody else does.
    if (!packet || (!packet->binary && !is_utf8(packet->data)))
        return fail(error::bad_packet);
    done_ = end == rest_.npos;
    rest_.remove_prefix(done_ ? rest_.size() : end + 1);
    out = *packet;
    return true;
}

MAD_DECL void append_payload(revision rev, std::string& out, packet_view const& p, bool first) {
    if (rev != revision::eio4)
        throw std::invalid_argument("no session has revision 3");
    if (!first)
        out += payload_separator;
    out += p.binary ? 'b' : type_digit(p.type);
    if (p.binary)
        append_base64(out, p.data);
    else
        out += p.data;
}

MAD_DECL std::size_t payload_size(revision rev, packet_view const& p, bool first) {
    if (rev != revision::eio4)
        throw std::invalid_argument("no session has revision 3");
    return (first ? 1 : 2) + (p.binary ? base64_size(p.data.size()) : p.data.size());
}

} // namespace mad::inline MAD_ABI::engine

#endif
