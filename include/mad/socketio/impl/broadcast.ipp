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

MAD_DECL std::string_view broadcast_operator::nsp_name() const {
    return nsp_->name();
}

MAD_DECL std::uint64_t broadcast_operator::next_ack_id() const {
    return nsp_->next_ack_id();
}

MAD_DECL void broadcast_operator::send(encoded const& p) const {
    nsp_->reach().broadcast(p, target_, flags_);
}

MAD_DECL void broadcast_operator::send_with_ack(encoded const& p, std::uint64_t id,
                                                std::function<void(ack_responses)> done) const {
    nsp_->reach().broadcast_with_ack(p, id, target_, flags_, timeout_, std::move(done));
}

MAD_DECL void broadcast_operator::sockets_join(room_list rooms) const {
    nsp_->reach().join(target_, std::move(rooms.names));
}

MAD_DECL void broadcast_operator::sockets_leave(room_list rooms) const {
    nsp_->reach().leave(target_, std::move(rooms.names));
}

MAD_DECL void broadcast_operator::disconnect_sockets(bool close) const {
    nsp_->reach().disconnect(target_, close);
}

MAD_DECL void broadcast_operator::fetch_sockets(
    std::function<void(result<std::vector<remote_socket>>)> done) const {
    nsp_->reach().fetch(target_,
                        [nsp = nsp_, done = std::move(done)](result<std::vector<socket_info>> all) {
                            if (!all)
                                return done(all.error());
                            std::vector<remote_socket> found;
                            found.reserve(all->size());
                            for (auto& i : *all)
                                found.emplace_back(nsp, std::move(i));
                            done(std::move(found));
                        });
}

// By value: the operator may be a temporary of the expression that makes the coroutine.
MAD_DECL boost::asio::awaitable<result<std::vector<remote_socket>>>
broadcast_operator::fetch_from(broadcast_operator self) {
    net::one_shot<std::vector<remote_socket>> done(co_await boost::asio::this_coro::executor);
    self.fetch_sockets(done.callback());
    co_return co_await done.wait();
}

MAD_DECL boost::asio::awaitable<ack_responses>
broadcast_operator::ask_all(broadcast_operator self, encoded p, std::uint64_t id) {
    net::one_shot<ack_responses> done(co_await boost::asio::this_coro::executor);
    self.send_with_ack(p, id, done.callback());
    auto answer = co_await done.wait();
    if (!answer)
        co_return ack_responses{answer.error(), {}};
    co_return std::move(*answer);
}

} // namespace mad::inline MAD_ABI::socketio

#endif
