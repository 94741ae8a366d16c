#ifndef MAD_SOCKETIO_IMPL_ENCODED_IPP
#define MAD_SOCKETIO_IMPL_ENCODED_IPP

#include <mad/core/json.hpp>
#include <mad/socketio/detail/split_message.hpp>
#include <mad/socketio/encoded.hpp>

#include <utility>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL std::string encode_msgpack(std::string_view message,
                                    std::span<net::wire_block const> attachments) {
    auto const v = detail::split_message(message);
    if (!v)
        return {};
    attachment_list bytes;
    for (auto const& a : attachments)
        bytes.emplace_back(a.payload());
    auto whole = json::object();
    whole["type"] = static_cast<int>(v->type);
    whole["nsp"] = v->nsp;
    if (!v->payload.empty()) {
        auto data = decode_args(v->payload, bytes);
        if (!data)
            return {};
        whole["data"] = std::move(*data);
    }
    if (v->id)
        whole["id"] = *v->id;
    std::string out;
    json::to_msgpack(whole, out);
    return out;
}

MAD_DECL encoded::encoded(std::string_view text, std::span<std::string const> attachments)
    : text_(net::wire_block::message(text, false)) {
    if (attachments.empty())
        return;
    rest_ = std::make_shared<binary_part>();
    rest_->bytes.reserve(attachments.size());
    for (auto const& a : attachments)
        rest_->bytes.push_back(net::wire_block::message(a, true));
}

MAD_DECL void encoded::pack() {
    if (packed_)
        return;
    packed_ = std::make_shared<binary_part>();
    auto const whole = encode_msgpack(text_.payload(), attachments());
    if (whole.empty())
        return; // text that is no packet, from who calls it trusted: nothing is sent
    packed_->bytes.push_back(net::wire_block::message(whole, true));
    packed_->bytes.back().set_compress(text_.compress());
}

MAD_DECL std::span<net::wire_block const> encoded::in_form(std::shared_ptr<binary_part> const& part,
                                                           engine::binary_form form) {
    if (!part || form == engine::binary_form::bytes)
        return part ? std::span<net::wire_block const>(part->bytes)
                    : std::span<net::wire_block const>();
    auto& made = part->others[static_cast<std::size_t>(form) - 1];
    std::lock_guard const lock(part->mutex);
    if (!made.empty())
        return made;
    made.reserve(part->bytes.size());
    std::string frame;
    for (auto const& a : part->bytes) {
        frame.clear();
        engine::append_binary(frame, a.payload(), form);
        made.push_back(net::wire_block::message(frame, !engine::is_text(form)));
        made.back().set_compress(a.compress());
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
