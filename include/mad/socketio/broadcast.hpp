#ifndef MAD_SOCKETIO_BROADCAST_HPP
#define MAD_SOCKETIO_BROADCAST_HPP

#include <mad/socketio/adapter.hpp>
#include <mad/socketio/encoded.hpp>
#include <mad/socketio/room_list.hpp>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

namespace detail {
class nsp_core;
}

class remote_socket;

/// Who is meant and how, then what: `io.to("a").except("b").emit("news", 1)`. A value; every call
/// gives a new one. From any thread.
class broadcast_operator {
  public:
    explicit broadcast_operator(std::shared_ptr<detail::nsp_core> n)
        : nsp_(std::move(n)) {}

    broadcast_operator to(room_list rooms) const {
        auto b = *this;
        for (auto& r : rooms.names)
            b.target_.rooms.push_back(std::move(r));
        return b;
    }
    broadcast_operator in(room_list rooms) const { return to(std::move(rooms)); }
    broadcast_operator except(room_list rooms) const {
        auto b = *this;
        for (auto& r : rooms.names)
            b.target_.except.push_back(std::move(r));
        return b;
    }
    /// Drops it for receivers that cannot take it at once (`volatile` in JavaScript).
    broadcast_operator as_volatile() const {
        auto b = *this;
        b.flags_.is_volatile = true;
        return b;
    }
    /// Whether wires that can compress may; true by default.
    broadcast_operator compress(bool yes) const {
        auto b = *this;
        b.flags_.compress = yes;
        return b;
    }
    /// This node only.
    broadcast_operator local() const {
        auto b = *this;
        b.flags_.local = true;
        return b;
    }
    /// How long `emit_with_ack` waits. Default 5 s.
    broadcast_operator timeout(milliseconds t) const {
        auto b = *this;
        b.timeout_ = t;
        return b;
    }

    template <class... Ts>
    void emit(std::string_view event, Ts const&... args) const {
        check(event);
        send(encode_packet(packet_type::event, nsp_name(), std::nullopt, event, args...));
    }
    void emit(std::string_view event, arguments const& args) const {
        check(event);
        send(encode_arguments(packet_type::event, nsp_name(), std::nullopt, event, args));
    }

    /// Asks all of them. `done` is called once, from any thread.
    template <class... Ts>
    void emit_with_ack(std::function<void(ack_responses)> done, std::string_view event,
                       Ts const&... args) const {
        check(event);
        auto const id = next_ack_id();
        send_with_ack(encode_packet(packet_type::event, nsp_name(), id, event, args...), id,
                      std::move(done));
    }

    /// The same as a coroutine. Cancelling it forgets the answers.
    template <class... Ts>
    boost::asio::awaitable<ack_responses> emit_with_ack(std::string_view event,
                                                        Ts const&... args) const {
        check(event);
        auto const id = next_ack_id();
        return ask_all(*this, encode_packet(packet_type::event, nsp_name(), id, event, args...),
                       id);
    }

    // What follows is done on all sockets that are meant, on all nodes.

    void sockets_join(room_list rooms) const;
    void sockets_leave(room_list rooms) const;
    void disconnect_sockets(bool close = false) const;

    /// The sockets as they are now. The callback is called from any thread.
    boost::asio::awaitable<result<std::vector<remote_socket>>> fetch_sockets() const {
        return fetch_from(*this);
    }
    void fetch_sockets(std::function<void(result<std::vector<remote_socket>>)>) const;

  private:
    static void check(std::string_view event);
    std::string_view nsp_name() const;
    std::uint64_t next_ack_id() const;
    void send(encoded const&) const;
    void send_with_ack(encoded const&, std::uint64_t id, std::function<void(ack_responses)>) const;
    static boost::asio::awaitable<result<std::vector<remote_socket>>>
        fetch_from(broadcast_operator);
    static boost::asio::awaitable<ack_responses> ask_all(broadcast_operator, encoded,
                                                         std::uint64_t id);

    std::shared_ptr<detail::nsp_core> nsp_; // see `nsp_core::ref`
    target target_;
    broadcast_flags flags_;
    milliseconds timeout_{5000};
};

/// A socket as `fetch_sockets` has found it, here or on another node: a copy of what it was, and a
/// way to reach it. From any thread.
class remote_socket : public socket_info {
  public:
    remote_socket(std::shared_ptr<detail::nsp_core> n, socket_info i)
        : socket_info(std::move(i))
        , nsp_(std::move(n)) {}

    /// This socket alone, for whatever a broadcast can do: `as_volatile`, `timeout`,
    /// `emit_with_ack`.
    broadcast_operator only() const { return broadcast_operator(nsp_).to(id); }

    template <class... Ts>
    void emit(std::string_view event, Ts const&... args) const {
        only().emit(event, args...);
    }
    void join(room_list some) const { only().sockets_join(std::move(some)); }
    void leave(room_list some) const { only().sockets_leave(std::move(some)); }
    void disconnect(bool close = false) const { only().disconnect_sockets(close); }

  private:
    std::shared_ptr<detail::nsp_core> nsp_;
};

} // namespace mad::inline MAD_ABI::socketio

// Bodies come with server.hpp and client.hpp: they need the whole room.

#endif
