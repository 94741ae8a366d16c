#ifndef MAD_SOCKETIO_IMPL_BROADCAST_IPP
#define MAD_SOCKETIO_IMPL_BROADCAST_IPP

#include <mad/net/one_shot.hpp>
#include <mad/socketio/detail/server_core.hpp>

#include <stdexcept>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL void broadcast_operator::check(std::string_view event) {
    if (is_reserved_event(event))
        throw std::invalid_argument('"' + std::string(event) + "\" is a reserved event name");
}

MAD_DECL std::string_view broadcast_operator::nsp_name() const { return nsp_->name(); }

MAD_DECL std::uint64_t broadcast_operator::next_ack_id() const { return nsp_->next_ack_id(); }

MAD_DECL void broadcast_operator::send(encoded const& p) const {
    nsp_->reach().broadcast(p, target_, flags_);
}

MAD_DECL void broadcast_operator::send_with_ack(encoded const& p, std::uint64_t id,
                                                std::function<void(ack_responses)> done) const {
    nsp_->reach().broadcast_with_ack(p, id, target_, flags_, timeout_, std::move(done));
}

MAD_DECL void broadcast_operator::sockets_join(std::vector<std::string> rooms) const {
    nsp_->reach().join(target_, std::move(rooms));
}

MAD_DECL void broadcast_operator::sockets_leave(std::vector<std::string> rooms) const {
    nsp_->reach().leave(target_, std::move(rooms));
}

MAD_DECL void broadcast_operator::disconnect_sockets(bool close) const {
    nsp_->reach().disconnect(target_, close);
}

MAD_DECL void broadcast_operator::fetch_sockets(
    std::function<void(result<std::vector<socket_info>>)> done) const {
    nsp_->reach().fetch(target_, std::move(done));
}

MAD_DECL boost::asio::awaitable<result<std::vector<socket_info>>>
broadcast_operator::fetch_sockets() const {
    net::one_shot<std::vector<socket_info>> done(co_await boost::asio::this_coro::executor);
    fetch_sockets(done.callback());
    co_return co_await done.wait();
}

} // namespace mad::inline MAD_ABI::socketio

#endif
