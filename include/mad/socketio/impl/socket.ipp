#ifndef MAD_SOCKETIO_IMPL_SOCKET_IPP
#define MAD_SOCKETIO_IMPL_SOCKET_IPP

#include <mad/net/one_shot.hpp>
#include <mad/socketio/detail/server_core.hpp>

#include <stdexcept>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL detail::socket_node* socket::node() const {
    if (!core_)
        return nullptr;
    auto& p = core_->part(shard_);
    return p.home.here() ? p.find(slot_, generation_) : nullptr;
}

MAD_DECL void socket::run(std::function<void(detail::socket_node&)> fn) const {
    if (core_)
        core_->with(shard_, slot_, generation_, std::move(fn));
}

MAD_DECL std::string_view socket::nsp() const {
    return core_ ? core_->name() : "/";
}

MAD_DECL net::shard* socket::home() const {
    return core_ ? &core_->part(shard_).home : nullptr;
}

MAD_DECL bool socket::connected() const {
    auto const* const n = node();
    return n && n->connected;
}

MAD_DECL std::size_t socket::backlog() const {
    auto const* const n = node();
    return n && n->link ? n->link->session().queued_bytes() : 0;
}

MAD_DECL void socket::check_event(std::string_view event) {
    if (is_reserved_event(event))
        throw std::invalid_argument('"' + std::string(event) + "\" is a reserved event name");
}

MAD_DECL void socket::on_disconnect(std::function<void(disconnect_reason)> fn) const {
    run([fn = std::move(fn)](detail::socket_node& n) { n.extras().on_disconnect.push_back(fn); });
}

MAD_DECL void socket::on_disconnecting(std::function<void(disconnect_reason)> fn) const {
    run([fn = std::move(fn)](detail::socket_node& n) {
        n.extras().on_disconnecting.push_back(fn);
    });
}

MAD_DECL void socket::send(encoded p, bool is_volatile) const {
    if (!core_)
        return;
    if (core_->recovers() && !is_volatile)
        return send_to_keep(p);
    core_->with(
        shard_, slot_, generation_,
        [p = std::move(p), is_volatile](detail::socket_node& n) { n.send(p, is_volatile); });
}

MAD_DECL std::uint64_t socket::next_ack_id() const {
    return core_ ? core_->next_ack_id() : 0;
}

MAD_DECL void socket::send_with_ack(encoded p, std::uint64_t id, milliseconds timeout,
                                    ack_callback done) const {
    if (!core_)
        return done(error_code(error::session_closed));
    auto& part = core_->part(shard_);
    auto work = [keep = core_->ref(), &part, slot = slot_, generation = generation_,
                 p = std::move(p), id, timeout, done = std::move(done)] {
        auto* const n = part.find(slot, generation);
        if (!n || !n->link) // gone, or going: whoever asks again must not keep it
            return done(error_code(error::session_closed));
        auto w = std::make_unique<detail::awaited_ack>(*n, id, done);
        if (timeout.count() > 0)
            part.home.deadlines().arm(w->limit, timeout);
        n->extras().acks.insert_or_assign(id, std::move(w));
        n->send(p, false);
    };
    part.home.dispatch(std::move(work));
}

MAD_DECL boost::asio::awaitable<result<arguments>> socket::ask(encoded p, std::uint64_t id,
                                                               milliseconds timeout) const {
    net::one_shot<arguments> done(co_await boost::asio::this_coro::executor);
    send_with_ack(std::move(p), id, timeout, done.callback());
    co_return co_await done.wait();
}

MAD_DECL void socket::join(room_list rooms) const {
    run([names = std::move(rooms.names)](detail::socket_node& n) {
        for (auto const& r : names)
            n.join(r);
    });
}

MAD_DECL void socket::leave(room_list rooms) const {
    run([names = std::move(rooms.names)](detail::socket_node& n) {
        for (auto const& r : names)
            n.leave(r);
    });
}

MAD_DECL std::vector<std::string> socket::rooms() const {
    std::vector<std::string> out;
    if (auto const* const n = node()) {
        out.emplace_back(id());
        for (auto const* const r : n->rooms)
            out.push_back(r->name);
    }
    return out;
}

MAD_DECL broadcast_operator socket::broadcast() const {
    if (!core_)
        throw std::logic_error("a socket without a server cannot broadcast");
    return broadcast_operator(core_->ref()).except(std::string(id()));
}

MAD_DECL broadcast_operator socket::to(room_list rooms) const {
    return broadcast().to(std::move(rooms));
}

MAD_DECL broadcast_operator socket::except(room_list rooms) const {
    return broadcast().except(std::move(rooms));
}

MAD_DECL void socket::disconnect(bool close) const {
    run([close](detail::socket_node& n) {
        if (!n.link)
            return;
        if (close)
            return n.link->close_all();
        if (n.connected) {
            if (!n.link->send_packet(packet_type::disconnect, n.core.name(), {}))
                return;
        }
        n.end(disconnect_reason::server_namespace_disconnect);
    });
}

MAD_DECL void socket::drop_connection() const {
    run([](detail::socket_node& n) {
        if (n.link)
            n.link->session().close(engine::close_reason::forced_close);
    });
}

MAD_DECL socketio::handshake socket::handshake() const {
    auto const* const n = node();
    if (!n || !n->link)
        throw std::logic_error("handshake() is for handlers of a connected socket");
    return socketio::handshake(n->link->session().handshake(), n->auth_text());
}

MAD_DECL json& socket::data() const {
    auto* const n = node();
    if (!n)
        throw std::logic_error("data() is for handlers of a connected socket");
    return n->extras().data;
}

MAD_DECL std::optional<engine::transport_kind> socket::transport() const {
    auto const* const n = node();
    if (!n || !n->link)
        return std::nullopt;
    return n->link->session().kind();
}

} // namespace mad::inline MAD_ABI::socketio

#endif
