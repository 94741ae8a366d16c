#ifndef MAD_SOCKETIO_NSP_HPP
#define MAD_SOCKETIO_NSP_HPP

#include <mad/socketio/broadcast.hpp>
#include <mad/socketio/listener.hpp>
#include <mad/socketio/socket.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

/// Why a socket may not connect: `connect_error` at the peer.
struct connect_error {
    std::string message;
    std::optional<std::string> data; ///< JSON text
};

/// Lets the next middleware run, or refuses: `next(connect_error{"not authorized"})`. Once; copies
/// share it. From any thread.
using next = std::function<void(std::optional<connect_error>)>;

/// Runs before a socket is connected, in order of registration.
using middleware = std::function<void(socket const&, next)>;

/// A namespace: a handle, valid as long as its server. Handlers should be registered before the
/// server listens; later registrations reach each shard in its own time.
class nsp {
  public:
    explicit nsp(detail::nsp_core& c) : core_(&c) {}

    std::string_view name() const;

    /// Calls `fn` when a socket has joined, before any of its events.
    void on_connection(std::function<void(socket)> fn) const;

    /// Calls `fn` for that event of every socket of the namespace: costs nothing per socket. See
    /// `listener.hpp`; `fn` usually takes the `socket` first.
    template <class Fn>
    void on(std::string event, Fn fn) const {
        add_listener(std::move(event), make_listener(std::move(fn)));
    }

    /// Called when a socket has left.
    void on_disconnect(std::function<void(socket, disconnect_reason)> fn) const;

    void use(middleware) const;

    /// Sends to all sockets of the namespace.
    template <class... Ts>
    void emit(std::string_view event, Ts const&... args) const {
        all().emit(event, args...);
    }

    broadcast_operator all() const { return broadcast_operator(*core_); }
    broadcast_operator to(std::string room) const { return all().to(std::move(room)); }
    broadcast_operator in(std::string room) const { return all().to(std::move(room)); }
    broadcast_operator except(std::string room) const { return all().except(std::move(room)); }
    broadcast_operator as_volatile() const { return all().as_volatile(); }
    broadcast_operator compress(bool yes) const { return all().compress(yes); }
    broadcast_operator local() const { return all().local(); }
    broadcast_operator timeout(milliseconds t) const { return all().timeout(t); }

    /// To the listeners of this namespace on all other nodes.
    void server_side_emit(std::string_view event, arguments const&) const;

    /// Sockets connected on this node now.
    std::size_t size() const;

  private:
    void add_listener(std::string event, listener) const;

    detail::nsp_core* core_;
};

} // namespace mad::inline MAD_ABI::socketio

// Bodies come with server.hpp and client.hpp: they need the whole room.

#endif
