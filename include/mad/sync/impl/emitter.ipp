#ifndef MAD_SYNC_IMPL_EMITTER_IPP
#define MAD_SYNC_IMPL_EMITTER_IPP

#include <mad/core/json.hpp>
#include <mad/sync/detail/written.hpp>
#include <mad/sync/emitter.hpp>

#include <stdexcept>
#include <utility>

namespace mad::inline MAD_ABI::sync {

MAD_DECL emitter::emitter(publisher p, emitter_settings s)
    : publisher_(std::move(p))
    , settings_(std::move(s)) {
    if (!settings_.nsp.starts_with('/'))
        settings_.nsp.insert(settings_.nsp.begin(), '/');
    codec_ = std::make_shared<classic_codec const>(
        classic_names{settings_.prefix, settings_.nsp, "emitter", settings_.compat, false});
}

MAD_DECL emitter emitter::of(std::string_view nsp) const {
    auto s = settings_;
    s.nsp = nsp;
    return emitter(publisher_, std::move(s));
}

MAD_DECL emitter emitter::to(socketio::room_list rooms) const {
    auto e = *this;
    for (auto& r : rooms.names)
        e.target_.rooms.push_back(std::move(r));
    return e;
}

MAD_DECL emitter emitter::except(socketio::room_list rooms) const {
    auto e = *this;
    for (auto& r : rooms.names)
        e.target_.except.push_back(std::move(r));
    return e;
}

MAD_DECL emitter emitter::as_volatile() const {
    auto e = *this;
    e.flags_.is_volatile = true;
    return e;
}

MAD_DECL emitter emitter::compress(bool yes) const {
    auto e = *this;
    e.flags_.compress = yes;
    return e;
}

MAD_DECL void emitter::emit(std::string_view event, socketio::arguments const& args) const {
    detail::written const text(event, args, true);
    send(event, text.json, {text.attachments.begin(), text.attachments.end()});
}

MAD_DECL void emitter::send(std::string_view event, std::string_view json,
                            socketio::attachment_list const& attachments) const {
    if (socketio::is_reserved_event(event))
        throw std::invalid_argument('"' + std::string(event) + "\" is a reserved event name");
    std::vector<std::string_view> const views(attachments.begin(), attachments.end());
    message_view m;
    m.kind = message_kind::broadcast;
    m.json = json;
    m.attachments = views;
    m.flags = flags_;
    publish(m);
}

MAD_DECL void emitter::publish(message_view const& m) const {
    auto addressed = m;
    addressed.to = &target_;
    auto const out = codec_->encode(addressed);
    publisher_(redis::command("PUBLISH", out.channel, out.body));
}

MAD_DECL void emitter::request(message_view m) const {
    if (settings_.compat)
        throw std::logic_error("nodes of socket.io-redis 5.x take no requests of an emitter");
    publish(m);
}

MAD_DECL void emitter::sockets_join(socketio::room_list rooms) const {
    message_view m;
    m.kind = message_kind::join;
    m.rooms = rooms.names;
    request(m);
}

MAD_DECL void emitter::sockets_leave(socketio::room_list rooms) const {
    message_view m;
    m.kind = message_kind::leave;
    m.rooms = rooms.names;
    request(m);
}

MAD_DECL void emitter::disconnect_sockets(bool close) const {
    message_view m;
    m.kind = message_kind::disconnect;
    m.close = close;
    request(m);
}

MAD_DECL void emitter::server_side_emit(std::string_view event,
                                        socketio::arguments const& args) const {
    detail::written const text(event, args, false);
    message_view m;
    m.kind = message_kind::server_event;
    m.json = text.json;
    request(m);
}

} // namespace mad::inline MAD_ABI::sync

#endif
