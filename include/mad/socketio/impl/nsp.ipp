#ifndef MAD_SOCKETIO_IMPL_NSP_IPP
#define MAD_SOCKETIO_IMPL_NSP_IPP

#include <mad/socketio/detail/server_core.hpp>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL std::string_view nsp::name() const { return core_->name(); }

MAD_DECL std::size_t nsp::size() const { return core_->size(); }

MAD_DECL void nsp::on_connection(std::function<void(socket)> fn) const {
    core_->each_part(
        [fn = std::move(fn)](detail::nsp_part& p) { p.on_connection.push_back(fn); });
}

MAD_DECL void nsp::on_disconnect(std::function<void(socket, disconnect_reason)> fn) const {
    core_->each_part(
        [fn = std::move(fn)](detail::nsp_part& p) { p.on_disconnect.push_back(fn); });
}

MAD_DECL void nsp::use(middleware m) const {
    core_->each_part([m = std::move(m)](detail::nsp_part& p) { p.middlewares.push_back(m); });
}

MAD_DECL void nsp::add_listener(std::string event, listener fn) const {
    core_->each_part([event = std::move(event), fn = std::move(fn)](detail::nsp_part& p) {
        p.listeners.add(event, fn);
    });
}

MAD_DECL void nsp::server_side_emit(std::string_view event, arguments const& args) const {
    core_->reach().server_side_emit(event, args);
}

} // namespace mad::inline MAD_ABI::socketio

#endif
