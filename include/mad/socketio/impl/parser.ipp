#ifndef MAD_SOCKETIO_IMPL_PARSER_IPP
#define MAD_SOCKETIO_IMPL_PARSER_IPP

#include <mad/socketio/parser.hpp>

#include <functional>

namespace mad::inline MAD_ABI::socketio {

namespace detail {

/// The same piece of `to` when `part` lies in `from`; else `part` (a literal).
inline std::string_view rebase(std::string_view part, std::string_view from, std::string_view to) {
    std::less_equal<char const*> const le;
    if (!le(from.data(), part.data()) || !le(part.data() + part.size(), from.data() + from.size()))
        return part;
    return to.substr(static_cast<std::size_t>(part.data() - from.data()), part.size());
}

} // namespace detail

MAD_DECL result<std::optional<packet>> decoder::feed_text(std::string_view data) {
    if (held_ || parser_ == packet_parser::msgpack)
        return error_code(error::unexpected_text);
    auto const view = parse_packet(data, *limits_);
    if (!view)
        return view.error();
    if (view->attachments == 0)
        return std::optional<packet>(packet(*view));
    auto held = std::make_unique<detail::held_packet>();
    held->text = data;
    held->view = *view;
    held->view.nsp = detail::rebase(view->nsp, data, held->text);
    held->view.payload = detail::rebase(view->payload, data, held->text);
    held_ = std::move(held);
    return std::optional<packet>();
}

MAD_DECL result<std::optional<packet>> decoder::feed_binary(std::string_view data) {
    if (parser_ == packet_parser::msgpack) {
        auto whole = decode_msgpack(data, *limits_);
        if (!whole)
            return whole.error();
        return std::optional<packet>(std::move(*whole));
    }
    if (!held_)
        return error_code(error::unexpected_binary);
    if (data.size() > limits_->max_attachment_bytes - held_->attachment_bytes)
        return error_code(error::attachments_too_big);
    held_->attachment_bytes += data.size();
    held_->attachments.emplace_back(data);
    if (held_->attachments.size() < held_->view.attachments)
        return std::optional<packet>();
    return std::optional<packet>(packet(std::move(held_)));
}

} // namespace mad::inline MAD_ABI::socketio

#endif
