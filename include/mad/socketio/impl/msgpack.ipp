#ifndef MAD_SOCKETIO_IMPL_MSGPACK_IPP
#define MAD_SOCKETIO_IMPL_MSGPACK_IPP

#include <mad/core/utf8.hpp>
#include <mad/socketio/detail/msgpack_reader.hpp>
#include <mad/socketio/impl/packet.ipp>
#include <mad/socketio/parser.hpp>

#include <optional>

namespace mad::inline MAD_ABI::socketio {

namespace detail {

/// Turns one packet of the msgpack parser into JSON text and attachments.
class msgpack_packet : msgpack_reader {
  public:
    using msgpack_reader::msgpack_reader;

    /// The whole packet.
    error_code read(held_packet& out) {
        std::size_t members = 0;
        if (!take_map(members) || members > limits_.json.max_members)
            return error::bad_payload;
        std::optional<std::uint64_t> type;
        std::optional<std::string> nsp;
        bool has_data = false, has_id = false;
        for (; members > 0; --members) {
            std::string_view key;
            if (!take_text(key))
                return error::bad_payload;
            if ((key == "type" && type) || (key == "nsp" && nsp) || (key == "id" && has_id) ||
                (key == "data" && has_data))
                return error::bad_payload;
            if (key == "type") {
                if (!take_unsigned(type.emplace()) || *type > 4)
                    return error::bad_type;
            } else if (key == "nsp") {
                std::string_view name;
                if (!take_text(name) || !name.starts_with('/') || !is_utf8(name))
                    return error::bad_payload;
                nsp = name;
            } else if (key == "id") {
                has_id = true;
                if (!take_undefined() && !take_unsigned(out.view.id.emplace()))
                    return error::bad_id;
            } else if (key == "data") {
                has_data = true;
                if (!take_undefined() && !value(0))
                    return failed();
            } else if (auto const ec = skip()) {
                return ec;
            }
        }
        if (!rest_.empty() || !type || !nsp)
            return error::bad_payload;
        return finish(out, static_cast<packet_type>(*type), *nsp);
    }

  private:
    error_code finish(held_packet& out, packet_type type, std::string_view nsp) {
        auto& v = out.view;
        v.type = type;
        bool const may_be_empty = type == packet_type::connect || type == packet_type::disconnect;
        if (text_.empty() != may_be_empty && text_.empty())
            return error::bad_payload;
        if (nsp.size() > limits_.max_name && type != packet_type::connect)
            return error::name_too_long;
        if (!bytes_.empty()) {
            if (type != packet_type::event && type != packet_type::ack)
                return error::bad_payload;
            v.type =
                type == packet_type::event ? packet_type::binary_event : packet_type::binary_ack;
            v.attachments = static_cast<std::uint32_t>(bytes_.size());
        }
        out.text.reserve(nsp.size() + text_.size());
        out.text.append(nsp).append(text_);
        v.nsp = std::string_view(out.text).substr(0, nsp.size());
        v.payload = std::string_view(out.text).substr(nsp.size());
        out.attachments = std::move(bytes_);
        out.attachment_bytes = byte_count_;
        return check_payload(v, limits_);
    }
};
} // namespace detail

MAD_DECL result<packet> decode_msgpack(std::string_view data, packet_limits const& limits) {
    auto held = std::make_unique<detail::held_packet>();
    if (auto const ec = detail::msgpack_packet(data, limits).read(*held))
        return ec;
    return packet(std::move(held));
}

} // namespace mad::inline MAD_ABI::socketio

#endif
