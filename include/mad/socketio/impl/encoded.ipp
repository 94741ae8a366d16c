#ifndef MAD_SOCKETIO_IMPL_ENCODED_IPP
#define MAD_SOCKETIO_IMPL_ENCODED_IPP

#include <mad/core/json.hpp>
#include <mad/socketio/encoded.hpp>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL encoded::encoded(std::string_view text, std::span<std::string const> attachments)
    : text_(net::wire_block::message(text, false)) {
    if (attachments.empty())
        return;
    rest_ = std::make_shared<binary_part>();
    rest_->bytes.reserve(attachments.size());
    for (auto const& a : attachments)
        rest_->bytes.push_back(net::wire_block::message(a, true));
}

MAD_DECL encoded::blocks const& encoded::in_form(engine::binary_form form) const {
    auto& made = rest_->others[static_cast<std::size_t>(form) - 1];
    std::lock_guard const lock(rest_->mutex);
    if (!made.empty())
        return made;
    made.reserve(rest_->bytes.size());
    std::string frame;
    for (auto const& a : rest_->bytes) {
        frame.clear();
        engine::append_binary(frame, a.payload(), form);
        made.push_back(net::wire_block::message(frame, !engine::is_text(form)));
        made.back().set_compress(text_.compress());
    }
    return made;
}

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
