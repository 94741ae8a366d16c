#ifndef MAD_SOCKETIO_IMPL_ROOMS_IPP
#define MAD_SOCKETIO_IMPL_ROOMS_IPP

#include <mad/socketio/detail/server_core.hpp>

namespace mad::inline MAD_ABI::socketio::detail {

MAD_DECL room_watch& nsp_part::watch_rooms() {
    if (watch)
        return *watch;
    watch = std::make_unique<room_watch>();
    for (auto const& [name, r] : rooms)
        core.census().enter(r->name);
    for (auto const* const n : members)
        core.census().enter(std::string(n->id()));
    return *watch;
}

/// Calls handlers that may register others. Their faults are logged.
template <class Handlers, class... Args>
void tell_rooms(nsp_core& core, Handlers const& handlers, std::string_view event,
                Args const&... args) {
    for (std::size_t i = 0; i < handlers.size(); ++i) {
        auto const fn = handlers[i]; // registering another may move the list
        try {
            fn(args...);
        } catch (...) {
            report_fault(core, event, std::current_exception());
        }
    }
}

MAD_DECL void nsp_part::room_joined(std::string const& name, std::string const& id, bool fresh) {
    if (fresh && core.census().enter(name)) {
        tell_rooms(core, watch->presence, "create_room", name, name == id, true);
        tell_rooms(core, watch->created, "create_room", name);
    }
    tell_rooms(core, watch->joined, "join_room", name, std::string_view(id));
}

MAD_DECL void nsp_part::room_left(std::string const& name, std::string const& id, bool gone) {
    if (!home.here())
        return; // the server is being destroyed
    tell_rooms(core, watch->left, "leave_room", name, std::string_view(id));
    if (gone && core.census().leave(name)) {
        tell_rooms(core, watch->presence, "delete_room", name, name == id, false);
        tell_rooms(core, watch->deleted, "delete_room", name);
    }
}

MAD_DECL void nsp_core::server_side_event(std::string event, arguments args,
                                          std::function<void(arguments)> reply) {
    auto& first = *parts_.front();
    first.home.dispatch(
        [&first, event = std::move(event), args = std::move(args), reply = std::move(reply)] {
            for (std::size_t i = 0; i < first.on_server_side.size(); ++i) {
                if (first.on_server_side[i].first != event)
                    continue;
                auto const fn = first.on_server_side[i].second; // it may register another
                try {
                    fn(args, reply);
                } catch (...) {
                    report_fault(first.core, event, std::current_exception());
                }
            }
        });
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
