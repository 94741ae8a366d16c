#ifndef MAD_SOCKETIO_IMPL_NSP_IPP
#define MAD_SOCKETIO_IMPL_NSP_IPP

#include <mad/socketio/detail/server_core.hpp>

#include <stdexcept>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL std::string_view nsp::name() const {
    return core_->name();
}

MAD_DECL std::size_t nsp::size() const {
    return core_->size();
}

MAD_DECL void nsp::on_connection(std::function<void(socket)> fn) const {
    core_->configure([fn = std::move(fn)](detail::nsp_part& p) { p.on_connection.push_back(fn); });
}

MAD_DECL void nsp::on_disconnect(std::function<void(socket, disconnect_reason)> fn) const {
    core_->configure([fn = std::move(fn)](detail::nsp_part& p) { p.on_disconnect.push_back(fn); });
}

MAD_DECL void nsp::use(middleware m) const {
    core_->configure([m = std::move(m)](detail::nsp_part& p) { p.middlewares.push_back(m); });
}

MAD_DECL listener_id nsp::add_listener(std::string event, listener fn,
                                       detail::registration how) const {
    core_->configure([event = std::move(event), fn = std::move(fn), how](detail::nsp_part& p) {
        p.listeners.add(event, fn, how);
    });
    return how.id;
}

MAD_DECL void nsp::off(listener_id id) const {
    core_->configure([id](detail::nsp_part& p) { p.listeners.remove(id); });
}

MAD_DECL void nsp::off(std::string_view event) const {
    core_->configure(
        [name = std::string(event)](detail::nsp_part& p) { p.listeners.remove(name); });
}

MAD_DECL void nsp::off() const {
    core_->configure([](detail::nsp_part& p) { p.listeners.remove(detail::listener_kind::event); });
}

namespace detail {

inline void check_server_side(std::string_view event) {
    if (event == "connect" || event == "connection" || event == "new_namespace")
        throw std::invalid_argument('"' + std::string(event) + "\" is a reserved event name");
}

} // namespace detail

MAD_DECL void nsp::all_rooms(std::function<void(result<std::vector<std::string>>)> done) const {
    core_->reach().all_rooms(std::move(done));
}

MAD_DECL void nsp::server_side_emit(std::string_view event, arguments const& args) const {
    detail::check_server_side(event);
    core_->reach().server_side_emit(event, args);
}

MAD_DECL void nsp::server_side_emit_with_ack(std::function<void(ack_responses)> done,
                                             std::string_view event, arguments const& args,
                                             milliseconds timeout) const {
    detail::check_server_side(event);
    core_->reach().server_side_emit_with_ack(event, args, timeout, std::move(done));
}

MAD_DECL void nsp::on_server_side(std::string event, server_side_handler fn) const {
    core_->part(0).home.dispatch([c = core_, event = std::move(event), fn = std::move(fn)] {
        if (!c->gone())
            c->part(0).on_server_side.emplace_back(event, fn);
    });
}

MAD_DECL void nsp::on_create_room(std::function<void(std::string const&)> fn) const {
    core_->configure(
        [fn = std::move(fn)](detail::nsp_part& p) { p.watch_rooms().created.push_back(fn); });
}

MAD_DECL void nsp::on_delete_room(std::function<void(std::string const&)> fn) const {
    core_->configure(
        [fn = std::move(fn)](detail::nsp_part& p) { p.watch_rooms().deleted.push_back(fn); });
}

MAD_DECL void
nsp::on_join_room(std::function<void(std::string const&, std::string_view)> fn) const {
    core_->configure(
        [fn = std::move(fn)](detail::nsp_part& p) { p.watch_rooms().joined.push_back(fn); });
}

MAD_DECL void
nsp::on_leave_room(std::function<void(std::string const&, std::string_view)> fn) const {
    core_->configure(
        [fn = std::move(fn)](detail::nsp_part& p) { p.watch_rooms().left.push_back(fn); });
}

} // namespace mad::inline MAD_ABI::socketio

#endif
