#ifndef MAD_SOCKETIO_SOCKET_HPP
#define MAD_SOCKETIO_SOCKET_HPP

#include <mad/socketio/broadcast.hpp>
#include <mad/socketio/disconnect_reason.hpp>
#include <mad/socketio/encoded.hpp>
#include <mad/socketio/handshake.hpp>
#include <mad/socketio/listener.hpp>
#include <mad/socketio/middleware.hpp>

#include <mad/engine/handshake.hpp>

#include <boost/asio/awaitable.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::net {
class shard;
}

namespace mad::inline MAD_ABI::socketio {

namespace detail {
class nsp_core;
struct socket_node;
} // namespace detail

using ack_callback = std::function<void(result<arguments>)>;

/// One peer in one namespace: a handle, cheap to copy, that never keeps anything alive. Sends and
/// changes may be called from any thread; what reads (`rooms`, `data`, `handshake`) and what
/// registers handlers is for the socket's own handlers. On a socket that is gone, calls do nothing
/// or answer `error::session_closed`. Must not be used after its server is destroyed.
class socket {
  public:
    socket() = default;

    /// 20 characters, new for each connection and namespace; not the Engine.IO sid. For a peer of
    /// revision 3, which makes up the same id by itself: the sid in `/`, `/chat#` and the sid in
    /// `/chat`. The sid is a secret: do not show such an id to other peers.
    std::string_view id() const {
        return long_id_ ? std::string_view(*long_id_) : std::string_view(id_.data(), id_.size());
    }
    std::string_view nsp() const;
    /// True while it is in its namespace. Only on its own shard; false elsewhere.
    bool connected() const;

    /// True when it has come back with the state of an earlier connection (`server_settings::
    /// recovery`): id, rooms and `data` are those of then, and what it missed is on its way. Only
    /// on its own shard; false elsewhere.
    bool recovered() const;

    /// Calls `fn` for each event of that name. `fn` takes the arguments it wants (see
    /// `listener.hpp`), and may be a coroutine.
    template <class Fn>
    listener_id on(std::string event, Fn fn) const {
        return add_listener(std::move(event), make_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::event));
    }

    /// The same, for the next event of that name only.
    template <class Fn>
    listener_id once(std::string event, Fn fn) const {
        return add_listener(std::move(event), make_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::event, true));
    }

    /// As `on` and `once`, before the listeners that are there.
    template <class Fn>
    listener_id prepend(std::string event, Fn fn) const {
        return add_listener(std::move(event), make_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::event, false, true));
    }
    template <class Fn>
    listener_id prepend_once(std::string event, Fn fn) const {
        return add_listener(std::move(event), make_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::event, true, true));
    }

    /// Calls `fn(std::string event, arguments)` for every event that arrives, before the listeners
    /// of its name and before middlewares.
    template <class Fn>
    listener_id on_any(Fn fn) const {
        return add_listener({}, make_any_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::any));
    }
    template <class Fn>
    listener_id prepend_any(Fn fn) const {
        return add_listener({}, make_any_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::any, false, true));
    }

    /// Calls `fn(std::string event, arguments)` for each event that has no listener of its own,
    /// here or in the namespace. Ours.
    template <class Fn>
    listener_id on_unhandled(Fn fn) const {
        return add_listener({}, make_any_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::unhandled));
    }

    /// Calls `fn(std::string event, arguments)` for every event that is sent to this peer,
    /// broadcasts included, whether it then leaves or is dropped as volatile. Each costs a
    /// decoding: for tracing. Without such listeners it costs nothing.
    template <class Fn>
    listener_id on_any_outgoing(Fn fn) const {
        return add_listener({}, make_any_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::outgoing));
    }
    template <class Fn>
    listener_id prepend_any_outgoing(Fn fn) const {
        return add_listener({}, make_any_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::outgoing, false, true));
    }

    /// Takes back one registration, of whatever kind.
    void off(listener_id) const;
    /// Removes the listeners of that event.
    void off(std::string_view event) const;
    /// Removes the listeners of all names; the catch-all ones stay.
    void off() const { remove(detail::listener_kind::event); }
    void off_any() const { remove(detail::listener_kind::any); }
    void off_unhandled() const { remove(detail::listener_kind::unhandled); }
    void off_any_outgoing() const { remove(detail::listener_kind::outgoing); }

    /// Runs `fn(event, args, next)` before the listeners of each event: see `event_middleware`.
    template <class Fn>
    void use(Fn fn) const {
        add_step({event_middleware(std::move(fn)), detail::changes_event<Fn>::value});
    }

    /// Told what a middleware of this socket refused. Without such a handler it is logged. (In
    /// JavaScript these are listeners of `error`, an event that a client may send as well; here
    /// they are apart.)
    void on_error(std::function<void(connect_error const&)> fn) const;

    /// After the socket has left its rooms.
    void on_disconnect(std::function<void(disconnect_reason)>) const;
    /// Just before it leaves its rooms.
    void on_disconnecting(std::function<void(disconnect_reason)>) const;

    /// Sends an event. Reserved names (`is_reserved_event`) throw std::invalid_argument.
    template <class... Ts>
    void emit(std::string_view event, Ts const&... args) const {
        check_event(event);
        send(encode_packet(packet_type::event, nsp(), std::nullopt, event, args...), false);
    }
    void emit(std::string_view event, arguments const& args) const {
        check_event(event);
        send(encode_arguments(packet_type::event, nsp(), std::nullopt, event, args), false);
    }

    /// The same, dropped when the peer cannot take it at once.
    template <class... Ts>
    void volatile_emit(std::string_view event, Ts const&... args) const {
        check_event(event);
        send(encode_packet(packet_type::event, nsp(), std::nullopt, event, args...), true);
    }

    /// The same, left as it is by a wire that compresses (`compress(false)` in JavaScript).
    template <class... Ts>
    void uncompressed_emit(std::string_view event, Ts const&... args) const {
        check_event(event);
        auto const p = encode_packet(packet_type::event, nsp(), std::nullopt, event, args...);
        p.set_compress(false);
        send(p, false);
    }

    /// Sends a packet that was encoded before, once for several sockets of the namespace.
    void emit_encoded(encoded const& p) const { send(p, false); }

    /// Bytes that wait for this peer to take them. Only on its own shard; 0 elsewhere.
    std::size_t backlog() const;

    /// Sends an event and calls `done` with the arguments of the peer's answer, or with
    /// `error::timeout` or `error::not_acknowledged` (disconnected before). On the socket's shard.
    /// `timeout` 0: waits as long as the socket lives.
    template <class... Ts>
    void emit_with_ack(ack_callback done, milliseconds timeout, std::string_view event,
                       Ts const&... args) const {
        check_event(event);
        auto const id = next_ack_id();
        send_with_ack(encode_packet(packet_type::event, nsp(), id, event, args...), id, timeout,
                      std::move(done));
    }

    /// The same as a coroutine. Cancelling it forgets the answer.
    template <class... Ts>
    boost::asio::awaitable<result<arguments>>
    emit_with_ack(milliseconds timeout, std::string_view event, Ts const&... args) const {
        check_event(event);
        auto const id = next_ack_id();
        return ask(encode_packet(packet_type::event, nsp(), id, event, args...), id, timeout);
    }

    void join(room_list rooms) const;
    void leave(room_list rooms) const;
    /// Its rooms, its own id first.
    std::vector<std::string> rooms() const;

    /// To everybody in those rooms but this socket.
    broadcast_operator to(room_list rooms) const;
    broadcast_operator in(room_list rooms) const { return to(std::move(rooms)); }
    broadcast_operator except(room_list rooms) const;
    /// To everybody in the namespace but this socket.
    broadcast_operator broadcast() const;

    /// Leaves the namespace; `close` also ends the connection under it.
    void disconnect(bool close = false) const;

    /// Ends the connection under it at the Engine.IO level (`socket.conn.close()`), without a word
    /// at this one: the peer reconnects by itself.
    void drop_connection() const;

    /// What it said when it connected. Throws std::logic_error when the socket is gone or this is
    /// not its shard.
    socketio::handshake handshake() const;

    /// Anything an application wants to keep with the socket. As `handshake`.
    json& data() const;

    /// Engine.IO transport of the moment; nothing when the socket is gone.
    std::optional<engine::transport_kind> transport() const;

    /// The shard it lives on.
    net::shard* home() const;

    friend bool operator==(socket const& a, socket const& b) {
        return a.core_ == b.core_ && a.id_ == b.id_;
    }

  private:
    friend class detail::nsp_core;
    friend struct detail::socket_node;

    static void check_event(std::string_view);
    listener_id add_listener(std::string event, listener, detail::registration) const;
    void remove(detail::listener_kind) const;
    void add_step(detail::event_step) const;
    void send(encoded, bool is_volatile) const;
    void send_to_keep(encoded const&) const;
    std::uint64_t next_ack_id() const;
    void send_with_ack(encoded, std::uint64_t id, milliseconds timeout, ack_callback) const;
    boost::asio::awaitable<result<arguments>> ask(encoded, std::uint64_t id,
                                                  milliseconds timeout) const;
    detail::socket_node* node() const;
    void run(std::function<void(detail::socket_node&)>) const;

    detail::nsp_core* core_ = nullptr;
    std::uint32_t slot_ = 0, generation_ = 0;
    std::uint8_t shard_ = 0;
    std::array<char, 20> id_{};
    // For revision 3, not in `/`; also without text it keeps a namespace that may be cleaned up.
    std::shared_ptr<std::string const> long_id_;
};

} // namespace mad::inline MAD_ABI::socketio

// Bodies come with server.hpp and client.hpp: they need the whole room.

#endif
