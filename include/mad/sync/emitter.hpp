#ifndef MAD_SYNC_EMITTER_HPP
#define MAD_SYNC_EMITTER_HPP

#include <mad/redis/command.hpp>
#include <mad/socketio/adapter.hpp>
#include <mad/socketio/args.hpp>
#include <mad/socketio/room_list.hpp>
#include <mad/sync/classic_codec.hpp>
#include <mad/sync/message.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mad::inline MAD_ABI::sync {

struct emitter_settings {
    std::string prefix = "socket.io"; ///< that of the nodes
    std::string nsp = "/";
    /// Writes as socket.io-emitter 3.x does, for nodes of socket.io 2.x alone.
    bool compat = false;
};

/// Emits from a process without a server, over the same Redis as nodes with the classic adapter:
/// what @socket.io/redis-emitter 5.1 is for Node, and byte for byte what that sends. A value; every
/// call gives a new one. From any thread, if `publish` is for that.
///
///     mad::redis::client db(ioc, mad::redis::parse_url("redis://localhost").value());
///     mad::sync::emitter out([&db](mad::redis::command c) { db.send(std::move(c)); });
///     out.to("room").emit("news", 1);
///     out.of("/admin").server_side_emit("reload");
class emitter {
  public:
    /// Sends one PUBLISH.
    using publisher = std::function<void(redis::command)>;

    explicit emitter(publisher, emitter_settings = {});

    /// The same for another namespace; `/` is put in front of a name without.
    emitter of(std::string_view nsp) const;
    emitter to(socketio::room_list rooms) const;
    emitter in(socketio::room_list rooms) const { return to(std::move(rooms)); }
    emitter except(socketio::room_list rooms) const;
    emitter as_volatile() const;
    emitter compress(bool yes) const;

    /// Reserved names (`connect`, `disconnect`...) throw std::invalid_argument.
    template <class... Ts>
    void emit(std::string_view event, Ts const&... args) const {
        std::string text;
        socketio::attachment_list attachments;
        socketio::append_args(text, attachments, event, args...);
        send(event, text, attachments);
    }
    void emit(std::string_view event, socketio::arguments const& args) const;

    // On all nodes; not with `compat`, whose nodes have no such requests: std::logic_error.

    void sockets_join(socketio::room_list rooms) const;
    void sockets_leave(socketio::room_list rooms) const;
    void disconnect_sockets(bool close = false) const;
    /// To the `on_server_side` handlers of the nodes. Nobody can answer.
    void server_side_emit(std::string_view event, socketio::arguments const&) const;
    template <class... Ts>
    void server_side_emit(std::string_view event, Ts const&... args) const {
        server_side_emit(event, socketio::arguments{{json(args)...}});
    }

  private:
    void send(std::string_view event, std::string_view json,
              socketio::attachment_list const&) const;
    void request(message_view) const;
    void publish(message_view const&) const;

    publisher publisher_;
    emitter_settings settings_;
    std::shared_ptr<classic_codec const> codec_;
    socketio::target target_;
    socketio::broadcast_flags flags_;
};

} // namespace mad::inline MAD_ABI::sync

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/sync/impl/emitter.ipp>
#endif

#endif
