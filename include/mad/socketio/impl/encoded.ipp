#ifndef MAD_SOCKETIO_IMPL_ENCODED_IPP
#define MAD_SOCKETIO_IMPL_ENCODED_IPP

#include <mad/core/json.hpp>
#include <mad/socketio/encoded.hpp>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL encoded encode_arguments(packet_type type, std::string_view nsp,
                                  std::optional<std::uint64_t> id,
                                  std::optional<std::string_view> event, arguments const& args) {
    std::size_t leaves = 0;
    for (auto const& v : args.values)
        leaves += count_binary(v);
    if (leaves > 0)
        type = type == packet_type::ack ? packet_type::binary_ack : packet_type::binary_event;
    std::string text(1, '4');
    attachment_list attachments;
    append_header(text, type, static_cast<std::uint32_t>(leaves), nsp, id);
    char separator = '[';
    auto const step = [&] {
        text += separator;
        separator = ',';
    };
    if (event) {
        step();
        detail::append_value(text, attachments, *event);
    }
    for (auto const& v : args.values) {
        step();
        encode_args(v, text, attachments);
    }
    text += separator == '[' ? "[]" : "]";
    return encoded(text, attachments);
}

MAD_DECL result<arguments> read_arguments(packet const& p) {
    if (p.view.payload.empty())
        return arguments{};
    auto all = decode_args(p.view.payload, p.attachments);
    if (!all)
        return all.error();
    arguments out;
    bool skip = p.view.is_event();
    for (auto& v : *all) {
        if (!std::exchange(skip, false))
            out.values.push_back(std::move(v));
    }
    return out;
}

} // namespace mad::inline MAD_ABI::socketio

#endif
