#ifndef MAD_SOCKETIO_SERVER_HPP
#define MAD_SOCKETIO_SERVER_HPP

#include <mad/engine/server.hpp>
#include <mad/net/http/server.hpp>
#include <mad/net/io_pool.hpp>
#include <mad/socketio/adapter.hpp>
#include <mad/socketio/nsp.hpp>
#include <mad/socketio/parent_nsp.hpp>
#include <mad/socketio/recovery.hpp>
#include <mad/socketio/static_files.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

namespace detail {
class client_link;
class server_core;
} // namespace detail

/// Settings of a Socket.IO server. Defaults are those of socket.io 4.8 unless said otherwise.
struct server_settings {
    /// The path is `/socket.io/` here.
    engine::server_settings engine = default_engine();
    net::http::server_settings http;

    /// A connection that has joined no namespace in this time is closed.
    milliseconds connect_timeout{45'000};

    /// How long the attachments of one packet may take to arrive; then the connection is closed.
    /// Ours.
    milliseconds attachment_timeout{10'000};

    /// Namespaces of one connection; one more gets a connect error. Ours.
    std::size_t max_namespaces = 8;

    /// Namespaces made by peers that there are at a time; one more gets a connect error. Ours.
    std::size_t max_child_namespaces = 10'000;

    /// Whether a namespace that a peer has made (`server::of_pattern`, `server::of_if`) goes with
    /// its last socket, and with it what it keeps for recovery. Who connects to it next makes it
    /// anew. Off by default, as `cleanupEmptyChildNamespaces` of socket.io 4.6.
    bool cleanup_empty_child_namespaces = false;

    packet_limits packets;

    /// How packets stand on the wire, for all clients of this server.
    packet_parser parser = packet_parser::json;

    /// Unfinished coroutine handlers of one socket; above, its events wait, and reading stops when
    /// a thousand of them do. Ours.
    std::size_t max_unfinished = 64;

    /// Packets a second from one connection, and how many may come at once; over it, reading pauses
    /// and nothing is lost. 0: no limit. Ours.
    double max_packet_rate = 0;
    double packet_burst = 1000;

    /// Lets peers come back after a broken connection: see `recovery_settings`. Off by default.
    std::optional<recovery_settings> recovery;

    /// Who reaches sockets: this node alone by default. One that takes part in recovery makes
    /// `recovery` its own business; only `skip_middlewares` is read here.
    adapter_factory adapter;

    /// A folder with the client's files for browsers, served below the engine's path
    /// (`/socket.io/socket.io.js`): see `mount_client_files`. Empty, the default: none is served.
    /// (The reference brings its own and serves them.)
    std::string client_folder;
    /// What their `ETag` says; empty: it is made of their content.
    std::string client_version;

    logger log;

    static engine::server_settings default_engine() {
        engine::server_settings e;
        e.path = "/socket.io/";
        return e;
    }
};

/// A Socket.IO server: revision 5 of the protocol, and with `engine.handshake.allow_eio3` revision
/// 4 (socket.io 2.x) beside it.
///
///     mad::socketio::server io;
///     io.on_connection([](mad::socketio::socket s) {
///         s.on("hello", [s](std::string name) { s.emit("greeting", "hi " + name); });
///     });
///     io.listen(3000).value();
///     io.wait();
///
/// Handlers of a socket start in order of arrival, on its shard; a coroutine handler is not awaited
/// before the next event starts. Calls may be made from any thread.
class server {
  public:
    /// With threads of its own, which `listen` starts.
    explicit server(server_settings s = {}, std::size_t threads = 1);
    /// On the shards of a pool, which the caller starts.
    explicit server(net::io_pool& pool, server_settings s = {});
    /// On an io_context that the application runs itself, with one thread.
    explicit server(boost::asio::io_context& ctx, server_settings s = {});
    explicit server(std::vector<net::shard*> shards, server_settings s = {});
    ~server();
    server(server const&) = delete;
    server& operator=(server const&) = delete;

    /// A namespace, made on first use. The name gets a `/` in front when it has none.
    nsp of(std::string_view name) const;

    /// Namespaces that are made when a peer connects to a name that fits: `/room-*` (see
    /// `matches_glob`), or a regular expression (`std::regex`, `boost::regex`), which has to match
    /// some part of the name. Names that exist are not asked about; parents are asked in order of
    /// registration.
    parent_nsp of_pattern(std::string glob) const;
    template <class Regex, class = std::enable_if_t<!std::is_convertible_v<Regex, std::string>>>
    parent_nsp of_pattern(Regex re) const {
        return of_matching([re = std::move(re)](std::string_view name) {
            return regex_search(name.begin(), name.end(), re);
        });
    }
    /// The same when `fn(name, auth, next)` says so: see `namespace_check`.
    parent_nsp of_if(namespace_check fn) const;

    /// Calls `fn` for each namespace that is made, by `of` or by a peer, on the thread that makes
    /// it.
    void on_new_namespace(std::function<void(socketio::nsp)> fn) const;

    // The namespace `/`.
    void on_connection(std::function<void(socket)> fn) const {
        root().on_connection(std::move(fn));
    }
    template <class Fn>
    listener_id on(std::string event, Fn fn) const {
        return root().on(std::move(event), std::move(fn));
    }
    void use(middleware m) const { root().use(std::move(m)); }
    template <class... Ts>
    void emit(std::string_view event, Ts const&... args) const {
        root().emit(event, args...);
    }
    template <class... Ts>
    void emit_with_ack(std::function<void(ack_responses)> done, std::string_view event,
                       Ts const&... args) const {
        root().emit_with_ack(std::move(done), event, args...);
    }
    template <class... Ts>
    boost::asio::awaitable<ack_responses> emit_with_ack(std::string_view event,
                                                        Ts const&... args) const {
        return root().emit_with_ack(event, args...);
    }
    broadcast_operator to(room_list rooms) const { return root().to(std::move(rooms)); }
    broadcast_operator in(room_list rooms) const { return root().to(std::move(rooms)); }
    broadcast_operator except(room_list rooms) const { return root().except(std::move(rooms)); }
    broadcast_operator as_volatile() const { return root().as_volatile(); }
    broadcast_operator compress(bool yes) const { return root().compress(yes); }
    broadcast_operator local() const { return root().local(); }
    broadcast_operator timeout(milliseconds t) const { return root().timeout(t); }
    void sockets_join(room_list rooms) const { root().sockets_join(std::move(rooms)); }
    void sockets_leave(room_list rooms) const { root().sockets_leave(std::move(rooms)); }
    void disconnect_sockets(bool close = false) const { root().disconnect_sockets(close); }
    boost::asio::awaitable<result<std::vector<remote_socket>>> fetch_sockets() const {
        return root().fetch_sockets();
    }
    void fetch_sockets(std::function<void(result<std::vector<remote_socket>>)> done) const {
        root().fetch_sockets(std::move(done));
    }

    /// Routes beside the engine path; fill it before `listen`.
    net::http::router& routes();

    /// Listens on loopback, or on `at`. Port 0: the kernel chooses. Several calls are fine.
    result<boost::asio::ip::tcp::endpoint> listen(std::uint16_t port);
    result<boost::asio::ip::tcp::endpoint> listen(boost::asio::ip::tcp::endpoint const& at);
    /// Serves a socket that is listening already.
    result<boost::asio::ip::tcp::endpoint> adopt(int listening_fd);

    /// Ends every session ("server shutting down") and stops listening. From any thread; returns
    /// before it is done. `connections()` and `sessions()` go to 0.
    void close();

    /// Takes no more connections and sessions; those there are go on.
    void drain();

    /// Waits until somebody has called `close` and its sessions have ended, at most so long after.
    /// Not from a handler. Does not wait for signals: see `net::signal_wait`.
    void wait(milliseconds after_close = milliseconds(5000));

    std::size_t sessions() const;
    std::size_t connections() const;

    engine::server& engine() const;
    net::http::server& http() const;

  private:
    parent_nsp of_matching(std::function<bool(std::string_view)> fn) const;
    nsp root() const { return of("/"); }
    result<boost::asio::ip::tcp::endpoint> started(result<boost::asio::ip::tcp::endpoint>);

    std::unique_ptr<net::io_pool> pool_; // its own, if it has one; stopped before the rest dies
    std::unique_ptr<detail::server_core> core_;
};

} // namespace mad::inline MAD_ABI::socketio

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/socketio/impl/broadcast.ipp>
#include <mad/socketio/impl/client_link.ipp>
#include <mad/socketio/impl/nsp.ipp>
#include <mad/socketio/impl/nsp_core.ipp>
#include <mad/socketio/impl/nsp_reach.ipp>
#include <mad/socketio/impl/nsp_table.ipp>
#include <mad/socketio/impl/parent_nsp.ipp>
#include <mad/socketio/impl/rooms.ipp>
#include <mad/socketio/impl/server.ipp>
#include <mad/socketio/impl/socket.ipp>
#include <mad/socketio/impl/socket_events.ipp>
#include <mad/socketio/impl/socket_node.ipp>
#include <mad/socketio/impl/socket_recovery.ipp>
#endif

#endif
