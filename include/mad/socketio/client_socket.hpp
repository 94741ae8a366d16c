#ifndef MAD_SOCKETIO_CLIENT_SOCKET_HPP
#define MAD_SOCKETIO_CLIENT_SOCKET_HPP

#include <mad/core/clock.hpp>
#include <mad/core/json.hpp>
#include <mad/socketio/disconnect_reason.hpp>
#include <mad/socketio/encoded.hpp>
#include <mad/socketio/listener.hpp>
#include <mad/socketio/socket.hpp>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

namespace detail {

struct client_node;

/// What handles know without asking the shard.
struct client_shared {
    client_shared(std::string n, bool q)
        : name(std::move(n))
        , queues(q) {}
    std::string const name;
    bool const queues; // events wait for the answer to the one before them
    std::atomic<std::uint64_t> ack_ids{0};
    std::atomic<bool> joined{false}, recovered{false};
};

template <class Tuple>
inline constexpr bool has_socket = false;
template <class... Ts>
inline constexpr bool has_socket<std::tuple<Ts...>> = (std::same_as<Ts, socket> || ...);

} // namespace detail

/// Why a client's socket could not connect.
struct connect_failure {
    /// `error::connect_refused` when the server refused the namespace, `error::incompatible_peer`
    /// for a 2.x server; else what went wrong below, which the client tries again.
    error_code code;
    std::string message;             ///< the server's words, else those of `code`
    std::optional<std::string> data; ///< JSON text that came with a refusal

    bool refused() const { return code == error::connect_refused; }
};

/// An ERROR packet for a namespace that has been joined: servers of Socket.IO 2.x answer with one
/// when a middleware of the socket does not let an event through. Nothing else comes of it.
struct server_error {
    std::string message;             ///< the server's words; empty when it sent other data
    std::optional<std::string> data; ///< JSON text, when it sent more than words
};

/// One namespace of a `client`: a handle, cheap to copy, that keeps nothing alive. All calls may be
/// made from any thread; handlers run on the client's shard. Once the client is gone, calls do
/// nothing or answer `error::session_closed`.
class client_socket {
  public:
    using connect_callback = std::function<void(result<void>)>;
    using auth_answer = std::function<void(json)>;

    client_socket() = default;

    std::string_view nsp() const { return shared_ ? shared_->name : std::string_view("/"); }

    /// Joins the namespace, and makes the connection when there is none. Does nothing when that is
    /// under way. Also after the server has ended it, or refused.
    void connect() const { connect(connect_callback()); }

    /// The same; `done` is told the first outcome: connected, or what came of the first attempt.
    /// Trying again, where settings say so, goes on regardless.
    void connect(connect_callback done) const;

    /// The same as a coroutine. Cancelling it forgets the outcome.
    boost::asio::awaitable<result<void>> connect_and_wait() const { return wait(*this); }

    /// Leaves the namespace ("io client disconnect"); the connection ends with the last one.
    void disconnect() const;

    /// Sent with every connect of this namespace from now on: an object, or null for none.
    void set_auth(json value) const;
    /// Asked before every connect. On the client's shard.
    void set_auth_source(std::function<json()>) const;
    /// The same when the value takes time: the source calls what it is given, once, from any
    /// thread; the namespace is joined then. What comes after the connection has ended is not used.
    void set_auth_source(std::function<void(auth_answer)>) const;
    /// The same as a coroutine, which belongs to the client.
    void set_auth_source(std::function<boost::asio::awaitable<json>()>) const;

    /// Sent with every connect of this namespace from now on, to a server of revision 3, which has
    /// no auth. (One of revision 4 gets the query of the settings only.) `/` has none of its own.
    void set_query(std::vector<std::pair<std::string, std::string>>) const;

    /// Calls `fn` for each event of that name. `fn` takes the arguments it wants (see
    /// `listener.hpp`), and may be a coroutine, which then belongs to the client.
    template <class Fn>
    listener_id on(std::string event, Fn fn) const {
        return add<Fn>(std::move(event), std::move(fn), false, false);
    }

    /// The same, for the next event of that name only.
    template <class Fn>
    listener_id once(std::string event, Fn fn) const {
        return add<Fn>(std::move(event), std::move(fn), true, false);
    }

    /// As `on`, before the listeners that are there.
    template <class Fn>
    listener_id prepend(std::string event, Fn fn) const {
        return add<Fn>(std::move(event), std::move(fn), false, true);
    }

    /// Calls `fn(std::string event, arguments)` for every event, before the listeners of its name.
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

    /// Calls `fn(std::string event, arguments)` for each event that has no listener of its own.
    /// Ours.
    template <class Fn>
    listener_id on_unhandled(Fn fn) const {
        return add_listener({}, make_any_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::unhandled));
    }

    /// Takes back one registration, of whatever kind.
    void off(listener_id) const;
    /// Removes the listeners of that event.
    void off(std::string_view event) const;
    /// Removes the listeners of all names; the catch-all ones stay.
    void off() const { remove(detail::listener_kind::event); }
    void off_any() const { remove(detail::listener_kind::any); }
    void off_unhandled() const { remove(detail::listener_kind::unhandled); }

    /// After each connect; what was buffered has been sent before.
    void on_connect(std::function<void()>) const;
    void on_disconnect(std::function<void(disconnect_reason)>) const;
    /// A connect that did not come about. With revision 3 a refusal is an ERROR packet that comes
    /// before the namespace has been joined.
    void on_connect_error(std::function<void(connect_failure const&)>) const;
    /// Revision 3 only: an ERROR packet for a namespace that has been joined.
    void on_error(std::function<void(server_error const&)>) const;

    /// Sends an event, or keeps it until connected (see `client_settings::max_buffered_packets`).
    /// Reserved names (`is_reserved_event`) throw std::invalid_argument.
    template <class... Ts>
    void emit(std::string_view event, Ts const&... args) const {
        check_event(event);
        send(encode_packet(packet_type::event, nsp(), std::nullopt, event, args...), false);
    }
    void emit(std::string_view event, arguments const& args) const {
        check_event(event);
        send(encode_arguments(packet_type::event, nsp(), std::nullopt, event, args), false);
    }

    /// The same, dropped when it cannot be sent at once.
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

    /// Sends an event and calls `done` with the arguments of the server's answer, or with
    /// `error::timeout`, `error::not_acknowledged` (disconnected before) or `error::queue_full`.
    /// `timeout` counts from the call; 0 stands for `client_settings::ack_timeout`. What waits to
    /// be sent survives a disconnect. With `client_settings::retries` it is for each try.
    template <class... Ts>
    void emit_with_ack(ack_callback done, milliseconds timeout, std::string_view event,
                       Ts const&... args) const {
        check_event(event);
        auto const id = next_ack_id();
        send_with_ack(encode_packet(packet_type::event, nsp(), id, event, args...), id, timeout,
                      std::move(done));
    }
    void emit_with_ack(ack_callback done, milliseconds timeout, std::string_view event,
                       arguments const& args) const {
        check_event(event);
        auto const id = next_ack_id();
        send_with_ack(encode_arguments(packet_type::event, nsp(), id, event, args), id, timeout,
                      std::move(done));
    }

    /// The same as a coroutine. Cancelling it forgets the answer.
    template <class... Ts>
    boost::asio::awaitable<result<arguments>>
    emit_with_ack(milliseconds timeout, std::string_view event, Ts const&... args) const {
        check_event(event);
        auto const id = next_ack_id();
        return ask(*this, encode_packet(packet_type::event, nsp(), id, event, args...), id,
                   timeout);
    }
    boost::asio::awaitable<result<arguments>>
    emit_with_ack(milliseconds timeout, std::string_view event, arguments const& args) const {
        check_event(event);
        auto const id = next_ack_id();
        return ask(*this, encode_arguments(packet_type::event, nsp(), id, event, args), id,
                   timeout);
    }

    /// Whether it has joined. Exact in handlers, a snapshot elsewhere.
    bool connected() const { return shared_ && shared_->joined.load(std::memory_order_relaxed); }
    /// 20 characters, new for each connect, unless it was recovered. With revision 3 the session's
    /// id, and `/nsp#` in front when it is not `/`. For handlers: empty on other threads.
    std::string id() const;
    /// Whether the last connect has brought back what was there before: the server (4.6 or later,
    /// with `connectionStateRecovery`) has sent what was missed, and rooms and data are as they
    /// were. Such a server adds its offset to each event, as a last argument. Exact in handlers.
    bool recovered() const { return shared_ && shared_->recovered.load(std::memory_order_relaxed); }

  private:
    friend class client;
    explicit client_socket(std::shared_ptr<detail::client_node> const&);

    static void check_event(std::string_view);
    template <class Fn>
    listener_id add(std::string event, Fn fn, bool once, bool front) const {
        using values = typename decltype(detail::signature_of(std::declval<Fn>()))::values;
        static_assert(!detail::has_socket<values>,
                      "socketio::socket is the server's view of a peer: capture the client_socket");
        return add_listener(std::move(event), make_listener(std::move(fn)),
                            detail::registered(detail::listener_kind::event, once, front));
    }
    listener_id add_listener(std::string event, listener, detail::registration) const;
    void remove(detail::listener_kind) const;
    void send(encoded, bool is_volatile) const;
    /// Nothing where each try gets an id of its own.
    std::optional<std::uint64_t> next_ack_id() const {
        if (!shared_ || shared_->queues)
            return std::nullopt;
        return shared_->ack_ids.fetch_add(1, std::memory_order_relaxed);
    }
    void send_with_ack(encoded, std::optional<std::uint64_t> id, milliseconds timeout,
                       ack_callback) const;
    // By value: the coroutine may outlive the handle it was called on.
    static boost::asio::awaitable<result<void>> wait(client_socket);
    static boost::asio::awaitable<result<arguments>> wait_for(client_socket, std::string event,
                                                              milliseconds timeout);
    static boost::asio::awaitable<result<arguments>>
    ask(client_socket, encoded, std::optional<std::uint64_t> id, milliseconds timeout);
    void run(std::function<void(detail::client_node&)> fn, std::function<void()> gone = {}) const;

    std::weak_ptr<detail::client_node> node_;
    std::shared_ptr<detail::client_shared> shared_;
};

} // namespace mad::inline MAD_ABI::socketio

// Bodies come with server.hpp and client.hpp: they need the whole room.

#endif
