#ifndef MAD_SOCKETIO_BROADCAST_HPP
#define MAD_SOCKETIO_BROADCAST_HPP

#include <mad/socketio/adapter.hpp>
#include <mad/socketio/encoded.hpp>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

namespace detail {
class nsp_core;
}

/// Who is meant and how, then what: `io.to("a").except("b").emit("news", 1)`. A value; every call
/// gives a new one. From any thread.
class broadcast_operator {
  public:
    explicit broadcast_operator(detail::nsp_core& n) : nsp_(&n) {}
    broadcast_operator(detail::nsp_core& n, target t) : nsp_(&n), target_(std::move(t)) {}

    broadcast_operator to(std::string room) const {
        auto b = *this;
        b.target_.rooms.push_back(std::move(room));
        return b;
    }
    broadcast_operator in(std::string room) const { return to(std::move(room)); }
    broadcast_operator except(std::string room) const {
        auto b = *this;
        b.target_.except.push_back(std::move(room));
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

    void sockets_join(std::vector<std::string> rooms) const;
    void sockets_leave(std::vector<std::string> rooms) const;
    void disconnect_sockets(bool close = false) const;

    boost::asio::awaitable<result<std::vector<socket_info>>> fetch_sockets() const;
    void fetch_sockets(std::function<void(result<std::vector<socket_info>>)>) const;

  private:
    static void check(std::string_view event);
    std::string_view nsp_name() const;
    std::uint64_t next_ack_id() const;
    void send(encoded const&) const;
    void send_with_ack(encoded const&, std::uint64_t id, std::function<void(ack_responses)>) const;

    detail::nsp_core* nsp_;
    target target_;
    broadcast_flags flags_;
    milliseconds timeout_{5000};
};

} // namespace mad::inline MAD_ABI::socketio

// Bodies come with server.hpp and client.hpp: they need the whole room.

#endif
