#ifndef MAD_SOCKETIO_IMPL_ROOMS_IPP
#define MAD_SOCKETIO_IMPL_ROOMS_IPP

#include <mad/net/one_shot.hpp>
#include <mad/socketio/detail/gather.hpp>

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
    auto keep = ref();
    if (!keep)
        return;
    first.home.dispatch([keep = std::move(keep), &first, event = std::move(event),
                         args = std::move(args), reply = std::move(reply)] {
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

/// Calls `fn(room, members)` for each room of a shard, and for those that sockets have by
/// themselves.
template <class Fn>
void each_room(nsp_part const& part, Fn fn) {
    for (auto const& [name, r] : part.rooms)
        fn(r->name, r->members);
    for (auto* const n : part.members)
        fn(std::string(n->id()), std::vector{n});
}

} // namespace mad::inline MAD_ABI::socketio::detail

namespace mad::inline MAD_ABI::socketio {

MAD_DECL void nsp::rooms(std::function<void(room_map)> done) const {
    auto const collect = [](detail::nsp_part& part) {
        room_map here;
        detail::each_room(part, [&](std::string const& name, auto const& members) {
            auto& ids = here[name];
            for (auto const* const n : members)
                ids.emplace_back(n->id());
        });
        return here;
    };
    detail::gather<room_map>(*core_, collect, std::move(done));
}

MAD_DECL void nsp::room_sizes(std::function<void(size_map)> done) const {
    auto const collect = [](detail::nsp_part& part) {
        size_map here;
        detail::each_room(part, [&](std::string const& name, auto const& members) {
            here[name] += members.size();
        });
        return here;
    };
    detail::gather<size_map>(*core_, collect, std::move(done));
}

MAD_DECL void nsp::sids(std::function<void(room_map)> done) const {
    auto const collect = [](detail::nsp_part& part) {
        room_map here;
        for (auto* const n : part.members)
            here.emplace(n->id(), n->handle().rooms());
        return here;
    };
    detail::gather<room_map>(*core_, collect, std::move(done));
}

namespace detail {

// The handle by value: the caller's may be a temporary of the expression that makes the coroutine.

inline boost::asio::awaitable<result<nsp::room_map>>
ask_rooms(nsp n, void (nsp::*question)(std::function<void(nsp::room_map)>) const) {
    net::one_shot<nsp::room_map> done(co_await boost::asio::this_coro::executor);
    (n.*question)(done.callback());
    co_return co_await done.wait();
}

inline boost::asio::awaitable<result<nsp::size_map>> ask_sizes(nsp n) {
    net::one_shot<nsp::size_map> done(co_await boost::asio::this_coro::executor);
    n.room_sizes(done.callback());
    co_return co_await done.wait();
}

} // namespace detail

MAD_DECL boost::asio::awaitable<result<nsp::room_map>> nsp::rooms() const {
    return detail::ask_rooms(*this, &nsp::rooms);
}

MAD_DECL boost::asio::awaitable<result<nsp::size_map>> nsp::room_sizes() const {
    return detail::ask_sizes(*this);
}

MAD_DECL boost::asio::awaitable<result<nsp::room_map>> nsp::sids() const {
    return detail::ask_rooms(*this, &nsp::sids);
}

} // namespace mad::inline MAD_ABI::socketio

#endif
