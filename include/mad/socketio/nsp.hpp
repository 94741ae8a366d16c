#ifndef MAD_SOCKETIO_NSP_HPP
#define MAD_SOCKETIO_NSP_HPP

#include <mad/socketio/broadcast.hpp>
#include <mad/socketio/listener.hpp>
#include <mad/socketio/middleware.hpp>
#include <mad/socketio/socket.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

/// Runs before a socket is connected, in order of registration.
using middleware = std::function<void(socket const&, next)>;

/// A namespace: a handle, valid as long as its server. Handlers should be registered before the
/// server listens; later registrations reach each shard in its own time. One of a namespace that
/// has been cleaned up (`server_settings::cleanup_empty_child_namespaces`) reaches nobody.
class nsp {
  public:
    explicit nsp(std::shared_ptr<detail::nsp_core> c)
        : core_(std::move(c)) {}

    std::string_view name() const;

    /// Calls `fn` when a socket has joined, before any of its events.
    void on_connection(std::function<void(socket)> fn) const;

    /// Calls `fn` for that event of every socket of the namespace, after the socket's own
    /// listeners: costs nothing per socket. See `listener.hpp`; `fn` usually takes the `socket`
    /// first. Ours, as are the others of this group.
    template <class Fn>
    listener_id on(std::string event, Fn fn) const {
        return add_listener(std::move(event), make_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::event));
    }
    template <class Fn>
    listener_id prepend(std::string event, Fn fn) const {
        return add_listener(std::move(event), make_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::event, false, true));
    }

    /// Calls `fn(socket, std::string event, arguments)` for every event of every socket, after the
    /// socket's own catch-all listeners and before all others.
    template <class Fn>
    listener_id on_any(Fn fn) const {
        return add_listener({}, make_any_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::any));
    }

    /// The same for events that have no listener of their own, here or on their socket.
    template <class Fn>
    listener_id on_unhandled(Fn fn) const {
        return add_listener({}, make_any_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::unhandled));
    }

    /// Takes back one registration; the listeners of one event; those of every event name.
    void off(listener_id) const;
    void off(std::string_view event) const;
    void off() const;

    /// Called when a socket has left.
    void on_disconnect(std::function<void(socket, disconnect_reason)> fn) const;

    void use(middleware) const;

    /// What becomes of the rooms of this node, each socket's own included: `fn(room)` when the
    /// first socket has come or the last one gone, `fn(room, id)` when one has joined or left. On
    /// the shard of that socket. Rooms cost nothing for it unless somebody listens.
    void on_create_room(std::function<void(std::string const& room)> fn) const;
    void on_delete_room(std::function<void(std::string const& room)> fn) const;
    void on_join_room(std::function<void(std::string const& room, std::string_view id)> fn) const;
    void on_leave_room(std::function<void(std::string const& room, std::string_view id)> fn) const;

    // The rooms of this node as they are now (`adapter.rooms`, `adapter.sids` in JavaScript),
    // gathered from all shards; each socket's own room is among them. `done` is called once, from
    // any thread.

    using room_map = std::map<std::string, std::vector<std::string>>;
    using size_map = std::map<std::string, std::size_t>;

    /// Each room, and the ids of the sockets that are in it.
    void rooms(std::function<void(room_map)> done) const;
    boost::asio::awaitable<result<room_map>> rooms() const;
    /// Each room, and how many are in it.
    void room_sizes(std::function<void(size_map)> done) const;
    boost::asio::awaitable<result<size_map>> room_sizes() const;
    /// Each socket by its id, and its rooms, its own first.
    void sids(std::function<void(room_map)> done) const;
    boost::asio::awaitable<result<room_map>> sids() const;

    /// Sends to all sockets of the namespace.
    template <class... Ts>
    void emit(std::string_view event, Ts const&... args) const {
        all().emit(event, args...);
    }
    /// Asks all of them: see `broadcast_operator`. `timeout(t)` before it for another time than 5
    /// s.
    template <class... Ts>
    void emit_with_ack(std::function<void(ack_responses)> done, std::string_view event,
                       Ts const&... args) const {
        all().emit_with_ack(std::move(done), event, args...);
    }
    template <class... Ts>
    boost::asio::awaitable<ack_responses> emit_with_ack(std::string_view event,
                                                        Ts const&... args) const {
        return all().emit_with_ack(event, args...);
    }

    broadcast_operator all() const { return broadcast_operator(core_); }
    broadcast_operator to(room_list rooms) const { return all().to(std::move(rooms)); }
    broadcast_operator in(room_list rooms) const { return all().to(std::move(rooms)); }
    broadcast_operator except(room_list rooms) const { return all().except(std::move(rooms)); }
    broadcast_operator as_volatile() const { return all().as_volatile(); }
    broadcast_operator compress(bool yes) const { return all().compress(yes); }
    broadcast_operator local() const { return all().local(); }
    broadcast_operator timeout(milliseconds t) const { return all().timeout(t); }

    void sockets_join(room_list rooms) const { all().sockets_join(std::move(rooms)); }
    void sockets_leave(room_list rooms) const { all().sockets_leave(std::move(rooms)); }
    void disconnect_sockets(bool close = false) const { all().disconnect_sockets(close); }
    boost::asio::awaitable<result<std::vector<remote_socket>>> fetch_sockets() const {
        return all().fetch_sockets();
    }
    void fetch_sockets(std::function<void(result<std::vector<remote_socket>>)> done) const {
        all().fetch_sockets(std::move(done));
    }

    /// The rooms of all nodes, each socket's own included; each once, in no order. The callback is
    /// called from any thread.
    void all_rooms(std::function<void(result<std::vector<std::string>>)> done) const;

    /// To the `on_server_side` handlers of this namespace on all other nodes; what that is says the
    /// adapter, and with the in-memory one there are none. `connect`, `connection` and
    /// `new_namespace` throw std::invalid_argument.
    void server_side_emit(std::string_view event, arguments const&) const;
    template <class... Ts>
    void server_side_emit(std::string_view event, Ts const&... args) const {
        server_side_emit(event, arguments{{json(args)...}});
    }
    /// The same; `done` gets an answer of each node, from any thread. With `error::timeout` those
    /// that came in time.
    void server_side_emit_with_ack(std::function<void(ack_responses)> done, std::string_view event,
                                   arguments const&,
                                   milliseconds timeout = milliseconds(5000)) const;

    /// Calls `fn(args, reply)` for that event of other nodes, on the first shard. `reply` is empty
    /// when no answer is wanted.
    using server_side_handler =
        std::function<void(arguments const&, std::function<void(arguments)> reply)>;
    void on_server_side(std::string event, server_side_handler fn) const;

    /// Sockets connected on this node now.
    std::size_t size() const;

  private:
    listener_id add_listener(std::string event, listener, detail::registration) const;

    std::shared_ptr<detail::nsp_core> core_; // see `nsp_core::ref`
};

} // namespace mad::inline MAD_ABI::socketio

// Bodies come with server.hpp and client.hpp: they need the whole room.

#endif
